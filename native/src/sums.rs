//! Sums of many points by bucket: two terms of a bucket are added as soon as both are there, and
//! their sum is a term again.

use std::cell::Cell;
use std::mem::{swap, take};

use crate::curve::{Addition, BATCH, Point, SIGN, Source, add_batch, add_from, signed};
use crate::vector::prefetch;

/// Terms that are taken at once.
const BLOCK: usize = 256;
/// Sums that are fetched before they are needed.
const AHEAD: usize = 8;
/// In the place of a term: none.
const NONE: u32 = u32::MAX;

/// Terms of one kind, points or sums, that wait to be added.
#[derive(Default)]
struct Queue {
    /// For each bucket a term without another.
    single: Vec<u32>,
    additions: Vec<Addition>,
    buckets: Vec<u32>,
    len: usize,
}

impl Queue {
    /// A batch, the next one, and what comes of one before they are made.
    const ROOM: usize = 3 * BATCH;

    fn begin(&mut self, buckets: usize) {
        self.single.clear();
        self.single.resize(buckets, NONE);
        self.additions.resize(Self::ROOM + 1, Addition::default());
        self.buckets.resize(Self::ROOM + 1, 0);
        self.len = 0;
    }

    /// Add a term to a bucket.
    ///
    /// Whether there is another one is not foreseen: an addition is written and kept or not.
    #[inline(always)]
    fn push(&mut self, bucket: u32, term: u32) {
        let single = &mut self.single[bucket as usize];
        let has_other = *single != NONE;
        self.additions[self.len] = Addition {
            terms: [*single, term],
            target: 0,
        };
        self.buckets[self.len] = bucket;
        self.len += usize::from(has_other);
        *single = if has_other { NONE } else { term };
    }

    /// Make some additions, at most `BATCH`, with these targets, while the next are fetched:
    /// the buckets and numbers of their sums are listed.
    fn run(
        &mut self,
        source: Source,
        target: impl Fn(usize, [u32; 2]) -> u32,
        sums: &mut [Point],
        made: &mut Vec<(u32, u32)>,
    ) {
        let count = self.len.min(BATCH);
        made.clear();
        for (i, addition) in self.additions[..count].iter_mut().enumerate() {
            addition.target = target(i, addition.terms);
            made.push((self.buckets[i], addition.target));
        }
        let (batch, rest) = self.additions[..self.len].split_at(count);
        add_batch([source; 2], batch, &rest[..rest.len().min(BATCH)], sums);
        self.additions.copy_within(count..self.len, 0);
        self.buckets.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

/// Summation, with memory that serves again.
#[derive(Default)]
pub struct Summation {
    of_points: Queue,
    of_sums: Queue,
    /// Sums, among them those that are no terms any more: their numbers are free.
    sums: Vec<Point>,
    free: Vec<u32>,
    /// Those of the summation before.
    before: Vec<Point>,
    /// Points that become sums, and their buckets.
    moves: Vec<(u32, u32)>,
    /// Those that are free after a batch.
    freed: Vec<u32>,
    /// Buckets and numbers of new sums.
    made: Vec<(u32, u32)>,
}

thread_local! {
    static KEPT: Cell<Summation> = Cell::default();
}

impl Summation {
    /// Sum with the memory of this thread's last summation.
    pub fn with<T>(sum: impl FnOnce(&mut Self) -> T) -> T {
        let mut summation = KEPT.take();
        let result = sum(&mut summation);
        KEPT.set(summation);
        result
    }

    /// Sum the points in (bucket, term) pairs: the buckets with terms, as `finish` lists them.
    pub fn sum(
        &mut self,
        points: &[Point],
        buckets: usize,
        pairs: &[(u32, u32)],
    ) -> Vec<(u32, u32)> {
        self.begin(buckets);
        self.add(points, pairs);
        self.finish(points)
    }

    /// The same of sums that are there.
    pub fn sum_again(&mut self, buckets: usize, pairs: &[(u32, u32)]) -> Vec<(u32, u32)> {
        swap(&mut self.sums, &mut self.before);
        let points = take(&mut self.before);
        let filled = self.sum(&points, buckets, pairs);
        self.before = points;
        filled
    }

    /// Begin with empty buckets.
    pub fn begin(&mut self, buckets: usize) {
        self.of_points.begin(buckets);
        self.of_sums.begin(buckets);
        // Each bucket has one at most, each addition that waits two, and each of a batch makes one.
        let sums = buckets + 2 * Queue::ROOM + BATCH;
        if self.sums.len() < sums {
            self.sums.resize(sums, Point::default());
        }
        self.free.clear();
        self.free.extend((0..self.sums.len() as u32).rev());
    }

    /// Add terms to buckets.
    pub fn add(&mut self, points: &[Point], pairs: &[(u32, u32)]) {
        for block in pairs.chunks(BLOCK) {
            for (bucket, term) in block {
                self.of_points.push(*bucket, *term);
            }
            while self.of_points.len >= 2 * BATCH {
                self.add_points(points);
            }
        }
    }

    /// Make sums of all terms that are points, so that others can come.
    pub fn settle(&mut self, points: &[Point]) {
        while self.of_points.len > 0 {
            self.add_points(points);
        }
        let sources = [Source::Points(points), Source::Sums];
        let singles = self
            .of_points
            .single
            .iter_mut()
            .zip(&mut self.of_sums.single);
        // Which terms a bucket has is not foreseen, as in `push`.
        self.moves.resize(singles.len() + 1, (0, 0));
        let (mut moves, mut mixed) = (0, 0);
        for (bucket, (point, sum)) in singles.enumerate() {
            let (has_point, has_sum) = (*point != NONE, *sum != NONE);
            self.of_points.additions[mixed] = Addition {
                terms: [*point, *sum],
                target: *sum,
            };
            mixed += usize::from(has_point & has_sum);
            self.moves[moves] = (*point, bucket as u32);
            moves += usize::from(has_point & !has_sum);
            *point = NONE;
            if mixed == Queue::ROOM {
                add_from(sources, &self.of_points.additions[..mixed], &mut self.sums);
                mixed = 0;
            }
        }
        add_from(sources, &self.of_points.additions[..mixed], &mut self.sums);
        for i in 0..moves {
            prefetch(&points[(self.moves[(i + AHEAD).min(moves - 1)].0 & !SIGN) as usize]);
            let (term, bucket) = self.moves[i];
            let number = self.free[self.free.len() - 1 - i];
            self.sums[number as usize] = signed(points, term);
            self.of_sums.single[bucket as usize] = number;
        }
        self.free.truncate(self.free.len() - moves);
    }

    /// The buckets with terms, upwards, and the numbers of their sums in `sums`.
    pub fn finish(&mut self, points: &[Point]) -> Vec<(u32, u32)> {
        self.settle(points);
        while self.of_sums.len > 0 {
            self.add_sums();
        }
        let singles = &self.of_sums.single;
        let (mut filled, mut count) = (vec![(0, 0); singles.len()], 0);
        for (bucket, term) in (0..).zip(singles) {
            filled[count] = (bucket, *term);
            count += usize::from(*term != NONE);
        }
        filled.truncate(count);
        filled
    }

    /// Where sums are.
    pub fn sums(&self) -> &[Point] {
        &self.sums
    }

    fn add_points(&mut self, points: &[Point]) {
        let left = self.free.len() - self.of_points.len.min(BATCH);
        let free = &self.free[left..];
        let source = Source::Points(points);
        self.of_points
            .run(source, |i, _| free[i], &mut self.sums, &mut self.made);
        self.free.truncate(left);
        self.push_made();
        while self.of_sums.len >= 2 * BATCH {
            self.add_sums();
        }
    }

    fn add_sums(&mut self) {
        let batch = &self.of_sums.additions[..self.of_sums.len.min(BATCH)];
        self.freed.clear();
        self.freed
            .extend(batch.iter().map(|addition| addition.terms[1]));
        self.of_sums
            .run(Source::Sums, |_, [a, _]| a, &mut self.sums, &mut self.made);
        self.free.extend_from_slice(&self.freed);
        self.push_made();
    }

    fn push_made(&mut self) {
        for (bucket, number) in &self.made {
            self.of_sums.push(*bucket, *number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::powers;
    use crate::field::Fr;
    use ark_bn254::G1Projective;
    use ark_ff::Zero;
    use rand::Rng;

    /// Full and empty buckets; points that repeat, cancel or are none; several slices of them.
    #[test]
    fn buckets_have_the_sums_of_their_terms() {
        let mut rng = rand::thread_rng();
        let mut summation = Summation::default();
        for (buckets, terms) in [(1, 5), (3, 9 * BATCH), (5000, 7 * BATCH), (40, 0), (2, 1)] {
            let mut expected = vec![None; buckets];
            summation.begin(buckets);
            for tau in [Fr::from(5), Fr::from(1), -Fr::from(1)] {
                let words = powers(tau, 50).unwrap();
                let mut points: Vec<Point> = words.iter().map(Point::from_words).collect();
                points.push(Point::default());
                let pairs: Vec<(u32, u32)> = (0..terms)
                    .map(|_| {
                        let bucket = rng.gen_range(0..buckets).min(rng.gen_range(0..buckets));
                        let sign = if rng.r#gen() { SIGN } else { 0 };
                        (bucket as u32, rng.gen_range(0..points.len() as u32) | sign)
                    })
                    .collect();
                summation.add(&points, &pairs);
                summation.settle(&points);
                for (bucket, term) in pairs {
                    let sum = expected[bucket as usize].get_or_insert(G1Projective::zero());
                    *sum += signed(&points, term).affine();
                }
            }
            let filled = summation.finish(&[]);
            let found: Vec<_> = filled
                .into_iter()
                .map(|(bucket, number)| (bucket, summation.sums()[number as usize]))
                .collect();
            let expected: Vec<_> = (0..)
                .zip(expected)
                .filter_map(|(bucket, sum)| Some((bucket, Point::from(sum?))))
                .collect();
            assert_eq!(found, expected);
        }
    }
}
