//! Sums of many points by bucket: additions in pairs, in all buckets at once.

use std::mem::{swap, take};

use crate::curve::{Addition, Point, SIGN, add_all, signed};
use crate::vector::prefetch;

/// Terms that are summed at once: what comes of them stays in the cache.
const CHUNK: u32 = 1 << 15;

/// Numbers of points, bucket by bucket.
#[derive(Default)]
pub struct Terms {
    /// The highest bit says that the point is to be negated.
    terms: Vec<u32>,
    /// The terms of bucket b are `terms[ends[b - 1]..ends[b]]`.
    ends: Vec<u32>,
}

impl Terms {
    pub fn clear(&mut self) {
        self.terms.clear();
        self.ends.clear();
    }

    /// Add a term to the last bucket.
    #[inline(always)]
    pub fn push(&mut self, term: u32) {
        self.terms.push(term);
    }

    pub fn end_bucket(&mut self) {
        self.ends.push(self.terms.len() as u32);
    }

    /// Sort (bucket, term) pairs by counting. Buckets without a term are left out: the numbers are
    /// those of the others.
    fn sort(buckets: usize, pairs: &[(u32, u32)]) -> (Vec<u32>, Self) {
        let mut ends = vec![0_u32; buckets + 1];
        for (bucket, _) in pairs {
            ends[*bucket as usize + 1] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        let mut terms = vec![0; pairs.len()];
        for (bucket, term) in pairs {
            let end = &mut ends[*bucket as usize];
            terms[*end as usize] = *term;
            *end += 1;
        }
        let mut numbers = vec![0; buckets];
        let (mut count, mut start) = (0, 0);
        for bucket in 0..buckets {
            let end = ends[bucket];
            (numbers[count], ends[count]) = (bucket as u32, end);
            count += usize::from(end > start);
            start = end;
        }
        numbers.truncate(count);
        ends.truncate(count);
        (numbers, Self { terms, ends })
    }
}

/// Summation, with memory that serves again.
#[derive(Default)]
pub struct Summation {
    segments: Vec<Segment>,
    additions: Vec<Addition>,
    /// Buckets of one term.
    single: Vec<(u32, u32)>,
    /// Terms without another, and where they go.
    moves: Vec<(u32, u32)>,
    /// Buckets that are summed, and where.
    finished: Vec<(u32, u32)>,
    /// Sums of pairs, and the points that they are made of.
    halved: Vec<Point>,
    points: Vec<Point>,
}

/// Terms of one bucket, side by side.
#[derive(Clone, Copy)]
struct Segment {
    bucket: u32,
    start: u32,
    len: u32,
}

impl Summation {
    /// The numbers of the buckets in (bucket, term) pairs, upwards, and the sums of their points.
    pub fn sums(
        &mut self,
        points: &[Point],
        buckets: usize,
        pairs: &[(u32, u32)],
    ) -> (Vec<u32>, Vec<Point>) {
        let (numbers, terms) = Terms::sort(buckets, pairs);
        let mut sums = vec![Point::default(); numbers.len()];
        self.add(points, &terms, &mut sums);
        (numbers, sums)
    }

    /// Add the points of each bucket to its sum.
    pub fn add(&mut self, points: &[Point], terms: &Terms, sums: &mut [Point]) {
        let (mut start, mut chunk) = (0, 0);
        for (bucket, end) in (0..).zip(&terms.ends) {
            if start + 1 == *end {
                self.single.push((bucket, terms.terms[start as usize]));
                start = *end;
                // It takes no room of the chunk.
                chunk += 1;
            }
            while start < *end {
                let room = CHUNK - (start - chunk);
                let len = room.min(end - start);
                self.segments.push(Segment { bucket, start, len });
                start += len;
                if len == room {
                    self.add_chunk(points, &terms.terms, sums);
                    chunk = start;
                }
            }
        }
        self.add_chunk(points, &terms.terms, sums);
        for (bucket, term) in self.single.drain(..) {
            add_one(&mut sums[bucket as usize], signed(points, term));
        }
    }

    fn add_chunk(&mut self, points: &[Point], terms: &[u32], sums: &mut [Point]) {
        self.halve(points, |at| terms[at as usize], sums);
        while !self.segments.is_empty() {
            swap(&mut self.halved, &mut self.points);
            let points = take(&mut self.points);
            self.halve(&points, |at| at, sums);
            self.points = points;
        }
    }

    /// Add the points of each segment in pairs; the sums are its points from now on. A segment of
    /// one point goes to the sums of buckets.
    fn halve(&mut self, points: &[Point], term: impl Fn(u32) -> u32, sums: &mut [Point]) {
        let targets = self.list_additions(points, term);
        if self.halved.len() < targets {
            self.halved.resize(targets, Point::default());
        }
        add_all(points, &self.additions, &mut self.halved);
        for (term, target) in &self.moves {
            self.halved[*target as usize] = signed(points, *term);
        }
        for (bucket, target) in &self.finished {
            add_one(&mut sums[*bucket as usize], self.halved[*target as usize]);
        }
    }

    /// What is to be added, moved and then finished; returns the number of targets.
    ///
    /// How many terms a segment has is not foreseen: what it may have is written and kept or not.
    fn list_additions(&mut self, points: &[Point], term: impl Fn(u32) -> u32) -> usize {
        const PAIRS: u32 = 4;
        let terms: u32 = self.segments.iter().map(|segment| segment.len).sum();
        let none = Addition {
            terms: [0; 2],
            target: 0,
        };
        self.additions.resize((terms / 2 + PAIRS) as usize, none);
        self.moves.resize(self.segments.len() + 1, (0, 0));
        self.finished.resize(self.segments.len() + 1, (0, 0));
        let (mut additions, mut moves, mut finished, mut kept) = (0, 0, 0, 0);
        let mut target = 0;
        for i in 0..self.segments.len() {
            let Segment { bucket, start, len } = self.segments[i];
            let last = start + len - 1;
            for first in (0..len / 2).step_by(PAIRS as usize) {
                let list = &mut self.additions[additions..];
                for (k, addition) in (first..first + PAIRS).zip(list) {
                    let at = start + 2 * k;
                    *addition = Addition {
                        terms: [term(at.min(last)), term((at + 1).min(last))],
                        target: target + k,
                    };
                }
                additions += PAIRS.min(len / 2 - first) as usize;
            }
            let odd = term(last);
            prefetch(&points[(odd & !SIGN) as usize]);
            self.moves[moves] = (odd, target + len / 2);
            moves += (len % 2) as usize;
            let left = len.div_ceil(2);
            self.finished[finished] = (bucket, target);
            finished += usize::from(left == 1);
            self.segments[kept] = Segment {
                bucket,
                start: target,
                len: left,
            };
            kept += usize::from(left > 1);
            target += left;
        }
        self.additions.truncate(additions);
        self.moves.truncate(moves);
        self.finished.truncate(finished);
        self.segments.truncate(kept);
        target as usize
    }
}

/// A bucket that lies in two chunks, or has a sum already, is rare.
fn add_one(sum: &mut Point, point: Point) {
    *sum = if sum.is_infinity() {
        point
    } else {
        (sum.affine() + point.affine()).into()
    };
}
