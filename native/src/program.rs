//! A table's flat program: nodes, constraints and interactions.

use std::collections::BTreeMap;

use ark_ff::{Field, Zero};

use crate::arithmetic::{add, mul, sub};
use crate::error::{Error, Result};
use crate::field::Fr;

/// Far above what a round polynomial can carry.
const MAX_DEGREE: usize = 16;

/// An operation on the numbers of earlier nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    Constant(Fr),
    /// Witness columns first, then fixed ones.
    Column(u32),
    Add(u32, u32),
    Subtract(u32, u32),
    Multiply(u32, u32),
}

impl Node {
    /// The nodes that it reads.
    pub fn operands(&self) -> impl Iterator<Item = u32> + use<> {
        let operands = match *self {
            Self::Constant(_) | Self::Column(_) => [None, None],
            Self::Add(a, b) | Self::Subtract(a, b) | Self::Multiply(a, b) => [Some(a), Some(b)],
        };
        operands.into_iter().flatten()
    }

    /// The same operation on nodes that are numbered anew.
    fn renumbered(self, number: impl Fn(u32) -> u32) -> Self {
        match self {
            Self::Constant(_) | Self::Column(_) => self,
            Self::Add(a, b) => Self::Add(number(a), number(b)),
            Self::Subtract(a, b) => Self::Subtract(number(a), number(b)),
            Self::Multiply(a, b) => Self::Multiply(number(a), number(b)),
        }
    }
}

/// The fraction numerator / (alpha + bus + sum over l of beta^(l+1) message[l]).
#[derive(Clone, Debug)]
pub struct Interaction {
    pub bus: u64,
    pub numerator: u32,
    pub message: Vec<u32>,
}

/// The expressions of one table.
#[derive(Clone, Debug)]
pub struct Program {
    /// Witness columns.
    pub width: usize,
    /// Fixed columns.
    pub fixed: usize,
    pub nodes: Vec<Node>,
    pub constraints: Vec<u32>,
    pub interactions: Vec<Interaction>,
    /// The value of each node that no cell enters.
    constants: Vec<Option<Fr>>,
    /// The total degree of each node.
    degrees: Vec<usize>,
    /// The node of each column that has one.
    columns: Vec<u32>,
}

impl Program {
    /// Check that every node refers to earlier ones and to columns that exist.
    pub fn new(
        width: usize,
        fixed: usize,
        nodes: Vec<Node>,
        constraints: Vec<u32>,
        interactions: Vec<Interaction>,
    ) -> Result<Self> {
        if nodes.len() > u32::MAX as usize || width.max(fixed) > u32::MAX as usize / 2 {
            return Err(Error::Program("too large".into()));
        }
        let degrees = degrees(&nodes)?;
        let mut constants: Vec<Option<Fr>> = Vec::with_capacity(nodes.len());
        for (i, node) in nodes.iter().enumerate() {
            let value = |a: u32| {
                constants
                    .get(a as usize)
                    .copied()
                    .ok_or_else(|| Error::Program(format!("node {i} reads node {a}")))
            };
            constants.push(match node {
                Node::Constant(value) => Some(*value),
                Node::Column(column) if (*column as usize) < width + fixed => None,
                Node::Column(column) => {
                    return Err(Error::Program(format!("node {i} reads column {column}")));
                }
                Node::Add(a, b) => value(*a)?.zip(value(*b)?).map(|(a, b)| a + b),
                Node::Subtract(a, b) => value(*a)?.zip(value(*b)?).map(|(a, b)| a - b),
                Node::Multiply(a, b) => value(*a)?.zip(value(*b)?).map(|(a, b)| a * b),
            });
        }
        let roots = interactions
            .iter()
            .flat_map(|interaction| interaction.message.iter().chain([&interaction.numerator]));
        for root in roots.chain(&constraints) {
            if *root as usize >= nodes.len() {
                return Err(Error::Program(format!("there is no node {root}")));
            }
        }
        let mut columns = vec![0; width + fixed];
        for (i, node) in nodes.iter().enumerate() {
            if let Node::Column(column) = node {
                columns[*column as usize] = i as u32;
            }
        }
        Ok(Self {
            width,
            fixed,
            nodes,
            constraints,
            interactions,
            constants,
            degrees,
            columns,
        })
    }

    /// What the sum over rows sums, at one point: for the values of all columns there, the sums of
    /// theta^i times constraint i, and of omega_j times numerator and denominator of interaction j.
    pub fn summands(
        &self,
        cells: &[Fr],
        theta: Fr,
        [alpha, beta]: [Fr; 2],
        omega: &[Fr],
    ) -> Result<[Fr; 3]> {
        if cells.len() != self.width + self.fixed || omega.len() != self.interactions.len() {
            return Err(Error::Program(format!(
                "{} cells and {} weights do not fit",
                cells.len(),
                omega.len()
            )));
        }
        let mut values: Vec<Fr> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            values.push(match *node {
                Node::Constant(value) => value,
                Node::Column(column) => cells[column as usize],
                Node::Add(a, b) => add(values[a as usize], values[b as usize]),
                Node::Subtract(a, b) => sub(values[a as usize], values[b as usize]),
                Node::Multiply(a, b) => mul(values[a as usize], values[b as usize]),
            });
        }
        let of = |node: &u32| values[*node as usize];
        let horner = |sum: Fr, x: Fr, node: &u32| add(mul(sum, x), of(node));
        let constraints = self.constraints.iter().rev();
        let mut sums = [Fr::zero(); 3];
        sums[0] = constraints.fold(Fr::zero(), |sum, node| horner(sum, theta, node));
        for (interaction, weight) in self.interactions.iter().zip(omega) {
            let message = interaction.message.iter().rev();
            let message = message.fold(Fr::zero(), |sum, node| horner(sum, beta, node)) * beta;
            sums[1] += *weight * of(&interaction.numerator);
            sums[2] += *weight * (alpha + Fr::from(interaction.bus) + message);
        }
        Ok(sums)
    }

    /// The value of a node that no cell enters.
    pub fn constant(&self, node: u32) -> Option<Fr> {
        self.constants[node as usize]
    }

    /// The total degree of a node.
    pub fn degree(&self, node: u32) -> usize {
        self.degrees[node as usize]
    }

    /// A weighted sum of nodes with everything linear carried down to columns and products.
    pub fn form(&self, weights: impl IntoIterator<Item = (u32, Fr)>) -> Form {
        let mut pending: BTreeMap<u32, Fr> = BTreeMap::new();
        for (node, weight) in weights {
            *pending.entry(node).or_default() += weight;
        }
        let mut form = Form::default();
        // Nodes read earlier ones only: the last has its whole weight when its turn comes.
        while let Some((number, weight)) = pending.pop_last() {
            if weight.is_zero() {
                continue;
            }
            if let Some(value) = self.constant(number) {
                form.constant += weight * value;
                continue;
            }
            let mut pass = |node: u32, weight: Fr| *pending.entry(node).or_default() += weight;
            match self.nodes[number as usize] {
                Node::Constant(value) => form.constant += weight * value,
                Node::Column(column) => *form.columns.entry(column).or_default() += weight,
                Node::Add(a, b) => {
                    pass(a, weight);
                    pass(b, weight);
                }
                Node::Subtract(a, b) => {
                    pass(a, weight);
                    pass(b, -weight);
                }
                Node::Multiply(a, b) => match (self.constant(a), self.constant(b)) {
                    (Some(value), _) => pass(b, weight * value),
                    (_, Some(value)) => pass(a, weight * value),
                    _ => form.products.push((number, weight)),
                },
            }
        }
        form.columns.retain(|_, weight| !weight.is_zero());
        form
    }

    /// The node of a column that has one.
    pub fn column(&self, column: u32) -> u32 {
        self.columns[column as usize]
    }

    /// The column x of a product x (x - 1).
    pub fn bit(&self, product: u32) -> Option<u32> {
        let Node::Multiply(a, b) = self.nodes[product as usize] else {
            return None;
        };
        match (self.nodes[a as usize], self.nodes[b as usize]) {
            (Node::Column(column), Node::Subtract(c, d)) => {
                (a == c && self.constant(d) == Some(Fr::ONE)).then_some(column)
            }
            _ => None,
        }
    }

    /// The column x of a node a + b x, with a and b, if that is all of it.
    pub fn line(&self, node: u32) -> Option<(u32, [Fr; 2])> {
        if self.degree(node) != 1 {
            return None;
        }
        let form = self.form([(node, Fr::ONE)]);
        match form.columns.into_iter().collect::<Vec<_>>()[..] {
            [(column, slope)] => Some((column, [form.constant, slope])),
            _ => None,
        }
    }

    /// The weights that make the denominator of an interaction out of its message.
    pub fn denominator(&self, interaction: &Interaction, alpha: Fr, beta: Fr) -> Form {
        let mut power = Fr::ONE;
        let mut form = self.form(interaction.message.iter().map(|node| {
            power *= beta;
            (*node, power)
        }));
        form.constant += alpha + Fr::from(interaction.bus);
        form
    }
}

/// What `roots` need, in order, and their numbers there.
pub fn excerpt(nodes: &[Node], roots: &[u32]) -> (Vec<Node>, Vec<u32>) {
    const UNSEEN: u32 = u32::MAX;
    let mut numbers = vec![UNSEEN; nodes.len()];
    let (mut needed, mut pending) = (Vec::new(), roots.to_vec());
    while let Some(node) = pending.pop() {
        if std::mem::take(&mut numbers[node as usize]) == UNSEEN {
            needed.push(node);
            pending.extend(nodes[node as usize].operands());
        }
    }
    needed.sort_unstable();
    for (number, node) in needed.iter().enumerate() {
        numbers[*node as usize] = number as u32;
    }
    let number = |node: u32| numbers[node as usize];
    let nodes = needed
        .iter()
        .map(|node| nodes[*node as usize].renumbered(number));
    (
        nodes.collect(),
        roots.iter().map(|root| number(*root)).collect(),
    )
}

/// Total degrees, as far as nodes refer to earlier ones; they bound the depth of recursions.
fn degrees(nodes: &[Node]) -> Result<Vec<usize>> {
    let mut degrees: Vec<usize> = Vec::with_capacity(nodes.len());
    for (i, node) in nodes.iter().enumerate() {
        let of = |a: u32| degrees.get(a as usize).copied().unwrap_or(0);
        let degree = match node {
            Node::Constant(_) => 0,
            Node::Column(_) => 1,
            Node::Add(a, b) | Node::Subtract(a, b) => of(*a).max(of(*b)),
            Node::Multiply(a, b) => of(*a) + of(*b),
        };
        if degree > MAX_DEGREE {
            return Err(Error::Program(format!("node {i} has degree {degree}")));
        }
        degrees.push(degree);
    }
    Ok(degrees)
}

/// constant + the sum of weight · column + the sum of weight · product node.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub constant: Fr,
    pub columns: BTreeMap<u32, Fr>,
    pub products: Vec<(u32, Fr)>,
}

impl Form {
    /// Whether there are so many products that it pays to look for a sum on integers.
    pub fn is_long(&self) -> bool {
        const MANY: usize = 32;
        self.products.len() >= MANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evaluate, program, random};

    #[test]
    fn summands_are_sums_over_nodes() {
        let (program, cells) = (program(), random(6));
        let [theta, alpha, beta] = [Fr::from(3_u64), Fr::from(5_u64), Fr::from(7_u64)];
        let omega = random(program.interactions.len());
        let values = evaluate(&program, &cells);
        let mut expected = [values[15] + theta * values[16], Fr::zero(), Fr::zero()];
        for (interaction, weight) in program.interactions.iter().zip(&omega) {
            let form = program.denominator(interaction, alpha, beta);
            let columns = form.columns.iter().map(|(c, w)| *w * cells[*c as usize]);
            let products = form.products.iter().map(|(n, w)| *w * values[*n as usize]);
            expected[1] += *weight * values[interaction.numerator as usize];
            expected[2] += *weight * (form.constant + columns.chain(products).sum::<Fr>());
        }
        let sums =
            |cells: &[Fr], omega: &[Fr]| program.summands(cells, theta, [alpha, beta], omega);
        assert_eq!(sums(&cells, &omega).unwrap(), expected);
        assert!(sums(&cells[1..], &omega).is_err());
        assert!(sums(&cells, &omega[1..]).is_err());
    }
}
