//! Programs made ready to run on blocks of rows.

use std::array::from_fn;
use std::collections::BTreeMap;
use std::ops::{Add, Mul, Sub};

use ark_ff::AdditiveGroup;

use crate::field::Fr;
use crate::program::{Node, excerpt};
use crate::vector::{LANES, Ring};

/// The nodes that some outputs need, in order, with registers for their values.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Columns to be loaded, each into the register of its place in this list.
    pub columns: Vec<u32>,
    /// Those with a register, after the columns'.
    constants: Vec<Fr>,
    /// Those that are only multiplied by.
    factors: Vec<Fr>,
    steps: Vec<Step>,
    outputs: Vec<usize>,
    registers: usize,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    operation: Operation,
    target: u32,
    /// a, b, and for some operations a second pair c, d.
    operands: [u32; 4],
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    Subtract,
    /// a and twice b.
    AddTwice,
    /// a less twice b.
    SubtractTwice,
    Multiply,
    /// By factor number b.
    Scale,
    /// a by factor number b, and c by number d.
    ScaleBoth,
    /// Output number `target`, a.
    Output,
    /// Output number `target`, a · b.
    OutputProduct,
}

/// Where outputs go as soon as they are computed.
pub trait Sink<T: Ring> {
    fn take(&mut self, output: usize, value: T);

    /// Take a · b.
    #[inline(always)]
    fn take_product(&mut self, output: usize, a: T, b: T) {
        self.take(output, a * b);
    }
}

impl<T: Ring> Sink<T> for () {
    #[inline(always)]
    fn take(&mut self, _: usize, _: T) {}
}

impl Tape {
    /// A tape that computes the nodes `outputs`, which stay in registers.
    pub fn new(nodes: &[Node], outputs: &[u32]) -> Self {
        Self::build(nodes, outputs, true)
    }

    /// A tape that hands each output to a sink.
    pub fn streaming(nodes: &[Node], outputs: &[u32]) -> Self {
        Self::build(nodes, outputs, false)
    }

    fn build(nodes: &[Node], outputs: &[u32], kept: bool) -> Self {
        let (mut nodes, outputs) = excerpt(nodes, outputs);
        sums_for_doubles(&mut nodes);
        let (nodes, outputs) = (nodes.as_slice(), outputs.as_slice());
        let mut last = last_uses(nodes, outputs, kept);
        let uses = uses(nodes, outputs, &last);
        let doubled = doubled(nodes, &uses, &mut last);
        let mut streamed: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        if !kept {
            for (output, node) in outputs.iter().enumerate() {
                streamed.entry(*node as usize).or_default().push(output);
            }
        }
        let mut tape = Self {
            columns: Vec::new(),
            constants: Vec::new(),
            factors: Vec::new(),
            steps: Vec::new(),
            outputs: Vec::new(),
            registers: 0,
        };
        // Inputs have registers of their own: columns first, then constants.
        let mut register = vec![usize::MAX; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            if let (Node::Column(column), Some(_)) = (node, last[i]) {
                register[i] = tape.columns.len();
                tape.columns.push(*column);
            }
        }
        let added = constants_in_sums(nodes, outputs, &last);
        for (i, node) in nodes.iter().enumerate() {
            match node {
                Node::Constant(value) if added[i] => {
                    register[i] = tape.columns.len() + tape.constants.len();
                    tape.constants.push(*value);
                }
                Node::Constant(value) if last[i].is_some() => {
                    register[i] = tape.factors.len();
                    tape.factors.push(*value);
                }
                _ => {}
            }
        }
        tape.registers = tape.columns.len() + tape.constants.len();
        for node in streamed
            .keys()
            .filter(|node| register[**node] != usize::MAX)
        {
            for output in &streamed[node] {
                tape.step(Operation::Output, *output, [register[*node]; 4]);
            }
        }
        let inputs = tape.registers;
        let is_factor = |node: usize| matches!(nodes[node], Node::Constant(_)) && !added[node];
        let scaled = scaled(nodes, &uses, is_factor, &mut last);
        let mut free = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            if last[i].is_none() || doubled[i].is_some() || scaled[i].is_some() {
                continue;
            }
            let of = |a: u32| doubled[a as usize].map(|twice| twice as usize);
            let mut second = None;
            let (operation, a, b) = match *node {
                Node::Add(a, b) => match (scaled[a as usize], scaled[b as usize]) {
                    (Some([a, factor]), Some(other)) => {
                        second = Some(other);
                        (Operation::ScaleBoth, a, factor)
                    }
                    _ => match (of(a), of(b)) {
                        (_, Some(twice)) => (Operation::AddTwice, a as usize, twice),
                        (Some(twice), _) => (Operation::AddTwice, b as usize, twice),
                        _ => (Operation::Add, a as usize, b as usize),
                    },
                },
                Node::Subtract(a, b) => match of(b) {
                    Some(twice) => (Operation::SubtractTwice, a as usize, twice),
                    None => (Operation::Subtract, a as usize, b as usize),
                },
                Node::Multiply(a, b) => match scale(a, b, is_factor) {
                    Some([a, factor]) => (Operation::Scale, a, factor),
                    None => (Operation::Multiply, a as usize, b as usize),
                },
                _ => continue,
            };
            let [c, d] = second.unwrap_or([a, b]);
            let mut read = vec![a, b, c, d];
            read.sort_unstable();
            read.dedup();
            for operand in read {
                let has_register = !is_factor(operand) && register[operand] >= inputs;
                if last[operand] == Some(i) && has_register {
                    free.push(register[operand]);
                }
            }
            if let (Operation::Multiply, true, Some([output])) = (
                operation,
                last[i] == Some(i),
                streamed.get(&i).map(Vec::as_slice),
            ) {
                tape.step(
                    Operation::OutputProduct,
                    *output,
                    [a, b, c, d].map(|node| register[node]),
                );
                continue;
            }
            let target = free.pop().unwrap_or_else(|| {
                tape.registers += 1;
                tape.registers - 1
            });
            register[i] = target;
            tape.step(operation, target, [a, b, c, d].map(|node| register[node]));
            for output in streamed.get(&i).into_iter().flatten() {
                tape.step(Operation::Output, *output, [target; 4]);
            }
            if last[i] == Some(i) {
                free.push(target);
            }
        }
        if kept {
            let outputs = outputs.iter();
            tape.outputs = outputs.map(|node| register[*node as usize]).collect();
        }
        tape
    }

    fn step(&mut self, operation: Operation, target: usize, operands: [usize; 4]) {
        self.steps.push(Step {
            operation,
            target: target as u32,
            operands: operands.map(|operand| operand as u32),
        });
    }

    /// Registers for values of any ring; the first are for the columns.
    #[inline(always)]
    pub fn registers<T: Ring>(&self, value: impl Fn(Fr) -> T) -> Registers<T> {
        let zero = value(Fr::ZERO);
        let mut registers = vec![zero; self.registers];
        for (i, constant) in self.constants.iter().enumerate() {
            registers[self.columns.len() + i] = value(*constant);
        }
        let mut factors = vec![zero; self.factors.len()];
        for (i, factor) in self.factors.iter().enumerate() {
            factors[i] = value(*factor);
        }
        Registers { registers, factors }
    }

    /// Compute the outputs from the columns' registers.
    #[inline(always)]
    pub fn run<T: Ring>(&self, registers: &mut Registers<T>) {
        self.run_into(registers, &mut ());
    }

    /// The same with a sink for outputs that are not kept.
    #[inline(always)]
    pub fn run_into<T: Ring>(&self, registers: &mut Registers<T>, sink: &mut impl Sink<T>) {
        let Registers { registers, factors } = registers;
        for step in &self.steps {
            let [a, b, c, d] = step.operands.map(|operand| operand as usize);
            let (a, target) = (registers[a], step.target as usize);
            registers[target] = match step.operation {
                Operation::Add => a + registers[b],
                Operation::Subtract => a - registers[b],
                Operation::AddTwice => a + registers[b] + registers[b],
                Operation::SubtractTwice => a - registers[b] - registers[b],
                Operation::Multiply => a * registers[b],
                Operation::Scale => a * factors[b],
                Operation::ScaleBoth => a.sum_of_products(factors[b], registers[c], factors[d]),
                Operation::Output => {
                    sink.take(target, a);
                    continue;
                }
                Operation::OutputProduct => {
                    sink.take_product(target, a, registers[b]);
                    continue;
                }
            };
        }
    }

    /// Output number `i` after `run`.
    #[inline(always)]
    pub fn output<T: Ring>(&self, registers: &Registers<T>, i: usize) -> T {
        registers.registers[self.outputs[i]]
    }
}

/// Values of a ring, one or several at a time.
pub struct Registers<T> {
    registers: Vec<T>,
    factors: Vec<T>,
}

impl<T> Registers<T> {
    /// The value of the column of this place in the tape's list.
    #[inline(always)]
    pub fn column(&mut self, place: usize) -> &mut T {
        &mut self.registers[place]
    }
}

/// A value on each row of a block.
#[derive(Clone, Copy)]
pub struct Lanes(pub [Fr; LANES]);

impl Add for Lanes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] + other.0[i]))
    }
}

impl Sub for Lanes {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] - other.0[i]))
    }
}

impl Mul for Lanes {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self(from_fn(|i| self.0[i] * other.0[i]))
    }
}

impl Ring for Lanes {}

/// Which constants need a register: they are outputs, or an operand of something else than a product.
fn constants_in_sums(nodes: &[Node], outputs: &[u32], last: &[Option<usize>]) -> Vec<bool> {
    let is_constant = |node: &u32| matches!(nodes[*node as usize], Node::Constant(_));
    let mut found = vec![false; nodes.len()];
    let mut mark = |node: &u32| found[*node as usize] |= is_constant(node);
    outputs.iter().for_each(&mut mark);
    for (node, _) in nodes.iter().zip(last).filter(|(_, last)| last.is_some()) {
        match node {
            Node::Add(a, b) | Node::Subtract(a, b) => [a, b].into_iter().for_each(&mut mark),
            Node::Multiply(a, b) if is_constant(a) && is_constant(b) => mark(a),
            _ => {}
        }
    }
    found
}

/// Put a + a for each product of a and 2.
fn sums_for_doubles(nodes: &mut [Node]) {
    let two = Node::Constant(Fr::from(2_u64));
    for i in 0..nodes.len() {
        match nodes[i] {
            Node::Multiply(a, b) if nodes[b as usize] == two => nodes[i] = Node::Add(a, a),
            Node::Multiply(a, b) if nodes[a as usize] == two => nodes[i] = Node::Add(b, b),
            _ => {}
        }
    }
}

/// How often each node is an operand, or an output.
fn uses(nodes: &[Node], outputs: &[u32], last: &[Option<usize>]) -> Vec<usize> {
    let mut uses = vec![0; nodes.len()];
    for node in outputs {
        uses[*node as usize] += 1;
    }
    for (node, _) in nodes.iter().zip(last).filter(|(_, last)| last.is_some()) {
        for operand in node.operands() {
            uses[operand as usize] += 1;
        }
    }
    uses
}

/// The factors of a product, the second being a constant.
fn scale(a: u32, b: u32, is_factor: impl Fn(usize) -> bool) -> Option<[usize; 2]> {
    match [a, b].map(|node| node as usize) {
        [a, b] if is_factor(b) => Some([a, b]),
        [a, b] if is_factor(a) => Some([b, a]),
        _ => None,
    }
}

/// For each node that is a multiple and operand of nothing but a sum of two such: its factors, which
/// that node then reads itself.
fn scaled(
    nodes: &[Node],
    uses: &[usize],
    is_factor: impl Fn(usize) -> bool,
    last: &mut [Option<usize>],
) -> Vec<Option<[usize; 2]>> {
    let mut scaled = vec![None; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let Node::Add(a, b) = *node else { continue };
        let of = |operand: u32| match nodes[operand as usize] {
            Node::Multiply(a, b) if uses[operand as usize] == 1 => scale(a, b, &is_factor),
            _ => None,
        };
        if let (Some(_), Some(first), Some(second)) = (last[i], of(a), of(b)) {
            scaled[a as usize] = Some(first);
            scaled[b as usize] = Some(second);
            for [factor, _] in [first, second] {
                last[factor] = last[factor].max(Some(i));
            }
        }
    }
    scaled
}

/// For each node that is a + a and an operand of one sum or difference alone, there not on the left
/// of a difference: a, which that node then reads itself.
fn doubled(nodes: &[Node], uses: &[usize], last: &mut [Option<usize>]) -> Vec<Option<u32>> {
    let mut doubled: Vec<Option<u32>> = vec![None; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        // The right operand first: only one is doubled on the way.
        let operands = match *node {
            Node::Add(a, b) => [Some(b), Some(a)],
            Node::Subtract(_, b) => [Some(b), None],
            _ => continue,
        };
        let twice = operands.into_iter().flatten().find_map(|operand| {
            let once = uses[operand as usize] == 1 && last[operand as usize] == Some(i);
            match nodes[operand as usize] {
                Node::Add(a, b) if a == b && once => Some((operand, a)),
                _ => None,
            }
        });
        if let Some((operand, a)) = twice {
            doubled[operand as usize] = Some(a);
            last[a as usize] = last[a as usize].max(Some(i));
        }
    }
    doubled
}

/// The last node that reads each node, itself if it is only handed on; None if no output needs it.
fn last_uses(nodes: &[Node], outputs: &[u32], kept: bool) -> Vec<Option<usize>> {
    let mut last = vec![None; nodes.len()];
    for node in outputs {
        let place = *node as usize;
        last[place] = Some(if kept { usize::MAX } else { place });
    }
    for (i, node) in nodes.iter().enumerate().rev() {
        if last[i].is_none() {
            continue;
        }
        for operand in node.operands() {
            let last = &mut last[operand as usize];
            *last = (*last).max(Some(i));
        }
    }
    last
}
