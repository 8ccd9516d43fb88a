//! Additions without branches, products in chains of carries, and sums of them that are reduced once.
//!
//! The library's own additions decide by comparison, and on random operands the branch is guessed
//! wrong half of the time. Its products keep carries in words; compilers leave them in the
//! processor's flag only if asked by name.

#[cfg(target_arch = "x86_64")]
use std::arch::asm;
use std::hint::select_unpredictable;

use ark_ff::{BigInt, Fp, MontBackend, MontConfig};

/// An element of either field.
pub type Element<C> = Fp<MontBackend<C, 4>, 4>;

/// a + b + carry, and the carry from then on.
#[inline(always)]
fn add_with_carry(a: u64, b: u64, carry: &mut u8) -> u64 {
    let mut sum = 0;
    #[cfg(target_arch = "x86_64")]
    {
        *carry = std::arch::x86_64::_addcarry_u64(*carry, a, b, &mut sum);
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let total = u128::from(a) + u128::from(b) + u128::from(*carry);
        (sum, *carry) = (total as u64, (total >> 64) as u8);
    }
    sum
}

/// a - b - borrow, and the borrow from then on.
#[inline(always)]
fn subtract_with_borrow(a: u64, b: u64, borrow: &mut u8) -> u64 {
    let mut difference = 0;
    #[cfg(target_arch = "x86_64")]
    {
        *borrow = std::arch::x86_64::_subborrow_u64(*borrow, a, b, &mut difference);
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let total = u128::from(a)
            .wrapping_sub(u128::from(b))
            .wrapping_sub(u128::from(*borrow));
        (difference, *borrow) = (total as u64, (total >> 64) as u8 & 1);
    }
    difference
}

/// a - b and the borrow.
#[inline(always)]
pub fn subtract(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let (mut difference, mut borrow) = ([0; 4], 0);
    for (i, word) in difference.iter_mut().enumerate() {
        *word = subtract_with_borrow(a[i], b[i], &mut borrow);
    }
    (difference, u64::from(borrow))
}

/// Add words to others, and return the carry.
#[inline(always)]
fn add_words<const N: usize>(words: &mut [u64; N], others: &[u64; N]) -> u8 {
    let mut carry = 0;
    for (word, other) in words.iter_mut().zip(others) {
        *word = add_with_carry(*word, *other, &mut carry);
    }
    carry
}

/// Add a b to words that have room for it.
#[inline(always)]
pub fn add_multiple(words: &mut [u64; 5], a: &[u64; 4], b: u64) {
    let products = a.map(|a| u128::from(a) * u128::from(b));
    let mut carry = 0;
    for (word, product) in words.iter_mut().zip(products) {
        *word = add_with_carry(*word, product as u64, &mut carry);
    }
    words[4] += u64::from(carry);
    carry = 0;
    for (word, product) in words[1..].iter_mut().zip(products) {
        *word = add_with_carry(*word, (product >> 64) as u64, &mut carry);
    }
}

/// The same words, unknown to the compiler: operands in memory cost less than constants of 64 bits.
#[inline(always)]
fn in_memory(words: &'static [u64; 4]) -> &'static [u64; 4] {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: nothing is done to the pointer.
    unsafe {
        let mut pointer: *const [u64; 4] = words;
        asm!("/* {} */", inout(reg) pointer, options(pure, readonly, nostack, preserves_flags));
        &*pointer
    }
    #[cfg(not(target_arch = "x86_64"))]
    words
}

/// Add what makes the lowest word zero, a multiple of p, and leave that word out; what is below
/// 2^256 + 2^64 p comes to four words.
#[inline(always)]
fn shift<C: MontConfig<4>>(mut words: [u64; 5]) -> [u64; 4] {
    let factor = words[0].wrapping_mul(C::INV);
    add_multiple(&mut words, in_memory(&C::MODULUS.0), factor);
    let [_, a, b, c, d] = words;
    [a, b, c, d]
}

/// (k p + 1) / 2^64 for the multiple k p that is -1 modulo 2^64.
const fn minus_one<C: MontConfig<4>>() -> [u64; 4] {
    let (mut words, mut i) = ([0; 4], 1);
    let mut carry = (C::MODULUS.0[0] as u128 * C::INV as u128 + 1) >> 64;
    while i < 4 {
        carry += C::MODULUS.0[i] as u128 * C::INV as u128;
        words[i - 1] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    words[3] = carry as u64;
    words
}

/// Divide by 2^64 modulo p with a product less than `shift`, but to five words: k p is added as often
/// as the lowest word says.
#[inline(always)]
fn shift_loosely<C: MontConfig<4>>([factor, a, b, c, d]: [u64; 5]) -> [u64; 5] {
    let mut words = [a, b, c, d, 0];
    add_multiple(&mut words, in_memory(const { &minus_one::<C>() }), factor);
    words
}

/// The element with these words, which are below 2p.
#[inline(always)]
fn reduced<C: MontConfig<4>>(mut words: [u64; 4]) -> Element<C> {
    let (less, borrow) = subtract(&words, in_memory(&C::MODULUS.0));
    for (word, less) in words.iter_mut().zip(less) {
        *word = select_unpredictable(borrow == 0, less, *word);
    }
    Fp::new_unchecked(BigInt(words))
}

/// a b for reduced a, b.
#[inline(always)]
pub fn mul<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    // Added are less than k p by the third row and p by the last: with a b / 2^256 it is below 2p.
    const { assert!((C::INV >> 1) + (C::MODULUS.0[3] >> 1) + 2 < 1 << 63) };
    let (a, [first, second, third, last]) = (a.0.0, b.0.0);
    let mut sum = [0; 5];
    for word in [first, second, third] {
        add_multiple(&mut sum, &a, word);
        sum = shift_loosely::<C>(sum);
    }
    add_multiple(&mut sum, &a, last);
    reduced(shift::<C>(sum))
}

/// a - b for reduced a, b.
#[inline(always)]
pub fn sub<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    let (mut words, borrow) = subtract(&a.0.0, &b.0.0);
    let mask = 0_u64.wrapping_sub(borrow);
    add_words(&mut words, &C::MODULUS.0.map(|word| word & mask));
    Fp::new_unchecked(BigInt(words))
}

/// a + b for reduced a, b.
#[inline(always)]
pub fn add<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    let mut words = a.0.0;
    add_words(&mut words, &b.0.0);
    reduced(words)
}

/// The integer product of two residues in Montgomery form, or a sum of up to five of them.
#[derive(Clone, Copy)]
pub struct Product([u64; 8]);

impl Product {
    #[inline(always)]
    pub fn new<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Self {
        let mut words = [0; 8];
        for (i, word) in b.0.0.into_iter().enumerate() {
            if let Some(words) = words[i..].first_chunk_mut() {
                add_multiple(words, &a.0.0, word);
            }
        }
        Self(words)
    }

    #[inline(always)]
    pub fn plus(mut self, other: Self) -> Self {
        add_words(&mut self.0, &other.0);
        self
    }

    #[inline(always)]
    pub fn reduce<C: MontConfig<4>>(self) -> Element<C> {
        let (low, top) = montgomery::<C>(self.0, 0);
        // Five products are below 5 p^2 < p 2^256: after the division by 2^256, below 2p.
        debug_assert_eq!(top, 0);
        reduced(low)
    }
}

/// Divide by 2^256 modulo p: four words and an overflow.
#[inline(always)]
fn montgomery<C: MontConfig<4>>(words: [u64; 8], top: u64) -> ([u64; 4], u64) {
    let [a, b, c, d, mut high @ ..] = words;
    let low = (0..4).fold([a, b, c, d], |[a, b, c, d], _| shift::<C>([a, b, c, d, 0]));
    let carry = add_words(&mut high, &low);
    (high, top + u64::from(carry))
}

/// A sum of products: up to 2^64 of them fit.
#[derive(Clone, Copy, Default)]
pub struct Dot {
    words: [u64; 8],
    top: u64,
}

impl Dot {
    #[inline(always)]
    pub fn add(&mut self, product: Product) {
        self.top += u64::from(add_words(&mut self.words, &product.0));
    }

    pub fn merge(mut self, other: Self) -> Self {
        self.add(Product(other.words));
        self.top += other.top;
        self
    }

    pub fn reduce<C: MontConfig<4>>(self) -> Element<C> {
        let ([a, b, c, d], top) = montgomery::<C>(self.words, self.top);
        residue([a, b, c, d, top])
    }
}

/// The element whose Montgomery form is this number modulo p.
#[inline(always)]
pub fn residue<C: MontConfig<4>>(number: [u64; 5]) -> Element<C> {
    let [low @ .., top] = number;
    // A product is divided by 2^256: the factors are 2^256 and its square.
    let product = |factor, words| {
        Product::new::<C>(Fp::new_unchecked(factor), Fp::new_unchecked(BigInt(words))).reduce()
    };
    add(product(C::R, low), product(C::R2, [top, 0, 0, 0]))
}

/// The element whose Montgomery form is this number, below 2^64 p, over 2^64 modulo p.
#[inline(always)]
pub fn residue_over_word<C: MontConfig<4>>(number: [u64; 5]) -> Element<C> {
    // Below 2p.
    reduced(shift::<C>(number))
}

/// a b + c d.
#[inline(always)]
pub fn sum_of_two<C: MontConfig<4>>(
    a: Element<C>,
    b: Element<C>,
    c: Element<C>,
    d: Element<C>,
) -> Element<C> {
    Product::new(a, b).plus(Product::new(c, d)).reduce()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{FqConfig, Fr, FrConfig};
    use ark_ff::{UniformRand, Zero};

    #[test]
    fn sums_of_products_at_the_bounds_and_at_random() {
        let values = residues::<FrConfig>();
        let (mut dot, mut expected) = (Dot::default(), Fr::zero());
        for a in &values {
            for b in &values {
                assert_eq!(Product::new(*a, *b).reduce::<FrConfig>(), *a * b);
                assert_eq!(sum_of_two(*a, *b, *b, *b), *a * b + *b * b);
                for _ in 0..100 {
                    dot.add(Product::new(*a, *b));
                    expected += *a * b;
                }
                assert_eq!(dot.reduce::<FrConfig>(), expected);
            }
        }
        let most = values[0];
        let five = (0..4).fold(Product::new(most, most), |sum, _| {
            sum.plus(Product::new(most, most))
        });
        assert_eq!(five.reduce::<FrConfig>(), most * most * Fr::from(5_u64));
    }

    /// Residues whose words are zero or all ones, as far as they can be, and some at random.
    fn residues<C: MontConfig<4>>() -> Vec<Element<C>> {
        let (top, _) = subtract(&C::MODULUS.0, &[1, 0, 0, 0]);
        let high = C::MODULUS.0[3] - 1;
        let mut words = vec![top, [1, 0, 0, 0]];
        for ones in 0..16 {
            let [a, b, c, d] = [1, 2, 4, 8].map(|bit| u64::from(ones & bit > 0).wrapping_neg());
            words.push([a, b, c, d.min(high)]);
        }
        let mut rng = rand::thread_rng();
        words
            .into_iter()
            .map(|words| Fp::new_unchecked(BigInt(words)))
            .chain([Element::<C>::from(1_u64), -Element::<C>::from(1_u64)])
            .chain((0..20).map(|_| Fp::rand(&mut rng)))
            .collect()
    }

    #[test]
    fn operations_at_the_bounds_and_at_random() {
        fn check<C: MontConfig<4>>() {
            let values = residues::<C>();
            for a in &values {
                for b in &values {
                    assert_eq!(mul(*a, *b), *a * b);
                    assert_eq!(add(*a, *b), *a + b);
                    assert_eq!(sub(*a, *b), *a - b);
                }
            }
        }
        check::<FrConfig>();
        check::<FqConfig>();
    }
}
