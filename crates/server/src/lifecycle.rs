//! What an orderly end needs to know: whether it has begun, and which changes must not be left half done.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long an end waits for changes that are under way. Longer than any of them may take by itself.
const CHANGES: Duration = Duration::from_secs(30);

/// From ready to ended.
#[derive(Default)]
pub struct Lifecycle {
    draining: AtomicBool,
    stopping: CancellationToken,
    changes: TaskTracker,
}

impl Lifecycle {
    /// From now on `/readyz` refuses and connections end after their request, so that clients go elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server is on its way out.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// From now on nothing may wait for what does not end by itself.
    pub fn stop(&self) {
        self.stopping.cancel();
    }

    /// Returns as soon as the server stops: for answers that would go on for ever.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Runs a change in a task of its own, which the end of the server waits for.
    pub fn spawn<T: Send + 'static>(
        &self,
        change: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.changes.spawn(change)
    }

    /// Waits until the changes under way have ended, but not for ever.
    pub async fn finish_changes(&self) {
        self.changes.close();
        if tokio::time::timeout(CHANGES, self.changes.wait()).await.is_err() {
            tracing::error!(unfinished = self.changes.len(), "changes were still under way when the server ended");
        }
    }
}
