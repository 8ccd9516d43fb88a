//! Kernels of the prover: vectors in, vectors out, over BN254.
//!
//! They know neither the EVM nor gadgets: a table is a flat program over typed columns. The symbols
//! are those of the protocol's specification; `zkevm/_native.pyi` describes every call.

pub mod arithmetic;
pub mod bits;
pub mod collapse;
pub mod column;
pub mod curve;
pub mod error;
pub mod field;
pub mod first_rounds;
pub mod fractions;
mod groups;
pub mod inverse;
mod layer_sum;
mod leaf_sum;
mod leaves;
pub mod lookups;
pub mod memory;
pub mod msm;
pub mod multiples;
pub mod opening;
pub mod pairing;
pub mod program;
#[cfg(feature = "python")]
mod python;
pub mod rearrange;
pub mod row_sum;
pub mod rows;
pub mod shared;
pub mod small;
pub mod stacked_sum;
pub mod sums;
pub mod tape;
#[cfg(test)]
mod testing;
pub mod transcript;
pub mod vector;
pub mod verification;
