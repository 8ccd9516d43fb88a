//! What a verifier computes beside programs: the same as `zkevm.proof` does in plain Python.

use std::ops::Range;
use std::sync::Arc;

use ark_ff::{BigInt, BigInteger, Field, PrimeField, Zero, batch_inversion};
use rayon::prelude::*;

use crate::column::Column;
use crate::curve::Point;
use crate::error::{Error, Result};
use crate::field::{Fq, Fr};
use crate::msm::Bases;
use crate::program::Program;

/// A table that a proof has: its interactions' blocks of 2^height leaves begin with `block`.
pub struct Table {
    pub program: Arc<Program>,
    pub height: usize,
    pub block: u64,
}

/// The value at `x` of the polynomial with these coefficients.
pub fn horner(coefficients: &[Fr], x: Fr) -> Fr {
    let from_top = coefficients.iter().rev();
    from_top.fold(Fr::zero(), |value, coefficient| value * x + coefficient)
}

/// What the sum over rows sums, at one point, table after table; `cells` are the values of all
/// witness columns there, `fixed` those of all fixed ones. The weight of an interaction is
/// eq(xi[height..], bits of its block).
pub fn summands(
    tables: &[Table],
    mut cells: &[Fr],
    mut fixed: &[Fr],
    theta: Fr,
    fingerprints: [Fr; 2],
    xi: &[Fr],
) -> Result<Vec<Fr>> {
    let mut parts = Vec::with_capacity(tables.len());
    for table in tables {
        let own = take(&mut cells, table.program.width)?;
        parts.push((
            table,
            [own, take(&mut fixed, table.program.fixed)?].concat(),
        ));
    }
    if !cells.is_empty() || !fixed.is_empty() {
        return Err(Error::Program("too many cells".into()));
    }
    let sums: Vec<[Fr; 3]> = parts
        .par_iter()
        .map(|(table, own)| table.summands(own, theta, fingerprints, xi))
        .collect::<Result<_>>()?;
    Ok(sums.into_flattened())
}

/// Take the first of these cells.
fn take<'a>(cells: &mut &'a [Fr], count: usize) -> Result<&'a [Fr]> {
    let (first, rest) = cells
        .split_at_checked(count)
        .ok_or_else(|| Error::Program("too few cells".into()))?;
    *cells = rest;
    Ok(first)
}

impl Table {
    fn summands(
        &self,
        cells: &[Fr],
        theta: Fr,
        fingerprints: [Fr; 2],
        xi: &[Fr],
    ) -> Result<[Fr; 3]> {
        let above = xi.get(self.height..).unwrap_or_default();
        let end = self
            .block
            .checked_add(self.program.interactions.len() as u64);
        let blocks = self.block..end.unwrap_or(0);
        require(above, &blocks)?;
        let omega = block_weights(above, blocks);
        self.program.summands(cells, theta, fingerprints, &omega)
    }
}

/// Require that the numbers of blocks have a bit for each coordinate.
fn require(point: &[Fr], blocks: &Range<u64>) -> Result<()> {
    let most = 1_u64.checked_shl(point.len() as u32).unwrap_or(u64::MAX);
    if blocks.start <= blocks.end && blocks.end <= most {
        Ok(())
    } else {
        Err(Error::Range(format!("blocks {blocks:?} of {most}")))
    }
}

/// eq(point, bits of a block number).
fn block_weights(point: &[Fr], blocks: Range<u64>) -> Vec<Fr> {
    let Some((x, point)) = point.split_first() else {
        return vec![Fr::ONE; (blocks.end - blocks.start) as usize];
    };
    let above = block_weights(point, blocks.start / 2..blocks.end.div_ceil(2));
    let weights = above.iter().flat_map(|parent| {
        let of_odd = *parent * x;
        [*parent - of_odd, of_odd]
    });
    let skipped = (blocks.start % 2) as usize;
    weights
        .skip(skipped)
        .take((blocks.end - blocks.start) as usize)
        .collect()
}

/// The sum over i of ratio^i times eq(point, bits of block i): two blocks that differ in the lowest
/// bit only are one of half the number.
pub fn block_series(point: &[Fr], blocks: Range<u64>, ratio: Fr) -> Result<Fr> {
    require(point, &blocks)?;
    let before = suffix_weights(point, blocks.start.wrapping_sub(1));
    let after = suffix_weights(point, blocks.end);
    Ok(series(point, &before, &after, blocks, ratio))
}

fn series(
    point: &[Fr],
    before: &[Fr],
    after: &[Fr],
    Range { start, end }: Range<u64>,
    ratio: Fr,
) -> Fr {
    let (Some((x, point)), true) = (point.split_first(), start < end) else {
        return Fr::from(end - start);
    };
    let (before, after) = (&before[1..], &after[1..]);
    let pairs = start.div_ceil(2)..end / 2;
    let inner = series(point, before, after, pairs, ratio.square());
    let mut total = (Fr::ONE - x + ratio * x) * inner;
    if start % 2 == 1 {
        total = ratio * total + before[0] * x;
    }
    if end % 2 == 1 {
        total += ratio.pow([end - start - 1]) * after[0] * (Fr::ONE - x);
    }
    total
}

/// eq(point[k..], the bits of `block` from bit k on) for k = 0, ..., the length of the point.
fn suffix_weights(point: &[Fr], block: u64) -> Vec<Fr> {
    let mut weights = vec![Fr::ONE; point.len() + 1];
    for (k, x) in point.iter().enumerate().rev() {
        let is_set = block.checked_shr(k as u32).unwrap_or(0) & 1 == 1;
        weights[k] = weights[k + 1] * if is_set { *x } else { Fr::ONE - x };
    }
    weights
}

/// The elements of big-endian words, all below the modulus.
pub fn elements(words: &[u8]) -> Result<Vec<Fr>> {
    match words.as_chunks::<32>() {
        (words, []) => elements_of(words),
        _ => Err(Error::FieldElement("words")),
    }
}

fn elements_of(words: &[[u8; 32]]) -> Result<Vec<Fr>> {
    words.iter().map(element).collect()
}

/// The points of the curve of big-endian words x and y, both zero for infinity.
pub fn points(words: &[u8]) -> Result<Vec<Point>> {
    let (points, rest) = words.as_chunks::<64>();
    if !rest.is_empty() {
        return Err(Error::Point("words x and y".into()));
    }
    points.iter().map(point).collect()
}

fn point(words: &[u8; 64]) -> Result<Point> {
    let coordinate = |word| Fq::from_bigint(number(word));
    let [x, y] = words.as_chunks().0 else {
        return Err(Error::Point("words x and y".into()));
    };
    match coordinate(x).zip(coordinate(y)) {
        Some((x, y)) if Point { x, y }.affine().is_on_curve() => Ok(Point { x, y }),
        _ => Err(Error::Point("one is not on the curve".into())),
    }
}

/// The sum of scalars[i] times points[i], both of big-endian words, as `points` and `elements`.
pub fn combination(words: &[u8], scalars: &[u8]) -> Result<Point> {
    let (points, scalars) = (points(words)?, elements(scalars)?);
    if points.len() != scalars.len() {
        return Err(Error::Point("as many as scalars".into()));
    }
    let terms = points.iter().zip(&scalars);
    let (finite, scalars): (Vec<_>, Vec<_>) = terms
        .filter(|(point, _)| !point.is_infinity())
        .map(|(point, scalar)| (point.words(), scalar.into_bigint().0))
        .unzip();
    Bases::new(finite.into())?.commit(&vec![(0, Column::field(scalars.into())?)])
}

/// What a statement adds to a bus, see `zkevm.plonkish.table`: words are the bus, the multiplicity
/// modulo 2^256, and values; with data there is a message for each 32 bytes of it.
pub type Message<'a> = (&'a [u8], Option<&'a [u8]>);

/// The sum of multiplicity / (alpha + bus + sum over l of beta^(l+1) value l) over messages. None
/// if a denominator is zero.
pub fn sum_of_fractions(messages: &[Message<'_>], alpha: Fr, beta: Fr) -> Result<Option<Fr>> {
    let (mut numerators, mut denominators) = (vec![], vec![]);
    for (words, data) in messages {
        let ([bus, multiplicity, values @ ..], []) = words.as_chunks::<32>() else {
            return Err(Error::FieldElement("a message"));
        };
        let (mut sum, mut power) = (alpha + element(bus)?, beta);
        for value in values {
            sum += power * element(value)?;
            power *= beta;
        }
        match data {
            None => denominators.push(sum),
            Some(data) => denominators.extend(numbered(data, sum, power, beta)),
        }
        numerators.resize(denominators.len(), signed(multiplicity)?);
    }
    if denominators.iter().any(Fr::is_zero) {
        return Ok(None);
    }
    batch_inversion(&mut denominators);
    let terms = numerators.iter().zip(&denominators).map(|(a, b)| a * b);
    Ok(Some(terms.sum()))
}

/// `sum` and, for each 32 bytes, times the next powers of beta: its number, its lower half, its
/// upper half.
fn numbered(data: &[u8], mut sum: Fr, power: Fr, beta: Fr) -> impl Iterator<Item = Fr> {
    let (lower, upper) = (power * beta, power * beta * beta);
    data.chunks(32).map(move |bytes| {
        let mut word = [0; 32];
        word[..bytes.len()].copy_from_slice(bytes);
        let [a, b, c, d] = number(&word).0;
        let half = |low: u64, high: u64| Fr::from(u128::from(low) | u128::from(high) << 64);
        let denominator = sum + lower * half(a, b) + upper * half(c, d);
        sum += power;
        denominator
    })
}

/// A big-endian number of 256 bits.
pub fn number(word: &[u8; 32]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().rev().zip(word.as_chunks::<8>().0) {
        *limb = u64::from_be_bytes(*bytes);
    }
    BigInt(limbs)
}

/// The element of a big-endian number below the modulus.
pub fn element(word: &[u8; 32]) -> Result<Fr> {
    Fr::from_bigint(number(word)).ok_or(Error::FieldElement("a word"))
}

/// The element of a number modulo 2^256, the upper half of which are negative.
fn signed(word: &[u8; 32]) -> Result<Fr> {
    if word[0] >> 7 == 0 {
        return element(word);
    }
    let mut magnitude = BigInt::zero();
    magnitude.sub_with_borrow(&number(word));
    let element = Fr::from_bigint(magnitude).ok_or(Error::FieldElement("a multiplicity"))?;
    Ok(-element)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::powers;
    use crate::testing::random;
    use ark_bn254::{G1Affine, G1Projective};
    use ark_ec::AffineRepr;
    use ark_ff::UniformRand;
    use rand::Rng;

    fn word(value: impl Into<BigInt<4>>) -> Vec<u8> {
        let limbs = value.into().0;
        limbs
            .iter()
            .rev()
            .flat_map(|limb| limb.to_be_bytes())
            .collect()
    }

    #[test]
    fn series_of_blocks() {
        let mut rng = rand::thread_rng();
        for variables in 0..6 {
            let point: Vec<Fr> = (0..variables).map(|_| Fr::rand(&mut rng)).collect();
            let ratio = Fr::rand(&mut rng);
            let weight = |block: u64| suffix_weights(&point, block)[0];
            for start in 0..=1 << variables {
                for end in start..=1 << variables {
                    let terms = (start..end).map(|b| ratio.pow([b - start]) * weight(b));
                    let expected: Fr = terms.sum();
                    assert_eq!(block_series(&point, start..end, ratio).unwrap(), expected);
                    let weights: Vec<Fr> = (start..end).map(weight).collect();
                    assert_eq!(block_weights(&point, start..end), weights);
                }
            }
            assert!(block_series(&point, 0..(1 << variables) + 1, ratio).is_err());
            assert!(block_series(&point, u64::MAX..u64::MAX, ratio).is_err());
        }
        #[allow(clippy::reversed_empty_ranges)]
        let reversed = 1..0;
        assert!(block_series(&[Fr::ONE], reversed, Fr::ONE).is_err());
    }

    #[test]
    fn fractions_of_messages() {
        let mut rng = rand::thread_rng();
        let (alpha, beta) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let mut expected = Fr::zero();
        let mut messages = vec![];
        for length in 0..5_u64 {
            let multiplicity = rng.r#gen::<i64>();
            let mut limbs = [if multiplicity < 0 { u64::MAX } else { 0 }; 4];
            limbs[0] = multiplicity as u64;
            let head = [word(length), word(BigInt(limbs))].concat();
            let data: Vec<u8> = (0..length * 20).map(|_| rng.r#gen()).collect();
            let values = random(length as usize);
            let mut add = |values: &[Fr]| {
                let powers = powers(beta, values.len() + 1);
                let terms = values.iter().zip(&powers[1..]).map(|(a, b)| a * b);
                let denominator = alpha + Fr::from(length) + terms.sum::<Fr>();
                expected += Fr::from(multiplicity) / denominator;
            };
            add(&values);
            for (i, bytes) in data.chunks(32).enumerate() {
                let half = |bytes: &[u8]| Fr::from_be_bytes_mod_order(bytes);
                let padded = [bytes, &[0; 32]].concat();
                let last = [
                    Fr::from(i as u64),
                    half(&padded[16..32]),
                    half(&padded[..16]),
                ];
                add(&[&values[..], &last].concat());
            }
            let values = values.iter().flat_map(|value| word(value.into_bigint()));
            let words: Vec<u8> = head.into_iter().chain(values).collect();
            messages.push((words.clone(), None));
            messages.push((words, Some(data)));
        }
        let sum = |messages: &[(Vec<u8>, Option<Vec<u8>>)]| {
            let messages: Vec<Message<'_>> = messages
                .iter()
                .map(|(words, data)| (&words[..], data.as_deref()))
                .collect();
            sum_of_fractions(&messages, alpha, beta)
        };
        assert_eq!(sum(&messages).unwrap(), Some(expected));
        assert_eq!(sum(&[]).unwrap(), Some(Fr::zero()));
        let zero = [word((-alpha).into_bigint()), word(1_u64)].concat();
        messages.push((zero.clone(), None));
        assert_eq!(sum(&messages).unwrap(), None);
        for malformed in [
            &zero[..32],
            &zero[..63],
            &[zero.clone(), vec![0xff; 32]].concat(),
        ] {
            assert!(sum(&[(malformed.to_vec(), None)]).is_err());
        }
        let middle = BigInt([0, 0, 0, 1 << 63]);
        assert!(sum(&[([word(1_u64), word(middle)].concat(), None)]).is_err());
    }

    #[test]
    fn combinations_of_points() {
        let generator = G1Affine::generator();
        let points: Vec<G1Affine> = (0..5_u64)
            .map(|n| (generator * Fr::from(n)).into())
            .collect();
        let scalars = random(points.len());
        let [mut words, mut factors] = [vec![], vec![]];
        for (point, scalar) in points.iter().zip(&scalars) {
            let (x, y) = point.xy().unwrap_or_default();
            words.extend([x, y].into_iter().flat_map(|x| word(x.into_bigint())));
            factors.extend(word(scalar.into_bigint()));
        }
        let terms = points
            .iter()
            .zip(&scalars)
            .map(|(point, scalar)| *point * scalar);
        let expected = Point::from(terms.sum::<G1Projective>()).encode();
        assert_eq!(combination(&words, &factors).unwrap().encode(), expected);
        assert!(combination(&[], &[]).unwrap().is_infinity());
        assert!(combination(&words, &factors[32..]).is_err());
        assert!(combination(&words[1..], &factors).is_err());
        for changed in [64 + 31, 64 + 32, 64 + 63] {
            let mut words = words.clone();
            words[changed] ^= 0xff;
            assert!(combination(&words, &factors).is_err());
        }
    }
}
