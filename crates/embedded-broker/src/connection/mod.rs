//! One client connection: TLS, frames, SASL, then requests answered in the order they came.
//!
//! Invariants, each with a test:
//!
//! * before the sign-in nothing but ApiVersions and SASL is answered, in small frames, for a short time;
//! * a connection is in the [`Table`] under its principal before the principal is asked for the second time, so that
//!   no cut-off slips between;
//! * when a cut-off has returned, nothing of the connections that it ended runs any more: everything that a connection
//!   does is in the one future that is dropped, and its [`Place`] is dropped after that. Handlers therefore spawn nothing
//!   that outlives them;
//! * a connection's failure, a panic in a handler included, ends that connection only.

mod credentials;
mod listener;
mod requests;
mod sasl;
mod session;
mod sign_in;
mod table;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use twinkey_kafka_wire::frame::{FrameError, FrameReader};

pub(crate) use credentials::Credentials;
pub(crate) use listener::accept;
pub(crate) use session::Session;
pub use session::Software;
pub use table::ConnectionInfo;
pub(crate) use table::{Place, Table};

use crate::broker::Shared;

/// Why a connection ended. For the log; the texts hold nothing that the peer sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error("the peer closed it")]
    ByPeer,
    #[error("the broker stops")]
    Stopping,
    #[error("no request for too long")]
    Idle,
    #[error("no sign-in in time")]
    SignInTime,
    #[error("the peer takes no bytes")]
    WriteStall,
    #[error("sign-in refused: {0}")]
    Refused(&'static str),
    #[error("protocol violation: {0}")]
    Protocol(&'static str),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Shape(#[from] twinkey_kafka_wire::shape::ShapeError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves one connection from the TLS handshake to its end.
async fn serve(broker: Arc<Shared>, tcp: TcpStream, peer: SocketAddr, place: Place) {
    tokio::select! {
        biased;
        () = place.cancelled() => tracing::debug!(%peer, "connection cut off"),
        end = run(&broker, tcp, peer, &place) => tracing::debug!(%peer, %end, "connection closed"),
    }
    // Whatever the connection did has been dropped here; only now may a waiting cut-off go on.
    drop(place);
}

async fn run(broker: &Arc<Shared>, tcp: TcpStream, peer: SocketAddr, place: &Place) -> Closed {
    let limits = &broker.config.limits;
    let deadline = Instant::now() + limits.sign_in_time;
    let mut stream = match before(broker, deadline, handshake(broker, tcp)).await {
        Ok(stream) => stream,
        Err(end) => return end,
    };
    let mut reader = FrameReader::new(limits.sign_in_frame);
    let signing_in = sign_in::sign_in(broker, peer, place, &mut reader, &mut stream);
    let end = match before(broker, deadline, signing_in).await {
        Ok((session, client_id)) => {
            tracing::debug!(%peer, connection = session.connection_id, principal = session.principal, "signed in");
            reader.set_limit(limits.request_frame);
            let stream = &mut stream;
            requests::Requests::new(broker, session, client_id, place, reader, stream).serve().await
        }
        Err(end) => end,
    };
    part(&mut stream, &end, limits.linger).await;
    end
}

/// What a connection does before it is signed in: bounded in time, and dropped when the broker stops.
async fn before<T>(
    broker: &Shared,
    deadline: Instant,
    step: impl Future<Output = Result<T, Closed>>,
) -> Result<T, Closed> {
    tokio::select! {
        biased;
        () = broker.stopping.cancelled() => Err(Closed::Stopping),
        done = timeout_at(deadline, step) => done.unwrap_or(Err(Closed::SignInTime)),
    }
}

async fn handshake(broker: &Shared, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Closed> {
    // Answers are written whole; waiting for more to send would only delay them.
    tcp.set_nodelay(true)?;
    Ok(TlsAcceptor::from(Arc::clone(&broker.config.tls)).accept(tcp).await?)
}

/// Ends a stream so that the peer can read what was sent last. A refused client gets time to read the refusal and to close
/// by itself: clients that find the end of the stream right behind an answer throw the answer away with it (kafka-python),
/// take the refusal for a broken network and try again.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, end: &Closed, linger: Duration) {
    if matches!(end, Closed::Refused(_)) {
        let gone = async {
            let mut waste = [0; 1024];
            while stream.read(&mut waste).await.is_ok_and(|read| read > 0) {}
        };
        // Past the time the connection is closed as it is.
        let _ = timeout(linger, gone).await;
    }
    let _ = timeout(linger, stream.shutdown()).await;
}

/// Writes an answer. The time limit is on each step, so that a slow peer may take long but one that takes nothing may not.
async fn send<S: AsyncWrite + Unpin>(stream: &mut S, mut answer: BytesMut, stall: Duration) -> Result<(), Closed> {
    while answer.has_remaining() {
        let written = timeout(stall, stream.write_buf(&mut answer)).await.map_err(|_| Closed::WriteStall)??;
        if written == 0 {
            return Err(Closed::ByPeer);
        }
    }
    Ok(timeout(stall, stream.flush()).await.map_err(|_| Closed::WriteStall)??)
}
