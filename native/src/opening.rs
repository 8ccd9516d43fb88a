//! The opening of one combination of polynomials: Gemini folds, Shplonk quotients, KZG.

use ark_ff::{Field, Zero};
use rayon::prelude::*;

use crate::column::{Column, add_combination};
use crate::curve::Point;
use crate::error::{Error, Result};
use crate::field::{CHUNK, Fr, line, powers};
use crate::msm::{Bases, Pieces};
use crate::rows::{BLOCK, MAX_HEIGHT};

pub struct Opening {
    bases: Bases,
    /// A_0 = sum of gamma^k q_k, and its folds A_1, ..., A_(m-1).
    folds: Vec<Vec<Fr>>,
    /// The folds' points r^(2^i), once known.
    points: Vec<Fr>,
    /// nu and the coefficients of Q, once known.
    quotient: Option<(Fr, Vec<Fr>)>,
}

impl Opening {
    pub fn new(
        bases: Bases,
        polynomials: &[Pieces],
        m: usize,
        gamma: Fr,
        u: &[Fr],
    ) -> Result<Self> {
        if m > MAX_HEIGHT as usize || bases.len() < 1 << m {
            return Err(Error::Range(format!(
                "2^{m} coefficients, {} bases",
                bases.len()
            )));
        }
        if m == 0 || u.len() != m {
            return Err(Error::Range(format!(
                "a point of {} for {m} variables",
                u.len()
            )));
        }
        let ends = polynomials.iter().flatten();
        if ends
            .map(|(offset, column)| offset.saturating_add(column.len()))
            .any(|end| end > 1 << m)
        {
            return Err(Error::Range(format!("a piece ends beyond 2^{m}")));
        }
        let mut folds = vec![combine(polynomials, m, gamma)];
        for x in &u[..m - 1] {
            let fold = folds[folds.len() - 1]
                .par_chunks(2)
                .with_min_len(CHUNK)
                .map(|pair| line(pair[0], pair[1], *x))
                .collect();
            folds.push(fold);
        }
        Ok(Self {
            bases,
            folds,
            points: Vec::new(),
            quotient: None,
        })
    }

    /// [A_1], ..., [A_(m-1)].
    pub fn folds(&self) -> Result<Vec<Point>> {
        self.folds[1..]
            .par_iter()
            .map(|fold| self.commit(fold))
            .collect()
    }

    /// A_i(-r^(2^i)).
    pub fn negative_values(&mut self, r: Fr) -> Vec<Fr> {
        let squares = std::iter::successors(Some(r), |x| Some(x.square()));
        self.points = squares.take(self.folds.len()).collect();
        self.folds
            .par_iter()
            .zip(&self.points)
            .map(|(fold, point)| evaluate(fold, -*point))
            .collect()
    }

    /// [Q], Q = sum of nu^(2i) (A_i - A_i(r_i)) / (X - r_i) + nu^(2i+1) (A_i - A_i(-r_i)) / (X + r_i).
    pub fn quotient(&mut self, nu: Fr) -> Result<Point> {
        if self.points.is_empty() {
            return Err(Error::Order("negative_values comes before quotient"));
        }
        let parts: Vec<Vec<Fr>> = self
            .claims(nu)
            .into_par_iter()
            .map(|(i, point, weight)| divide(&self.folds[i], point, weight))
            .collect();
        let quotient = add_all(parts);
        let point = self.commit(&quotient)?;
        self.quotient = Some((nu, quotient));
        Ok(point)
    }

    /// [W], W = (Q - sum of nu^(2i) A_i / (z - r_i) + nu^(2i+1) A_i / (z + r_i)) / (X - z), where
    /// a constant plays no part.
    pub fn witness(&self, z: Fr) -> Result<Point> {
        let Some((nu, quotient)) = &self.quotient else {
            return Err(Error::Order("quotient comes before witness"));
        };
        let mut scales = vec![Fr::zero(); self.folds.len()];
        for (i, point, weight) in self.claims(*nu) {
            // z is a root of a denominator with negligible probability: no proof then verifies.
            scales[i] -= weight * (z - point).inverse().unwrap_or_default();
        }
        let mut sum = quotient.clone();
        sum.resize(self.folds[0].len(), Fr::zero());
        for (fold, scale) in self.folds.iter().zip(scales) {
            sum.par_iter_mut()
                .zip(fold)
                .with_min_len(CHUNK)
                .for_each(|(sum, value)| *sum += scale * value);
        }
        self.commit(&divide(&sum, z, Fr::ONE))
    }

    /// (fold, point, power of nu) of all 2m claims.
    fn claims(&self, nu: Fr) -> Vec<(usize, Fr, Fr)> {
        let signed = self.points.iter().enumerate();
        signed
            .flat_map(|(i, point)| [(i, *point), (i, -*point)])
            .zip(powers(nu, 2 * self.points.len()))
            .map(|((i, point), weight)| (i, point, weight))
            .collect()
    }

    fn commit(&self, coefficients: &[Fr]) -> Result<Point> {
        self.bases
            .commit(&vec![(0, Column::from_elements(coefficients))])
    }
}

/// The sum of gamma^k q_k: 2^m coefficients.
fn combine(polynomials: &[Pieces], m: usize, gamma: Fr) -> Vec<Fr> {
    let weights = powers(gamma, polynomials.len());
    let mut combined = vec![Fr::zero(); 1 << m];
    combined
        .par_chunks_mut(BLOCK)
        .enumerate()
        .for_each(|(i, chunk)| {
            let (start, end) = (i * BLOCK, i * BLOCK + chunk.len());
            let mut whole = Vec::new();
            for (polynomial, weight) in polynomials.iter().zip(&weights) {
                for (offset, column) in polynomial {
                    if *offset >= end || offset + column.len() <= start {
                        continue;
                    }
                    let cells = column.cells();
                    if *offset <= start {
                        whole.push((*weight, cells.range(start - offset..end - offset)));
                    } else {
                        let cells = cells.range(0..end - offset);
                        add_combination(&[(*weight, cells)], &mut chunk[offset - start..]);
                    }
                }
            }
            add_combination(&whole, chunk);
        });
    combined
}

/// The value of a polynomial given by its coefficients.
fn evaluate(coefficients: &[Fr], x: Fr) -> Fr {
    let step = x.pow([CHUNK as u64]);
    let parts: Vec<Fr> = coefficients
        .par_chunks(CHUNK)
        .map(|part| horner(part, x))
        .collect();
    horner(&parts, step)
}

fn horner(coefficients: &[Fr], x: Fr) -> Fr {
    coefficients
        .iter()
        .rev()
        .fold(Fr::zero(), |sum, a| sum * x + a)
}

/// weight · f / (X - x), without the remainder.
fn divide(coefficients: &[Fr], x: Fr, weight: Fr) -> Vec<Fr> {
    let mut quotient = vec![Fr::zero(); coefficients.len().saturating_sub(1)];
    let mut last = Fr::zero();
    for (target, a) in quotient
        .iter_mut()
        .zip(&coefficients[1.min(coefficients.len())..])
        .rev()
    {
        last = last * x + weight * a;
        *target = last;
    }
    quotient
}

/// The sum of polynomials, the first being a longest.
fn add_all(polynomials: Vec<Vec<Fr>>) -> Vec<Fr> {
    let mut polynomials = polynomials.into_iter();
    let mut sum = polynomials.next().unwrap_or_default();
    for polynomial in polynomials {
        for (sum, value) in sum.iter_mut().zip(polynomial) {
            *sum += value;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve;
    use crate::field::eq_table;
    use crate::testing::{columns, random};
    use ark_bn254::G1Projective;
    use ark_ec::PrimeGroup;

    /// The equations of the verifier, in the exponent: tau is known.
    #[test]
    fn openings_verify_in_the_exponent() {
        for m in [1, 2, 5, 8] {
            let [tau, gamma, r, nu, z] = random(5).try_into().unwrap();
            let size = 1_usize << m;
            let bases = Bases::new(curve::powers(tau, size).unwrap().into()).unwrap();
            let polynomials: Vec<Pieces> =
                columns(size).into_iter().map(|c| vec![(0, c)]).collect();
            let u = random(m);
            let eq = eq_table(&u);
            let of = |pieces: &Pieces, weights: &[Fr]| -> Fr {
                let cells = pieces[0].1.cells();
                weights
                    .iter()
                    .enumerate()
                    .map(|(i, w)| cells.get(i) * w)
                    .sum()
            };
            let weights = powers(gamma, polynomials.len());
            let combined = |table: &[Fr]| -> Fr {
                polynomials
                    .iter()
                    .zip(&weights)
                    .map(|(f, w)| of(f, table) * w)
                    .sum()
            };
            let (value, commitment) = (combined(&eq), combined(&powers(tau, size)));
            let point = |value: Fr| Point::from(G1Projective::generator() * value);

            let mut opening = Opening::new(bases, &polynomials, m, gamma, &u).unwrap();
            assert!(opening.quotient(nu).is_err() && opening.witness(z).is_err());
            let folds = opening.folds().unwrap();
            let negative = opening.negative_values(r);
            let quotient = opening.quotient(nu).unwrap();
            let witness = opening.witness(z).unwrap();

            // The folds by their definition, then everything that is claimed about them.
            let mut fold_values = vec![commitment];
            for (fold, point_of_fold) in opening.folds[1..].iter().zip(&folds) {
                let at_tau = evaluate(fold, tau);
                assert_eq!(*point_of_fold, point(at_tau));
                fold_values.push(at_tau);
            }
            let (mut positive, mut left) =
                (value, evaluate(&opening.quotient.as_ref().unwrap().1, tau));
            assert_eq!(quotient, point(left));
            for i in (0..m).rev() {
                let r_i = r.pow([1 << i]);
                let (even, odd) = (r_i * (Fr::ONE - u[i]), u[i]);
                let numerator = (r_i + r_i) * positive - negative[i] * (even - odd);
                positive = numerator * (even + odd).inverse().unwrap();
                for (power, x, y) in [(2 * i, r_i, positive), (2 * i + 1, -r_i, negative[i])] {
                    let weight = nu.pow([power as u64]) * (z - x).inverse().unwrap();
                    left -= weight * (fold_values[i] - y);
                }
            }
            // [L] = (tau - z) [W]
            let expected = left * (tau - z).inverse().unwrap();
            assert_eq!(witness, point(expected));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bases = Bases::new(curve::powers(Fr::ONE, 4).unwrap().into()).unwrap();
        let new = |cells: Vec<u8>, m, u| {
            let pieces = vec![vec![(1, Column::U8(cells.into()))]];
            Opening::new(bases.clone(), &pieces, m, Fr::ONE, &random(u))
        };
        assert!(new(vec![1; 3], 2, 2).is_ok());
        assert!(new(vec![1; 4], 2, 2).is_err());
        assert!(new(vec![1; 3], 3, 3).is_err());
        assert!(new(vec![1; 3], 2, 3).is_err());
        assert!(new(vec![], 0, 0).is_err());
        assert!(new(vec![], 80, 80).is_err());
    }
}
