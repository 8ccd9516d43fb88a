//! What can be wrong with the arguments of a kernel.

use std::fmt;

/// The one error of the crate; Python sees it as `ValueError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An encoding of field elements of the wrong length or not below the modulus.
    FieldElement(&'static str),
    /// A point that is not on the curve, or an array of points of the wrong shape.
    Point(String),
    /// An array that is not one of the column types, or longer than its table.
    Column(String),
    /// A program whose nodes do not refer to earlier ones, or that fits its cells badly.
    Program(String),
    /// A count, a height or an index out of range.
    Range(String),
    /// A call out of turn: a round after the last, a layer before its time.
    Order(&'static str),
    /// More memory than the machine grants.
    Memory(usize),
    /// A choice of kernels that does not exist or does not run here.
    Kernels(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldElement(what) => write!(f, "not a canonical field element: {what}"),
            Self::Point(what) => write!(f, "points: {what}"),
            Self::Column(what) => write!(f, "column: {what}"),
            Self::Program(what) => write!(f, "program: {what}"),
            Self::Range(what) => write!(f, "out of range: {what}"),
            Self::Order(what) => write!(f, "called out of turn: {what}"),
            Self::Memory(bytes) => write!(f, "no memory for {bytes} bytes"),
            Self::Kernels(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A vector of room for `len` elements, or an error instead of an abort.
pub fn reserve<T>(len: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector
        .try_reserve_exact(len)
        .map_err(|_| Error::Memory(len.saturating_mul(size_of::<T>())))?;
    Ok(vector)
}

/// `len` copies of `value`, or an error instead of an abort.
pub fn filled<T: Clone>(len: usize, value: T) -> Result<Vec<T>> {
    let mut vector = reserve(len)?;
    vector.resize(len, value);
    Ok(vector)
}
