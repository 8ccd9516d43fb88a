//! The scalar field: encodings, multilinear tables and sums of small multiples.

use ark_ff::{AdditiveGroup, BigInt, Field, MontConfig, PrimeField, Zero};
use std::ops::RangeInclusive;

use rayon::prelude::*;

use crate::arithmetic::{add, sub};
use crate::error::{Error, Result};
use crate::inverse::inverse;
use crate::vector::{Kernel, LANES, Simd, Vector, dispatch};

pub use ark_bn254::{Fq, Fr};

/// Elements that a parallel loop hands out at once.
pub const CHUNK: usize = 1 << 11;

const MODULUS: [u64; 4] = Fr::MODULUS.0;
const NEGATIVE_INVERSE: u64 = <ark_bn254::FrConfig as MontConfig<4>>::INV;

/// One element from 32 little-endian bytes.
pub fn decode_one(bytes: &[u8], what: &'static str) -> Result<Fr> {
    match decode(bytes, what)?.as_slice() {
        [value] => Ok(*value),
        _ => Err(Error::FieldElement(what)),
    }
}

/// Elements from 32 little-endian bytes each, all below the modulus.
pub fn decode(bytes: &[u8], what: &'static str) -> Result<Vec<Fr>> {
    let (elements, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Error::FieldElement(what));
    }
    elements
        .iter()
        .map(|bytes| from_words(&words(bytes)).ok_or(Error::FieldElement(what)))
        .collect()
}

/// 32 little-endian bytes for each element.
pub fn encode(values: &[Fr]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.into_bigint().0)
        .flat_map(u64::to_le_bytes)
        .collect()
}

/// Four little-endian words.
pub fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

/// The element of this canonical value.
pub fn from_words(words: &[u64; 4]) -> Option<Fr> {
    Fr::from_bigint(BigInt(*words))
}

/// 1, x, x^2, ... : `count` powers.
pub fn powers(x: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |last| Some(*last * x))
        .take(count)
        .collect()
}

/// The line through `a` at 0 and `b` at 1, at `x`.
#[inline(always)]
pub fn line(a: Fr, b: Fr, x: Fr) -> Fr {
    add(a, x * sub(b, a))
}

/// eq(a, x) for one variable.
#[inline]
pub fn eq_one(a: Fr, x: Fr) -> Fr {
    let product = a * x;
    Fr::ONE - a - x + product + product
}

/// eq(point, x) for all x in {0,1}^n: index bit i belongs to coordinate i.
pub fn eq_table(point: &[Fr]) -> Vec<Fr> {
    let mut table = vec![Fr::zero(); 1 << point.len()];
    table[0] = Fr::ONE;
    for (i, x) in point.iter().enumerate() {
        let (low, high) = table[..2 << i].split_at_mut(1 << i);
        low.par_chunks_mut(CHUNK)
            .zip(high.par_chunks_mut(CHUNK))
            .for_each(|(low, high)| dispatch(Split { low, high, x: *x }));
    }
    table
}

/// From a in `low` to a (1 - x) in `low` and a x in `high`.
struct Split<'a> {
    low: &'a mut [Fr],
    high: &'a mut [Fr],
    x: Fr,
}

impl Kernel for Split<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let x = simd.splat(self.x).factor();
        for i in (0..self.low.len()).step_by(LANES) {
            let low = simd.load_at(self.low, i, Fr::ZERO);
            let high = low.times(x);
            high.store_at(self.high, i);
            (low - high).store_at(self.low, i);
        }
    }
}

/// From eq(point[..n], ·) to eq(point[..n-1], ·): the top variable summed out.
pub fn drop_top_variable(table: &mut Vec<Fr>) {
    let half = table.len() / 2;
    let (low, high) = table.split_at_mut(half);
    low.par_chunks_mut(CHUNK)
        .zip(high.par_chunks(CHUNK))
        .for_each(|(low, high)| {
            dispatch(AddAll {
                sums: low,
                values: high,
            })
        });
    table.truncate(half);
}

/// sums[i] += values[i].
struct AddAll<'a> {
    sums: &'a mut [Fr],
    values: &'a [Fr],
}

impl Kernel for AddAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for i in (0..self.sums.len()).step_by(LANES) {
            let sum = simd.load_at(self.sums, i, Fr::ZERO) + simd.load_at(self.values, i, Fr::ZERO);
            sum.store_at(self.sums, i);
        }
    }
}

/// The weight eq(point, bits of `index`) of one vertex.
pub fn eq_vertex(point: &[Fr], index: usize) -> Fr {
    point.iter().enumerate().fold(Fr::ONE, |product, (i, x)| {
        product * if index >> i & 1 == 1 { *x } else { Fr::ONE - x }
    })
}

/// Sums and others, one by one; no sums are zeros.
pub fn added(mut sums: Vec<Fr>, others: Vec<Fr>) -> Vec<Fr> {
    if sums.is_empty() {
        return others;
    }
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

/// The integers around 0 and 1 that determine a polynomial of a degree from 1 on.
pub fn nodes(degree: usize) -> RangeInclusive<i32> {
    let least = -((degree as i32 - 1) / 2);
    least..=least + degree as i32
}

/// The value at `x` of the polynomial with these values at its nodes.
pub fn interpolate_nodes(values: &[Fr], x: Fr) -> Fr {
    let least = *nodes(values.len() - 1).start();
    interpolate(values, x - Fr::from(least))
}

/// The value at `x` of the polynomial that takes `values[i]` at i = 0, 1, ...
pub fn interpolate(values: &[Fr], x: Fr) -> Fr {
    let mut total = Fr::zero();
    for (i, value) in values.iter().enumerate() {
        let (mut numerator, mut denominator) = (*value, Fr::ONE);
        for j in (0..values.len()).filter(|j| *j != i) {
            numerator *= x - Fr::from(j as u64);
            denominator *= Fr::from(i as u64) - Fr::from(j as u64);
        }
        // Distinct integers below the modulus: the product of their differences is invertible.
        total += numerator * inverse(denominator);
    }
    total
}

/// 2^128.
const FACTOR_ONE: Fr = Fr::new(BigInt([0, 0, 1, 0]));

/// A field element prepared as a factor of `Wide::add`: Montgomery form times 2^128.
#[derive(Clone, Copy)]
pub struct Factor([u64; 4]);

impl Factor {
    pub const ONE: Self = Self(FACTOR_ONE.0.0);

    pub fn new(value: Fr) -> Self {
        Self((value * Fr::from(1_u128 << 127).double()).0.0)
    }
}

/// A sum of products of factors and 64-bit integers that is reduced once, at its end.
///
/// A product is below 2^318: 2^64 of them fit.
#[derive(Clone, Copy, Default)]
pub struct Wide([u64; 6]);

impl Wide {
    /// Add factor · small.
    #[inline(always)]
    pub fn add(&mut self, factor: &Factor, small: u64) {
        let mut carry = 0;
        for (limb, word) in self.0.iter_mut().zip(factor.0) {
            let sum = u128::from(word) * u128::from(small) + u128::from(*limb) + carry;
            *limb = sum as u64;
            carry = sum >> 64;
        }
        let (sum, overflow) = self.0[4].overflowing_add(carry as u64);
        self.0[4] = sum;
        self.0[5] += u64::from(overflow);
    }

    /// Add another sum.
    #[inline]
    pub fn merge(mut self, other: Self) -> Self {
        let mut carry = false;
        for (limb, word) in self.0.iter_mut().zip(other.0) {
            let (sum, first) = limb.overflowing_add(word);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = first | second;
        }
        self
    }

    /// The sum as a field element: two Montgomery steps take the factors' 2^128 away.
    #[inline]
    pub fn reduce(self) -> Fr {
        let mut limbs = self.0;
        for step in 0..2 {
            let k = u128::from(limbs[step].wrapping_mul(NEGATIVE_INVERSE));
            let mut carry = (k * u128::from(MODULUS[0]) + u128::from(limbs[step])) >> 64;
            for i in 1..4 {
                let sum = k * u128::from(MODULUS[i]) + u128::from(limbs[step + i]) + carry;
                limbs[step + i] = sum as u64;
                carry = sum >> 64;
            }
            for limb in &mut limbs[step + 4..] {
                let sum = u128::from(*limb) + carry;
                *limb = sum as u64;
                carry = sum >> 64;
            }
        }
        let [_, _, a, b, c, d] = limbs;
        let mut value = BigInt([a, b, c, d]);
        // The sum over 2^128 is below the modulus and so is what the steps added.
        if value >= Fr::MODULUS {
            let mut borrow = false;
            for (limb, word) in value.0.iter_mut().zip(MODULUS) {
                let (difference, first) = limb.overflowing_sub(word);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                *limb = difference;
                borrow = first | second;
            }
        }
        Fr::new_unchecked(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::UniformRand;

    #[test]
    fn encodings_round_trip_and_refuse_the_modulus() {
        let values = [Fr::zero(), Fr::ONE, -Fr::ONE, Fr::from(u128::MAX)];
        assert_eq!(decode(&encode(&values), "test").unwrap(), values);
        let modulus: Vec<u8> = MODULUS.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert!(decode(&modulus, "test").is_err());
        assert!(decode(&[0; 33], "test").is_err());
        assert!(decode_one(&[0; 64], "test").is_err());
    }

    #[test]
    fn wide_sums_equal_field_sums() {
        let mut rng = rand::thread_rng();
        let mut values = vec![Fr::zero(), Fr::ONE, -Fr::ONE];
        values.extend((0..50).map(|_| Fr::rand(&mut rng)));
        let mut wide = Wide::default();
        let mut expected = Fr::zero();
        for value in values {
            for small in [0, 1, 0xffff, u64::MAX, rand::random()] {
                wide.add(&Factor::new(value), small);
                expected += value * Fr::from(small);
                assert_eq!(wide.reduce(), expected);
            }
        }
        assert_eq!(wide.merge(wide).reduce(), expected.double());
    }

    #[test]
    fn tables_of_eq_have_the_lowest_variable_first() {
        let mut rng = rand::thread_rng();
        let point: Vec<Fr> = (0..5).map(|_| Fr::rand(&mut rng)).collect();
        let mut table = eq_table(&point);
        for (i, value) in table.iter().enumerate() {
            assert_eq!(*value, eq_vertex(&point, i));
        }
        drop_top_variable(&mut table);
        assert_eq!(table, eq_table(&point[..4]));
    }

    #[test]
    fn interpolation_is_exact() {
        let cubic = |x: Fr| x * x * x + Fr::from(7_u64) * x - Fr::from(3_u64);
        let values: Vec<Fr> = (0..4_u64).map(|i| cubic(Fr::from(i))).collect();
        let x = -Fr::from(11_u64);
        assert_eq!(interpolate(&values, x), cubic(x));
    }
}
