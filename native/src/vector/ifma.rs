//! Vectors in five limbs of 52 bits each, for AVX-512 IFMA.
//!
//! `vpmadd52` multiplies the low 52 bits of its operands and adds the low or the high 52 bits of the
//! product: Montgomery multiplication divides by 2^260 here. The library divides by 2^256, so a right
//! operand is shifted by four bits first. 2^256 is above 5p: with operands below 2p and 16 · 2p the
//! product, (2p · 32p + 2^260 p) / 2^260, is below 2p again.

// What iterators call is compiled apart, without the instructions: loops over limbs are plain ones.
#![allow(clippy::needless_range_loop)]

mod integers;

use std::arch::asm;
use std::arch::x86_64::*;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Sub};
use std::sync::LazyLock;

use ark_bn254::{Fr, FrConfig};
use ark_ff::{BigInt, MontConfig};

use self::integers::{IntegerProducts, IntegerSum, Integers};
use super::{INTEGERS, Kernel, LANES, LaneSums, Multiples, Packed, Products, Ring, Simd, Vector};
use crate::arithmetic::{Element, residue};
use crate::column::Cells;

const LIMBS: usize = 5;
const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// Proof that the processor has the instructions; the vectors that come from it are proofs as well.
#[derive(Clone, Copy)]
pub struct Ifma(());

impl Ifma {
    pub fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("adx");
        found.then_some(Self(()))
    }

    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2,bmi2,adx")]
        fn with_instructions<K: Kernel>(ifma: Ifma, kernel: K) -> K::Output {
            kernel.run(ifma)
        }
        // SAFETY: `self` is proof that the processor has these instructions.
        unsafe { with_instructions(self, kernel) }
    }
}

/// Eight words of 64 bits. Like an `Ifma`, one is proof of the instructions.
#[derive(Clone, Copy)]
struct Words(__m512i);

// SAFETY: of each block: there are words, hence the instructions.
impl Words {
    #[inline(always)]
    fn splat(_: Ifma, word: u64) -> Self {
        Self(unsafe { _mm512_set1_epi64(word as i64) })
    }

    /// This word in all lanes.
    #[inline(always)]
    fn all(self, word: u64) -> Self {
        Self(unsafe { _mm512_set1_epi64(word as i64) })
    }

    #[inline(always)]
    fn bytes(self, words: [u8; LANES]) -> Self {
        let words = i64::from_le_bytes(words);
        Self(unsafe { _mm512_cvtepu8_epi64(_mm_set_epi64x(0, words)) })
    }

    #[inline(always)]
    fn shorts(self, words: [u16; LANES]) -> Self {
        Self(unsafe { _mm512_cvtepu16_epi64(_mm_loadu_si128(words.as_ptr().cast())) })
    }

    #[inline(always)]
    fn longs(self, words: [u32; LANES]) -> Self {
        Self(unsafe { _mm512_cvtepu32_epi64(_mm256_loadu_si256(words.as_ptr().cast())) })
    }

    #[inline(always)]
    fn quads(self, words: [u64; LANES]) -> Self {
        Self(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
    }

    /// These limbs in all lanes.
    #[inline(always)]
    fn limbs(self, limbs: [u64; LIMBS]) -> [Self; LIMBS] {
        let [a, b, c, d, e] = limbs;
        [
            self.all(a),
            self.all(b),
            self.all(c),
            self.all(d),
            self.all(e),
        ]
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(unsafe { _mm512_or_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn left<const BITS: u32>(self) -> Self {
        Self(unsafe { _mm512_slli_epi64::<BITS>(self.0) })
    }

    #[inline(always)]
    fn right<const BITS: u32>(self) -> Self {
        Self(unsafe { _mm512_srli_epi64::<BITS>(self.0) })
    }

    #[inline(always)]
    fn signed_right<const BITS: u32>(self) -> Self {
        Self(unsafe { _mm512_srai_epi64::<BITS>(self.0) })
    }

    /// The low word of 2^64 high + self, shifted.
    #[inline(always)]
    fn right_with<const BITS: i32>(self, high: Self) -> Self {
        Self(unsafe { _mm512_shrdi_epi64::<BITS>(self.0, high.0) })
    }

    /// Add the low 52 bits of the product of the low 52 bits of a and b.
    #[inline(always)]
    fn plus_low(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_madd52lo_epu64(self.0, a.0, b.0) })
    }

    /// Add the high 52 bits of the product of the low 52 bits of a and b.
    #[inline(always)]
    fn plus_high(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_madd52hi_epu64(self.0, a.0, b.0) })
    }

    /// The product of the low 32 bits, with their signs.
    #[inline(always)]
    fn times_signed(self, other: Self) -> Self {
        Self(unsafe { _mm512_mul_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn negative(self) -> __mmask8 {
        unsafe { _mm512_movepi64_mask(self.0) }
    }

    #[inline(always)]
    fn zero(self) -> __mmask8 {
        unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
    }

    /// The lanes in which both are equal.
    #[inline(always)]
    fn equal(self, other: Self) -> __mmask8 {
        unsafe { _mm512_cmpeq_epi64_mask(self.0, other.0) }
    }

    /// The lanes in which this is less, both with signs.
    #[inline(always)]
    fn less_than(self, other: Self) -> __mmask8 {
        unsafe { _mm512_cmplt_epi64_mask(self.0, other.0) }
    }

    /// Subtract `other` in the lanes of `mask`.
    #[inline(always)]
    fn minus_where(self, mask: __mmask8, other: Self) -> Self {
        Self(unsafe { _mm512_mask_sub_epi64(self.0, mask, self.0, other.0) })
    }

    /// Add `other` in the lanes of `mask`.
    #[inline(always)]
    fn plus_where(self, mask: __mmask8, other: Self) -> Self {
        Self(unsafe { _mm512_mask_add_epi64(self.0, mask, self.0, other.0) })
    }

    /// other - self in the lanes of `mask`.
    #[inline(always)]
    fn taken_from_where(self, mask: __mmask8, other: Self) -> Self {
        Self(unsafe { _mm512_mask_sub_epi64(self.0, mask, other.0, self.0) })
    }

    /// `other` in the lanes of `mask`.
    #[inline(always)]
    fn or_where(self, mask: __mmask8, other: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_epi64(mask, self.0, other.0) })
    }

    /// The lower half of this, then the lower half of `other`.
    #[inline(always)]
    fn lower_halves(self, other: Self) -> Self {
        Self(unsafe { _mm512_shuffle_i64x2::<0x44>(self.0, other.0) })
    }

    /// The upper half of this, then the upper half of `other`.
    #[inline(always)]
    fn upper_halves(self, other: Self) -> Self {
        Self(unsafe { _mm512_shuffle_i64x2::<0xee>(self.0, other.0) })
    }

    /// Words 0 and 1 of the halves of both, in turn: with halves a, b and c, d
    /// a0 b0 c0 d0 a1 b1 c1 d1.
    #[inline(always)]
    fn first_words(self, other: Self) -> Self {
        Self(unsafe {
            let order = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13);
            _mm512_permutex2var_epi64(self.0, order, other.0)
        })
    }

    /// The same with words 2 and 3.
    #[inline(always)]
    fn last_words(self, other: Self) -> Self {
        Self(unsafe {
            let order = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_permutex2var_epi64(self.0, order, other.0)
        })
    }

    #[inline(always)]
    fn to_array(self) -> [u64; LANES] {
        let mut words = [0; LANES];
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), self.0) };
        words
    }
}

/// Two elements side by side.
#[inline(always)]
fn two<C: MontConfig<4>>(_: Ifma, low: &Element<C>, high: &Element<C>) -> Words {
    const { assert!(size_of::<Element<C>>() == size_of::<__m256i>()) };
    // SAFETY: elements are their 32 bytes, and there are the instructions.
    Words(unsafe {
        let low = _mm256_loadu_si256((low as *const Element<C>).cast());
        let high = _mm256_loadu_si256((high as *const Element<C>).cast());
        _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
    })
}

/// Eight words at a line of the cache.
#[inline(always)]
fn line_words(_: Ifma, packed: &Packed, line: usize) -> Words {
    // SAFETY: packed elements begin at a line, and there are the instructions.
    Words(unsafe { _mm512_load_si512(packed.0[line].as_ptr().cast()) })
}

/// From pairs of elements to words 0 of all elements, words 1, ...
#[inline(always)]
fn transpose(pairs: [Words; 4]) -> [Words; 4] {
    let [a, b, c, d] = pairs;
    let (low, high) = (a.first_words(b), c.first_words(d));
    let (low_last, high_last) = (a.last_words(b), c.last_words(d));
    [
        low.lower_halves(high),
        low.upper_halves(high),
        low_last.lower_halves(high_last),
        low_last.upper_halves(high_last),
    ]
}

/// The way back.
#[inline(always)]
fn transpose_back(words: [Words; 4]) -> [Words; 4] {
    let [a, b, c, d] = words;
    let (low, high) = (a.lower_halves(b), a.upper_halves(b));
    let (low_last, high_last) = (c.lower_halves(d), c.upper_halves(d));
    [
        low.first_words(low_last),
        low.last_words(low_last),
        high.first_words(high_last),
        high.last_words(high_last),
    ]
}

/// The limbs of `times` times the modulus.
const fn multiple<C: MontConfig<4>>(times: u64) -> [u64; LIMBS] {
    let words = C::MODULUS.0;
    let mut limbs = [
        words[0] & MASK,
        (words[0] >> 52 | words[1] << 12) & MASK,
        (words[1] >> 40 | words[2] << 24) & MASK,
        (words[2] >> 28 | words[3] << 36) & MASK,
        words[3] >> 16,
    ];
    let (mut i, mut carry) = (0, 0);
    while i < LIMBS {
        let limb = limbs[i] * times + carry;
        limbs[i] = limb & MASK;
        carry = limb >> BITS;
        i += 1;
    }
    limbs
}

/// See `Elements::MINUS_ONE`.
const fn minus_one<C: MontConfig<4>>() -> [u64; LIMBS] {
    let (modulus, times) = (multiple::<C>(1), C::INV & MASK);
    let (mut limbs, mut i) = ([0; LIMBS], 1);
    let mut carry = (modulus[0] as u128 * times as u128 + 1) >> BITS;
    while i < LIMBS {
        carry += modulus[i] as u128 * times as u128;
        limbs[i - 1] = carry as u64 & MASK;
        carry >>= BITS;
        i += 1;
    }
    limbs[LIMBS - 1] = carry as u64;
    limbs
}

/// Elements below 2p, in Montgomery form for 2^256; every limb has at most 52 bits.
pub struct Elements<C>([Words; LIMBS], PhantomData<C>);

/// The same times 16, modulo 2^260; bits above the 52 of a limb are to be ignored.
#[derive(Clone, Copy)]
pub struct Factor([Words; LIMBS]);

/// A right operand of products below 8p; bits above the 52 of a limb are to be ignored.
#[derive(Clone, Copy)]
pub struct Operand([Words; LIMBS]);

impl<C> From<Elements<C>> for Operand {
    #[inline(always)]
    fn from(elements: Elements<C>) -> Self {
        Self(elements.0)
    }
}

/// 2^260.
static RADIX: LazyLock<Fr> =
    LazyLock::new(|| Fr::new(BigInt([0, 0, 0, 1 << 60])) * Fr::from(1_u64 << 8));

/// A reduced factor of integers, in Montgomery form for 2^516.
#[derive(Clone, Copy)]
pub struct Weight([Words; LIMBS]);

/// An integer: the sum of limbs times powers of 2^52.
#[derive(Clone, Copy)]
pub struct Sum([Words; 2 * LIMBS]);

impl<C> Copy for Elements<C> {}

impl<C> Clone for Elements<C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

/// Carry on what exceeds 52 bits or is negative.
#[inline(always)]
fn carry(limbs: &mut [Words; LIMBS]) {
    let mask = limbs[0].all(MASK);
    for i in 0..LIMBS - 1 {
        limbs[i + 1] = limbs[i + 1].plus(limbs[i].signed_right::<BITS>());
        limbs[i] = limbs[i].and(mask);
    }
}

/// The same, but what exceeds 52 bits is left where it is as well.
#[inline(always)]
fn carried_loosely(mut limbs: [Words; LIMBS]) -> [Words; LIMBS] {
    for i in 0..LIMBS - 1 {
        limbs[i + 1] = limbs[i + 1].plus(limbs[i].signed_right::<BITS>());
    }
    limbs
}

impl<C: MontConfig<4>> Elements<C> {
    const MODULUS: [u64; LIMBS] = multiple::<C>(1);
    const TWICE: [u64; LIMBS] = multiple::<C>(2);
    const FOUR_TIMES: [u64; LIMBS] = multiple::<C>(4);
    /// The multiple of p that is -1 modulo 2^52, plus 1, over 2^52.
    const MINUS_ONE: [u64; LIMBS] = minus_one::<C>();

    #[inline(always)]
    fn from_words(words: [Words; 4]) -> Self {
        let [a, b, c, d] = words;
        let mask = a.all(MASK);
        let limbs = [
            a.and(mask),
            a.right_with::<52>(b).and(mask),
            b.right_with::<40>(c).and(mask),
            c.right_with::<28>(d).and(mask),
            d.right::<16>(),
        ];
        Self(limbs, PhantomData)
    }

    /// Four words of each element.
    #[inline(always)]
    fn words(self) -> [Words; 4] {
        let [a, b, c, d, e] = self.0;
        // A limb at the top of its word: the one above it comes in.
        [
            a.or(b.left::<52>()),
            b.left::<12>().right_with::<24>(c),
            c.left::<12>().right_with::<36>(d),
            d.left::<12>().right_with::<48>(e),
        ]
    }

    /// Subtract a multiple of p where nothing becomes negative.
    #[inline(always)]
    fn less(self, multiple: [u64; LIMBS]) -> Self {
        let multiple = self.0[0].limbs(multiple);
        let mut limbs = self.0;
        for i in 0..LIMBS {
            limbs[i] = limbs[i].minus(multiple[i]);
        }
        carry(&mut limbs);
        let negative = limbs[LIMBS - 1].negative();
        for i in 0..LIMBS {
            limbs[i] = limbs[i].or_where(negative, self.0[i]);
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn reduced(self) -> Self {
        self.less(Self::MODULUS)
    }

    /// self - other + 2p, not carried.
    #[inline(always)]
    fn difference(self, other: Self) -> Limbs {
        let twice = self.0[0].limbs(Self::TWICE);
        let mut limbs = self.0;
        for i in 0..LIMBS {
            limbs[i] = limbs[i].minus(other.0[i]).plus(twice[i]);
        }
        limbs
    }

    /// From limbs of any sign, the number being less than this multiple of p from zero.
    #[inline(always)]
    fn from_signed(mut limbs: Limbs, multiple: [u64; LIMBS]) -> Self {
        let negative = carried_loosely(limbs)[LIMBS - 1].negative();
        let multiple = limbs[0].limbs(multiple);
        for i in 0..LIMBS {
            limbs[i] = limbs[i].plus_where(negative, multiple[i]);
        }
        carry(&mut limbs);
        Self(limbs, PhantomData)
    }

    /// From limbs of any sign, the number being between -2p and 1.5p; reduced.
    #[inline(always)]
    fn reduced_from(mut limbs: Limbs) -> Self {
        const { assert!(Self::MODULUS[LIMBS - 1] > 1 << 40) };
        let half = Self::MODULUS[LIMBS - 1] / 2;
        // Nearly the number over 2^208: enough to come less than p from zero.
        let top = limbs[LIMBS - 1].plus(limbs[LIMBS - 2].signed_right::<BITS>());
        let is_low = top.less_than(top.all(half.wrapping_neg()));
        let is_high = top.all(half).less_than(top);
        let modulus = top.limbs(Self::MODULUS);
        for i in 0..LIMBS {
            limbs[i] = limbs[i].plus_where(is_low, modulus[i]);
            limbs[i] = limbs[i].minus_where(is_high, modulus[i]);
        }
        Self::from_signed(limbs, Self::MODULUS)
    }
}

type Limbs = [Words; LIMBS];
type DoubleLimbs = [Words; 2 * LIMBS];

/// sum + 2^(52 i) a b.
///
/// In this order no product waits for the one before; compilers would add up limb by limb.
#[inline(always)]
fn add_row(sum: &mut DoubleLimbs, i: usize, a: Words, b: &Limbs) {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn ordered([r, s, t, u, v, w]: &mut [Words; LIMBS + 1], a: Words, b: &Limbs) {
        // SAFETY: these instructions change nothing else.
        unsafe {
            asm!(
                "vpmadd52luq {r}, {a}, {b}",
                "vpmadd52luq {s}, {a}, {c}",
                "vpmadd52luq {t}, {a}, {d}",
                "vpmadd52luq {u}, {a}, {e}",
                "vpmadd52luq {v}, {a}, {f}",
                "vpmadd52huq {s}, {a}, {b}",
                "vpmadd52huq {t}, {a}, {c}",
                "vpmadd52huq {u}, {a}, {d}",
                "vpmadd52huq {v}, {a}, {e}",
                "vpmadd52huq {w}, {a}, {f}",
                r = inout(zmm_reg) r.0,
                s = inout(zmm_reg) s.0,
                t = inout(zmm_reg) t.0,
                u = inout(zmm_reg) u.0,
                v = inout(zmm_reg) v.0,
                w = inout(zmm_reg) w.0,
                a = in(zmm_reg) a.0,
                b = in(zmm_reg) b[0].0,
                c = in(zmm_reg) b[1].0,
                d = in(zmm_reg) b[2].0,
                e = in(zmm_reg) b[3].0,
                f = in(zmm_reg) b[4].0,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
    }
    if let Some(limbs) = sum[i..].first_chunk_mut() {
        // SAFETY: there are words, hence the instructions.
        unsafe { ordered(limbs, a, b) };
    }
}

/// Add a multiple of 2^(52 i) p that clears limb i, and carry its upper bits on.
///
/// The low limbs are cleared by multiples of a larger multiple of p that is -1 modulo 2^52, so that
/// the limb is the factor. All that adds less than 2^208 p.
#[inline(always)]
fn clear<C: MontConfig<4>>(sum: &mut DoubleLimbs, i: usize) {
    let zero = sum[0].all(0);
    if i < LIMBS - 2 {
        sum[i + 1] = sum[i + 1].plus(sum[i].right::<BITS>());
        add_row(sum, i + 1, sum[i], &zero.limbs(Elements::<C>::MINUS_ONE));
        return;
    }
    let modulus = zero.limbs(Elements::<C>::MODULUS);
    let k = zero.plus_low(sum[i], zero.all(C::INV & MASK));
    // The next limb is waited for: its three parts are found side by side.
    let cleared = sum[i].plus_low(k, modulus[0]);
    let high = zero.plus_high(k, modulus[0]);
    sum[i + 1] = sum[i + 1].plus_low(k, modulus[1]);
    sum[i + 1] = sum[i + 1].plus(cleared.right::<BITS>().plus(high));
    for j in 2..LIMBS {
        sum[i + j] = sum[i + j].plus_low(k, modulus[j]);
    }
    for j in 1..LIMBS {
        sum[i + j + 1] = sum[i + j + 1].plus_high(k, modulus[j]);
    }
}

/// The upper half, not carried.
#[inline(always)]
fn upper(sum: DoubleLimbs) -> Limbs {
    let [_, _, _, _, _, a, b, c, d, e] = sum;
    [a, b, c, d, e]
}

/// The upper half, carried; the highest limb holds what is left.
#[inline(always)]
fn carried_upper(mut sum: DoubleLimbs) -> Limbs {
    let mask = sum[0].all(MASK);
    for i in LIMBS..2 * LIMBS - 1 {
        sum[i + 1] = sum[i + 1].plus(sum[i].right::<BITS>());
        sum[i] = sum[i].and(mask);
    }
    upper(sum)
}

/// sum + a b. Too long to be inlined everywhere, like the three after it.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn add_product(sum: &mut DoubleLimbs, a: &Limbs, b: &Limbs) {
    for i in 0..LIMBS {
        add_row(sum, i, a[i], b);
    }
}

/// The sum plus the products of both pairs of numbers, one of `a` and one of `b`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn add_two_products(sum: &mut DoubleLimbs, a: [&Limbs; 2], b: [&Limbs; 2]) {
    for i in 0..LIMBS {
        add_row(sum, i, a[0][i], b[0]);
        add_row(sum, i, a[1][i], b[1]);
    }
}

/// sum / 2^260 modulo p.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn reduce<C: MontConfig<4>>(mut sum: DoubleLimbs) -> Limbs {
    for i in 0..LIMBS {
        clear::<C>(&mut sum, i);
    }
    carried_upper(sum)
}

/// A sum whose upper half is a b / 2^260 modulo p, not carried.
#[inline(always)]
fn cleared_product<C: MontConfig<4>>(a: &Limbs, b: &Limbs) -> DoubleLimbs {
    let mut sum = [a[0].all(0); 2 * LIMBS];
    add_row(&mut sum, 0, a[0], b);
    // Clearing is a chain of dependent steps: it begins as early as it can.
    for i in 1..LIMBS {
        add_row(&mut sum, i, a[i], b);
        clear::<C>(&mut sum, i - 1);
    }
    clear::<C>(&mut sum, LIMBS - 1);
    sum
}

/// a b / 2^260 modulo p.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn product<C: MontConfig<4>>(a: &Limbs, b: &Limbs) -> Limbs {
    carried_upper(cleared_product::<C>(a, b))
}

/// The same, not carried.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn loose_product<C: MontConfig<4>>(a: &Limbs, b: &Limbs) -> Limbs {
    upper(cleared_product::<C>(a, b))
}

/// a b / 2^260 + c modulo p, for c below 2^256.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn product_plus<C: MontConfig<4>>(a: &Limbs, b: &Limbs, c: &Limbs) -> Limbs {
    let zero = a[0].all(0);
    let [v, w, x, y, z] = *c;
    let mut sum = [zero, zero, zero, zero, zero, v, w, x, y, z];
    add_row(&mut sum, 0, a[0], b);
    for i in 1..LIMBS {
        add_row(&mut sum, i, a[i], b);
        clear::<C>(&mut sum, i - 1);
    }
    clear::<C>(&mut sum, LIMBS - 1);
    carried_upper(sum)
}

/// a^2 / 2^260 modulo p, not carried.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn loose_square<C: MontConfig<4>>(a: &Limbs) -> Limbs {
    let mut sum = [a[0].all(0); 2 * LIMBS];
    // Products of different limbs, which come twice.
    for i in 0..LIMBS {
        for j in i + 1..LIMBS {
            sum[i + j] = sum[i + j].plus_low(a[i], a[j]);
            sum[i + j + 1] = sum[i + j + 1].plus_high(a[i], a[j]);
        }
    }
    for i in 1..2 * LIMBS - 1 {
        sum[i] = sum[i].plus(sum[i]);
    }
    for i in 0..LIMBS {
        sum[2 * i] = sum[2 * i].plus_low(a[i], a[i]);
        sum[2 * i + 1] = sum[2 * i + 1].plus_high(a[i], a[i]);
    }
    for i in 0..LIMBS {
        clear::<C>(&mut sum, i);
    }
    upper(sum)
}

/// (a b + c d) / 2^260 modulo p.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn two_products<C: MontConfig<4>>(a: &Limbs, b: &Limbs, c: &Limbs, d: &Limbs) -> Limbs {
    let mut sum = [a[0].all(0); 2 * LIMBS];
    add_row(&mut sum, 0, a[0], b);
    add_row(&mut sum, 0, c[0], d);
    for i in 1..LIMBS {
        add_row(&mut sum, i, a[i], b);
        add_row(&mut sum, i, c[i], d);
        clear::<C>(&mut sum, i - 1);
    }
    clear::<C>(&mut sum, LIMBS - 1);
    carried_upper(sum)
}

/// The sum of all values times their factors / 2^260 modulo p.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma,avx512vbmi2")]
fn four_products<C: MontConfig<4>>(values: [&Limbs; 4], factors: &[Factor; 4]) -> Limbs {
    let mut sum = [values[0][0].all(0); 2 * LIMBS];
    for i in 0..LIMBS {
        for k in 0..4 {
            add_row(&mut sum, i, values[k][i], &factors[k].0);
        }
        if i > 0 {
            clear::<C>(&mut sum, i - 1);
        }
    }
    clear::<C>(&mut sum, LIMBS - 1);
    carried_upper(sum)
}

impl Simd for Ifma {
    type Vector<C: MontConfig<4>> = Elements<C>;
    type Weight = Weight;
    type Weights = Weight;
    type LaneSums = Sum;
    type Multiples = Sum;
    type Integers = Integers;
    type IntegerSum = IntegerSum;
    type IntegerProducts = IntegerProducts;

    #[inline(always)]
    fn load<C: MontConfig<4>>(self, elements: &[Element<C>; LANES]) -> Elements<C> {
        let [a, b, c, d, e, f, g, h] = elements;
        self.gather([a, b, c, d, e, f, g, h])
    }

    #[inline(always)]
    fn gather<C: MontConfig<4>>(self, elements: [&Element<C>; LANES]) -> Elements<C> {
        let [a, b, c, d, e, f, g, h] = elements;
        let pairs = [
            two(self, a, b),
            two(self, c, d),
            two(self, e, f),
            two(self, g, h),
        ];
        Elements::from_words(transpose(pairs))
    }

    #[inline(always)]
    fn splat<C: MontConfig<4>>(self, element: Element<C>) -> Elements<C> {
        let [a, b, c, d] = element.0.0;
        Elements::from_words([
            Words::splat(self, a),
            Words::splat(self, b),
            Words::splat(self, c),
            Words::splat(self, d),
        ])
    }

    #[inline(always)]
    fn unpack<C: MontConfig<4>>(self, packed: &Packed) -> Elements<C> {
        Elements::from_words([
            line_words(self, packed, 0),
            line_words(self, packed, 1),
            line_words(self, packed, 2),
            line_words(self, packed, 3),
        ])
    }

    #[inline(always)]
    fn signs(self, words: &[[u32; 3]; LANES]) -> [u8; 2] {
        let words: *const u32 = words.as_ptr().cast();
        // SAFETY: there are 24 words, and the instructions.
        let signs = unsafe {
            let (low, high) = (
                _mm512_loadu_si512(words.cast()),
                _mm256_loadu_si256(words.add(16).cast()),
            );
            let order = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 1, 4, 7, 10, 13, 16, 19, 22);
            let high = _mm512_castsi256_si512(high);
            _mm512_movepi32_mask(_mm512_permutex2var_epi32(low, order, high))
        };
        signs.to_le_bytes()
    }

    #[inline(always)]
    fn weight(self, x: Fr) -> Weight {
        Weight(self.splat(x * *RADIX).0)
    }

    #[inline(always)]
    fn weights(self, elements: Elements<FrConfig>) -> Weight {
        Weight(elements.times(self.splat(*RADIX).factor()).reduced().0)
    }

    #[inline(always)]
    fn multiples(self) -> Sum {
        self.sum::<FrConfig>()
    }

    #[inline(always)]
    fn integer(self, value: i32) -> Integers {
        Integers::splat(self, value)
    }

    #[inline(always)]
    fn integers(self, cells: &Cells, row: usize) -> Integers {
        Integers::read(self, cells, row)
    }

    #[inline(always)]
    fn small_integers(self, values: &[i8; INTEGERS]) -> Integers {
        Integers::signed(self, values)
    }

    #[inline(always)]
    fn integer_sum(self) -> IntegerSum {
        IntegerSum::new(self)
    }

    #[inline(always)]
    fn integer_products(self) -> IntegerProducts {
        IntegerProducts::new(self)
    }

    #[inline(always)]
    fn line_at<C: MontConfig<4>>(self, x: Element<C>) -> [Factor; 2] {
        let opposite = Element::<C>::from(1_u64) - x;
        [self.splat(opposite).factor(), self.splat(x).factor()]
    }

    #[inline(always)]
    fn bilinear_at<C: MontConfig<4>>(self, [x, y]: [Element<C>; 2]) -> [Factor; 4] {
        let (one, both) = (Element::<C>::from(1_u64), x * y);
        let factor = |weight| Factor(self.splat::<C>(weight * Element::<C>::from(16_u64)).0);
        [
            factor(one - x - y + both),
            factor(y - both),
            factor(x - both),
            factor(both),
        ]
    }

    #[inline(always)]
    fn sum<C: MontConfig<4>>(self) -> Sum {
        Sum([Words::splat(self, 0); 2 * LIMBS])
    }

    #[inline(always)]
    fn lane_sums(self) -> Sum {
        self.sum::<FrConfig>()
    }
}

impl<C: MontConfig<4>> Vector<C> for Elements<C> {
    type Factor = Factor;
    type Line = [Factor; 2];
    /// The factors of the corners, below p.
    type Bilinear = [Factor; 4];
    type Sum = Sum;
    type Operand = Operand;

    /// 2^260 / 2^256.
    const SCALE: u64 = 16;
    const ROOT: u64 = 4;

    #[inline(always)]
    fn store(self, elements: &mut [Element<C>; LANES]) {
        self.reduced().store_reduced(elements);
    }

    #[inline(always)]
    fn store_reduced(self, elements: &mut [Element<C>; LANES]) {
        let target: *mut Element<C> = elements.as_mut_ptr();
        let pairs = transpose_back(self.words());
        for i in 0..4 {
            // SAFETY: elements are their 32 bytes, as in `two`; there are eight, and these are reduced.
            unsafe { _mm512_storeu_si512(target.add(2 * i).cast(), pairs[i].0) };
        }
    }

    #[inline(always)]
    fn pack(self, packed: &mut Packed) {
        // Below 2p, elements fit their words.
        let words = self.words();
        for i in 0..4 {
            // SAFETY: as in `line_words`.
            unsafe { _mm512_store_si512(packed.0[i].as_mut_ptr().cast(), words[i].0) };
        }
    }

    #[inline(always)]
    fn negate_where(self, signs: u8) -> Self {
        let twice = self.0[0].limbs(Self::TWICE);
        let mut limbs = self.0;
        for i in 0..LIMBS {
            // Not carried: differences are.
            limbs[i] = limbs[i].taken_from_where(signs, twice[i]);
        }
        Self(limbs, PhantomData)
    }

    #[inline(always)]
    fn factor(self) -> Factor {
        let mut limbs = self.0;
        limbs[0] = limbs[0].left::<4>();
        for i in 1..LIMBS {
            // The limb below at the top of its word: its highest bits come in.
            limbs[i] = self.0[i - 1].left::<12>().right_with::<60>(self.0[i]);
        }
        Factor(limbs)
    }

    #[inline(always)]
    fn times(self, factor: Factor) -> Self {
        // SAFETY: there are vectors, hence the instructions; so below.
        Self(unsafe { product::<C>(&self.0, &factor.0) }, PhantomData)
    }

    #[inline(always)]
    fn times_plus(self, a: Factor, other: Self, b: Factor) -> Self {
        let sum = unsafe { two_products::<C>(&self.0, &a.0, &other.0, &b.0) };
        // Below 2 · 2p · 32p / 2^260 + p < 3p.
        Self(sum, PhantomData).less(Self::MODULUS)
    }

    #[inline(always)]
    fn plus_product(self, a: Self, b: Factor) -> Self {
        // Below 2p + 2p · 32p / 2^260 + p < 4p.
        let sum = unsafe { product_plus::<C>(&a.0, &b.0, &self.0) };
        Self(sum, PhantomData).less(Self::TWICE)
    }

    #[inline(always)]
    fn line(self, high: Self, x: [Factor; 2]) -> Self {
        let sum = unsafe { two_products::<C>(&self.0, &x[0].0, &high.0, &x[1].0) };
        // The factors are reduced: below 2 · 2p · 16p / 2^260 + p < 2p.
        Self(sum, PhantomData)
    }

    #[inline(always)]
    fn bilinear([a, b, c, d]: [Self; 4], factors: [Factor; 4]) -> Self {
        let values = [&a.0, &b.0, &c.0, &d.0];
        // Below 4 · 2p · p / 2^260 + p < 2p.
        Self(unsafe { four_products::<C>(values, &factors) }, PhantomData)
    }

    #[inline(always)]
    fn has_zero(self) -> bool {
        let [a, b, c, d, e] = self.reduced().0;
        a.or(b).or(c.or(d)).or(e).zero() != 0
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Operand {
        Operand(carried_loosely(self.difference(other)))
    }

    #[inline(always)]
    fn mixed([a, b, c, d]: [Self; 4]) -> Operand {
        let four = a.0[0].limbs(Self::FOUR_TIMES);
        let mut limbs = a.0;
        for i in 0..LIMBS {
            let less = b.0[i].plus(c.0[i]);
            limbs[i] = limbs[i].plus(d.0[i]).plus(four[i]).minus(less);
        }
        Operand(carried_loosely(limbs))
    }

    #[inline(always)]
    fn over(self, operand: impl Into<Operand>) -> Self {
        // Below 2p · 8p / 2^260 + p < 2p.
        // SAFETY: there are vectors, hence the instructions.
        Self(
            unsafe { product::<C>(&self.0, &operand.into().0) },
            PhantomData,
        )
    }

    #[inline(always)]
    fn over_less(self, operand: Operand, other: Self) -> Self {
        // Below 2p · 16p / 2^260 + p < 1.5p.
        // SAFETY: there are vectors, hence the instructions; so below.
        let mut limbs = unsafe { loose_product::<C>(&self.0, &operand.0) };
        for i in 0..LIMBS {
            limbs[i] = limbs[i].minus(other.0[i]);
        }
        Self::reduced_from(limbs)
    }

    #[inline(always)]
    fn squared_less(self, a: Self, difference: Operand) -> Self {
        // Below 2p · 2p / 2^260 + p < 1.5p.
        let mut limbs = unsafe { loose_square::<C>(&self.0) };
        let (mask, twice) = (limbs[0].all(MASK), limbs[0].limbs(Self::TWICE));
        for i in 0..LIMBS {
            // The difference has been carried, and 2p added to it.
            let other = difference.0[i].and(mask).plus(a.0[i]);
            limbs[i] = limbs[i].plus(twice[i]).minus(a.0[i]).minus(other);
        }
        Self::reduced_from(limbs)
    }

    #[inline(always)]
    fn minus_by_root(self, other: Self) -> Operand {
        // Below 16p: products with elements are below 2p · 16p / 2^260 + p < 2p.
        let mut difference = self.difference(other);
        for i in 0..LIMBS {
            difference[i] = difference[i].left::<2>();
        }
        Operand(carried_loosely(difference))
    }

    #[inline(always)]
    fn may_equal(self, other: Self) -> bool {
        self.0[0].equal(other.0[0]) != 0
    }
}

impl<C: MontConfig<4>> Add for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let twice = self.0[0].limbs(Self::TWICE);
        let mut limbs = self.0;
        for i in 0..LIMBS {
            limbs[i] = limbs[i].plus(other.0[i]).minus(twice[i]);
        }
        Self::from_signed(limbs, Self::TWICE)
    }
}

impl<C: MontConfig<4>> Sub for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let mut limbs = self.0;
        for i in 0..LIMBS {
            limbs[i] = limbs[i].minus(other.0[i]);
        }
        Self::from_signed(limbs, Self::TWICE)
    }
}

impl<C: MontConfig<4>> Ring for Elements<C> {
    #[inline(always)]
    fn sum_of_products(self, a: Self, other: Self, b: Self) -> Self {
        self.times_plus(a.factor(), other, b.factor())
    }
}

impl<C: MontConfig<4>> Mul for Elements<C> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.times(other.factor())
    }
}

/// The element whose Montgomery form is the sum of all lanes, of 2^(52 i) limbs[i], below 2^320.
#[inline(always)]
fn lanes_total<C: MontConfig<4>>(limbs: [Words; LIMBS + 1]) -> Element<C> {
    let limbs = limbs.map(|limb| limb.to_array().iter().sum::<u64>());
    let [a, b, c, d, e, f] = limbs.map(u128::from);
    let (mut words, mut rest) = ([0; LIMBS], a + (b << 52));
    for (word, next) in words.iter_mut().zip([c << 40, d << 28, e << 16, f << 4, 0]) {
        *word = rest as u64;
        rest = (rest >> 64) + next;
    }
    residue(words)
}

impl<C: MontConfig<4>> Products<C> for Sum {
    type Vector = Elements<C>;

    #[inline(always)]
    fn add(&mut self, a: Elements<C>, b: Factor) {
        // SAFETY: there are vectors, hence the instructions.
        unsafe { add_product(&mut self.0, &a.0, &b.0) };
    }

    #[inline(always)]
    fn add_over(&mut self, [a, b]: [&Operand; 2], [c, d]: [&Operand; 2]) {
        // SAFETY: there are vectors, hence the instructions.
        unsafe { add_two_products(&mut self.0, [&a.0, &c.0], [&b.0, &d.0]) };
    }

    #[inline(always)]
    fn total(self) -> Element<C> {
        // Limbs of up to 60 bits, added over the lanes.
        // SAFETY: there are vectors, hence the instructions.
        let [a, b, c, d, e] = unsafe { reduce::<C>(self.0) };
        lanes_total([a, b, c, d, e, a.all(0)])
    }
}

impl LaneSums for Sum {
    type Vector = Elements<FrConfig>;

    #[inline(always)]
    fn add(&mut self, a: Elements<FrConfig>, b: Elements<FrConfig>) {
        // SAFETY: there are vectors, hence the instructions; so below.
        unsafe { add_product(&mut self.0, &a.0, &b.factor().0) };
    }

    #[inline(always)]
    fn total(self) -> Elements<FrConfig> {
        // Below 100 · 2p · 32p / 2^260 + p < 2^260; times 2^260 mod p, below 2^260 p / 2^260 + p.
        let radix = Ifma(()).splat(Fr::from(16_u64));
        Elements(unsafe { reduce::<FrConfig>(self.0) }, PhantomData).over(radix)
    }
}

impl Multiples for Sum {
    type Vector = Elements<FrConfig>;
    type Weight = Weight;
    type Weights = Weight;

    #[inline(always)]
    fn add_each(&mut self, weights: &Weight, cells: &Cells, row: usize) {
        Multiples::add(self, *weights, cells, row);
    }

    #[inline(always)]
    fn add(&mut self, weight: Weight, cells: &Cells, row: usize) {
        let (sum, weight) = (&mut self.0, &weight.0);
        let zero = weight[0].all(0);
        match cells {
            Cells::U8(cells) => add_row(sum, 0, zero.bytes(cells_at(cells, row)), weight),
            Cells::U16(cells) => add_row(sum, 0, zero.shorts(cells_at(cells, row)), weight),
            Cells::U32(cells) => add_row(sum, 0, zero.longs(cells_at(cells, row)), weight),
            Cells::U64(cells) => {
                let word = zero.quads(cells_at(cells, row));
                add_row(sum, 0, word, weight);
                add_row(sum, 1, word.right::<BITS>(), weight);
            }
            Cells::U128(cells) => {
                let cells: [[u64; 2]; LANES] = cells_at(cells, row);
                let (mut low, mut high) = ([0; LANES], [0; LANES]);
                for i in 0..LANES {
                    [low[i], high[i]] = cells[i];
                }
                let (low, high) = (zero.quads(low), zero.quads(high));
                add_row(sum, 0, low, weight);
                add_row(sum, 1, low.right_with::<52>(high), weight);
                add_row(sum, 2, high.right::<40>(), weight);
            }
            Cells::Field(cells) => {
                let cells: [_; LANES] =
                    cells_at(cells, row).map(|words| Fr::new_unchecked(BigInt(words)));
                let limbs = Ifma(()).load::<FrConfig>(&cells).0;
                for i in 0..LIMBS {
                    add_row(sum, i, limbs[i], weight);
                }
            }
        }
    }

    #[inline(always)]
    fn add_one(&mut self, weight: Weight) {
        let one = weight.0[0].all(1);
        add_row(&mut self.0, 0, one, &weight.0);
    }

    #[inline(always)]
    fn total(self) -> Elements<FrConfig> {
        // SAFETY: there are vectors, hence the instructions. Cells and weights are below p: the sum
        // is below 64 p^2 / 2^260 + p < 2p.
        Elements(unsafe { reduce::<FrConfig>(self.0) }, PhantomData)
    }
}

/// The cells from `row` on, zero where there are none.
#[inline(always)]
fn cells_at<T: Copy + Default, const ROWS: usize>(cells: &[T], row: usize) -> [T; ROWS] {
    let cells = cells.get(row..).unwrap_or_default();
    match cells.first_chunk() {
        Some(cells) => *cells,
        None => {
            let mut filled = [T::default(); ROWS];
            filled[..cells.len()].copy_from_slice(cells);
            filled
        }
    }
}
