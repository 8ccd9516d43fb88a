//! A program with its cells.

use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, OnceLock};

use ark_ff::{Field, PrimeField, Zero};
use rayon::prelude::*;

use crate::column::{Cells, Column, Combination};
use crate::error::{Error, Result, filled};
use crate::field::Fr;
use crate::lookups::Stated;
use crate::program::{Form, Program};
use crate::small::{Interval, SmallSum};
use crate::tape::{Lanes, Registers, Tape};
use crate::vector::{LANES, dispatch};

/// log2 of the most rows of a table.
pub const MAX_HEIGHT: u32 = 28;
/// Rows that a parallel loop hands out at once.
pub const BLOCK: usize = 512;

/// Field elements as they are stored in a column.
pub type Words = [u64; 4];

/// A table: 2^height rows, of which all cells from `used` on are zero.
#[derive(Clone)]
pub struct Rows {
    pub program: Arc<Program>,
    pub columns: Vec<Column>,
    pub height: u32,
    pub used: usize,
    /// What the providers among the interactions state, once somebody has asked.
    pub stated: Arc<Stated>,
    /// The bits of the largest cell of each column, once somebody has asked.
    bits: Arc<OnceLock<Vec<u32>>>,
}

impl Rows {
    pub fn new(program: Arc<Program>, columns: Vec<Column>, height: u32) -> Result<Self> {
        if height > MAX_HEIGHT {
            return Err(Error::Range(format!("height {height}")));
        }
        if columns.len() != program.width + program.fixed {
            return Err(Error::Column(format!(
                "{} of them, not {} + {}",
                columns.len(),
                program.width,
                program.fixed
            )));
        }
        let used = columns.iter().map(Column::len).max().unwrap_or(0);
        if used > 1 << height {
            return Err(Error::Column(format!("{used} rows do not fit 2^{height}")));
        }
        Ok(Self {
            program,
            columns,
            height,
            used,
            stated: Arc::default(),
            bits: Arc::default(),
        })
    }

    /// 2^height.
    pub fn len(&self) -> usize {
        1 << self.height
    }

    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bits of the largest cell of each column.
    pub fn bits(&self) -> &[u32] {
        self.bits.get_or_init(|| {
            let columns = self.columns.par_iter();
            columns.map(|column| column.cells().bits()).collect()
        })
    }

    /// The cells of a column if all of them are bits.
    pub fn bit_cells(&self, column: u32) -> Option<&[u8]> {
        match self.columns[column as usize].cells() {
            Cells::U8(cells) if self.bits()[column as usize] <= 1 => Some(cells),
            _ => None,
        }
    }

    /// The sum of a form on integers: of the cells, with so many variables of the row at integers
    /// among `points`. None if it is not small.
    pub fn small_sum(
        &self,
        form: &Form,
        points: RangeInclusive<i32>,
        variables: usize,
    ) -> Option<SmallSum> {
        let bits = self.bits();
        SmallSum::new(&self.program, form, |column| {
            let cells = Interval::new(0, (1_i64 << bits[column as usize].min(32)) - 1);
            (0..variables).try_fold(cells?, |interval, _| interval.extended(points.clone()))
        })
    }

    /// Load a block of LANES rows for a tape.
    fn load(&self, tape: &Tape, row: usize, registers: &mut Registers<Lanes>) {
        for (place, column) in tape.columns.iter().enumerate() {
            let cells = self.columns[*column as usize].cells();
            let cells = cells.range(row..row + LANES);
            let Lanes(register) = registers.column(place);
            cells.read(register);
            register[cells.len()..].fill(Fr::zero());
        }
    }

    /// The values of `nodes` on the first `rows` rows.
    pub fn evaluate(&self, nodes: &[u32], rows: usize) -> Result<Vec<Vec<Words>>> {
        self.check_nodes(nodes)?;
        if rows > self.len() {
            return Err(Error::Range(format!("{rows} rows of 2^{}", self.height)));
        }
        let tape = Tape::new(&self.program.nodes, nodes);
        let mut values: Vec<Vec<Words>> = nodes
            .iter()
            .map(|_| filled(rows, [0; 4]))
            .collect::<Result<_>>()?;
        let mut parts: Vec<Vec<&mut [Words]>> = (0..rows.div_ceil(BLOCK)).map(|_| vec![]).collect();
        for values in &mut values {
            for (part, chunk) in parts.iter_mut().zip(values.chunks_mut(BLOCK)) {
                part.push(chunk);
            }
        }
        parts.into_par_iter().enumerate().for_each(|(i, mut part)| {
            let mut registers = tape.registers(|value| Lanes([value; LANES]));
            let len = part.first().map_or(0, |chunk| chunk.len());
            for start in (0..len).step_by(LANES) {
                self.load(&tape, i * BLOCK + start, &mut registers);
                tape.run(&mut registers);
                for (output, chunk) in part.iter_mut().enumerate() {
                    let Lanes(lanes) = tape.output(&registers, output);
                    for (target, value) in chunk[start..].iter_mut().zip(lanes) {
                        *target = value.into_bigint().0;
                    }
                }
            }
        });
        Ok(values)
    }

    /// (constraint, row) of the first `limit` broken constraints, row by row.
    pub fn violations(&self, limit: usize) -> Vec<(usize, usize)> {
        let tape = Tape::new(&self.program.nodes, &self.program.constraints);
        let blocks = self.used.div_ceil(BLOCK);
        let mut found: Vec<(usize, usize)> = (0..blocks)
            .into_par_iter()
            .flat_map_iter(|block| {
                let rows = block * BLOCK..self.used.min((block + 1) * BLOCK);
                self.violations_in(&tape, rows, limit)
            })
            .collect();
        if self.used < self.len() && found.len() < limit {
            // All rows from here on are the same.
            let broken = self.violations_in(&tape, self.used..self.used + 1, limit);
            if !broken.is_empty() {
                let missing = limit - found.len();
                let rows = self.used..self.len();
                let all = rows.flat_map(|row| broken.iter().map(move |(c, _)| (*c, row)));
                found.extend(all.take(missing));
            }
        }
        found.truncate(limit);
        found
    }

    fn violations_in(&self, tape: &Tape, rows: Range<usize>, limit: usize) -> Vec<(usize, usize)> {
        let mut registers = tape.registers(|value| Lanes([value; LANES]));
        let mut found = Vec::new();
        for start in rows.clone().step_by(LANES) {
            if found.len() >= limit {
                break;
            }
            self.load(tape, start, &mut registers);
            tape.run(&mut registers);
            for lane in 0..LANES.min(rows.end - start) {
                let broken = (0..self.program.constraints.len())
                    .filter(|constraint| !tape.output(&registers, *constraint).0[lane].is_zero());
                found.extend(broken.map(|constraint| (constraint, start + lane)));
            }
        }
        found
    }

    /// Check that these nodes exist.
    fn check_nodes(&self, nodes: &[u32]) -> Result<()> {
        match nodes
            .iter()
            .find(|node| **node as usize >= self.program.nodes.len())
        {
            Some(node) => Err(Error::Program(format!("there is no node {node}"))),
            None => Ok(()),
        }
    }
}

/// Join the bits of the rows that lie `stride` apart, of each row from `start` on: those of 2^variables
/// rows, the lowest bit first; rows past the end are zero.
pub fn join_bits(cells: &[u8], start: usize, stride: usize, variables: usize, joined: &mut [u8]) {
    for k in 0..1 << variables {
        let cells = cells.get(start + k * stride..).unwrap_or_default();
        for (joined, bit) in joined.iter_mut().zip(cells) {
            *joined |= bit << k;
        }
    }
}

/// Put constant + the sum of weight · cells on the rows from `start` on.
pub fn combine(terms: &[(Fr, Cells)], constant: Fr, start: usize, target: &mut [Fr]) {
    let rows = start..start + target.len();
    let terms = terms.iter();
    let terms: Vec<(Fr, Cells)> = terms
        .map(|(weight, cells)| (*weight, cells.range(rows.clone())))
        .collect();
    dispatch(Combination {
        terms: &terms,
        constant,
        target,
    });
}

/// A form made ready to be evaluated on ranges of rows.
pub struct Evaluator {
    pub form: Form,
    tape: Tape,
    small: Option<SmallSum>,
}

impl Evaluator {
    pub fn new(rows: &Rows, form: Form) -> Self {
        let small = form
            .is_long()
            .then(|| rows.small_sum(&form, 0..=1, 0))
            .flatten();
        let products = form.products.iter().filter(|_| small.is_none());
        let products: Vec<u32> = products.map(|(node, _)| *node).collect();
        let tape = Tape::new(&rows.program.nodes, &products);
        Self { form, tape, small }
    }

    /// Write the values on the rows from `start` on; rows past the last used one are alike.
    pub fn write(&self, rows: &Rows, start: usize, target: &mut [Fr]) {
        let used = rows.used.clamp(start, start + target.len()) - start;
        let (computed, rest) = target.split_at_mut(used);
        self.compute(rows, start, computed);
        if let [first, others @ ..] = rest {
            self.compute(rows, start + used, std::slice::from_mut(first));
            others.fill(*first);
        }
    }

    /// Put the values on the rows from `start` on, which are used but for some of the last eight.
    pub fn compute(&self, rows: &Rows, start: usize, target: &mut [Fr]) {
        if let Some(small) = &self.small {
            return small.write(&rows.columns, start, target);
        }
        let columns = self.form.columns.iter();
        let terms: Vec<(Fr, Cells)> = columns
            .map(|(column, weight)| (*weight, rows.columns[*column as usize].cells()))
            .collect();
        combine(&terms, self.form.constant, start, target);
        if self.form.products.is_empty() {
            return;
        }
        let mut registers = self.tape.registers(|value| Lanes([value; LANES]));
        for (i, values) in target.chunks_mut(LANES).enumerate() {
            rows.load(&self.tape, start + i * LANES, &mut registers);
            self.tape.run(&mut registers);
            for (i, (_, weight)) in self.form.products.iter().enumerate() {
                let Lanes(outputs) = self.tape.output(&registers, i);
                for (value, output) in values.iter_mut().zip(outputs) {
                    *value += *weight * output;
                }
            }
        }
    }

    /// The sum of weights[i] · value on row i, for weights whose sum over all rows is 1.
    pub fn weighted_sum(&self, rows: &Rows, weights: &[Fr]) -> Fr {
        let blocks = rows.used.div_ceil(BLOCK);
        let (total, mass) = (0..blocks)
            .into_par_iter()
            .map(|block| {
                let start = block * BLOCK;
                let weights = &weights[start..rows.used.min(start + BLOCK)];
                let mut values = vec![Fr::zero(); weights.len()];
                self.compute(rows, start, &mut values);
                let products = values.iter().zip(weights).map(|(v, w)| *v * w);
                (products.sum::<Fr>(), weights.iter().sum::<Fr>())
            })
            .reduce(Default::default, |a, b| (a.0 + b.0, a.1 + b.1));
        if rows.used == rows.len() {
            return total;
        }
        let mut zero_row = [Fr::zero()];
        self.compute(rows, rows.used, &mut zero_row);
        total + zero_row[0] * (Fr::ONE - mass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Node;
    use crate::testing::{evaluate, filled_columns, program, random, rows, small_rows};

    #[test]
    fn values_equal_the_definition_on_every_row() {
        let shapes = [(0, 0), (1, 0), (5, 4), (1200, 11)];
        let tables = shapes.map(|(used, height)| [rows(used, height), small_rows(used, height)]);
        for rows in tables.into_iter().flatten() {
            let height = rows.height;
            let nodes: Vec<u32> = (0..rows.program.nodes.len() as u32).collect();
            let values = rows.evaluate(&nodes, rows.len()).unwrap();
            let columns = filled_columns(&rows);
            let form = rows
                .program
                .form(nodes.iter().copied().zip(random(nodes.len())));
            let evaluator = Evaluator::new(&rows, form.clone());
            let mut sums = vec![Fr::zero(); rows.len()];
            evaluator.write(&rows, 0, &mut sums);
            for row in 0..rows.len() {
                let cells: Vec<Fr> = columns.iter().map(|column| column[row]).collect();
                let expected = evaluate(&rows.program, &cells);
                for (values, expected) in values.iter().zip(&expected) {
                    assert_eq!(values[row], expected.into_bigint().0);
                }
                let linear: Fr = form
                    .columns
                    .iter()
                    .map(|(c, w)| cells[*c as usize] * w)
                    .sum();
                let products: Fr = form
                    .products
                    .iter()
                    .map(|(node, w)| expected[*node as usize] * w)
                    .sum();
                assert_eq!(sums[row], form.constant + linear + products);
            }
            let weights = crate::field::eq_table(&random(height as usize));
            let expected: Fr = sums.iter().zip(&weights).map(|(a, b)| *a * b).sum();
            assert_eq!(evaluator.weighted_sum(&rows, &weights), expected);
            assert!(rows.violations(10).is_empty());
            assert!(rows.evaluate(&[9999], 0).is_err());
            assert!(rows.evaluate(&[0], rows.len() + 1).is_err());
        }
    }

    #[test]
    fn violations_come_row_by_row_and_end_at_the_limit() {
        let nodes = vec![
            Node::Column(0),
            Node::Constant(Fr::from(3_u64)),
            Node::Subtract(0, 1),
        ];
        let program = Program::new(1, 0, nodes, vec![2, 0], vec![]).unwrap();
        let columns = vec![Column::U8(vec![3, 3, 4].into())];
        let rows = Rows::new(Arc::new(program), columns, 3).unwrap();
        let all = [
            (1, 0),
            (1, 1),
            (0, 2),
            (1, 2),
            (0, 3),
            (0, 4),
            (0, 5),
            (0, 6),
            (0, 7),
        ];
        assert_eq!(rows.violations(100), all);
        assert_eq!(rows.violations(4), all[..4]);
        assert_eq!(rows.violations(0), []);
    }

    #[test]
    fn cells_have_to_fit() {
        let program = Arc::new(program());
        let columns = crate::testing::columns(5);
        assert!(Rows::new(program.clone(), columns.clone(), 2).is_err());
        assert!(Rows::new(program.clone(), columns[1..].to_vec(), 3).is_err());
        assert!(Rows::new(program, columns, 60).is_err());
    }
}
