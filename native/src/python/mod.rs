//! The Python module: arguments in, kernels with the GIL released, results out.

mod arrays;
mod curve;
mod sums;
mod tables;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        PyValueError::new_err(error.to_string())
    }
}

/// The chosen kernels.
#[pyfunction]
fn features() -> &'static str {
    "portable"
}

/// Vectors in, vectors out.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::curve::{Bases, Opening, check_on_curve, commit, pairing_check, powers};
    #[pymodule_export]
    use super::features;
    #[pymodule_export]
    use super::sums::{Fractions, RowSum, StackedSum};
    #[pymodule_export]
    use super::tables::{Program, Rows, count_lookups, imbalance};
}
