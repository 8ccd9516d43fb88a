//! The first rounds of a sum over rows, computed on integers.
//!
//! In each variable a summand of degree d is the polynomial through its values at d + 1 nodes: small
//! integers around 0 and 1, where cells that are bits make small integers. So a few top variables go
//! through all points of a grid, and the sums over the other variables, one for each point, are all
//! that the rounds of the top variables need. Only then cells become field elements, and fewer.
//! (After Bagad, Dao, Domb, Thaler, "Speeding Up Sum-Check Proving", eprint 2025/1117.)

use ark_ff::AdditiveGroup;
use rayon::prelude::*;

use crate::field::{Fr, eq_table, interpolate_nodes, line, nodes};
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
        let products = Form {
            products: form.products.clone(),
            ..Form::default()
        };
        let worth = |rounds: usize| rounds == 1 || rows.len() >> rounds >= FEW_ROWS;
        let most = MOST_ROUNDS.min(rows.height as usize);
        let (rounds, sum) = (1..=most)
            .rev()
            .filter(|k| worth(*k))
            .find_map(|rounds| Some((rounds, rows.small_sum(&products, nodes(degree), rounds)?)))?;
        let (below, top) = xi[..rows.height as usize].split_at(rows.height as usize - rounds);
        let grid = Grid {
            rows,
            sum,
            linear: Evaluator::new(
                rows,
                Form {
                    products: Vec::new(),
                    ..form.clone()
                },
            ),
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

/// The top variables at all nodes: row i stands for the rows i + `stride` · k.
struct Grid<'a> {
    rows: &'a Rows,
    /// The products of the summand, and what is affine in the cells.
    sum: SmallSum,
    linear: Evaluator,
    degree: usize,
    variables: usize,
    stride: usize,
}

impl Grid<'_> {
    /// The sums of eq · summand at all points; `zero_row` is the summand on zeros.
    fn sums(&self, eq: &[Fr], zero_row: Fr) -> Vec<Fr> {
        let used = self.rows.used.min(self.stride);
        let parts = (0..used.div_ceil(PART)).into_par_iter();
        let no_sums = || {
            let points = (self.degree + 1).pow(self.variables as u32);
            (vec![Fr::ZERO; points], vec![Fr::ZERO; 1 << self.variables])
        };
        let (mut sums, linear) = parts
            .map(|i| {
                let start = i * PART;
                let eq = &eq[start..used.min(start + PART)];
                let products = GridSums {
                    grid: self,
                    start,
                    eq,
                };
                (dispatch(products), self.linear_sums(start, eq))
            })
            .reduce(no_sums, |(a, b), (c, d)| (added(a, c), added(b, d)));
        let rest = zero_row * (Fr::from(1_u64) - eq[..used].iter().sum::<Fr>());
        for (sum, linear) in sums.iter_mut().zip(self.spread(linear)) {
            *sum += linear + rest;
        }
        sums
    }

    /// The sums of eq · affine part, for each k.
    fn linear_sums(&self, start: usize, eq: &[Fr]) -> Vec<Fr> {
        let mut values = [Fr::ZERO; PART];
        let values = &mut values[..eq.len()];
        (0..1 << self.variables)
            .map(|k| {
                self.linear
                    .write(self.rows, start + k * self.stride, values);
                values.iter().zip(eq).map(|(value, eq)| *value * eq).sum()
            })
            .collect()
    }

    /// From values at 0 and 1 in each variable to those at all nodes.
    fn spread(&self, mut values: Vec<Fr>) -> Vec<Fr> {
        for variable in 0..self.variables {
            // Variables before this one are at nodes, this one is the most significant of the rest.
            let rest = 1 << (self.variables - 1 - variable);
            values = values
                .chunks(2 * rest)
                .flat_map(|pair| {
                    let (low, high) = pair.split_at(rest);
                    nodes(self.degree).flat_map(move |node| {
                        let at = move |(low, high): (&Fr, &Fr)| line(*low, *high, Fr::from(node));
                        low.iter().zip(high).map(at)
                    })
                })
                .collect();
        }
        values
    }
}

fn added(mut sums: Vec<Fr>, others: Vec<Fr>) -> Vec<Fr> {
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
    sums
}

/// The sums of eq · products at all points, over rows from `start` on.
struct GridSums<'a> {
    grid: &'a Grid<'a>,
    start: usize,
    eq: &'a [Fr],
}

impl Kernel for GridSums<'_> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Fr> {
        let Grid { sum, variables, .. } = self.grid;
        let nodes = nodes(self.grid.degree);
        let base = self.grid.degree + 1;
        let mut registers = sum.registers(simd);
        // The values of the columns with 1, 2, ... variables fixed; with all, they are in registers.
        let mut levels = Vec::with_capacity(variables - 1);
        for fixed in 1..*variables {
            levels.push(vec![
                simd.integer(0);
                sum.columns().len() << (variables - fixed)
            ]);
        }
        let mut totals = vec![simd.sum(); base.pow(*variables as u32)];
        for i in (0..self.eq.len()).step_by(INTEGERS) {
            let eq = [i, i + LANES].map(|i| simd.load_at(self.eq, i, Fr::ZERO).factor());
            for (point, total) in totals.iter_mut().enumerate() {
                for fixed in 1..=*variables {
                    let period = base.pow((variables - fixed) as u32);
                    if point % period == 0 {
                        let node = nodes.start() + (point / period % base) as i32;
                        let level = Level {
                            grid: self.grid,
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
        let Grid {
            rows, sum, stride, ..
        } = self.grid;
        let width = 1 << (self.grid.variables - self.fixed);
        let (above, level) = levels.split_at_mut(self.fixed - 1);
        for (place, column) in sum.columns().iter().enumerate() {
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
