//! Arrays of numpy as columns and points, without copies.

use std::sync::Arc;

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::column::Column;
use crate::error::{Error, Result};
use crate::field::Fr;
use crate::msm::Pieces;
use crate::program::Node;
use crate::shared::Shared;

pub type Array<'py> = Bound<'py, PyUntypedArray>;

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

/// Bytes of an item of one of these kinds in native order; None for other items.
fn size(array: &Array<'_>, kinds: &[u8]) -> Option<usize> {
    let dtype = array.dtype();
    let known = kinds.contains(&dtype.kind()) && dtype.is_native_byteorder() != Some(false);
    known.then(|| dtype.itemsize())
}

/// Bytes of an unsigned item in native order; None for other items.
fn unsigned_size(array: &Array<'_>) -> Option<usize> {
    size(array, b"u")
}

pub fn column(array: &Array<'_>) -> Result<Column> {
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

/// Cells to be moved as they are: also signed ones and truth values, and any words of 256 bits.
pub fn items(array: &Array<'_>) -> Result<Column> {
    match (size(array, b"uib"), array.shape()) {
        (Some(1), [n]) => share(array, *n).map(Column::U8),
        (Some(2), [n]) => share(array, *n).map(Column::U16),
        (Some(4), [n]) => share(array, *n).map(Column::U32),
        (Some(8), [n]) => share(array, *n).map(Column::U64),
        (Some(8), [n, 4]) => share(array, *n).map(Column::Field),
        _ => column(array),
    }
}

/// Numbers of items, or how many there are; what is negative is too large.
pub enum Places {
    U32(Shared<u32>),
    U64(Shared<u64>),
}

pub fn places(array: &Array<'_>) -> Result<Places> {
    match (unsigned_size(array), size(array, b"ui"), array.shape()) {
        (Some(4), _, [n]) => share(array, *n).map(Places::U32),
        (_, Some(8), [n]) => share(array, *n).map(Places::U64),
        (.., shape) => Err(Error::Column(format!(
            "items of type {} and shape {shape:?} are no numbers of items",
            array.dtype()
        ))),
    }
}

pub fn pieces(polynomial: Vec<(usize, Array<'_>)>) -> Result<Pieces> {
    polynomial
        .iter()
        .map(|(offset, array)| Ok((*offset, column(array)?)))
        .collect()
}

/// An (n, 64) array of bytes as points in Montgomery form; copied only if it is not aligned.
pub fn points(array: &Array<'_>) -> Result<Shared<[u64; 8]>> {
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

/// An (n, 25) array of lanes: the states of a sponge.
pub fn states(array: &Array<'_>) -> Result<Shared<[u64; 25]>> {
    match (unsigned_size(array), array.shape()) {
        (Some(8), [n, 25]) => share(array, *n),
        (_, shape) => Err(Error::Column(format!(
            "an array of 64-bit numbers of shape (n, 25) is needed, not {shape:?}"
        ))),
    }
}

/// An (n, 3) array of node triples (operation, a, b).
pub fn nodes(array: &Array<'_>, constants: &[Fr]) -> Result<Vec<Node>> {
    let triples: Shared<[u32; 3]> = match (unsigned_size(array), array.shape()) {
        (Some(4), [n, 3]) => share(array, *n)?,
        (_, shape) => {
            return Err(Error::Program(format!(
                "an array of 32-bit numbers of shape (n, 3) is needed, not {shape:?}"
            )));
        }
    };
    let node = |triple: &[u32; 3]| {
        let [operation, a, b] = *triple;
        Ok(match operation {
            0 => Node::Constant(
                *constants
                    .get(a as usize)
                    .ok_or_else(|| Error::Program(format!("there is no constant {a}")))?,
            ),
            1 => Node::Column(a),
            2 => Node::Add(a, b),
            3 => Node::Subtract(a, b),
            4 => Node::Multiply(a, b),
            _ => return Err(Error::Program(format!("there is no operation {operation}"))),
        })
    };
    triples.iter().map(node).collect()
}
