//! The Python module: arguments in, kernels with the GIL released, results out.

use std::sync::Arc;

use numpy::{
    ndarray::ArrayView2, PyArray2, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods,
    ToPyArray,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::column::Column;
use crate::curve::{self, Point};
use crate::error::{Error, Result};
use crate::field::decode_one;
use crate::msm::{self, Pieces};
use crate::shared::Shared;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        PyValueError::new_err(error.to_string())
    }
}

type Array<'py> = Bound<'py, PyUntypedArray>;

/// The items of a C-contiguous array, shared with numpy.
fn share<T: Sync>(array: &Array<'_>, len: usize) -> Result<Shared<T>> {
    // SAFETY: the array is a live object of numpy's array type.
    let pointer = unsafe { (*array.as_array_ptr()).data }.cast::<T>();
    if len > 0 && !(pointer.is_aligned() && array.is_c_contiguous()) {
        return Err(Error::Column("not contiguous or not aligned".into()));
    }
    let owner = Arc::new(array.clone().unbind());
    // SAFETY: the callers chose T and len by item type and shape; the reference keeps the memory.
    // That nobody writes meanwhile is the caller's part of the contract, as `_native.pyi` says.
    Ok(unsafe { Shared::borrow(pointer, len, owner) })
}

/// Bytes of an unsigned item in native order; None for other items.
fn unsigned_size(array: &Array<'_>) -> Option<usize> {
    let dtype = array.dtype();
    (dtype.kind() == b'u' && dtype.is_native_byteorder() != Some(false)).then(|| dtype.itemsize())
}

fn column(array: &Array<'_>) -> Result<Column> {
    match (unsigned_size(array), array.shape()) {
        (Some(1), [n]) => share(array, *n).map(Column::U8),
        (Some(2), [n]) => share(array, *n).map(Column::U16),
        (Some(4), [n]) => share(array, *n).map(Column::U32),
        (Some(8), [n]) => share(array, *n).map(Column::U64),
        (Some(8), [n, 2]) => share(array, *n).map(Column::U128),
        (Some(8), [n, 4]) => Column::field(share(array, *n)?),
        (_, shape) => Err(Error::Column(format!(
            "items of type {} and shape {shape:?} are none of the cell types",
            array.dtype()
        ))),
    }
}

fn pieces(polynomial: Vec<(usize, Array<'_>)>) -> Result<Pieces> {
    polynomial
        .iter()
        .map(|(offset, array)| Ok((*offset, column(array)?)))
        .collect()
}

/// An (n, 64) array of bytes as points in Montgomery form; copied only if it is not aligned.
fn points(array: &Array<'_>) -> Result<Shared<[u64; 8]>> {
    match (unsigned_size(array), array.shape()) {
        (Some(1), [n, 64]) => share(array, *n).or_else(|_| {
            let bytes: Shared<[u8; 64]> = share(array, *n)?;
            let words = |point: &[u8; 64]| {
                let mut words = [0; 8];
                for (word, bytes) in words.iter_mut().zip(point.as_chunks::<8>().0) {
                    *word = u64::from_le_bytes(*bytes);
                }
                words
            };
            Ok(bytes.iter().map(words).collect::<Vec<_>>().into())
        }),
        (_, shape) => Err(Error::Point(format!(
            "an array of bytes of shape (n, 64) is needed, not {shape:?}"
        ))),
    }
}

fn encoded<'py>(py: Python<'py>, points: &[Point]) -> Vec<Bound<'py, PyBytes>> {
    points
        .iter()
        .map(|point| PyBytes::new(py, &point.encode()))
        .collect()
}

#[pyfunction]
fn features() -> &'static str {
    "portable"
}

#[pyfunction]
fn powers<'py>(py: Python<'py>, tau: &[u8], count: usize) -> PyResult<Bound<'py, PyArray2<u8>>> {
    let tau = decode_one(tau, "tau")?;
    let points = py.detach(|| curve::powers(tau, count))?;
    let bytes: Vec<u8> = points
        .iter()
        .flatten()
        .flat_map(|w| w.to_le_bytes())
        .collect();
    let view = ArrayView2::from_shape((count, 64), &bytes)
        .map_err(|error| Error::Range(error.to_string()))?;
    Ok(view.to_pyarray(py))
}

#[pyfunction]
fn check_on_curve(py: Python<'_>, points: &Array<'_>) -> PyResult<i64> {
    let points = self::points(points)?;
    let first = py.detach(|| curve::first_off_curve(&points));
    Ok(first.map_or(-1, |i| i as i64))
}

#[pyclass(frozen, module = "zkevm._native")]
struct Bases(msm::Bases);

#[pymethods]
impl Bases {
    #[new]
    fn new(py: Python<'_>, points: &Array<'_>) -> PyResult<Self> {
        let points = self::points(points)?;
        Ok(Self(py.detach(|| msm::Bases::new(points))?))
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
fn commit<'py>(
    py: Python<'py>,
    bases: &Bases,
    polynomials: Vec<Vec<(usize, Array<'py>)>>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let polynomials: Vec<Pieces> = polynomials.into_iter().map(pieces).collect::<Result<_>>()?;
    let points = py.detach(|| bases.0.commit_all(&polynomials))?;
    Ok(encoded(py, &points))
}

/// Vectors in, vectors out.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::{check_on_curve, commit, features, powers, Bases};
}
