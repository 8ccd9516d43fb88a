//! Tables and their checks for Python.

use std::sync::Arc;

use numpy::{PyArray1, PyArray2, ToPyArray, ndarray::ArrayView2};
use pyo3::prelude::*;

use super::arrays::{Array, column, nodes};
use crate::error::{Error, Result};
use crate::field::decode;
use crate::lookups::{self, PublicMessage, Request};
use crate::{program, rows};

#[pyclass(frozen, module = "zkevm._native")]
pub struct Program(pub Arc<program::Program>);

#[pymethods]
impl Program {
    #[new]
    fn new(
        width: usize,
        fixed: usize,
        nodes: &Array<'_>,
        constants: &[u8],
        constraints: Vec<u32>,
        interactions: Vec<(u64, u32, Vec<u32>)>,
    ) -> PyResult<Self> {
        let constants = decode(constants, "a constant")?;
        let nodes = self::nodes(nodes, &constants)?;
        let interactions = interactions
            .into_iter()
            .map(|(bus, numerator, message)| program::Interaction {
                bus,
                numerator,
                message,
            })
            .collect();
        let program = program::Program::new(width, fixed, nodes, constraints, interactions)?;
        Ok(Self(Arc::new(program)))
    }
}

#[pyclass(frozen, module = "zkevm._native")]
pub struct Rows(rows::Rows);

/// Handles on the tables, to be used without the GIL.
pub fn all_rows(tables: &[PyRef<'_, Rows>]) -> Vec<rows::Rows> {
    tables.iter().map(|rows| rows.0.clone()).collect()
}

#[pymethods]
impl Rows {
    #[new]
    fn new(
        py: Python<'_>,
        program: &Program,
        columns: Vec<Array<'_>>,
        height: u32,
    ) -> PyResult<Self> {
        let columns = columns.iter().map(column).collect::<Result<_>>()?;
        let program = program.0.clone();
        Ok(Self(
            py.detach(|| rows::Rows::new(program, columns, height))?,
        ))
    }

    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        nodes: Vec<u32>,
        rows: usize,
    ) -> PyResult<Vec<Bound<'py, PyArray2<u64>>>> {
        let values = py.detach(|| self.0.evaluate(&nodes, rows))?;
        values
            .iter()
            .map(|values| {
                let view = ArrayView2::from_shape((rows, 4), values.as_flattened())
                    .map_err(|error| Error::Range(error.to_string()))?;
                Ok(view.to_pyarray(py))
            })
            .collect()
    }

    fn violations(&self, py: Python<'_>, limit: usize) -> Vec<(usize, usize)> {
        py.detach(|| self.0.violations(limit))
    }
}

type Counts<'py> = Vec<Bound<'py, PyArray1<u32>>>;

#[pyfunction]
pub fn count_lookups<'py>(
    py: Python<'py>,
    tables: Vec<PyRef<'py, Rows>>,
    providers: Vec<(usize, usize)>,
) -> PyResult<(Counts<'py>, Vec<Request>)> {
    let tables = all_rows(&tables);
    let (counts, missing) = py.detach(|| lookups::count_lookups(&tables, &providers))?;
    let counts = counts.iter().map(|counts| counts.to_pyarray(py)).collect();
    Ok((counts, missing))
}

#[pyfunction]
pub fn imbalance(
    py: Python<'_>,
    tables: Vec<PyRef<'_, Rows>>,
    public: Vec<(u64, i64, Vec<u8>)>,
    limit: usize,
) -> PyResult<Vec<(i64, usize, usize, u64)>> {
    let tables = all_rows(&tables);
    let public: Vec<PublicMessage> = public
        .into_iter()
        .map(|(bus, multiplicity, elements)| {
            let elements = decode(&elements, "an element of a public message")?;
            Ok(PublicMessage {
                bus,
                multiplicity,
                elements,
            })
        })
        .collect::<Result<_>>()?;
    let found = py.detach(|| lookups::imbalance(&tables, &public, limit))?;
    Ok(found
        .into_iter()
        .map(|place| (place.table, place.interaction, place.row, place.bus))
        .collect())
}
