//! Programs made ready to run on blocks of rows.

use ark_ff::Zero;

use crate::arithmetic::{add, sub};
use crate::field::Fr;
use crate::program::Node;

/// Rows that one step of a tape works on.
pub use crate::vector::LANES;

/// A value on each row of a block.
pub type Lanes = [Fr; LANES];

/// The nodes that some outputs need, in order, with registers for their values.
#[derive(Clone, Debug)]
pub struct Tape {
    /// Columns to be loaded, each into the register of its place in this list.
    pub columns: Vec<u32>,
    constants: Vec<Fr>,
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
}

impl Tape {
    /// A tape that computes the nodes `outputs`.
    pub fn new(nodes: &[Node], outputs: &[u32]) -> Self {
        let last = last_uses(nodes, outputs);
        let mut tape = Self {
            columns: Vec::new(),
            constants: Vec::new(),
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
        for (i, node) in nodes.iter().enumerate() {
            if let (Node::Constant(value), Some(_)) = (node, last[i]) {
                register[i] = tape.columns.len() + tape.constants.len();
                tape.constants.push(*value);
            }
        }
        tape.registers = tape.columns.len() + tape.constants.len();
        let inputs = tape.registers;
        let mut free = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            let (operation, a, b) = match node {
                Node::Add(a, b) => (Operation::Add, *a as usize, *b as usize),
                Node::Subtract(a, b) => (Operation::Subtract, *a as usize, *b as usize),
                Node::Multiply(a, b) => (Operation::Multiply, *a as usize, *b as usize),
                _ => continue,
            };
            if last[i].is_none() {
                continue;
            }
            for (operand, repeated) in [(a, false), (b, a == b)] {
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
        self.compute(registers, add, sub, |a, b| a * b);
    }

    /// Compute the outputs in any ring.
    #[inline(always)]
    pub fn compute<T: Copy>(
        &self,
        registers: &mut [[T; LANES]],
        add: impl Fn(T, T) -> T,
        subtract: impl Fn(T, T) -> T,
        multiply: impl Fn(T, T) -> T,
    ) {
        for step in &self.steps {
            let (a, b) = (&registers[step.a], &registers[step.b]);
            registers[step.target] = match step.operation {
                Operation::Add => std::array::from_fn(|i| add(a[i], b[i])),
                Operation::Subtract => std::array::from_fn(|i| subtract(a[i], b[i])),
                Operation::Multiply => std::array::from_fn(|i| multiply(a[i], b[i])),
            };
        }
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
