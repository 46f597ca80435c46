//! A network that misbehaves on demand: a TCP proxy in front of one address.
//!
//! TCP hides lost packets by sending them again, so what a program sees of a bad network is silence, delay, or the end of a
//! connection. Those are the faults here. Dropping bytes out of the middle of a stream is not among them: no network does that.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

/// Bytes that are carried in one piece.
const PIECE: usize = 16 * 1024;
/// Pieces that may be on their way in one direction of one connection; then the sender has to wait, as with real buffers.
const UNDER_WAY: usize = 64;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// From whoever connected to the target.
    ToTarget,
    /// From the target back.
    FromTarget,
}

/// What is wrong with the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Everything arrives this much later, in order and at full throughput.
    Delay(Direction, Duration),
    /// Silence: nothing arrives, nobody is told. What was sent meanwhile arrives when the fault is over, as when a cable is
    /// plugged in again. New connections are accepted (the kernel does that) and stay as silent.
    Hold(Direction),
    /// Silence as with [`Fault::Hold`], and what was sent meanwhile is lost: connections that have lost something are reset
    /// when the fault is over, as by a firewall that has forgotten them.
    Lose(Direction),
    /// Open connections are reset, new ones too.
    Cut,
}

/// A proxy; ends when it is dropped, and its connections with it.
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<State>,
    open: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
}

/// What one side sent. The end of a connection travels like data: whom the network does not reach does not learn of it.
enum Piece {
    Data(Vec<u8>),
    End,
    Reset,
}

#[derive(Debug, Clone, Copy)]
struct State {
    fault: Fault,
    target: SocketAddr,
    /// Counted up to reset the connections that are open.
    reset: u64,
}

impl Proxy {
    /// Listens on a free port of the loopback interface and carries everything to `target` and back.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let faults = watch::Sender::new(State { fault: Fault::None, target, reset: 0 });
        let open = Arc::new(AtomicUsize::new(0));
        let listening = tokio::spawn(listen(listener, faults.subscribe(), open.clone()));
        Ok(Self { address, faults, open, listening })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what is wrong from now on, for connections that are open as well.
    pub fn set(&self, fault: Fault) {
        self.faults.send_modify(|state| state.fault = fault);
    }

    /// Sends new connections elsewhere: the target was started again on another port.
    pub fn retarget(&self, target: SocketAddr) {
        self.faults.send_modify(|state| state.target = target);
    }

    /// Resets every open connection; new ones are carried.
    pub fn reset_connections(&self) {
        self.faults.send_modify(|state| state.reset += 1);
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The connections end because the sender of the faults does.
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, faults: watch::Receiver<State>, open: Arc<AtomicUsize>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let (faults, open) = (faults.clone(), open.clone());
        tokio::spawn(async move {
            open.fetch_add(1, Ordering::Relaxed);
            carry(client, faults).await;
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One connection, until either end, a fault or the proxy's end closes it.
async fn carry(client: TcpStream, faults: watch::Receiver<State>) {
    let reset_before = faults.borrow().reset;
    // Data that a side has not read yet must not reach it after the reset.
    client.set_zero_linger().ok();
    if faults.borrow().fault == Fault::Cut {
        return;
    }
    let target = faults.borrow().target;
    let Ok(server) = TcpStream::connect(target).await else { return };
    server.set_zero_linger().ok();
    for stream in [&client, &server] {
        stream.set_nodelay(true).ok();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut ends = faults.clone();
    tokio::select! {
        // Both directions: a half-closed connection goes on in the other.
        _ = async {
            tokio::try_join!(
                pass(from_client, to_server, Direction::ToTarget, faults.clone()),
                pass(from_server, to_client, Direction::FromTarget, faults),
            )
        } => {}
        _ = ends.wait_for(|state| state.fault == Fault::Cut || state.reset != reset_before) => {}
    }
}

/// One direction; `Err` when the connection is to be reset.
async fn pass(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    direction: Direction,
    faults: watch::Receiver<State>,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    tokio::try_join!(read(from, sender), write(to, receiver, direction, faults))?;
    Ok(())
}

/// Reads on while pieces are under way, so that a delay does not throttle.
async fn read(mut from: OwnedReadHalf, pieces: mpsc::Sender<(Instant, Piece)>) -> io::Result<()> {
    loop {
        let mut buffer = vec![0; PIECE];
        let piece = match from.read(&mut buffer).await {
            Ok(0) => Piece::End,
            Ok(length) => {
                buffer.truncate(length);
                Piece::Data(buffer)
            }
            Err(_) => Piece::Reset,
        };
        let last = !matches!(piece, Piece::Data(_));
        if pieces.send((Instant::now(), piece)).await.is_err() || last {
            return Ok(());
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut pieces: mpsc::Receiver<(Instant, Piece)>,
    direction: Direction,
    mut faults: watch::Receiver<State>,
) -> io::Result<()> {
    while let Some((sent_at, piece)) = pieces.recv().await {
        let lost = wait(sent_at, direction, &mut faults).await?;
        if lost {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        match piece {
            Piece::Data(bytes) => to.write_all(&bytes).await?,
            Piece::End => return to.shutdown().await,
            Piece::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
    Ok(())
}

/// Waits until a piece may arrive, whatever becomes of the fault meanwhile; tells whether it is lost instead.
async fn wait(sent_at: Instant, direction: Direction, faults: &mut watch::Receiver<State>) -> io::Result<bool> {
    let mut lost = false;
    let concerns = |of: Direction| of == Direction::Both || of == direction;
    loop {
        let fault = faults.borrow_and_update().fault;
        let until = match fault {
            Fault::Delay(of, by) if concerns(of) => Some(sent_at + by),
            Fault::Hold(of) if concerns(of) => None,
            Fault::Lose(of) if concerns(of) => {
                lost = true;
                None
            }
            _ => return Ok(lost),
        };
        let changed = tokio::select! {
            () = async { tokio::time::sleep_until(until.unwrap_or_else(Instant::now)).await }, if until.is_some() => {
                return Ok(lost);
            }
            changed = faults.changed() => changed,
        };
        changed.map_err(|_| io::Error::from(io::ErrorKind::ConnectionReset))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        address
    }

    async fn pair() -> (Proxy, TcpStream) {
        let proxy = Proxy::start(echo().await).await.expect("a free port");
        let stream = TcpStream::connect(proxy.address()).await.expect("connected");
        (proxy, stream)
    }

    /// Sends and waits for the echo; `None`: nothing came for a while.
    async fn ask(stream: &mut TcpStream, text: &str) -> Option<io::Result<String>> {
        stream.write_all(text.as_bytes()).await.ok();
        answer(stream, text.len()).await
    }

    async fn answer(stream: &mut TcpStream, length: usize) -> Option<io::Result<String>> {
        let mut buffer = vec![0; length];
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut buffer)).await.ok()?;
        Some(read.map(|_| String::from_utf8(buffer).expect("text")))
    }

    fn text(answer: Option<io::Result<String>>) -> String {
        answer.expect("an answer").expect("still connected")
    }

    #[tokio::test]
    async fn held_bytes_arrive_when_the_fault_is_over() {
        let (proxy, mut stream) = pair().await;
        assert_eq!(text(ask(&mut stream, "one").await), "one");
        for direction in [Direction::Both, Direction::ToTarget, Direction::FromTarget] {
            proxy.set(Fault::Hold(direction));
            assert!(ask(&mut stream, "two").await.is_none());
            proxy.set(Fault::None);
            assert_eq!(text(answer(&mut stream, 3).await), "two");
        }
        assert_eq!(proxy.connections(), 1);
    }

    #[tokio::test]
    async fn a_connection_that_has_lost_something_is_reset_others_are_not() {
        let (proxy, mut stream) = pair().await;
        let mut silent = TcpStream::connect(proxy.address()).await.expect("connected");
        assert_eq!(text(ask(&mut silent, "one").await), "one");
        proxy.set(Fault::Lose(Direction::FromTarget));
        assert!(ask(&mut stream, "two").await.is_none());
        proxy.set(Fault::None);
        assert!(answer(&mut stream, 3).await.expect("an end").is_err());
        assert_eq!(text(ask(&mut silent, "three").await), "three");
    }

    #[tokio::test]
    async fn a_cut_ends_what_is_open_and_what_comes() {
        let (proxy, mut stream) = pair().await;
        assert_eq!(text(ask(&mut stream, "one").await), "one");
        proxy.set(Fault::Cut);
        assert!(answer(&mut stream, 1).await.expect("an end").is_err());
        if let Ok(mut late) = TcpStream::connect(proxy.address()).await {
            assert!(ask(&mut late, "two").await.expect("an end").is_err());
        }
        proxy.set(Fault::None);
        let mut later = TcpStream::connect(proxy.address()).await.expect("connected");
        assert_eq!(text(ask(&mut later, "three").await), "three");
        proxy.reset_connections();
        assert!(answer(&mut later, 1).await.expect("an end").is_err());
        drop(proxy);
    }

    #[tokio::test]
    async fn a_delay_keeps_the_order() {
        let (proxy, mut stream) = pair().await;
        proxy.set(Fault::Delay(Direction::ToTarget, Duration::from_millis(300)));
        let before = Instant::now();
        stream.write_all(b"one").await.expect("sent");
        stream.write_all(b"two").await.expect("sent");
        let mut buffer = [0; 6];
        stream.read_exact(&mut buffer).await.expect("still connected");
        assert_eq!(&buffer, b"onetwo");
        assert!(before.elapsed() >= Duration::from_millis(300));
    }
}
