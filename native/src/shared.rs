//! Arrays in memory that belongs to someone else, numpy for one.

use std::any::Any;
use std::ops::Deref;
use std::slice;
use std::sync::Arc;

/// A slice together with what keeps its memory in place.
#[derive(Clone)]
pub struct Shared<T> {
    pointer: *const T,
    len: usize,
    _owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: the items are only read, and the owner, which is itself Send and Sync, outlives them.
unsafe impl<T: Sync> Send for Shared<T> {}
unsafe impl<T: Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// `len` items from `pointer` on, in memory that `owner` keeps in place.
    ///
    /// # Safety
    /// `pointer` is aligned, every bit pattern is a `T`, and while `owner` lives the memory stays
    /// where it is and nobody writes it.
    pub unsafe fn borrow(pointer: *const T, len: usize, owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self {
            pointer,
            len,
            _owner: owner,
        }
    }
}

impl<T: Send + Sync + 'static> From<Vec<T>> for Shared<T> {
    fn from(items: Vec<T>) -> Self {
        let owner = Arc::new(items);
        // SAFETY: the vector is never touched again, and its owner keeps it in place.
        unsafe { Self::borrow(owner.as_ptr(), owner.len(), owner.clone()) }
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: as `borrow` was promised.
        unsafe { slice::from_raw_parts(self.pointer, self.len) }
    }
}
