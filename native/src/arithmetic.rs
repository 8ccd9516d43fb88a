//! Additions without branches, products in chains of carries, and sums of them that are reduced once.
//!
//! The library's own additions decide by comparison, and on random operands the branch is guessed
//! wrong half of the time. Its products keep carries in words; compilers leave them in the
//! processor's flag only if asked by name.

use ark_ff::{BigInt, Fp, MontBackend, MontConfig};

/// An element of either field.
pub type Element<C> = Fp<MontBackend<C, 4>, 4>;

/// a - b and the borrow.
#[inline(always)]
pub const fn subtract(a: &[u64; 4], b: &[u64; 4]) -> ([u64; 4], u64) {
    let mut difference = [0; 4];
    let (mut i, mut borrow) = (0, 0);
    while i < 4 {
        let word = (a[i] as u128)
            .wrapping_sub(b[i] as u128)
            .wrapping_sub(borrow as u128);
        difference[i] = word as u64;
        borrow = (word >> 64) as u64 & 1;
        i += 1;
    }
    (difference, borrow)
}

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

/// Add what makes the lowest word zero, a multiple of p, and leave that word out; what is below
/// 2^256 + 2^64 p comes to four words.
#[inline(always)]
fn shift<C: MontConfig<4>>(mut words: [u64; 5]) -> [u64; 4] {
    let factor = words[0].wrapping_mul(C::INV);
    add_multiple(&mut words, &C::MODULUS.0, factor);
    let [_, a, b, c, d] = words;
    [a, b, c, d]
}

/// a b for reduced a; the words of b may be any.
#[inline(always)]
pub fn mul<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    let mut sum = [0; 4];
    for word in b.0.0 {
        let [s0, s1, s2, s3] = sum;
        let mut words = [s0, s1, s2, s3, 0];
        add_multiple(&mut words, &a.0.0, word);
        sum = shift::<C>(words);
    }
    // Below 2p.
    sub(
        Fp::new_unchecked(BigInt(sum)),
        Fp::new_unchecked(C::MODULUS),
    )
}

/// a - b for reduced a, b.
#[inline(always)]
pub fn sub<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    let (mut words, borrow) = subtract(&a.0.0, &b.0.0);
    let mask = 0_u64.wrapping_sub(borrow);
    add_words(&mut words, &C::MODULUS.0.map(|word| word & mask));
    Fp::new_unchecked(BigInt(words))
}

/// a + b for reduced a, b: a - (p - b).
#[inline(always)]
pub fn add<C: MontConfig<4>>(a: Element<C>, b: Element<C>) -> Element<C> {
    let (opposite, _) = subtract(&C::MODULUS.0, &b.0.0);
    sub(a, Fp::new_unchecked(BigInt(opposite)))
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
        sub(
            Fp::new_unchecked(BigInt(low)),
            Fp::new_unchecked(C::MODULUS),
        )
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
    let product = |factor, words| mul(Fp::new_unchecked(factor), Fp::new_unchecked(BigInt(words)));
    add(product(C::R, low), product(C::R2, [top, 0, 0, 0]))
}

/// The element whose Montgomery form is this number, below 2^64 p, over 2^64 modulo p.
#[inline(always)]
pub fn residue_over_word<C: MontConfig<4>>(number: [u64; 5]) -> Element<C> {
    // Below 2p.
    sub(
        Fp::new_unchecked(BigInt(shift::<C>(number))),
        Fp::new_unchecked(C::MODULUS),
    )
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
        let mut rng = rand::thread_rng();
        let mut values = vec![Fr::zero(), Fr::from(1_u64), -Fr::from(1_u64)];
        let (top, _) = subtract(&FrConfig::MODULUS.0, &[1, 0, 0, 0]);
        values.push(Fr::new_unchecked(BigInt(top)));
        values.extend((0..6).map(|_| Fr::rand(&mut rng)));
        let (mut dot, mut expected) = (Dot::default(), Fr::zero());
        for a in &values {
            for b in &values {
                assert_eq!(mul(*a, *b), *a * b);
                assert_eq!(Product::new(*a, *b).reduce::<FrConfig>(), *a * b);
                assert_eq!(sum_of_two(*a, *b, *b, *b), *a * b + *b * b);
                for _ in 0..100 {
                    dot.add(Product::new(*a, *b));
                    expected += *a * b;
                }
                assert_eq!(dot.reduce::<FrConfig>(), expected);
            }
        }
        let most = values[3];
        let five = (0..4).fold(Product::new(most, most), |sum, _| {
            sum.plus(Product::new(most, most))
        });
        assert_eq!(five.reduce::<FrConfig>(), most * most * Fr::from(5_u64));
    }

    #[test]
    fn sums_and_differences_at_the_bounds_and_at_random() {
        fn check<C: MontConfig<4>>() {
            let mut rng = rand::thread_rng();
            let one = Element::<C>::from(1_u64);
            let mut values = vec![Fp::zero(), one, -one, Element::<C>::from(u64::MAX)];
            // The largest residues in Montgomery form.
            let (top, _) = subtract(&C::MODULUS.0, &[1, 0, 0, 0]);
            values.push(Fp::new_unchecked(BigInt(top)));
            values.push(Fp::new_unchecked(BigInt([1, 0, 0, 0])));
            values.extend((0..20).map(|_| Fp::rand(&mut rng)));
            for a in &values {
                for b in &values {
                    assert_eq!(add(*a, *b), *a + b);
                    assert_eq!(sub(*a, *b), *a - b);
                }
            }
        }
        check::<FrConfig>();
        check::<FqConfig>();
    }
}
