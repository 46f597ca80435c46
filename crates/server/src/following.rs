//! What this server goes on with in the background, so that nothing is begun there twice.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// The names of what is followed.
#[derive(Default)]
pub struct Following(Mutex<HashSet<String>>);

impl Following {
    /// How many are followed.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// `false` if it is followed already.
    pub fn begin(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    /// It is over, or given up.
    pub fn end(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}
