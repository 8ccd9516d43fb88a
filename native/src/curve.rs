//! G1: points in memory, their encoding, and many additions at once.

use std::sync::Arc;

use ark_bn254::{FqConfig, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, Field, MontConfig, PrimeField, Zero};
use rayon::prelude::*;

use crate::arithmetic::sub;
use crate::error::{Error, Result};
use crate::field::{Fq, Fr};
use crate::inverse::inverse;
use crate::shared::Shared;
use crate::vector::{Kernel, LANES, Simd, Vector, dispatch, prefetch};

/// An affine point; x = y = 0, which is not on the curve, stands for infinity.
///
/// Aligned: each is one line of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Point {
    pub x: Fq,
    pub y: Fq,
}

impl Point {
    pub fn is_infinity(&self) -> bool {
        self.x.is_zero() && self.y.is_zero()
    }

    pub fn negated(self) -> Self {
        Self {
            x: self.x,
            y: -self.y,
        }
    }

    pub fn affine(self) -> G1Affine {
        if self.is_infinity() {
            G1Affine::identity()
        } else {
            G1Affine::new_unchecked(self.x, self.y)
        }
    }

    /// 64 bytes: x and y, little endian, canonical.
    pub fn encode(self) -> Vec<u8> {
        [self.x, self.y]
            .iter()
            .flat_map(|coordinate| coordinate.into_bigint().0)
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    /// x and y in Montgomery form, eight words.
    pub fn words(self) -> [u64; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.x.0.0, self.y.0.0);
        [a, b, c, d, e, f, g, h]
    }

    /// Points of eight words each, where they are if they are aligned.
    pub fn from_shared(words: Shared<[u64; 8]>) -> Shared<Self> {
        const { assert!(size_of::<Self>() == size_of::<[u64; 8]>()) };
        let (pointer, len) = (words.as_ptr().cast::<Self>(), words.len());
        if pointer.is_aligned() {
            // SAFETY: a point is its eight words, x first, and the owner keeps them in place.
            unsafe { Shared::borrow(pointer, len, Arc::new(words)) }
        } else {
            let points: Vec<Self> = words.iter().map(Self::from_words).collect();
            points.into()
        }
    }

    #[inline(always)]
    pub fn from_words(words: &[u64; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = *words;
        Self {
            x: Fq::new_unchecked(BigInt([a, b, c, d])),
            y: Fq::new_unchecked(BigInt([e, f, g, h])),
        }
    }
}

impl From<G1Projective> for Point {
    fn from(point: G1Projective) -> Self {
        match point.into_affine().xy() {
            Some((x, y)) => Self { x, y },
            None => Self::default(),
        }
    }
}

/// An addition of two points given by their numbers, and where the sum goes.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Addition {
    /// The highest bit says that the point is to be negated.
    pub terms: [u32; 2],
    pub target: u32,
}

impl Addition {
    fn words(additions: &[Self; LANES]) -> &[[u32; 3]; LANES] {
        const { assert!(size_of::<Self>() == size_of::<[u32; 3]>()) };
        // SAFETY: an addition is its three words.
        unsafe { &*(additions as *const [Self; LANES]).cast() }
    }
}

/// The highest bit of the number of a point that is to be negated.
pub const SIGN: u32 = 1 << 31;

/// Additions that share an inversion: what comes back to be inverted fits the cache.
pub const BATCH: usize = 2048;

/// The point of this number and sign.
#[inline(always)]
pub fn signed(points: &[Point], term: u32) -> Point {
    let Point { x, y } = points[(term & !SIGN) as usize];
    // Signs are not foreseen: both are computed.
    Point {
        x,
        y: [y, -y][(term >> 31) as usize],
    }
}

/// Where the points of one side of additions are.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    Points(&'a [Point]),
    /// Where the sums go.
    Sums,
}

impl<'a> Source<'a> {
    #[inline(always)]
    fn points(self, sums: &'a [Point]) -> &'a [Point] {
        match self {
            Self::Points(points) => points,
            Self::Sums => sums,
        }
    }
}

/// Add points with one inversion for every `BATCH`.
pub fn add_all(points: &[Point], additions: &[Addition], sums: &mut [Point]) {
    add_from([Source::Points(points); 2], additions, sums);
}

/// The same of points that may be sums, as in `add_batch`.
pub fn add_from(sources: [Source; 2], additions: &[Addition], sums: &mut [Point]) {
    let mut batches = additions.chunks(BATCH).peekable();
    while let Some(additions) = batches.next() {
        let next = batches.peek().copied().unwrap_or_default();
        add_batch(sources, additions, next, sums);
    }
}

/// Add points with one inversion; those of `next` are fetched meanwhile.
///
/// Affine addition costs 5 multiplications and a square when the inversion is shared. A sum may take
/// the place of a term of its own addition, but of no other.
pub fn add_batch(
    sources: [Source; 2],
    additions: &[Addition],
    next: &[Addition],
    sums: &mut [Point],
) {
    dispatch(AddBatch {
        sources,
        additions,
        next,
        sums,
    });
}

/// What the way back needs of the way forth.
struct Step<V: Vector<FqConfig>> {
    denominators: V::Operand,
    /// The product of those before, in each lane.
    before: V,
    /// Whether there may be points without a slope between them.
    is_special: bool,
}

struct AddBatch<'a> {
    sources: [Source<'a>; 2],
    additions: &'a [Addition],
    next: &'a [Addition],
    sums: &'a mut [Point],
}

impl Kernel for AddBatch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { sources, sums, .. } = self;
        let blocks = Blocks::new(self.additions);
        let (zero, mut product) = (simd.splat::<FqConfig>(Fq::ZERO), simd.splat(Fq::ONE));
        let mut steps: Vec<Step<S::Vector<FqConfig>>> = Vec::with_capacity(blocks.len());
        for i in 0..blocks.len() {
            let points = [sources[0].points(sums), sources[1].points(sums)];
            blocks.get(i + AHEAD, points).prefetch();
            let block = blocks.get(i, points);
            let left = abscissas(simd, block.terms(0));
            let right = abscissas(simd, block.terms(1));
            // Finite points have other abscissas than zero: those of order three.
            let is_special = left.may_equal(right) | left.may_equal(zero) | right.may_equal(zero);
            let denominators = if is_special {
                block.denominators(simd).into()
            } else {
                right.minus(left)
            };
            steps.push(Step {
                denominators,
                before: product,
                is_special,
            });
            product = product.over(denominators);
        }
        let mut inverses = [Fq::ONE; LANES];
        product.store(&mut inverses);
        let scale = <S::Vector<FqConfig> as Vector<FqConfig>>::SCALE;
        let root = <S::Vector<FqConfig> as Vector<FqConfig>>::ROOT;
        invert_all(&mut inverses, scale * root);
        let mut inverse = simd.load(&inverses);
        for (i, step) in steps.iter().enumerate().rev() {
            let points = [sources[0].points(sums), sources[1].points(sums)];
            blocks.get(i.saturating_sub(AHEAD), points).prefetch();
            for addition in self.next.iter().skip(i * LANES).take(LANES) {
                fetch(points, addition);
            }
            let block = blocks.get(i, points);
            // The inverses of the denominators, times `SCALE` and `ROOT`.
            let own = step.before.over(inverse);
            inverse = inverse.over(step.denominators);
            let additions = block.additions;
            if step.is_special {
                let all = block.sums(own.over(simd.splat(Fq::ONE)));
                for (addition, sum) in additions.iter().zip(all) {
                    sums[addition.target as usize] = sum;
                }
                continue;
            }
            let signs = simd.signs(Addition::words(additions));
            let (left, right) = (block.terms(0), block.terms(1));
            let y = ordinates(simd, left, signs[0]);
            // The slopes, times `ROOT`.
            let slope = own.over(ordinates(simd, right, signs[1]).minus(y));
            let left = abscissas(simd, left);
            let x = slope.squared_less(left, step.denominators);
            let y = slope.over_less(left.minus_by_root(x), y);
            let (mut xs, mut ys) = ([Fq::ONE; LANES], [Fq::ONE; LANES]);
            x.store_reduced(&mut xs);
            y.store_reduced(&mut ys);
            for k in 0..LANES {
                sums[additions[k].target as usize] = Point { x: xs[k], y: ys[k] };
            }
        }
    }
}

/// Blocks that are fetched before they are needed.
const AHEAD: usize = 4;

/// Have the points of an addition fetched.
#[inline(always)]
fn fetch(points: [&[Point]; 2], addition: &Addition) {
    for (points, term) in points.iter().zip(addition.terms) {
        prefetch(points.as_ptr().wrapping_add((term & !SIGN) as usize));
    }
}

/// Additions, eight at a time.
struct Blocks<'a> {
    whole: &'a [[Addition; LANES]],
    /// Those left over, filled up with the last of them.
    rest: Option<[Addition; LANES]>,
}

impl<'a> Blocks<'a> {
    fn new(additions: &'a [Addition]) -> Self {
        let (whole, rest) = additions.as_chunks();
        let rest = rest
            .last()
            .map(|last| std::array::from_fn(|k| *rest.get(k).unwrap_or(last)));
        Self { whole, rest }
    }

    fn len(&self) -> usize {
        self.whole.len() + usize::from(self.rest.is_some())
    }

    /// Block i, or the last one.
    #[inline(always)]
    fn get<'b, 'p>(&'b self, i: usize, points: [&'p [Point]; 2]) -> Block<'b, 'p> {
        let additions = match (self.whole.get(i), &self.rest) {
            (Some(additions), _) | (None, Some(additions)) => additions,
            (None, None) => &self.whole[self.whole.len() - 1],
        };
        Block { points, additions }
    }
}

struct Block<'a, 'p> {
    /// Those of each side.
    points: [&'p [Point]; 2],
    additions: &'a [Addition; LANES],
}

impl<'p> Block<'_, 'p> {
    #[inline(always)]
    fn prefetch(&self) {
        for addition in self.additions {
            fetch(self.points, addition);
        }
    }

    /// The points that are term `side` of the additions, without their signs.
    #[inline(always)]
    fn terms(&self, side: usize) -> [&'p Point; LANES] {
        let points = self.points[side];
        let mut terms = [&points[0]; LANES];
        for (term, addition) in terms.iter_mut().zip(self.additions) {
            *term = &points[(addition.terms[side] & !SIGN) as usize];
        }
        terms
    }

    fn signed(&self, addition: &Addition) -> [Point; 2] {
        let ([a, b], [left, right]) = (addition.terms, self.points);
        [signed(left, a), signed(right, b)]
    }

    /// Denominators of the slopes, 1 where there are none, times `ROOT`.
    #[cold]
    fn denominators<S: Simd>(&self, simd: S) -> S::Vector<FqConfig> {
        let root = Fq::from(<S::Vector<FqConfig> as Vector<FqConfig>>::ROOT);
        simd.load(&self.additions.map(|addition| {
            let [a, b] = self.signed(&addition);
            denominator(&a, &b) * root
        }))
    }

    /// The sums, whatever the points, given the inverses of the denominators.
    #[cold]
    fn sums<C: Vector<FqConfig>>(&self, inverses: C) -> [Point; LANES] {
        let mut all = [Fq::ONE; LANES];
        inverses.store(&mut all);
        std::array::from_fn(|k| {
            let [a, b] = self.signed(&self.additions[k]);
            sum(&a, &b, all[k])
        })
    }
}

#[inline(always)]
fn abscissas<S: Simd>(simd: S, points: [&Point; LANES]) -> S::Vector<FqConfig> {
    let [a, b, c, d, e, f, g, h] = points;
    simd.gather([&a.x, &b.x, &c.x, &d.x, &e.x, &f.x, &g.x, &h.x])
}

/// Those of the points or of their opposites.
#[inline(always)]
fn ordinates<S: Simd>(simd: S, points: [&Point; LANES], signs: u8) -> S::Vector<FqConfig> {
    let [a, b, c, d, e, f, g, h] = points;
    let y = simd.gather([&a.y, &b.y, &c.y, &d.y, &e.y, &f.y, &g.y, &h.y]);
    if signs == 0 { y } else { y.negate_where(signs) }
}

/// `scale` over each element, none of which is zero, by one inversion.
fn invert_all(elements: &mut [Fq; LANES], scale: u64) {
    let mut product = Fq::ONE;
    let mut before = [Fq::ONE; LANES];
    for (before, element) in before.iter_mut().zip(&*elements) {
        *before = product;
        product *= element;
    }
    let mut inverse = inverse(product) * Fq::from(scale);
    for (element, before) in elements.iter_mut().zip(before).rev() {
        (*element, inverse) = (before * inverse, inverse * *element);
    }
}

/// The denominator of the slope through two points, or 1 where there is none.
#[inline(always)]
fn denominator(a: &Point, b: &Point) -> Fq {
    let difference = sub(b.x, a.x);
    if difference.is_zero() || a.is_infinity() || b.is_infinity() {
        return if *a == *b && !a.is_infinity() {
            a.y.double() // never zero: the group's order is odd
        } else {
            Fq::ONE
        };
    }
    difference
}

/// a + b, given the inverse of their denominator.
#[inline(always)]
fn sum(a: &Point, b: &Point, inverse: Fq) -> Point {
    let numerator = if a.x == b.x || a.is_infinity() || b.is_infinity() {
        if a.is_infinity() {
            return *b;
        }
        if b.is_infinity() {
            return *a;
        }
        if a.y != b.y {
            return Point::default();
        }
        let square = a.x.square();
        square.double() + square
    } else {
        sub(b.y, a.y)
    };
    let slope = numerator * inverse;
    let x = sub(sub(slope.square(), a.x), b.x);
    Point {
        x,
        y: sub(slope * sub(a.x, x), a.y),
    }
}

/// Whether eight words are a finite point of the curve in Montgomery form.
fn is_finite_point(words: &[u64; 8]) -> bool {
    let point = Point::from_words(words);
    point.x.0 < FqConfig::MODULUS
        && point.y.0 < FqConfig::MODULUS
        && point.y.square() == point.x.square() * point.x + Fq::from(3_u64)
}

/// The first of these points that is not a finite point of the curve.
pub fn first_off_curve(points: &[[u64; 8]]) -> Option<usize> {
    points
        .par_iter()
        .position_first(|words| !is_finite_point(words))
}

/// Check that all coordinates are reduced: what arithmetic needs of points it has not met before.
pub fn check_reduced(points: &[[u64; 8]]) -> Result<()> {
    let reduced = |words: &[u64; 8]| {
        let point = Point::from_words(words);
        point.x.0 < FqConfig::MODULUS && point.y.0 < FqConfig::MODULUS
    };
    match points.par_iter().position_first(|words| !reduced(words)) {
        None => Ok(()),
        Some(i) => Err(Error::Point(format!(
            "a coordinate of point {i} is not below the modulus"
        ))),
    }
}

/// [tau^i]_1 for i < count.
pub fn powers(tau: Fr, count: usize) -> Result<Vec<[u64; 8]>> {
    const BITS: usize = 8;
    const WINDOWS: usize = 256 / BITS;
    let table = multiples_of_generator::<WINDOWS>(BITS);
    if count > 1 << 28 {
        return Err(Error::Range(format!("{count} powers of tau")));
    }
    let scalars = crate::field::powers(tau, count);
    Ok(scalars
        .par_chunks(1 << 10)
        .flat_map_iter(|scalars| {
            let scalars: Vec<[u64; 4]> = scalars.iter().map(|s| s.into_bigint().0).collect();
            let mut sums = vec![Point::default(); scalars.len()];
            let count = scalars.len() as u32;
            let additions: Vec<Addition> = (0..count)
                .map(|i| Addition {
                    terms: [i, count + i],
                    target: i,
                })
                .collect();
            let mut points = Vec::new();
            for window in 0..WINDOWS {
                points.clone_from(&sums);
                points.extend(scalars.iter().map(|s| {
                    let digit = (s[window * BITS / 64] >> (window * BITS % 64)) as usize & 0xff;
                    table[window][digit]
                }));
                add_all(&points, &additions, &mut sums);
            }
            sums.into_iter().map(Point::words)
        })
        .collect())
}

/// table[w][d] = d · 2^(bits · w) · generator, for d < 2^bits.
fn multiples_of_generator<const WINDOWS: usize>(bits: usize) -> Vec<Vec<Point>> {
    let mut base = G1Projective::from(G1Affine::generator());
    (0..WINDOWS)
        .map(|_| {
            let multiples: Vec<G1Projective> =
                std::iter::successors(Some(G1Projective::zero()), |last| Some(*last + base))
                    .take((1 << bits) + 1)
                    .collect();
            base = multiples[1 << bits];
            G1Projective::normalize_batch(&multiples[..1 << bits])
                .iter()
                .map(|point| point.xy().map_or(Point::default(), |(x, y)| Point { x, y }))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::PrimeGroup;

    #[test]
    fn batched_additions_equal_the_library_in_every_case() {
        let g = G1Projective::generator();
        let points: Vec<Point> = [g - g, g, -g, g.double(), g.double() + g]
            .map(Point::from)
            .to_vec();
        let count = points.len() as u32;
        let terms = || (0..count).flat_map(|i| [i, i | SIGN]);
        // Every case eight times, and every case among others.
        let pairs: Vec<[u32; 2]> = terms().flat_map(|a| terms().map(move |b| [a, b])).collect();
        let eight_times = pairs.iter().flat_map(|pair| [*pair; LANES]);
        let additions: Vec<Addition> = pairs
            .iter()
            .copied()
            .chain(eight_times)
            .zip(0..)
            .map(|(terms, target)| Addition { terms, target })
            .collect();
        let mut out = vec![Point::default(); additions.len()];
        add_all(&points, &additions, &mut out);
        for (addition, sum) in additions.iter().zip(out) {
            let [a, b] = addition.terms.map(|term| signed(&points, term).affine());
            assert_eq!(sum, Point::from(a + b));
        }
    }

    #[test]
    fn powers_of_tau_are_on_the_curve_and_right() {
        for tau in [Fr::zero(), Fr::ONE, -Fr::ONE, Fr::from(u128::MAX)] {
            let points = powers(tau, 5).unwrap();
            for (i, words) in points.iter().enumerate() {
                let expected = G1Projective::generator() * tau.pow([i as u64]);
                assert_eq!(Point::from_words(words), Point::from(expected));
            }
        }
        let mut points = powers(Fr::from(5_u64), 4).unwrap();
        assert_eq!(first_off_curve(&points), None);
        points[2][0] ^= 1;
        points[3] = [0; 8];
        assert_eq!(first_off_curve(&points), Some(2));
        points[0] = [u64::MAX; 8];
        assert_eq!(first_off_curve(&points), Some(0));
        assert!(check_reduced(&points).is_err());
        assert!(powers(Fr::ONE, 0).unwrap().is_empty());
    }
}
