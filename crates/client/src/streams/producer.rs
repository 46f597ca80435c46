//! Writing streams.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering},
};

use serde::Serialize;

use super::{
    EndMessage, EventData, EventDefinitions, ParameterDefinitions, Row, StreamEnd, StreamProperties,
    data::Table,
    envelope::{split, wrap},
};
use crate::{Error, Message, Producer, QuixStreamingClient};

/// Writes streams to a topic.
#[derive(Debug, Clone)]
pub struct StreamTopicProducer {
    producer: Producer,
}

/// Writes one stream. Each call waits until the broker has acknowledged what was written.
#[derive(Debug, Clone)]
pub struct StreamProducer {
    producer: Producer,
    id: String,
    /// Counts the messages that go in fragments.
    fragmented: Arc<AtomicI32>,
}

impl QuixStreamingClient {
    /// Writes streams, as quixstreams 0.5.7 reads them, to a topic.
    pub async fn stream_producer(&self, topic: &str) -> Result<StreamTopicProducer, Error> {
        Ok(StreamTopicProducer { producer: self.producer(topic).await? })
    }
}

impl StreamTopicProducer {
    /// A stream, which begins with the first thing that is written to it.
    pub fn stream(&self, id: impl Into<String>) -> StreamProducer {
        StreamProducer { producer: self.producer.clone(), id: id.into(), fragmented: Arc::default() }
    }

    /// The producer beneath.
    pub fn raw(&self) -> &Producer {
        &self.producer
    }

    /// Waits for everything that was written, and ends.
    pub async fn close(self) {
        self.producer.close().await;
    }
}

impl StreamProducer {
    /// The stream's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Says what the stream is.
    pub async fn properties(&self, properties: &StreamProperties) -> Result<(), Error> {
        self.write("StreamProperties", properties).await
    }

    /// Writes values. Many rows at once are cheaper than one by one.
    pub async fn timeseries(&self, rows: impl AsRef<[Row]> + Send) -> Result<(), Error> {
        let table = Table::of(rows.as_ref());
        self.write("ParameterData", &table).await
    }

    /// Says what the parameters mean.
    pub async fn parameter_definitions(&self, definitions: &ParameterDefinitions) -> Result<(), Error> {
        self.write("ParameterDefinitions", definitions).await
    }

    /// Writes events.
    pub async fn events(&self, events: &[EventData]) -> Result<(), Error> {
        self.write("EventData[]", &events).await
    }

    /// Says what the events mean.
    pub async fn event_definitions(&self, definitions: &EventDefinitions) -> Result<(), Error> {
        self.write("EventDefinitions", definitions).await
    }

    /// Ends the stream.
    pub async fn end(self, end: StreamEnd) -> Result<(), Error> {
        self.write("StreamEnd", &EndMessage { stream_end_type: end }).await
    }

    async fn write(&self, kind: &str, value: &(impl Serialize + Sync)) -> Result<(), Error> {
        let number = self.fragmented.fetch_add(1, Ordering::Relaxed);
        let fragments = split(wrap(kind, value)?, number)?;
        let messages = fragments.into_iter().map(|fragment| Message::new(self.id.as_str(), fragment));
        self.producer.send_all(messages).await.map(|_| ())
    }
}
