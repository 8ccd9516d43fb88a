//! Nanoseconds of halo2curves on BN254; `RAYON_NUM_THREADS=1` for one thread.

use std::hint::black_box;

use compare::{BITS, SIZE, addition, multiplication, nanoseconds, print};
use halo2curves::bn256::{Fr, G1, G1Affine};
use halo2curves::ff::Field;
use halo2curves::group::Curve;
use halo2curves::msm::msm_best;

/// A point and its sums with one other, again and again.
fn points() -> Vec<G1Affine> {
    let step = G1::generator() * Fr::from(u64::MAX).square();
    let mut sums = vec![G1::generator(); SIZE];
    for i in 1..SIZE {
        sums[i] = sums[i - 1] + step;
    }
    let mut points = vec![G1Affine::default(); SIZE];
    G1::batch_normalize(&sums, &mut points);
    points
}

/// Powers of an element, cut to so many bits.
fn scalars(bits: u32) -> Vec<Fr> {
    let base = Fr::from(u64::MAX).cube();
    let mut power = base;
    let mut next = || {
        power *= base;
        let low = u64::from_le_bytes(power.to_bytes()[..8].try_into().unwrap_or_default());
        if bits > 64 {
            power
        } else {
            Fr::from(low >> (64 - bits))
        }
    };
    (0..SIZE).map(|_| next()).collect()
}

fn main() {
    let points = points();
    let multiplication = multiplication(Fr::from(u64::MAX).square());
    let addition = addition(G1::generator(), &points);
    let sums = BITS.map(|bits| {
        let scalars = scalars(bits);
        nanoseconds(3, SIZE, || {
            black_box(msm_best(&scalars, &points));
        })
    });
    print(multiplication, addition, sums);
}
