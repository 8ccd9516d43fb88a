//! Products in groups that read few columns each: what a group is computed from stays in the cache.

use crate::field::Fr;
use crate::program::{Node, Program};

/// Columns whose values stay in the cache.
const FEW: usize = 128;
/// A product that needs no more columns of its own joins a group before its turn.
const AT_ONCE: usize = 1;

/// Weighted products in groups.
pub fn groups(program: &Program, products: &[(u32, Fr)]) -> Vec<Vec<(u32, Fr)>> {
    let mut last = Group::new(program, products);
    let mut groups: Vec<Vec<(u32, Fr)>> = Vec::new();
    let mut is_taken = vec![false; products.len()];
    for first in 0..products.len() {
        let mut pending = vec![first];
        while let Some(product) = pending.pop() {
            let fits = last.fits(product);
            if is_taken[product] || !(fits || product == first) {
                continue;
            }
            match groups.last_mut() {
                Some(group) if fits => group.push(products[product]),
                _ => {
                    last.clear();
                    groups.push(vec![products[product]]);
                }
            }
            is_taken[product] = true;
            pending.extend(last.add(product));
        }
    }
    groups
}

/// What a group reads, and what others would add to that.
struct Group {
    /// The columns of each product.
    columns: Vec<Vec<u32>>,
    /// The products of each column.
    users: Vec<Vec<usize>>,
    present: Vec<u32>,
    is_present: Vec<bool>,
    /// How many columns each product needs besides.
    missing: Vec<usize>,
}

impl Group {
    fn new(program: &Program, products: &[(u32, Fr)]) -> Self {
        let mut read = vec![usize::MAX; program.nodes.len()];
        let nodes = products.iter().enumerate();
        let columns: Vec<Vec<u32>> = nodes
            .map(|(product, (node, _))| columns_of(program, *node, product, &mut read))
            .collect();
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); program.width + program.fixed];
        for (product, columns) in columns.iter().enumerate() {
            for column in columns {
                users[*column as usize].push(product);
            }
        }
        Self {
            missing: columns.iter().map(Vec::len).collect(),
            is_present: vec![false; users.len()],
            present: Vec::new(),
            columns,
            users,
        }
    }

    fn fits(&self, product: usize) -> bool {
        self.present.len() + self.missing[product] <= FEW
    }

    fn clear(&mut self) {
        for column in self.present.drain(..) {
            self.is_present[column as usize] = false;
            for user in &self.users[column as usize] {
                self.missing[*user] += 1;
            }
        }
    }

    /// Add the columns of a product; returns the products that may join at once.
    fn add(&mut self, product: usize) -> Vec<usize> {
        let mut joining = Vec::new();
        for column in &self.columns[product] {
            if std::mem::replace(&mut self.is_present[*column as usize], true) {
                continue;
            }
            self.present.push(*column);
            for user in &self.users[*column as usize] {
                self.missing[*user] -= 1;
                if self.missing[*user] <= AT_ONCE {
                    joining.push(*user);
                }
            }
        }
        joining
    }
}

/// The columns that a node needs; `read` is the last product that read each node.
fn columns_of(program: &Program, node: u32, product: usize, read: &mut [usize]) -> Vec<u32> {
    let (mut pending, mut columns) = (vec![node], Vec::new());
    while let Some(node) = pending.pop() {
        if std::mem::replace(&mut read[node as usize], product) == product {
            continue;
        }
        match program.nodes[node as usize] {
            Node::Column(column) => columns.push(column),
            node => pending.extend(node.operands()),
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_read_few_columns_and_take_what_they_have() {
        const COLUMNS: u32 = 3 * FEW as u32;
        // Products of columns 2 i and 2 i + 1, then their squares.
        let mut nodes: Vec<Node> = (0..COLUMNS).map(Node::Column).collect();
        nodes.extend((0..COLUMNS / 2).map(|i| Node::Multiply(2 * i, 2 * i + 1)));
        nodes.extend((0..COLUMNS / 2).map(|i| Node::Multiply(2 * i, 2 * i)));
        let products = (COLUMNS..2 * COLUMNS).map(|node| (node, Fr::from(u64::from(node))));
        let products: Vec<(u32, Fr)> = products.collect();
        let program = Program::new(COLUMNS as usize, 0, nodes, vec![], vec![]).unwrap();
        let groups = groups(&program, &products);
        assert_eq!(groups.len(), 3);
        assert!(groups.iter().all(|group| group.len() == FEW));
        let mut all = groups.concat();
        all.sort();
        assert_eq!(all, products);
    }
}
