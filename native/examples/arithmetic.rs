//! Nanoseconds of the smallest operations on one core: `name value` a line.
//!
//! `ZKEVM_KERNELS` chooses the vector ones.

use std::hint::black_box;
use std::time::Instant;

use ark_bn254::FrConfig;
use zkevm_native::curve::{Addition, BATCH, Point, add_all, powers};
use zkevm_native::error::Result;
use zkevm_native::field::{CHUNK, Fr, powers as field_powers};
use zkevm_native::vector::{Kernel, LANES, Products, Simd, Vector, choose, dispatch};

const REPETITIONS: usize = 400;

/// The best time, for each of `count` operations.
fn report(name: &str, count: usize, mut run: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    println!("{name} {best:.1}");
}

/// Multiply eight vectors by one, again and again.
struct Multiply<'a>(&'a mut [Fr], Fr);

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let factor = simd.splat(self.1).factor();
        let mut vectors = [simd.splat(self.1); LANES];
        for _ in 0..CHUNK / LANES {
            for vector in &mut vectors {
                *vector = vector.times(factor);
            }
        }
        for vector in vectors {
            vector.store_at(self.0, 0);
        }
    }
}

struct Fold<'a>(&'a mut [Fr], &'a [Fr], Fr);

impl Kernel for Fold<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let x = simd.line_at(self.2);
        for i in (0..CHUNK).step_by(LANES) {
            let low = simd.load_at(self.0, i, self.2);
            let high = simd.load_at(self.1, i, self.2);
            low.line(high, x).store_at(self.0, i);
        }
    }
}

struct Dot<'a>(&'a [Fr], &'a [Fr], Fr);

impl Kernel for Dot<'_> {
    type Output = Fr;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Fr {
        let mut sum = simd.sum::<FrConfig>();
        for i in (0..CHUNK).step_by(LANES) {
            let factor = simd.load_at(self.1, i, self.2).factor();
            sum.add(simd.load_at(self.0, i, self.2), factor);
        }
        sum.total()
    }
}

fn main() -> Result<()> {
    choose()?;
    let base = Fr::from(u128::MAX);
    let (mut a, b) = (field_powers(base, CHUNK), field_powers(-base, CHUNK));
    report("field_multiplication", CHUNK * LANES, || {
        dispatch(Multiply(black_box(&mut a), base));
    });
    report("fold", CHUNK, || {
        dispatch(Fold(black_box(&mut a), &b, base));
    });
    report("field_product_in_a_sum", CHUNK, || {
        black_box(dispatch(Dot(&a, &b, base)));
    });
    let points: Vec<Point> = powers(base, 2 * BATCH)?
        .iter()
        .map(Point::from_words)
        .collect();
    let count = BATCH as u32;
    let additions: Vec<Addition> = (0..count)
        .map(|target| Addition {
            terms: [target, count + target],
            target,
        })
        .collect();
    let mut out = points[..BATCH].to_vec();
    report("point_addition", BATCH, || {
        add_all(black_box(&points), &additions, &mut out);
    });
    Ok(())
}
