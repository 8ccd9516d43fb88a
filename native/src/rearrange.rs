//! Arrays rearranged: cells by their places, words in pieces, columns in their smallest type.
//!
//! Four words of 64 bits are any 256 bits here, unless they are said to be an element of the field.

use std::collections::HashMap;
use std::mem::replace;

use ark_ff::{Field, PrimeField, Zero};
use rayon::prelude::*;

use crate::column::{Cell, Cells};
use crate::error::{Error, Result, filled};
use crate::field::{Fr, from_words};
use crate::inverse::inverse;
use crate::with_cells;

/// Items from which on a loop is worth a second thread.
const PARALLEL: usize = 1 << 15;
/// Elements that share an inversion.
const INVERTED: usize = 1 << 8;

/// Cells that nobody else holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owned {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    U128(Vec<[u64; 2]>),
    U256(Vec<[u64; 4]>),
}

/// A number of an item.
pub trait Place: Copy + Ord + Send + Sync {
    /// It as an index; of what is negative one that is too large.
    fn index(self) -> usize;
}

impl Place for u32 {
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

impl Place for u64 {
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

/// What `make` makes of each number below `count`.
fn each<T: Send>(count: usize, make: impl Fn(usize) -> T + Send + Sync) -> Vec<T> {
    if count < PARALLEL {
        return (0..count).map(make).collect();
    }
    let numbers = (0..count).into_par_iter().with_min_len(PARALLEL / 2);
    numbers.map(make).collect()
}

/// The cells at these places, in their type.
pub fn take<P: Place>(cells: Cells, places: &[P]) -> Result<Owned> {
    fn at<T: Copy + Send + Sync, P: Place>(cells: &[T], places: &[P]) -> Vec<T> {
        each(places.len(), |i| cells[places[i].index()])
    }
    if places
        .iter()
        .max()
        .is_some_and(|last| last.index() >= cells.len())
    {
        return Err(Error::Range("a place past the last cell".into()));
    }
    Ok(match cells {
        Cells::U8(cells) => Owned::U8(at(cells, places)),
        Cells::U16(cells) => Owned::U16(at(cells, places)),
        Cells::U32(cells) => Owned::U32(at(cells, places)),
        Cells::U64(cells) => Owned::U64(at(cells, places)),
        Cells::U128(cells) => Owned::U128(at(cells, places)),
        Cells::Field(cells) => Owned::U256(at(cells, places)),
    })
}

impl Owned {
    pub fn cells(&self) -> Cells<'_> {
        match self {
            Self::U8(cells) => Cells::U8(cells),
            Self::U16(cells) => Cells::U16(cells),
            Self::U32(cells) => Cells::U32(cells),
            Self::U64(cells) => Cells::U64(cells),
            Self::U128(cells) => Cells::U128(cells),
            Self::U256(cells) => Cells::Field(cells),
        }
    }
}

/// The same cells in the smallest type that holds them all.
pub fn narrow(cells: Cells) -> Owned {
    with_cells!(cells, cells => {
        narrowed(cells.len(), union(cells), |i| cells[i].words())
    })
}

/// The bits that are set in any of the cells.
fn union<C: Cell>(cells: &[C]) -> [u64; 4] {
    fn either(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
        std::array::from_fn(|i| a[i] | b[i])
    }
    let part = |cells: &[C]| {
        let words = cells.iter().map(|cell| cell.words());
        words.fold([0; 4], either)
    };
    if cells.len() < PARALLEL {
        return part(cells);
    }
    cells
        .par_chunks(PARALLEL / 2)
        .map(part)
        .reduce(|| [0; 4], either)
}

/// Cells of which `union` are the bits that are set in any.
fn narrowed(
    count: usize,
    union: [u64; 4],
    words: impl Fn(usize) -> [u64; 4] + Send + Sync,
) -> Owned {
    match union {
        [0, 0, 0, 0] => Owned::U8(vec![0; count]),
        [low, 0, 0, 0] if low >> 8 == 0 => Owned::U8(each(count, |i| words(i)[0] as u8)),
        [low, 0, 0, 0] if low >> 16 == 0 => Owned::U16(each(count, |i| words(i)[0] as u16)),
        [low, 0, 0, 0] if low >> 32 == 0 => Owned::U32(each(count, |i| words(i)[0] as u32)),
        [_, 0, 0, 0] => Owned::U64(each(count, |i| words(i)[0])),
        [_, _, 0, 0] => Owned::U128(each(count, |i| {
            let [low, high, ..] = words(i);
            [low, high]
        })),
        _ => Owned::U256(each(count, words)),
    }
}

/// The `count` lowest pieces of 8, 16, 64 or 128 bits of each cell, the lowest first.
///
/// A piece is a column, in its smallest type. The cells are of 64 bits or more.
pub fn pieces(cells: Cells, bits: usize, count: usize) -> Result<Vec<Owned>> {
    let (words, width) = match cells {
        Cells::U64(cells) => (cells, 1),
        Cells::U128(cells) => (cells.as_flattened(), 2),
        Cells::Field(cells) => (cells.as_flattened(), 4),
        _ => {
            return Err(Error::Column(
                "pieces are of cells of 64 bits or more".into(),
            ));
        }
    };
    if ![8, 16, 64, 128].contains(&bits) || count > 64 * width / bits {
        return Err(Error::Range(format!("{count} pieces of {bits} bits")));
    }
    let union = with_cells!(cells, cells => union(cells));
    let rows = cells.len();
    let piece = |k: usize| {
        let (word, shift) = (k * bits / 64, k * bits % 64);
        if bits == 128 {
            let union = [union[word], union[word + 1], 0, 0];
            return narrowed(rows, union, |i| {
                [words[i * width + word], words[i * width + word + 1], 0, 0]
            });
        }
        let mask = u64::MAX >> (64 - bits);
        let union = [union[word] >> shift & mask, 0, 0, 0];
        narrowed(rows, union, |i| {
            [words[i * width + word] >> shift & mask, 0, 0, 0]
        })
    };
    Ok((0..count).map(piece).collect())
}

/// For each key the place of the last one before that is equal to it, or -1.
pub fn previous(keys: &[u32]) -> Result<Vec<i64>> {
    let most = keys.iter().max().map_or(0, |key| *key as usize);
    let places = (0..).zip(keys);
    if most < 8 * keys.len() + PARALLEL {
        let mut last = filled(most + 1, -1_i64)?;
        let before = |(place, key): (i64, &u32)| replace(&mut last[*key as usize], place);
        return Ok(places.map(before).collect());
    }
    let mut last = HashMap::new();
    Ok(places
        .map(|(place, key)| last.insert(*key, place).unwrap_or(-1))
        .collect())
}

/// Item i `counts[i]` times, one after the other: i, and how many times it came before.
pub fn spread(counts: &[u64]) -> Result<(Vec<u32>, Vec<u32>)> {
    let total = counts
        .iter()
        .try_fold(0_u64, |sum, count| sum.checked_add(*count));
    let total =
        total.filter(|total| u32::try_from(*total).is_ok() && u32::try_from(counts.len()).is_ok());
    let total = total.ok_or_else(|| Error::Range("too many items for 32 bits".into()))? as usize;
    let (mut items, mut times) = (Vec::with_capacity(total), Vec::with_capacity(total));
    for (item, count) in (0..).zip(counts) {
        for time in 0..*count as u32 {
            items.push(item);
            times.push(time);
        }
    }
    Ok((items, times))
}

/// 1 / (left - right) in the field, and 0 for 0, of cells below 2^128.
pub fn inverses(left: Cells, right: Cells) -> Result<Vec<[u64; 4]>> {
    if left.len() != right.len() {
        return Err(Error::Column(
            "as many cells on both sides are needed".into(),
        ));
    }
    let element =
        |cells: Cells, row: usize| with_cells!(cells, cells => from_words(&cells[row].words()));
    let differences: Option<Vec<Fr>> = (0..left.len())
        .map(|row| Some(element(left, row)? - element(right, row)?))
        .collect();
    let mut elements = differences.ok_or(Error::FieldElement("a cell to subtract"))?;
    elements.par_chunks_mut(INVERTED).for_each(invert);
    Ok(elements
        .iter()
        .map(|element| element.into_bigint().0)
        .collect())
}

/// Invert all elements but zeros with one inversion (Montgomery's trick).
fn invert(elements: &mut [Fr]) {
    let mut product = Fr::ONE;
    let before: Vec<Fr> = elements
        .iter()
        .map(|element| {
            let next = if element.is_zero() {
                product
            } else {
                product * element
            };
            replace(&mut product, next)
        })
        .collect();
    let mut after = inverse(product);
    for (element, before) in elements.iter_mut().zip(before).rev() {
        if !element.is_zero() {
            let inverted = after * before;
            after *= *element;
            *element = inverted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::random;

    #[test]
    fn cells_are_taken_by_place() {
        let cells = [[1, 2], [3, 4], [5, 6]];
        let taken = take(Cells::U128(&cells), &[2_u32, 0, 2]).unwrap();
        assert_eq!(taken, Owned::U128(vec![[5, 6], [1, 2], [5, 6]]));
        assert_eq!(
            take(Cells::U8(&[]), &[0_u64; 0]).unwrap(),
            Owned::U8(vec![])
        );
        assert!(take(Cells::U8(&[1]), &[1_u32]).is_err());
        assert!(take(Cells::U8(&[1]), &[u64::MAX]).is_err());
        let many: Vec<u32> = (0..PARALLEL as u32 + 1).collect();
        assert_eq!(take(Cells::U32(&many), &many).unwrap(), Owned::U32(many));
    }

    #[test]
    fn the_smallest_type_holds_the_largest_cell() {
        assert_eq!(narrow(Cells::U64(&[])), Owned::U8(vec![]));
        assert_eq!(narrow(Cells::U64(&[0, 255])), Owned::U8(vec![0, 255]));
        assert_eq!(narrow(Cells::U32(&[256, 0])), Owned::U16(vec![256, 0]));
        assert_eq!(narrow(Cells::U64(&[1 << 16])), Owned::U32(vec![1 << 16]));
        assert_eq!(
            narrow(Cells::U128(&[[1 << 32, 0]])),
            Owned::U64(vec![1 << 32])
        );
        assert_eq!(
            narrow(Cells::Field(&[[0, 1, 0, 0]])),
            Owned::U128(vec![[0, 1]])
        );
        let word = [0, 0, 0, u64::MAX];
        assert_eq!(narrow(Cells::Field(&[word])), Owned::U256(vec![word]));
        let many: Vec<u64> = (0..=PARALLEL as u64).collect();
        let expected: Vec<u16> = (0..=PARALLEL as u16).collect();
        assert_eq!(narrow(Cells::U64(&many)), Owned::U16(expected));
    }

    #[test]
    fn pieces_make_the_word_again() {
        let word = [0x0123_4567_89ab_cdef, 0, 7, u64::MAX];
        let cells = [word, [0; 4]];
        for bits in [8, 16, 64, 128] {
            let pieces = pieces(Cells::Field(&cells), bits, 256 / bits).unwrap();
            let mut sum = [0_u64; 4];
            for (k, piece) in pieces.iter().enumerate() {
                let values = with_cells!(piece.cells(), cells => {
                    assert_eq!(cells[1].words(), [0; 4]);
                    cells[0].words()
                });
                let first = k * bits / 64;
                sum[first] |= values[0] << (k * bits % 64);
                if bits == 128 {
                    sum[first + 1] |= values[1];
                }
            }
            assert_eq!(sum, word);
        }
        let low = pieces(Cells::U64(&[0x1_0002, 3]), 16, 1).unwrap();
        assert_eq!(low, [Owned::U8(vec![2, 3])]);
        assert!(pieces(Cells::U64(&[1]), 128, 1).is_err());
        assert!(pieces(Cells::U64(&[1]), 0, 1).is_err());
        assert!(pieces(Cells::U32(&[1]), 16, 1).is_err());
    }

    #[test]
    fn previous_finds_the_last_equal_key() {
        assert!(previous(&[]).unwrap().is_empty());
        for far in [9, u32::MAX] {
            assert_eq!(previous(&[far, 0, far, far, 0]).unwrap(), [-1, -1, 0, 2, 1]);
        }
    }

    #[test]
    fn items_are_spread_by_their_counts() {
        let (items, times) = spread(&[2, 0, 3]).unwrap();
        assert_eq!(items, [0, 0, 2, 2, 2]);
        assert_eq!(times, [0, 1, 0, 1, 2]);
        assert!(spread(&[1 << 32]).is_err());
        assert!(spread(&[u64::MAX, 1]).is_err());
    }

    #[test]
    fn inverses_of_differences() {
        let left: Vec<[u64; 2]> = random(1000)
            .iter()
            .map(|x| [x.into_bigint().0[0], 5])
            .collect();
        let mut right = left.clone();
        right[1..].rotate_left(1);
        let found = inverses(Cells::U128(&left), Cells::U128(&right)).unwrap();
        assert_eq!(found[0], [0; 4]);
        for ((left, right), found) in left.iter().zip(&right).zip(&found).skip(1) {
            let [left, right] = [left, right].map(|x| Fr::from(x.words()[0]));
            assert_eq!(from_words(found).unwrap() * (left - right), Fr::ONE);
        }
        assert!(inverses(Cells::U8(&[1]), Cells::U8(&[])).is_err());
        assert!(inverses(Cells::U8(&[1]), Cells::Field(&[[u64::MAX; 4]])).is_err());
    }
}
