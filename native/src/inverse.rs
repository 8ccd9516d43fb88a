//! Inversion by binary steps, thirty at a time.
//!
//! [Pornin, Optimized Binary GCD for Modular Inversion](https://eprint.iacr.org/2020/972): the lowest
//! 30 bits of both numbers say which steps to take, together with which of them is larger. That is
//! read off their highest 32 bits: an error makes a number negative, and its sign is changed then.

use ark_ff::{BigInt, Fp, MontConfig};

use crate::arithmetic::{Element, sub, subtract};

/// Steps that are taken at once.
const STEPS: u32 = 30;
/// A step takes a bit from one of two numbers of 254 bits.
const ROUNDS: u32 = (2 * 254_u32 - 1).div_ceil(STEPS);

/// Factors of two numbers, in whose combination one of them goes over.
type Pair = [i64; 2];

/// The inverse, and zero for zero.
pub fn inverse<C: MontConfig<4>>(x: Element<C>) -> Element<C> {
    // Always a / u = b / v = x, up to a power of two and modulo p.
    let (mut a, mut b) = (x.0.0, C::MODULUS.0);
    let (mut u, mut v) = (
        const { power_of_two::<C>(2 * 256 + (64 - STEPS) * ROUNDS) },
        Fp::new_unchecked(BigInt([0; 4])),
    );
    for _ in 0..ROUNDS {
        let [mut first, mut second] = steps(&a, &b);
        (a, b) = (
            combine_numbers(&a, &b, &mut first),
            combine_numbers(&a, &b, &mut second),
        );
        (u, v) = (combine(u, v, first), combine(u, v, second));
    }
    // Now b = 1. Of the power of two, 2^512 is left: x and the inverse are Montgomery forms.
    v
}

/// The residue of 2^exponent, not its Montgomery form.
const fn power_of_two<C: MontConfig<4>>(exponent: u32) -> Element<C> {
    let mut words = [0; 4];
    words[(exponent % 256 / 64) as usize] = 1 << (exponent % 64);
    let mut power = Fp::new_unchecked(BigInt(words));
    let mut i = 0;
    while i < exponent / 256 {
        // A Montgomery form is 2^256 times the number.
        power = Fp::new(power.0);
        i += 1;
    }
    power
}

/// How the next numbers are made: (a, b) are (f a + g b) / 2^30 for both pairs (f, g).
///
/// A step halves a where it is even; where both are odd it takes the smaller one from the larger
/// first, which becomes a.
#[inline(always)]
fn steps(a: &[u64; 4], b: &[u64; 4]) -> [Pair; 2] {
    let (mut a, mut b) = approximate(a, b);
    // f and, 32 bits higher, g.
    let (mut first, mut second) = (1_u64, 1_u64 << 32);
    for _ in 0..STEPS {
        let odd = 0_u64.wrapping_sub(a & 1);
        let swapped = odd & 0_u64.wrapping_sub(u64::from(a < b));
        let change = (a ^ b) & swapped;
        (a, b) = (a ^ change, b ^ change);
        let change = (first ^ second) & swapped;
        (first, second) = (first ^ change, second ^ change);
        a = (a - (b & odd)) >> 1;
        first = first.wrapping_sub(second & odd);
        second <<= 1;
    }
    [first, second].map(|pair| {
        let f = i64::from(pair as i32);
        [f, (pair as i64).wrapping_sub(f) >> 32]
    })
}

/// Two numbers by their lowest 30 and highest 32 bits; exactly, if they have no more than 62.
#[inline(always)]
fn approximate(a: &[u64; 4], b: &[u64; 4]) -> (u64, u64) {
    let mut length = 62;
    for i in 0..4 {
        let bits = 64 - (a[i] | b[i]).leading_zeros();
        if bits > 0 {
            length = length.max(64 * i as u32 + bits);
        }
    }
    let (word, bit) = (((length - 32) / 64) as usize, (length - 32) % 64);
    let approximate = |x: &[u64; 4]| {
        let next = x.get(word + 1).copied().unwrap_or(0);
        let high = x[word] >> bit | next << 1 << (63 - bit);
        high << STEPS | x[0] & ((1 << STEPS) - 1)
    };
    (approximate(a), approximate(b))
}

/// f a + g b in two's complement.
#[inline(always)]
fn weighted(a: &[u64; 4], b: &[u64; 4], [f, g]: Pair) -> [u64; 5] {
    let mut words = [0; 5];
    let mut carry = 0;
    for i in 0..4 {
        let sum = i128::from(f) * i128::from(a[i]) + i128::from(g) * i128::from(b[i]) + carry;
        words[i] = sum as u64;
        carry = sum >> 64;
    }
    words[4] = carry as u64;
    words
}

/// (f a + g b) / 2^30; where it is negative its opposite and that of the pair.
#[inline(always)]
fn combine_numbers(a: &[u64; 4], b: &[u64; 4], pair: &mut Pair) -> [u64; 4] {
    let mut words = weighted(a, b, *pair);
    if (words[4] as i64) < 0 {
        *pair = pair.map(|factor| -factor);
        words = weighted(a, b, *pair);
    }
    std::array::from_fn(|i| words[i] >> STEPS | words[i + 1] << (64 - STEPS))
}

/// (f u + g v) / 2^64 modulo p.
#[inline(always)]
fn combine<C: MontConfig<4>>(u: Element<C>, v: Element<C>, pair: Pair) -> Element<C> {
    let words = weighted(&u.0.0, &v.0.0, pair);
    let k = words[0].wrapping_mul(C::INV);
    let modulus = C::MODULUS.0;
    // The factors are below 2^30: between -p / 2^34 and p + p / 2^34 comes out.
    let mut sum = u128::from(k) * u128::from(modulus[0]) + u128::from(words[0]);
    let mut quotient = [0; 4];
    for i in 1..4 {
        sum = u128::from(k) * u128::from(modulus[i]) + u128::from(words[i]) + (sum >> 64);
        quotient[i - 1] = sum as u64;
    }
    let top = (words[4] as i64).wrapping_add((sum >> 64) as i64);
    quotient[3] = top as u64;
    if top < 0 {
        let opposite = subtract(&[0; 4], &quotient).0;
        quotient = subtract(&modulus, &opposite).0;
    }
    sub(
        Fp::new_unchecked(BigInt(quotient)),
        Fp::new_unchecked(C::MODULUS),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{FqConfig, FrConfig};
    use ark_ff::{Field, PrimeField, UniformRand};

    #[test]
    fn inverses_equal_those_of_the_library() {
        fn check<C: MontConfig<4>>() {
            let mut rng = rand::thread_rng();
            let two = Element::<C>::from(2_u64);
            assert_eq!(
                inverse(Element::<C>::from(0_u64)),
                Element::<C>::from(0_u64)
            );
            for exponent in 0..260_u64 {
                for small in 0..4_u64 {
                    let power = two.pow([exponent]) - Element::<C>::from(small);
                    for x in [power, -power, Fp::new_unchecked(power.into_bigint())] {
                        assert_eq!(inverse(x), x.inverse().unwrap_or_default());
                    }
                }
            }
            for _ in 0..10_000 {
                let x = Element::<C>::rand(&mut rng);
                assert_eq!(Some(inverse(x)), x.inverse());
            }
        }
        check::<FrConfig>();
        check::<FqConfig>();
    }
}
