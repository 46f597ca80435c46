//! Receiving messages.

mod builder;
mod context;
mod control;
mod session;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{FutureExt, Stream};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tokio::{sync::watch, task::JoinHandle};

pub use builder::ConsumerBuilder;
pub use control::Position;

use self::{
    context::{Context, Positions, lock},
    session::Session,
};
use crate::{
    Error, Event, Received,
    client::Shared,
    credentials::Connection,
    session::{Notice, first_contact},
};

/// How many messages may be handed out before librdkafka is told of it. It commits every five seconds only.
const STORE_EVERY: u32 = 1000;

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

/// What a consumer has waited for.
enum Happened {
    Message(Option<Result<Received, Error>>),
    Notice(Notice),
    Probed(Result<(), Error>),
    Nothing,
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

    async fn wait(&mut self) -> Happened {
        let Some(session) = &mut self.session else { return Happened::Nothing };
        let native = Arc::clone(&session.native);
        // A consumer that always finds a message lets others run too. Before the message is taken: nothing may be awaited
        // between that and handing it out, or a future that is dropped there loses it.
        tokio::task::consume_budget().await;
        if let Some(outcome) = native.recv().now_or_never() {
            return Happened::Message(self.receive(outcome));
        }
        store(&native, &self.topic, &self.positions);
        let happened = tokio::select! {
            outcome = native.recv() => Err(outcome),
            Some(notice) = session.notices.recv() => Ok(Happened::Notice(notice)),
            // Seen by `has_changed` in the next round, which marks it as seen.
            () = changed(&self.epochs) => Ok(Happened::Nothing),
            outcome = async { self.probe.as_mut().expect("checked").await }, if self.probe.is_some() => {
                self.probe = None;
                Ok(Happened::Probed(outcome.unwrap_or(Ok(()))))
            }
        };
        match happened {
            Ok(happened) => happened,
            Err(outcome) => Happened::Message(self.receive(outcome)),
        }
    }

    /// A message that is to be handed out, an error that is to be told, or nothing.
    fn receive(&mut self, outcome: Result<BorrowedMessage<'_>, KafkaError>) -> Option<Result<Received, Error>> {
        let error = match outcome {
            Ok(message) if self.is_new(message.partition(), message.offset()) => {
                return Some(Ok(Received { message: message.detach() }));
            }
            Ok(_) => return None,
            Err(error) => error,
        };
        let session = self.session.as_ref()?;
        match (&error, error.rdkafka_error_code()) {
            (KafkaError::PartitionEOF(partition), _) => {
                lock(&self.positions).ended.insert(*partition);
                None
            }
            (KafkaError::MessageConsumptionFatal(_), _) => Some(Err(Error::kafka("receiving", error))),
            (_, Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::GroupAuthorizationFailed)) => {
                session.reporter.notice(Notice::Suspect(error.to_string()));
                None
            }
            (_, Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition)) => {
                let reason = "the broker does not know it (any longer)".into();
                Some(Err(Error::TopicNotReady { topic: self.topic.clone(), reason }))
            }
            (_, Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) => {
                Some(Err(Error::kafka("finding the place to read from", error)))
            }
            // librdkafka goes on by itself; what needs an action has come as a notice.
            _ => {
                tracing::debug!("{error}");
                None
            }
        }
    }

    /// Whether the program has not been given this message before. It has, where a new session reads again what was handed out
    /// but not committed.
    fn is_new(&mut self, partition: i32, offset: i64) -> bool {
        if self.given.is_empty() {
            return true;
        }
        match self.given.get(&partition) {
            Some(next) if offset < *next => false,
            Some(_) => {
                self.given.remove(&partition);
                true
            }
            None => true,
        }
    }

    fn hand_out(&mut self, message: Received) -> Received {
        self.last = Some((message.partition(), message.offset()));
        message
    }

    fn done_with_last(&mut self) {
        let Some((partition, offset)) = self.last.take() else { return };
        if self.held_back.contains(&partition) {
            return;
        }
        let mut positions = lock(&self.positions);
        positions.done.insert(partition, offset + 1);
        positions.unstored = true;
        drop(positions);
        self.since_stored += 1;
        if self.since_stored >= STORE_EVERY
            && let Some(session) = &self.session
        {
            self.since_stored = 0;
            store(&session.native, &self.topic, &self.positions);
        }
    }

    /// Whether messages of this partition do not count as done when the next one is asked for.
    pub(crate) fn hold_back(&mut self, partition: i32, hold: bool) {
        if hold {
            self.held_back.insert(partition);
        } else {
            self.held_back.remove(&partition);
        }
    }

    fn at_end(&self) -> bool {
        let positions = lock(&self.positions);
        self.stop_at_end && !positions.assigned.is_empty() && positions.assigned.is_subset(&positions.ended)
    }

    async fn act_on(&mut self, notice: Notice) -> Option<Error> {
        let session = self.session.as_ref()?;
        match notice {
            Notice::Down(reason) => {
                let _ = self.client.events.send(Event::Disconnected { reason });
                if self.probe.is_none() {
                    let (asked, reporter) = (Arc::clone(&session.native), Arc::clone(&session.reporter));
                    let (topic, limit) = (self.topic.clone(), self.client.settings.connect_timeout);
                    self.probe = Some(tokio::spawn(async move {
                        let name = topic.clone();
                        let ask = move |limit| asked.client().fetch_metadata(Some(&name), limit);
                        first_contact(&topic, limit, &reporter, ask).await
                    }));
                }
                None
            }
            Notice::Certificate(reason) => Some(session.reporter.certificate(reason)),
            Notice::Refused(reason) | Notice::Suspect(reason) => {
                let epoch = session.connection.epoch;
                match self.client.credentials.renew(epoch).await {
                    Ok(connection) if connection.epoch > epoch => {
                        self.move_on(false);
                        None
                    }
                    // The API calls the token valid: its credentials may still be on their way to every broker.
                    Ok(_) => {
                        let since = *self.refused_since.get_or_insert_with(Instant::now);
                        let late = since.elapsed() > self.client.settings.connect_timeout;
                        late.then(|| session.reporter.refuses(reason))
                    }
                    Err(error) if error.is_transient() => {
                        tracing::debug!("{error}");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        self.session.as_ref()?.reporter.notice(Notice::Suspect(reason));
                        None
                    }
                    Err(error) => Some(error),
                }
            }
        }
    }

    /// The client has another token than this session: a move while the old one is still alive.
    fn catch_up(&mut self) -> bool {
        self.epochs.mark_unchanged();
        let now = self.client.credentials.current();
        let session = self.session.as_ref();
        let moved = now.zip(session).is_some_and(|(now, session)| now.epoch > session.connection.epoch);
        if moved {
            self.move_on(true);
        }
        moved
    }

    /// Ends the session, so that the next round opens another one. What was handed out is not handed out again.
    fn move_on(&mut self, planned: bool) {
        self.given.clone_from(&lock(&self.positions).done);
        self.end_session(planned);
        let _ = self.client.events.send(Event::ConsumerMoved { topic: self.topic.clone() });
    }

    /// `wait`: a session that can still commit and leave its group does so before the next one begins.
    fn end_session(&mut self, wait: bool) {
        if let Some(probe) = self.probe.take() {
            probe.abort();
        }
        let Some(session) = self.session.take() else { return };
        store(&session.native, &self.topic, &self.positions);
        let end = move || drop(session);
        if wait {
            self.ending = Some(tokio::task::spawn_blocking(end));
        } else {
            // Closing waits for a broker that will not answer; nobody waits for that.
            std::thread::spawn(end);
        }
    }

    async fn open_session(&mut self) -> Result<(), Error> {
        if let Some(ending) = &mut self.ending {
            let _ = tokio::time::timeout(self.client.settings.connect_timeout, ending).await;
            self.ending = None;
        }
        loop {
            let connection = self.client.credentials.get().await?;
            let config = (self.config)(&connection);
            let mut session =
                Session::new(&config, Arc::clone(&connection), &self.topic, &self.positions, &self.client.events)?;
            if self.member {
                let subscribed = session.native.subscribe(&[&self.topic]);
                subscribed.map_err(|error| Error::kafka("subscribing", error))?;
            }
            match session.contact(&self.client, &self.topic).await {
                Ok(first) => {
                    if !self.member {
                        let limit = self.client.settings.connect_timeout;
                        session.assign_all(&self.topic, self.start, &self.positions, limit).await?;
                    }
                    self.first = first;
                    self.refused_since = None;
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error) => {
                    std::thread::spawn(move || drop(session));
                    let moved = self.client.credentials.current().is_some_and(|now| now.epoch > connection.epoch);
                    if !moved {
                        return Err(error);
                    }
                }
            }
        }
    }
}

/// Tells librdkafka what the program is done with, for its next automatic commit.
fn store(native: &StreamConsumer<Context>, topic: &str, positions: &Mutex<Positions>) {
    let mut positions = lock(positions);
    if positions.unstored {
        positions.unstored = false;
        if let Err(error) = native.store_offsets(&positions.list(topic)) {
            tracing::debug!("storing offsets: {error}");
        }
    }
}

/// Resolves when the value is not the one that was last seen, and leaves it unseen.
async fn changed(epochs: &watch::Receiver<u64>) {
    let mut epochs = epochs.clone();
    if epochs.changed().await.is_err() {
        std::future::pending::<()>().await;
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
