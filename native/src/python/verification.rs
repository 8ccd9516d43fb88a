//! Parts of the verifier for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::tables::Program;
use crate::field::{decode, decode_one, encode};
use crate::verification::{self, Table};

#[pyfunction]
pub fn horner<'py>(
    py: Python<'py>,
    coefficients: &[u8],
    x: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let (coefficients, x) = (decode(coefficients, "a coefficient")?, decode_one(x, "x")?);
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
    let (cells, fixed) = (decode(cells, "a cell")?, decode(fixed, "a fixed cell")?);
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

#[pyfunction]
pub fn sum_of_fractions<'py>(
    py: Python<'py>,
    messages: Vec<Bound<'py, PyBytes>>,
    alpha: &[u8],
    beta: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let (alpha, beta) = (decode_one(alpha, "alpha")?, decode_one(beta, "beta")?);
    let messages: Vec<&[u8]> = messages.iter().map(|message| message.as_bytes()).collect();
    let sum = py.detach(|| verification::sum_of_fractions(&messages, alpha, beta))?;
    Ok(sum.map(|sum| PyBytes::new(py, &encode(&[sum]))))
}
