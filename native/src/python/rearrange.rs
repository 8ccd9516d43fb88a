//! Arrays rearranged, for Python.

use num_bigint::BigUint;
use numpy::{PyArray1, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::arrays::{Array, Places, column, items, places};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::rearrange::{self, Owned};

/// An array that takes over the cells.
fn array(py: Python<'_>, cells: Owned) -> PyResult<Bound<'_, PyAny>> {
    Ok(match cells {
        Owned::U8(cells) => PyArray1::from_vec(py, cells).into_any(),
        Owned::U16(cells) => PyArray1::from_vec(py, cells).into_any(),
        Owned::U32(cells) => PyArray1::from_vec(py, cells).into_any(),
        Owned::U64(cells) => PyArray1::from_vec(py, cells).into_any(),
        Owned::U128(cells) => wide(py, cells)?,
        Owned::U256(cells) => wide(py, cells)?,
    })
}

fn wide<const N: usize>(py: Python<'_>, cells: Vec<[u64; N]>) -> PyResult<Bound<'_, PyAny>> {
    let shape = [cells.len(), N];
    let flat = PyArray1::from_vec(py, cells.into_flattened());
    Ok(flat.reshape(shape)?.into_any())
}

fn all_arrays(py: Python<'_>, columns: Vec<Owned>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    columns.into_iter().map(|cells| array(py, cells)).collect()
}

fn at(column: &Column, places: &Places) -> Result<Owned> {
    match places {
        Places::U32(places) => rearrange::take(column.cells(), places),
        Places::U64(places) => rearrange::take(column.cells(), places),
    }
}

#[pyfunction]
pub fn take<'py>(
    py: Python<'py>,
    column: &Array<'py>,
    places: &Array<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let (cells, places) = (items(column)?, self::places(places)?);
    array(py, py.detach(|| at(&cells, &places))?)?.call_method1("view", (column.dtype(),))
}

#[pyfunction]
pub fn gather<'py>(
    py: Python<'py>,
    columns: Vec<Array<'py>>,
    places: &Array<'py>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let columns = columns.iter().map(items).collect::<Result<Vec<_>>>()?;
    let places = self::places(places)?;
    let gathered = py.detach(|| {
        let narrow = |column| Ok(rearrange::narrow(at(column, &places)?.cells()));
        columns.iter().map(narrow).collect::<Result<_>>()
    })?;
    all_arrays(py, gathered)
}

#[pyfunction]
pub fn narrow<'py>(py: Python<'py>, column: &Array<'py>) -> PyResult<Bound<'py, PyAny>> {
    let column = items(column)?;
    array(py, py.detach(|| rearrange::narrow(column.cells())))
}

#[pyfunction]
pub fn pieces<'py>(
    py: Python<'py>,
    column: &Array<'py>,
    bits: usize,
    count: usize,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let column = items(column)?;
    let pieces = py.detach(|| rearrange::pieces(column.cells(), bits, count))?;
    all_arrays(py, pieces)
}

#[pyfunction]
pub fn previous<'py>(py: Python<'py>, keys: &Array<'py>) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let Places::U32(keys) = places(keys)? else {
        return Err(Error::Column("keys have 32 bits".into()).into());
    };
    let found = py.detach(|| rearrange::previous(&keys))?;
    Ok(PyArray1::from_vec(py, found))
}

type Pair<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>);

#[pyfunction]
pub fn spread<'py>(py: Python<'py>, counts: &Array<'py>) -> PyResult<Pair<'py>> {
    let Places::U64(counts) = places(counts)? else {
        return Err(Error::Column("counts have 64 bits".into()).into());
    };
    let (items, times) = py.detach(|| rearrange::spread(&counts))?;
    Ok((PyArray1::from_vec(py, items), PyArray1::from_vec(py, times)))
}

#[pyfunction]
pub fn inverses<'py>(
    py: Python<'py>,
    left: &Array<'py>,
    right: &Array<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let (left, right) = (column(left)?, column(right)?);
    let inverses = py.detach(|| rearrange::inverses(left.cells(), right.cells()))?;
    array(py, Owned::U256(inverses))
}

#[pyfunction]
pub fn words<'py>(py: Python<'py>, integers: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>> {
    let word = |integer: Bound<'py, PyAny>| {
        let (integer, mut word) = (integer.extract::<BigUint>()?, [0; 4]);
        if integer.bits() > 256 {
            return Err(PyOverflowError::new_err("more than a word"));
        }
        for (limb, digit) in word.iter_mut().zip(integer.iter_u64_digits()) {
            *limb = digit;
        }
        Ok(word)
    };
    wide(py, integers.iter().map(word).collect::<PyResult<_>>()?)
}
