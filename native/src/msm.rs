//! Multi-scalar multiplication for coefficients of any width.
//!
//! Columns of bits are left to sums of subsets (`bits`). All other cells go to buckets (Pippenger):
//! with windows of `c` bits, the points whose coefficient has the digit `d` in some window are summed
//! first, then weighted. A 16-bit cell costs about one addition and its share of the weighting, a
//! zero costs nothing, and all columns of one polynomial share their buckets. Where `multiples` of
//! the bases are at hand a bucket serves several digits, and blocks of 16-bit cells that are seldom
//! zero are read as signed ones. Additions are affine and share inversions (`curve::add_all`).

use ark_bn254::G1Projective;
use ark_ff::{AdditiveGroup, Zero};
use rayon::prelude::*;

use crate::bits::{self, BitColumns};
use crate::column::{Cell, Cells, Column};
use crate::curve::{BATCH, Point, SIGN, check_reduced};
use crate::error::{Error, Result};
use crate::multiples::{self, BLOCK, Digits, MULTIPLES, PLAIN, SPARSE};
use crate::shared::Shared;
use crate::sums::Summation;
use crate::with_cells;

/// The bases of all commitments: the powers of tau.
#[derive(Clone)]
pub struct Bases {
    points: Shared<Point>,
    /// Of all bases, or none.
    multiples: Shared<Point>,
}

/// A polynomial: columns with the offset of their first coefficient, none over another. Other
/// coefficients are zero.
pub type Pieces = Vec<(usize, Column)>;

/// Bits of the numbers of buckets that are summed one by one: more are first gathered into two sets.
const NARROW: u32 = 4;
const WIDEST: u32 = 16;

impl Bases {
    pub fn new(points: Shared<[u64; 8]>) -> Result<Self> {
        check_count(points.len())?;
        check_reduced(&points)?;
        Ok(Self {
            points: Point::from_shared(points),
            multiples: Vec::new().into(),
        })
    }

    /// The same with `multiples` of at least these bases; `are_multiples` tells whether they are.
    pub fn with_multiples(self, multiples: Shared<[u64; 8]>) -> Result<Self> {
        let (blocks, rest) = (self.len() / BLOCK, self.len() % BLOCK);
        if rest != 0 || multiples.len() < multiples::lines(self.len()) {
            return Err(Error::Point(format!(
                "multiples of {blocks} blocks of bases are needed, not {} points",
                multiples.len()
            )));
        }
        check_count(multiples.len())?;
        Ok(Self {
            points: self.points,
            multiples: Point::from_shared(multiples),
        })
    }

    pub fn len(&self) -> usize {
        self.points.len()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The sum of coefficient i times base i.
    pub fn commit(&self, polynomial: &Pieces) -> Result<Point> {
        Ok(self.commit_all(std::slice::from_ref(polynomial))?[0])
    }

    /// One point for each polynomial.
    pub fn commit_all(&self, polynomials: &[Pieces]) -> Result<Vec<Point>> {
        let mut choices = vec![Lines::plain(&self.points)];
        if !self.multiples.is_empty() {
            choices.push(Lines::multiples(&self.multiples));
        }
        let split: Vec<(BitColumns, Vec<Piece>)> = polynomials
            .par_iter()
            .map(|polynomial| self.split(polynomial))
            .collect::<Result<_>>()?;
        let (bits, wider): (Vec<BitColumns>, Vec<Vec<Piece>>) = split.into_iter().unzip();
        Ok(bits::sums(&self.points, &bits)
            .into_par_iter()
            .zip(wider)
            .map(|(sum, pieces)| (sum + multiply(&choices, &pieces)).into())
            .collect())
    }

    /// The columns of bits, and all others that are not zero.
    fn split<'a>(&self, polynomial: &'a Pieces) -> Result<(BitColumns<'a>, Vec<Piece<'a>>)> {
        let (mut columns, mut pieces) = (Vec::new(), Vec::new());
        let mut ranges = Vec::with_capacity(polynomial.len());
        for (offset, column) in polynomial {
            let fits = offset.checked_add(column.len());
            if fits.is_none_or(|end| end > self.len()) {
                return Err(Error::Range(format!(
                    "{} coefficients from {offset} on, but {} bases",
                    column.len(),
                    self.len()
                )));
            }
            if !column.is_empty() {
                ranges.push(*offset..offset + column.len());
            }
            let (cells, bits) = (column.cells(), column.cells().bits());
            match bits {
                0 => (),
                1 => columns.push((*offset, cells)),
                _ => pieces.push(Piece {
                    offset: *offset as u32,
                    cells,
                    bits,
                }),
            }
        }
        ranges.sort_unstable_by_key(|range| range.start);
        if ranges.windows(2).any(|pair| pair[0].end > pair[1].start) {
            return Err(Error::Range("columns that overlap".into()));
        }
        Ok((columns, pieces))
    }
}

/// Whether so many points can be numbered.
fn check_count(points: usize) -> Result<()> {
    if points < SIGN as usize {
        return Ok(());
    }
    Err(Error::Point("2^31 of them or more".into()))
}

struct Piece<'a> {
    offset: u32,
    cells: Cells<'a>,
    /// Bits of the largest cell, at least 2.
    bits: u32,
}

/// Where the bases are, and what a bucket is.
struct Lines<'a> {
    points: &'a [Point],
    digits: &'static Digits,
    line_of: fn(usize) -> u32,
    /// Lines from one base to the next.
    step: u32,
}

impl<'a> Lines<'a> {
    fn plain(points: &'a [Point]) -> Self {
        Self {
            points,
            digits: &PLAIN,
            line_of: |base| base as u32,
            step: 1,
        }
    }

    fn multiples(points: &'a [Point]) -> Self {
        Self {
            points,
            digits: &SPARSE,
            line_of: multiples::line_of,
            step: MULTIPLES as u32,
        }
    }

    fn has_sums(&self) -> bool {
        self.step > 1
    }

    /// (bucket, term) of a digit of the base on this line, the first bucket being number `first`.
    #[inline(always)]
    fn entry(&self, line: u32, digit: i32, first: u32) -> (u32, u32) {
        let (bucket, multiple) = self.digits.place(digit.unsigned_abs());
        (
            first.wrapping_add(bucket),
            (line + multiple) | (digit as u32 & SIGN),
        )
    }
}

/// Cells of several windows that are summed at once where one window has fewer: enough to fill the
/// batches of additions that share an inversion.
const ENTRIES: usize = BATCH;

/// The sum of the pieces, by those of the bases' lines that serve it best.
fn multiply(choices: &[Lines], pieces: &[Piece]) -> G1Projective {
    let windows = choices
        .iter()
        .flat_map(|bases| (1..=WIDEST).map(move |c| (bases, c, cost(pieces, c, bases.has_sums()))));
    let Some((bases, c, _)) = windows.min_by(|(.., a), (.., b)| a.total_cmp(b)) else {
        return G1Projective::zero();
    };
    let windows = pieces.iter().map(|p| p.bits.div_ceil(c)).max().unwrap_or(0);
    let cells: usize = pieces.iter().map(|piece| piece.cells.len()).sum();
    let together = (ENTRIES / cells.max(1)).max(1);
    let windows: Vec<u32> = (0..windows).collect();
    let sums: Vec<G1Projective> = windows
        .par_chunks(together)
        .flat_map_iter(|windows| {
            Summation::with(|summation| window_sums(summation, bases, pieces, c, windows))
        })
        .collect();
    horner(&sums, c)
}

/// The sum of each of these windows' digits times bases.
fn window_sums(
    summation: &mut Summation,
    bases: &Lines,
    pieces: &[Piece],
    c: u32,
    windows: &[u32],
) -> Vec<G1Projective> {
    let numbers = &bases.digits.numbers;
    let buckets = numbers.partition_point(|number| *number <= 1 << c) as u32;
    summation.begin(windows.len() * buckets as usize);
    for (set, window) in (0..).zip(windows) {
        digits(bases, pieces, c, *window, set * buckets, summation);
    }
    let filled = summation.finish(bases.points);
    let numbered = filled.into_iter().map(|(bucket, sum)| Numbered {
        set: bucket / buckets,
        number: numbers[(bucket % buckets) as usize],
        sum,
    });
    weighted_sums(summation, c, windows.len() as u32, numbered.collect())
}

/// sums[0] + 2^c sums[1] + 2^(2c) sums[2] + ...
fn horner(sums: &[G1Projective], c: u32) -> G1Projective {
    sums.iter().rev().fold(G1Projective::zero(), |total, sum| {
        (0..c).fold(total, |total, _| total.double()) + sum
    })
}

/// The cost of windows of `c` bits, counted in affine additions.
fn cost(pieces: &[Piece], c: u32, has_multiples: bool) -> f64 {
    /// Counting the terms of a bucket.
    const BUCKET: f64 = 0.05;
    /// A bucket that is filled: two additions, the first of which is one of those of its terms, and
    /// what it costs to keep them apart.
    const FILLED: f64 = 1.9;
    /// Additions one by one, two for each of few buckets.
    const ALONE: f64 = 12.0;
    /// Gathering more buckets into two sets, again and again, for each bit of their number.
    const GATHERED: f64 = 200.0;
    /// Fetching a point from lines that take more of the cache.
    const FAR: f64 = 0.15;
    /// Buckets for each digit where multiples serve.
    const SPARSE: f64 = 0.58;
    let widest = pieces.iter().map(|p| p.bits.div_ceil(c)).max().unwrap_or(0);
    (0..widest)
        .map(|window| {
            let entries: usize = pieces
                .iter()
                .filter(|piece| window < piece.bits.div_ceil(c))
                .map(|piece| piece.cells.len())
                .sum();
            let far = if has_multiples { FAR } else { 0.0 };
            let entries = entries as f64;
            let is_top = window + 1 == widest;
            let is_signed = !is_top || has_multiples && c == WIDEST;
            let digits = f64::from(1_u32 << if is_signed { c - 1 } else { c });
            let buckets = if has_multiples {
                SPARSE * digits
            } else {
                digits
            };
            // At random this many are filled.
            let filled = buckets * (1.0 - (-entries / buckets).exp());
            let weighting = if c <= NARROW {
                ALONE * buckets
            } else {
                GATHERED * f64::from(c)
            };
            entries * (1.0 + far) + FILLED * filled + BUCKET * buckets + weighting
        })
        .sum()
}

/// What is taken from the cells of a block, to make them signed.
const HALF: i32 = 1 << (WIDEST - 1);

/// How to read one window's digit of a cell: signed, but for the highest window.
///
/// With `bias` the sum of 2^(c-1) · 2^(cw) over the lower windows w, the digits of v are those of
/// v + bias less 2^(c-1) there: no carry goes from window to window.
struct Recoding {
    shift: u32,
    mask: u64,
    half: i32,
    bias: Option<[u64; 4]>,
    /// The window's first bucket.
    first: u32,
}

impl Recoding {
    fn new(window: u32, c: u32, bits: u32, first: u32) -> Self {
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
            first,
        }
    }

    /// Add a term to the bucket of every digit that is not zero.
    #[inline(always)]
    fn read<C: Cell>(
        &self,
        bases: &Lines,
        mut base: usize,
        mut cells: &[C],
        summation: &mut Summation,
    ) {
        while !cells.is_empty() {
            let (block, rest) = cells.split_at(cells.len().min(BLOCK - base % BLOCK));
            let half = match &self.bias {
                None if self.shall_be_signed(bases, block) => {
                    let sum = multiples::line_of_sum(base);
                    summation.add(bases.points, &[bases.entry(sum, HALF, self.first)]);
                    HALF
                }
                _ => self.half,
            };
            // Whether a cell is zero is not foreseen: what comes of it is written and kept or not.
            let (mut found, mut count) = ([(0, 0); BLOCK], 0);
            let lines = ((bases.line_of)(base)..).step_by(bases.step as usize);
            for (line, cell) in lines.zip(block) {
                let digit = self.digit(cell.words()) - half;
                found[count % BLOCK] = bases.entry(line, digit, self.first);
                count += usize::from(digit != 0);
            }
            summation.add(bases.points, &found[..count]);
            (base, cells) = (base + block.len(), rest);
        }
    }

    /// Whether fewer buckets are filled if all cells of the block are less by `HALF`.
    #[inline(always)]
    fn shall_be_signed<C: Cell>(&self, bases: &Lines, block: &[C]) -> bool {
        let count = |is: fn(u64) -> bool| block.iter().filter(|c| is(c.words()[0])).count();
        bases.has_sums()
            && block.len() == BLOCK
            && count(|cell| cell > HALF as u64) > 8 * count(|cell| cell == 0)
    }

    #[inline(always)]
    fn digit(&self, mut words: [u64; 4]) -> i32 {
        let Some(bias) = &self.bias else {
            return words[0] as i32;
        };
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
        (digit as u64 & self.mask) as i32
    }
}

/// Add a term for each cell whose digit in a window is not zero; buckets count from `first`.
fn digits(
    bases: &Lines,
    pieces: &[Piece],
    c: u32,
    window: u32,
    first: u32,
    summation: &mut Summation,
) {
    for piece in pieces {
        if window < piece.bits.div_ceil(c) {
            let recoding = Recoding::new(window, c, piece.bits, first);
            let base = piece.offset as usize;
            with_cells!(piece.cells, cells => recoding.read(bases, base, cells, summation));
        }
    }
}

/// A bucket of one of several sets.
#[derive(Clone, Copy)]
struct Numbered {
    set: u32,
    /// What it is multiplied by.
    number: u32,
    /// The number of its sum.
    sum: u32,
}

/// For each set the sum of numbers, which increase up to 2^c, times buckets.
///
/// While the numbers are long their digits of half as many bits serve: buckets with the same low half
/// are summed, and those with the same high half, which makes two sets of each.
fn weighted_sums(
    summation: &mut Summation,
    c: u32,
    mut sets: u32,
    mut buckets: Vec<Numbered>,
) -> Vec<G1Projective> {
    let (mut width, mut halves) = (c, Vec::new());
    while width > NARROW {
        let half = width.div_ceil(2);
        // The highest number of all has a digit of 2^(width - half).
        let slots = (1 << half) + 1;
        let mut pairs = Vec::with_capacity(2 * buckets.len());
        for Numbered { set, number, sum } in buckets {
            let (low, high) = (number % (1 << half), number >> half);
            pairs.extend((low > 0).then_some((2 * set * slots + low, sum)));
            pairs.extend((high > 0).then_some(((2 * set + 1) * slots + high, sum)));
        }
        sets *= 2;
        let filled = summation.sum_again((sets * slots) as usize, &pairs);
        let numbered = filled.into_iter().map(|(slot, sum)| Numbered {
            set: slot / slots,
            number: slot % slots,
            sum,
        });
        buckets = numbered.collect();
        width = half;
        halves.push(half);
    }
    let mut sums: Vec<G1Projective> = (0..sets)
        .map(|set| {
            let [start, end] = [set, set + 1].map(|set| buckets.partition_point(|b| b.set < set));
            running_sum(&buckets[start..end], summation.sums())
        })
        .collect();
    for half in halves.into_iter().rev() {
        sums = sums.chunks(2).map(|pair| horner(pair, half)).collect();
    }
    sums
}

fn running_sum(buckets: &[Numbered], sums: &[Point]) -> G1Projective {
    let (mut running, mut total) = (G1Projective::zero(), G1Projective::zero());
    for (i, bucket) in buckets.iter().enumerate().rev() {
        running += sums[bucket.sum as usize].affine();
        let below = if i == 0 { 0 } else { buckets[i - 1].number };
        for _ in below..bucket.number {
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
    fn expected(tau: Fr, polynomial: &Pieces) -> Point {
        let powers = crate::field::powers(tau, 1 << 16);
        let mut value = Fr::zero();
        for (offset, column) in polynomial {
            for row in 0..column.len() {
                value += powers[offset + row] * column.cells().get(row);
            }
        }
        (G1Projective::generator() * value).into()
    }

    fn check(bases: &Bases, polynomial: Pieces) {
        let expected = expected(Fr::from(TAU), &polynomial);
        assert_eq!(bases.commit(&polynomial).unwrap(), expected);
    }

    fn with_multiples(bases: &Bases) -> Bases {
        let lines = multiples::multiples(&bases.points);
        let words: Vec<[u64; 8]> = lines.into_iter().map(Point::words).collect();
        bases.clone().with_multiples(words.into()).unwrap()
    }

    /// Cells of 16 bits, read as signed ones or not, among others; bases that repeat and that cancel.
    #[test]
    fn multiples_change_nothing() {
        const EDGES: [u16; 8] = [0, 1, 0x7fff, 0x8000, 0x8001, 0xaaaa, 0xfffe, 0xffff];
        let mut rng = rand::thread_rng();
        let count = 1 << 14;
        for tau in [Fr::from(TAU), Fr::from(1_u64), -Fr::from(1_u64), Fr::zero()] {
            let plain = Bases::new(powers(tau, count).unwrap().into()).unwrap();
            let bases = with_multiples(&plain);
            let mut cells: Vec<Vec<u16>> = EDGES.iter().map(|edge| vec![*edge; 300]).collect();
            cells.push(vec![0xffff]);
            cells.push(EDGES.repeat(100));
            cells.push((0..8000).map(|_| rng.r#gen()).collect());
            cells.push((0..8000).map(|_| rng.r#gen::<u16>() | 1).collect());
            for cells in cells {
                let wide: Vec<u64> = cells.iter().map(|cell| u64::from(!cell) << 31).collect();
                for offset in [0, 256, 300] {
                    let end = offset + cells.len();
                    let column = Column::U16(cells.clone().into());
                    let narrow = (offset, column);
                    let polynomials: [Pieces; 2] = [
                        vec![narrow.clone()],
                        vec![narrow, (end, Column::U64(wide.clone().into()))],
                    ];
                    let expected: Vec<Point> =
                        polynomials.iter().map(|p| expected(tau, p)).collect();
                    assert_eq!(bases.commit_all(&polynomials).unwrap(), expected);
                }
            }
        }
    }

    #[test]
    fn multiples_of_too_few_bases() {
        let many = bases(512);
        let lines = with_multiples(&many).multiples;
        let words: Vec<[u64; 8]> = lines.iter().map(|line| line.words()).collect();
        assert!(bases(256).with_multiples(words.clone().into()).is_ok());
        assert!(bases(768).with_multiples(words.clone().into()).is_err());
        assert!(bases(300).with_multiples(words.into()).is_err());
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
        let empty = Column::U8(vec![].into());
        let bit = Column::U8(vec![1].into());
        check(&bases, vec![(0, bit), (0, empty.clone()), (1, empty)]);
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
    fn more_terms_of_a_bucket_than_are_summed_at_once() {
        let bases = bases(40_000);
        for cell in [1, 3, 255] {
            check(&bases, vec![(0, Column::U8(vec![cell; 40_000].into()))]);
        }
    }

    /// The more polynomials, the larger the groups; bases that repeat and that cancel.
    #[test]
    fn columns_of_bits_anywhere() {
        let mut rng = rand::thread_rng();
        let end = 8500;
        for tau in [Fr::from(TAU), Fr::from(1_u64), -Fr::from(1_u64)] {
            let bases = Bases::new(powers(tau, end).unwrap().into()).unwrap();
            for count in [1, 2, 10, 40, 150] {
                let mut bits = |start: usize| -> Vec<u8> {
                    let most = if rng.r#gen() { 2 } else { 20 };
                    let len = rng.gen_range(0..=end - start);
                    let mut bit = || u8::from(rng.gen_range(0..most) == 0);
                    (0..len).map(|_| bit()).collect()
                };
                let polynomials: Vec<Pieces> = (0..count)
                    .map(|i| {
                        let start = 8100 + i;
                        let wide: Vec<u64> = bits(start).iter().map(|b| u64::from(*b)).collect();
                        let first = bits(i * 50);
                        let pieces = [
                            (
                                i * 50,
                                Column::U8(first[..first.len().min(99)].to_vec().into()),
                            ),
                            (start - 64, Column::U8(vec![1; i % 64].into())),
                            (start, Column::U64(wide.into())),
                        ];
                        pieces.into()
                    })
                    .collect();
                let expected: Vec<Point> = polynomials.iter().map(|p| expected(tau, p)).collect();
                assert_eq!(bases.commit_all(&polynomials).unwrap(), expected);
            }
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
        assert!(bases.commit(&vec![(usize::MAX, column.clone())]).is_err());
        let bit = (31, Column::U8(vec![1].into()));
        assert!(bases.commit(&vec![bit, (0, column)]).is_err());
    }
}
