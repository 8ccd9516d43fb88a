//! Small integers on sixteen rows, and sums of field elements times them.

use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Sub};

use ark_bn254::{Fr, FrConfig};
use ark_ff::AdditiveGroup;

use super::{
    BITS, Cells, Elements, Ifma, LIMBS, Simd, Words, carried_upper, cells_at, clear, lanes_total,
};
use crate::vector::{
    INTEGER_LIMBS, INTEGERS, IntegerWeight, LANES, OFFSET_ELEMENT, PRODUCT_OFFSET, Ring,
};

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

    /// Eight of them, with 64 bits each.
    #[inline(always)]
    fn half(&self, number: usize) -> Words {
        let eights: &[[i32; LANES]; HALVES] = unsafe { &*self.0.as_ptr().cast() };
        let eight = eights[number].as_ptr();
        Words(unsafe { _mm512_cvtepi32_epi64(_mm256_loadu_si256(eight.cast())) })
    }

    /// Sixteen that are not negative, eight by eight, with 64 bits each.
    #[inline(always)]
    fn halves(&self, vector: usize) -> [Words; 2] {
        let integers = self.0[vector];
        unsafe {
            let low = _mm512_castsi512_si256(integers);
            let high = _mm512_extracti64x4_epi64::<1>(integers);
            [low, high].map(|eight| Words(_mm512_cvtepu32_epi64(eight)))
        }
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

impl Ring for Integers {}

impl Mul for Integers {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.combined(other, |a, b| unsafe { _mm512_mullo_epi32(a, b) })
    }
}

/// Sums in limbs of 52 bits and more.
#[derive(Clone, Copy)]
pub struct IntegerSum([[[Words; INTEGER_LIMBS + 1]; 2]; VECTORS]);

impl IntegerSum {
    #[inline(always)]
    pub fn new(ifma: Ifma) -> Self {
        Self([[[Words::splat(ifma, 0); INTEGER_LIMBS + 1]; 2]; VECTORS])
    }
}

impl crate::vector::IntegerSum for IntegerSum {
    type Vector = Elements<FrConfig>;
    type Integers = Integers;

    #[inline(always)]
    fn add(&mut self, terms: &[(IntegerWeight, Integers)]) {
        for vector in 0..VECTORS {
            let [mut low, mut high] = self.0[vector];
            for (weight, integers) in terms {
                let [a, b] = integers.halves(vector);
                for i in 0..INTEGER_LIMBS {
                    let limb = a.all(weight.0[i]);
                    low[i] = low[i].plus_low(a, limb);
                    high[i] = high[i].plus_low(b, limb);
                    low[i + 1] = low[i + 1].plus_high(a, limb);
                    high[i + 1] = high[i + 1].plus_high(b, limb);
                }
            }
            self.0[vector] = [low, high];
        }
    }

    #[inline(always)]
    fn total(self) -> [Elements<FrConfig>; HALVES] {
        let mut totals = [Ifma(()).splat(Fr::ZERO); HALVES];
        for (half, total) in totals.iter_mut().enumerate() {
            let [a, b, c, d, e, f] = self.0[half / 2][half % 2];
            let zero = a.all(0);
            let mut sum = [zero, zero, zero, zero, a, b, c, d, e, f];
            clear::<FrConfig>(&mut sum, LIMBS - 1);
            // Below 2^300 / 2^52 + p.
            *total = Elements(carried_upper(sum), PhantomData);
        }
        totals
    }

    fn scale() -> Fr {
        Fr::from(1_u64 << BITS)
    }
}

/// A Montgomery form that is not reduced, offset, in each lane.
#[derive(Clone, Copy)]
pub struct IntegerProducts([Words; LIMBS + 1]);

impl IntegerProducts {
    #[inline(always)]
    pub fn new(ifma: Ifma) -> Self {
        Self([Words::splat(ifma, 0); LIMBS + 1])
    }
}

impl crate::vector::IntegerProducts for IntegerProducts {
    type Vector = Elements<FrConfig>;
    type Integers = Integers;

    #[inline(always)]
    fn add<'a>(
        &mut self,
        weights: &[Elements<FrConfig>; HALVES],
        products: impl Iterator<Item = [&'a Integers; 2]> + Clone,
    ) {
        let mut sums = self.0;
        for half in 0..HALVES {
            let mut sum = sums[0].all(PRODUCT_OFFSET);
            for [a, b] in products.clone() {
                sum = sum.plus(a.half(half).times_signed(b.half(half)));
            }
            let weight = &weights[half].0;
            for i in 0..LIMBS {
                sums[i] = sums[i].plus_low(sum, weight[i]);
                sums[i + 1] = sums[i + 1].plus_high(sum, weight[i]);
            }
        }
        self.0 = sums;
    }

    #[inline(always)]
    fn total(self) -> Fr {
        // A lane of a limb has up to 2^8 · 8 · 2 · 2^52.
        lanes_total::<FrConfig>(self.0) - OFFSET_ELEMENT
    }
}
