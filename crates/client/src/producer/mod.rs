//! Sending messages.

mod builder;
mod moving;
mod session;
mod sink;
pub mod transaction;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use rdkafka::{ClientConfig, producer::Producer as _};
use tokio::sync::{RwLock, mpsc::UnboundedReceiver, oneshot};

pub use builder::ProducerBuilder;
pub use sink::ProducerSink;

use self::session::{Context, Counters, Pending, Session, SessionShared};
use crate::{
    Error, Message,
    client::Shared,
    credentials::Connection,
    session::{Notice, Reporter, first_contact},
};

/// Where a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// The partition.
    pub partition: i32,
    /// The place in the partition.
    pub offset: i64,
}

/// Sends messages to one topic.
///
/// It is idempotent: librdkafka's retries neither lose, nor double, nor reorder the messages of a partition. What holds when
/// the token changes meanwhile is told at [`crate::Event::ProducerMoved`] and on the [first page](crate#rotation).
///
/// Clones share everything. Call [`Producer::close`] at the end: what was sent but not acknowledged when the last clone is
/// dropped is still tried in the background, but only until the process ends.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<Inner>,
}

struct Inner {
    client: Arc<Shared>,
    topic: String,
    config: Box<dyn Fn(&Connection) -> ClientConfig + Send + Sync>,
    session: RwLock<Arc<Session>>,
    counters: Arc<Counters>,
    sequence: AtomicU64,
}

/// Resolves when a message was acknowledged. Dropping it does not take the message back.
#[derive(Debug)]
#[must_use = "dropping it leaves open whether the message was delivered"]
pub struct DeliveryFuture(oneshot::Receiver<Result<Delivery, Error>>);

impl Future for DeliveryFuture {
    type Output = Result<Delivery, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|outcome| outcome.unwrap_or(Err(Error::Closed)))
    }
}

impl Producer {
    /// Sends a message and waits until the broker has acknowledged it.
    ///
    /// Waiting for each message before the next one is sent is slow; [`Producer::queue`] is for many.
    pub async fn send(&self, message: Message) -> Result<Delivery, Error> {
        self.queue(message).await.await
    }

    /// Puts a message into the queue, and answers with a future for its acknowledgement. Waits for room if the queue is full.
    ///
    /// Messages are written in the order in which this was called. If the future that this returns is dropped before it is
    /// ready, the message was not sent.
    pub async fn queue(&self, message: Message) -> DeliveryFuture {
        let inner = &self.inner;
        let (mut pending, receiver) = Pending::new(inner.sequence.fetch_add(1, Ordering::Relaxed), &inner.counters);
        loop {
            // Held while the message is handed over, so that a session is never replaced in the middle of that.
            let session = match inner.session.try_read() {
                Ok(session) => session,
                Err(_) => inner.session.read().await,
            };
            let room = inner.counters.acknowledged.notified();
            match session.enqueue(&inner.topic, &message, pending) {
                Ok(()) => return DeliveryFuture(receiver),
                Err(full) => pending = full,
            }
            drop(session);
            // The limit is for an acknowledgement that came between the attempt and the waiting.
            let _ = tokio::time::timeout(Duration::from_millis(20), room).await;
        }
    }

    /// Sends several messages and waits until all are acknowledged. Answers the first error, after all have been decided.
    pub async fn send_all(&self, messages: impl IntoIterator<Item = Message>) -> Result<Vec<Delivery>, Error> {
        let mut waiting = Vec::new();
        for message in messages {
            waiting.push(self.queue(message).await);
        }
        futures::future::join_all(waiting).await.into_iter().collect()
    }

    /// Waits until everything that was put into the queue has been acknowledged or has failed.
    pub async fn flush(&self) {
        loop {
            let acknowledged = self.inner.counters.acknowledged.notified();
            if self.inner.counters.waiting.load(Ordering::Acquire) == 0 {
                return;
            }
            // As above.
            let _ = tokio::time::timeout(Duration::from_millis(20), acknowledged).await;
        }
    }

    /// How many messages wait for their acknowledgement.
    pub fn waiting(&self) -> usize {
        self.inner.counters.waiting.load(Ordering::Acquire)
    }

    /// Waits for everything that was sent, and ends.
    pub async fn close(self) {
        self.flush().await;
    }

    /// The topic's id on the broker.
    pub fn topic(&self) -> &str {
        &self.inner.topic
    }

    /// A `Sink` of messages. Closing or flushing it waits for all acknowledgements, and answers the first error of any.
    pub fn sink(&self) -> ProducerSink {
        ProducerSink::new(self.clone())
    }

    async fn open(
        client: Arc<Shared>,
        topic: String,
        config: Box<dyn Fn(&Connection) -> ClientConfig + Send + Sync>,
    ) -> Result<Self, Error> {
        loop {
            let connection = client.credentials.get().await?;
            let (session, notices) =
                open_session(&config(&connection), Arc::clone(&connection), client.settings.delivery_timeout)?;
            match contact(&client, &topic, &session, notices).await {
                Ok(notices) => {
                    let inner = Arc::new(Inner {
                        client,
                        topic,
                        config,
                        session: RwLock::new(session),
                        counters: Arc::default(),
                        sequence: AtomicU64::new(0),
                    });
                    tokio::spawn(moving::supervise(Arc::downgrade(&inner), notices));
                    return Ok(Self { inner });
                }
                Err(error) => {
                    std::thread::spawn(move || drop(session));
                    // The token died between the API's answer and the broker's: there may be another one.
                    let moved = client.credentials.current().is_some_and(|now| now.epoch > connection.epoch);
                    if !moved {
                        return Err(error);
                    }
                }
            }
        }
    }
}

impl Inner {
    fn open(&self, connection: Arc<Connection>) -> Result<(Arc<Session>, UnboundedReceiver<Notice>), Error> {
        let config = (self.config)(&connection);
        open_session(&config, connection, self.client.settings.delivery_timeout)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let waiting = self.counters.waiting.load(Ordering::Acquire);
        let session = Arc::clone(self.session.get_mut());
        let limit = self.client.settings.delivery_timeout;
        // Nobody waits for this; the thread ends with the process at the latest.
        std::thread::spawn(move || {
            if waiting > 0 {
                let _ = session.native.flush(limit);
            }
        });
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("topic", &self.inner.topic).field("waiting", &self.waiting()).finish()
    }
}

fn open_session(
    config: &ClientConfig,
    connection: Arc<Connection>,
    delivery_timeout: Duration,
) -> Result<(Arc<Session>, UnboundedReceiver<Notice>), Error> {
    let (reporter, notices) = Reporter::new(Arc::clone(&connection));
    let shared = Arc::new(SessionShared::new(reporter, delivery_timeout));
    let native = config.create_with_context(Context(Arc::clone(&shared)));
    let native = native.map_err(|error| Error::kafka("making a producer", error))?;
    Ok((Arc::new(Session { native, shared, connection }), notices))
}

/// Waits until the broker has accepted the credentials and knows the topic.
async fn contact(
    client: &Shared,
    topic: &str,
    session: &Arc<Session>,
    mut notices: UnboundedReceiver<Notice>,
) -> Result<UnboundedReceiver<Notice>, Error> {
    let reporter = &session.shared.reporter;
    let (asked, name) = (Arc::clone(session), topic.to_owned());
    let ask = move |limit| asked.native.client().fetch_metadata(Some(&name), limit);
    let answer = first_contact(topic, client.settings.connect_timeout, reporter, ask);
    tokio::pin!(answer);
    loop {
        tokio::select! {
            outcome = &mut answer => return outcome.map(|()| notices),
            Some(notice) = notices.recv() => crate::session::decide(client, reporter, session.connection.epoch, notice).await?,
        }
    }
}
