//! Large vectors of packed elements.

use std::alloc::{Layout, alloc_zeroed};
use std::ops::{Deref, DerefMut};

use crate::error::{Error, Result};
use crate::vector::Packed;

/// Packed elements from a line of the cache on.
#[derive(Default)]
pub struct Blocks {
    words: Vec<u64>,
    len: usize,
}

impl Blocks {
    /// `len` times eight zeros, or an error instead of an abort.
    pub fn zeros(len: usize) -> Result<Self> {
        // One more: what lies before the first line.
        let words = (len + 1).checked_mul(size_of::<Packed>() / size_of::<u64>());
        let words = words.ok_or(Error::Memory(usize::MAX))?;
        Ok(Self {
            words: zeros(words)?,
            len,
        })
    }
}

impl Deref for Blocks {
    type Target = [Packed];

    fn deref(&self) -> &[Packed] {
        // SAFETY: any words are packed elements.
        let (_, blocks, _) = unsafe { self.words.align_to() };
        &blocks[..self.len]
    }
}

impl DerefMut for Blocks {
    fn deref_mut(&mut self) -> &mut [Packed] {
        // SAFETY: as above, and back.
        let (_, blocks, _) = unsafe { self.words.align_to_mut() };
        &mut blocks[..self.len]
    }
}

/// `len` zeros. They take memory when they are first written.
fn zeros(len: usize) -> Result<Vec<u64>> {
    let failed = || Error::Memory(len.saturating_mul(size_of::<u64>()));
    let layout = Layout::array::<u64>(len).map_err(|_| failed())?;
    assert_ne!(layout.size(), 0);
    // SAFETY: the layout has a size.
    let pointer = unsafe { alloc_zeroed(layout) };
    if pointer.is_null() {
        return Err(failed());
    }
    prefer_large_pages(pointer, layout.size());
    // SAFETY: this is what a vector of that capacity allocates.
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
