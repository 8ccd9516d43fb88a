//! Commitments and openings for Python.

use numpy::{PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arrays::{self, Array, column};
use crate::curve::{self, Point};
use crate::error::{Error, Result};
use crate::field::{decode, decode_one, encode};
use crate::msm::{self, Pieces};
use crate::multiples;
use crate::opening;
use crate::pairing;

fn encoded<'py>(py: Python<'py>, points: &[Point]) -> Vec<Bound<'py, PyBytes>> {
    points
        .iter()
        .map(|point| PyBytes::new(py, &point.encode()))
        .collect()
}

#[pyfunction]
pub fn powers<'py>(
    py: Python<'py>,
    tau: &[u8],
    count: usize,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let tau = decode_one(tau, "tau")?;
    let points = py.detach(|| curve::powers(tau, count))?;
    array(py, points.into_iter())
}

/// As many rows of 64 bytes.
fn array<'py>(
    py: Python<'py>,
    points: impl ExactSizeIterator<Item = [u64; 8]>,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let array = PyArray2::zeros(py, [points.len(), 64], false);
    let mut writable = array.readwrite();
    let (words, _) = writable.as_slice_mut()?.as_chunks_mut();
    for (targets, point) in words.chunks_mut(8).zip(points) {
        for (target, word) in targets.iter_mut().zip(point) {
            *target = word.to_le_bytes();
        }
    }
    drop(writable);
    Ok(array)
}

#[pyfunction(name = "multiples")]
pub fn make_multiples<'py>(
    py: Python<'py>,
    points: &Array<'py>,
) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let points = arrays::points(points)?;
    let lines = py.detach(|| {
        curve::check_reduced(&points)?;
        Ok::<_, Error>(multiples::multiples(&Point::from_shared(points)))
    })?;
    array(py, lines.into_iter().map(Point::words))
}

#[pyfunction]
pub fn are_multiples(py: Python<'_>, lines: &Array<'_>, points: &Array<'_>) -> PyResult<bool> {
    let [lines, points] = [lines, points].map(|array| arrays::points(array));
    let [lines, points] = [Point::from_shared(lines?), Point::from_shared(points?)];
    Ok(py.detach(|| multiples::are_multiples(&lines, &points)))
}

#[pyfunction]
pub fn check_on_curve(py: Python<'_>, points: &Array<'_>) -> PyResult<i64> {
    let points = arrays::points(points)?;
    let first = py.detach(|| curve::first_off_curve(&points));
    Ok(first.map_or(-1, |i| i as i64))
}

#[pyclass(frozen, module = "zkevm._native")]
pub struct Lines(pairing::Lines);

#[pymethods]
impl Lines {
    #[new]
    fn new(point: &[u8]) -> PyResult<Self> {
        Ok(Self(pairing::lines(point)?))
    }
}

#[pyfunction]
pub fn pairing_check(py: Python<'_>, left: &[u8], right: Vec<PyRef<'_, Lines>>) -> PyResult<bool> {
    let right: Vec<&pairing::Lines> = right.iter().map(|lines| &lines.0).collect();
    Ok(py.detach(|| pairing::is_one(left, &right))?)
}

#[pyclass(frozen, module = "zkevm._native")]
pub struct Bases(msm::Bases);

#[pymethods]
impl Bases {
    #[new]
    #[pyo3(signature = (points, multiples = None))]
    fn new(py: Python<'_>, points: &Array<'_>, multiples: Option<&Array<'_>>) -> PyResult<Self> {
        let points = arrays::points(points)?;
        let bases = py.detach(|| msm::Bases::new(points))?;
        Ok(Self(match multiples {
            Some(lines) => bases.with_multiples(arrays::points(lines)?)?,
            None => bases,
        }))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[pyo3(signature = (scalars, start = 0))]
    fn msm<'py>(
        &self,
        py: Python<'py>,
        scalars: &Array<'py>,
        start: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let pieces = vec![(start, column(scalars)?)];
        let point = py.detach(|| self.0.commit(&pieces))?;
        Ok(PyBytes::new(py, &point.encode()))
    }
}

#[pyfunction]
pub fn commit<'py>(
    py: Python<'py>,
    bases: &Bases,
    polynomials: Vec<Vec<(usize, Array<'py>)>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let polynomials: Vec<Pieces> = polynomials
        .into_iter()
        .map(arrays::pieces)
        .collect::<Result<_>>()?;
    let points = py.detach(|| bases.0.commit_all(&polynomials))?;
    Ok(encoded(py, &points))
}

#[pyclass(module = "zkevm._native")]
pub struct Opening(opening::Opening);

#[pymethods]
impl Opening {
    #[new]
    fn new(
        py: Python<'_>,
        bases: &Bases,
        polynomials: Vec<Vec<(usize, Array<'_>)>>,
        m: usize,
        gamma: &[u8],
        u: &[u8],
    ) -> PyResult<Self> {
        let polynomials = all_pieces(polynomials)?;
        let (gamma, u) = (decode_one(gamma, "gamma")?, decode(u, "u")?);
        let bases = bases.0.clone();
        let new = || opening::Opening::new(bases, &polynomials, m, gamma, &u);
        Ok(Self(py.detach(new)?))
    }

    fn folds<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let points = py.detach(|| self.0.folds())?;
        Ok(encoded(py, &points))
    }

    fn negative_values<'py>(&mut self, py: Python<'py>, r: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let r = decode_one(r, "r")?;
        let values = py.detach(|| self.0.negative_values(r));
        Ok(PyBytes::new(py, &encode(&values)))
    }

    fn quotient<'py>(&mut self, py: Python<'py>, nu: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let nu = decode_one(nu, "nu")?;
        let point = py.detach(|| self.0.quotient(nu))?;
        Ok(PyBytes::new(py, &point.encode()))
    }

    fn witness<'py>(&self, py: Python<'py>, z: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let z = decode_one(z, "z")?;
        let point = py.detach(|| self.0.witness(z))?;
        Ok(PyBytes::new(py, &point.encode()))
    }
}

fn all_pieces(polynomials: Vec<Vec<(usize, Array<'_>)>>) -> Result<Vec<Pieces>> {
    polynomials.into_iter().map(arrays::pieces).collect()
}
