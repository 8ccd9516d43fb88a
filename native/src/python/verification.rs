//! Parts of the verifier for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::tables::Program;
use crate::field::{Fr, decode, decode_one, encode};
use crate::transcript::{self, Prefixes};
use crate::verification::{self, Message, Table};

#[pyfunction]
pub fn horner<'py>(
    py: Python<'py>,
    coefficients: &[u8],
    x: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let (coefficients, x) = (verification::elements(coefficients)?, decode_one(x, "x")?);
    let value = verification::horner(&coefficients, x);
    Ok(PyBytes::new(py, &encode(&[value])))
}

#[pyfunction]
pub fn summands<'py>(
    py: Python<'py>,
    tables: Vec<(PyRef<'py, Program>, usize, u64)>,
    cells: &[u8],
    fixed: &[u8],
    theta: &[u8],
    fingerprints: (&[u8], &[u8]),
    xi: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let tables: Vec<Table> = tables
        .iter()
        .map(|(program, height, block)| Table {
            program: program.0.clone(),
            height: *height,
            block: *block,
        })
        .collect();
    let (cells, fixed) = (
        verification::elements(cells)?,
        decode(fixed, "a fixed cell")?,
    );
    let xi = decode(xi, "xi")?;
    let theta = decode_one(theta, "theta")?;
    let alpha = decode_one(fingerprints.0, "alpha")?;
    let beta = decode_one(fingerprints.1, "beta")?;
    let challenges = [alpha, beta];
    let sums =
        py.detach(|| verification::summands(&tables, &cells, &fixed, theta, challenges, &xi))?;
    Ok(PyBytes::new(py, &encode(&sums)))
}

#[pyfunction]
pub fn block_series<'py>(
    py: Python<'py>,
    point: &[u8],
    start: u64,
    stop: u64,
    ratio: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let (point, ratio) = (decode(point, "a point")?, decode_one(ratio, "a ratio")?);
    let sum = verification::block_series(&point, start..stop, ratio)?;
    Ok(PyBytes::new(py, &encode(&[sum])))
}

/// Challenges, claim, state.
type End<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

#[pyfunction]
pub fn sumcheck<'py>(
    py: Python<'py>,
    prefixes: (&[u8], &[u8], &[u8]),
    absorbed: &[u8],
    headers: (&[u8], &[u8]),
    messages: &[u8],
    degree: usize,
    claim: &[u8],
) -> PyResult<End<'py>> {
    let (absorb, high, low) = prefixes;
    let prefixes = Prefixes { absorb, high, low };
    let (headers, claim) = ([headers.0, headers.1], decode_one(claim, "claim")?);
    let end = transcript::sumcheck(&prefixes, absorbed, headers, messages, degree, claim)?;
    let encoded = |values: &[Fr]| PyBytes::new(py, &encode(values));
    Ok((
        encoded(&end.challenges),
        encoded(&[end.claim]),
        PyBytes::new(py, &end.state),
    ))
}

#[pyfunction]
pub fn are_on_curve(points: &[u8]) -> bool {
    verification::points(points).is_ok()
}

#[pyfunction]
pub fn combination<'py>(
    py: Python<'py>,
    points: &[u8],
    scalars: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let sum = py.detach(|| verification::combination(points, scalars))?;
    Ok(PyBytes::new(py, &sum.encode()))
}

#[pyfunction]
pub fn sum_of_fractions<'py>(
    py: Python<'py>,
    messages: Vec<(Bound<'py, PyBytes>, Option<Bound<'py, PyBytes>>)>,
    alpha: &[u8],
    beta: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let (alpha, beta) = (decode_one(alpha, "alpha")?, decode_one(beta, "beta")?);
    let messages: Vec<Message<'_>> = messages
        .iter()
        .map(|(words, data)| (words.as_bytes(), data.as_ref().map(|data| data.as_bytes())))
        .collect();
    let sum = py.detach(|| verification::sum_of_fractions(&messages, alpha, beta))?;
    Ok(sum.map(|sum| PyBytes::new(py, &encode(&[sum]))))
}
