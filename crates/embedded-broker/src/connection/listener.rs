//! The accept loop.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::sleep};
use tokio_util::task::TaskTracker;

use super::serve;
use crate::broker::Shared;

/// How long to wait when the system has no room for another connection (no file descriptors, mostly): accepting again at
/// once would only spin.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the broker stops; each is served by a task of its own.
pub(crate) async fn accept(broker: Arc<Shared>, listener: TcpListener, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = broker.stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => match broker.connections.admit(&broker.config.limits) {
                // A panic in the task ends the task and nothing else: tokio catches it, and the place is given back.
                Some(place) => {
                    tasks.spawn(serve(Arc::clone(&broker), tcp, peer, place));
                }
                None => {
                    tracing::warn!(%peer, "connection refused: the broker has as many as it may");
                }
            },
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}
