//! Programs made ready to run on blocks of rows.

use std::array::from_fn;
use std::ops::{Add, Mul, Sub};

use ark_ff::AdditiveGroup;

use crate::field::Fr;
use crate::program::Node;
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
    a: u32,
    b: u32,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    /// Twice a, and b.
    AddTwice,
    Subtract,
    Multiply,
    /// By factor number b.
    Scale,
}

impl Tape {
    /// A tape that computes the nodes `outputs`.
    pub fn new(nodes: &[Node], outputs: &[u32]) -> Self {
        let mut last = last_uses(nodes, outputs);
        let doubled = doubled(nodes, &mut last);
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
        let inputs = tape.registers;
        let is_factor = |node: usize| matches!(nodes[node], Node::Constant(_)) && !added[node];
        let mut free = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            let (operation, a, b) = match node {
                Node::Add(a, b) if doubled[*a as usize].is_some() => {
                    let a = doubled[*a as usize].unwrap_or_default();
                    (Operation::AddTwice, a as usize, *b as usize)
                }
                Node::Add(a, b) => (Operation::Add, *a as usize, *b as usize),
                Node::Subtract(a, b) => (Operation::Subtract, *a as usize, *b as usize),
                Node::Multiply(a, b) => match (*a as usize, *b as usize) {
                    (a, b) if is_factor(b) => (Operation::Scale, a, b),
                    (a, b) if is_factor(a) => (Operation::Scale, b, a),
                    (a, b) => (Operation::Multiply, a, b),
                },
                _ => continue,
            };
            if last[i].is_none() || doubled[i].is_some() {
                continue;
            }
            for (operand, repeated) in [(a, false), (b, a == b || is_factor(b))] {
                if last[operand] == Some(i) && register[operand] >= inputs && !repeated {
                    free.push(register[operand]);
                }
            }
            let target = free.pop().unwrap_or_else(|| {
                tape.registers += 1;
                tape.registers - 1
            });
            register[i] = target;
            tape.steps.push(Step {
                operation,
                target: target as u32,
                a: register[a] as u32,
                b: register[b] as u32,
            });
        }
        tape.outputs = outputs
            .iter()
            .map(|node| register[*node as usize])
            .collect();
        tape
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
        let Registers { registers, factors } = registers;
        for step in &self.steps {
            let (a, b) = (registers[step.a as usize], step.b as usize);
            registers[step.target as usize] = match step.operation {
                Operation::Add => a + registers[b],
                Operation::AddTwice => a + a + registers[b],
                Operation::Subtract => a - registers[b],
                Operation::Multiply => a * registers[b],
                Operation::Scale => a * factors[b],
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

/// For each node that is a + a and only the left operand of one sum: a, which that sum reads then.
fn doubled(nodes: &[Node], last: &mut [Option<usize>]) -> Vec<Option<u32>> {
    let mut uses = vec![0; nodes.len()];
    for (node, _) in nodes.iter().zip(&*last).filter(|(_, last)| last.is_some()) {
        if let Node::Add(a, b) | Node::Subtract(a, b) | Node::Multiply(a, b) = node {
            for operand in [a, b] {
                uses[*operand as usize] += 1;
            }
        }
    }
    let mut doubled = vec![None; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let Node::Add(sum, other) = *node else {
            continue;
        };
        let once = uses[sum as usize] == 1 && last[sum as usize] == Some(i) && sum != other;
        if let (true, Some(_), Node::Add(a, b)) = (once, last[i], nodes[sum as usize])
            && a == b
        {
            doubled[sum as usize] = Some(a);
            last[a as usize] = last[a as usize].max(Some(i));
        }
    }
    doubled
}

/// The last node that reads each node; None if no output needs it.
fn last_uses(nodes: &[Node], outputs: &[u32]) -> Vec<Option<usize>> {
    let mut last = vec![None; nodes.len()];
    for node in outputs {
        last[*node as usize] = Some(usize::MAX);
    }
    for (i, node) in nodes.iter().enumerate().rev() {
        if last[i].is_none() {
            continue;
        }
        if let Node::Add(a, b) | Node::Subtract(a, b) | Node::Multiply(a, b) = node {
            for operand in [*a as usize, *b as usize] {
                last[operand] = last[operand].or(Some(i));
            }
        }
    }
    last
}
