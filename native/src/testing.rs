//! What tests of several modules share.

use std::sync::Arc;

use ark_ff::UniformRand;

use crate::column::Column;
use crate::field::Fr;
use crate::program::{Interaction, Node, Program};
use crate::rows::Rows;

pub fn random(len: usize) -> Vec<Fr> {
    let mut rng = rand::thread_rng();
    (0..len).map(|_| Fr::rand(&mut rng)).collect()
}

/// Columns of all types with their extreme values, of different lengths up to `rows`.
pub fn columns(rows: usize) -> Vec<Column> {
    let cell = |i: usize| {
        if i.is_multiple_of(3) {
            u64::MAX
        } else {
            rand::random()
        }
    };
    let u64s: Vec<u64> = (0..rows).map(cell).collect();
    vec![
        Column::U8(u64s.iter().map(|v| *v as u8 & 1).collect::<Vec<_>>().into()),
        Column::U16(u64s.iter().map(|v| *v as u16).collect::<Vec<_>>().into()),
        Column::U32(
            u64s[..rows / 2]
                .iter()
                .map(|v| *v as u32)
                .collect::<Vec<_>>()
                .into(),
        ),
        Column::U64(u64s.clone().into()),
        Column::U128(
            u64s[..rows.div_ceil(3)]
                .iter()
                .map(|v| [*v, !*v])
                .collect::<Vec<_>>()
                .into(),
        ),
        Column::from_elements(&random(rows / 4)),
    ]
}

/// A program over `columns` whose constraints hold on all cells, with products of degree up to 3.
pub fn program() -> Program {
    let mut nodes: Vec<Node> = (0..6).map(Node::Column).collect();
    nodes.extend([
        Node::Constant(-Fr::from(1_u64)),
        Node::Constant(Fr::from(1_u64 << 16)),
        Node::Subtract(1, 6),  // 8: x1 + 1
        Node::Multiply(0, 8),  // 9: x0 (x1 + 1)
        Node::Multiply(7, 2),  // 10: 2^16 x2
        Node::Add(9, 10),      // 11
        Node::Multiply(11, 3), // 12: degree 3
        Node::Multiply(0, 1),  // 13
        Node::Add(13, 0),      // 14: x0 x1 + x0
        Node::Subtract(9, 14), // 15: vanishes
        Node::Multiply(15, 5), // 16: vanishes, degree 3
        Node::Multiply(6, 0),  // 17: -x0
        Node::Multiply(5, 5),  // 18
        Node::Multiply(6, 7),  // 19: constant
        Node::Multiply(4, 18), // 20
    ]);
    let interaction = |bus, numerator, message: &[u32]| Interaction {
        bus,
        numerator,
        message: message.to_vec(),
    };
    let interactions = vec![
        interaction(1, 0, &[1]),
        interaction(2, 17, &[12, 4, 19]),
        interaction(2, 9, &[20, 3, 18]),
    ];
    Program::new(6, 0, nodes, vec![15, 16], interactions).unwrap()
}

pub fn rows(used: usize, height: u32) -> Rows {
    Rows::new(Arc::new(program()), columns(used), height).unwrap()
}

/// A table of which messages are a few small cells, sent and received.
pub fn lookup_rows(used: usize, height: u32) -> Rows {
    let mut nodes: Vec<Node> = (0..4).map(Node::Column).collect();
    nodes.extend([Node::Constant(Fr::from(3_u64)), Node::Subtract(1, 0)]);
    nodes.push(Node::Subtract(4, 4));
    nodes.push(Node::Subtract(6, 0));
    let messages = [
        (1, 0, &[1][..]),
        (1, 7, &[2]),
        (2, 3, &[4, 5, 1]),
        (3, 7, &[]),
    ];
    let interactions = messages.map(|(bus, numerator, message)| Interaction {
        bus,
        numerator,
        message: message.to_vec(),
    });
    let program = Program::new(4, 0, nodes, vec![], interactions.to_vec()).unwrap();
    let cells =
        |most: u32| (0..used).map(move |i| rand::random::<u32>() % most * (i as u32 % 5).min(1));
    let bits: Vec<u8> = cells(2).map(|cell| cell as u8).collect();
    let shorts: Vec<u16> = cells(1 << 16).map(|cell| cell as u16).collect();
    let words: Vec<u32> = cells(1 << 16).collect();
    let columns = vec![
        Column::U8(bits.into()),
        Column::U16(shorts.into()),
        Column::U32(words.clone().into()),
        Column::U32(words.into()),
    ];
    Rows::new(Arc::new(program), columns, height).unwrap()
}

/// A table of bits and bytes whose only message has many products of them.
pub fn small_rows(used: usize, height: u32) -> Rows {
    let mut nodes: Vec<Node> = (0..5).map(Node::Column).collect();
    nodes.extend([
        Node::Constant(Fr::from(2_u64)),
        Node::Constant(-Fr::from(7_u64)),
        Node::Constant(Fr::from(1_u64)),
    ]);
    for column in 0..3 {
        let last = nodes.len() as u32;
        nodes.extend([Node::Subtract(column, 7), Node::Multiply(column, last)]);
    }
    for i in 0..50_u32 {
        let last = nodes.len() as u32;
        nodes.extend([
            Node::Multiply(5 + i % 2, i % 5),
            Node::Subtract(i / 2 % 5, last),
            Node::Multiply(last + 1, i / 3 % 5),
        ]);
    }
    let message = (0..nodes.len() as u32).collect();
    let interactions = vec![Interaction {
        bus: 1,
        numerator: 9,
        message,
    }];
    let program = Program::new(5, 0, nodes, vec![], interactions).unwrap();
    let cell = |i: usize| {
        let byte: u8 = if i.is_multiple_of(3) {
            u8::MAX
        } else {
            rand::random()
        };
        if i < 2 * used { byte & 1 } else { byte }
    };
    let cells: Vec<u8> = (0..5 * used).map(cell).collect();
    let columns = (0..5).map(|i| {
        let length = used - (i * used).min(used) / 9;
        let part = &cells[i * used..i * used + length];
        match i {
            3 => Column::U16(
                part.iter()
                    .map(|cell| u16::from(*cell))
                    .collect::<Vec<_>>()
                    .into(),
            ),
            4 => Column::U64(
                part.iter()
                    .map(|cell| u64::from(*cell))
                    .collect::<Vec<_>>()
                    .into(),
            ),
            _ => Column::U8(part.to_vec().into()),
        }
    });
    Rows::new(Arc::new(program), columns.collect(), height).unwrap()
}

/// The values of all nodes on one row, by the definition.
pub fn evaluate(program: &Program, cells: &[Fr]) -> Vec<Fr> {
    let mut values: Vec<Fr> = Vec::new();
    for node in &program.nodes {
        values.push(match node {
            Node::Constant(value) => *value,
            Node::Column(column) => cells[*column as usize],
            Node::Add(a, b) => values[*a as usize] + values[*b as usize],
            Node::Subtract(a, b) => values[*a as usize] - values[*b as usize],
            Node::Multiply(a, b) => values[*a as usize] * values[*b as usize],
        });
    }
    values
}

/// All columns of a table, filled up with zeros.
pub fn filled_columns(rows: &Rows) -> Vec<Vec<Fr>> {
    let fill = |column: &Column| (0..rows.len()).map(|row| column.cells().get(row)).collect();
    rows.columns.iter().map(fill).collect()
}

/// Bind the top variable.
pub fn bind_top(vector: &[Fr], x: Fr) -> Vec<Fr> {
    let (low, high) = vector.split_at(vector.len() / 2);
    low.iter()
        .zip(high)
        .map(|(a, b)| *a + x * (*b - a))
        .collect()
}
