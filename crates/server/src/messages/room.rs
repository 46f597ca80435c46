//! How many pages are read at the same time: what each takes is bounded, so all together are.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Pages that are read at the same time; others wait.
const PAGES: usize = 4;

/// The places of readers.
pub struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(PAGES))
    }
}

impl Room {
    /// Waits for a place to read a page.
    pub(super) async fn page(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("never closed")
    }
}
