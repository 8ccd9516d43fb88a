//! The first rounds of a sum over rows, computed on integers.
//!
//! In each variable a summand of degree d is the polynomial through its values at d + 1 nodes: small
//! integers around 0 and 1, where cells that are bits make small integers. So a few top variables go
//! through all points of a grid, and the sums over the other variables, one for each point, are all
//! that the rounds of the top variables need. Only then cells become field elements, and fewer.
//! (After Bagad, Dao, Domb, Thaler, "Speeding Up Sum-Check Proving", eprint 2025/1117.)

use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use crate::field::{Fr, added, eq_table, interpolate_nodes, line, nodes};
use crate::program::Form;
use crate::rows::{Evaluator, Rows};
use crate::small::SmallSum;
use crate::tape::Registers;
use crate::vector::{INTEGERS, Kernel, LANES, Products, Ring, Simd, Vector as _, dispatch};

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
/// Below so many rows a block of integers would be half empty.
const FEW_ROWS: usize = 2 * INTEGERS;
/// Rows that a parallel loop hands out at once.
const PART: usize = 64;

impl FirstRounds {
    /// As many rounds as pay; None if the form is not small, or there are no rounds.
    pub fn new(rows: &Rows, form: &Form, degree: usize, xi: &[Fr], zero_row: Fr) -> Option<Self> {
        let worth = |rounds: usize| rounds == 1 || rows.len() >> rounds >= FEW_ROWS;
        let most = MOST_ROUNDS.min(rows.height as usize);
        let mut rounds = (1..=most).rev().filter(|rounds| worth(*rounds));
        let (rounds, products) =
            rounds.find_map(|rounds| Some((rounds, products(rows, form, degree, rounds)?)))?;
        let (below, top) = xi[..rows.height as usize].split_at(rows.height as usize - rounds);
        let affine = Form {
            products: Vec::new(),
            ..form.clone()
        };
        let grid = Grid {
            rows,
            affine: Evaluator::new(rows, affine),
            products,
            degree,
            variables: rounds,
            stride: 1 << below.len(),
        };
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

/// The products of a form by their degree, from 2 on, if they are small.
fn products(rows: &Rows, form: &Form, degree: usize, rounds: usize) -> Option<Vec<SmallSum>> {
    form.is_long().then_some(())?;
    (2..=degree)
        .map(|degree| {
            let products = form.products.iter().copied();
            let form = Form {
                products: products
                    .filter(|(node, _)| rows.program.degree(*node) == degree)
                    .collect(),
                ..Form::default()
            };
            rows.small_sum(&form, nodes(degree), rounds)
        })
        .collect()
}

/// The top variables at all nodes: row i stands for the rows i + `stride` · k.
struct Grid<'a> {
    rows: &'a Rows,
    /// What is affine in the cells, and the products of degree 2, 3, ..., `degree`.
    affine: Evaluator,
    products: Vec<SmallSum>,
    degree: usize,
    variables: usize,
    stride: usize,
}

impl Grid<'_> {
    /// The sums of eq · summand at all points; `zero_row` is the summand on zeros.
    fn sums(&self, eq: &[Fr], zero_row: Fr) -> Vec<Fr> {
        let used = self.rows.used.min(self.stride);
        let parts = (0..used.div_ceil(PART)).into_par_iter();
        // By degree, from 1 on: what is of low degree needs few points.
        let sums: Vec<Vec<Fr>> = parts
            .map(|i| {
                let start = i * PART;
                let eq = &eq[start..used.min(start + PART)];
                let affine = std::iter::once(self.affine_sums(start, eq));
                let products = self.products.iter().enumerate().map(|(i, sum)| {
                    dispatch(GridSums {
                        grid: self,
                        sum,
                        degree: i + 2,
                        start,
                        eq,
                    })
                });
                affine.chain(products).collect()
            })
            .reduce(
                Vec::new,
                |a, b| if a.is_empty() { b } else { all_added(a, b) },
            );
        let rest = zero_row * (Fr::from(1_u64) - eq[..used].iter().sum::<Fr>());
        let points = (self.degree + 1).pow(self.variables as u32);
        sums.into_iter()
            .enumerate()
            .map(|(i, sums)| self.spread(i + 1, sums))
            .fold(vec![rest; points], added)
    }

    /// The sums of eq · affine part, for each k.
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

    /// From values at the nodes of a lower degree in each variable to those at all nodes.
    fn spread(&self, degree: usize, mut values: Vec<Fr>) -> Vec<Fr> {
        if degree == self.degree {
            return values;
        }
        for variable in 0..self.variables {
            // Variables before this one are at all nodes, it is the most significant of the rest.
            let rest = (degree + 1).pow((self.variables - 1 - variable) as u32);
            let mut spread = Vec::new();
            for values in values.chunks((degree + 1) * rest) {
                for node in nodes(self.degree) {
                    spread.extend((0..rest).map(|i| {
                        let values: Vec<Fr> = values[i..].iter().step_by(rest).copied().collect();
                        interpolate_nodes(&values, Fr::from(node))
                    }));
                }
            }
            values = spread;
        }
        values
    }
}

fn all_added(sums: Vec<Vec<Fr>>, others: Vec<Vec<Fr>>) -> Vec<Vec<Fr>> {
    let pairs = sums.into_iter().zip(others);
    pairs.map(|(sums, others)| added(sums, others)).collect()
}

/// The sums of eq · products of one degree at its points, over rows from `start` on.
struct GridSums<'a> {
    grid: &'a Grid<'a>,
    sum: &'a SmallSum,
    degree: usize,
    start: usize,
    eq: &'a [Fr],
}

impl Kernel for GridSums<'_> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Fr> {
        let Self { grid, sum, .. } = self;
        let variables = grid.variables;
        let nodes = nodes(self.degree);
        let base = self.degree + 1;
        let mut registers = sum.registers(simd);
        // The values of the columns with 1, 2, ... variables fixed; with all, they are in registers.
        let mut levels = Vec::with_capacity(variables - 1);
        for fixed in 1..variables {
            levels.push(vec![
                simd.integer(0);
                sum.columns().len() << (variables - fixed)
            ]);
        }
        let mut totals = vec![simd.sum(); base.pow(variables as u32)];
        for i in (0..self.eq.len()).step_by(INTEGERS) {
            let eq = [i, i + LANES].map(|i| simd.load_at(self.eq, i, Fr::ZERO).factor());
            for (point, total) in totals.iter_mut().enumerate() {
                for fixed in 1..=variables {
                    let period = base.pow((variables - fixed) as u32);
                    if point % period == 0 {
                        let node = nodes.start() + (point / period % base) as i32;
                        let level = Level {
                            grid,
                            sum,
                            row: self.start + i,
                            fixed,
                            node: simd.integer(node),
                        };
                        level.fix(simd, &mut levels, &mut registers);
                    }
                }
                let [first, last] = sum.run(simd, &mut registers);
                total.add(first, eq[0]);
                total.add(last, eq[1]);
            }
        }
        let mut sums = Vec::with_capacity(totals.len());
        for total in totals {
            sums.push(total.total());
        }
        sums
    }
}

/// The step from `fixed` - 1 to `fixed` variables.
struct Level<'a, I> {
    grid: &'a Grid<'a>,
    sum: &'a SmallSum,
    row: usize,
    fixed: usize,
    node: I,
}

impl<I: Ring> Level<'_, I> {
    #[inline(always)]
    fn fix<S: Simd<Integers = I>>(
        &self,
        simd: S,
        levels: &mut [Vec<I>],
        registers: &mut Registers<I>,
    ) {
        let Grid { rows, stride, .. } = self.grid;
        let width = 1 << (self.grid.variables - self.fixed);
        let (above, level) = levels.split_at_mut(self.fixed - 1);
        for (place, column) in self.sum.columns().iter().enumerate() {
            let cells = rows.columns[*column as usize].cells();
            for k in 0..width {
                let (low, high) = match above.last() {
                    Some(values) => {
                        let values = &values[place * 2 * width..];
                        (values[k], values[k + width])
                    }
                    None => (
                        simd.integers(&cells, self.row + k * stride),
                        simd.integers(&cells, self.row + (k + width) * stride),
                    ),
                };
                let value = low + self.node * (high - low);
                match level.first_mut() {
                    Some(values) => values[place * width + k] = value,
                    None => *registers.column(place) = value,
                }
            }
        }
    }
}
