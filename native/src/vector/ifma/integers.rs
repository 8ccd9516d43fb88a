//! Small integers on sixteen rows, and sums of field elements times them.

use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Sub};

use ark_bn254::{Fr, FrConfig};
use ark_ff::AdditiveGroup;

use super::{
    Cells, DoubleLimbs, Elements, Ifma, LIMBS, MASK, MontConfig, RADIX, Simd, Vector, Words,
    cells_at, reduce,
};
use crate::vector::{INTEGER_LIMBS, INTEGERS, IntegerWeight, LANES};

/// Integers of 32 bits. Like an `Ifma`, they are proof of the instructions.
#[derive(Clone, Copy)]
pub struct Integers([__m512i; VECTORS]);

const WIDTH: usize = 16;
const VECTORS: usize = INTEGERS / WIDTH;
const HALVES: usize = INTEGERS / LANES;

// SAFETY: of each block: there are integers or an `Ifma`, hence the instructions.
impl Integers {
    #[inline(always)]
    pub fn splat(_: Ifma, value: i32) -> Self {
        Self([unsafe { _mm512_set1_epi32(value) }; VECTORS])
    }

    #[inline(always)]
    pub fn signed(ifma: Ifma, values: &[i8; INTEGERS]) -> Self {
        Self::of(ifma, |i| unsafe {
            _mm512_cvtepi8_epi32(_mm_loadu_si128(values[i..].as_ptr().cast()))
        })
    }

    #[inline(always)]
    pub fn read(ifma: Ifma, cells: &Cells, row: usize) -> Self {
        match cells {
            Cells::U8(cells) => {
                let bytes: [u8; INTEGERS] = cells_at(cells, row);
                Self::of(ifma, |i| unsafe {
                    _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes[i..].as_ptr().cast()))
                })
            }
            Cells::U16(cells) => {
                let shorts: [u16; INTEGERS] = cells_at(cells, row);
                Self::of(ifma, |i| unsafe {
                    _mm512_cvtepu16_epi32(_mm256_loadu_si256(shorts[i..].as_ptr().cast()))
                })
            }
            Cells::U32(cells) => Self::from_words(ifma, cells_at(cells, row)),
            Cells::U64(cells) => {
                Self::from_words(ifma, cells_at(cells, row).map(|word: u64| word as u32))
            }
            Cells::U128(cells) => {
                let cells: [[u64; 2]; INTEGERS] = cells_at(cells, row);
                Self::from_words(ifma, cells.map(|words| words[0] as u32))
            }
            Cells::Field(cells) => {
                let cells: [[u64; 4]; INTEGERS] = cells_at(cells, row);
                Self::from_words(ifma, cells.map(|words| words[0] as u32))
            }
        }
    }

    #[inline(always)]
    fn from_words(ifma: Ifma, words: [u32; INTEGERS]) -> Self {
        Self::of(ifma, |i| unsafe {
            _mm512_loadu_si512(words[i..].as_ptr().cast())
        })
    }

    /// Sixteen integers from each multiple of 16 on.
    #[inline(always)]
    fn of(_: Ifma, sixteen: impl Fn(usize) -> __m512i) -> Self {
        let mut vectors = [unsafe { _mm512_setzero_si512() }; VECTORS];
        for i in 0..VECTORS {
            vectors[i] = sixteen(i * WIDTH);
        }
        Self(vectors)
    }

    #[inline(always)]
    fn combined(mut self, other: Self, of: impl Fn(__m512i, __m512i) -> __m512i) -> Self {
        for i in 0..VECTORS {
            self.0[i] = of(self.0[i], other.0[i]);
        }
        self
    }

    /// All, eight by eight, with 64 bits each.
    #[inline(always)]
    fn halves(self) -> [Words; HALVES] {
        let mut halves = [Words(self.0[0]); HALVES];
        for i in 0..VECTORS {
            unsafe {
                let low = _mm512_castsi512_si256(self.0[i]);
                let high = _mm512_extracti64x4_epi64::<1>(self.0[i]);
                halves[2 * i] = Words(_mm512_cvtepi32_epi64(low));
                halves[2 * i + 1] = Words(_mm512_cvtepi32_epi64(high));
            }
        }
        halves
    }
}

impl Add for Integers {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.combined(other, |a, b| unsafe { _mm512_add_epi32(a, b) })
    }
}

impl Sub for Integers {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.combined(other, |a, b| unsafe { _mm512_sub_epi32(a, b) })
    }
}

impl Mul for Integers {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.combined(other, |a, b| unsafe { _mm512_mullo_epi32(a, b) })
    }
}

/// Limbs of 32 bits and more: the sum of 2^(32 i) times limb i.
#[derive(Clone, Copy)]
pub struct IntegerSum([[Words; INTEGER_LIMBS]; HALVES]);

/// 2^32 p, more than the size of a sum: below 2^30 times the largest weight.
const OFFSET: [u64; INTEGER_LIMBS] = {
    let p = FrConfig::MODULUS.0;
    let mut limbs = [0; INTEGER_LIMBS];
    let mut i = 1;
    while i < INTEGER_LIMBS {
        limbs[i] = p[(i - 1) / 2] >> (32 * ((i - 1) % 2)) & u32::MAX as u64;
        i += 1;
    }
    limbs[INTEGER_LIMBS - 1] = p[3];
    limbs
};

impl IntegerSum {
    #[inline(always)]
    pub fn new(ifma: Ifma) -> Self {
        Self([[Words::splat(ifma, 0); INTEGER_LIMBS]; HALVES])
    }
}

impl crate::vector::IntegerSum for IntegerSum {
    type Vector = Elements<FrConfig>;
    type Integers = Integers;

    #[inline(always)]
    fn add(&mut self, weight: &IntegerWeight, integers: Integers) {
        let halves = integers.halves();
        for i in 0..INTEGER_LIMBS {
            let limb = halves[0].all(weight.0[i] as u64);
            for half in 0..HALVES {
                let product = unsafe { _mm512_mul_epi32(halves[half].0, limb.0) };
                self.0[half][i] = self.0[half][i].plus(Words(product));
            }
        }
    }

    #[inline(always)]
    fn total(self) -> [Elements<FrConfig>; HALVES] {
        let mut totals = [Ifma(()).splat(Fr::ZERO); HALVES];
        for half in 0..HALVES {
            // SAFETY: there are words, hence the instructions.
            totals[half] = unsafe { total(self.0[half]) };
        }
        totals
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn total(mut limbs: [Words; INTEGER_LIMBS]) -> Elements<FrConfig> {
    let low = limbs[0].all(u64::from(u32::MAX));
    let offset = OFFSET.map(|limb| low.all(limb));
    limbs[0] = limbs[0].plus(offset[0]);
    for i in 0..INTEGER_LIMBS - 1 {
        let carry = limbs[i].signed_right::<32>();
        limbs[i + 1] = limbs[i + 1].plus(offset[i + 1]).plus(carry);
        limbs[i] = limbs[i].and(low);
    }
    let [a, b, c, d, e, f, g, h] = limbs;
    let [s, t, u, v] = [(a, b), (c, d), (e, f), (g, h)].map(|(x, y)| x.or(y.left::<32>()));
    let w = h.right::<32>();
    let (mask, zero) = (low.all(MASK), low.all(0));
    let sum: DoubleLimbs = [
        s.and(mask),
        s.right_with::<52>(t).and(mask),
        t.right_with::<40>(u).and(mask),
        u.right_with::<28>(v).and(mask),
        v.right_with::<16>(w).and(mask),
        w.right::<4>(),
        zero,
        zero,
        zero,
        zero,
    ];
    const { assert!(2 * LIMBS == 10) };
    // Below 2^287 / 2^260 + p.
    let reduced = Elements::<FrConfig>(reduce::<FrConfig>(sum), PhantomData);
    reduced.times(Ifma(()).splat(*RADIX).factor())
}
