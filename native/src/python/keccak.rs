//! Keccak-f, the permutation that the states of a sponge go through.

use numpy::{PyArray2, ToPyArray, ndarray::ArrayView2};
use pyo3::prelude::*;
use rayon::prelude::*;

use super::arrays::{self, Array};
use crate::error::Error;

#[pyfunction]
pub fn keccak_f<'py>(py: Python<'py>, states: &Array<'_>) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let mut states = arrays::states(states)?.to_vec();
    py.detach(|| states.par_iter_mut().for_each(keccak::f1600));
    let view = ArrayView2::from_shape((states.len(), 25), states.as_flattened())
        .map_err(|error| Error::Range(error.to_string()))?;
    Ok(view.to_pyarray(py))
}
