//! A proxy before PostgreSQL that does something to the next COMMIT of a certain kind.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The message of the wire protocol, whole: it is small and the driver sends it at once.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

/// What happens to the COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It takes effect, and its answer is lost with the connection.
    AnswerLost,
    /// It is lost with the connection.
    Lost,
    /// The client loses its connection at once; the COMMIT arrives later.
    Late(Duration),
    /// It arrives later, and the client waits.
    Held(Duration),
}

/// What happens, and to which COMMIT: the next one of a transaction that sent this text. Every effect stores its audit record's
/// action; the background's transactions, such as the sums of usage, come between at any time and must not be struck instead.
#[derive(Debug, Clone, Copy)]
struct Armed {
    fate: Fate,
    action: &'static str,
}

/// The proxy; ends with the test's runtime.
pub struct CommitProxy {
    /// Where to connect.
    pub address: SocketAddr,
    next: Arc<Mutex<Option<Armed>>>,
    away: watch::Sender<bool>,
}

impl CommitProxy {
    pub async fn start(target_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let next = Arc::new(Mutex::new(None));
        let (armed, (away, seen)) = (next.clone(), watch::channel(false));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *seen.borrow() {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", target_port)).await;
                if let Ok(server) = server {
                    tokio::spawn(carry(client, server, armed.clone(), seen.clone()));
                }
            }
        });
        Self { address, next, away }
    }

    /// Arms it for the next transaction whose audit record has this action.
    pub fn set(&self, fate: Fate, action: &'static str) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Armed { fate, action });
    }

    /// Closes every connection, but for those with a COMMIT that has struck, and further ones at once; or carries again.
    pub fn set_away(&self, away: bool) {
        self.away.send_replace(away);
    }

    /// Whether it has struck.
    pub fn struck(&self) -> bool {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    armed: Arc<Mutex<Option<Armed>>>,
    mut away: watch::Receiver<bool>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        (from_server, to_client)
    });
    let mut buffer = vec![0; 64 << 10];
    let mut since_commit = Vec::new();
    loop {
        let read = tokio::select! {
            read = from_client.read(&mut buffer) => read,
            _ = away.wait_for(|away| *away) => break,
        };
        let Ok(length @ 1..) = read else { break };
        let bytes = &buffer[..length];
        let fate = if bytes == COMMIT {
            let mut armed = armed.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = std::mem::take(&mut since_commit);
            armed.take_if(|armed| sent.windows(armed.action.len()).any(|text| text == armed.action.as_bytes()))
        } else {
            since_commit.extend_from_slice(bytes);
            None
        };
        match fate.map(|armed| armed.fate) {
            None => {}
            Some(Fate::Held(time)) => tokio::time::sleep(time).await,
            Some(Fate::Lost) => break,
            Some(Fate::AnswerLost) => {
                // Nothing that the server says from here on reaches the client; the socket closes after its answer came.
                answers.abort();
                let _ = to_server.write_all(bytes).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                break;
            }
            Some(Fate::Late(time)) => {
                answers.abort();
                let _ = answers.await;
                drop(from_client);
                tokio::time::sleep(time).await;
                let _ = to_server.write_all(bytes).await;
                tokio::time::sleep(time).await;
                return;
            }
        }
        if to_server.write_all(bytes).await.is_err() {
            break;
        }
    }
    answers.abort();
}
