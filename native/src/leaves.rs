//! The leaves of the tree of fractions. They are never stored: each loop computes those it is at.
//!
//! Numerators and denominators are linear in cells. Those with products are made columns first.

use std::array::from_fn;
use std::ops::Range;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

use crate::column::{Cells, Column, Combination};
use crate::error::{Error, Result, filled};
use crate::field::Fr;
use crate::leaf_sum::{SmallParents, SmallVertices};
use crate::program::Form;
use crate::rows::{BLOCK, Evaluator, Rows};
use crate::vector::{LANES, Packed, Target, Vector, dispatch, pack};

/// More leaves than this no machine holds.
const MAX_LEAVES: usize = 1 << 32;
/// To compute the sum of more columns than this costs more than to read its values.
const MOST_COLUMNS: usize = 16;

/// The fractions of all interactions, in order; those beyond the last are 0/1.
#[derive(Clone)]
pub struct Leaves {
    /// Those of one interaction each, and those beyond.
    blocks: Vec<Block>,
    /// As many as all interactions have.
    len: usize,
}

/// Leaves that are alike.
#[derive(Clone)]
struct Block {
    leaves: Range<usize>,
    /// Numerator and denominator.
    sides: [Linear; 2],
}

/// constant + the sum of weight · cell, row by row.
#[derive(Clone)]
struct Linear {
    constant: Fr,
    terms: Vec<Term>,
}

#[derive(Clone)]
struct Term {
    weight: Fr,
    column: Column,
    /// Of the largest cell.
    bits: u32,
}

impl Leaves {
    /// Interaction j of a table is a block of 2^height leaves.
    pub fn new(tables: &[Rows], alpha: Fr, beta: Fr) -> Result<Self> {
        let interactions = tables.iter().flat_map(|rows| {
            let interactions = rows.program.interactions.iter();
            interactions.map(move |interaction| (rows, interaction))
        });
        let interactions: Vec<_> = interactions.collect();
        let sides = interactions.par_iter().map(|(rows, interaction)| {
            let numerator = rows.program.form([(interaction.numerator, Fr::ONE)]);
            let denominator = rows.program.denominator(interaction, alpha, beta);
            Ok([
                Linear::new(rows, numerator)?,
                Linear::new(rows, denominator)?,
            ])
        });
        let sides: Vec<[Linear; 2]> = sides.collect::<Result<_>>()?;
        let (mut blocks, mut len) = (Vec::new(), 0_usize);
        for ((rows, _), sides) in interactions.into_iter().zip(sides) {
            let end = len.saturating_add(rows.len());
            let leaves = len..end;
            blocks.push(Block { leaves, sides });
            len = end;
        }
        if len > MAX_LEAVES {
            return Err(Error::Range("number of leaves".into()));
        }
        blocks.push(Block {
            leaves: len..usize::MAX,
            sides: [Fr::ZERO, Fr::ONE].map(Linear::constant),
        });
        Ok(Self { blocks, len })
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// A power of two: with those beyond the last.
    pub fn layer_len(&self) -> usize {
        self.len.max(2).next_power_of_two()
    }

    /// The same with numerators p + lambda q in place of p.
    fn plus_denominators(mut self, lambda: Fr) -> Self {
        for block in &mut self.blocks {
            let [p, q] = &mut block.sides;
            p.constant += lambda * q.constant;
            let scaled = |term: &Term| Term {
                weight: lambda * term.weight,
                ..term.clone()
            };
            p.terms.extend(q.terms.iter().map(scaled));
        }
        self
    }

    /// Put sums of weight · leaf into these two places of each item. Each sum takes the leaves from
    /// where its terms start on.
    pub fn write<const N: usize>(
        &self,
        terms: &[(usize, Fr)],
        places: [usize; 2],
        items: &mut [[Packed; N]],
    ) {
        let mut done = 0;
        while done < items.len() {
            let parts: Vec<Part> = terms
                .iter()
                .map(|(start, weight)| self.part(start + done * LANES, *weight))
                .collect();
            let alike = parts.iter().map(|part| part.block.leaves.end - part.leaf);
            let count = alike.min().unwrap_or(0) / LANES;
            let end = items.len().min(done + count.max(1));
            let items = &mut items[done..end];
            for (side, place) in places.into_iter().enumerate() {
                if count > 0 {
                    combine(&parts, side, Place { items, place });
                } else {
                    let values: [Fr; LANES] = from_fn(|i| {
                        let terms = terms.iter();
                        let parts = terms
                            .map(|(start, weight)| self.part(start + done * LANES + i, *weight));
                        parts.map(|part| part.value(side)).sum()
                    });
                    items[0][place] = pack(&values);
                }
            }
            done = end;
        }
    }

    /// Parents of `len` leaves from each of these on, if all have small cells.
    pub fn small_parents(&self, [left, right]: [usize; 2], len: usize) -> Option<SmallParents<'_>> {
        let (left, right) = (self.alike(left, len)?, self.alike(right, len)?);
        SmallParents::new(left, right, len)
    }

    /// `len` leaves from this on, if they are of one block.
    fn alike(&self, leaf: usize, len: usize) -> Option<Part<'_>> {
        let part = self.part(leaf, Fr::ONE);
        (part.block.leaves.end - leaf >= len).then_some(part)
    }

    fn part(&self, leaf: usize, weight: Fr) -> Part<'_> {
        let before = |block: &Block| block.leaves.end <= leaf;
        let block = &self.blocks[self.blocks.partition_point(before)];
        Part {
            block,
            leaf,
            weight,
        }
    }
}

/// Leaves of one block from one on, and what they are multiplied by.
pub struct Part<'a> {
    block: &'a Block,
    leaf: usize,
    weight: Fr,
}

impl<'a> Part<'a> {
    /// Of the first `len` numerators or denominators: the constant, and weights, cells and the cells'
    /// bits.
    pub fn linear(
        &self,
        side: usize,
        len: usize,
    ) -> (Fr, impl Iterator<Item = (Fr, Cells<'a>, u32)>) {
        let Linear { constant, terms } = &self.block.sides[side];
        let rows = self.row()..self.row() + len;
        let terms = terms.iter().map(move |term| {
            (
                term.weight,
                term.column.cells().range(rows.clone()),
                term.bits,
            )
        });
        (*constant, terms.filter(|(_, cells, _)| !cells.is_empty()))
    }

    fn row(&self) -> usize {
        self.leaf - self.block.leaves.start
    }

    /// Of the first leaf.
    fn value(&self, side: usize) -> Fr {
        let Linear { constant, terms } = &self.block.sides[side];
        let cells = terms
            .iter()
            .map(|term| term.weight * term.column.cells().get(self.row()));
        self.weight * (*constant + cells.sum::<Fr>())
    }
}

/// Put the sums of leaves of some parts.
fn combine(parts: &[Part], side: usize, target: impl Target) {
    let (mut constant, mut terms) = (Fr::ZERO, Vec::new());
    for part in parts {
        let (one, cells) = part.linear(side, target.vectors() * LANES);
        constant += part.weight * one;
        terms.extend(cells.map(|(weight, cells, _)| (part.weight * weight, cells)));
    }
    let terms: &[(Fr, Cells)] = &terms;
    dispatch(Combination {
        terms,
        constant,
        target,
    });
}

impl Linear {
    fn new(rows: &Rows, form: Form) -> Result<Self> {
        if form.products.is_empty() && form.columns.len() <= MOST_COLUMNS {
            let term = |(column, weight): (&u32, &Fr)| Term {
                weight: *weight,
                column: rows.columns[*column as usize].clone(),
                bits: rows.bits()[*column as usize],
            };
            return Ok(Self {
                constant: form.constant,
                terms: form.columns.iter().map(term).collect(),
            });
        }
        let evaluator = Evaluator::new(rows, form);
        let mut values = filled(rows.len().min(rows.used + 1), Fr::ZERO)?;
        let chunks = values.par_chunks_mut(BLOCK).enumerate();
        chunks.for_each(|(i, chunk)| evaluator.write(rows, i * BLOCK, chunk));
        // Rows past the last used one are alike.
        let rest = values.get(rows.used).copied().unwrap_or_default();
        for value in &mut values {
            *value -= rest;
        }
        let column = Column::from_elements(&values);
        Ok(Self {
            constant: rest,
            terms: vec![Term {
                weight: Fr::ONE,
                bits: column.cells().bits(),
                column,
            }],
        })
    }

    fn constant(constant: Fr) -> Self {
        let terms = Vec::new();
        Self { constant, terms }
    }
}

/// One of the places of each item.
struct Place<'a, const N: usize> {
    items: &'a mut [[Packed; N]],
    place: usize,
}

impl<const N: usize> Target for Place<'_, N> {
    fn vectors(&self) -> usize {
        self.items.len()
    }

    #[inline(always)]
    fn put<V: Vector<FrConfig>>(&mut self, i: usize, vector: V) {
        vector.pack(&mut self.items[i][self.place]);
    }
}

/// The vertices whose children are leaves.
pub struct LeafVertices {
    /// With a0 in place of the numerators.
    left: Leaves,
    right: Leaves,
    len: usize,
    lambda: Fr,
}

impl LeafVertices {
    pub fn new(leaves: Leaves, lambda: Fr) -> Self {
        Self {
            len: leaves.layer_len() / 2,
            left: leaves.clone().plus_denominators(lambda),
            right: leaves,
            lambda,
        }
    }

    /// `len` vertices from each of these on, if all have small cells.
    pub fn small(&self, starts: [usize; 4], len: usize) -> Option<SmallVertices<'_>> {
        let [a, b, c, d] = starts.map(|start| self.right.alike(start, len));
        let left = [a?, b?, c?, d?];
        let [a, b, c, d] = starts.map(|start| self.right.alike(start + self.len, len));
        let right = [a?, b?, c?, d?];
        SmallVertices::new(&left, &right, len, self.lambda)
    }

    /// Write sums of weight · vertex: a0, a1, b0, b1. Each sum takes the vertices from where its
    /// terms start on.
    pub fn write(&self, terms: &[(usize, Fr)], sides: &mut [[Packed; 4]]) {
        let right = terms.iter().map(|(start, w)| (start + self.len, *w));
        self.left.write(terms, [0, 2], sides);
        self.right.write(&right.collect::<Vec<_>>(), [1, 3], sides);
    }
}
