//! Nanoseconds of arkworks on BN254, on one thread.

use std::hint::black_box;

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{CurveGroup, PrimeGroup, VariableBaseMSM};
use ark_ff::{Field, PrimeField};
use compare::{BITS, SIZE, addition, multiplication, nanoseconds, print};

/// A point and its sums with one other, again and again.
fn points() -> Vec<G1Affine> {
    let step = G1Projective::generator() * Fr::from(u64::MAX).square();
    let mut sums = vec![G1Projective::generator(); SIZE];
    for i in 1..SIZE {
        sums[i] = sums[i - 1] + step;
    }
    G1Projective::normalize_batch(&sums)
}

/// Powers of an element, cut to so many bits.
fn scalars(bits: u32) -> Vec<Fr> {
    let base = Fr::from(u64::MAX).pow([3]);
    let mut power = base;
    let mut next = || {
        power *= base;
        if bits > 64 {
            power
        } else {
            Fr::from(power.into_bigint().0[0] >> (64 - bits))
        }
    };
    (0..SIZE).map(|_| next()).collect()
}

fn main() {
    let points = points();
    let multiplication = multiplication(Fr::from(u64::MAX).square());
    let addition = addition(G1Projective::generator(), &points);
    let sums = BITS.map(|bits| {
        let scalars = scalars(bits);
        nanoseconds(3, SIZE, || {
            let _ = black_box(G1Projective::msm_unchecked(&points, &scalars));
        })
    });
    print(multiplication, addition, sums);
}
