//! The pairing check.

use ark_bn254::{Bn254, Fq2, G1Affine, G2Affine};
use ark_ec::pairing::Pairing;
use ark_ff::{BigInt, PrimeField, Zero};

use crate::error::{Error, Result};
use crate::field::{Fq, words};

/// A point of G2 with the lines by which pairings with it are computed.
pub type Lines = <Bn254 as Pairing>::G2Prepared;

/// The lines of a point of 32 little-endian bytes for each of x0, x1, y0, y1.
pub fn lines(point: &[u8]) -> Result<Lines> {
    match coordinates(point)?.as_slice() {
        [x0, x1, y0, y1] => Ok(g2(&[*x0, *x1, *y0, *y1])?.into()),
        _ => Err(Error::Point("one of four coordinates".into())),
    }
}

/// Whether the product of the pairings e(left[i], right[i]) is one.
///
/// A coordinate of G1 is 32 little-endian bytes.
pub fn is_one(left: &[u8], right: &[&Lines]) -> Result<bool> {
    let left = coordinates(left)?;
    let (left, rest) = left.as_chunks::<2>();
    if left.len() != right.len() || !rest.is_empty() {
        return Err(Error::Point("as many of G2 as of G1".into()));
    }
    let left: Vec<G1Affine> = left.iter().map(g1).collect::<Result<_>>()?;
    Ok(Bn254::multi_pairing(left, right.iter().map(|&lines| lines.clone())).is_zero())
}

fn coordinates(bytes: &[u8]) -> Result<Vec<Fq>> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(Error::Point("coordinates of 32 bytes".into()));
    }
    chunks
        .iter()
        .map(|chunk| Fq::from_bigint(BigInt(words(chunk))))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Point("a coordinate is not below the modulus".into()))
}

fn g1(&[x, y]: &[Fq; 2]) -> Result<G1Affine> {
    if x.is_zero() && y.is_zero() {
        return Ok(G1Affine::identity());
    }
    let point = G1Affine::new_unchecked(x, y);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(Error::Point("one is not on the curve".into()))
    }
}

fn g2(&[x0, x1, y0, y1]: &[Fq; 4]) -> Result<G2Affine> {
    let (x, y) = (Fq2::new(x0, x1), Fq2::new(y0, y1));
    if x.is_zero() && y.is_zero() {
        return Ok(G2Affine::identity());
    }
    let point = G2Affine::new_unchecked(x, y);
    if point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve() {
        Ok(point)
    } else {
        Err(Error::Point("one is not in G2".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::{AffineRepr, CurveGroup};
    use ark_ff::Field;

    fn bytes(coordinates: &[Fq]) -> Vec<u8> {
        coordinates
            .iter()
            .flat_map(|c| c.into_bigint().0)
            .flat_map(u64::to_le_bytes)
            .collect()
    }

    #[test]
    fn pairings_cancel_and_foreign_points_are_refused() {
        let (g, h) = (G1Affine::generator(), G2Affine::generator());
        let five = (g * ark_bn254::Fr::from(5_u64)).into_affine();
        let left = |p: G1Affine, q: G1Affine| bytes(&[p.x, p.y, q.x, q.y]);
        let of_g2 = |p: G2Affine| bytes(&[p.x.c0, p.x.c1, p.y.c0, p.y.c1]);
        let [finite, infinite] = [of_g2(h), vec![0; 128]].map(|point| lines(&point).unwrap());
        let right = [&finite, &finite];
        assert!(is_one(&left(five, -five), &right).unwrap());
        assert!(!is_one(&left(five, -g), &right).unwrap());
        let infinity = [bytes(&[five.x, five.y]), vec![0; 64]].concat();
        assert!(is_one(&infinity, &[&infinite, &finite]).unwrap());
        assert!(is_one(&[], &[]).unwrap());
        assert!(is_one(&left(five, g), &right[1..]).is_err());
        assert!(is_one(&bytes(&[Fq::ONE, Fq::ONE]), &right[1..]).is_err());
        assert!(is_one(&[0; 65], &[&infinite]).is_err());
        assert!(is_one(&[0xff; 64], &[&infinite]).is_err());
        assert!(lines(&[0; 64]).is_err());
        assert!(lines(&[0xff; 128]).is_err());
    }

    #[test]
    fn the_curve_beside_g2_is_refused() {
        let outside = (1_u64..)
            .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false))
            .find(|p| !p.is_in_correct_subgroup_assuming_on_curve())
            .unwrap();
        let encoded = bytes(&[outside.x.c0, outside.x.c1, outside.y.c0, outside.y.c1]);
        assert!(lines(&encoded).is_err());
    }
}
