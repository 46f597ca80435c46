//! Receiving messages.

mod builder;
mod context;
mod control;
mod moving;
mod receive;
mod session;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Instant,
};

use futures::Stream;
use rdkafka::ClientConfig;
use tokio::{sync::watch, task::JoinHandle};

pub use builder::ConsumerBuilder;
pub use control::Position;

use self::{
    context::Positions,
    receive::{Happened, store},
    session::Session,
};
use crate::{Error, Received, client::Shared, credentials::Connection};

/// Where to begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// At the first message that is kept.
    Earliest,
    /// After the last message.
    Latest,
    /// At this offset of every partition.
    Offset(i64),
    /// This many messages before the end of every partition.
    FromEnd(i64),
    /// At the first message of this time or later, in milliseconds since 1970.
    Time(i64),
}

/// How a member of a group commits what it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Commit {
    /// In the background, every five seconds and at the end: the messages before the one that was handed out last, because the
    /// program is done with these. After a crash some messages come again; none is lost.
    #[default]
    Automatic,
    /// With [`Consumer::commit`] only.
    Manual,
}

/// Receives the messages of one topic.
pub struct Consumer {
    client: Arc<Shared>,
    topic: String,
    group: String,
    member: bool,
    start: Start,
    stop_at_end: bool,
    config: Box<dyn Fn(&Connection) -> ClientConfig + Send + Sync>,
    /// None while the session of one token has ended and that of the next one has not begun, and at the end.
    session: Option<Session>,
    /// The end of a session that is under way.
    ending: Option<JoinHandle<()>>,
    positions: Arc<Mutex<Positions>>,
    /// After a move: up to where the program has been given messages already.
    given: BTreeMap<i32, i64>,
    /// The message that was handed out last.
    last: Option<(i32, i64)>,
    since_stored: u32,
    /// Partitions in which something is not done although the next message was asked for: fragments of a whole.
    held_back: BTreeSet<i32>,
    /// A message that came while the session was opened.
    first: Option<Received>,
    epochs: watch::Receiver<u64>,
    /// Whether a broker answers, while that is in doubt.
    probe: Option<JoinHandle<Result<(), Error>>>,
    refused_since: Option<Instant>,
    closed: bool,
}

impl Consumer {
    pub(super) async fn open(
        client: Arc<Shared>,
        topic: String,
        group: String,
        member: bool,
        start: Start,
        stop_at_end: bool,
        config: Box<dyn Fn(&Connection) -> ClientConfig + Send + Sync>,
    ) -> Result<Self, Error> {
        let epochs = client.credentials.watch();
        let mut consumer = Self {
            client,
            topic,
            group,
            member,
            start,
            stop_at_end,
            config,
            session: None,
            ending: None,
            positions: Arc::default(),
            given: BTreeMap::new(),
            last: None,
            since_stored: 0,
            held_back: BTreeSet::new(),
            first: None,
            epochs,
            probe: None,
            refused_since: None,
            closed: false,
        };
        consumer.open_session().await?;
        Ok(consumer)
    }

    /// The next message; waits for it. An error is told once: after one that cannot be got over `None` follows, after any other
    /// the consumer goes on.
    ///
    /// The message that was handed out before counts as done from here on. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Received, Error>> {
        self.done_with_last();
        loop {
            if self.closed {
                return None;
            }
            if self.session.is_none()
                && let Err(error) = self.open_session().await
            {
                self.closed = !error.is_transient();
                return Some(Err(error));
            }
            if let Some(message) = self.first.take()
                && self.is_new(message.partition(), message.offset())
            {
                return Some(Ok(self.hand_out(message)));
            }
            if self.epochs.has_changed().unwrap_or(false) && self.catch_up() {
                continue;
            }
            let happened = self.wait().await;
            let problem = match happened {
                Happened::Message(Some(message)) => return Some(message.map(|message| self.hand_out(message))),
                Happened::Message(None) if self.at_end() => return None,
                Happened::Message(None) | Happened::Nothing => continue,
                Happened::Notice(notice) => self.act_on(notice).await,
                Happened::Probed(outcome) => outcome.err(),
            };
            if let Some(error) = problem {
                self.closed = !error.is_transient();
                return Some(Err(error));
            }
        }
    }

    /// The messages as a `Stream`.
    pub fn stream(&mut self) -> impl Stream<Item = Result<Received, Error>> + Send + '_ {
        futures::stream::unfold(
            self,
            |consumer| async move { consumer.next().await.map(|message| (message, consumer)) },
        )
    }

    /// The messages as a `Stream` that owns the consumer.
    pub fn into_stream(self) -> impl Stream<Item = Result<Received, Error>> + Send {
        futures::stream::unfold(self, |mut consumer| async move {
            let message = consumer.next().await;
            message.map(|message| (message, consumer))
        })
    }

    /// Ends: commits what the program is done with (all that was handed out, if commits are automatic) and leaves the group,
    /// so that the other members go on at once.
    pub async fn close(mut self) {
        self.done_with_last();
        self.end_session(true);
        if let Some(ending) = self.ending.take() {
            let _ = ending.await;
        }
    }

    /// The topic's id on the broker.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The group's id on the broker.
    pub fn group(&self) -> &str {
        &self.group
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.done_with_last();
        if let Some(probe) = self.probe.take() {
            probe.abort();
        }
        if let Some(session) = self.session.take() {
            store(&session.native, &self.topic, &self.positions);
            // Closing commits and leaves the group, which waits for the broker; not here.
            std::thread::spawn(move || drop(session));
        }
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("topic", &self.topic).field("group", &self.group).finish_non_exhaustive()
    }
}
