//! Weighted sums of polynomials in small cells, computed on integers.
//!
//! Bits, and what is made of bits, are small integers on the rows of a table, and still at the first
//! points of a round. Such a sum costs a field product for each weight at most, and that one split
//! into limbs: sums of 32-bit limbs times small integers, put together once a row.

use std::cell::Cell as Mutable;
use std::iter;

use ark_ff::{BigInt, PrimeField};

use crate::column::{Cells, Column};
use crate::field::{Factor, Fr, Wide};
use crate::program::{Form, Node, Program};
use crate::tape::Tape;
use crate::vector::{Kernel, LANES, Simd, dispatch};

/// A small value on each row of a block.
pub type Integers = [i32; LANES];

const LIMBS: usize = 8;
const LIMB_BITS: usize = 32;

/// Least and greatest value.
type Interval = (i64, i64);

/// constant + the sum of weight · value, where the values are those of small nodes.
pub struct SmallSum {
    tape: Tape,
    constants: Vec<i32>,
    factors: Vec<i32>,
    constant: Fr,
    /// The weights' Montgomery form, in limbs.
    weights: Vec<[u32; LIMBS]>,
}

impl SmallSum {
    /// The sum of a form; None if a value could become large for inputs in these intervals.
    pub fn new(program: &Program, form: &Form, interval: impl Fn(u32) -> Interval) -> Option<Self> {
        let columns = column_nodes(program);
        let linear = form.columns.iter().map(|(c, w)| (columns[*c as usize], *w));
        let (nodes, weights): (Vec<u32>, Vec<Fr>) =
            linear.chain(form.products.iter().copied()).unzip();
        let tape = Tape::new(&program.nodes, &nodes);
        let integers = |values: &[Fr]| values.iter().map(|value| small(*value)).collect();
        let constants: Option<Vec<i32>> = integers(tape.constants());
        let factors: Option<Vec<i32>> = integers(tape.factors());
        let (constants, factors) = constants.zip(factors)?;
        let inputs = tape.columns.iter().map(|column| interval(*column));
        fits(&tape, inputs, &constants, &factors).then(|| Self {
            weights: weights.into_iter().map(limbs).collect(),
            tape,
            constants,
            factors,
            constant: form.constant,
        })
    }

    /// The columns that the first registers are for.
    pub fn columns(&self) -> &[u32] {
        &self.tape.columns
    }

    pub fn registers(&self) -> Vec<Integers> {
        self.tape.registers_of(&self.constants, 0)
    }

    /// Write the sums on the rows from `start` on.
    pub fn write(&self, columns: &[Column], start: usize, target: &mut [Fr]) {
        dispatch(Write {
            sum: self,
            columns,
            start,
            target,
        });
    }

    /// The sums on the rows whose cells the registers hold.
    #[inline(always)]
    pub fn run(&self, registers: &mut [Integers]) -> [Fr; LANES] {
        self.tape.compute(
            registers,
            &self.factors,
            |a, b| a.wrapping_add(b),
            |a, b| a.wrapping_sub(b),
            |a, b| a.wrapping_mul(b),
        );
        let mut sums = [[0_i64; LANES]; LIMBS];
        for (weight, values) in self.weights.iter().zip(self.tape.outputs(registers)) {
            for (sum, limb) in sums.iter_mut().zip(weight) {
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += i64::from(*limb) * i64::from(*value);
                }
            }
        }
        std::array::from_fn(|lane| self.constant + total(sums.map(|sum| sum[lane])))
    }
}

struct Write<'a> {
    sum: &'a SmallSum,
    columns: &'a [Column],
    start: usize,
    target: &'a mut [Fr],
}

impl Kernel for Write<'_> {
    type Output = ();

    /// On integers: the compiler has the instruction set do several at a time.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let mut registers = self.sum.registers();
        for (i, target) in self.target.chunks_mut(LANES).enumerate() {
            let row = self.start + i * LANES;
            for (column, register) in self.sum.columns().iter().zip(&mut registers) {
                read(self.columns[*column as usize].cells(), row, register);
            }
            target.copy_from_slice(&self.sum.run(&mut registers)[..target.len()]);
        }
    }
}

/// The node of each column that has one.
fn column_nodes(program: &Program) -> Vec<u32> {
    let mut places = vec![u32::MAX; program.width + program.fixed];
    for (i, node) in program.nodes.iter().enumerate() {
        if let Node::Column(column) = node {
            places[*column as usize] = i as u32;
        }
    }
    places
}

/// Whether registers keep to 32 bits, and sums of limbs to 64.
fn fits(
    tape: &Tape,
    inputs: impl Iterator<Item = Interval>,
    constants: &[i32],
    factors: &[i32],
) -> bool {
    let points = |values: &[i32]| -> Vec<Interval> {
        let wide = values.iter().map(|value| i64::from(*value));
        wide.map(|value| (value, value)).collect()
    };
    let mut registers = tape.registers_of(&points(constants), (0, 0));
    for (register, interval) in registers.iter_mut().zip(inputs) {
        *register = [(clamp(interval.0), clamp(interval.1)); LANES];
    }
    let inputs = registers.iter().map(|register| magnitude(register[0]));
    let largest = Mutable::new(inputs.max().unwrap_or(0));
    let keep = |interval: Interval| {
        let (low, high) = (clamp(interval.0), clamp(interval.1));
        largest.set(largest.get().max(magnitude((low, high))));
        (low, high)
    };
    tape.compute(
        &mut registers,
        &points(factors),
        |a, b| keep((a.0 + b.0, a.1 + b.1)),
        |a, b| keep((a.0 - b.1, a.1 - b.0)),
        |a, b| {
            let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
            keep(
                corners
                    .into_iter()
                    .fold((i64::MAX, i64::MIN), |(low, high), c| {
                        (low.min(c), high.max(c))
                    }),
            )
        },
    );
    let all: i64 = tape
        .outputs(&registers)
        .map(|output| magnitude(output[0]))
        .fold(0, i64::saturating_add);
    largest.get() <= i64::from(i32::MAX) && all < 1 << (63 - LIMB_BITS)
}

/// Sums and products of clamped bounds do not overflow.
fn clamp(bound: i64) -> i64 {
    const MOST: i64 = 1 << 31;
    bound.clamp(-MOST, MOST)
}

fn magnitude(interval: Interval) -> i64 {
    interval.0.abs().max(interval.1.abs())
}

/// A field element as a small integer, if it is one or the opposite of one.
fn small(value: Fr) -> Option<i32> {
    let positive = |value: Fr| match value.into_bigint().0 {
        [word, 0, 0, 0] => i32::try_from(word).ok(),
        _ => None,
    };
    positive(value).or_else(|| positive(-value).map(|value| -value))
}

fn limbs(weight: Fr) -> [u32; LIMBS] {
    std::array::from_fn(|i| (weight.0.0[i / 2] >> (LIMB_BITS * (i % 2))) as u32)
}

/// The element whose Montgomery form is the sum of 2^(32 i) sums[i].
fn total(sums: [i64; LIMBS]) -> Fr {
    let (mut positive, mut negative) = (Wide::default(), Wide::default());
    for (i, sum) in sums.into_iter().enumerate() {
        let sign = if sum < 0 {
            &mut negative
        } else {
            &mut positive
        };
        sign.add(&PLACES[i], sum.unsigned_abs());
    }
    positive.reduce() - negative.reduce()
}

/// The elements whose Montgomery forms are 2^(32 i).
static PLACES: std::sync::LazyLock<[Factor; LIMBS]> = std::sync::LazyLock::new(|| {
    std::array::from_fn(|i| {
        let mut words = [0; 4];
        words[i / 2] = 1 << (LIMB_BITS * (i % 2));
        Factor::new(Fr::new_unchecked(BigInt(words)))
    })
});

/// The cells of LANES rows from `row` on; those past the last are zero.
#[inline(always)]
pub fn read(cells: Cells<'_>, row: usize, integers: &mut Integers) {
    #[inline(always)]
    fn copy<C: Copy>(cells: &[C], integers: &mut Integers, cast: impl Fn(C) -> i32) {
        let given = cells.iter().map(|cell| cast(*cell));
        let all = given.chain(iter::repeat(0));
        integers
            .iter_mut()
            .zip(all)
            .for_each(|(integer, cell)| *integer = cell);
    }
    match cells.range(row..row + LANES) {
        Cells::U8(cells) => copy(cells, integers, i32::from),
        Cells::U16(cells) => copy(cells, integers, i32::from),
        Cells::U32(cells) => copy(cells, integers, |cell| cell as i32),
        Cells::U64(cells) => copy(cells, integers, |cell| cell as i32),
        Cells::U128(cells) => copy(cells, integers, |cell| cell[0] as i32),
        Cells::Field(cells) => copy(cells, integers, |cell| cell[0] as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Interaction;
    use crate::testing::{random, small_rows};

    #[test]
    fn many_small_products_are_summed_on_integers() {
        let rows = small_rows(40, 6);
        let interaction: &Interaction = &rows.program.interactions[0];
        let form = rows
            .program
            .denominator(interaction, Fr::from(5_u64), random(1)[0]);
        assert!(rows.small_sum(&form, 1).is_some());
        assert!(rows.small_sum(&form, 3).is_some());
        // Products of two bytes, far outside their rows, times seven.
        assert!(rows.small_sum(&form, 1 << 9).is_none());
        assert!(rows.small_sum(&form, 1 << 40).is_none());
    }

    #[test]
    fn intervals_hold_at_their_ends() {
        let nodes = vec![
            Node::Column(0),
            Node::Column(1),
            Node::Subtract(0, 1),
            Node::Multiply(2, 2),
            Node::Multiply(3, 0),
        ];
        let program = Program::new(2, 0, nodes, vec![4], vec![]).unwrap();
        let form = program.form([(4, -Fr::from(3_u64)), (1, Fr::from(1_u64 << 40))]);
        let sum = |least, most| SmallSum::new(&program, &form, |_| (least, most));
        // (a - b)^2 a: at most 4 · 10^9 in size, which is more than 2^31, and 2^31 exactly
        assert!(sum(-1000, 1000).is_none());
        assert!(sum(-(1 << 9), 1 << 9).is_some());
        assert!(sum(0, i64::MAX).is_none());
        let sum = sum(-500, 500).unwrap();
        for (a, b) in [(500, -500), (-500, 500), (500, 500), (0, -1), (3, 4)] {
            let mut registers = sum.registers();
            registers[0] = [a; LANES];
            registers[1] = [b; LANES];
            let [a, b] = [a, b].map(|value| Fr::from(i64::from(value)));
            let expected = -Fr::from(3_u64) * (a - b) * (a - b) * a + Fr::from(1_u64 << 40) * b;
            assert_eq!(sum.run(&mut registers), [expected; LANES]);
        }
    }
}
