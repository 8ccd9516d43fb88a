//! Multi-scalar multiplication for coefficients of any width.
//!
//! Buckets (Pippenger): with windows of `c` bits, the points whose coefficient has the digit `d` in
//! some window are summed first, then weighted. A bit or a 16-bit cell costs one addition at most, a
//! zero costs nothing, and all columns of one polynomial share their buckets. Additions are affine
//! and share inversions (`curve::add_all`).

use std::ops::Range;

use ark_bn254::G1Projective;
use ark_ff::{AdditiveGroup, Zero};
use rayon::prelude::*;

use crate::column::{Cell, Cells, Column};
use crate::curve::{Addition, Point, SIGN, add_all, check_reduced, signed};
use crate::error::{Error, Result};
use crate::shared::Shared;
use crate::with_cells;

/// The bases of all commitments: the powers of tau.
#[derive(Clone)]
pub struct Bases(Shared<[u64; 8]>);

/// A polynomial: columns with the offset of their first coefficient. Other coefficients are zero.
pub type Pieces = Vec<(usize, Column)>;

/// Buckets that are summed one by one: more are first gathered into two sets of 2^8.
const NARROW: u32 = 8;
const WIDEST: u32 = 16;

impl Bases {
    pub fn new(points: Shared<[u64; 8]>) -> Result<Self> {
        if points.len() >= SIGN as usize {
            return Err(Error::Point("more than 2^31 of them".into()));
        }
        check_reduced(&points)?;
        Ok(Self(points))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sum of coefficient i times base i.
    pub fn commit(&self, polynomial: &Pieces) -> Result<Point> {
        let mut pieces = Vec::with_capacity(polynomial.len());
        for (offset, column) in polynomial {
            let fits = offset.checked_add(column.len());
            if fits.is_none_or(|end| end > self.len()) {
                return Err(Error::Range(format!(
                    "{} coefficients from {offset} on, but {} bases",
                    column.len(),
                    self.len()
                )));
            }
            let (cells, bits) = (column.cells(), column.cells().bits());
            if bits > 0 {
                pieces.push(Piece {
                    offset: *offset as u32,
                    cells,
                    bits,
                });
            }
        }
        Ok(multiply(&self.0, &pieces).into())
    }

    /// One point for each polynomial.
    pub fn commit_all(&self, polynomials: &[Pieces]) -> Result<Vec<Point>> {
        polynomials
            .par_iter()
            .map(|polynomial| self.commit(polynomial))
            .collect()
    }
}

struct Piece<'a> {
    offset: u32,
    cells: Cells<'a>,
    /// Bits of the largest cell, at least 1.
    bits: u32,
}

fn multiply(bases: &[[u64; 8]], pieces: &[Piece]) -> G1Projective {
    let c = best_window(pieces);
    let windows = pieces.iter().map(|p| p.bits.div_ceil(c)).max().unwrap_or(0);
    let sums: Vec<G1Projective> = (0..windows)
        .into_par_iter()
        .map(|window| {
            let terms = Terms::sort(c, &Window { pieces, c, window });
            weighted_sum(c, terms.sums(Point::from_slice(bases)))
        })
        .collect();
    horner(&sums, c)
}

/// sums[0] + 2^c sums[1] + 2^(2c) sums[2] + ...
fn horner(sums: &[G1Projective], c: u32) -> G1Projective {
    sums.iter().rev().fold(G1Projective::zero(), |total, sum| {
        (0..c).fold(total, |total, _| total.double()) + sum
    })
}

/// The window size of least cost, counted in affine additions.
fn best_window(pieces: &[Piece]) -> u32 {
    const PROJECTIVE: usize = 4;
    let cost = |c: u32| {
        let widest = pieces.iter().map(|p| p.bits.div_ceil(c)).max().unwrap_or(0);
        (0..widest)
            .map(|window| {
                let entries: usize = pieces
                    .iter()
                    .filter(|piece| window < piece.bits.div_ceil(c))
                    .map(|piece| piece.cells.len())
                    .sum();
                let buckets = if window + 1 == widest {
                    1 << c
                } else {
                    1 << (c - 1)
                };
                let weighting = if c > NARROW {
                    buckets.min(entries) + (4 << NARROW) * PROJECTIVE
                } else {
                    2 * buckets * PROJECTIVE
                };
                entries + weighting
            })
            .sum::<usize>()
    };
    (1..=WIDEST).min_by_key(|c| cost(*c)).unwrap_or(WIDEST)
}

/// How to read one window's digit of a cell: signed, but for the highest window.
///
/// With `bias` the sum of 2^(c-1) · 2^(cw) over the lower windows w, the digits of v are those of
/// v + bias less 2^(c-1) there: no carry goes from window to window.
struct Recoding {
    shift: u32,
    mask: u64,
    half: u64,
    bias: Option<[u64; 4]>,
}

impl Recoding {
    fn new(window: u32, c: u32, bits: u32) -> Self {
        let top = bits.div_ceil(c) - 1;
        let mut bias = [0; 4];
        for bit in (0..top).map(|w| c * w + c - 1) {
            bias[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        let is_top = window == top;
        Self {
            shift: c * window,
            mask: if is_top { u64::MAX } else { (1 << c) - 1 },
            half: if is_top { 0 } else { 1 << (c - 1) },
            bias: (top > 0).then_some(bias),
        }
    }

    /// Call `visit(bucket, term)` for every cell whose digit is not zero.
    #[inline(always)]
    fn visit<C: Cell>(&self, cells: &[C], offset: u32, visit: &mut impl FnMut(usize, u32)) {
        let Some(bias) = &self.bias else {
            for (i, cell) in (offset..).zip(cells) {
                let digit = cell.words()[0];
                if digit != 0 {
                    visit(digit as usize, i);
                }
            }
            return;
        };
        for (i, cell) in (offset..).zip(cells) {
            let digit = self.digit(cell.words(), bias);
            if digit > self.half {
                visit((digit - self.half) as usize, i);
            } else if digit < self.half {
                visit((self.half - digit) as usize, i | SIGN);
            }
        }
    }

    #[inline(always)]
    fn digit(&self, mut words: [u64; 4], bias: &[u64; 4]) -> u64 {
        let mut carry = false;
        for (word, bias) in words.iter_mut().zip(bias) {
            let (sum, first) = word.overflowing_add(*bias);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            *word = sum;
            carry = first | second;
        }
        let (word, bit) = ((self.shift / 64) as usize, self.shift % 64);
        let next = words.get(word + 1).copied().unwrap_or(0);
        let digit = (u128::from(words[word]) | u128::from(next) << 64) >> bit;
        digit as u64 & self.mask
    }
}

/// A pass over (bucket, term) pairs; it can be made twice and is the same both times.
trait Pass {
    fn run(&self, visit: impl FnMut(usize, u32));
}

/// The non-zero digits of all cells in one window.
struct Window<'a> {
    pieces: &'a [Piece<'a>],
    c: u32,
    window: u32,
}

impl Pass for Window<'_> {
    fn run(&self, mut visit: impl FnMut(usize, u32)) {
        for piece in self.pieces {
            if self.window < piece.bits.div_ceil(self.c) {
                let recoding = Recoding::new(self.window, self.c, piece.bits);
                with_cells!(piece.cells, cells => recoding.visit(cells, piece.offset, &mut visit));
            }
        }
    }
}

/// The upper or the lower half of the numbers of filled buckets.
struct Half<'a> {
    buckets: &'a [Point],
    upper: bool,
}

impl Pass for Half<'_> {
    fn run(&self, mut visit: impl FnMut(usize, u32)) {
        for (bucket, point) in self.buckets.iter().enumerate() {
            let digit = if self.upper {
                bucket >> NARROW
            } else {
                bucket & ((1 << NARROW) - 1)
            };
            if digit != 0 && !point.is_infinity() {
                visit(digit, bucket as u32);
            }
        }
    }
}

/// Points to be summed, sorted by bucket.
struct Terms {
    terms: Vec<u32>,
    /// The terms of bucket b are `terms[ends[b - 1]..ends[b]]`.
    ends: Vec<u32>,
}

impl Terms {
    /// Sort by counting; buckets are at most 2^c.
    fn sort(c: u32, pass: &impl Pass) -> Self {
        let mut ends = vec![0_u32; (1 << c) + 2];
        pass.run(|bucket, _| ends[bucket + 1] += 1);
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut terms = vec![0; total as usize];
        pass.run(|bucket, term| {
            terms[ends[bucket] as usize] = term;
            ends[bucket] += 1;
        });
        Self { terms, ends }
    }

    fn bucket(&self, bucket: usize) -> Range<usize> {
        let start = bucket.checked_sub(1).map_or(0, |b| self.ends[b]);
        start as usize..self.ends[bucket] as usize
    }

    /// The sum of each bucket.
    fn sums(&self, points: &[Point]) -> Vec<Point> {
        let buckets = self.ends.len() - 1;
        let mut sums = vec![Point::default(); buckets];
        let segments = (0..buckets)
            .map(|bucket| (bucket, self.bucket(bucket)))
            .filter(|(_, range)| !range.is_empty())
            .map(|(bucket, range)| Segment {
                bucket,
                start: range.start,
                len: range.len(),
            })
            .collect();
        let mut halving = Halving {
            segments,
            ..Halving::default()
        };
        let mut halved = halving.run(points, |at| self.terms[at], &mut sums);
        while !halving.segments.is_empty() {
            halved = halving.run(&halved, |at| at as u32, &mut sums);
        }
        sums
    }
}

/// Points of one bucket that lie side by side.
struct Segment {
    bucket: usize,
    start: usize,
    len: usize,
}

/// Additions in pairs, in all buckets at once.
#[derive(Default)]
struct Halving {
    segments: Vec<Segment>,
    additions: Vec<Addition>,
    /// Terms without another, and where they go.
    moves: Vec<(u32, u32)>,
}

impl Halving {
    /// Add the points of each segment in pairs and return the sums, which are the segments' points
    /// from now on. A segment of one point goes to the sums of buckets.
    fn run(
        &mut self,
        points: &[Point],
        term: impl Fn(usize) -> u32,
        sums: &mut [Point],
    ) -> Vec<Point> {
        self.additions.clear();
        self.moves.clear();
        let mut target = 0;
        for segment in &mut self.segments {
            let Segment { start, len, .. } = *segment;
            segment.start = target as usize;
            segment.len = len.div_ceil(2);
            for at in (start..start + len - 1).step_by(2) {
                let terms = [term(at), term(at + 1)];
                self.additions.push(Addition { terms, target });
                target += 1;
            }
            if len % 2 == 1 {
                self.moves.push((term(start + len - 1), target));
                target += 1;
            }
        }
        let mut halved = vec![Point::default(); target as usize];
        add_all(points, &self.additions, &mut halved);
        for (term, target) in &self.moves {
            halved[*target as usize] = signed(points, *term);
        }
        self.segments.retain(|segment| {
            if segment.len == 1 {
                sums[segment.bucket] = halved[segment.start];
            }
            segment.len > 1
        });
        halved
    }
}

/// The sum of b times bucket b, for buckets up to 2^c.
fn weighted_sum(c: u32, buckets: Vec<Point>) -> G1Projective {
    if c <= NARROW {
        return running_sum(&buckets);
    }
    let halves = [false, true].map(|upper| {
        let terms = Terms::sort(
            WIDEST - NARROW,
            &Half {
                buckets: &buckets,
                upper,
            },
        );
        running_sum(&terms.sums(&buckets))
    });
    horner(&halves, NARROW)
}

fn running_sum(buckets: &[Point]) -> G1Projective {
    let (mut running, mut total) = (G1Projective::zero(), G1Projective::zero());
    for point in buckets.iter().skip(1).rev() {
        if !point.is_infinity() {
            running += point.affine();
        }
        if !running.is_zero() {
            total += running;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::powers;
    use crate::field::Fr;
    use ark_ec::PrimeGroup;
    use ark_ff::{PrimeField, UniformRand};
    use rand::Rng;

    const TAU: u64 = 1_234_567;

    fn bases(count: usize) -> Bases {
        Bases::new(powers(Fr::from(TAU), count).unwrap().into()).unwrap()
    }

    /// The commitment in the exponent.
    fn expected(polynomial: &Pieces) -> Point {
        let powers = crate::field::powers(Fr::from(TAU), 1 << 17);
        let mut value = Fr::zero();
        for (offset, column) in polynomial {
            for row in 0..column.len() {
                value += powers[offset + row] * column.cells().get(row);
            }
        }
        (G1Projective::generator() * value).into()
    }

    fn check(bases: &Bases, polynomial: Pieces) {
        assert_eq!(bases.commit(&polynomial).unwrap(), expected(&polynomial));
    }

    #[test]
    fn every_width_at_its_bounds() {
        let bases = bases(64);
        let top = (-Fr::from(1_u64)).into_bigint().0;
        check(&bases, vec![]);
        check(&bases, vec![(3, Column::U8(vec![].into()))]);
        check(&bases, vec![(0, Column::U8(vec![0; 64].into()))]);
        check(&bases, vec![(5, Column::U8(vec![0, 1, 1, 0, 1].into()))]);
        check(&bases, vec![(0, Column::U8(vec![255, 0, 128, 127].into()))]);
        check(&bases, vec![(0, Column::U16(vec![0xffff; 64].into()))]);
        check(
            &bases,
            vec![(1, Column::U32(vec![u32::MAX, 1, 1 << 31].into()))],
        );
        check(
            &bases,
            vec![(1, Column::U64(vec![u64::MAX, 0, 1 << 63].into()))],
        );
        let u128s = vec![[u64::MAX; 2], [0, 1], [1, 0]];
        check(&bases, vec![(0, Column::U128(u128s.into()))]);
        let fields = vec![top, [1, 0, 0, 0], [0; 4]];
        check(&bases, vec![(61, Column::field(fields.into()).unwrap())]);
    }

    #[test]
    fn mixed_columns_share_buckets() {
        let mut rng = rand::thread_rng();
        for size in [1, 16, 1 << 10, 1 << 12] {
            let bases = bases(8 * size);
            let mut random =
                |mask: u64| -> Vec<u64> { (0..size).map(|_| rng.r#gen::<u64>() & mask).collect() };
            let bits: Vec<u8> = random(1).iter().map(|v| *v as u8).collect();
            let small: Vec<u16> = random(0xffff).iter().map(|v| *v as u16).collect();
            let wide = random(u64::MAX);
            let double: Vec<[u64; 2]> = wide.iter().map(|v| [*v, !*v]).collect();
            let mut rng = rand::thread_rng();
            let full: Vec<Fr> = (0..size).map(|_| Fr::rand(&mut rng)).collect();
            let narrow: Pieces = vec![
                (0, Column::U8(bits.clone().into())),
                (size, Column::U16(small.clone().into())),
            ];
            check(&bases, narrow.clone());
            let mut all = narrow;
            all.push((2 * size, Column::U64(wide.into())));
            all.push((3 * size, Column::U128(double.into())));
            all.push((7 * size, Column::from_elements(&full)));
            check(&bases, all);
        }
    }

    #[test]
    fn equal_bases_and_too_few() {
        let bases = Bases::new(powers(Fr::from(1_u64), 32).unwrap().into()).unwrap();
        let column = Column::U16((0..32).collect::<Vec<u16>>().into());
        let sum = G1Projective::generator() * Fr::from(31_u64 * 16);
        assert_eq!(
            bases.commit(&vec![(0, column.clone())]).unwrap(),
            sum.into()
        );
        assert!(bases.commit(&vec![(1, column.clone())]).is_err());
        assert!(bases.commit(&vec![(usize::MAX, column)]).is_err());
    }
}
