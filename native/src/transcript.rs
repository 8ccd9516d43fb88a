//! The verifier's side of a sumcheck: `zkevm.transcript` and `zkevm.proof.sumcheck` in one.

use ark_ff::{BigInteger, Field, PrimeField, Zero};
use sha3::{Digest, Keccak256};

use crate::error::{Error, Result};
use crate::field::Fr;
use crate::verification::{element, number};

/// How a transcript hashes: what goes before all that is absorbed, and before a state whose high
/// and low halves of a challenge are drawn.
pub struct Prefixes<'a> {
    pub absorb: &'a [u8],
    pub high: &'a [u8],
    pub low: &'a [u8],
}

/// Where a sumcheck ends: its challenges, the value claimed at them, and the transcript's state.
#[derive(Debug, PartialEq)]
pub struct End {
    pub challenges: Vec<Fr>,
    pub claim: Fr,
    pub state: [u8; 32],
}

/// Go through the rounds of a sumcheck. `absorbed` is what the first challenge hashes before the
/// message; the headers are those of a message and of a challenge; messages are big-endian words,
/// s(0), s(2), ..., s(degree) of each round.
pub fn sumcheck(
    prefixes: &Prefixes<'_>,
    absorbed: &[u8],
    [of_message, of_challenge]: [&[u8]; 2],
    messages: &[u8],
    degree: usize,
    mut claim: Fr,
) -> Result<End> {
    let (words, rest) = messages.as_chunks::<32>();
    if degree == 0 || words.is_empty() || words.len() % degree != 0 || !rest.is_empty() {
        return Err(Error::FieldElement("messages of rounds"));
    }
    let factorial = (1..=degree as u64).map(Fr::from).product::<Fr>();
    let scale = factorial.inverse().ok_or(Error::FieldElement("a degree"))?;
    let shift = Fr::from(2_u64).pow([256]);
    let mut challenges = Vec::with_capacity(words.len() / degree);
    let mut state = [0; 32];
    for (round, message) in words.chunks_exact(degree).enumerate() {
        let before: [&[u8]; 2] = if round == 0 {
            [absorbed, &[]]
        } else {
            [prefixes.absorb, &state]
        };
        state = keccak256(&[
            before[0],
            before[1],
            of_message,
            message.as_flattened(),
            of_challenge,
        ]);
        let [high, low] =
            [prefixes.high, prefixes.low].map(|prefix| reduced(&keccak256(&[prefix, &state])));
        let x = high * shift + low;
        claim = interpolate(claim, message, x)? * scale;
        challenges.push(x);
    }
    Ok(End {
        challenges,
        claim,
        state,
    })
}

/// The value at `x` of the polynomial of lowest degree with these values at 0, 2, ..., that at 1
/// being the claim without that at 0; times the factorial of the degree. By Newton, as the sum of
/// (x choose k) times the k-th difference of the values.
fn interpolate(claim: Fr, message: &[[u8; 32]], x: Fr) -> Result<Fr> {
    let mut values: Vec<Fr> = message.iter().map(element).collect::<Result<_>>()?;
    values.insert(1, claim - values[0]);
    let degree = message.len();
    for order in 1..=degree {
        for i in (order..=degree).rev() {
            let before = values[i - 1];
            values[i] -= before;
        }
    }
    let mut factor = Fr::ONE;
    let mut value = values[degree];
    for k in (0..degree).rev() {
        factor *= Fr::from(k as u64 + 1);
        value = factor * values[k] + (x - Fr::from(k as u64)) * value;
    }
    Ok(value)
}

/// The element of a big-endian number of 256 bits.
fn reduced(word: &[u8; 32]) -> Fr {
    let mut number = number(word);
    while number >= Fr::MODULUS {
        number.sub_with_borrow(&Fr::MODULUS);
    }
    Fr::from_bigint(number).unwrap_or_else(Fr::zero)
}

/// Keccak-256 of parts one after another.
fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_parts() {
        let digest = |parts: &[&[u8]]| {
            let digits = keccak256(parts).map(|byte| format!("{byte:02x}"));
            digits.concat()
        };
        let nothing = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(digest(&[]), nothing);
        assert_eq!(digest(&[&[], &[]]), nothing);
        let abc = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45";
        assert_eq!(digest(&[b"abc"]), abc);
        assert_eq!(digest(&[b"a", b"", b"bc"]), abc);
        let long: Vec<u8> = (0..=255).collect();
        for cut in [0, 1, 135, 136, 137, 255] {
            assert_eq!(
                keccak256(&[&long[..cut], &long[cut..]]),
                keccak256(&[&long])
            );
        }
        assert_ne!(keccak256(&[&long[..135]]), keccak256(&[&long[..136]]));
    }

    #[test]
    fn reduction() {
        assert_eq!(reduced(&[0; 32]), Fr::zero());
        let largest = Fr::from(2_u64).pow([256]) - Fr::ONE;
        assert_eq!(reduced(&[0xff; 32]), largest);
    }

    #[test]
    fn malformed_rounds() {
        let (prefixes, empty) = (
            Prefixes {
                absorb: b"0",
                high: b"1",
                low: b"2",
            },
            [0; 32],
        );
        let run = |messages: &[u8], degree| {
            sumcheck(&prefixes, b"", [b"", b""], messages, degree, Fr::ONE).is_err()
        };
        assert!(run(&[], 2));
        assert!(run(&empty, 0));
        assert!(run(&empty, 2));
        assert!(run(&empty[1..], 1));
        assert!(run(&[0xff; 32], 1));
        assert!(!run(&empty, 1));
    }
}
