//! Serving HTTP/1.1 on a listener that was passed in, with bounds on what a client may take up.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    http,
};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{app::App, routes};

/// How long a client may take for its request line and headers, and how long a connection may idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Room for all headers of one request; more is answered 431.
const HEADER_BYTES: usize = 64 * 1024;
/// Open connections at a time; further ones wait in the listener's backlog.
const CONNECTIONS: usize = 10_000;
/// How long requests under way may go on after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `shutdown` is cancelled, then lets requests under way finish.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: CancellationToken) {
    let service = routes::service(app);
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        // With all places taken it is this that waits; a shutdown must be noticed here too.
        let permit = tokio::select! {
            permit = permits.clone().acquire_owned() => permit.expect("the semaphore is never closed"),
            () = shutdown.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let Some((stream, peer)) = settle(accepted).await else { continue };
        let service = service.clone();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            service.clone().oneshot(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Answers are small and wanted at once, so Nagle's algorithm is off. A failed accept (no file descriptors, say) is given
/// time to pass instead of spinning.
async fn settle(accepted: std::io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok((stream, peer)) => {
            stream.set_nodelay(true).ok();
            Some((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}
