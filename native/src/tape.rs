//! Programs made ready to run on blocks of rows.

use ark_bn254::FrConfig;
use ark_ff::{AdditiveGroup, Zero};

use crate::arithmetic::{add, sub};
use crate::field::Fr;
use crate::program::Node;
use crate::vector::Simd;

/// Rows that one step of a tape works on.
pub use crate::vector::LANES;

/// A value on each row of a block.
pub type Lanes = [Fr; LANES];

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
    target: usize,
    a: usize,
    b: usize,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    /// By factor number b.
    Scale,
}

impl Tape {
    /// A tape that computes the nodes `outputs`.
    pub fn new(nodes: &[Node], outputs: &[u32]) -> Self {
        let last = last_uses(nodes, outputs);
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
                Node::Add(a, b) => (Operation::Add, *a as usize, *b as usize),
                Node::Subtract(a, b) => (Operation::Subtract, *a as usize, *b as usize),
                Node::Multiply(a, b) => match (*a as usize, *b as usize) {
                    (a, b) if is_factor(b) => (Operation::Scale, a, b),
                    (a, b) if is_factor(a) => (Operation::Scale, b, a),
                    (a, b) => (Operation::Multiply, a, b),
                },
                _ => continue,
            };
            if last[i].is_none() {
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
                target,
                a: register[a],
                b: register[b],
            });
        }
        tape.outputs = outputs
            .iter()
            .map(|node| register[*node as usize])
            .collect();
        tape
    }

    pub fn constants(&self) -> &[Fr] {
        &self.constants
    }

    pub fn factors(&self) -> &[Fr] {
        &self.factors
    }

    /// Registers with the constants filled in; the first are for the columns.
    pub fn registers(&self) -> Vec<Lanes> {
        self.registers_of(&self.constants, Fr::zero())
    }

    /// Registers of another ring.
    pub fn registers_of<T: Copy>(&self, constants: &[T], zero: T) -> Vec<[T; LANES]> {
        let mut registers = vec![[zero; LANES]; self.registers];
        for (register, value) in registers[self.columns.len()..].iter_mut().zip(constants) {
            *register = [*value; LANES];
        }
        registers
    }

    /// Compute the outputs from the columns' registers.
    #[inline]
    pub fn run(&self, registers: &mut [Lanes]) {
        self.compute(registers, &self.factors, add, sub, |a, b| a * b);
    }

    /// Compute the outputs in any ring.
    #[inline(always)]
    pub fn compute<T: Copy>(
        &self,
        registers: &mut [[T; LANES]],
        factors: &[T],
        add: impl Fn(T, T) -> T,
        subtract: impl Fn(T, T) -> T,
        multiply: impl Fn(T, T) -> T,
    ) {
        for step in &self.steps {
            let mut value = registers[step.a];
            if let Operation::Scale = step.operation {
                for value in &mut value {
                    *value = multiply(*value, factors[step.b]);
                }
            } else {
                for (value, other) in value.iter_mut().zip(&registers[step.b]) {
                    *value = match step.operation {
                        Operation::Add => add(*value, *other),
                        Operation::Subtract => subtract(*value, *other),
                        _ => multiply(*value, *other),
                    };
                }
            }
            registers[step.target] = value;
        }
    }

    /// Vectors with the constants filled in; the first are for the columns.
    #[inline(always)]
    pub fn vectors<S: Simd>(&self, simd: S) -> Vec<S::Vector<FrConfig>> {
        let mut vectors = vec![simd.splat(Fr::ZERO); self.registers];
        for (vector, value) in vectors[self.columns.len()..]
            .iter_mut()
            .zip(&self.constants)
        {
            *vector = simd.splat(*value);
        }
        vectors
    }

    /// Compute output number 0 on vectors.
    #[inline(always)]
    pub fn run_on<S: Simd>(
        &self,
        simd: S,
        vectors: &mut [S::Vector<FrConfig>],
    ) -> S::Vector<FrConfig> {
        for step in &self.steps {
            let a = vectors[step.a];
            vectors[step.target] = match step.operation {
                Operation::Add => a + vectors[step.b],
                Operation::Subtract => a - vectors[step.b],
                Operation::Multiply => a * vectors[step.b],
                Operation::Scale => a * simd.splat(self.factors[step.b]),
            };
        }
        vectors[self.outputs[0]]
    }

    /// The outputs after `run`.
    pub fn outputs<'a, T>(
        &'a self,
        registers: &'a [[T; LANES]],
    ) -> impl Iterator<Item = &'a [T; LANES]> {
        self.outputs.iter().map(|register| &registers[*register])
    }

    /// Output number `i` after `run`.
    pub fn output<'a>(&self, registers: &'a [Lanes], i: usize) -> &'a Lanes {
        &registers[self.outputs[i]]
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
