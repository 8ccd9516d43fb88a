//! The stacking reduction: from values of columns to values of stack polynomials at one point.
//!
//! The sum over y in {0,1}^m of sum_k q_k(y) h_k(y), where a piece of size s in block b of polynomial
//! k contributes weight · eq(r[..s], y[..s]) · eq(bits of b, y[s..]) · eq(r[s..n], chunk) to h_k. The
//! lowest variable is bound first: as long as a round's variable lies inside the pieces, all pieces
//! of one size act as one vector, the sum of weight · cells. Once it lies above, a piece is one value.

use std::collections::BTreeMap;

use ark_ff::{Field, Zero};
use rayon::prelude::*;

use crate::column::{Cells, Column, add_combination, inner_products};
use crate::error::{Error, Result};
use crate::field::{CHUNK, Fr, eq_one, eq_table, eq_vertex, line};
use crate::rows::{BLOCK, MAX_HEIGHT};

/// A column with its weight and its place.
pub struct Stacked {
    pub column: Column,
    pub height: u32,
    pub weight: Fr,
    /// (polynomial, block, chunk).
    pub pieces: Vec<(usize, usize, usize)>,
}

/// The cells of one piece.
struct Piece {
    column: Column,
    chunk: usize,
    polynomial: usize,
    block: usize,
    /// weight · eq(r[s..n], chunk)
    weight: Fr,
}

impl Piece {
    fn cells(&self, size: usize) -> Cells<'_> {
        self.column
            .cells()
            .range(self.chunk << size..(self.chunk + 1) << size)
    }
}

/// All pieces of one size.
struct Group {
    size: usize,
    pieces: Vec<Piece>,
    /// The sum of weight · cells, its low variables bound.
    combined: Vec<Fr>,
}

/// A value of a stack polynomial and its weight in h, at an index of the variables left.
type Entries = BTreeMap<usize, (Fr, Fr)>;

pub struct StackedSum {
    m: usize,
    r: Vec<Fr>,
    groups: Vec<Group>,
    /// For each polynomial what its pieces have become.
    polynomials: Vec<Entries>,
    /// Challenges so far, the lowest variable's first.
    u: Vec<Fr>,
    /// eq(r, u) over the bound variables.
    scale: Fr,
}

impl StackedSum {
    pub fn new(columns: Vec<Stacked>, polynomials: usize, m: usize, r: Vec<Fr>) -> Result<Self> {
        if m > MAX_HEIGHT as usize || polynomials > 1 << 24 {
            return Err(Error::Range(format!(
                "{polynomials} polynomials of size 2^{m}"
            )));
        }
        let mut groups: BTreeMap<usize, Vec<Piece>> = BTreeMap::new();
        for stacked in columns {
            let height = stacked.height as usize;
            let size = height.min(m);
            if height > r.len().min(MAX_HEIGHT as usize) || stacked.column.len() > 1 << height {
                return Err(Error::Range(format!("a column of height {height}")));
            }
            for (polynomial, block, chunk) in stacked.pieces {
                if polynomial >= polynomials
                    || block >= 1 << (m - size)
                    || chunk >= 1 << (height - size)
                {
                    return Err(Error::Range(format!(
                        "piece ({polynomial}, {block}, {chunk}) of a column of height {height}"
                    )));
                }
                groups.entry(size).or_default().push(Piece {
                    column: stacked.column.clone(),
                    chunk,
                    polynomial,
                    block,
                    weight: stacked.weight * eq_vertex(&r[size..height], chunk),
                });
            }
        }
        let mut sum = Self {
            m,
            r,
            groups: groups
                .into_iter()
                .map(|(size, pieces)| Group {
                    combined: combine(&pieces, size),
                    size,
                    pieces,
                })
                .collect(),
            polynomials: vec![Entries::new(); polynomials],
            u: Vec::new(),
            scale: Fr::ONE,
        };
        sum.settle();
        Ok(sum)
    }

    /// s(0), s(2).
    pub fn round(&self) -> Result<[Fr; 2]> {
        let i = self.u.len();
        if i == self.m {
            return Err(Error::Order("the rounds are over"));
        }
        let mut totals = [Fr::zero(); 2];
        if let Some(top) = self.groups.iter().map(|group| group.size).max() {
            // eq(r[i + 1..top], ·), for all groups: a smaller one reads the sums over its upper part.
            let mut eq = eq_table(&self.r[i + 1..top]);
            for group in self.groups.iter().rev() {
                while eq.len() > 1 << (group.size - i - 1) {
                    crate::field::drop_top_variable(&mut eq);
                }
                let [at_zero, at_two] = pair_sums(&group.combined, &eq);
                let weight = |x: u64| self.scale * eq_one(self.r[i], Fr::from(x));
                totals[0] += weight(0) * at_zero;
                totals[1] += weight(2) * at_two;
            }
        }
        for entries in &self.polynomials {
            for ([q0, q1], [h0, h1]) in pairs(entries).into_values() {
                totals[0] += q0 * h0;
                totals[1] += (q1 + q1 - q0) * (h1 + h1 - h0);
            }
        }
        Ok(totals)
    }

    pub fn bind(&mut self, challenge: Fr) -> Result<()> {
        let i = self.u.len();
        if i == self.m {
            return Err(Error::Order("the rounds are over"));
        }
        self.polynomials.par_iter_mut().for_each(|entries| {
            *entries = pairs(entries)
                .into_iter()
                .map(|(index, ([q0, q1], [h0, h1]))| {
                    (index, (line(q0, q1, challenge), line(h0, h1, challenge)))
                })
                .collect();
        });
        if let Some(r) = self.r.get(i) {
            self.scale *= eq_one(*r, challenge);
        }
        for group in &mut self.groups {
            group.combined = bind_low(&group.combined, challenge);
        }
        self.u.push(challenge);
        self.settle();
        Ok(())
    }

    /// Turn the pieces whose variables are all bound into values of their polynomials.
    fn settle(&mut self) {
        let i = self.u.len();
        let (settled, rest): (Vec<_>, Vec<_>) =
            self.groups.drain(..).partition(|group| group.size == i);
        self.groups = rest;
        for group in settled {
            let cells: Vec<Cells> = group.pieces.iter().map(|piece| piece.cells(i)).collect();
            let values = inner_products(&cells, &eq_table(&self.u));
            for (piece, value) in group.pieces.iter().zip(values) {
                let entry = self.polynomials[piece.polynomial]
                    .entry(piece.block)
                    .or_default();
                entry.0 += value;
                entry.1 += self.scale * piece.weight;
            }
        }
    }

    /// e_k: the polynomials' values at the point of the challenges.
    pub fn values(&self) -> Result<Vec<Fr>> {
        if self.u.len() < self.m {
            return Err(Error::Order("the rounds come first"));
        }
        let value = |entries: &Entries| entries.get(&0).map_or(Fr::zero(), |entry| entry.0);
        Ok(self.polynomials.iter().map(value).collect())
    }
}

/// The sum of weight · cells over pieces of size 2^size, as far as they have cells.
fn combine(pieces: &[Piece], size: usize) -> Vec<Fr> {
    let used = pieces
        .iter()
        .map(|piece| piece.cells(size).len())
        .max()
        .unwrap_or(0);
    let mut combined = vec![Fr::zero(); used];
    combined
        .par_chunks_mut(BLOCK)
        .enumerate()
        .for_each(|(i, chunk)| {
            let range = i * BLOCK..i * BLOCK + chunk.len();
            let terms = pieces.iter();
            let terms: Vec<(Fr, Cells)> = terms
                .map(|piece| (piece.weight, piece.cells(size).range(range.clone())))
                .collect();
            add_combination(&terms, chunk);
        });
    combined
}

/// The sums over j of eq[j] · v at 0 and at 2, v being the line through values 2j and 2j + 1.
fn pair_sums(values: &[Fr], eq: &[Fr]) -> [Fr; 2] {
    values
        .par_chunks(2)
        .zip(eq)
        .with_min_len(CHUNK)
        .map(|(pair, eq)| {
            let (low, high) = (pair[0], pair.get(1).copied().unwrap_or_default());
            [*eq * low, *eq * (high + high - low)]
        })
        .reduce(Default::default, |a, b| [a[0] + b[0], a[1] + b[1]])
}

/// Bind the lowest variable; values past the end are zero.
fn bind_low(values: &[Fr], x: Fr) -> Vec<Fr> {
    values
        .par_chunks(2)
        .with_min_len(CHUNK)
        .map(|pair| line(pair[0], pair.get(1).copied().unwrap_or_default(), x))
        .collect()
}

/// Entries 2j and 2j + 1 side by side: values and weights.
fn pairs(entries: &Entries) -> BTreeMap<usize, ([Fr; 2], [Fr; 2])> {
    let mut pairs: BTreeMap<usize, ([Fr; 2], [Fr; 2])> = BTreeMap::new();
    for (index, (q, h)) in entries {
        let pair = pairs.entry(index / 2).or_default();
        pair.0[index % 2] = *q;
        pair.1[index % 2] = *h;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{columns, random};

    /// Bind the lowest variable.
    fn bind(vector: &[Fr], x: Fr) -> Vec<Fr> {
        vector
            .chunks(2)
            .map(|pair| line(pair[0], pair[1], x))
            .collect()
    }

    #[test]
    fn rounds_and_values_equal_the_definition() {
        let r = random(6);
        for m in 0..8_usize {
            let (mut stacked, mut cursor) = (Vec::new(), 0);
            for height in [6, 5, 3, 0] {
                for column in columns((3 << height) / 4 + 1) {
                    let size = height.min(m);
                    let pieces = (0..1 << (height - size)).map(|chunk| {
                        let at = cursor + (chunk << size);
                        (at >> m, (at % (1 << m)) >> size, chunk)
                    });
                    stacked.push(Stacked {
                        column,
                        height: height as u32,
                        weight: random(1)[0],
                        pieces: pieces.collect(),
                    });
                    cursor += 1 << height;
                }
            }
            let polynomials = cursor.div_ceil(1 << m) + 1; // one without pieces
            let mut q = vec![vec![Fr::zero(); 1 << m]; polynomials];
            let mut h = q.clone();
            for column in &stacked {
                let (height, size) = (column.height as usize, (column.height as usize).min(m));
                let eq = eq_table(&r[..height]);
                for (k, block, chunk) in &column.pieces {
                    for i in 0..1 << size {
                        let row = (chunk << size) + i;
                        q[*k][(block << size) + i] = column.column.cells().get(row);
                        h[*k][(block << size) + i] = column.weight * eq[row];
                    }
                }
            }
            let mut sum = StackedSum::new(stacked, polynomials, m, r.clone()).unwrap();
            for _ in 0..m {
                let message = sum.round().unwrap();
                for (x, value) in [0_u64, 2].into_iter().zip(message) {
                    let dot = |(q, h): (&Vec<Fr>, &Vec<Fr>)| -> Fr {
                        let (q, h) = (bind(q, Fr::from(x)), bind(h, Fr::from(x)));
                        q.iter().zip(h).map(|(q, h)| *q * h).sum()
                    };
                    assert_eq!(value, q.iter().zip(&h).map(dot).sum());
                }
                assert!(sum.values().is_err());
                let x = random(1)[0];
                sum.bind(x).unwrap();
                q = q.iter().map(|q| bind(q, x)).collect();
                h = h.iter().map(|h| bind(h, x)).collect();
            }
            assert!(sum.round().is_err() && sum.bind(r[0]).is_err());
            let expected: Vec<Fr> = q.iter().map(|q| q[0]).collect();
            assert_eq!(sum.values().unwrap(), expected);
        }
    }

    #[test]
    fn pieces_have_to_fit() {
        let new = |height, piece, r| {
            let stacked = Stacked {
                column: Column::U8(vec![1, 2, 3].into()),
                height,
                weight: Fr::ONE,
                pieces: vec![piece],
            };
            StackedSum::new(vec![stacked], 2, 3, random(r))
        };
        assert!(new(2, (1, 1, 0), 2).is_ok());
        assert!(new(2, (2, 0, 0), 2).is_err());
        assert!(new(2, (0, 2, 0), 2).is_err());
        assert!(new(2, (0, 0, 1), 2).is_err());
        assert!(new(2, (0, 0, 0), 1).is_err());
        assert!(new(1, (0, 0, 0), 2).is_err());
        assert!(new(70, (0, 0, 0), 80).is_err());
    }
}
