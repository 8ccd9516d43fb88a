//! Kernels of the prover: vectors in, vectors out, over BN254.
//!
//! They know neither the EVM nor gadgets: a table is a flat program over typed columns. The symbols
//! are those of the protocol's specification; `zkevm/_native.pyi` describes every call.

pub mod column;
pub mod curve;
pub mod error;
pub mod field;
pub mod msm;
#[cfg(feature = "python")]
mod python;
pub mod shared;
