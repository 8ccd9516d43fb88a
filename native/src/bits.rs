//! Commitments to bits, by sums of subsets of the bases.
//!
//! A group of g bases has 2^g sums of subsets, which are made with one addition each. A polynomial
//! then costs one addition for g cells, whatever its bits are. Tables are made for the polynomials
//! at hand and dropped with them: the more there are, the larger groups pay. No table is larger than
//! a part of the cache.

use std::mem::take;
use std::ops::Range;

use ark_bn254::G1Projective;
use ark_ff::Zero;
use rayon::prelude::*;

use crate::column::{Cell, Cells};
use crate::curve::{Addition, Point, add_all};
use crate::sums::Summation;
use crate::with_cells;

/// Columns of bits, with the bases where they begin.
pub type BitColumns<'a> = Vec<(usize, Cells<'a>)>;

/// Bases of one task.
const RANGE: usize = 1 << 13;
/// Sums in a table.
const TABLE: usize = 1 << 13;
const LARGEST_GROUP: usize = 8;

/// For each polynomial the sum of the bases where it has a one.
pub fn sums(bases: &[Point], polynomials: &[BitColumns]) -> Vec<G1Projective> {
    let end = polynomials
        .iter()
        .flatten()
        .map(|(start, cells)| start + cells.len())
        .max();
    let parts: Vec<Vec<(usize, Point)>> = (0..end.unwrap_or(0))
        .into_par_iter()
        .step_by(RANGE)
        .map_init(Table::default, |table, start| {
            let bases = &bases[start..bases.len().min(start + RANGE)];
            Summation::with(|summation| table.range_sums(bases, start, polynomials, summation))
        })
        .collect();
    let mut sums = vec![G1Projective::zero(); polynomials.len()];
    for (polynomial, part) in parts.into_iter().flatten() {
        sums[polynomial] += part.affine();
    }
    sums
}

/// The size of groups with the least additions.
fn best_group(bases: usize, packed: &[(usize, Packed)]) -> usize {
    let cost = |size: &usize| {
        let groups = bases.div_ceil(*size);
        let columns: usize = packed.iter().map(|(_, bits)| bits.ones.min(groups)).sum();
        groups * ((1 << size) - 1 - size) + columns
    };
    (1..=LARGEST_GROUP).min_by_key(cost).unwrap_or(1)
}

/// The bits of a polynomial in a range of bases.
struct Packed {
    words: Vec<u64>,
    ones: usize,
}

impl Packed {
    fn new(columns: &BitColumns, range: &Range<usize>) -> Self {
        // One word more, for windows that reach beyond the end.
        let mut words = vec![0; range.len().div_ceil(64) + 1];
        for (start, cells) in columns {
            let first = range.start.max(*start);
            if first < range.end.min(start + cells.len()) {
                let cells = cells.range(first - start..range.end - start);
                with_cells!(cells, cells => pack(cells, first - range.start, &mut words));
            }
        }
        let ones = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, ones }
    }

    /// The bits from `at` on.
    #[inline(always)]
    fn window(&self, at: usize, size: usize) -> usize {
        let (word, bit) = (at / 64, at % 64);
        let bits = self.words[word] >> bit | self.words[word + 1] << 1 << (63 - bit);
        bits as usize & ((1 << size) - 1)
    }
}

/// Set the bits from `at` on that are ones.
fn pack<C: Cell>(cells: &[C], at: usize, words: &mut [u64]) {
    for (cells, at) in cells.chunks(8).zip((at..).step_by(8)) {
        let bits = (0..)
            .zip(cells)
            .fold(0, |bits, (i, cell)| bits | cell.words()[0] << i);
        words[at / 64] |= bits << (at % 64);
        words[at / 64 + 1] |= bits >> 1 >> (63 - at % 64);
    }
}

/// The sums of all subsets of groups of bases.
#[derive(Default)]
struct Table {
    groups: usize,
    bases: usize,
    /// The bases, then the subsets in which base 0 of a group is the last one, group by group, those
    /// in which base 1 is, ... Where a group is cut short some entries mean nothing.
    sums: Vec<Point>,
    additions: Vec<Addition>,
}

impl Table {
    /// The part of these bases, the first being number `start`, in all polynomials with ones there.
    fn range_sums(
        &mut self,
        bases: &[Point],
        start: usize,
        polynomials: &[BitColumns],
        summation: &mut Summation,
    ) -> Vec<(usize, Point)> {
        let range = start..start + bases.len();
        let packed: Vec<(usize, Packed)> = polynomials
            .iter()
            .enumerate()
            .map(|(polynomial, columns)| (polynomial, Packed::new(columns, &range)))
            .filter(|(_, bits)| bits.ones > 0)
            .collect();
        let size = best_group(bases.len(), &packed);
        let step = size * (TABLE >> size);
        let mut terms = Vec::with_capacity(TABLE >> size);
        summation.begin(packed.len());
        for first in (0..bases.len()).step_by(step) {
            self.fill(size, &bases[first..bases.len().min(first + step)]);
            for (bucket, (_, bits)) in (0..).zip(&packed) {
                terms.clear();
                for group in 0..self.groups {
                    let subset = bits.window(first + group * size, size);
                    if subset != 0 {
                        terms.push((bucket, self.number(group, subset)));
                    }
                }
                summation.add(&self.sums, &terms);
            }
            summation.settle(&self.sums);
        }
        let filled = summation.finish(&[]);
        filled
            .iter()
            .map(|(bucket, sum)| (packed[*bucket as usize].0, summation.sums()[*sum as usize]))
            .collect()
    }

    fn fill(&mut self, size: usize, bases: &[Point]) {
        self.groups = bases.len().div_ceil(size);
        self.bases = bases.len();
        let entries = self.bases + self.groups * ((1 << size) - 1);
        self.sums.resize(entries, Point::default());
        self.sums[..bases.len()].copy_from_slice(bases);
        for last in 0..size {
            let subset = 1 << last;
            let start = self.number(0, subset);
            let mut additions = take(&mut self.additions);
            additions.clear();
            for (group, base) in (last..bases.len()).step_by(size).enumerate() {
                let at = self.number(group, subset);
                self.sums[at as usize] = bases[base];
                additions.extend((1..subset).map(|others| Addition {
                    terms: [base as u32, self.number(group, others)],
                    target: at + others as u32 - start,
                }));
            }
            let (known, new) = self.sums.split_at_mut(start as usize);
            add_all(known, &additions, new);
            self.additions = additions;
        }
    }

    /// The number of the sum of a subset, which is not empty.
    #[inline(always)]
    fn number(&self, group: usize, subset: usize) -> u32 {
        let last = subset.ilog2();
        // Each group has 2^last - 1 subsets without this base or one after it.
        let before = self.bases + (self.groups << last) - self.groups;
        (before + (group << last) + subset - (1 << last)) as u32
    }
}
