//! LogUp-GKR: the tree of fractions.
//!
//! Layer k has 2^k nodes; node x is the sum of nodes x and x + 2^k of layer k + 1:
//!     p(x) = p(x,0) q(x,1) + p(x,1) q(x,0),   q(x) = q(x,0) q(x,1).
//! Leaves beyond the last block are 0/1 and are not stored.

use std::mem::{replace, take};
use std::ops::Range;
use std::slice;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::field::{CHUNK, Fr, line};
use crate::layer_sum::LayerSum;
use crate::memory::Blocks;
use crate::rows::{Evaluator, Rows};
use crate::vector::{Kernel, LANES, Packed, Simd, Target, Vector, dispatch, unpack};

/// More leaves than this no machine holds.
const MAX_LEAVES: usize = 1 << 32;
/// Layers of up to so many nodes are not packed.
const FEW: usize = 32;

/// Numerators and denominators of eight nodes.
pub type Nodes = [Packed; 2];

/// The fractions of one layer.
pub enum Layer {
    Few(Vec<[Fr; 2]>),
    /// In `Nodes`; nodes beyond the last are 0/1.
    Many(Blocks),
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
    /// What the last sumcheck has no more use for.
    memory: Blocks,
}

impl Fractions {
    /// Leaves and tree. Interaction j of a table is a block of 2^height leaves.
    pub fn new(tables: &[Rows], alpha: Fr, beta: Fr) -> Result<Self> {
        let (mut layers, mut layer) = Leaves::new(tables, alpha, beta)?.lowest_layers()?;
        let root = loop {
            match &layer {
                Layer::Few(nodes) if nodes.len() == 2 => {
                    let [[p0, q0], [p1, q1]] = [nodes[0], nodes[1]];
                    break [p0, p1, q0, q1];
                }
                _ => {
                    let parents = layer.parents()?;
                    layers.push(Some(replace(&mut layer, parents)));
                }
            }
        };
        layers.extend([Some(layer), None]);
        layers.reverse();
        Ok(Self {
            layers,
            root,
            next: 1,
            point: Vec::new(),
            children: root,
            sum: None,
            memory: Blocks::default(),
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
        let memory = take(&mut self.memory);
        self.sum = Some(LayerSum::new(children, xi, lambda, claim, memory)?);
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
        let sum = self.sum.as_ref();
        let children = sum.and_then(LayerSum::children);
        let children = children.ok_or(Error::Order("the layer's rounds come first"))?;
        if let Some(sum) = self.sum.take() {
            (self.point, self.memory) = sum.finish();
        }
        self.children = children;
        Ok(children)
    }
}

/// The leaves of all interactions, in order.
struct Leaves<'a> {
    interactions: Vec<InteractionLeaves<'a>>,
    len: usize,
}

struct InteractionLeaves<'a> {
    start: usize,
    rows: &'a Rows,
    numerator: Evaluator,
    denominator: Evaluator,
}

impl<'a> Leaves<'a> {
    fn new(tables: &'a [Rows], alpha: Fr, beta: Fr) -> Result<Self> {
        let (mut interactions, mut len) = (Vec::new(), 0_usize);
        for rows in tables {
            let program = &rows.program;
            for interaction in &program.interactions {
                let numerator = program.form([(interaction.numerator, Fr::ONE)]);
                let denominator = program.denominator(interaction, alpha, beta);
                interactions.push(InteractionLeaves {
                    start: len,
                    rows,
                    numerator: Evaluator::new(rows, numerator),
                    denominator: Evaluator::new(rows, denominator),
                });
                len = len.saturating_add(rows.len());
            }
        }
        if len > MAX_LEAVES {
            return Err(Error::Range("number of leaves".into()));
        }
        Ok(Self { interactions, len })
    }

    /// Leaves of which there are many, and the layer above them; few leaves alone.
    fn lowest_layers(&self) -> Result<(Vec<Option<Layer>>, Layer)> {
        let mut leaves = Blocks::zeros(2 * self.len.div_ceil(LANES))?;
        let (nodes, _) = leaves.as_chunks_mut::<2>();
        let count = self.len.max(2).next_power_of_two();
        if count <= FEW {
            self.write(0, nodes);
            return Ok((Vec::new(), Layer::new(leaves, count)));
        }
        let half = count / 2;
        let mut parents = Blocks::zeros(2 * half / LANES)?;
        let (left, right) = nodes.split_at_mut(half / LANES);
        let mut rights = right.chunks_mut(CHUNK / LANES);
        let parts: Vec<_> = left
            .chunks_mut(CHUNK / LANES)
            .map(|left| (left, rights.next().unwrap_or_default()))
            .zip(parents.as_chunks_mut().0.chunks_mut(CHUNK / LANES))
            .collect();
        parts
            .into_par_iter()
            .enumerate()
            .for_each(|(chunk, ((left, right), sums))| {
                self.write(chunk * CHUNK, left);
                self.write(half + chunk * CHUNK, right);
                dispatch(AddFractions { left, right, sums });
            });
        Ok((vec![Some(Layer::Many(leaves))], Layer::new(parents, half)))
    }

    /// Write the leaves from `start` on, a multiple of eight; what is beyond the last is 0/1.
    fn write(&self, start: usize, nodes: &mut [Nodes]) {
        let end = start + nodes.len() * LANES;
        let first = |leaves: &InteractionLeaves| leaves.end() <= start;
        for leaves in &self.interactions[self.interactions.partition_point(first)..] {
            let (from, to) = (leaves.start.max(start), leaves.end().min(end));
            if from >= to {
                break;
            }
            let (whole, rest) = (from.next_multiple_of(LANES), to / LANES * LANES);
            if whole < rest {
                let nodes = &mut nodes[(whole - start) / LANES..(rest - start) / LANES];
                leaves.write(whole, nodes);
            }
            for part in [from..whole.min(to), rest.max(whole)..to] {
                if !part.is_empty() {
                    leaves.write_some(&part, &mut nodes[(part.start - start) / LANES]);
                }
            }
        }
    }
}

impl InteractionLeaves<'_> {
    fn end(&self) -> usize {
        self.start + self.rows.len()
    }

    fn write(&self, start: usize, nodes: &mut [Nodes]) {
        let row = start - self.start;
        let used = self.rows.used.saturating_sub(row).div_ceil(LANES);
        // Rows past the last used one are alike.
        let (computed, rest) = nodes.split_at_mut(nodes.len().min(used + 1));
        for (side, evaluator) in [&self.numerator, &self.denominator].into_iter().enumerate() {
            let nodes = &mut *computed;
            evaluator.compute(self.rows, row, Side { nodes, side });
        }
        if let Some(last) = computed.last() {
            rest.fill(*last);
        }
    }

    /// Write leaves of one block over what is there.
    fn write_some(&self, leaves: &Range<usize>, nodes: &mut Nodes) {
        let place = leaves.start % LANES;
        let mut sides = [[Fr::ZERO; LANES], [Fr::ONE; LANES]];
        if place > 0 {
            for (i, node) in unpack(nodes).into_iter().enumerate() {
                [sides[0][i], sides[1][i]] = node;
            }
        }
        let [p, q] = &mut sides;
        let (places, row) = (place..place + leaves.len(), leaves.start - self.start);
        self.numerator.write(self.rows, row, &mut p[places.clone()]);
        self.denominator.write(self.rows, row, &mut q[places]);
        let nodes = slice::from_mut(nodes);
        dispatch(Pack { p, q, nodes });
    }
}

/// The numerators or the denominators of nodes.
struct Side<'a> {
    nodes: &'a mut [Nodes],
    side: usize,
}

impl Target for Side<'_> {
    fn vectors(&self) -> usize {
        self.nodes.len()
    }

    #[inline(always)]
    fn put<V: Vector<FrConfig>>(&mut self, i: usize, vector: V) {
        if let Some(node) = self.nodes.get_mut(i) {
            vector.pack(&mut node[self.side]);
        }
    }
}

/// Pack fractions; those that are lacking are 0/1.
pub struct Pack<'a> {
    pub p: &'a [Fr],
    pub q: &'a [Fr],
    pub nodes: &'a mut [Nodes],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (i, [p, q]) in self.nodes.iter_mut().enumerate() {
            simd.load_at(self.p, i * LANES, Fr::ZERO).pack(p);
            simd.load_at(self.q, i * LANES, Fr::ONE).pack(q);
        }
    }
}

impl Layer {
    /// The first `len` nodes.
    pub fn new(blocks: Blocks, len: usize) -> Self {
        if len > FEW {
            return Self::Many(blocks);
        }
        let (nodes, _) = blocks.as_chunks::<2>();
        let mut few: Vec<[Fr; 2]> = nodes.iter().flat_map(unpack).collect();
        few.resize(len, [Fr::ZERO, Fr::ONE]);
        Self::Few(few)
    }

    /// The layer above.
    fn parents(&self) -> Result<Self> {
        match self {
            Self::Few(nodes) => {
                let (left, right) = nodes.split_at(nodes.len() / 2);
                let pairs = left.iter().zip(right);
                let sums = pairs.map(|([p0, q0], [p1, q1])| [*p0 * q1 + *p1 * q0, *q0 * q1]);
                Ok(Self::Few(sums.collect()))
            }
            Self::Many(blocks) => {
                let mut parents = Blocks::zeros(blocks.len() / 2)?;
                let (nodes, _) = blocks.as_chunks::<2>();
                let (left, right) = nodes.split_at(nodes.len() / 2);
                let sums = parents.as_chunks_mut().0.par_chunks_mut(CHUNK / LANES);
                sums.zip(left.par_chunks(CHUNK / LANES))
                    .zip(right.par_chunks(CHUNK / LANES))
                    .for_each(|((sums, left), right)| dispatch(AddFractions { left, right, sums }));
                Ok(Self::new(parents, left.len() * LANES))
            }
        }
    }
}

/// Add fractions; those that the right ones lack are 0/1.
struct AddFractions<'a> {
    left: &'a [Nodes],
    right: &'a [Nodes],
    sums: &'a mut [Nodes],
}

impl Kernel for AddFractions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (i, [p, q]) in self.sums.iter_mut().enumerate() {
            let [p0, q0] = &self.left[i];
            let Some([p1, q1]) = self.right.get(i) else {
                (*p, *q) = (*p0, *q0);
                continue;
            };
            let (q0, q1) = (simd.unpack::<FrConfig>(q0), simd.unpack(q1));
            let (bottom, factor) = (q0.factor(), q1.factor());
            let (p0, p1) = (simd.unpack(p0), simd.unpack(p1));
            p0.times_plus(factor, p1, bottom).pack(p);
            q1.times(bottom).pack(q);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evaluate, filled_columns, random, rows};

    /// All nodes of a layer that are stored.
    fn nodes(layer: &Layer) -> Vec<[Fr; 2]> {
        match layer {
            Layer::Few(nodes) => nodes.clone(),
            Layer::Many(blocks) => blocks.as_chunks().0.iter().flat_map(unpack).collect(),
        }
    }

    #[test]
    fn layers_are_sums_of_fractions_up_from_the_leaves() {
        for heights in [&[0][..], &[1, 0], &[3, 0], &[4, 3], &[10, 2, 11], &[12, 13]] {
            let tables: Vec<Rows> = heights
                .iter()
                .map(|height| rows((1 << height) * 2 / 3, *height))
                .collect();
            let [alpha, beta] = [random(1)[0], random(1)[0]];
            let mut expected = Vec::new();
            for rows in &tables {
                let columns = filled_columns(rows);
                for interaction in &rows.program.interactions {
                    for row in 0..rows.len() {
                        let cells: Vec<Fr> = columns.iter().map(|column| column[row]).collect();
                        let values = evaluate(&rows.program, &cells);
                        let of = |node: &u32| values[*node as usize];
                        let message = interaction.message.iter().rev();
                        let message = message.fold(Fr::ZERO, |sum, node| sum * beta + of(node));
                        let bottom = alpha + Fr::from(interaction.bus) + beta * message;
                        expected.push([of(&interaction.numerator), bottom]);
                    }
                }
            }
            let fractions = Fractions::new(&tables, alpha, beta).unwrap();
            for layer in fractions.layers[1..].iter().rev().flatten() {
                let mut nodes = nodes(layer);
                let len = expected.len().max(nodes.len()).next_power_of_two();
                for nodes in [&mut nodes, &mut expected] {
                    nodes.resize(len, [Fr::ZERO, Fr::ONE]);
                }
                assert_eq!(nodes, expected);
                expected = (0..len / 2)
                    .map(|i| [expected[i], expected[len / 2 + i]])
                    .map(|[[p0, q0], [p1, q1]]| [p0 * q1 + p1 * q0, q0 * q1])
                    .collect();
            }
            let [p0, p1, q0, q1] = fractions.root();
            assert_eq!([[p0 * q1 + p1 * q0, q0 * q1]], expected[..]);
        }
    }
}
