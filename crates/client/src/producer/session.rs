//! One librdkafka producer with the credentials of one token.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use rdkafka::{
    ClientContext, Message as _,
    bindings::{rd_kafka_message_status, rd_kafka_msg_status_t},
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, DeliveryResult, OwnedMessage},
    producer::{BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext, PurgeConfig, ThreadedProducer},
};
use tokio::sync::{Notify, oneshot};

use super::Delivery;
use crate::{
    Error, Message,
    credentials::Connection,
    session::{Notice, Reporter, log},
};

/// One librdkafka producer.
pub(super) struct Session {
    pub(super) native: ThreadedProducer<Context>,
    pub(super) shared: Arc<SessionShared>,
    pub(super) connection: Arc<Connection>,
}

/// What the session and librdkafka's callbacks share.
pub(super) struct SessionShared {
    pub(super) reporter: Reporter,
    /// From here on messages that come back are kept to be sent again.
    pub(super) moving: AtomicBool,
    /// Why nothing will be delivered by this session any more.
    pub(super) failed: OnceLock<Error>,
    /// What came back.
    returned: Mutex<Vec<Returned>>,
    /// Of the producer, for the error that names it.
    pub(super) delivery_timeout: std::time::Duration,
}

/// Shared by all sessions of a producer.
#[derive(Default)]
pub(super) struct Counters {
    /// How many messages wait for their acknowledgement.
    pub(super) waiting: AtomicUsize,
    /// Rings when an acknowledgement came: there may be room in the queue, or nothing left to wait for.
    pub(super) acknowledged: Notify,
}

/// A message that waits for its acknowledgement.
pub(super) struct Pending {
    reply: Option<oneshot::Sender<Result<Delivery, Error>>>,
    /// Its place in the order of sending.
    pub(super) sequence: u64,
    counters: Arc<Counters>,
}

/// A message that came back unacknowledged.
pub(super) struct Returned {
    pub(super) pending: Box<Pending>,
    pub(super) message: OwnedMessage,
    /// Whether it had been sent: the broker may have written it all the same.
    pub(super) in_doubt: bool,
    error: KafkaError,
}

impl Pending {
    pub(super) fn new(
        sequence: u64,
        counters: &Arc<Counters>,
    ) -> (Box<Self>, oneshot::Receiver<Result<Delivery, Error>>) {
        let (reply, receiver) = oneshot::channel();
        counters.waiting.fetch_add(1, Ordering::AcqRel);
        (Box::new(Self { reply: Some(reply), sequence, counters: Arc::clone(counters) }), receiver)
    }

    pub(super) fn answer(mut self, outcome: Result<Delivery, Error>) {
        if let Some(reply) = self.reply.take() {
            // Nobody waits for it if the program does not care for this message.
            let _ = reply.send(outcome);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.counters.waiting.fetch_sub(1, Ordering::AcqRel);
        self.counters.acknowledged.notify_waiters();
    }
}

/// The callbacks of librdkafka.
pub(super) struct Context(pub(super) Arc<SessionShared>);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.reporter.error(&error, reason);
    }
}

impl ProducerContext<NoCustomPartitioner> for Context {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Box<Pending>) {
        match result {
            Ok(message) => {
                let delivery = Delivery { partition: message.partition(), offset: message.offset() };
                pending.answer(Ok(delivery));
            }
            Err((error, message)) => self.0.returned(error, message, pending),
        }
    }
}

impl SessionShared {
    pub(super) fn new(reporter: Reporter, delivery_timeout: std::time::Duration) -> Self {
        let moving = AtomicBool::new(false);
        Self { reporter, moving, failed: OnceLock::new(), returned: Mutex::default(), delivery_timeout }
    }

    fn returned(&self, error: &KafkaError, message: &BorrowedMessage<'_>, pending: Box<Pending>) {
        let code = error.rdkafka_error_code();
        if let Some(error) = self.failed.get() {
            return pending.answer(Err(error.clone()));
        }
        let purged = matches!(code, Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight));
        let suspect = matches!(
            code,
            Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed)
        );
        if suspect || (purged && self.moving.load(Ordering::Acquire)) {
            let in_doubt = possibly_written(message);
            let returned = Returned { pending, message: message.detach(), in_doubt, error: error.clone() };
            self.returned.lock().unwrap_or_else(PoisonError::into_inner).push(returned);
            if suspect {
                self.reporter.notice(Notice::Suspect(error.to_string()));
            }
            return;
        }
        let size = message.key_len() + message.payload_len();
        pending.answer(Err(self.explain(error, message.topic(), size)));
    }

    /// What came back since the last call, in the order of sending.
    pub(super) fn take_returned(&self) -> Vec<Returned> {
        let mut returned = std::mem::take(&mut *self.returned.lock().unwrap_or_else(PoisonError::into_inner));
        returned.sort_by_key(|it| it.pending.sequence);
        returned
    }

    /// Gives up on what came back: the token is not what is wrong.
    pub(super) fn refuse_returned(&self) {
        for returned in self.take_returned() {
            let error = self.explain(&returned.error, returned.message.topic(), 0);
            returned.pending.answer(Err(error));
        }
    }

    /// The typed error of a message.
    pub(super) fn explain(&self, error: &KafkaError, topic: &str, size: usize) -> Error {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::MessageTooLarge { size },
            Some(RDKafkaErrorCode::MessageTimedOut) => {
                Error::DeliveryTimedOut { after: self.delivery_timeout, reason: self.reporter.last() }
            }
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => Error::Closed,
            Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => Error::TopicNotReady {
                topic: topic.to_owned(),
                reason: "the broker does not know it (any longer)".into(),
            },
            Some(RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed) => {
                Error::NotAllowed { topic: topic.to_owned(), reason: error.to_string() }
            }
            Some(RDKafkaErrorCode::ProducerFenced | RDKafkaErrorCode::Fenced) => Error::Fenced(error.to_string()),
            _ => Error::kafka("sending a message", error.clone()),
        }
    }
}

/// Whether a message that failed had been sent at some time, so that the broker may have written it. Its error does not say:
/// what was on its way when a connection broke is back in the queue, to be tried again.
#[expect(unsafe_code, reason = "rdkafka has no safe function for this")]
fn possibly_written(message: &BorrowedMessage<'_>) -> bool {
    // SAFETY: librdkafka reads one field of the message, which is alive for as long as it is borrowed.
    let status = unsafe { rd_kafka_message_status(message.ptr()) };
    status != rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
}

impl Session {
    /// Puts a message into librdkafka's queue. Gives the pending part back if the queue is full.
    pub(super) fn enqueue(&self, topic: &str, message: &Message, pending: Box<Pending>) -> Result<(), Box<Pending>> {
        if let Some(error) = self.shared.failed.get() {
            pending.answer(Err(error.clone()));
            return Ok(());
        }
        let record = BaseRecord {
            topic,
            partition: message.partition,
            payload: message.value.as_deref(),
            key: message.key.as_deref(),
            timestamp: message.timestamp,
            headers: message.native_headers(),
            delivery_opaque: pending,
        };
        match self.native.send(record) {
            Ok(()) => Ok(()),
            Err((error, record)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                Err(record.delivery_opaque)
            }
            Err((error, record)) => {
                let error = self.shared.explain(&error, topic, message.size());
                record.delivery_opaque.answer(Err(error));
                Ok(())
            }
        }
    }

    /// Takes everything out of librdkafka that was not acknowledged. Blocks for as long as that takes.
    pub(super) fn purge(&self) {
        self.native.purge(PurgeConfig::default().queue().inflight());
        // The reports of what was purged are delivered by this.
        let _ = self.native.flush(std::time::Duration::from_secs(5));
    }
}
