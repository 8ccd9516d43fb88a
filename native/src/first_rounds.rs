//! The first rounds of a sum over rows, computed on integers.
//!
//! In each variable a summand of degree d is the polynomial through its values at d + 1 nodes: small
//! integers around 0 and 1, where cells that are bits make small integers. So a few top variables go
//! through all points of a grid, and the sums over the other variables, one for each point, are all
//! that the rounds of the top variables need. Only then cells become field elements, and fewer.
//! (After Bagad, Dao, Domb, Thaler, "Speeding Up Sum-Check Proving", eprint 2025/1117.)

use std::collections::BTreeMap;

use ark_ff::{AdditiveGroup, Field};
use rayon::prelude::*;

use crate::column::Cell as _;
use crate::field::{Fr, added, eq_table, interpolate_nodes, line, nodes};
use crate::groups::groups;
use crate::program::Form;
use crate::rows::{Evaluator, Rows, join_bits};
use crate::small::SmallSum;
use crate::vector::{
    INTEGERS, IntegerSum as _, IntegerWeight, Kernel, LANES, LaneSums as _, MOST_INTEGERS,
    MOST_LANE_PRODUCTS, Simd, Vector as _, dispatch,
};
use crate::with_cells;

/// The rounds that are computed on integers.
pub struct FirstRounds {
    degree: usize,
    /// The coordinates of xi of the variables left, the top one first.
    xi: Vec<Fr>,
    /// Sums of eq · summand with these variables at nodes, the top one the most significant.
    sums: Vec<Fr>,
    challenges: Vec<Fr>,
}

/// With one more the grid would cost more than its field elements.
const MOST_ROUNDS: usize = 3;
/// Rows that a parallel loop hands out at once.
const PART: usize = 64;
const _: () = assert!(PART <= MOST_LANE_PRODUCTS);

impl FirstRounds {
    /// As many rounds as pay; None if the form is not small, or there are no rounds.
    pub fn new(rows: &Rows, form: &Form, degree: usize, xi: &[Fr], zero_row: Fr) -> Option<Self> {
        let most = MOST_ROUNDS.min(rows.height as usize);
        let mut rounds = (1..=most).rev();
        let grid = rounds.find_map(|rounds| Grid::new(rows, form, degree, rounds))?;
        let (below, top) =
            xi[..rows.height as usize].split_at(rows.height as usize - grid.variables);
        Some(Self {
            degree,
            xi: top.iter().rev().copied().collect(),
            sums: grid.sums(&eq_table(below), zero_row),
            challenges: Vec::new(),
        })
    }

    /// The sums over all variables but the next, at its nodes.
    pub fn round(&self) -> Vec<Fr> {
        let nodes = nodes(self.degree);
        let zero = -nodes.start() as usize;
        let mut sums = self.sums.clone();
        for xi in self.xi[1..].iter().rev() {
            let values = sums.chunks(self.degree + 1);
            sums = values
                .map(|values| line(values[zero], values[zero + 1], *xi))
                .collect();
        }
        sums
    }

    /// All challenges with this one, the first first, if these were the rounds.
    pub fn bind(&mut self, challenge: Fr) -> Option<Vec<Fr>> {
        self.challenges.push(challenge);
        self.xi.remove(0);
        let rest = self.sums.len() / (self.degree + 1);
        self.sums = (0..rest)
            .map(|i| {
                let values: Vec<Fr> = self.sums[i..].iter().step_by(rest).copied().collect();
                interpolate_nodes(&values, challenge)
            })
            .collect();
        self.xi
            .is_empty()
            .then(|| std::mem::take(&mut self.challenges))
    }
}

/// The top variables at all nodes: row i stands for its corners, the rows i + `stride` · k.
struct Grid<'a> {
    rows: &'a Rows,
    variables: usize,
    stride: usize,
    points: Points,
    /// What is affine in cells that are not bits.
    affine: Evaluator,
    /// Columns of bits with the weights of x (x - 1) and of x.
    bits: Vec<(u32, [IntegerWeight; 2])>,
    /// All other products.
    sums: Vec<SmallSum>,
}

impl<'a> Grid<'a> {
    /// None if the products are not small.
    fn new(rows: &'a Rows, form: &Form, degree: usize, variables: usize) -> Option<Self> {
        form.is_long().then_some(())?;
        let mut bits: BTreeMap<u32, [Fr; 2]> = BTreeMap::new();
        let mut products = Vec::new();
        for (product, weight) in form.products.iter().rev() {
            match rows.program.bit(*product) {
                Some(column) if rows.bit_cells(column).is_some() => {
                    bits.entry(column).or_default()[0] += weight;
                }
                _ => products.push((*product, *weight)),
            }
        }
        let mut affine = Form {
            products: Vec::new(),
            ..form.clone()
        };
        affine.columns.retain(|column, weight| {
            let is_bit = rows.bit_cells(*column).is_some();
            if is_bit {
                bits.entry(*column).or_default()[1] += *weight;
            }
            !is_bit
        });
        if bits.len() > MOST_INTEGERS {
            return None;
        }
        let sum = |products| {
            let form = Form {
                products,
                ..Form::default()
            };
            rows.small_sum(&form, nodes(degree), variables)
        };
        Some(Self {
            rows,
            variables,
            stride: 1 << (rows.height as usize - variables),
            points: Points::new(degree, variables)?,
            affine: Evaluator::new(rows, affine),
            bits: bits
                .into_iter()
                .map(|(column, weights)| (column, weights.map(IntegerWeight::new)))
                .collect(),
            sums: groups(&rows.program, &products)
                .into_iter()
                .map(sum)
                .collect::<Option<_>>()?,
        })
    }

    /// The sums of eq · summand at all points; `zero_row` is the summand on zeros.
    fn sums(&self, eq: &[Fr], zero_row: Fr) -> Vec<Fr> {
        let used = self.rows.used.min(self.stride);
        let parts = (0..used.div_ceil(PART)).into_par_iter();
        let [affine, squares, products] = parts
            .map(|i| {
                let start = i * PART;
                let eq = &eq[start..used.min(start + PART)];
                let bits = BitSums {
                    grid: self,
                    start,
                    eq,
                };
                let sums = self.sums.par_iter().map(|sum| {
                    dispatch(GridSums {
                        grid: self,
                        sum,
                        start,
                        eq,
                    })
                });
                let [squares, lines] = dispatch(bits);
                let affine = added(self.affine_sums(start, eq), lines);
                [affine, squares, sums.reduce(Vec::new, added)]
            })
            .reduce(Default::default, |[a, b, c], [d, e, f]| {
                [added(a, d), added(b, e), added(c, f)]
            });
        let rest = zero_row * (Fr::ONE - eq[..used].iter().sum::<Fr>());
        (0..self.points.count)
            .map(|point| {
                let value = |k: usize| Fr::from(self.points.value(1 << k, point));
                let affine = affine.iter().enumerate().map(|(k, sum)| *sum * value(k));
                let squares = pairs(self.variables).zip(&squares).map(|((k, l), sum)| {
                    // Of the square of a sum of bits: their own squares are the bits.
                    let factor = match k == l {
                        true => value(k) * (value(k) - Fr::ONE),
                        false => (value(k) * value(l)).double(),
                    };
                    *sum * factor
                });
                let product = products.get(point).copied().unwrap_or_default();
                rest + product + affine.sum::<Fr>() + squares.sum::<Fr>()
            })
            .collect()
    }

    /// The sums of eq · affine part, for each corner.
    fn affine_sums(&self, start: usize, eq: &[Fr]) -> Vec<Fr> {
        let mut values = [Fr::ZERO; PART];
        let values = &mut values[..eq.len()];
        (0..1 << self.variables)
            .map(|k| {
                let start = start + k * self.stride;
                self.affine.write(self.rows, start, values);
                values.iter().zip(eq).map(|(value, eq)| *value * eq).sum()
            })
            .collect()
    }

    /// The bits of each corner of the rows from `start` on, together.
    fn joined(&self, cells: &[u8], start: usize) -> [u8; PART] {
        let mut joined = [0; PART];
        join_bits(cells, start, self.stride, self.variables, &mut joined);
        joined
    }
}

/// Pairs k <= l of corners.
fn pairs(variables: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..1 << variables).flat_map(|l| (0..=l).map(move |k| (k, l)))
}

/// The points of a grid, the top variable the most significant.
struct Points {
    count: usize,
    /// In blocks of points, for each set of corners: the multilinear function that is 1 there and
    /// 0 at the other corners.
    blocks: Vec<Vec<[i8; INTEGERS]>>,
}

impl Points {
    fn new(degree: usize, variables: usize) -> Option<Self> {
        let nodes: Vec<i32> = nodes(degree).collect();
        let count = nodes.len().pow(variables as u32);
        // 1 at this corner.
        let at = |corner: usize, point: usize| -> i32 {
            let lines = (0..variables as u32).map(|variable| {
                let node = nodes[point / nodes.len().pow(variable) % nodes.len()];
                [1 - node, node][corner >> variable & 1]
            });
            lines.product()
        };
        let block = |start: usize| {
            let mut sets = vec![[0_i8; INTEGERS]; 1 << (1 << variables)];
            for corner in 0..1 << variables {
                let mut values = [0; INTEGERS];
                for (i, value) in values.iter_mut().take(count - start).enumerate() {
                    *value = at(corner, start + i).try_into().ok()?;
                }
                // The sets with this corner and some of those before it.
                let (without, with) = sets.split_at_mut(1 << corner);
                for (without, with) in without.iter().zip(with) {
                    for i in 0..INTEGERS {
                        with[i] = without[i].checked_add(values[i])?;
                    }
                }
            }
            Some(sets)
        };
        let blocks = (0..count)
            .step_by(INTEGERS)
            .map(block)
            .collect::<Option<_>>();
        Some(Self {
            count,
            blocks: blocks?,
        })
    }

    fn value(&self, set: usize, point: usize) -> i8 {
        self.blocks[point / INTEGERS][set][point % INTEGERS]
    }
}

/// The sums of eq · weight over the rows and columns whose bits are set at two corners, for all
/// pairs of corners and the first weight; and at a corner, for the second.
struct BitSums<'a> {
    grid: &'a Grid<'a>,
    start: usize,
    eq: &'a [Fr],
}

impl Kernel for BitSums<'_> {
    type Output = [Vec<Fr>; 2];

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> [Vec<Fr>; 2] {
        let Grid {
            rows,
            variables,
            bits,
            ..
        } = self.grid;
        let corners = 1 << variables;
        let mut joined = vec![[0; PART]; bits.len()];
        for (joined, (column, _)) in joined.iter_mut().zip(bits) {
            let cells = rows.bit_cells(*column).unwrap_or_default();
            *joined = self.grid.joined(cells, self.start);
        }
        let mut squares = vec![Fr::ZERO; corners * (corners + 1) / 2];
        let mut lines = vec![Fr::ZERO; corners];
        let mut sums = vec![[IntegerWeight::default(); 2]; 1 << corners];
        for (i, eq) in self.eq.iter().enumerate() {
            sums.fill(Default::default());
            for (joined, (_, [of_square, of_line])) in joined.iter().zip(bits) {
                let [square, line] = &mut sums[joined[i] as usize];
                *square += *of_square;
                *line += *of_line;
            }
            // From sums by set to those over all sets that contain it.
            for corner in 0..corners {
                for set in 0..sums.len() {
                    if set >> corner & 1 == 0 {
                        let [more_square, more_line] = sums[set | 1 << corner];
                        let [square, line] = &mut sums[set];
                        *square += more_square;
                        *line += more_line;
                    }
                }
            }
            for (total, (k, l)) in squares.iter_mut().zip(pairs(*variables)) {
                *total += *eq * sums[1 << k | 1 << l][0].total();
            }
            for (k, total) in lines.iter_mut().enumerate() {
                *total += *eq * sums[1 << k][1].total();
            }
        }
        [squares, lines]
    }
}

/// The sums of eq · products at all points, over rows from `start` on.
struct GridSums<'a> {
    grid: &'a Grid<'a>,
    sum: &'a SmallSum,
    start: usize,
    eq: &'a [Fr],
}

/// The cells of a column at the corners of some rows.
enum Corners {
    /// Sets of corners.
    Bits([u8; PART]),
    Integers(Vec<[i32; PART]>),
}

impl Corners {
    fn new(grid: &Grid, column: u32, start: usize) -> Self {
        match grid.rows.bit_cells(column) {
            Some(cells) => Self::Bits(grid.joined(cells, start)),
            None => {
                let cells = grid.rows.columns[column as usize].cells();
                let corners = (0..1 << grid.variables).map(|k| {
                    let start = start + k * grid.stride;
                    let mut integers = [0; PART];
                    with_cells!(cells.range(start..start + PART), cells => {
                        for (integer, cell) in integers.iter_mut().zip(cells) {
                            *integer = cell.words()[0] as i32;
                        }
                    });
                    integers
                });
                Self::Integers(corners.collect())
            }
        }
    }

    /// The values at a block of points.
    #[inline(always)]
    fn values<S: Simd>(&self, simd: S, block: &[[i8; INTEGERS]], row: usize) -> S::Integers {
        match self {
            Self::Bits(sets) => simd.small_integers(&block[sets[row] as usize]),
            Self::Integers(corners) => {
                let mut sum = simd.integer(0);
                for k in 0..corners.len() {
                    let one = simd.small_integers(&block[1 << k]);
                    sum = sum + simd.integer(corners[k][row]) * one;
                }
                sum
            }
        }
    }
}

impl Kernel for GridSums<'_> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Fr> {
        let mut columns = Vec::new();
        for column in self.sum.columns() {
            columns.push(Corners::new(self.grid, *column, self.start));
        }
        let mut registers = self.sum.registers(simd);
        let scale = simd.splat(S::IntegerSum::scale()).factor();
        let raised = simd.splat(self.sum.raised() * self.eq.iter().sum::<Fr>());
        let mut sums = vec![Fr::ZERO; self.grid.points.blocks.len() * INTEGERS];
        for (i, block) in self.grid.points.blocks.iter().enumerate() {
            let mut totals = [simd.lane_sums(); INTEGERS / LANES];
            for (row, eq) in self.eq.iter().enumerate() {
                for (place, column) in columns.iter().enumerate() {
                    *registers.column(place) = column.values(simd, block, row);
                }
                let eq = simd.splat(*eq);
                let values = self.sum.run(simd, &mut registers);
                for k in 0..totals.len() {
                    totals[k].add(values[k], eq);
                }
            }
            for (k, total) in totals.into_iter().enumerate() {
                let total = total.total().times(scale) - raised;
                total.store_at(&mut sums, i * INTEGERS + k * LANES);
            }
        }
        sums
    }
}
