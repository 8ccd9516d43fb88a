//! LogUp-GKR: the tree of fractions and the sumchecks from layer to layer.
//!
//! Layer k has 2^k nodes; node x is the sum of nodes x and x + 2^k of layer k + 1:
//!     p(x) = p(x,0) q(x,1) + p(x,1) q(x,0),   q(x) = q(x,0) q(x,1).
//! Leaves beyond the last block are 0/1 and are not stored.

use std::array;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::field::{CHUNK, Fr, drop_top_variable, eq_one, eq_table, interpolate, line};
use crate::inverse::inverse;
use crate::memory::zeros;
use crate::rows::{Evaluator, Rows};
use crate::vector::{Kernel, LANES, Products, Simd, Vector, dispatch};

/// More leaves than this no machine holds.
const MAX_LEAVES: usize = 1 << 32;

/// Numerators and denominators of one layer; nodes beyond the last are 0/1.
struct Layer {
    p: Vec<Fr>,
    q: Vec<Fr>,
}

pub struct Fractions {
    /// layers[k] for k = 1..=n; taken by the sumcheck of layer k - 1.
    layers: Vec<Option<Layer>>,
    root: [Fr; 4],
    /// Next layer whose sumcheck may begin.
    next: usize,
    /// The point of the last claims but for its last coordinate, and the values of the children there.
    point: Vec<Fr>,
    children: [Fr; 4],
    sum: Option<LayerSum>,
}

impl Fractions {
    /// Leaves and tree. Interaction j of a table is a block of 2^height leaves.
    pub fn new(tables: &[Rows], alpha: Fr, beta: Fr) -> Result<Self> {
        let mut leaves = leaves(tables, alpha, beta)?;
        let depth = (leaves.p.len().max(2)).next_power_of_two().ilog2() as usize;
        let mut layers = Vec::new();
        for k in (1..depth).rev() {
            let parents = leaves.parents(1 << k)?;
            layers.push(Some(leaves));
            leaves = parents;
        }
        let get = |side: &[Fr], i: usize, pad| side.get(i).copied().unwrap_or(pad);
        let root = [
            get(&leaves.p, 0, Fr::zero()),
            get(&leaves.p, 1, Fr::zero()),
            get(&leaves.q, 0, Fr::ONE),
            get(&leaves.q, 1, Fr::ONE),
        ];
        layers.push(Some(leaves));
        layers.push(None);
        layers.reverse();
        Ok(Self {
            layers,
            root,
            next: 1,
            point: Vec::new(),
            children: root,
            sum: None,
        })
    }

    /// n: log2 of the number of leaves, at least 1.
    pub fn layers(&self) -> usize {
        self.layers.len() - 1
    }

    /// p_1[0], p_1[1], q_1[0], q_1[1].
    pub fn root(&self) -> [Fr; 4] {
        self.root
    }

    /// Start the sumcheck of `layer` at xi: the last point, continued by one coordinate.
    pub fn begin_layer(&mut self, layer: usize, xi: Vec<Fr>, lambda: Fr) -> Result<()> {
        if layer != self.next || layer >= self.layers() || self.sum.is_some() {
            return Err(Error::Order("layers are taken in order, from 1 to n - 1"));
        }
        let Some((mu, rest)) = xi.split_last() else {
            return Err(Error::Order("layer k begins at a point of k coordinates"));
        };
        if rest != self.point {
            return Err(Error::Order(
                "a layer begins at the last point, continued by mu",
            ));
        }
        let children = self.layers[layer + 1].take();
        let Some(children) = children else {
            return Err(Error::Order("a layer is taken once"));
        };
        let [p0, p1, q0, q1] = self.children;
        let claim = line(p0, p1, *mu) + lambda * line(q0, q1, *mu);
        self.sum = Some(LayerSum::new(children, xi, lambda, claim));
        self.next += 1;
        Ok(())
    }

    /// s(0), s(2), s(3).
    pub fn round(&mut self) -> Result<[Fr; 3]> {
        let sum = self.sum.as_mut();
        sum.ok_or(Error::Order("begin a layer first"))?.round()
    }

    pub fn bind(&mut self, challenge: Fr) -> Result<()> {
        let sum = self.sum.as_mut();
        sum.ok_or(Error::Order("begin a layer first"))?
            .bind(challenge)
    }

    /// p(rho,0), p(rho,1), q(rho,0), q(rho,1).
    pub fn children(&mut self) -> Result<[Fr; 4]> {
        match self.sum.take() {
            Some(sum) if sum.xi.is_empty() => {
                self.children = sum.children();
                self.point = sum.rho.into_iter().rev().collect();
                Ok(self.children)
            }
            unfinished => {
                self.sum = unfinished;
                Err(Error::Order("the layer's rounds come first"))
            }
        }
    }
}

fn leaves(tables: &[Rows], alpha: Fr, beta: Fr) -> Result<Layer> {
    let mut blocks = tables
        .iter()
        .map(|t| t.program.interactions.len().checked_mul(t.len()));
    let total = blocks.try_fold(0_usize, |sum, block| sum.checked_add(block?));
    let total = total
        .filter(|total| *total <= MAX_LEAVES)
        .ok_or_else(|| Error::Range("number of leaves".into()))?;
    let (mut p, mut q) = (zeros(total)?, zeros(total)?);
    let (mut p_rest, mut q_rest) = (p.as_mut_slice(), q.as_mut_slice());
    for rows in tables {
        let program = &rows.program;
        for interaction in &program.interactions {
            let (p_block, q_block);
            (p_block, p_rest) = p_rest.split_at_mut(rows.len());
            (q_block, q_rest) = q_rest.split_at_mut(rows.len());
            let numerator = program.form([(interaction.numerator, Fr::ONE)]);
            let numerator = Evaluator::new(rows, numerator);
            let denominator = program.denominator(interaction, alpha, beta);
            let denominator = Evaluator::new(rows, denominator);
            p_block
                .par_chunks_mut(CHUNK)
                .zip(q_block.par_chunks_mut(CHUNK))
                .enumerate()
                .for_each(|(i, (p, q))| {
                    numerator.write(rows, i * CHUNK, p);
                    denominator.write(rows, i * CHUNK, q);
                });
        }
    }
    Ok(Layer { p, q })
}

impl Layer {
    /// The layer above, of `half` nodes.
    fn parents(&self, half: usize) -> Result<Self> {
        let (mut p, mut q) = (zeros(half)?, zeros(half)?);
        let (left, right) = (0..half, half..self.p.len().max(half));
        let left = [&self.p[left.clone()], &self.q[left]];
        let right = [&self.p[right.clone()], &self.q[right]];
        p.par_chunks_mut(CHUNK)
            .zip(q.par_chunks_mut(CHUNK))
            .enumerate()
            .for_each(|(chunk, (p, q))| {
                dispatch(AddFractions {
                    left: left.map(|side| &side[chunk * CHUNK..]),
                    right: right.map(|side| side.get(chunk * CHUNK..).unwrap_or_default()),
                    sums: [p, q],
                });
            });
        Ok(Self { p, q })
    }
}

/// Add fractions (p, q); those that the right ones lack are 0/1.
struct AddFractions<'a> {
    left: [&'a [Fr]; 2],
    right: [&'a [Fr]; 2],
    sums: [&'a mut [Fr]; 2],
}

impl Kernel for AddFractions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ([p0, q0], [p1, q1], [p, q]) = (self.left, self.right, self.sums);
        for i in (0..p.len()).step_by(LANES) {
            let (left, bottom) = (simd.load_at(p0, i, Fr::ZERO), simd.load_at(q0, i, Fr::ONE));
            if i >= p1.len() {
                left.store_at(p, i);
                bottom.store_at(q, i);
                continue;
            }
            let (right, other) = (simd.load_at(p1, i, Fr::ZERO), simd.load_at(q1, i, Fr::ONE));
            let (bottom, factor) = (bottom.factor(), other.factor());
            left.times_plus(factor, right, bottom).store_at(p, i);
            other.times(bottom).store_at(q, i);
        }
    }
}

/// A part of a vector over a cube; entries that are not stored are `pad`.
struct Part<'a> {
    values: &'a mut [Fr],
    pad: Fr,
}

impl Part<'_> {
    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, i: usize) -> Values<S> {
        simd.load_at(self.values, i, self.pad)
    }

    #[inline(always)]
    fn store(&mut self, i: usize, values: impl Vector<FrConfig>) {
        if i < self.values.len() {
            values.store_at(self.values, i);
        }
    }
}

/// Parts of equal size, in chunks side by side.
struct Parts<'a, const N: usize> {
    parts: [&'a mut [Fr]; N],
    pad: Fr,
}

impl<'a, const N: usize> Parts<'a, N> {
    fn new(values: &'a mut [Fr], size: usize, pad: Fr) -> Self {
        let mut parts = values.chunks_mut(size);
        let parts = array::from_fn(|_| parts.next().unwrap_or_default());
        Self { parts, pad }
    }

    fn next_chunk(&mut self) -> [Part<'a>; N] {
        self.parts.each_mut().map(|part| {
            let size = part.len().min(CHUNK);
            Part {
                values: part.split_off_mut(..size).unwrap_or_default(),
                pad: self.pad,
            }
        })
    }
}

type Values<S> = <S as Simd>::Vector<FrConfig>;

/// The sum over x of eq(xi, x) h(x), h = a0 b1 + a1 b0, where a0 = p(x,0) + lambda q(x,0),
/// a1 = p(x,1), b0 = q(x,0), b1 = q(x,1).
struct LayerSum {
    /// Coordinates that are not bound yet.
    xi: Vec<Fr>,
    eq: Eq,
    /// eq of the bound coordinates.
    scale: Fr,
    /// The sum over x of eq(xi, x) h(x) over the variables left.
    claim: Fr,
    lambda: Fr,
    sides: Sides,
    sums: Sums,
    /// h at 0, 1, 2 of this round, once computed.
    h: Option<[Fr; 3]>,
    /// Challenges, the top variable's first.
    rho: Vec<Fr>,
}

/// a0 and a1, b0 and b1, with some top variables bound: `len` entries from 0 and from `start` on. Of
/// a1 and b1 the last ones may be 0 and 1 and not be stored.
struct Sides {
    a: Vec<Fr>,
    b: Vec<Fr>,
    start: usize,
    len: usize,
}

impl Sides {
    /// a0, a1, b0, b1 at a vertex.
    fn get(&self, i: usize) -> [Fr; 4] {
        let upper = |side: &[Fr], pad| side.get(self.start + i).copied().unwrap_or(pad);
        let (a1, b1) = (upper(&self.a, Fr::zero()), upper(&self.b, Fr::ONE));
        [self.a[i], a1, self.b[i], b1]
    }

    /// N parts of equal size of each, in chunks.
    fn chunks<const N: usize>(&mut self) -> Vec<[[Part<'_>; N]; 4]> {
        let (len, size) = (self.len, self.len / N);
        let (a0, a1) = self.a.split_at_mut(self.start);
        let (b0, b1) = self.b.split_at_mut(self.start);
        let sides = [
            (a0, Fr::zero()),
            (a1, Fr::zero()),
            (b0, Fr::ONE),
            (b1, Fr::ONE),
        ];
        let mut sides = sides.map(|(values, pad)| {
            let stored = values.len().min(len);
            Parts::<N>::new(&mut values[..stored], size, pad)
        });
        (0..size.div_ceil(CHUNK))
            .map(|_| sides.each_mut().map(Parts::next_chunk))
            .collect()
    }

    /// Bind the only variable left.
    fn bind_last(&mut self, x: Fr) {
        let (low, high) = (self.get(0), self.get(1));
        let [a0, a1, b0, b1] = array::from_fn(|k| line(low[k], high[k], x));
        (self.a, self.b) = (vec![a0, a1], vec![b0, b1]);
        (self.start, self.len) = (1, 1);
    }
}

/// eq(xi without its top coordinate, ·): the products of a factor for the chunk and one for the place
/// in it.
struct Eq {
    chunks: Vec<Fr>,
    places: Vec<Fr>,
}

impl Eq {
    fn new(xi: &[Fr]) -> Self {
        let (places, chunks) = xi.split_at(xi.len().min(CHUNK.ilog2() as usize));
        Self {
            chunks: eq_table(chunks),
            places: eq_table(places),
        }
    }

    fn len(&self) -> usize {
        self.chunks.len() * self.places.len()
    }

    fn get(&self, i: usize) -> Fr {
        self.chunks[i / self.places.len()] * self.places[i % self.places.len()]
    }

    fn drop_top_variable(&mut self) {
        drop_top_variable(if self.chunks.len() > 1 {
            &mut self.chunks
        } else {
            &mut self.places
        });
    }

    /// The sum over all chunks.
    fn sum<T: Send>(&self, chunks: Vec<T>, sums: impl Fn(T, &[Fr]) -> Sums + Sync) -> Sums {
        chunks
            .into_par_iter()
            .zip(&self.chunks)
            .map(|(chunk, factor)| sums(chunk, &self.places).times(*factor))
            .reduce(Sums::default, Sums::merge)
    }
}

/// The sums over x of eq(x) h(0, x) and of eq(x) times the top coefficient of h(·, x).
#[derive(Clone, Copy, Default)]
struct Sums {
    at_zero: Fr,
    top: Fr,
}

impl Sums {
    fn merge(self, other: Self) -> Self {
        Self {
            at_zero: self.at_zero + other.at_zero,
            top: self.top + other.top,
        }
    }

    fn times(self, factor: Fr) -> Self {
        Self {
            at_zero: self.at_zero * factor,
            top: self.top * factor,
        }
    }
}

/// `Sums` that are not reduced yet.
struct Growing<S: Simd> {
    at_zero: <Values<S> as Vector<FrConfig>>::Sum,
    top: <Values<S> as Vector<FrConfig>>::Sum,
}

impl<S: Simd> Growing<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Self {
            at_zero: simd.sum(),
            top: simd.sum(),
        }
    }

    /// Add eight x: values of a0, a1, b0, b1 at 0 and 1.
    #[inline(always)]
    fn add(&mut self, eq: Values<S>, low: [Values<S>; 4], high: [Values<S>; 4]) {
        let eq = eq.factor();
        let ([a0, a1, b0, b1], [c0, c1, d0, d1]) = (low, high);
        let at_zero = Values::<S>::over_both([a0.into(), b1.into()], [a1.into(), b0.into()]);
        self.at_zero.add(at_zero, eq);
        let slopes = [c0.minus(a0), d1.minus(b1), c1.minus(a1), d0.minus(b0)];
        let [a0, b1, a1, b0] = slopes;
        self.top.add(Values::<S>::over_both([a0, b1], [a1, b0]), eq);
    }

    #[inline(always)]
    fn total(self) -> Sums {
        let sums = Sums {
            at_zero: self.at_zero.total(),
            top: self.top.total(),
        };
        sums.times(Fr::from(<Values<S> as Vector<FrConfig>>::SCALE))
    }
}

/// From p and q to a and b in a chunk of the sides, with the sums of the first round.
struct FirstChunk<'a> {
    sides: [[Part<'a>; 2]; 4],
    eq: &'a [Fr],
    lambda: Fr,
}

impl Kernel for FirstChunk<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> Sums {
        let lambda = simd.splat(self.lambda).factor();
        let mut sums = Growing::new(simd);
        for i in (0..self.eq.len()).step_by(LANES) {
            let mut ends = [[simd.splat(Fr::ZERO); 4]; 2];
            for (k, end) in ends.iter_mut().enumerate() {
                for (value, parts) in end.iter_mut().zip(&self.sides) {
                    *value = parts[k].load(simd, i);
                }
                end[0] = end[0] + end[2].times(lambda);
                self.sides[0][k].store(i, end[0]);
            }
            let [low, high] = ends;
            sums.add(simd.load_at(self.eq, i, Fr::ZERO), low, high);
        }
        sums.total()
    }
}

/// Bind the top variable of a chunk of the sides, and sum for the next round.
struct BindChunk<'a> {
    sides: [[Part<'a>; 4]; 4],
    eq: &'a [Fr],
    x: Fr,
}

impl Kernel for BindChunk<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) -> Sums {
        let x = simd.line_at(self.x);
        let mut sums = Growing::new(simd);
        for i in (0..self.eq.len()).step_by(LANES) {
            let mut ends = [[simd.splat(Fr::ZERO); 4]; 2];
            for (k, end) in ends.iter_mut().enumerate() {
                for (value, quarters) in end.iter_mut().zip(&mut self.sides) {
                    *value = quarters[k].load(simd, i);
                    if i < quarters[k].values.len() {
                        *value = value.line(quarters[2 + k].load(simd, i), x);
                        quarters[k].store(i, *value);
                    }
                }
            }
            let [low, high] = ends;
            sums.add(simd.load_at(self.eq, i, Fr::ZERO), low, high);
        }
        sums.total()
    }
}

impl LayerSum {
    fn new(children: Layer, xi: Vec<Fr>, lambda: Fr, claim: Fr) -> Self {
        let len = 1 << xi.len();
        let eq = Eq::new(&xi[..xi.len() - 1]);
        let mut sides = Sides {
            a: children.p,
            b: children.q,
            start: len,
            len,
        };
        let sums = eq.sum(sides.chunks(), |sides, eq| {
            dispatch(FirstChunk { sides, eq, lambda })
        });
        Self {
            xi,
            eq,
            scale: Fr::ONE,
            claim,
            lambda,
            sides,
            sums,
            h: None,
            rho: Vec::new(),
        }
    }

    fn round(&mut self) -> Result<[Fr; 3]> {
        let Some(xi) = self.xi.last().copied() else {
            return Err(Error::Order("the layer's rounds are over"));
        };
        let Sums { at_zero, top } = self.sums;
        let at_one = if xi.is_zero() {
            self.upper_sum()
        } else {
            (self.claim - (Fr::ONE - xi) * at_zero) * inverse(xi)
        };
        // h(2) = h(0) + 2 (h(1) - h(0) - top) + 4 top
        let slope = at_one - at_zero + top;
        let h = [at_zero, at_one, at_zero + slope + slope];
        self.h = Some(h);
        let s = |x: u64, h: Fr| self.scale * eq_one(xi, Fr::from(x)) * h;
        let at_three = interpolate(&h, Fr::from(3_u64));
        Ok([s(0, h[0]), s(2, h[2]), s(3, at_three)])
    }

    /// The sum over x of eq(x) h(1, x).
    fn upper_sum(&self) -> Fr {
        let half = self.eq.len();
        let term = |i: usize| {
            let [a0, a1, b0, b1] = self.sides.get(half + i);
            self.eq.get(i) * (a0 * b1 + a1 * b0)
        };
        (0..half).map(term).sum()
    }

    /// Bind the top variable and, in the same pass, sum for the next round.
    fn bind(&mut self, challenge: Fr) -> Result<()> {
        let h = self.h.take();
        let h = h.ok_or(Error::Order("a round comes before its challenge"))?;
        let xi = self.xi.pop();
        let xi = xi.ok_or(Error::Order("the layer's rounds are over"))?;
        self.scale *= eq_one(xi, challenge);
        self.claim = interpolate(&h, challenge);
        self.rho.push(challenge);
        if self.eq.len() == 1 {
            self.sides.bind_last(challenge);
            return Ok(());
        }
        self.eq.drop_top_variable();
        self.sums = self.eq.sum(self.sides.chunks(), |sides, eq| {
            let x = challenge;
            dispatch(BindChunk { sides, eq, x })
        });
        self.sides.len /= 2;
        Ok(())
    }

    fn children(&self) -> [Fr; 4] {
        let [a0, p1, q0, q1] = self.sides.get(0);
        [a0 - self.lambda * q0, p1, q0, q1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bind_top, random};

    /// The sum over x of eq(xi, x) h(x) with some top variables bound, by the definition.
    fn sum(layer: &Layer, xi: &[Fr], lambda: Fr, top: &[Fr]) -> Fr {
        let half = 1 << xi.len();
        let padded = |side: &[Fr], pad| {
            let mut values = side.to_vec();
            values.resize(2 * half, pad);
            values
        };
        let (p, q) = (padded(&layer.p, Fr::zero()), padded(&layer.q, Fr::ONE));
        let mut sides = [eq_table(xi), p[..half].to_vec(), p[half..].to_vec()].to_vec();
        sides.extend([q[..half].to_vec(), q[half..].to_vec()]);
        for x in top {
            for side in &mut sides {
                *side = bind_top(side, *x);
            }
        }
        (0..sides[0].len())
            .map(|i| {
                let [eq, p0, p1, q0, q1] = std::array::from_fn(|k| sides[k][i]);
                eq * (p0 * q1 + p1 * q0 + lambda * q0 * q1)
            })
            .sum()
    }

    #[test]
    fn rounds_equal_the_definition_whatever_is_padding() {
        for (variables, len) in [(1, 3), (1, 4), (2, 5), (3, 9), (3, 12), (3, 16), (13, 9000)] {
            let layer = Layer {
                p: random(len),
                q: random(len),
            };
            let (xi, lambda) = (random(variables), random(1)[0]);
            let copy = Layer {
                p: layer.p.clone(),
                q: layer.q.clone(),
            };
            let claim = sum(&layer, &xi, lambda, &[]);
            let mut layer_sum = LayerSum::new(copy, xi.clone(), lambda, claim);
            let mut bound = Vec::new();
            for _ in 0..variables {
                let s = layer_sum.round().unwrap();
                for (x, value) in [0_u64, 2, 3].into_iter().zip(s) {
                    bound.push(Fr::from(x));
                    assert_eq!(value, sum(&layer, &xi, lambda, &bound));
                    bound.pop();
                }
                bound.push(random(1)[0]);
                layer_sum.bind(bound[bound.len() - 1]).unwrap();
            }
            assert!(layer_sum.round().is_err());
            assert!(layer_sum.bind(lambda).is_err());
            let [p0, p1, q0, q1] = layer_sum.children();
            let h = p0 * q1 + p1 * q0 + lambda * q0 * q1;
            assert_eq!(layer_sum.scale * h, sum(&layer, &xi, lambda, &bound));
        }
    }

    #[test]
    fn parents_are_sums_of_fractions() {
        let layer = Layer {
            p: random(7),
            q: random(7),
        };
        let parents = layer.parents(4).unwrap();
        for i in 0..4 {
            let sum = layer.p[i] / layer.q[i]
                + layer
                    .p
                    .get(i + 4)
                    .map_or(Fr::zero(), |p| *p / layer.q[i + 4]);
            assert_eq!(parents.p[i] / parents.q[i], sum);
        }
    }
}
