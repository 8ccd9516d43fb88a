//! Large vectors of field elements.

use std::alloc::{Layout, alloc_zeroed};

use crate::error::{Error, Result};
use crate::field::Fr;

/// `len` zeros, or an error instead of an abort. They take memory when they are first written.
pub fn zeros(len: usize) -> Result<Vec<Fr>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    let failed = || Error::Memory(len.saturating_mul(size_of::<Fr>()));
    let layout = Layout::array::<Fr>(len).map_err(|_| failed())?;
    // SAFETY: the layout has a size.
    let pointer = unsafe { alloc_zeroed(layout) };
    if pointer.is_null() {
        return Err(failed());
    }
    prefer_large_pages(pointer, layout.size());
    // SAFETY: this is what a vector of that capacity allocates, and zero bytes are zero elements.
    Ok(unsafe { Vec::from_raw_parts(pointer.cast(), len, len) })
}

/// Ask for pages of 2 MB for what takes several: most of the time that new memory takes goes by pages.
#[cfg(target_os = "linux")]
fn prefer_large_pages(pointer: *mut u8, size: usize) {
    const PAGE: usize = 1 << 12;
    const LARGE: usize = 1 << 22;
    let skipped = pointer.align_offset(PAGE);
    if size >= LARGE {
        let size = (size - skipped) / PAGE * PAGE;
        // SAFETY: these pages are all ours, and their content stays as it is.
        unsafe { libc::madvise(pointer.add(skipped).cast(), size, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn prefer_large_pages(_: *mut u8, _: usize) {}
