//! LogUp-GKR: the tree of fractions and the sumchecks from layer to layer.
//!
//! Layer k has 2^k nodes; node x is the sum of nodes x and x + 2^k of layer k + 1:
//!     p(x) = p(x,0) q(x,1) + p(x,1) q(x,0),   q(x) = q(x,0) q(x,1).
//! Leaves beyond the last block are 0/1 and are not stored.

use ark_ff::{Field, Zero};
use rayon::prelude::*;

use crate::error::{Error, Result, filled};
use crate::field::{CHUNK, Fr, drop_top_variable, eq_one, eq_table, interpolate, line};
use crate::rows::{Evaluator, Rows};

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
            let numerator = Evaluator::new(program, numerator);
            let denominator = program.denominator(interaction, alpha, beta);
            let denominator = Evaluator::new(program, denominator);
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
                let others = self.p[right.clone()].iter().zip(&self.q[right]);
                for ((p, q), (p1, q1)) in p[..added].iter_mut().zip(q).zip(others) {
                    *p = Fr::sum_of_products(&[*p, *p1], &[*q1, *q]);
                    *q *= q1;
                }
            });
        Ok(Self { p, q })
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

    /// Bind the top variable of 2 · half entries.
    fn bind(&mut self, half: usize, x: Fr) {
        let pad = self.pad;
        let cut = self.values.len().min(half);
        let (low, high) = self.values.split_at_mut(cut);
        let paired = high.len();
        low[..paired]
            .par_iter_mut()
            .zip(high)
            .with_min_len(CHUNK)
            .for_each(|(a, b)| *a = line(*a, *b, x));
        low[paired..]
            .par_iter_mut()
            .with_min_len(CHUNK)
            .for_each(|a| *a = line(*a, pad, x));
        self.values.truncate(cut);
    }
}

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
    a: [Side; 2],
    b: [Side; 2],
    /// h at 0, 1, 2 of this round, once computed.
    h: Option<[Fr; 3]>,
    /// Challenges, the top variable's first.
    rho: Vec<Fr>,
}

impl LayerSum {
    fn new(children: Layer, xi: Vec<Fr>, lambda: Fr, claim: Fr) -> Self {
        let half = 1 << xi.len();
        let Layer { mut p, mut q } = children;
        let (p1, q1) = (p.split_off(half), q.split_off(half));
        p.par_iter_mut()
            .zip(&q)
            .with_min_len(CHUNK)
            .for_each(|(p, q)| *p += lambda * q);
        let (zero, one) = (Fr::zero(), Fr::ONE);
        let side = |values, pad| Side { values, pad };
        Self {
            eq: eq_table(&xi[..xi.len() - 1]),
            xi,
            scale: Fr::ONE,
            claim,
            lambda,
            a: [side(p, zero), side(p1, zero)],
            b: [side(q, one), side(q1, one)],
            h: None,
            rho: Vec::new(),
        }
    }

    fn round(&mut self) -> Result<[Fr; 3]> {
        let Some(xi) = self.xi.last().copied() else {
            return Err(Error::Order("the layer's rounds are over"));
        };
        let half = self.eq.len();
        let (at_zero, top) = self.sums(half);
        let at_one = match xi.inverse() {
            Some(inverse) => (self.claim - (Fr::ONE - xi) * at_zero) * inverse,
            None => self.upper_sum(half),
        };
        // h(2) = h(0) + 2 (h(1) - h(0) - top) + 4 top
        let slope = at_one - at_zero + top;
        let h = [at_zero, at_one, at_zero + slope + slope];
        self.h = Some(h);
        let s = |x: u64, h: Fr| self.scale * eq_one(xi, Fr::from(x)) * h;
        Ok([
            s(0, h[0]),
            s(2, h[2]),
            s(3, interpolate(&h, Fr::from(3_u64))),
        ])
    }

    /// The sums over x of eq(x) h(0, x) and of eq(x) times the top coefficient of h(·, x).
    fn sums(&self, half: usize) -> (Fr, Fr) {
        let ([a0, a1], [b0, b1]) = (&self.a, &self.b);
        self.eq
            .par_iter()
            .enumerate()
            .with_min_len(CHUNK)
            .map(|(i, eq)| {
                let (lows, highs) = (
                    [a0.get(i), a1.get(i), b1.get(i), b0.get(i)],
                    [
                        a0.get(half + i),
                        a1.get(half + i),
                        b1.get(half + i),
                        b0.get(half + i),
                    ],
                );
                let [d0, d1, e1, e0] = std::array::from_fn(|k| highs[k] - lows[k]);
                let [l0, l1, m1, m0] = lows;
                let at_zero = Fr::sum_of_products(&[l0, l1], &[m1, m0]);
                let top = Fr::sum_of_products(&[d0, d1], &[e1, e0]);
                (*eq * at_zero, *eq * top)
            })
            .reduce(Default::default, |a, b| (a.0 + b.0, a.1 + b.1))
    }

    /// The sum over x of eq(x) h(1, x).
    fn upper_sum(&self, half: usize) -> Fr {
        let h =
            |i: usize| self.a[0].get(i) * self.b[1].get(i) + self.a[1].get(i) * self.b[0].get(i);
        let terms = self.eq.iter().enumerate();
        terms.map(|(i, eq)| *eq * h(half + i)).sum()
    }

    fn bind(&mut self, challenge: Fr) -> Result<()> {
        let (Some(h), Some(xi)) = (self.h.take(), self.xi.pop()) else {
            return Err(Error::Order("a round comes before its challenge"));
        };
        let half = self.eq.len();
        for side in self.a.iter_mut().chain(&mut self.b) {
            side.bind(half, challenge);
        }
        drop_top_variable(&mut self.eq);
        self.scale *= eq_one(xi, challenge);
        self.claim = interpolate(&h, challenge);
        self.rho.push(challenge);
        Ok(())
    }

    fn children(&self) -> [Fr; 4] {
        let ([a0, a1], [b0, b1]) = (&self.a, &self.b);
        let q0 = b0.get(0);
        [a0.get(0) - self.lambda * q0, a1.get(0), q0, b1.get(0)]
    }
}
