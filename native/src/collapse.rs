//! A weighted sum of a program's nodes as few vectors and few products.
//!
//! Most of what a table says is affine in its cells, or a selector times something affine. All
//! affine parts become one vector each, computed once from the typed cells; products that share a
//! factor are added before they are multiplied by it.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use ark_ff::{AdditiveGroup, Field, Zero};

use crate::field::Fr;
use crate::groups::groups;
use crate::program::{Form, Node, Program};
use crate::tape::{Sink, Tape};

/// What a tape reads: a column as it is, or a combination of columns.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    Column(u32),
    Combination(Vec<(u32, Fr)>),
}

/// A polynomial in the cells of a row: the sum of the outputs of `tapes`, whose column i is
/// `inputs[i]`.
#[derive(Clone, Debug)]
pub struct Collapsed {
    pub inputs: Vec<Input>,
    pub tapes: Vec<Tape>,
    /// Total degree in the cells.
    pub degree: usize,
}

/// Collapse a form.
pub fn collapse(program: &Program, mut form: Form) -> Collapsed {
    let mut builder = Builder {
        program,
        nodes: Vec::new(),
        degrees: Vec::new(),
        inputs: Vec::new(),
        numbers: HashMap::new(),
        constants: HashMap::new(),
        values: HashMap::new(),
    };
    let products = std::mem::take(&mut form.products);
    let groups = groups(program, &products).into_iter();
    let mut terms: Vec<Vec<u32>> = groups
        .map(|products| builder.products(products, Some(&mut form)))
        .collect();
    terms.push(Vec::from_iter(builder.affine(&form)));
    let degrees = terms.iter().flatten();
    let degrees = degrees.map(|node| builder.degrees[*node as usize]);
    Collapsed {
        degree: degrees.max().unwrap_or(0),
        tapes: terms
            .iter()
            .map(|terms| Tape::streaming(&builder.nodes, terms))
            .collect(),
        inputs: builder.inputs,
    }
}

/// The sum of all outputs.
struct Total(Fr);

impl Sink<Fr> for Total {
    fn take(&mut self, _: usize, value: Fr) {
        self.0 += value;
    }
}

impl Collapsed {
    /// The value for these values of the inputs.
    pub fn value(&self, input: impl Fn(&Input) -> Fr) -> Fr {
        let mut total = Total(Fr::zero());
        for tape in &self.tapes {
            let mut registers = tape.registers(|value| value);
            for (place, number) in tape.columns.iter().enumerate() {
                *registers.column(place) = input(&self.inputs[*number as usize]);
            }
            tape.run_into(&mut registers, &mut total);
        }
        total.0
    }
}

/// Nodes whose columns are numbers of `inputs`.
struct Builder<'a> {
    program: &'a Program,
    nodes: Vec<Node>,
    degrees: Vec<usize>,
    inputs: Vec<Input>,
    /// The node of each input.
    numbers: HashMap<Input, u32>,
    /// The node of each constant.
    constants: HashMap<Fr, u32>,
    /// The node of each program node that is a factor.
    values: HashMap<u32, u32>,
}

impl Builder<'_> {
    fn push(&mut self, node: Node, degree: usize) -> u32 {
        self.nodes.push(node);
        self.degrees.push(degree);
        (self.nodes.len() - 1) as u32
    }

    fn input(&mut self, input: Input) -> u32 {
        if let Some(number) = self.numbers.get(&input) {
            return *number;
        }
        self.inputs.push(input.clone());
        let number = self.push(Node::Column((self.inputs.len() - 1) as u32), 1);
        self.numbers.insert(input, number);
        number
    }

    fn constant(&mut self, value: Fr) -> u32 {
        if let Some(number) = self.constants.get(&value) {
            return *number;
        }
        let number = self.push(Node::Constant(value), 0);
        self.constants.insert(value, number);
        number
    }

    fn add(&mut self, a: Option<u32>, b: u32) -> u32 {
        let Some(a) = a else { return b };
        let degree = self.degrees[a as usize].max(self.degrees[b as usize]);
        self.push(Node::Add(a, b), degree)
    }

    fn multiply(&mut self, a: u32, b: u32) -> u32 {
        let degree = self.degrees[a as usize] + self.degrees[b as usize];
        self.push(Node::Multiply(a, b), degree)
    }

    /// The node of a form; None for zero.
    fn form(&mut self, mut form: Form) -> Option<u32> {
        let products = std::mem::take(&mut form.products);
        if let [(product, weight)] = products[..]
            && weight != Fr::ONE
        {
            let product = self.value(product);
            let affine = self.affine(&form);
            return Some(self.add_scaled(affine, product, weight));
        }
        let terms = self.products(products, None);
        let affine = self.affine(&form);
        terms
            .into_iter()
            .fold(affine, |total, term| Some(self.add(total, term)))
    }

    /// The nodes whose sum are weighted products, less multiples of columns where a form takes them.
    fn products(&mut self, products: Vec<(u32, Fr)>, mut affine: Option<&mut Form>) -> Vec<u32> {
        let factors = factors(self.program, products, affine.as_deref_mut());
        let mut products = Products::new(factors);
        let mut terms = Vec::new();
        while let Some((factor, mut cofactors)) = products.take_most_frequent() {
            let squares = cofactors.extract_if(.., |(node, _)| *node == factor);
            let square: Fr = squares.map(|(_, weight)| weight).sum();
            let mut cofactor = self.program.form(cofactors);
            if let (Node::Column(column), Some(affine)) =
                (self.program.nodes[factor as usize], &mut affine)
            {
                let constant = std::mem::take(&mut cofactor.constant);
                *affine.columns.entry(column).or_default() += constant;
            }
            let factor = self.value(factor);
            let mut cofactor = self.form(cofactor);
            if !square.is_zero() {
                cofactor = Some(self.add_scaled(cofactor, factor, square));
            }
            if let Some(cofactor) = cofactor {
                terms.push(self.multiply(factor, cofactor));
            }
        }
        terms
    }

    /// The affine part of a form.
    fn affine(&mut self, form: &Form) -> Option<u32> {
        let columns = form.columns.iter().filter(|(_, weight)| !weight.is_zero());
        let columns: Vec<(u32, Fr)> = columns.map(|(c, w)| (*c, *w)).collect();
        match columns.as_slice() {
            [] => self.nonzero(form.constant),
            [(column, weight)] => {
                let number = self.input(Input::Column(*column));
                Some(self.line(form.constant, number, *weight))
            }
            _ => {
                let constant = self.nonzero(form.constant);
                let number = self.input(Input::Combination(columns));
                Some(self.add(constant, number))
            }
        }
    }

    fn nonzero(&mut self, value: Fr) -> Option<u32> {
        (!value.is_zero()).then(|| self.constant(value))
    }

    /// constant + weight · node; with -weight the node less 1, which needs no constant of its own.
    fn line(&mut self, constant: Fr, node: u32, weight: Fr) -> u32 {
        let is_small = [Fr::ONE, -Fr::ONE, -Fr::ONE.double()].contains(&weight);
        if constant == -weight && !is_small {
            let one = self.constant(Fr::ONE);
            let less = self.push(Node::Subtract(node, one), 1);
            let weight = self.constant(weight);
            return self.multiply(weight, less);
        }
        let constant = self.nonzero(constant);
        self.add_scaled(constant, node, weight)
    }

    /// a + weight · node, of bits often 1 - node or 1 - 2 node: these need no product.
    fn add_scaled(&mut self, a: Option<u32>, node: u32, weight: Fr) -> u32 {
        match a {
            Some(a) if weight == -Fr::ONE => self.push(Node::Subtract(a, node), 1),
            Some(a) if weight == -Fr::ONE.double() => {
                let once = self.push(Node::Subtract(a, node), 1);
                self.push(Node::Subtract(once, node), 1)
            }
            _ if weight == Fr::ONE => self.add(a, node),
            _ => {
                let weight = self.constant(weight);
                let product = self.multiply(weight, node);
                self.add(a, product)
            }
        }
    }

    /// The node of a program node by itself.
    fn value(&mut self, node: u32) -> u32 {
        if let Some(number) = self.values.get(&node) {
            return *number;
        }
        let form = self.program.form([(node, Fr::ONE)]);
        let number = match self.form(form) {
            Some(number) => number,
            None => self.constant(Fr::zero()),
        };
        self.values.insert(node, number);
        number
    }
}

/// Factors and weights of products, less multiples of columns where a form takes them.
///
/// The constraint x (x - 1) of a bit becomes the square of a factor a + b x that another product has:
/// with it that other product shares the factor.
fn factors(
    program: &Program,
    products: Vec<(u32, Fr)>,
    affine: Option<&mut Form>,
) -> Vec<(u32, u32, Fr)> {
    let (mut factors, mut bits) = (Vec::new(), Vec::new());
    for (node, weight) in products {
        if let Node::Multiply(a, b) = program.nodes[node as usize] {
            match program.bit(node) {
                Some(column) if affine.is_some() => bits.push((column, (a, b, weight))),
                _ => factors.push((a, b, weight)),
            }
        }
    }
    let Some(affine) = affine else {
        return factors;
    };
    let nodes: BTreeSet<u32> = factors.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
    let lines = nodes.into_iter().filter_map(|node| {
        let (column, line) = program.line(node)?;
        Some((column, (node, line)))
    });
    let lines: HashMap<u32, (u32, [Fr; 2])> = lines.collect();
    let mut inverses = HashMap::new();
    for (column, product) in bits {
        let Some((node, [a, b])) = lines.get(&column) else {
            factors.push(product);
            continue;
        };
        // x (x - 1) = ((a + b x)^2 - b (2 a + b) x - a^2) / b^2.
        let inverse = inverses.entry(*b).or_insert_with(|| b.square().inverse());
        let weight = product.2 * inverse.unwrap_or_default();
        factors.push((*node, *node, weight));
        *affine.columns.entry(column).or_default() -= weight * b * (a.double() + b);
        affine.constant -= weight * a.square();
    }
    factors
}

/// Weighted products that wait to be grouped by their factors.
struct Products {
    /// Factors and weight; None once taken.
    products: Vec<Option<(u32, u32, Fr)>>,
    /// The products that each factor occurs in.
    places: HashMap<u32, Vec<usize>>,
    /// Factors by an upper bound of how many products are left to them, the first of equals on top.
    queue: BinaryHeap<(usize, Reverse<u32>)>,
}

impl Products {
    fn new(weighted: Vec<(u32, u32, Fr)>) -> Self {
        let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, (a, b, _)) in weighted.iter().enumerate() {
            for factor in if a == b { vec![*a] } else { vec![*a, *b] } {
                places.entry(factor).or_default().push(place);
            }
        }
        let products = weighted.into_iter().map(Some).collect();
        let queue = places
            .iter()
            .map(|(factor, places)| (places.len(), Reverse(*factor)))
            .collect();
        Self {
            products,
            places,
            queue,
        }
    }

    /// The factor that most products share, with the weighted other factors of these products.
    fn take_most_frequent(&mut self) -> Option<(u32, Vec<(u32, Fr)>)> {
        while let Some((bound, Reverse(factor))) = self.queue.pop() {
            let places = self.places.get_mut(&factor)?;
            places.retain(|place| self.products[*place].is_some());
            if places.len() < bound {
                if !places.is_empty() {
                    self.queue.push((places.len(), Reverse(factor)));
                }
                continue;
            }
            let cofactors = places
                .iter()
                .filter_map(|place| self.products[*place].take())
                .map(|(a, b, weight)| (if a == factor { b } else { a }, weight))
                .collect();
            return Some((factor, cofactors));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evaluate, program, random};

    #[test]
    fn a_collapsed_sum_has_the_value_of_the_sum() {
        let program = program();
        let weights: Vec<(u32, Fr)> = (0..program.nodes.len() as u32).zip(random(30)).collect();
        let constant = random(1)[0];
        for kept in 0..=weights.len() {
            let weights = &weights[..kept];
            let mut form = program.form(weights.iter().copied());
            form.constant += constant;
            let collapsed = collapse(&program, form);
            assert!(collapsed.degree <= 3);
            let cells = random(6);
            let values = evaluate(&program, &cells);
            let sum: Fr = weights
                .iter()
                .map(|(node, w)| *w * values[*node as usize])
                .sum();
            let value = collapsed.value(|input| match input {
                Input::Column(column) => cells[*column as usize],
                Input::Combination(columns) => columns
                    .iter()
                    .map(|(column, w)| *w * cells[*column as usize])
                    .sum(),
            });
            assert_eq!(value, sum + constant);
        }
    }

    /// How many outputs there are.
    struct Count(usize);

    impl Sink<Fr> for Count {
        fn take(&mut self, _: usize, _: Fr) {
            self.0 += 1;
        }
    }

    #[test]
    fn a_bit_shares_the_factor_of_a_product() {
        let one = Node::Constant(Fr::ONE);
        let nodes = [
            Node::Column(0),
            Node::Column(1),
            one,
            Node::Add(0, 0),
            Node::Subtract(2, 3),
            Node::Multiply(4, 1),
            Node::Subtract(0, 2),
            Node::Multiply(0, 6),
        ];
        let program = Program::new(2, 0, nodes.to_vec(), vec![], vec![]).unwrap();
        let weights = random(2);
        let collapsed = collapse(
            &program,
            program.form([5, 7].into_iter().zip(weights.clone())),
        );
        // Both at once, and a constant.
        let mut count = Count(0);
        for tape in &collapsed.tapes {
            tape.run_into(&mut tape.registers(|value| value), &mut count);
        }
        assert_eq!(count.0, 2);
        let [x, y] = random(2).try_into().unwrap();
        let expected = weights[0] * (Fr::ONE - x.double()) * y + weights[1] * x * (x - Fr::ONE);
        let value = collapsed.value(|input| match input {
            Input::Column(column) => [x, y][*column as usize],
            Input::Combination(_) => unreachable!(),
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn selectors_are_multiplied_once() {
        let nodes = [
            Node::Column(0),
            Node::Column(1),
            Node::Column(2),
            Node::Column(3),
        ];
        let products = [
            Node::Multiply(0, 1),
            Node::Multiply(2, 0),
            Node::Multiply(0, 3),
        ];
        let nodes = [nodes.as_slice(), &products].concat();
        let program = Program::new(4, 0, nodes, vec![], vec![]).unwrap();
        let collapsed = collapse(&program, program.form((4..7).zip(random(3))));
        assert_eq!(collapsed.inputs.len(), 2);
    }
}
