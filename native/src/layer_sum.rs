//! LogUp-GKR: the sumcheck from one layer of the tree of fractions to the next.
//!
//! While there are many vertices, two rounds take one pass over them: it binds the variables of the two
//! before, and sums nine coefficients of the polynomial in the next two variables.

use std::array::from_fn;
use std::ops::Range;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::field::{Fr, eq_one, eq_table, eq_vertex, line};
use crate::fractions::{Layer, Nodes};
use crate::inverse::inverse;
use crate::leaf_sum::SmallVertices;
use crate::leaves::LeafVertices;
use crate::memory::Blocks;
use crate::vector::{Kernel, LANES, Packed, Products, Simd, Vector, dispatch, unpack};

/// Blocks of eight vertices that are bound and summed while they are in the cache.
const CHUNK: usize = 64;

/// a0, a1, b0, b1 at eight vertices.
type Sides = [Packed; 4];
type Values<S> = <S as Simd>::Vector<FrConfig>;
type Operand<S> = <Values<S> as Vector<FrConfig>>::Operand;

/// A polynomial of degree 2: its values at 0 and 1, and its highest coefficient.
type Quadratic = [Fr; 3];

fn value(polynomial: &Quadratic, x: Fr) -> Fr {
    let [at_zero, at_one, top] = polynomial;
    line(*at_zero, *at_one, x) + *top * x * (x - Fr::ONE)
}

/// The sum over x of eq(xi, x) h(x), h = a0 b1 + a1 b0, where a0 = p(x,0) + lambda q(x,0),
/// a1 = p(x,1), b0 = q(x,0), b1 = q(x,1).
pub struct LayerSum {
    /// Coordinates that are not bound yet.
    xi: Vec<Fr>,
    /// eq of the bound coordinates.
    scale: Fr,
    claim: Claim,
    lambda: Fr,
    vertices: Vertices,
    ahead: Ahead,
    /// The sum of this round, once it was sent.
    sent: Option<Quadratic>,
    /// Challenges, the top variable's first.
    rho: Vec<Fr>,
    /// Children, if there are many: those on the left, then those on the right.
    nodes: Blocks,
    /// Where sides are packed.
    memory: Blocks,
}

enum Vertices {
    /// Nothing is bound.
    Nodes,
    /// Nor here.
    Leaves(LeafVertices),
    /// These `Sides` in the memory.
    Sides(Range<usize>),
    Few(Vec<[Fr; 4]>),
}

/// What is known of the sum over x of eq(xi, x) h(x) over the variables left.
#[derive(Clone, Copy)]
enum Claim {
    Whole(Fr),
    /// With the top variable, and its coordinate, at 0 and at 1.
    Halves([Fr; 2]),
}

/// The sum over x of eq(xi, x) h(., x).
enum Ahead {
    /// In the next variable.
    One(Quadratic),
    /// In the next two: for the first at 0, at 1, and its highest coefficient.
    Two([Quadratic; 3]),
}

impl LayerSum {
    /// `halves`: the sums where the top variable, and its coordinate, are 0 and 1. `memory` may hold
    /// anything.
    pub fn new(
        children: Layer,
        xi: Vec<Fr>,
        lambda: Fr,
        halves: [Fr; 2],
        memory: Blocks,
    ) -> Result<Self> {
        // A fourth of the vertices is left after two rounds, a fourth of those after two more, ...
        let many = (4 << xi.len()) / LANES / 2;
        let (vertices, nodes, len) = match children {
            Layer::Few(nodes) => {
                let (left, right) = nodes.split_at(nodes.len() / 2);
                let pairs = left.iter().zip(right);
                let sides = pairs.map(|([p0, q0], [p1, q1])| [*p0 + lambda * q0, *p1, *q0, *q1]);
                (Vertices::Few(sides.collect()), Blocks::default(), 0)
            }
            Layer::Many(nodes) => (Vertices::Nodes, nodes, many),
            Layer::Leaves(leaves) => {
                let vertices = LeafVertices::new(leaves, lambda);
                (Vertices::Leaves(vertices), Blocks::default(), many)
            }
        };
        let memory = if memory.len() < len {
            Blocks::zeros(len)?
        } else {
            memory
        };
        let mut sum = Self {
            xi,
            scale: Fr::ONE,
            claim: Claim::Halves(halves),
            lambda,
            vertices,
            ahead: Ahead::One([Fr::ZERO; 3]),
            sent: None,
            rho: Vec::new(),
            nodes,
            memory,
        };
        sum.ahead = match &sum.vertices {
            Vertices::Few(sides) => Ahead::One(sum_few(&sum.xi, sides)),
            _ => Ahead::Two(sum.sum_many()),
        };
        Ok(sum)
    }

    /// s(0), s(2), s(3).
    pub fn round(&mut self) -> Result<[Fr; 3]> {
        let Some(xi) = self.xi.last().copied() else {
            return Err(Error::Order("the layer's rounds are over"));
        };
        let h = match &self.ahead {
            Ahead::One(h) => *h,
            Ahead::Two(h) => {
                let next = self.xi[self.xi.len() - 2];
                h.map(|[at_zero, at_one, _]| line(at_zero, at_one, next))
            }
        };
        self.sent = Some(h);
        Ok([0_u64, 2, 3].map(|x| {
            let x = Fr::from(x);
            self.scale * eq_one(xi, x) * value(&h, x)
        }))
    }

    /// Bind the top variable.
    pub fn bind(&mut self, challenge: Fr) -> Result<()> {
        let h = self.sent.take();
        let h = h.ok_or(Error::Order("a round comes before its challenge"))?;
        let xi = self.xi.pop();
        let xi = xi.ok_or(Error::Order("the layer's rounds are over"))?;
        self.scale *= eq_one(xi, challenge);
        self.claim = Claim::Whole(value(&h, challenge));
        self.rho.push(challenge);
        self.ahead = match (&self.ahead, &mut self.vertices) {
            (Ahead::Two([at_zero, at_one, top]), _) => {
                let coefficient = |k: usize| value(&[at_zero[k], at_one[k], top[k]], challenge);
                Ahead::One(from_fn(coefficient))
            }
            (Ahead::One(_), Vertices::Few(sides)) => {
                let (low, high) = sides.split_at(sides.len() / 2);
                let pairs = low.iter().zip(high);
                let bound = pairs.map(|(low, high)| from_fn(|k| line(low[k], high[k], challenge)));
                *sides = bound.collect();
                Ahead::One(sum_few(&self.xi, sides))
            }
            (Ahead::One(_), _) => self.bind_two(),
        };
        Ok(())
    }

    /// p(rho,0), p(rho,1), q(rho,0), q(rho,1), once all variables are bound.
    pub fn children(&self) -> Option<[Fr; 4]> {
        match &self.vertices {
            Vertices::Few(sides) if self.xi.is_empty() => {
                let [a0, p1, q0, q1] = sides[0];
                Some([a0 - self.lambda * q0, p1, q0, q1])
            }
            _ => None,
        }
    }

    /// The point of the challenges, and memory that is not needed any more.
    pub fn finish(self) -> (Vec<Fr>, Blocks) {
        let point = self.rho.into_iter().rev().collect();
        (point, self.nodes)
    }

    /// The sum over all vertices in the first two variables.
    fn sum_many(&self) -> [Quadratic; 3] {
        let weights = Weights::new(&self.xi, self.claim);
        let quarter = (1 << self.xi.len()) / LANES / 4;
        let chunks = (0..weights.chunks.len()).into_par_iter();
        if let Vertices::Leaves(leaves) = &self.vertices {
            let buffers = || [(); 4].map(|()| vec![Sides::default(); CHUNK.min(quarter)]);
            let sums = chunks.map_init(buffers, |buffers, chunk| {
                let starts = [0, 1, 2, 3].map(|corner| (corner * quarter + chunk * CHUNK) * LANES);
                if let Some(small) = leaves.small(starts, weights.places.len()) {
                    return weights.sum_small(chunk, &small);
                }
                for (start, sides) in starts.into_iter().zip(&mut *buffers) {
                    leaves.write(&[(start, Fr::ONE)], sides);
                }
                weights.sum(chunk, buffers.each_ref().map(|sides| Source::Sides(sides)))
            });
            return weights.total(sums);
        }
        let source = Source::nodes(&self.nodes, self.xi.len(), self.lambda);
        let sums = chunks.map(|chunk| {
            let start = chunk * CHUNK;
            weights.sum(chunk, source.corners(start..quarter.min(start + CHUNK)))
        });
        weights.total(sums)
    }

    /// Bind two variables, and sum for the next two rounds or, where few vertices are left, for one.
    fn bind_two(&mut self) -> Ahead {
        let (memory, _) = self.memory.as_chunks_mut::<4>();
        let variables = self.xi.len();
        let len = (1 << variables) / LANES;
        let [x, y] = [self.rho[self.rho.len() - 2], self.rho[self.rho.len() - 1]];
        let (start, unbound, into) = match &self.vertices {
            Vertices::Sides(range) => {
                let (sides, into) = memory.split_at_mut(range.end);
                let source = Source::Sides(&sides[range.clone()]);
                (range.end, Unbound::Packed(source), into)
            }
            Vertices::Leaves(leaves) => (0, Unbound::Leaves(leaves), memory),
            _ => {
                let source = Source::nodes(&self.nodes, variables + 2, self.lambda);
                (0, Unbound::Packed(source), memory)
            }
        };
        let bind = |start: usize, into: &mut [Sides]| match unbound {
            Unbound::Leaves(leaves) => {
                let factor = |corner| eq_vertex(&[y, x], corner);
                let term = |corner| ((corner * len + start) * LANES, factor(corner));
                leaves.write(&[0, 1, 2, 3].map(term), into);
            }
            Unbound::Packed(source) => dispatch(Bind {
                corners: source.corners(start..start + into.len()),
                point: [x, y],
                into,
            }),
        };
        let into = &mut into[..len];
        if len < 4 {
            bind(0, into);
            let sides: Vec<_> = into.iter().flat_map(unpack).collect();
            let h = sum_few(&self.xi, &sides);
            self.vertices = Vertices::Few(sides);
            return Ahead::One(h);
        }
        let weights = Weights::new(&self.xi, self.claim);
        let (low, high) = into.split_at_mut(len / 2);
        let ((a, b), (c, d)) = (low.split_at_mut(len / 4), high.split_at_mut(len / 4));
        let [a, b, c, d] = [a, b, c, d].map(|quarter| quarter.par_chunks_mut(CHUNK));
        let quarters = a.zip(b).zip(c).zip(d).enumerate();
        let sums = quarters.map(|(chunk, (((a, b), c), d))| {
            let corners = [(0, a), (1, b), (2, c), (3, d)].map(|(quarter, into)| {
                bind(quarter * (len / 4) + chunk * CHUNK, &mut *into);
                Source::Sides(into)
            });
            weights.sum(chunk, corners)
        });
        let h = weights.total(sums);
        self.vertices = Vertices::Sides(start..start + len);
        Ahead::Two(h)
    }
}

/// The sum over few vertices in the next variable.
fn sum_few(xi: &[Fr], sides: &[[Fr; 4]]) -> Quadratic {
    let mut sums = [Fr::ZERO; 3];
    let Some((_, xi)) = xi.split_last() else {
        return sums;
    };
    let h = |[a0, a1, b0, b1]: [Fr; 4]| a0 * b1 + a1 * b0;
    let (low, high) = sides.split_at(sides.len() / 2);
    for ((eq, low), high) in eq_table(xi).into_iter().zip(low).zip(high) {
        let slopes = from_fn(|k| high[k] - low[k]);
        for (sum, sides) in sums.iter_mut().zip([*low, *high, slopes]) {
            *sum += eq * h(sides);
        }
    }
    sums
}

/// Vertices of which two variables are to be bound.
enum Unbound<'a> {
    Leaves(&'a LeafVertices),
    Packed(Source<'a>),
}

/// Blocks of vertices to be read.
#[derive(Clone, Copy)]
enum Source<'a> {
    Nodes {
        left: &'a [Nodes],
        /// Nodes beyond the last are 0/1.
        right: &'a [Nodes],
        lambda: Fr,
    },
    Sides(&'a [Sides]),
}

impl<'a> Source<'a> {
    /// 2^variables vertices.
    fn nodes(blocks: &'a [Packed], variables: usize, lambda: Fr) -> Self {
        let (nodes, _) = blocks.as_chunks();
        let (left, right) = nodes.split_at((1 << variables) / LANES);
        Self::Nodes {
            left,
            right,
            lambda,
        }
    }

    fn part(self, start: usize, end: usize) -> Self {
        match self {
            Self::Nodes {
                left,
                right,
                lambda,
            } => Self::Nodes {
                left: &left[start..end],
                right: &right[start.min(right.len())..end.min(right.len())],
                lambda,
            },
            Self::Sides(sides) => Self::Sides(&sides[start..end]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nodes { left, .. } => left.len(),
            Self::Sides(sides) => sides.len(),
        }
    }

    /// Part of each fourth.
    fn corners(self, part: Range<usize>) -> [Self; 4] {
        let len = self.len() / 4;
        from_fn(|corner| self.part(corner * len + part.start, corner * len + part.end))
    }

    /// Of p(·,0) or already a0, then a1, b0, b1, number `side`.
    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, i: usize, side: usize) -> Values<S> {
        match self {
            Self::Nodes { left, right, .. } => {
                let nodes = [left, right][side % 2];
                match nodes.get(i) {
                    Some(node) => simd.unpack(&node[side / 2]),
                    None => simd.splat([Fr::ZERO, Fr::ONE][side / 2]),
                }
            }
            Self::Sides(sides) => simd.unpack(&sides[i][side]),
        }
    }

    /// Have a block fetched.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, simd: S, i: usize) {
        match self {
            Self::Nodes { left, right, .. } => {
                for node in left.get(i).iter().chain(&right.get(i)) {
                    simd.prefetch_packed(&node[0]);
                    simd.prefetch_packed(&node[1]);
                }
            }
            Self::Sides(sides) => {
                if let Some(sides) = sides.get(i) {
                    for side in sides {
                        simd.prefetch_packed(side);
                    }
                }
            }
        }
    }

    /// What a0 is made with, where it is not yet.
    fn lambda(&self) -> Option<Fr> {
        match self {
            Self::Nodes { lambda, .. } => Some(*lambda),
            Self::Sides(_) => None,
        }
    }
}

/// A side of a block of each corner.
#[inline(always)]
fn load_side<S: Simd>(simd: S, corners: &[Source; 4], i: usize, side: usize) -> [Values<S>; 4] {
    let [a, b, c, d] = corners;
    [
        a.load(simd, i, side),
        b.load(simd, i, side),
        c.load(simd, i, side),
        d.load(simd, i, side),
    ]
}

/// Bind the variables whose values the corners have.
struct Bind<'a> {
    corners: [Source<'a>; 4],
    point: [Fr; 2],
    into: &'a mut [Sides],
}

impl Kernel for Bind<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let point = simd.bilinear_at(self.point);
        let lambda = self.corners[0].lambda();
        let lambda = lambda.map(|lambda| simd.splat(lambda).factor());
        for (i, [a0, a1, b0, b1]) in self.into.iter_mut().enumerate() {
            for corner in &self.corners {
                corner.prefetch(simd, i + 1);
            }
            let [p0, p1, q0, q1] = [
                Values::<S>::bilinear(load_side(simd, &self.corners, i, 0), point),
                Values::<S>::bilinear(load_side(simd, &self.corners, i, 1), point),
                Values::<S>::bilinear(load_side(simd, &self.corners, i, 2), point),
                Values::<S>::bilinear(load_side(simd, &self.corners, i, 3), point),
            ];
            match lambda {
                Some(lambda) => p0.plus_product(q0, lambda).pack(a0),
                None => p0.pack(a0),
            }
            p1.pack(a1);
            q0.pack(b0);
            q1.pack(b1);
        }
    }
}

/// eq(xi without its two top coordinates, ·): the products of a factor for the chunk and one for the
/// place in it.
struct Weights {
    chunks: Vec<Fr>,
    places: Vec<Fr>,
    /// The two top coordinates, the lower one first.
    top: [Fr; 2],
    claim: Claim,
}

impl Weights {
    fn new(xi: &[Fr], claim: Claim) -> Self {
        let (rest, top) = xi.split_at(xi.len() - 2);
        let (places, chunks) = rest.split_at(rest.len().min((CHUNK * LANES).ilog2() as usize));
        Self {
            chunks: eq_table(chunks),
            places: eq_table(places),
            top: [top[0], top[1]],
            claim,
        }
    }

    /// Which sums do not follow from others by the claim.
    fn asked(&self) -> [bool; 9] {
        let [low, high] = self.top.map(|coordinate| !coordinate.is_zero());
        let mut asked = [true; 9];
        match self.claim {
            Claim::Whole(_) => asked[4] = !(low && high),
            Claim::Halves(_) => (asked[1], asked[4]) = (!low, !low),
        }
        asked
    }

    /// The sums over a chunk.
    fn sum(&self, chunk: usize, corners: [Source; 4]) -> [Fr; 9] {
        let (eq, asked) = (&self.places, self.asked());
        let factor = self.chunks[chunk];
        dispatch(Sum { corners, eq, asked }).map(|sum| sum * factor)
    }

    /// The same for vertices of small cells.
    fn sum_small(&self, chunk: usize, vertices: &SmallVertices) -> [Fr; 9] {
        let factor = self.chunks[chunk];
        let sums = vertices.sum(&self.places, self.asked());
        sums.map(|sum| sum * factor)
    }

    /// The sum over all vertices from those over chunks.
    fn total(&self, sums: impl ParallelIterator<Item = [Fr; 9]>) -> [Quadratic; 3] {
        let added = |a: [Fr; 9], b: [Fr; 9]| from_fn(|k| a[k] + b[k]);
        let mut sums = sums.reduce(|| [Fr::ZERO; 9], added);
        let (asked, [low, high]) = (self.asked(), self.top);
        // What is linear has the value `whole` at a coordinate, and `at_zero` at 0.
        let at_one =
            |whole, at_zero, coordinate: Fr| at_zero + (whole - at_zero) * inverse(coordinate);
        match self.claim {
            Claim::Whole(claim) if !asked[4] => {
                let half = line(sums[0], sums[1], low);
                sums[4] = at_one(at_one(claim, half, high), sums[3], low);
            }
            Claim::Halves([zero, one]) if !asked[4] => {
                sums[1] = at_one(zero, sums[0], low);
                sums[4] = at_one(one, sums[3], low);
            }
            _ => (),
        }
        from_fn(|i| from_fn(|j| sums[3 * i + j]))
    }
}

/// The sum over a chunk of eq times h, number 3 i + j at (i, j), where 2 stands for the highest
/// coefficient; zero where it is not asked for.
struct Sum<'a> {
    corners: [Source<'a>; 4],
    eq: &'a [Fr],
    asked: [bool; 9],
}

impl Kernel for Sum<'_> {
    type Output = [Fr; 9];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Fr; 9] {
        let lambda = self.corners[0].lambda();
        let lambda = lambda.map(|lambda| simd.splat(lambda).factor());
        let mut sums = [simd.sum::<FrConfig>(); 9];
        for i in 0..self.eq.len() / LANES {
            let [mut a0, mut a1, b0, b1] = [
                load_side(simd, &self.corners, i, 0),
                load_side(simd, &self.corners, i, 1),
                load_side(simd, &self.corners, i, 2),
                load_side(simd, &self.corners, i, 3),
            ];
            let weight = simd.load_at(self.eq, i * LANES, Fr::ZERO);
            let eq = weight.factor();
            let mut lambda = lambda;
            if let Some(lambda) = &mut lambda {
                *lambda = weight.times(*lambda).factor();
            }
            // eq times a0 and a1: then their products with b1 and b0 are summed as they are.
            for k in 0..4 {
                self.corners[k].prefetch(simd, i + 1);
                a0[k] = match lambda {
                    Some(lambda) => a0[k].times_plus(eq, b0[k], lambda),
                    None => a0[k].times(eq),
                };
                a1[k] = a1[k].times(eq);
            }
            let (a0, a1) = (ends::<S>(a0), ends::<S>(a1));
            let (b0, b1) = (ends::<S>(b0), ends::<S>(b1));
            for (k, sum) in sums.iter_mut().enumerate() {
                if self.asked[k] {
                    sum.add_over([&a0[k], &b1[k]], [&a1[k], &b0[k]]);
                }
            }
        }
        let mut totals = [Fr::ZERO; 9];
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = sum.total() * Fr::from(Values::<S>::SCALE);
        }
        totals
    }
}

/// What is linear in two variables, at each of 0, 1, and the coefficient.
#[inline(always)]
fn ends<S: Simd>([a, b, c, d]: [Values<S>; 4]) -> [Operand<S>; 9] {
    [
        a.into(),
        b.into(),
        b.minus(a),
        c.into(),
        d.into(),
        d.minus(c),
        c.minus(a),
        d.minus(b),
        Values::<S>::mixed([a, b, c, d]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaves::Leaves;
    use crate::rows::Rows;
    use crate::testing::{bind_top, lookup_rows, random, rows};
    use crate::vector::pack;

    /// The sum over x of eq(xi, x) h(x) with some top variables bound, by the definition.
    fn sum(nodes: &[[Fr; 2]], xi: &[Fr], lambda: Fr, top: &[Fr]) -> Fr {
        let (left, right) = nodes.split_at(1 << xi.len());
        let side = |nodes: &[[Fr; 2]], k: usize| nodes.iter().map(|node| node[k]).collect();
        let mut sides = [eq_table(xi), side(left, 0), side(right, 0), side(left, 1)].to_vec();
        sides.push(side(right, 1));
        for x in top {
            for side in &mut sides {
                *side = bind_top(side, *x);
            }
        }
        (0..sides[0].len())
            .map(|i| {
                let [eq, p0, p1, q0, q1] = from_fn(|k| sides[k][i]);
                eq * (p0 * q1 + p1 * q0 + lambda * q0 * q1)
            })
            .sum()
    }

    /// A layer of 2 · 2^variables nodes, of which so many are stored, and all its nodes.
    fn layer(variables: usize, len: usize) -> (Layer, Vec<[Fr; 2]>) {
        let (mut p, mut q) = (random(len), random(len));
        let stored = len.next_multiple_of(LANES);
        p.resize(stored, Fr::ZERO);
        q.resize(stored, Fr::ONE);
        let mut blocks = Blocks::zeros(2 * stored / LANES).unwrap();
        let eights = p.as_chunks().0.iter().zip(q.as_chunks().0);
        for (nodes, (p, q)) in blocks.as_chunks_mut().0.iter_mut().zip(eights) {
            *nodes = [pack(p), pack(q)];
        }
        p.resize(2 << variables, Fr::ZERO);
        q.resize(2 << variables, Fr::ONE);
        let nodes: Vec<_> = p.into_iter().zip(q).map(|(p, q)| [p, q]).collect();
        (Layer::new(blocks, 2 << variables), nodes)
    }

    /// Leaves, as a layer and one by one.
    fn leaves(tables: &[Rows]) -> (Leaves, Vec<[Fr; 2]>) {
        let [alpha, beta] = [random(1)[0], random(1)[0]];
        let leaves = Leaves::new(tables, alpha, beta).unwrap();
        let mut nodes = vec![Nodes::default(); leaves.layer_len() / LANES];
        leaves.write(&[(0, Fr::ONE)], [0, 1], &mut nodes);
        (leaves, nodes.iter().flat_map(unpack).collect())
    }

    fn check((layer, nodes): (Layer, Vec<[Fr; 2]>), special: impl Fn(&mut Vec<Fr>)) {
        let variables = nodes.len().ilog2() as usize - 1;
        let (mut xi, lambda) = (random(variables), random(1)[0]);
        special(&mut xi);
        let halves = [Fr::ZERO, Fr::ONE].map(|top| {
            let mut xi = xi.clone();
            xi[variables - 1] = top;
            sum(&nodes, &xi, lambda, &[])
        });
        let memory = Blocks::default();
        let mut layer_sum = LayerSum::new(layer, xi.clone(), lambda, halves, memory).unwrap();
        let mut bound = Vec::new();
        for _ in 0..variables {
            assert_eq!(layer_sum.children(), None);
            let s = layer_sum.round().unwrap();
            for (x, value) in [0_u64, 2, 3].into_iter().zip(s) {
                bound.push(Fr::from(x));
                assert_eq!(value, sum(&nodes, &xi, lambda, &bound));
                bound.pop();
            }
            bound.push(random(1)[0]);
            layer_sum.bind(bound[bound.len() - 1]).unwrap();
        }
        assert!(layer_sum.round().is_err());
        assert!(layer_sum.bind(lambda).is_err());
        let [p0, p1, q0, q1] = layer_sum.children().unwrap();
        let h = p0 * q1 + p1 * q0 + lambda * q0 * q1;
        assert_eq!(layer_sum.scale * h, sum(&nodes, &xi, lambda, &bound));
    }

    #[test]
    fn rounds_equal_the_definition_whatever_is_padding() {
        for variables in 1..13 {
            for len in [(1 << variables) + 1, 3 << (variables - 1), 2 << variables] {
                check(layer(variables, len), |_| ());
            }
        }
    }

    #[test]
    fn rounds_over_leaves_equal_the_definition() {
        // Leaves side by side belong to the same interactions, to others, or to many.
        for heights in [&[4, 2][..], &[6, 6], &[5, 1, 9], &[0, 11, 3, 1, 10], &[12]] {
            let table = |height: &u32| rows((1 << height) * 2 / 3, *height);
            let (leaves, nodes) = leaves(&heights.iter().map(table).collect::<Vec<_>>());
            check((Layer::Leaves(leaves), nodes), |_| ());
        }
    }

    #[test]
    fn rounds_over_leaves_of_small_cells_equal_the_definition() {
        for height in [4, 11] {
            let tables = [lookup_rows((1 << height) * 2 / 3, height)];
            for zero in 0..3 {
                let (leaves, nodes) = leaves(&tables);
                let vertices = LeafVertices::new(leaves.clone(), Fr::ONE);
                let quarter = nodes.len() / 8;
                let starts = [0, 1, 2, 3].map(|corner| corner * quarter);
                let small = vertices.small(starts, quarter.min(CHUNK * LANES));
                assert!(small.is_some());
                check((Layer::Leaves(leaves), nodes), |xi| {
                    if let Some(coordinate) = xi.iter_mut().rev().take(zero).next_back() {
                        *coordinate = Fr::ZERO;
                    }
                });
            }
        }
    }

    #[test]
    fn rounds_equal_the_definition_where_the_sum_at_the_corner_has_no_weight() {
        for variables in [3, 6, 8] {
            for coordinate in 0..variables {
                let layer = layer(variables, 2 << variables);
                check(layer, |xi| xi[coordinate] = Fr::ZERO);
            }
        }
    }
}
