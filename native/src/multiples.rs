//! Multiples of the bases, made once: with them fewer buckets serve.
//!
//! After [Luo, Fu, Gong, Speeding up multi-scalar multiplication over fixed points towards efficient
//! zkSNARKs](https://eprint.iacr.org/2023/1358): a digit is one, two or three times the number of a
//! bucket, and that multiple of the base goes there. The sums of blocks of bases are bases as well: cells
//! of a block can all be made smaller by the same number.

use std::sync::LazyLock;

use rayon::prelude::*;

use crate::curve::{Addition, Point, SIGN, add_all};
use crate::sums::Summation;

/// The multiples are 1, ..., MULTIPLES.
pub const MULTIPLES: usize = 3;
/// Bases of a block.
pub const BLOCK: usize = 256;
/// A block: the multiples of each base, those of the sum of all, and a check of these lines.
const LINES: usize = (BLOCK + 1) * MULTIPLES + 1;
/// Blocks that are made at once.
const GROUP: usize = 16;
/// No digit is larger.
const LARGEST: usize = 1 << 16;

/// Which multiple of which bucket's number a digit is.
pub struct Digits {
    /// The number of each bucket, upwards.
    pub numbers: Vec<u32>,
    /// 4 · bucket + multiple - 1 of each digit but zero.
    places: Vec<u32>,
}

/// Each digit has a bucket of its own.
pub static PLAIN: LazyLock<Digits> = LazyLock::new(|| Digits::new(1));
/// The digits that are no multiples of others have one.
pub static SPARSE: LazyLock<Digits> = LazyLock::new(|| Digits::new(MULTIPLES));

impl Digits {
    /// Whatever is no multiple of a bucket below it becomes one, so that digits below any bound have
    /// their buckets there.
    fn new(multiples: usize) -> Self {
        const NONE: u32 = u32::MAX;
        let (mut numbers, mut places) = (Vec::new(), vec![NONE; LARGEST + 1]);
        for digit in 1..=LARGEST {
            if places[digit] == NONE {
                for multiple in 1..=multiples.min(LARGEST / digit) {
                    let place = 4 * numbers.len() + multiple - 1;
                    places[digit * multiple] = places[digit * multiple].min(place as u32);
                }
                numbers.push(digit as u32);
            }
        }
        Self { numbers, places }
    }

    /// The bucket of a digit, which is not zero, and which multiple less one.
    #[inline(always)]
    pub fn place(&self, digit: u32) -> (u32, u32) {
        let place = self.places[digit as usize];
        (place / 4, place % 4)
    }
}

/// The lines of the blocks of these bases; those after the last whole block are left out.
pub fn multiples(bases: &[Point]) -> Vec<Point> {
    let whole = bases.len() / BLOCK * BLOCK;
    let mut lines = vec![Point::default(); lines(bases.len())];
    bases[..whole]
        .par_chunks(GROUP * BLOCK)
        .zip(lines.par_chunks_mut(GROUP * LINES))
        .for_each(|(bases, lines)| fill(bases, lines));
    lines
}

/// How many lines there are for so many bases.
pub fn lines(bases: usize) -> usize {
    bases / BLOCK * LINES
}

/// Whether `lines` begin with the multiples of these bases, as they were made.
pub fn are_multiples(lines: &[Point], bases: &[Point]) -> bool {
    let (blocks, rest) = bases.as_chunks::<BLOCK>();
    let (lines, _) = lines.as_chunks::<LINES>();
    rest.is_empty()
        && blocks.len() <= lines.len()
        && blocks.par_iter().zip(lines).all(|(bases, lines)| {
            let firsts = lines.iter().step_by(MULTIPLES);
            check(&lines[..LINES - 1]) == lines[LINES - 1] && bases.iter().eq(firsts.take(BLOCK))
        })
}

/// The line of base `base`, itself; its multiples follow.
pub fn line_of(base: usize) -> u32 {
    (base / BLOCK * LINES + base % BLOCK * MULTIPLES) as u32
}

/// The line of the sum of the block that begins with base `base`.
pub fn line_of_sum(base: usize) -> u32 {
    line_of(base) + (BLOCK * MULTIPLES) as u32
}

fn fill(bases: &[Point], lines: &mut [Point]) {
    let pairs: Vec<(u32, u32)> = (0..bases.len() as u32)
        .map(|base| (base / BLOCK as u32, base))
        .collect();
    let blocks = bases.len() / BLOCK;
    let mut summation = Summation::default();
    let filled = summation.sum(bases, blocks, &pairs);
    let sums = filled
        .iter()
        .map(|(_, sum)| &summation.sums()[*sum as usize]);
    let firsts: Vec<Point> = bases
        .chunks(BLOCK)
        .zip(sums)
        .flat_map(|(bases, sum)| bases.iter().chain([sum]))
        .copied()
        .collect();
    let mut all = vec![firsts];
    all.push(doubles(&all[0]));
    while all.len() < MULTIPLES {
        all.push(add_each(&all[all.len() - 1], &all[0]));
    }
    for (block, lines) in lines.chunks_mut(LINES).enumerate() {
        for (i, line) in lines[..LINES - 1].iter_mut().enumerate() {
            *line = all[i % MULTIPLES][block * (BLOCK + 1) + i / MULTIPLES];
        }
        lines[LINES - 1] = check(&lines[..LINES - 1]);
    }
}

/// 2 a = (a + b) + (a - b) and 2 b = (a + b) - (a - b): additions, which are fast where points differ.
fn doubles(points: &[Point]) -> Vec<Point> {
    let half = points.len().div_ceil(2);
    let both = |points: &[Point]| {
        let terms =
            |sign| (0..half).map(move |i| [i as u32, (points.len() - half + i) as u32 | sign]);
        let additions: Vec<Addition> = terms(0)
            .chain(terms(SIGN))
            .zip(0..)
            .map(|(terms, target)| Addition { terms, target })
            .collect();
        let mut sums = vec![Point::default(); 2 * half];
        add_all(points, &additions, &mut sums);
        sums
    };
    let mut doubles = both(&both(points));
    // The point in the middle is in both halves where their number is odd.
    if points.len() % 2 == 1 {
        doubles.remove(half);
    }
    doubles
}

fn add_each(left: &[Point], right: &[Point]) -> Vec<Point> {
    let count = left.len() as u32;
    let additions: Vec<Addition> = (0..count)
        .map(|target| Addition {
            terms: [target, count + target],
            target,
        })
        .collect();
    let mut sums = vec![Point::default(); left.len()];
    add_all(&[left, right].concat(), &additions, &mut sums);
    sums
}

/// Another one for any lines that differ in one word of each column.
fn check(lines: &[Point]) -> Point {
    /// Odd: no word is lost.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sums = [LINES as u64; 8];
    for line in lines {
        for (sum, word) in sums.iter_mut().zip(line.words()) {
            *sum = (*sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
        }
    }
    Point::from_words(&sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::powers;
    use crate::field::Fr;
    use ark_bn254::G1Projective;

    fn points(tau: Fr, count: usize) -> Vec<Point> {
        let words = powers(tau, count).unwrap();
        words.iter().map(Point::from_words).collect()
    }

    #[test]
    fn every_digit_is_a_small_multiple_of_a_number_that_is_no_larger() {
        for (digits, most) in [(&PLAIN, 1), (&SPARSE, MULTIPLES as u32)] {
            assert!(digits.numbers.is_sorted());
            for digit in 1..=LARGEST as u32 {
                let (bucket, multiple) = digits.place(digit);
                assert!(multiple < most);
                assert_eq!(digits.numbers[bucket as usize] * (multiple + 1), digit);
            }
        }
        assert!(SPARSE.numbers.len() < 3 * LARGEST / 5);
    }

    /// Bases that are all equal or cancel are doubled and summed, too.
    #[test]
    fn lines_are_multiples_and_checked() {
        for tau in [Fr::from(7), Fr::from(1), -Fr::from(1), Fr::from(0)] {
            let bases = points(tau, 3 * BLOCK + 5);
            let made = multiples(&bases);
            assert_eq!(made.len(), lines(bases.len()));
            let times = |point: G1Projective, k: usize| Point::from(point * Fr::from(k as u64));
            for (block, bases) in bases.chunks_exact(BLOCK).enumerate() {
                let sum: G1Projective = bases.iter().map(|base| base.affine()).sum();
                for k in 1..=MULTIPLES {
                    let (first, line) = (block * BLOCK, k - 1);
                    for i in [0, 1, 77, 128, 255] {
                        let found = made[line_of(first + i) as usize + line];
                        assert_eq!(found, times(bases[i].affine().into(), k));
                    }
                    assert_eq!(made[line_of_sum(first) as usize + line], times(sum, k));
                }
            }
            for count in [0, BLOCK, 3 * BLOCK] {
                assert!(are_multiples(&made, &bases[..count]));
            }
            assert!(!are_multiples(&made, &bases), "no whole block");
            assert!(!are_multiples(&made[..made.len() - 1], &bases[..3 * BLOCK]));
        }
    }

    #[test]
    fn altered_and_foreign_lines_are_seen() {
        let bases = points(Fr::from(7), 2 * BLOCK);
        let made = multiples(&bases);
        for line in [0, 1, 2, LINES - 4, LINES - 1, LINES, 2 * LINES - 1] {
            let mut altered = made.clone();
            altered[line].y = -altered[line].y + altered[line].x;
            assert!(!are_multiples(&altered, &bases));
        }
        let mut swapped = made.clone();
        swapped.swap(1, 4);
        assert!(!are_multiples(&swapped, &bases));
        assert!(!are_multiples(
            &multiples(&points(Fr::from(8), 2 * BLOCK)),
            &bases
        ));
        assert!(!are_multiples(&vec![Point::default(); made.len()], &bases));
    }
}
