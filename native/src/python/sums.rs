//! The sumchecks for Python.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arrays::{Array, column};
use super::tables::{Rows, all_rows};
use crate::error::{Error, Result};
use crate::field::{Fr, decode, decode_one, encode};
use crate::stacked_sum::Stacked;
use crate::{fractions, row_sum, stacked_sum};

fn bytes<'py>(py: Python<'py>, values: &[Fr]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &encode(values))
}

#[pyclass(module = "zkevm._native")]
pub struct Fractions(fractions::Fractions);

#[pymethods]
impl Fractions {
    #[new]
    fn new(
        py: Python<'_>,
        tables: Vec<PyRef<'_, Rows>>,
        alpha: &[u8],
        beta: &[u8],
    ) -> PyResult<Self> {
        let (alpha, beta) = (decode_one(alpha, "alpha")?, decode_one(beta, "beta")?);
        let tables = all_rows(&tables);
        let new = || fractions::Fractions::new(&tables, alpha, beta);
        Ok(Self(py.detach(new)?))
    }

    #[getter]
    fn layers(&self) -> usize {
        self.0.layers()
    }

    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.root())
    }

    fn begin_layer(
        &mut self,
        py: Python<'_>,
        layer: usize,
        xi: &[u8],
        challenge: &[u8],
    ) -> PyResult<()> {
        let (xi, lambda) = (decode(xi, "xi")?, decode_one(challenge, "lambda")?);
        Ok(py.detach(|| self.0.begin_layer(layer, xi, lambda))?)
    }

    fn round<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let values = py.detach(|| self.0.round())?;
        Ok(bytes(py, &values))
    }

    fn bind(&mut self, py: Python<'_>, challenge: &[u8]) -> PyResult<()> {
        let challenge = decode_one(challenge, "challenge")?;
        Ok(py.detach(|| self.0.bind(challenge))?)
    }

    fn children<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.0.children()?))
    }
}

#[pyclass(module = "zkevm._native")]
pub struct RowSum(row_sum::RowSum);

#[pymethods]
impl RowSum {
    #[new]
    fn new(
        py: Python<'_>,
        tables: Vec<PyRef<'_, Rows>>,
        alpha: &[u8],
        beta: &[u8],
        xi: &[u8],
        omega: &[u8],
        degree: usize,
    ) -> PyResult<Self> {
        let (alpha, beta) = (decode_one(alpha, "alpha")?, decode_one(beta, "beta")?);
        let (xi, omega) = (decode(xi, "xi")?, decode(omega, "omega")?);
        let tables = all_rows(&tables);
        let new = || row_sum::RowSum::new(tables, alpha, beta, xi, omega, degree);
        Ok(Self(py.detach(new)?))
    }

    fn table_sums<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        bytes(py, &self.0.table_sums())
    }

    fn begin(&mut self, py: Python<'_>, theta: &[u8], delta: Vec<Vec<u8>>) -> PyResult<()> {
        let theta = decode_one(theta, "theta")?;
        let weights = |bytes: &Vec<u8>| {
            let weights = decode(bytes, "delta")?;
            weights
                .try_into()
                .map_err(|_| Error::FieldElement("delta: three for each table"))
        };
        let delta: Vec<[Fr; 3]> = delta.iter().map(weights).collect::<Result<_>>()?;
        Ok(py.detach(|| self.0.begin(theta, &delta))?)
    }

    fn round<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let values = py.detach(|| self.0.round())?;
        Ok(bytes(py, &values))
    }

    fn bind(&mut self, py: Python<'_>, challenge: &[u8]) -> PyResult<()> {
        let challenge = decode_one(challenge, "challenge")?;
        Ok(py.detach(|| self.0.bind(challenge))?)
    }

    fn column_values<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let values = py.detach(|| self.0.column_values())?;
        Ok(values.iter().map(|values| bytes(py, values)).collect())
    }
}

/// (column, height, weight, [(polynomial, block, chunk), ...]).
type PlacedColumn<'py> = (Array<'py>, u32, Vec<u8>, Vec<(usize, usize, usize)>);

#[pyclass(module = "zkevm._native")]
pub struct StackedSum(stacked_sum::StackedSum);

#[pymethods]
impl StackedSum {
    #[new]
    fn new(
        py: Python<'_>,
        columns: Vec<PlacedColumn<'_>>,
        polynomials: usize,
        m: usize,
        r: &[u8],
    ) -> PyResult<Self> {
        let r = decode(r, "r")?;
        let columns: Vec<Stacked> = columns
            .into_iter()
            .map(|(array, height, weight, pieces)| {
                Ok(Stacked {
                    column: column(&array)?,
                    height,
                    weight: decode_one(&weight, "weight")?,
                    pieces,
                })
            })
            .collect::<Result<_>>()?;
        let new = || stacked_sum::StackedSum::new(columns, polynomials, m, r);
        Ok(Self(py.detach(new)?))
    }

    fn round<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let values = py.detach(|| self.0.round())?;
        Ok(bytes(py, &values))
    }

    fn bind(&mut self, py: Python<'_>, challenge: &[u8]) -> PyResult<()> {
        let challenge = decode_one(challenge, "challenge")?;
        Ok(py.detach(|| self.0.bind(challenge))?)
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(bytes(py, &self.0.values()?))
    }
}
