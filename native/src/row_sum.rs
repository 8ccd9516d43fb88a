//! The batched sumcheck over rows: zerocheck and input layer of the fraction tree.
//!
//! The sum over x and tables t of Z_t(x) eq(xi, x) B_t(x), where B_t weights the constraints, the
//! numerators and the denominators of table t. A table of height n is data at the zero corner of
//! the variables from n on: Z_t is the product of 1 - x_i over them.

use std::collections::HashMap;

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field, Zero};
use rayon::prelude::*;

use crate::collapse::{Collapsed, Input, collapse};
use crate::column::{Cells, inner_products};
use crate::error::{Error, Result};
use crate::field::{
    CHUNK, Fr, added, drop_top_variable, eq_one, eq_table, interpolate_nodes, nodes, powers,
};
use crate::first_rounds::FirstRounds;
use crate::rows::{BLOCK, Evaluator, Rows, combine, join_bits};
use crate::tape::{Sink, Tape};
use crate::vector::{
    Kernel, LANES, LaneSums, MOST_LANE_PRODUCTS, Products, Simd, Vector as _, dispatch, prefetch,
};

pub struct RowSum {
    tables: Vec<Rows>,
    alpha: Fr,
    beta: Fr,
    xi: Vec<Fr>,
    /// The weights of the interactions of each table.
    omega: Vec<Vec<Fr>>,
    degree: usize,
    /// P_t, Q_t.
    sums: Vec<[Fr; 2]>,
    state: Option<State>,
}

/// The sumcheck after `begin`.
struct State {
    parts: Vec<Part>,
    /// Variables that are not bound yet.
    rounds: usize,
    /// eq(xi, ·) over the variables below the next one.
    eq: Vec<Fr>,
    /// Challenges, the lowest variable's last.
    challenges: Vec<Fr>,
    began_round: bool,
}

/// One table's share of the sum.
struct Part {
    rows: Rows,
    height: usize,
    /// Rows left that may be non-zero.
    used: usize,
    collapsed: Collapsed,
    inputs: Vec<Vector>,
    /// The first rounds, if the cells are small.
    first: Option<FirstRounds>,
    /// B on a row of zeros.
    zero_row: Fr,
    /// Factor of the bound variables.
    scale: Fr,
    /// The sum over the variables left, without `scale`.
    claim: Fr,
    /// g at its nodes in this round: the sum over x of eq(x) B(X, x).
    g: Vec<Fr>,
}

/// The cells of an input: typed until the first bind, and so long not needed if all are small.
enum Vector {
    Typed(u32),
    Combined(Vec<(u32, Fr)>),
    Elements(Vec<Fr>),
}

impl RowSum {
    pub fn new(
        tables: Vec<Rows>,
        alpha: Fr,
        beta: Fr,
        xi: Vec<Fr>,
        omega: Vec<Fr>,
        degree: usize,
    ) -> Result<Self> {
        let top = tables.iter().map(|t| t.height as usize).max().unwrap_or(0);
        if xi.len() < top {
            return Err(Error::Range(format!(
                "xi has {} of {top} coordinates",
                xi.len()
            )));
        }
        if !(1..=64).contains(&degree) {
            return Err(Error::Range(format!("degree {degree}")));
        }
        let counts: Vec<usize> = tables
            .iter()
            .map(|t| t.program.interactions.len())
            .collect();
        if counts.iter().sum::<usize>() != omega.len() {
            return Err(Error::Range("one omega for each interaction".into()));
        }
        let mut rest = omega.as_slice();
        let omega = counts
            .iter()
            .map(|count| {
                let own;
                (own, rest) = rest.split_at(*count);
                own.to_vec()
            })
            .collect();
        let mut sum = Self {
            tables,
            alpha,
            beta,
            xi,
            omega,
            degree,
            sums: Vec::new(),
            state: None,
        };
        sum.sums = sum.sums_of_fractions(top);
        Ok(sum)
    }

    /// P_t, Q_t, table after table.
    pub fn table_sums(&self) -> Vec<Fr> {
        self.sums.iter().flatten().copied().collect()
    }

    fn sums_of_fractions(&self, top: usize) -> Vec<[Fr; 2]> {
        let mut sums = vec![[Fr::zero(); 2]; self.tables.len()];
        let mut eq = eq_table(&self.xi[..top]);
        for height in (0..=top).rev() {
            for (i, rows) in self.tables.iter().enumerate() {
                if rows.height as usize == height {
                    let (numerators, (denominators, constant)) =
                        (self.numerators(i, Fr::ONE), self.denominators(i, Fr::ONE));
                    let p = rows.program.form(numerators);
                    let mut q = rows.program.form(denominators);
                    q.constant += constant;
                    sums[i] = [p, q].map(|form| Evaluator::new(rows, form).weighted_sum(rows, &eq));
                }
            }
            if height > 0 {
                drop_top_variable(&mut eq);
            }
        }
        sums
    }

    /// Weights of the nodes of the sum of omega · numerator · scale.
    fn numerators(&self, table: usize, scale: Fr) -> Vec<(u32, Fr)> {
        let interactions = &self.tables[table].program.interactions;
        let weights = interactions.iter().zip(&self.omega[table]);
        weights
            .map(|(i, omega)| (i.numerator, *omega * scale))
            .collect()
    }

    /// Weights of the nodes of the sum of omega · denominator · scale, and its constant part.
    fn denominators(&self, table: usize, scale: Fr) -> (Vec<(u32, Fr)>, Fr) {
        let (mut weights, mut constant) = (Vec::new(), Fr::zero());
        let interactions = &self.tables[table].program.interactions;
        for (interaction, omega) in interactions.iter().zip(&self.omega[table]) {
            let mut weight = *omega * scale;
            constant += weight * (self.alpha + Fr::from(interaction.bus));
            for node in &interaction.message {
                weight *= self.beta;
                weights.push((*node, weight));
            }
        }
        (weights, constant)
    }

    /// Batch the constraints by powers of theta, then with p and q by each table's three weights.
    pub fn begin(&mut self, theta: Fr, delta: &[[Fr; 3]]) -> Result<()> {
        if delta.len() != self.tables.len() {
            return Err(Error::Range("three weights for each table".into()));
        }
        let rounds = self
            .tables
            .iter()
            .map(|t| t.height as usize)
            .max()
            .unwrap_or(0);
        let parts: Vec<Part> = (0..self.tables.len())
            .into_par_iter()
            .map(|i| self.part(i, theta, &delta[i]))
            .collect::<Result<_>>()?;
        self.state = Some(State {
            parts,
            rounds,
            eq: eq_table(&self.xi[..rounds.saturating_sub(1)]),
            challenges: Vec::new(),
            began_round: false,
        });
        Ok(())
    }

    fn part(&self, i: usize, theta: Fr, delta: &[Fr; 3]) -> Result<Part> {
        let rows = &self.tables[i];
        let constraints = &rows.program.constraints;
        let scaled = powers(theta, constraints.len())
            .into_iter()
            .map(|w| w * delta[0]);
        let mut weights: Vec<(u32, Fr)> = constraints.iter().copied().zip(scaled).collect();
        weights.extend(self.numerators(i, delta[1]));
        let (denominators, constant) = self.denominators(i, delta[2]);
        weights.extend(denominators);
        let mut form = rows.program.form(weights);
        form.constant += constant;
        let collapsed = collapse(&rows.program, form.clone());
        if collapsed.degree >= self.degree {
            return Err(Error::Program(format!(
                "degree {} needs rounds of degree above {}",
                collapsed.degree, self.degree
            )));
        }
        let zero_row = collapsed.value(|_| Fr::ZERO);
        let degree = collapsed.degree.max(1);
        let first = FirstRounds::new(rows, &form, degree, &self.xi, zero_row);
        let inputs = collapsed
            .inputs
            .iter()
            .map(|input| match input {
                Input::Column(column) => Vector::Typed(*column),
                Input::Combination(columns) if first.is_some() => Vector::Combined(columns.clone()),
                Input::Combination(columns) => Vector::Elements(combined(rows, columns)),
            })
            .collect();
        let [p, q] = self.sums[i];
        Ok(Part {
            rows: rows.clone(),
            height: rows.height as usize,
            used: rows.used,
            zero_row,
            collapsed,
            inputs,
            first,
            scale: Fr::ONE,
            claim: delta[1] * p + delta[2] * q,
            g: Vec::new(),
        })
    }

    /// s(0), s(2), ..., s(D).
    pub fn round(&mut self) -> Result<Vec<Fr>> {
        let degree = self.degree;
        let state = self
            .state
            .as_mut()
            .ok_or(Error::Order("begin comes first"))?;
        let Some(variable) = state.rounds.checked_sub(1) else {
            return Err(Error::Order("the rounds are over"));
        };
        let xi = self.xi[variable];
        let eq = &state.eq;
        state.parts.par_iter_mut().for_each(|part| {
            if part.height > variable {
                part.g = part.round(eq, xi);
            }
        });
        state.began_round = true;
        let points = (0..=degree as u64).filter(|x| *x != 1).map(Fr::from);
        Ok(points
            .map(|x| {
                let eq = eq_one(xi, x);
                let share = |part: &Part| {
                    if part.height > variable {
                        part.scale * eq * interpolate_nodes(&part.g, x)
                    } else {
                        part.scale * (Fr::ONE - x) * part.claim
                    }
                };
                state.parts.iter().map(share).sum()
            })
            .collect())
    }

    pub fn bind(&mut self, challenge: Fr) -> Result<()> {
        let state = self
            .state
            .as_mut()
            .ok_or(Error::Order("begin comes first"))?;
        if !state.began_round {
            return Err(Error::Order("a round comes before its challenge"));
        }
        state.began_round = false;
        state.rounds -= 1;
        let variable = state.rounds;
        let factor = eq_one(self.xi[variable], challenge);
        state.parts.par_iter_mut().for_each(|part| {
            if part.height > variable {
                part.scale *= factor;
                part.claim = interpolate_nodes(&part.g, challenge);
                part.bind(1 << variable, challenge);
            } else {
                part.scale *= Fr::ONE - challenge;
            }
        });
        if variable > 0 {
            drop_top_variable(&mut state.eq);
        }
        state.challenges.push(challenge);
        Ok(())
    }

    /// For each table the values of its witness columns at the point of the challenges.
    pub fn column_values(&self) -> Result<Vec<Vec<Fr>>> {
        let state = match &self.state {
            Some(state) if state.rounds == 0 => state,
            _ => return Err(Error::Order("the rounds come first")),
        };
        let r: Vec<Fr> = state.challenges.iter().rev().copied().collect();
        let mut values = vec![Vec::new(); self.tables.len()];
        let mut eq = eq_table(&r);
        for height in (0..=r.len()).rev() {
            let tables = || (0..values.len()).filter(|i| self.tables[*i].height as usize == height);
            if tables().next().is_some() {
                for i in tables().collect::<Vec<_>>() {
                    values[i] = state.parts[i].column_values(&eq);
                }
            }
            if height > 0 {
                drop_top_variable(&mut eq);
            }
        }
        Ok(values)
    }
}

/// A combination of columns on all rows.
fn combined(rows: &Rows, columns: &[(u32, Fr)]) -> Vec<Fr> {
    let terms = weighted(rows, columns);
    let mut elements = vec![Fr::zero(); rows.used];
    elements
        .par_chunks_mut(BLOCK)
        .enumerate()
        .for_each(|(i, chunk)| combine(&terms, Fr::ZERO, i * BLOCK, chunk));
    elements
}

fn weighted<'a>(rows: &'a Rows, columns: &[(u32, Fr)]) -> Vec<(Fr, Cells<'a>)> {
    let columns = columns.iter();
    columns
        .map(|(column, weight)| (*weight, rows.columns[*column as usize].cells()))
        .collect()
}

impl Part {
    /// g at its nodes: the sums over x of eq(x) B(X, x).
    fn round(&self, eq: &[Fr], xi: Fr) -> Vec<Fr> {
        if let Some(first) = &self.first {
            return first.round();
        }
        let degree = self.collapsed.degree.max(1);
        // g(1) follows from the claim, unless xi = 0.
        let inverse = xi.inverse();
        let nodes = nodes(degree);
        let place = |node: i32| (node - nodes.start()) as usize;
        let points: Vec<i32> = nodes
            .clone()
            .filter(|x| *x != 1 || inverse.is_none())
            .collect();
        let half = eq.len();
        let pairs = self.used.min(half);
        let blocks = (0..pairs.div_ceil(PAIRS)).into_par_iter();
        let sums_of = |i: usize| {
            let start = i * PAIRS;
            let eq = &eq[start..pairs.min(start + PAIRS)];
            let sums = dispatch(PartSums {
                part: self,
                start,
                half,
                eq,
                points: &points,
            });
            (sums, eq.iter().sum::<Fr>())
        };
        let (sums, mass) = blocks
            .map(sums_of)
            .reduce(Default::default, |a, b| (added(a.0, b.0), a.1 + b.1));
        let rest = self.zero_row * (Fr::ONE - mass);
        let mut g = vec![Fr::zero(); degree + 1];
        for (i, point) in points.iter().enumerate() {
            g[place(*point)] = sums.get(i).copied().unwrap_or_default() + rest;
        }
        if let Some(inverse) = inverse {
            g[place(1)] = (self.claim - (Fr::ONE - xi) * g[place(0)]) * inverse;
        }
        g
    }

    fn bind(&mut self, half: usize, x: Fr) {
        self.used = self.used.min(half);
        let point = match &mut self.first {
            Some(first) => match first.bind(x) {
                Some(challenges) => challenges,
                None => return,
            },
            None => vec![x],
        };
        self.first = None;
        let top = TopVariables::new(&point, half, self.used);
        let rows = &self.rows;
        self.inputs
            .par_iter_mut()
            .for_each(|input| input.bind(rows, &top, x));
        let bound = self.bound();
        let inputs = self.inputs.par_iter().map(|input| match input {
            Vector::Combined(columns) => Some(self.bind_combined(columns, &bound, &top)),
            _ => None,
        });
        let combined: Vec<Option<Vec<Fr>>> = inputs.collect();
        for (input, elements) in self.inputs.iter_mut().zip(combined) {
            if let Some(elements) = elements {
                *input = Vector::Elements(elements);
            }
        }
    }

    /// A combination of columns, of those that are bound by their elements.
    fn bind_combined(
        &self,
        columns: &[(u32, Fr)],
        bound: &HashMap<u32, &[Fr]>,
        top: &TopVariables,
    ) -> Vec<Fr> {
        let (mut terms, mut others) = (Vec::new(), Vec::new());
        for (column, weight) in columns {
            match bound.get(column) {
                Some(elements) => terms.push((*weight, *elements)),
                None => others.push((*column, *weight)),
            }
        }
        let mut sums = top.bind_sum(&weighted(&self.rows, &others));
        sums.par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(i, sums)| {
                dispatch(AddElements {
                    terms: &terms,
                    start: i * BLOCK,
                    sums,
                });
            });
        sums
    }

    /// The elements of the columns that are inputs and bound.
    fn bound(&self) -> HashMap<u32, &[Fr]> {
        let inputs = self.collapsed.inputs.iter().zip(&self.inputs);
        let bound = inputs.filter_map(|input| match input {
            (Input::Column(column), Vector::Elements(elements)) => {
                Some((*column, elements.as_slice()))
            }
            _ => None,
        });
        bound.collect()
    }

    fn column_values(&self, eq: &[Fr]) -> Vec<Fr> {
        let bound = self.bound();
        let values = (0..self.rows.program.width as u32).map(|column| {
            let elements = bound.get(&column)?;
            Some(elements.first().copied().unwrap_or_default())
        });
        let values: Vec<Option<Fr>> = values.collect();
        let others = values.iter().zip(&self.rows.columns);
        let others: Vec<Cells> = others
            .filter(|(value, _)| value.is_none())
            .map(|(_, column)| column.cells())
            .collect();
        let mut others = inner_products(&others, eq).into_iter();
        let values = values.into_iter();
        values
            .filter_map(|value| value.or_else(|| others.next()))
            .collect()
    }
}

/// Add weight · element to each sum, from this element on.
struct AddElements<'a> {
    terms: &'a [(Fr, &'a [Fr])],
    start: usize,
    sums: &'a mut [Fr],
}

impl Kernel for AddElements<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for i in (0..self.sums.len()).step_by(LANES) {
            let mut sum = simd.load_at(self.sums, i, Fr::ZERO);
            for terms in self.terms.chunks(MOST_LANE_PRODUCTS) {
                let mut products = simd.lane_sums();
                for (weight, elements) in terms {
                    prefetch_elements(elements, self.start + i + 2 * LANES);
                    let value = simd.load_at(elements, self.start + i, Fr::ZERO);
                    products.add(value, simd.splat(*weight));
                }
                sum = sum + products.total();
            }
            sum.store_at(self.sums, i);
        }
    }
}

/// Fetch eight elements that will be read next, if they are there.
#[inline(always)]
fn prefetch_elements(elements: &[Fr], start: usize) {
    for line in 0..LANES / 2 {
        prefetch(elements.as_ptr().wrapping_add(start + 2 * line));
    }
}

/// The sums over pairs of rows from `start` on.
struct PartSums<'a> {
    part: &'a Part,
    start: usize,
    half: usize,
    eq: &'a [Fr],
    points: &'a [i32],
}

impl Kernel for PartSums<'_> {
    type Output = Vec<Fr>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<Fr> {
        let mut values =
            vec![simd.splat(Fr::ZERO); self.points.len() * self.eq.len().div_ceil(LANES)];
        for tape in &self.part.collapsed.tapes {
            self.add(simd, tape, &mut values);
        }
        let mut sums = vec![simd.sum(); self.points.len()];
        for (k, values) in values.chunks(self.points.len()).enumerate() {
            let eq = simd.load_at(self.eq, k * LANES, Fr::ZERO).factor();
            for (sum, value) in sums.iter_mut().zip(values) {
                sum.add(*value, eq);
            }
        }
        let mut totals = Vec::with_capacity(sums.len());
        for sum in sums {
            totals.push(sum.total());
        }
        totals
    }
}

impl PartSums<'_> {
    /// Add the values of a tape, eight pairs of rows at all points after the other.
    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, tape: &Tape, values: &mut [S::Vector<FrConfig>]) {
        let inputs = &self.part.inputs;
        let mut registers = tape.registers(|value| simd.splat(value));
        let mut steps = vec![simd.splat(Fr::ZERO); tape.columns.len()];
        for (k, values) in values.chunks_mut(self.points.len()).enumerate() {
            let row = self.start + k * LANES;
            let mut at = self.points.first().copied().unwrap_or_default();
            for (place, number) in tape.columns.iter().enumerate() {
                let input = &inputs[*number as usize];
                input.prefetch(row + LANES);
                input.prefetch(row + LANES + self.half);
                let low = input.read(simd, &self.part.rows, row, self.half);
                let high = input.read(simd, &self.part.rows, row + self.half, usize::MAX);
                let step = high - low;
                let value = registers.column(place);
                *value = low;
                for _ in at..0 {
                    *value = *value - step;
                }
                steps[place] = step;
            }
            for (value, point) in values.iter_mut().zip(self.points) {
                for _ in at..*point {
                    for (place, step) in steps.iter().enumerate() {
                        let value = registers.column(place);
                        *value = *value + *step;
                    }
                }
                at = *point;
                let mut outputs = Outputs {
                    simd,
                    one: simd.splat(Fr::ONE),
                    total: *value,
                    products: simd.lane_sums(),
                    room: MOST_LANE_PRODUCTS,
                };
                tape.run_into(&mut registers, &mut outputs);
                *value = outputs.total + outputs.products.total();
            }
        }
    }
}

/// The sum of the outputs of a tape.
struct Outputs<S: Simd> {
    simd: S,
    one: S::Vector<FrConfig>,
    total: S::Vector<FrConfig>,
    products: S::LaneSums,
    room: usize,
}

impl<S: Simd> Sink<S::Vector<FrConfig>> for Outputs<S> {
    #[inline(always)]
    fn take(&mut self, output: usize, value: S::Vector<FrConfig>) {
        self.take_product(output, value, self.one);
    }

    #[inline(always)]
    fn take_product(&mut self, _: usize, a: S::Vector<FrConfig>, b: S::Vector<FrConfig>) {
        if self.room == 0 {
            let full = std::mem::replace(&mut self.products, self.simd.lane_sums());
            self.total = self.total + full.total();
            self.room = MOST_LANE_PRODUCTS;
        }
        self.room -= 1;
        self.products.add(a, b);
    }
}

/// The lines through `low` and `high` at `x`; zeros stand for what `high` lacks.
struct BindTop<'a> {
    low: &'a mut [Fr],
    high: &'a [Fr],
    x: Fr,
}

impl Kernel for BindTop<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let x = simd.line_at(self.x);
        for i in (0..self.low.len()).step_by(LANES) {
            let high = simd.load_at(self.high, i, Fr::ZERO);
            let low = simd.load_at(self.low, i, Fr::ZERO);
            low.line(high, x).store_at(self.low, i);
        }
    }
}

/// Pairs of rows that a parallel loop hands out at once.
const PAIRS: usize = 64;

impl Vector {
    /// Fetch eight elements that will be read next.
    #[inline(always)]
    fn prefetch(&self, row: usize) {
        if let Self::Elements(elements) = self {
            prefetch_elements(elements, row);
        }
    }

    /// The cells of eight rows from `row` on; those from row `end` on and past the last are zero.
    #[inline(always)]
    fn read<S: Simd>(&self, simd: S, rows: &Rows, row: usize, end: usize) -> S::Vector<FrConfig> {
        match self {
            Self::Typed(column) => {
                let mut lanes = [Fr::ZERO; LANES];
                let cells = rows.columns[*column as usize].cells();
                let cells = cells.range(row..end.min(row + LANES));
                cells.read(&mut lanes);
                simd.load(&lanes)
            }
            Self::Combined(_) => simd.splat(Fr::ZERO), // read on integers
            Self::Elements(elements) => {
                simd.load_at(&elements[..end.min(elements.len())], row, Fr::ZERO)
            }
        }
    }

    /// Bind the top variables: of elements, whose others are bound, the last at `x`.
    fn bind(&mut self, rows: &Rows, top: &TopVariables, x: Fr) {
        match self {
            Self::Typed(column) => {
                *self = Self::Elements(match rows.bit_cells(*column) {
                    Some(cells) => top.bind_bits(cells),
                    None => {
                        let cells = rows.columns[*column as usize].cells();
                        top.bind_sum(&[(Fr::ONE, cells)])
                    }
                });
            }
            Self::Combined(_) => (), // once the columns are bound
            Self::Elements(elements) => {
                let cut = elements.len().min(top.stride);
                let (low, high) = elements.split_at_mut(cut);
                let paired = high.len();
                let (both, alone) = low.split_at_mut(paired);
                both.par_chunks_mut(CHUNK)
                    .zip(high.par_chunks(CHUNK))
                    .for_each(|(low, high)| dispatch(BindTop { low, high, x }));
                alone
                    .par_chunks_mut(CHUNK)
                    .for_each(|low| dispatch(BindTop { low, high: &[], x }));
                elements.truncate(cut);
            }
        }
    }
}

/// The top variables of rows at some point: of the rows i + `stride` · k, for the first `used` i.
struct TopVariables {
    stride: usize,
    variables: usize,
    used: usize,
    /// The weight of each k.
    weights: Vec<Fr>,
    /// Sums of the weights whose bits are set in the index.
    sums: Vec<Fr>,
}

impl TopVariables {
    /// The top variable is the first of `point`.
    fn new(point: &[Fr], stride: usize, used: usize) -> Self {
        let reversed: Vec<Fr> = point.iter().rev().copied().collect();
        let weights = eq_table(&reversed);
        let mut sums = vec![Fr::ZERO; 1 << weights.len()];
        for i in 1..sums.len() {
            sums[i] = sums[i & (i - 1)] + weights[i.trailing_zeros() as usize];
        }
        Self {
            stride,
            variables: point.len(),
            used,
            weights,
            sums,
        }
    }

    /// The weighted sum of columns.
    fn bind_sum(&self, columns: &[(Fr, Cells<'_>)]) -> Vec<Fr> {
        let mut terms = Vec::with_capacity(columns.len() * self.weights.len());
        for (weight, cells) in columns {
            for (k, share) in self.weights.iter().enumerate() {
                terms.push((*weight * share, cells.range(k * self.stride..usize::MAX)));
            }
        }
        self.fill(|start, chunk| combine(&terms, Fr::ZERO, start, chunk))
    }

    fn bind_bits(&self, cells: &[u8]) -> Vec<Fr> {
        self.fill(|start, chunk| {
            let mut indices = [0; BLOCK];
            let indices = &mut indices[..chunk.len()];
            join_bits(cells, start, self.stride, self.variables, indices);
            for (value, index) in chunk.iter_mut().zip(indices) {
                *value = self.sums[usize::from(*index)];
            }
        })
    }

    fn fill(&self, write: impl Fn(usize, &mut [Fr]) + Sync) -> Vec<Fr> {
        let mut bound = vec![Fr::zero(); self.used];
        bound
            .par_chunks_mut(BLOCK)
            .enumerate()
            .for_each(|(i, chunk)| write(i * BLOCK, chunk));
        bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bind_top, evaluate, filled_columns, random, rows, small_rows};

    const DEGREE: usize = 4;

    /// The whole sum with some top variables bound, by the definition.
    fn sum(sum: &RowSum, theta: Fr, delta: &[[Fr; 3]], rounds: usize, top: &[Fr]) -> Fr {
        let share = |(t, rows): (usize, &Rows)| {
            let height = rows.height as usize;
            let mut vectors = filled_columns(rows);
            vectors.push(eq_table(&sum.xi[..height]));
            let mut corner = Fr::ONE;
            for (i, x) in top.iter().enumerate() {
                if rounds - i > height {
                    corner *= Fr::ONE - x;
                } else {
                    vectors = vectors.iter().map(|v| bind_top(v, *x)).collect();
                }
            }
            let program = &rows.program;
            let value = |i: usize| {
                let cells: Vec<Fr> = vectors.iter().map(|vector| vector[i]).collect();
                let nodes = evaluate(program, &cells);
                let batch = powers(theta, program.constraints.len());
                let constraints = program.constraints.iter().zip(batch);
                let constraints: Fr = constraints.map(|(c, w)| nodes[*c as usize] * w).sum();
                let (mut p, mut q) = (Fr::zero(), Fr::zero());
                for (interaction, omega) in program.interactions.iter().zip(&sum.omega[t]) {
                    p += *omega * nodes[interaction.numerator as usize];
                    let beta = powers(sum.beta, interaction.message.len() + 1);
                    let message = interaction.message.iter().zip(&beta[1..]);
                    let message: Fr = message.map(|(m, w)| nodes[*m as usize] * w).sum();
                    q += *omega * (sum.alpha + Fr::from(interaction.bus) + message);
                }
                let [a, b, c] = delta[t];
                cells[cells.len() - 1] * (a * constraints + b * p + c * q)
            };
            corner * (0..vectors[0].len()).map(value).sum::<Fr>()
        };
        sum.tables.iter().enumerate().map(share).sum()
    }

    #[test]
    fn rounds_and_values_equal_the_definition() {
        let tables = vec![
            rows(13, 4),
            rows(1, 0),
            rows(0, 1),
            rows(64, 6),
            rows(9, 6),
            rows(300, 9),
            small_rows(300, 9),
            small_rows(20, 9),
            small_rows(5, 3),
            small_rows(1, 0),
        ];
        for tables in [tables.clone(), tables[1..2].to_vec(), tables[..3].to_vec()] {
            let rounds = tables.iter().map(|t| t.height as usize).max().unwrap();
            let mut xi = random(rounds + 2);
            if rounds > 1 {
                xi[1] = Fr::zero(); // g(1) does not follow from the claim
            }
            let [alpha, beta, theta] = random(3).try_into().unwrap();
            let omega = random(tables.iter().map(|t| t.program.interactions.len()).sum());
            let mut row_sum =
                RowSum::new(tables.clone(), alpha, beta, xi.clone(), omega, DEGREE).unwrap();
            let delta: Vec<[Fr; 3]> = tables
                .iter()
                .map(|_| random(3).try_into().unwrap())
                .collect();
            assert!(row_sum.round().is_err());
            row_sum.begin(theta, &delta).unwrap();
            let claims = row_sum.table_sums();
            let claim: Fr = delta
                .iter()
                .zip(claims.chunks(2))
                .map(|(d, c)| d[1] * c[0] + d[2] * c[1])
                .sum();
            let mut bound = Vec::new();
            assert_eq!(claim, sum(&row_sum, theta, &delta, rounds, &bound));
            for _ in 0..rounds {
                let message = row_sum.round().unwrap();
                assert_eq!(message.len(), DEGREE);
                for (x, value) in [0_u64, 2, 3, 4].into_iter().zip(message) {
                    bound.push(Fr::from(x));
                    assert_eq!(value, sum(&row_sum, theta, &delta, rounds, &bound));
                    bound.pop();
                }
                bound.push(random(1)[0]);
                row_sum.bind(bound[bound.len() - 1]).unwrap();
                assert!(row_sum.bind(theta).is_err());
            }
            assert!(row_sum.round().is_err());
            let values = row_sum.column_values().unwrap();
            for (rows, values) in tables.iter().zip(values) {
                let top = &bound[rounds - rows.height as usize..];
                for (column, value) in filled_columns(rows).into_iter().zip(values) {
                    let expected = top.iter().fold(column, |column, x| bind_top(&column, *x));
                    assert_eq!(value, expected[0]);
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (tables, one) = (vec![rows(3, 2)], Fr::ONE);
        let new = |xi, omega, degree| {
            RowSum::new(tables.clone(), one, one, random(xi), random(omega), degree)
        };
        assert!(new(1, 3, 4).is_err());
        assert!(new(2, 2, 4).is_err());
        assert!(new(2, 3, 0).is_err());
        assert!(new(2, 3, 3).unwrap().begin(one, &[[one; 3]]).is_err());
        assert!(new(2, 3, 4).unwrap().begin(one, &[]).is_err());
        assert!(new(2, 3, 4).unwrap().column_values().is_err());
    }
}
