//! The Python module: arguments in, kernels with the GIL released, results out.

mod arrays;
mod curve;
mod keccak;
mod rearrange;
mod sums;
mod tables;
mod verification;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::Error;
use crate::vector;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        PyValueError::new_err(error.to_string())
    }
}

/// The chosen kernels.
#[pyfunction]
fn features() -> &'static str {
    vector::name()
}

/// A choice of the user that cannot be served, as the command line reports it.
fn usage_error(py: Python<'_>, error: &Error) -> PyErr {
    let made = py
        .import("zkevm.errors")
        .and_then(|errors| errors.getattr("UsageError"))
        .and_then(|class| class.call1((error.to_string(),)));
    made.map_or_else(|failure| failure, PyErr::from_value)
}

/// Vectors in, vectors out.
#[pymodule]
mod _native {
    use super::{Bound, PyModule, PyResult, usage_error, vector};

    #[pymodule_export]
    use super::curve::{
        Bases, Lines, Opening, are_multiples, check_on_curve, commit, make_multiples,
        pairing_check, powers,
    };
    #[pymodule_export]
    use super::features;
    #[pymodule_export]
    use super::keccak::keccak_f;
    #[pymodule_export]
    use super::rearrange::{gather, inverses, narrow, pieces, previous, spread, take, words};
    #[pymodule_export]
    use super::sums::{Fractions, RowSum, StackedSum};
    #[pymodule_export]
    use super::tables::{Program, Rows, count_lookups, imbalance};
    #[pymodule_export]
    use super::verification::{
        are_on_curve, block_series, combination, horner, sum_of_fractions, sumcheck, summands,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        vector::choose().map_err(|error| usage_error(module.py(), &error))
    }
}
