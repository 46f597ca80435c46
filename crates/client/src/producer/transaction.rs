//! Sending in transactions: all messages of one are seen, or none, together with the offsets that were read for them.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer as _},
    util::Timeout,
};

use crate::{Consumer, Error, Message, credentials::Connection};

/// A producer that sends in transactions, made with [`super::ProducerBuilder::transactional`].
///
/// It belongs to the token that it was made with: when that dies the transaction that is open fails, nothing of it is seen by
/// readers of committed messages, and the program begins anew with a new producer from the same client.
#[must_use = "it sends nothing by itself"]
pub struct TransactionalProducer {
    native: FutureProducer,
    topic: String,
    limit: Duration,
}

/// An open transaction. It is aborted if it is dropped.
#[must_use = "a transaction that is dropped is aborted"]
pub struct Transaction<'a> {
    producer: &'a TransactionalProducer,
    open: bool,
}

impl TransactionalProducer {
    pub(super) async fn open(
        config: &ClientConfig,
        connection: Arc<Connection>,
        topic: String,
        connect_timeout: Duration,
        limit: Duration,
    ) -> Result<Self, Error> {
        let native: FutureProducer = config.create().map_err(|error| Error::kafka("making a producer", error))?;
        let initialised = blocking(&native, move |native| native.init_transactions(connect_timeout)).await;
        initialised.map_err(|error| match error {
            Error::Kafka { source, .. } if source.rdkafka_error_code() == Some(TIMED_OUT) => Error::BrokerUnreachable {
                address: connection.address.clone(),
                reason: "no transaction coordinator answered".into(),
            },
            error => error,
        })?;
        Ok(Self { native, topic, limit })
    }

    /// Begins a transaction.
    pub fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.native.begin_transaction().map_err(|error| Error::kafka("beginning a transaction", error))?;
        Ok(Transaction { producer: self, open: true })
    }

    /// The topic's id on the broker.
    pub fn topic(&self) -> &str {
        &self.topic
    }
}

const TIMED_OUT: rdkafka::error::RDKafkaErrorCode = rdkafka::error::RDKafkaErrorCode::OperationTimedOut;

impl Transaction<'_> {
    /// Sends a message within the transaction. An error that is not told here is told by [`Transaction::commit`].
    pub async fn send(&self, message: Message) -> Result<(), Error> {
        let size = message.size();
        loop {
            let record = FutureRecord {
                topic: &self.producer.topic,
                partition: message.partition,
                payload: message.value.as_deref(),
                key: message.key.as_deref(),
                timestamp: message.timestamp,
                headers: message.native_headers(),
            };
            let error = match self.producer.native.send_result(record) {
                Ok(_) => return Ok(()),
                Err((error, _)) => error,
            };
            match error.rdkafka_error_code() {
                Some(rdkafka::error::RDKafkaErrorCode::QueueFull) => tokio::time::sleep(Duration::from_millis(5)).await,
                Some(rdkafka::error::RDKafkaErrorCode::MessageSizeTooLarge) => {
                    return Err(Error::MessageTooLarge { size });
                }
                _ => return Err(Error::kafka("sending in a transaction", error)),
            }
        }
    }

    /// Commits, within the transaction, everything that the consumer has handed out. The consumer must not commit by itself
    /// ([`crate::Commit::Manual`]).
    pub async fn send_offsets(&self, consumer: &mut Consumer) -> Result<(), Error> {
        let (offsets, group) = consumer.for_transaction()?;
        let limit = self.producer.limit;
        blocking(&self.producer.native, move |native| native.send_offsets_to_transaction(&offsets, &group, limit)).await
    }

    /// Makes everything of the transaction visible.
    pub async fn commit(mut self) -> Result<(), Error> {
        let limit = self.producer.limit;
        let committed = blocking(&self.producer.native, move |native| native.commit_transaction(limit)).await;
        if committed.is_ok() {
            self.open = false;
        }
        committed
    }

    /// Takes everything of the transaction back.
    pub async fn abort(mut self) -> Result<(), Error> {
        self.open = false;
        let limit = self.producer.limit;
        blocking(&self.producer.native, move |native| native.abort_transaction(limit)).await
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // Bounded, and rare: only where an error or a cancellation leaves the transaction behind.
            if let Err(error) = self.producer.native.abort_transaction(Timeout::After(Duration::from_secs(10))) {
                tracing::warn!("a transaction that was left behind could not be aborted: {error}");
            }
        }
    }
}

async fn blocking(
    native: &FutureProducer,
    call: impl FnOnce(&FutureProducer) -> rdkafka::error::KafkaResult<()> + Send + 'static,
) -> Result<(), Error> {
    let native = native.clone();
    let outcome = tokio::task::spawn_blocking(move || call(&native)).await;
    outcome.map_err(|_| Error::Closed)?.map_err(|error| Error::kafka("a transaction", error))
}
