//! LogUp-GKR: the tree of fractions and the sumchecks from layer to layer.
//!
//! Layer k has 2^k nodes; node x is the sum of nodes x and x + 2^k of layer k + 1:
//!     p(x) = p(x,0) q(x,1) + p(x,1) q(x,0),   q(x) = q(x,0) q(x,1).
//! Leaves beyond the last block are 0/1 and are not stored.

use std::mem;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result, filled};
use crate::field::{
    AddMultiple, CHUNK, Fr, drop_top_variable, eq_one, eq_table, interpolate, line,
};
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
    let (mut p, mut q) = (filled(total, Fr::zero())?, filled(total, Fr::ONE)?);
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
        let (mut p, mut q) = (filled(half, Fr::zero())?, filled(half, Fr::zero())?);
        p.par_chunks_mut(CHUNK)
            .zip(q.par_chunks_mut(CHUNK))
            .enumerate()
            .for_each(|(i, (p, q))| {
                let start = i * CHUNK;
                let right = (half + start).min(self.p.len());
                let right = right..(right + p.len()).min(self.p.len());
                let added = right.len();
                let left = start..start + p.len();
                p.copy_from_slice(&self.p[left.clone()]);
                q.copy_from_slice(&self.q[left]);
                dispatch(AddFractions {
                    left: [&mut p[..added], &mut q[..added]],
                    right: [&self.p[right.clone()], &self.q[right]],
                });
            });
        Ok(Self { p, q })
    }
}

/// Add fractions (p, q) to as many others.
struct AddFractions<'a> {
    left: [&'a mut [Fr]; 2],
    right: [&'a [Fr]; 2],
}

impl Kernel for AddFractions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let ([p, q], [p1, q1]) = (self.left, self.right);
        for i in (0..p.len()).step_by(LANES) {
            let left = simd.load_at(p, i, Fr::ZERO);
            let right = simd.load_at(p1, i, Fr::ZERO);
            let bottom = simd.load_at(q, i, Fr::ZERO).factor();
            let other = simd.load_at(q1, i, Fr::ZERO);
            left.times_plus(other.factor(), right, bottom)
                .store_at(p, i);
            other.times(bottom).store_at(q, i);
        }
    }
}

/// A vector over a cube whose last entries are all `pad` and not stored.
struct Side {
    values: Vec<Fr>,
    pad: Fr,
}

impl Side {
    #[inline(always)]
    fn get(&self, i: usize) -> Fr {
        self.values.get(i).copied().unwrap_or(self.pad)
    }

    /// The four quarters of 4 · quarter entries, cut into chunks side by side.
    fn quarters(&mut self, quarter: usize) -> Vec<Quarters<'_>> {
        let pad = self.pad;
        let mut parts = self.values.chunks_mut(quarter);
        let mut parts: [&mut [Fr]; 4] = std::array::from_fn(|_| parts.next().unwrap_or_default());
        (0..quarter.div_ceil(CHUNK))
            .map(|_| {
                let [l0, l1, h0, h1] = parts.each_mut().map(|part| {
                    let size = part.len().min(CHUNK);
                    let (head, tail) = mem::take(part).split_at_mut(size);
                    *part = tail;
                    head
                });
                Quarters {
                    low: [l0, l1],
                    high: [h0, h1],
                    pad,
                }
            })
            .collect()
    }
}

/// A chunk of each quarter of a vector; entries past the end of a slice are `pad`.
struct Quarters<'a> {
    low: [&'a mut [Fr]; 2],
    high: [&'a [Fr]; 2],
    pad: Fr,
}

impl Quarters<'_> {
    /// Bind the top variable for the entries from i on of low quarter k, and return them.
    #[inline(always)]
    fn bind<S: Simd>(&mut self, simd: S, k: usize, i: usize, x: Line<S>) -> Values<S> {
        if i >= self.low[k].len() {
            return simd.splat(self.pad);
        }
        let high = simd.load_at(self.high[k], i, self.pad);
        let bound = simd.load_at(self.low[k], i, self.pad).line(high, x);
        bound.store_at(self.low[k], i);
        bound
    }
}

type Values<S> = <S as Simd>::Vector<FrConfig>;
type Line<S> = <Values<S> as Vector<FrConfig>>::Line;

/// The sum over x of eq(xi, x) h(x), h = a0 b1 + a1 b0, where a0 = p(x,0) + lambda q(x,0),
/// a1 = p(x,1), b0 = q(x,0), b1 = q(x,1).
struct LayerSum {
    /// Coordinates that are not bound yet.
    xi: Vec<Fr>,
    /// eq(xi without its top coordinate, ·).
    eq: Vec<Fr>,
    /// eq of the bound coordinates.
    scale: Fr,
    /// The sum over x of eq(xi, x) h(x) over the variables left.
    claim: Fr,
    lambda: Fr,
    /// a0, a1, b1, b0.
    sides: [Side; 4],
    sums: Sums,
    /// h at 0, 1, 2 of this round, once computed.
    h: Option<[Fr; 3]>,
    /// Challenges, the top variable's first.
    rho: Vec<Fr>,
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

    /// Add eight x: values of the four sides at 0 and 1.
    #[inline(always)]
    fn add(&mut self, eq: Values<S>, low: [Values<S>; 4], high: [Values<S>; 4]) {
        let eq = eq.factor();
        let h = |[a0, a1, b1, b0]: [Values<S>; 4]| a0.times_plus(b1.factor(), a1, b0.factor());
        self.at_zero.add(h(low), eq);
        let ([a, b, c, d], [e, f, g, i]) = (low, high);
        self.top.add(h([e - a, f - b, g - c, i - d]), eq);
    }

    #[inline(always)]
    fn total(self) -> Sums {
        Sums {
            at_zero: self.at_zero.total(),
            top: self.top.total(),
        }
    }
}

/// The sums over a chunk of eq from `start` on.
struct SumChunk<'a> {
    sides: &'a [Side; 4],
    start: usize,
    half: usize,
    eq: &'a [Fr],
}

impl Kernel for SumChunk<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Sums {
        let mut sums = Growing::new(simd);
        for i in (0..self.eq.len()).step_by(LANES) {
            let (mut low, mut high) = ([simd.splat(Fr::ZERO); 4], [simd.splat(Fr::ZERO); 4]);
            for k in 0..4 {
                let Side { values, pad } = &self.sides[k];
                low[k] = simd.load_at(values, self.start + i, *pad);
                high[k] = simd.load_at(values, self.half + self.start + i, *pad);
            }
            sums.add(simd.load_at(self.eq, i, Fr::ZERO), low, high);
        }
        sums.total()
    }
}

/// Bind the top variable of a chunk of the sides, and sum for the next round.
struct BindChunk<'a> {
    sides: [Quarters<'a>; 4],
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
            let (mut low, mut high) = ([simd.splat(Fr::ZERO); 4], [simd.splat(Fr::ZERO); 4]);
            for k in 0..4 {
                low[k] = self.sides[k].bind(simd, 0, i, x);
                high[k] = self.sides[k].bind(simd, 1, i, x);
            }
            sums.add(simd.load_at(self.eq, i, Fr::ZERO), low, high);
        }
        sums.total()
    }
}

impl LayerSum {
    fn new(children: Layer, xi: Vec<Fr>, lambda: Fr, claim: Fr) -> Self {
        let Layer { mut p, mut q } = children;
        let (p1, q1) = (p.split_off(1 << xi.len()), q.split_off(1 << xi.len()));
        p.par_chunks_mut(CHUNK)
            .zip(q.par_chunks(CHUNK))
            .for_each(|(p, q)| {
                dispatch(AddMultiple {
                    sums: p,
                    values: q,
                    factor: lambda,
                })
            });
        let (zero, one) = (Fr::zero(), Fr::ONE);
        let sides = [(p, zero), (p1, zero), (q1, one), (q, one)];
        let sides = sides.map(|(values, pad)| Side { values, pad });
        let eq = eq_table(&xi[..xi.len() - 1]);
        let half = eq.len();
        let sums = eq
            .par_chunks(CHUNK)
            .enumerate()
            .map(|(chunk, eq)| {
                dispatch(SumChunk {
                    sides: &sides,
                    start: chunk * CHUNK,
                    half,
                    eq,
                })
            })
            .reduce(Sums::default, Sums::merge);
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
        let at_one = match xi.inverse() {
            Some(inverse) => (self.claim - (Fr::ONE - xi) * at_zero) * inverse,
            None => self.upper_sum(),
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
        let h = |i: usize| {
            let [a0, a1, b1, b0] = self.sides.each_ref().map(|side| side.get(half + i));
            a0 * b1 + a1 * b0
        };
        let terms = self.eq.iter().enumerate();
        terms.map(|(i, eq)| *eq * h(i)).sum()
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
        let half = self.eq.len();
        if half == 1 {
            for side in &mut self.sides {
                side.values = vec![line(side.get(0), side.get(1), challenge)];
            }
            return Ok(());
        }
        drop_top_variable(&mut self.eq);
        let [a0, a1, b1, b0] = self.sides.each_mut().map(|side| side.quarters(half / 2));
        let chunks: Vec<[Quarters; 4]> = a0
            .into_iter()
            .zip(a1)
            .zip(b1.into_iter().zip(b0))
            .map(|((a0, a1), (b1, b0))| [a0, a1, b1, b0])
            .collect();
        self.sums = chunks
            .into_par_iter()
            .zip(self.eq.par_chunks(CHUNK))
            .map(|(sides, eq)| {
                dispatch(BindChunk {
                    sides,
                    eq,
                    x: challenge,
                })
            })
            .reduce(Sums::default, Sums::merge);
        for side in &mut self.sides {
            side.values.truncate(half);
        }
        Ok(())
    }

    fn children(&self) -> [Fr; 4] {
        let [a0, p1, q1, q0] = self.sides.each_ref().map(|side| side.get(0));
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
