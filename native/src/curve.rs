//! G1: points in memory, their encoding, and many additions at once.

use ark_bn254::{FqConfig, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, Field, MontConfig, PrimeField, Zero};
use rayon::prelude::*;

use crate::arithmetic::sub;
use crate::error::{Error, Result};
use crate::field::{Fq, Fr};

/// An affine point; x = y = 0, which is not on the curve, stands for infinity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    pub x: Fq,
    pub y: Fq,
}

impl Point {
    pub fn is_infinity(&self) -> bool {
        self.x.is_zero() && self.y.is_zero()
    }

    pub fn negated(self) -> Self {
        Self {
            x: self.x,
            y: -self.y,
        }
    }

    pub fn affine(self) -> G1Affine {
        if self.is_infinity() {
            G1Affine::identity()
        } else {
            G1Affine::new_unchecked(self.x, self.y)
        }
    }

    /// 64 bytes: x and y, little endian, canonical.
    pub fn encode(self) -> Vec<u8> {
        [self.x, self.y]
            .iter()
            .flat_map(|coordinate| coordinate.into_bigint().0)
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    /// x and y in Montgomery form, eight words.
    pub fn words(self) -> [u64; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.x.0.0, self.y.0.0);
        [a, b, c, d, e, f, g, h]
    }

    #[inline(always)]
    pub fn from_words(words: &[u64; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = *words;
        Self {
            x: Fq::new_unchecked(BigInt([a, b, c, d])),
            y: Fq::new_unchecked(BigInt([e, f, g, h])),
        }
    }
}

impl From<G1Projective> for Point {
    fn from(point: G1Projective) -> Self {
        match point.into_affine().xy() {
            Some((x, y)) => Self { x, y },
            None => Self::default(),
        }
    }
}

/// out[i] = left[i] + right[i], with one inversion for all.
///
/// Affine addition costs 5 multiplications and a square when the inversion is shared.
pub fn add_all(left: &[Point], right: &[Point], out: &mut Vec<Point>, scratch: &mut Vec<Fq>) {
    out.clear();
    scratch.clear();
    let mut product = Fq::ONE;
    for (a, b) in left.iter().zip(right) {
        scratch.push(product);
        product *= denominator(a, b);
    }
    // No denominator is zero, and so is no product of them.
    let mut inverse = product.inverse().unwrap_or_default();
    out.resize(left.len(), Point::default());
    for i in (0..left.len()).rev() {
        let (a, b) = (&left[i], &right[i]);
        let own = scratch[i] * inverse;
        inverse *= denominator(a, b);
        out[i] = sum(a, b, own);
    }
}

/// The denominator of the slope through two points, or 1 where there is none.
#[inline(always)]
fn denominator(a: &Point, b: &Point) -> Fq {
    let difference = sub(b.x, a.x);
    if difference.is_zero() || a.is_infinity() || b.is_infinity() {
        return if *a == *b && !a.is_infinity() {
            a.y.double() // never zero: the group's order is odd
        } else {
            Fq::ONE
        };
    }
    difference
}

/// a + b, given the inverse of their denominator.
#[inline(always)]
fn sum(a: &Point, b: &Point, inverse: Fq) -> Point {
    let numerator = if a.x == b.x || a.is_infinity() || b.is_infinity() {
        if a.is_infinity() {
            return *b;
        }
        if b.is_infinity() {
            return *a;
        }
        if a.y != b.y {
            return Point::default();
        }
        let square = a.x.square();
        square.double() + square
    } else {
        sub(b.y, a.y)
    };
    let slope = numerator * inverse;
    let x = sub(sub(slope.square(), a.x), b.x);
    Point {
        x,
        y: sub(slope * sub(a.x, x), a.y),
    }
}

/// Whether eight words are a finite point of the curve in Montgomery form.
fn is_finite_point(words: &[u64; 8]) -> bool {
    let point = Point::from_words(words);
    point.x.0 < FqConfig::MODULUS
        && point.y.0 < FqConfig::MODULUS
        && point.y.square() == point.x.square() * point.x + Fq::from(3_u64)
}

/// The first of these points that is not a finite point of the curve.
pub fn first_off_curve(points: &[[u64; 8]]) -> Option<usize> {
    points
        .par_iter()
        .position_first(|words| !is_finite_point(words))
}

/// Check that all coordinates are reduced: what arithmetic needs of points it has not met before.
pub fn check_reduced(points: &[[u64; 8]]) -> Result<()> {
    let reduced = |words: &[u64; 8]| {
        let point = Point::from_words(words);
        point.x.0 < FqConfig::MODULUS && point.y.0 < FqConfig::MODULUS
    };
    match points.par_iter().position_first(|words| !reduced(words)) {
        None => Ok(()),
        Some(i) => Err(Error::Point(format!(
            "a coordinate of point {i} is not below the modulus"
        ))),
    }
}

/// [tau^i]_1 for i < count.
pub fn powers(tau: Fr, count: usize) -> Result<Vec<[u64; 8]>> {
    const BITS: usize = 8;
    const WINDOWS: usize = 256 / BITS;
    let table = multiples_of_generator::<WINDOWS>(BITS);
    if count > 1 << 28 {
        return Err(Error::Range(format!("{count} powers of tau")));
    }
    let scalars = crate::field::powers(tau, count);
    Ok(scalars
        .par_chunks(1 << 10)
        .flat_map_iter(|scalars| {
            let scalars: Vec<[u64; 4]> = scalars.iter().map(|s| s.into_bigint().0).collect();
            let mut sums = vec![Point::default(); scalars.len()];
            let (mut out, mut scratch) = (Vec::new(), Vec::new());
            for window in 0..WINDOWS {
                let terms: Vec<Point> = scalars
                    .iter()
                    .map(|s| (s[window * BITS / 64] >> (window * BITS % 64)) as usize & 0xff)
                    .map(|digit| table[window][digit])
                    .collect();
                add_all(&sums, &terms, &mut out, &mut scratch);
                std::mem::swap(&mut sums, &mut out);
            }
            sums.into_iter().map(Point::words)
        })
        .collect())
}

/// table[w][d] = d · 2^(bits · w) · generator, for d < 2^bits.
fn multiples_of_generator<const WINDOWS: usize>(bits: usize) -> Vec<Vec<Point>> {
    let mut base = G1Projective::from(G1Affine::generator());
    (0..WINDOWS)
        .map(|_| {
            let multiples: Vec<G1Projective> =
                std::iter::successors(Some(G1Projective::zero()), |last| Some(*last + base))
                    .take((1 << bits) + 1)
                    .collect();
            base = multiples[1 << bits];
            G1Projective::normalize_batch(&multiples[..1 << bits])
                .iter()
                .map(|point| point.xy().map_or(Point::default(), |(x, y)| Point { x, y }))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::PrimeGroup;

    #[test]
    fn batched_additions_equal_the_library_in_every_case() {
        let g = G1Projective::generator();
        let points: Vec<Point> = [g - g, g, -g, g.double(), g.double() + g]
            .map(Point::from)
            .to_vec();
        let pairs: Vec<(Point, Point)> = points
            .iter()
            .flat_map(|a| points.iter().map(|b| (*a, *b)))
            .collect();
        let (left, right): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let (mut out, mut scratch) = (Vec::new(), Vec::new());
        add_all(&left, &right, &mut out, &mut scratch);
        for ((a, b), sum) in pairs.iter().zip(out) {
            assert_eq!(sum, Point::from(a.affine() + b.affine()));
        }
    }

    #[test]
    fn powers_of_tau_are_on_the_curve_and_right() {
        for tau in [Fr::zero(), Fr::ONE, -Fr::ONE, Fr::from(u128::MAX)] {
            let points = powers(tau, 5).unwrap();
            for (i, words) in points.iter().enumerate() {
                let expected = G1Projective::generator() * tau.pow([i as u64]);
                assert_eq!(Point::from_words(words), Point::from(expected));
            }
        }
        let mut points = powers(Fr::from(5_u64), 4).unwrap();
        assert_eq!(first_off_curve(&points), None);
        points[2][0] ^= 1;
        points[3] = [0; 8];
        assert_eq!(first_off_curve(&points), Some(2));
        points[0] = [u64::MAX; 8];
        assert_eq!(first_off_curve(&points), Some(0));
        assert!(check_reduced(&points).is_err());
        assert!(powers(Fr::ONE, 0).unwrap().is_empty());
    }
}
