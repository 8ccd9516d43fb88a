//! Weighted sums of polynomials in small cells, computed on integers.
//!
//! Bits, and what is made of bits, are small integers on the rows of a table, and still at the first
//! points of the first rounds. Such a sum costs a few integer products for each weight, and its
//! values are put together once a row. Terms whose weights double from one to the next, as in a
//! number that is recomposed from bits, are added up before they are weighted.

use std::collections::HashMap;
use std::ops::{Add, Mul, RangeInclusive, Sub};

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Field, PrimeField};

use crate::column::Column;
use crate::field::Fr;
use crate::program::{Form, Node, Program, excerpt};
use crate::tape::{Registers, Sink, Tape};
use crate::vector::{
    INTEGER_BITS, INTEGERS, IntegerSum, IntegerWeight, Kernel, LANES, MOST_INTEGERS, Simd, Vector,
    dispatch,
};

/// constant + the sum of weight · value, where the values are those of small nodes.
pub struct SmallSum {
    tape: Tape,
    constant: Fr,
    weights: Vec<IntegerWeight>,
    /// Less the constant, this is too much where `RAISE` was added to all values.
    raised: Fr,
}

/// Values are less in size; negative ones become positive when it is added.
const RAISE: i64 = 1 << (INTEGER_BITS - 2);

impl SmallSum {
    /// The sum of a form; None if a value could become large for cells in these intervals.
    pub fn new(
        program: &Program,
        form: &Form,
        interval: impl Fn(u32) -> Option<Interval>,
    ) -> Option<Self> {
        let linear = form.columns.iter().map(|(c, w)| (program.column(*c), *w));
        let terms = linear.chain(form.products.iter().copied());
        let (roots, weights): (Vec<u32>, Vec<Fr>) = terms.unzip();
        let (nodes, roots) = excerpt(&program.nodes, &roots);
        let mut nodes = Intervals::new(nodes, interval);
        let is_small = |node: &u32| nodes.size(*node).is_some_and(|size| size < RAISE);
        if !roots.iter().all(is_small) {
            return None;
        }
        let mut terms = nodes.gather(roots.into_iter().zip(weights));
        terms.retain(|(node, _)| nodes.size(*node) != Some(0));
        if terms.len() > MOST_INTEGERS {
            return None;
        }
        let (outputs, weights): (Vec<u32>, Vec<Fr>) = terms.into_iter().unzip();
        Some(Self {
            tape: Tape::streaming(&nodes.nodes, &outputs),
            constant: form.constant,
            raised: Fr::from(RAISE) * weights.iter().sum::<Fr>(),
            weights: weights.into_iter().map(IntegerWeight::new).collect(),
        })
    }

    /// The columns that the first registers are for.
    pub fn columns(&self) -> &[u32] {
        &self.tape.columns
    }

    /// What `run` is too much by, times its scale.
    pub fn raised(&self) -> Fr {
        self.raised
    }

    #[inline(always)]
    pub fn registers<S: Simd>(&self, simd: S) -> Registers<S::Integers> {
        self.tape
            .registers(|value| simd.integer(small(value).unwrap_or_default()))
    }

    /// Put the sums on the rows from `start` on.
    pub fn write(&self, columns: &[Column], start: usize, target: &mut [Fr]) {
        dispatch(Write {
            sum: self,
            columns,
            start,
            target,
        });
    }

    /// The sums without the constant where the registers hold the cells: these less `raised`, times
    /// `scale`.
    #[inline(always)]
    pub fn run<S: Simd>(
        &self,
        simd: S,
        registers: &mut Registers<S::Integers>,
    ) -> [S::Vector<FrConfig>; INTEGERS / LANES] {
        let mut weighted = Weighted::<S> {
            weights: &self.weights,
            raise: simd.integer(RAISE as i32),
            waiting: [(IntegerWeight::default(), simd.integer(0)); TOGETHER],
            count: 0,
            sum: simd.integer_sum(),
        };
        self.tape.run_into(registers, &mut weighted);
        weighted.sum.add(&weighted.waiting[..weighted.count]);
        weighted.sum.total()
    }
}

/// Terms that are added at once, for which the sum is fetched once.
const TOGETHER: usize = 16;

/// The sum of the outputs of a tape, weighted.
struct Weighted<'a, S: Simd> {
    weights: &'a [IntegerWeight],
    raise: S::Integers,
    waiting: [(IntegerWeight, S::Integers); TOGETHER],
    count: usize,
    sum: S::IntegerSum,
}

impl<S: Simd> Sink<S::Integers> for Weighted<'_, S> {
    #[inline(always)]
    fn take(&mut self, output: usize, value: S::Integers) {
        self.waiting[self.count % TOGETHER] = (self.weights[output], value + self.raise);
        self.count += 1;
        if self.count == TOGETHER {
            self.sum.add(&self.waiting);
            self.count = 0;
        }
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

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let mut registers = self.sum.registers(simd);
        let scale = simd.splat(S::IntegerSum::scale()).factor();
        let constant = simd.splat(self.sum.constant - self.sum.raised);
        for i in (0..self.target.len()).step_by(INTEGERS) {
            for (place, column) in self.sum.columns().iter().enumerate() {
                let cells = self.columns[*column as usize].cells();
                *registers.column(place) = simd.integers(&cells, self.start + i);
            }
            let sums = self.sum.run(simd, &mut registers);
            for (k, sum) in sums.into_iter().enumerate() {
                let sum = sum.times(scale) + constant;
                sum.store_at(self.target, i + k * LANES);
            }
        }
    }
}

/// Least and greatest value, if both fit 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(i32, i32);

impl Interval {
    pub fn new(least: i64, greatest: i64) -> Option<Self> {
        Some(Self(least.try_into().ok()?, greatest.try_into().ok()?))
    }

    /// Of four products or the like, of which one is the least and one the greatest.
    fn of(corners: [i64; 4]) -> Option<Self> {
        let least = corners.into_iter().min()?;
        Self::new(least, corners.into_iter().max()?)
    }

    /// Between what lines lie at `points`, 0 and 1 among them, whose values at 0 and 1 lie in this.
    pub fn extended(self, points: RangeInclusive<i32>) -> Option<Self> {
        let [least, greatest] = [self.0, self.1].map(i64::from);
        let [before, after] = [-i64::from(*points.start()), i64::from(*points.end()) - 1];
        let beyond = before.max(after) * (greatest - least);
        Self::new(least - beyond, greatest + beyond)
    }

    fn size(self) -> i64 {
        i64::from(self.0).abs().max(i64::from(self.1).abs())
    }
}

/// Results that do not fit are None.
impl Add for Interval {
    type Output = Option<Self>;

    fn add(self, other: Self) -> Option<Self> {
        let [a, b, c, d] = [self.0, self.1, other.0, other.1].map(i64::from);
        Self::new(a + c, b + d)
    }
}

impl Sub for Interval {
    type Output = Option<Self>;

    fn sub(self, other: Self) -> Option<Self> {
        let [a, b, c, d] = [self.0, self.1, other.0, other.1].map(i64::from);
        Self::new(a - d, b - c)
    }
}

impl Mul for Interval {
    type Output = Option<Self>;

    fn mul(self, other: Self) -> Option<Self> {
        let [a, b, c, d] = [self.0, self.1, other.0, other.1].map(i64::from);
        Self::of([a * c, a * d, b * c, b * d])
    }
}

/// Nodes, and between what their values lie; None if it does not fit.
struct Intervals {
    nodes: Vec<Node>,
    intervals: Vec<Option<Interval>>,
}

impl Intervals {
    fn new(nodes: Vec<Node>, column: impl Fn(u32) -> Option<Interval>) -> Self {
        let mut intervals: Vec<Option<Interval>> = Vec::with_capacity(nodes.len());
        for node in &nodes {
            let of = |node: u32| intervals[node as usize];
            intervals.push(match *node {
                Node::Constant(value) => small(value).map(|value| Interval(value, value)),
                Node::Column(number) => column(number),
                Node::Add(a, b) => of(a).zip(of(b)).and_then(|(a, b)| a + b),
                Node::Subtract(a, b) => of(a).zip(of(b)).and_then(|(a, b)| a - b),
                Node::Multiply(a, b) => of(a).zip(of(b)).and_then(|(a, b)| a * b),
            });
        }
        Self { nodes, intervals }
    }

    fn size(&self, node: u32) -> Option<i64> {
        self.intervals[node as usize].map(Interval::size)
    }

    /// times · a + b as a node, if it is small enough to be added to others.
    fn combined(&mut self, doubled: bool, a: u32, b: u32) -> Option<u32> {
        let [x, y] = [self.intervals[a as usize]?, self.intervals[b as usize]?];
        let twice = if doubled { (x + x)? } else { x };
        let sum = (twice + y).filter(|sum| sum.size() < RAISE)?;
        let a = if doubled {
            self.push(Node::Add(a, a), twice)
        } else {
            a
        };
        Some(self.push(Node::Add(a, b), sum))
    }

    fn push(&mut self, node: Node, interval: Interval) -> u32 {
        self.nodes.push(node);
        self.intervals.push(Some(interval));
        (self.nodes.len() - 1) as u32
    }

    /// The same weighted sum with fewer terms, as far as values stay small.
    fn gather(&mut self, terms: impl Iterator<Item = (u32, Fr)>) -> Vec<(u32, Fr)> {
        let mut gathered = Vec::new();
        let mut weights: Vec<Fr> = Vec::new();
        let mut by_weight: HashMap<Fr, u32> = HashMap::new();
        for (node, weight) in terms {
            match by_weight.get_mut(&weight) {
                None => {
                    weights.push(weight);
                    by_weight.insert(weight, node);
                }
                Some(other) => match self.combined(false, *other, node) {
                    Some(sum) => *other = sum,
                    None => gathered.push((node, weight)),
                },
            }
        }
        // A chain of doubling weights is added up from its greatest on.
        let half = Fr::from(2_u64).inverse().unwrap_or_default();
        let is_last = |weight: &&Fr| !by_weight.contains_key(&weight.double());
        for last in weights.iter().filter(is_last) {
            let (mut weight, mut sum) = (*last, by_weight[last]);
            while let Some(node) = by_weight.get(&(weight * half)) {
                match self.combined(true, sum, *node) {
                    Some(longer) => sum = longer,
                    None => {
                        gathered.push((sum, weight));
                        sum = *node;
                    }
                }
                weight *= half;
            }
            gathered.push((sum, weight));
        }
        gathered
    }
}

/// A field element as a small integer, if it is one or the opposite of one.
fn small(value: Fr) -> Option<i32> {
    let positive = |value: Fr| match value.into_bigint().0 {
        [word, 0, 0, 0] => i32::try_from(word).ok(),
        _ => None,
    };
    positive(value).or_else(|| positive(-value).map(|value| -value))
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
        for variables in [0, 1, 2] {
            assert!(rows.small_sum(&form, -1..=2, variables).is_some());
        }
        // Products of two bytes, far outside their rows, times seven.
        assert!(rows.small_sum(&form, 0..=1 << 9, 1).is_none());
        assert!(rows.small_sum(&form, -(1 << 30)..=1, 1).is_none());
        assert!(rows.small_sum(&form, 0..=3, 20).is_none());
    }

    struct Run<'a> {
        sum: &'a SmallSum,
        cells: &'a [i32],
    }

    impl Kernel for Run<'_> {
        type Output = [Fr; LANES];

        fn run<S: Simd>(self, simd: S) -> [Fr; LANES] {
            let mut registers = self.sum.registers(simd);
            for (place, column) in self.sum.columns().iter().enumerate() {
                *registers.column(place) = simd.integer(self.cells[*column as usize]);
            }
            let mut stored = [[Fr::ZERO; LANES]; INTEGERS / LANES];
            let scale = simd.splat(S::IntegerSum::scale()).factor();
            let sums = self.sum.run(simd, &mut registers);
            for (sum, stored) in sums.into_iter().zip(&mut stored) {
                (sum.times(scale) - simd.splat(self.sum.raised)).store(stored);
            }
            assert_eq!(stored, [stored[0]; INTEGERS / LANES]);
            stored[0]
        }
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
        let sum = |least, most| SmallSum::new(&program, &form, |_| Interval::new(least, most));
        // (a - b)^2 a and b: at most 2^30 in size, and more; then too much for one value
        assert!(sum(-645, 645).is_some());
        assert!(sum(-646, 646).is_none());
        assert!(sum(-1000, 1000).is_none());
        assert!(sum(0, i64::MAX).is_none());
        let lines = Interval(-3, 4).extended(-1..=3);
        assert_eq!(lines, Some(Interval(-2 * 4 - 9, 2 * 3 + 12)));
        let sum = sum(-500, 500).unwrap();
        for (a, b) in [(500, -500), (-500, 500), (500, 500), (0, -1), (3, 4)] {
            let cells = &[a, b];
            let [a, b] = [a, b].map(|value| Fr::from(i64::from(value)));
            let expected = -Fr::from(3_u64) * (a - b) * (a - b) * a + Fr::from(1_u64 << 40) * b;
            assert_eq!(dispatch(Run { sum: &sum, cells }), [expected; LANES]);
        }
    }

    #[test]
    fn doubling_weights_are_gathered() {
        const COLUMNS: u32 = 60;
        let nodes: Vec<Node> = (0..COLUMNS).map(Node::Column).collect();
        let program = Program::new(COLUMNS as usize, 0, nodes, vec![], vec![]).unwrap();
        let mut weights = vec![random(1)[0]];
        for i in 1..COLUMNS as usize {
            // Chains of 20, of which one weight comes twice.
            weights.push(match i {
                7 => weights[6],
                20 | 40 => random(1)[0],
                _ => weights[i - 1].double(),
            });
        }
        let form = program.form((0..COLUMNS).zip(weights.iter().copied()));
        let cells: Vec<i32> = (0..COLUMNS as i32).map(|i| i % 5 - 2).collect();
        let sum =
            |most: i64| SmallSum::new(&program, &form, |_| Interval::new(-most, most)).unwrap();
        let terms = cells.iter().zip(&weights);
        let expected: Fr = terms.map(|(c, w)| Fr::from(i64::from(*c)) * w).sum();
        for (most, outputs) in [(2, 3), (1 << 29, 60)] {
            let sum = sum(most);
            assert_eq!(sum.weights.len(), outputs);
            let (sum, cells) = (&sum, cells.as_slice());
            assert_eq!(dispatch(Run { sum, cells }), [expected; LANES]);
        }
    }
}
