//! Columns: typed arrays of small cells, shared with their owner and never copied.

use std::ops::Range;

use ark_ff::{AdditiveGroup, PrimeField};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::field::{CHUNK, Factor, Fr, Wide, added, from_words};
use crate::shared::Shared;
use crate::vector::{Kernel, LANES, MOST_MULTIPLES, Multiples, Simd, Target, Vector, dispatch};

/// The cells of a column or of a part of one.
#[derive(Clone, Copy, Debug)]
pub enum Cells<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    /// 128 bits, the low word first.
    U128(&'a [[u64; 2]]),
    /// Canonical field elements, the lowest word first.
    Field(&'a [[u64; 4]]),
}

/// Do `$body` with the slice of cells, whatever their type.
#[macro_export]
macro_rules! with_cells {
    ($cells:expr, $slice:ident => $body:expr) => {
        match $cells {
            $crate::column::Cells::U8($slice) => $body,
            $crate::column::Cells::U16($slice) => $body,
            $crate::column::Cells::U32($slice) => $body,
            $crate::column::Cells::U64($slice) => $body,
            $crate::column::Cells::U128($slice) => $body,
            $crate::column::Cells::Field($slice) => $body,
        }
    };
}

/// An unsigned integer below the modulus, as it is stored.
pub trait Cell: Copy + Sync {
    /// Little-endian words.
    fn words(self) -> [u64; 4];
}

impl Cell for u8 {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        [u64::from(self), 0, 0, 0]
    }
}

impl Cell for u16 {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        [u64::from(self), 0, 0, 0]
    }
}

impl Cell for u32 {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        [u64::from(self), 0, 0, 0]
    }
}

impl Cell for u64 {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        [self, 0, 0, 0]
    }
}

impl Cell for [u64; 2] {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        [self[0], self[1], 0, 0]
    }
}

impl Cell for [u64; 4] {
    #[inline(always)]
    fn words(self) -> [u64; 4] {
        self
    }
}

impl<'a> Cells<'a> {
    pub fn len(&self) -> usize {
        with_cells!(self, cells => cells.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells of `range`, as far as there are any.
    pub fn range(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.len());
        let range = range.start.min(end)..end;
        match self {
            Self::U8(cells) => Self::U8(&cells[range]),
            Self::U16(cells) => Self::U16(&cells[range]),
            Self::U32(cells) => Self::U32(&cells[range]),
            Self::U64(cells) => Self::U64(&cells[range]),
            Self::U128(cells) => Self::U128(&cells[range]),
            Self::Field(cells) => Self::Field(&cells[range]),
        }
    }

    /// The bits of the largest cell.
    pub fn bits(&self) -> u32 {
        fn union<C: Cell>(cells: &[C]) -> [u64; 4] {
            cells.iter().fold([0; 4], |union, cell| {
                let words = cell.words();
                std::array::from_fn(|i| union[i] | words[i])
            })
        }
        let union = with_cells!(self, cells => union(cells));
        (0..4)
            .rev()
            .find(|i| union[*i] != 0)
            .map_or(0, |i| 64 * i as u32 + 64 - union[i].leading_zeros())
    }

    /// The cell of row `row` as a field element; rows past the end are zero.
    pub fn get(&self, row: usize) -> Fr {
        fn get<C: Cell>(cells: &[C], row: usize) -> Fr {
            let words = cells.get(row).map_or([0; 4], |cell| cell.words());
            element(&words)
        }
        with_cells!(self, cells => get(cells, row))
    }

    /// Write the cells as field elements over as many elements of `target`.
    pub fn read(&self, target: &mut [Fr]) {
        fn small<C: Cell>(cells: &[C], target: &mut [Fr]) {
            for (target, cell) in target.iter_mut().zip(cells) {
                let mut wide = Wide::default();
                wide.add(&Factor::ONE, cell.words()[0]);
                *target = wide.reduce();
            }
        }
        fn large<C: Cell>(cells: &[C], target: &mut [Fr]) {
            for (target, cell) in target.iter_mut().zip(cells) {
                *target = element(&cell.words());
            }
        }
        match self {
            Self::U8(cells) => small(cells, target),
            Self::U16(cells) => small(cells, target),
            Self::U32(cells) => small(cells, target),
            Self::U64(cells) => small(cells, target),
            Self::U128(cells) => large(cells, target),
            Self::Field(cells) => large(cells, target),
        }
    }
}

/// For each column the sum of weights[i] · cell i. Weights past the last cell play no part.
pub fn inner_products(columns: &[Cells], weights: &[Fr]) -> Vec<Fr> {
    let sums = weights
        .par_chunks(MOST_MULTIPLES * LANES)
        .enumerate()
        .map(|(i, weights)| {
            let start = i * MOST_MULTIPLES * LANES;
            dispatch(InnerProducts {
                columns,
                weights,
                start,
            })
        })
        .reduce(Vec::new, added);
    if sums.is_empty() {
        vec![Fr::ZERO; columns.len()]
    } else {
        sums
    }
}

/// The share of the rows from `start` on.
struct InnerProducts<'a> {
    columns: &'a [Cells<'a>],
    weights: &'a [Fr],
    start: usize,
}

impl Kernel for InnerProducts<'_> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Fr> {
        let mut weights = Vec::with_capacity(self.weights.len().div_ceil(LANES));
        for i in (0..self.weights.len()).step_by(LANES) {
            weights.push(simd.weights(simd.load_at(self.weights, i, Fr::ZERO)));
        }
        let mut products = Vec::with_capacity(self.columns.len());
        for cells in self.columns {
            let mut multiples = simd.multiples();
            for (i, weights) in weights.iter().enumerate() {
                multiples.add_each(weights, cells, self.start + i * LANES);
            }
            let mut sums = [Fr::ZERO; LANES];
            multiples.total().store(&mut sums);
            products.push(sums.iter().sum());
        }
        products
    }
}

/// A canonical value, already checked, as a field element.
#[inline]
fn element(words: &[u64; 4]) -> Fr {
    from_words(words).unwrap_or_default()
}

/// Add to `sums` the multiples of the cells of each column from its first one on.
pub fn add_combination(terms: &[(Fr, Cells)], sums: &mut [Fr]) {
    for terms in terms.chunks(MOST_MULTIPLES) {
        dispatch(AddCombination { terms, sums });
    }
}

struct AddCombination<'a> {
    terms: &'a [(Fr, Cells<'a>)],
    sums: &'a mut [Fr],
}

impl Kernel for AddCombination<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut weights = Vec::with_capacity(self.terms.len());
        for (weight, _) in self.terms {
            weights.push(simd.weight(*weight));
        }
        for i in (0..self.sums.len()).step_by(LANES) {
            let mut multiples = simd.multiples();
            for (k, (_, cells)) in self.terms.iter().enumerate() {
                multiples.add(weights[k], cells, i);
            }
            let sum = simd.load_at(self.sums, i, Fr::ZERO) + multiples.total();
            sum.store_at(self.sums, i);
        }
    }
}

/// constant + the sum of weight · cell, from each column's first cell on.
pub struct Combination<'a, T> {
    pub terms: &'a [(Fr, Cells<'a>)],
    pub constant: Fr,
    pub target: T,
}

impl<T: Target> Kernel for Combination<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let constant = simd.weight(self.constant);
        let mut weights = Vec::with_capacity(self.terms.len());
        for (weight, _) in self.terms {
            weights.push(simd.weight(*weight));
        }
        for i in 0..self.target.vectors() {
            let mut multiples = simd.multiples();
            multiples.add_one(constant);
            let mut before = None;
            for (k, (_, cells)) in self.terms.iter().enumerate() {
                if k % (MOST_MULTIPLES - 1) == MOST_MULTIPLES - 2 {
                    let total = multiples.total();
                    before = Some(before.map_or(total, |before| before + total));
                    multiples = simd.multiples();
                }
                multiples.add(weights[k], cells, i * LANES);
            }
            let total = multiples.total();
            let total = before.map_or(total, |before| before + total);
            self.target.put(i, total);
        }
    }
}

/// A column: cells that someone else owns, kept alive as long as the column is.
#[derive(Clone)]
pub enum Column {
    U8(Shared<u8>),
    U16(Shared<u16>),
    U32(Shared<u32>),
    U64(Shared<u64>),
    U128(Shared<[u64; 2]>),
    Field(Shared<[u64; 4]>),
}

impl Column {
    /// A column of field elements, which have to be canonical.
    pub fn field(cells: Shared<[u64; 4]>) -> Result<Self> {
        if cells.par_iter().all(|cell| from_words(cell).is_some()) {
            Ok(Self::Field(cells))
        } else {
            Err(Error::FieldElement("a cell of a field column"))
        }
    }

    /// A column of field elements that nobody else holds.
    pub fn from_elements(elements: &[Fr]) -> Self {
        let cells: Vec<[u64; 4]> = elements
            .par_iter()
            .with_min_len(CHUNK)
            .map(|element| element.into_bigint().0)
            .collect();
        Self::Field(cells.into())
    }

    pub fn cells(&self) -> Cells<'_> {
        match self {
            Self::U8(cells) => Cells::U8(cells),
            Self::U16(cells) => Cells::U16(cells),
            Self::U32(cells) => Cells::U32(cells),
            Self::U64(cells) => Cells::U64(cells),
            Self::U128(cells) => Cells::U128(cells),
            Self::Field(cells) => Cells::Field(cells),
        }
    }

    pub fn len(&self) -> usize {
        self.cells().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{columns, random};

    #[test]
    fn sums_over_every_type_equal_field_arithmetic() {
        for column in columns(40) {
            let cells = column.cells();
            let values: Vec<Fr> = (0..cells.len()).map(|row| cells.get(row)).collect();
            let mut read = vec![Fr::from(0_u64); cells.len()];
            cells.read(&mut read);
            assert_eq!(read, values);
            let weights = random(45);
            let expected: Fr = values.iter().zip(&weights).map(|(v, w)| *v * w).sum();
            assert_eq!(inner_products(&[cells], &weights), [expected]);
            let mut sums = [Fr::ZERO; 40];
            add_combination(&[(weights[0], cells)], &mut sums);
            add_combination(&[(weights[1], cells.range(3..7))], &mut sums);
            for (i, sum) in sums.iter().enumerate() {
                let mut expected = weights[0] * cells.get(i);
                if i < 4 {
                    expected += weights[1] * cells.get(i + 3);
                }
                assert_eq!(*sum, expected);
            }
        }
    }

    #[test]
    fn inner_products_of_columns_of_different_lengths() {
        let lengths = [0, 1, MOST_MULTIPLES * LANES, 1000, 1100];
        let columns: Vec<Column> = lengths.into_iter().flat_map(columns).collect();
        let cells: Vec<Cells> = columns.iter().map(Column::cells).collect();
        let weights = random(1050);
        let expected = cells.iter().map(|cells| {
            let terms = weights.iter().zip(0..cells.len());
            terms.map(|(weight, row)| *weight * cells.get(row)).sum()
        });
        let expected: Vec<Fr> = expected.collect();
        assert_eq!(inner_products(&cells, &weights), expected);
        assert_eq!(inner_products(&cells, &[]), vec![Fr::ZERO; cells.len()]);
    }

    #[test]
    fn combinations_equal_field_arithmetic() {
        let columns: Vec<Column> = (0..20).flat_map(|_| columns(50)).collect();
        let weights = random(columns.len());
        let cells = columns.iter().map(Column::cells);
        let terms: Vec<(Fr, Cells)> = weights.into_iter().zip(cells).collect();
        for count in [0, 1, MOST_MULTIPLES, terms.len()] {
            let before = random(45);
            let mut sums = before.clone();
            add_combination(&terms[..count], &mut sums);
            for (row, (sum, before)) in sums.into_iter().zip(before).enumerate() {
                let terms = terms[..count].iter();
                let added: Fr = terms.map(|(weight, cells)| *weight * cells.get(row)).sum();
                assert_eq!(sum, before + added);
            }
        }
    }

    #[test]
    fn bits_count_the_largest_cell() {
        assert_eq!(Cells::U8(&[]).bits(), 0);
        assert_eq!(Cells::U8(&[0, 1]).bits(), 1);
        assert_eq!(Cells::U16(&[5, 0x8000]).bits(), 16);
        assert_eq!(Cells::U128(&[[0, 0], [0, 1]]).bits(), 65);
        assert_eq!(Cells::Field(&[[0, 0, 0, 1 << 61]]).bits(), 254);
        assert!(Column::field(vec![[u64::MAX; 4]].into()).is_err());
    }
}
