//! Nanoseconds of the smallest operations on one core: `name value` a line.

use std::hint::black_box;
use std::time::Instant;

use ark_bn254::G1Projective;
use ark_ec::PrimeGroup;
use zkevm_native::arithmetic::{Dot, Product};
use zkevm_native::curve::{Point, add_all, powers};
use zkevm_native::field::{CHUNK, Factor, Fr, Wide, powers as field_powers};

const REPETITIONS: usize = 200;

fn report(name: &str, count: usize, mut run: impl FnMut()) {
    run();
    let start = Instant::now();
    for _ in 0..REPETITIONS {
        run();
    }
    let nanoseconds = start.elapsed().as_nanos() as f64 / (REPETITIONS * count) as f64;
    println!("{name} {nanoseconds:.1}");
}

fn main() {
    let base = Fr::from(u128::MAX);
    let (a, mut b) = (field_powers(base, CHUNK), field_powers(-base, CHUNK));
    report("field_multiplication", CHUNK, || {
        for (b, a) in b.iter_mut().zip(&a) {
            *b *= a;
        }
        black_box(&mut b);
    });
    report("field_product_in_a_sum", CHUNK, || {
        let mut dot = Dot::default();
        for (a, b) in a.iter().zip(&b) {
            dot.add(Product::new(*a, *b));
        }
        black_box(dot);
    });
    let factors: Vec<Factor> = a.iter().map(|a| Factor::new(*a)).collect();
    report("small_product_in_a_sum", CHUNK, || {
        let mut wide = Wide::default();
        for (i, factor) in factors.iter().enumerate() {
            wide.add(factor, black_box(i as u64));
        }
        black_box(wide);
    });
    let points = powers(base, 1 << 10).unwrap_or_default();
    let points: Vec<Point> = points.iter().map(Point::from_words).collect();
    let (left, right) = points.split_at(1 << 9);
    let (mut out, mut scratch) = (Vec::new(), Vec::new());
    report("batched_affine_addition", left.len(), || {
        add_all(black_box(left), black_box(right), &mut out, &mut scratch);
    });
    let mut sum = G1Projective::generator();
    report("library_mixed_addition", left.len(), || {
        for point in left {
            sum += point.affine();
        }
        black_box(&mut sum);
    });
}
