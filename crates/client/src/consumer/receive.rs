//! From what librdkafka hands over to what the program is given.

use std::sync::{Arc, Mutex};

use futures::FutureExt;
use rdkafka::{
    Message as _,
    consumer::{Consumer as _, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tokio::sync::watch;

use super::{
    Consumer,
    context::{Context, Positions, lock},
};
use crate::{Error, Received, session::Notice};

/// How many messages may be handed out before librdkafka is told of it. It commits every five seconds only.
const STORE_EVERY: u32 = 1000;

/// What a consumer has waited for.
pub(super) enum Happened {
    Message(Option<Result<Received, Error>>),
    Notice(Notice),
    Probed(Result<(), Error>),
    Nothing,
}

impl Consumer {
    pub(super) async fn wait(&mut self) -> Happened {
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
    pub(super) fn receive(
        &mut self,
        outcome: Result<BorrowedMessage<'_>, KafkaError>,
    ) -> Option<Result<Received, Error>> {
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
    pub(super) fn is_new(&mut self, partition: i32, offset: i64) -> bool {
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

    pub(super) fn hand_out(&mut self, message: Received) -> Received {
        self.last = Some((message.partition(), message.offset()));
        message
    }

    pub(super) fn done_with_last(&mut self) {
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

    pub(super) fn at_end(&self) -> bool {
        let positions = lock(&self.positions);
        self.stop_at_end && !positions.assigned.is_empty() && positions.assigned.is_subset(&positions.ended)
    }
}

/// Tells librdkafka what the program is done with, for its next automatic commit.
pub(super) fn store(native: &StreamConsumer<Context>, topic: &str, positions: &Mutex<Positions>) {
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
