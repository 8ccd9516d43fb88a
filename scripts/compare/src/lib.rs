//! What the programs share: sizes, the clock and the form of what they print.

use std::hint::black_box;
use std::ops::{AddAssign, MulAssign};

use cpu_time::ProcessTime;

/// Points and scalars of a sum.
pub const SIZE: usize = 1 << 16;
/// Products that do not depend on each other.
const CHAINS: usize = 8;
/// Products of each chain.
const PRODUCTS: usize = 1 << 11;
/// Widths of scalars.
pub const BITS: [u32; 4] = [8, 16, 64, 254];

/// The best CPU time of some runs, for each of `count` operations.
pub fn nanoseconds(runs: usize, count: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..runs).map(|_| {
        let start = ProcessTime::now();
        run();
        start.elapsed().as_nanos() as f64 / count as f64
    });
    times.fold(f64::INFINITY, f64::min)
}

/// Chains of products of field elements.
pub fn multiplication<F: Copy + MulAssign>(factor: F) -> f64 {
    let mut chains = [factor; CHAINS];
    nanoseconds(400, CHAINS * PRODUCTS, || {
        for _ in 0..PRODUCTS {
            for chain in &mut chains {
                *chain *= factor;
            }
        }
        black_box(&mut chains);
    })
}

/// Points that are added to a sum one after the other.
pub fn addition<A, P: for<'a> AddAssign<&'a A>>(mut sum: P, points: &[A]) -> f64 {
    nanoseconds(20, points.len(), || {
        for point in points {
            sum += point;
        }
        black_box(&mut sum);
    })
}

/// Print the figures as one object of JSON; those of sums in the order of `BITS`.
pub fn print(multiplication: f64, addition: f64, sums: impl IntoIterator<Item = f64>) {
    print!(r#"{{"field multiplication": {multiplication:.1}, "point addition": {addition:.1}"#);
    for (bits, cell) in BITS.iter().zip(sums) {
        print!(r#", "committed cell, {bits}-bit": {cell:.1}"#);
    }
    println!("}}");
}
