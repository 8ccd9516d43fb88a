//! LogUp-GKR: the tree of fractions.
//!
//! Layer k has 2^k nodes; node x is the sum of nodes x and x + 2^k of layer k + 1:
//!     p(x) = p(x,0) q(x,1) + p(x,1) q(x,0),   q(x) = q(x,0) q(x,1).
//! Leaves beyond the last block are 0/1 and are not stored.

use std::mem::{replace, take};

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::field::{CHUNK, Fr};
use crate::layer_sum::LayerSum;
use crate::leaves::Leaves;
use crate::memory::Blocks;
use crate::rows::Rows;
use crate::vector::{Kernel, LANES, Packed, Simd, Vector, dispatch, unpack};

/// Layers of up to so many nodes are not packed.
const FEW: usize = 32;
/// Blocks of eight leaves that are added while they are in the cache.
const LEAVES: usize = 128;

/// Numerators and denominators of eight nodes.
pub type Nodes = [Packed; 2];

/// The fractions of one layer.
pub enum Layer {
    Few(Vec<[Fr; 2]>),
    /// In `Nodes`; nodes beyond the last are 0/1.
    Many(Blocks),
    /// Many as well.
    Leaves(Leaves),
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
        let mut layers = Vec::new();
        let mut layer = Layer::of_leaves(Leaves::new(tables, alpha, beta)?);
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
        let Some((_, rest)) = xi.split_last() else {
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
        let halves = [p0 + lambda * q0, p1 + lambda * q1];
        let memory = take(&mut self.memory);
        self.sum = Some(LayerSum::new(children, xi, lambda, halves, memory)?);
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

impl Layer {
    fn of_leaves(leaves: Leaves) -> Self {
        let len = leaves.layer_len();
        if len > FEW {
            return Self::Leaves(leaves);
        }
        let mut nodes = vec![Nodes::default(); len.div_ceil(LANES)];
        leaves.write(&[(0, Fr::ONE)], [0, 1], &mut nodes);
        let mut few: Vec<[Fr; 2]> = nodes.iter().flat_map(unpack).collect();
        few.truncate(len);
        Self::Few(few)
    }

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
            Self::Leaves(leaves) => {
                let half = leaves.layer_len() / 2;
                let mut parents = Blocks::zeros(2 * half / LANES)?;
                let sums = parents.as_chunks_mut().0.par_chunks_mut(LEAVES);
                let buffers = || [(); 2].map(|()| vec![Nodes::default(); LEAVES]);
                sums.enumerate()
                    .for_each_init(buffers, |buffers, (chunk, sums)| {
                        let start = chunk * LEAVES * LANES;
                        let starts = [start, half + start];
                        if let Some(small) = leaves.small_parents(starts, sums.len() * LANES) {
                            return small.write(sums);
                        }
                        // Those beyond the last need not be added.
                        let stored = leaves.len().saturating_sub(half + start).div_ceil(LANES);
                        let [left, right] = buffers;
                        let (left, right) = (
                            &mut left[..sums.len()],
                            &mut right[..stored.min(sums.len())],
                        );
                        leaves.write(&[(start, Fr::ONE)], [0, 1], left);
                        leaves.write(&[(half + start, Fr::ONE)], [0, 1], right);
                        dispatch(AddFractions { left, right, sums });
                    });
                Ok(Self::new(parents, half))
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
            for side in [self.left, self.right] {
                if let Some([p, q]) = side.get(i + 1) {
                    simd.prefetch_packed(p);
                    simd.prefetch_packed(q);
                }
            }
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
    use crate::testing::{evaluate, filled_columns, lookup_rows, random, rows};

    /// All nodes of a layer that are stored.
    fn nodes(layer: &Layer) -> Vec<[Fr; 2]> {
        match layer {
            Layer::Few(nodes) => nodes.clone(),
            Layer::Many(blocks) => blocks.as_chunks().0.iter().flat_map(unpack).collect(),
            Layer::Leaves(leaves) => {
                let mut nodes = vec![Nodes::default(); leaves.layer_len() / LANES];
                leaves.write(&[(0, Fr::ONE)], [0, 1], &mut nodes);
                nodes.iter().flat_map(unpack).collect()
            }
        }
    }

    fn check_layers(tables: &[Rows]) {
        let [alpha, beta] = [random(1)[0], random(1)[0]];
        let mut expected = Vec::new();
        for rows in tables {
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
        let fractions = Fractions::new(tables, alpha, beta).unwrap();
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

    #[test]
    fn layers_are_sums_of_fractions_up_from_the_leaves() {
        for heights in [&[0][..], &[1, 0], &[3, 0], &[4, 3], &[10, 2, 11], &[12, 13]] {
            let table = |height: &u32| rows((1 << height) * 2 / 3, *height);
            check_layers(&heights.iter().map(table).collect::<Vec<_>>());
        }
    }

    #[test]
    fn so_are_layers_over_leaves_of_small_cells() {
        for height in [4, 11] {
            let tables = [lookup_rows((1 << height) * 2 / 3, height)];
            let leaves = Leaves::new(&tables, random(1)[0], random(1)[0]).unwrap();
            let starts = [0, leaves.layer_len() / 2];
            assert!(leaves.small_parents(starts, 1 << height).is_some());
            check_layers(&tables);
        }
    }
}
