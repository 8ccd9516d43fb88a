//! Sums of many points by bucket: additions in pairs, in all buckets at once.

use std::mem::{swap, take};

use crate::curve::{Addition, Point, add_all, signed};

/// Terms that are summed at once: what comes of them stays in the cache.
const CHUNK: u32 = 1 << 14;

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
        let (mut numbers, mut start) = (Vec::new(), 0);
        for (number, end) in (0..).zip(&ends[..buckets]) {
            if *end > start {
                numbers.push(number);
                start = *end;
            }
        }
        let ends = numbers.iter().map(|number| ends[*number as usize]);
        let ends = ends.collect();
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
    /// Sums of pairs, and the points that they are made of.
    halved: Vec<Point>,
    points: Vec<Point>,
}

/// Terms of one bucket, side by side.
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
        self.additions.clear();
        self.moves.clear();
        let mut target = 0;
        for segment in &mut self.segments {
            let Segment { start, len, .. } = *segment;
            segment.start = target;
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
        if self.halved.len() < target as usize {
            self.halved.resize(target as usize, Point::default());
        }
        add_all(points, &self.additions, &mut self.halved);
        for (term, target) in &self.moves {
            self.halved[*target as usize] = signed(points, *term);
        }
        self.segments.retain(|segment| {
            if segment.len == 1 {
                add_one(
                    &mut sums[segment.bucket as usize],
                    self.halved[segment.start as usize],
                );
            }
            segment.len > 1
        });
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
