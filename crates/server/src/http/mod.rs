//! Serving HTTP/1.1 on a listener that was passed in, with bounds on what a client may take up.

pub mod observe;
pub mod proxies;
pub mod tls;

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{self, HeaderValue, header},
    response::Response,
};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use self::proxies::{ClientAddress, TrustedProxies};
use crate::{app::App, routes, usage::LastClient};

/// How long a client may take for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for its request line and headers, and how long a connection may idle between requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// Room for all headers of one request; more is answered 431.
const HEADER_BYTES: usize = 64 * 1024;
/// Open connections at a time; further ones wait in the listener's backlog.
const CONNECTIONS: usize = 10_000;
/// How long requests under way may go on after a shutdown was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// A TLS connection never begins with a capital letter; a request line does.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    This server speaks HTTPS only; use https:// in the URL.\n";

/// What the operator decides about the listener.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Certificate and key; plain HTTP without them.
    pub tls: Option<tls::TlsFiles>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// How long an end goes on serving after `/readyz` has begun to refuse.
    pub drain_delay: Duration,
}

/// Serves until `shutdown` is cancelled, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    proxies: TrustedProxies,
    app: Arc<App>,
    shutdown: CancellationToken,
) {
    let service = routes::service(app.clone());
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let proxies = Arc::new(proxies);
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
        let (service, app, proxies) = (service.clone(), app.clone(), proxies.clone());
        let caller = LastClient::default();
        let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
            let mut request: Request = request.map(Body::new);
            let client = proxies.client(peer.ip(), request.headers());
            request.extensions_mut().insert(ClientAddress(client));
            request.extensions_mut().insert(caller.clone());
            let (answer, app, caller) = (service.clone().oneshot(request), app.clone(), caller.clone());
            async move {
                let answer = answer.await?;
                if let (Some(client), Some(bytes)) = (caller.take(), answer.body().size_hint().exact()) {
                    client.add_bytes(bytes);
                }
                Ok(if app.lifecycle.is_draining() { last(answer) } else { answer })
            }
        });
        let (watcher, tls, shutdown) = (graceful.watcher(), tls.clone(), shutdown.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let ended = match tls {
                None => connection(stream, service, watcher).await,
                // A handshake is no request under way: it ends when the server does.
                Some(tls) => match shutdown.run_until_cancelled(handshake(stream, tls)).await {
                    Some(Ok(stream)) => connection(stream, service, watcher).await,
                    Some(Err(error)) => Err(error.into()),
                    None => Ok(()),
                },
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Ends the connection with this answer. When the server is on its way out, a client that keeps connections open thus comes
/// back through the load balancer, which knows by then that it must choose another server.
fn last(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Speaks HTTP on one connection until either side ends it.
async fn connection<T, S>(stream: T, service: S, watcher: Watcher) -> Ended
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: hyper::service::Service<http::Request<Incoming>, Response = Response, Error = Infallible>,
{
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    Ok(watcher.watch(connection).await?)
}

/// The TLS handshake, within its time. Whoever speaks plain HTTP gets an answer that says what is wrong.
async fn handshake(mut stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<TlsStream<TcpStream>> {
    let handshake = async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            stream.write_all(PLAIN_HTTP).await?;
            return Err(io::Error::other("plain HTTP on a port that expects TLS"));
        }
        TlsAcceptor::from(tls).accept(stream).await
    };
    let ended = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await;
    ended.unwrap_or_else(|_| Err(io::Error::other("the TLS handshake took too long")))
}

/// Answers are small and wanted at once, so Nagle's algorithm is off. A failed accept (no file descriptors, say) is given
/// time to pass instead of spinning.
async fn settle(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
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
