//! The stream protocol of the original QuixStreamingClient (quixstreams 0.5.7 and the C# client): time series, events,
//! properties and ends of *streams*, many of which share a topic.
//!
//! ```no_run
//! # async fn run() -> Result<(), twinkey_client::Error> {
//! use twinkey_client::{QuixStreamingClient, streams::{Row, StreamContent, StreamEnd}};
//!
//! let client = QuixStreamingClient::from_env()?;
//! let topic = client.stream_producer("telemetry").await?;
//! let car = topic.stream("car-7");
//! car.timeseries([Row::at(1_700_000_000_123_456_789).with("speed", 12.5).with("gear", "third").tag("lap", "1")]).await?;
//! car.end(StreamEnd::Closed).await?;
//!
//! let mut consumer = client.stream_consumer("telemetry", "pit-wall").await?;
//! while let Some(message) = consumer.next().await {
//!     let message = message?;
//!     if let StreamContent::Timeseries(rows) = message.content {
//!         println!("{}: {rows:?}", message.stream);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is written is what 0.5.7 writes by default: JSON in its envelope, the stream's id as the key, values over one
//! megabyte in fragments. The codecs that 0.5.7 writes on request (Protobuf, compact JSON) are not read; the error says so.

mod consumer;
mod data;
mod definitions;
mod envelope;
mod events;
mod producer;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use consumer::StreamConsumer;
pub use data::{Row, Value};
pub use definitions::{
    EventDefinition, EventDefinitions, EventGroup, ParameterDefinition, ParameterDefinitions, ParameterGroup,
};
pub use events::EventData;
pub use producer::{StreamProducer, StreamTopicProducer};

/// One message of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamMessage {
    /// The stream's id.
    pub stream: String,
    /// What it says.
    pub content: StreamContent,
    /// Where it was, of a message in fragments the last one: the partition,
    pub partition: i32,
    /// and the place in it.
    pub offset: i64,
}

/// What a message of a stream says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamContent {
    /// What the stream is.
    Properties(StreamProperties),
    /// Values of parameters.
    Timeseries(Vec<Row>),
    /// What the parameters mean.
    ParameterDefinitions(ParameterDefinitions),
    /// Events.
    Events(Vec<EventData>),
    /// What the events mean.
    EventDefinitions(EventDefinitions),
    /// Nothing more comes.
    End(StreamEnd),
    /// Something that this library does not know: its kind, and its JSON.
    Other(String, String),
}

/// What a stream is. Absent parts are left as they were by whoever reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StreamProperties {
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A path that groups streams, like `/fleet/north`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Anything else.
    pub metadata: BTreeMap<String, String>,
    /// The streams that this one was made from.
    pub parents: Vec<String>,
    /// When it was recorded, in UTC, as ISO 8601 without a zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_of_recording: Option<String>,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StreamEnd {
    /// In order.
    #[default]
    Closed,
    /// By somebody who gave up.
    Aborted,
    /// By somebody who could not go on.
    Terminated,
}

/// The end as a message.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct EndMessage {
    /// 0.5.7 leaves out `Closed`.
    #[serde(skip_serializing_if = "is_closed")]
    stream_end_type: StreamEnd,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_closed(end: &StreamEnd) -> bool {
    *end == StreamEnd::Closed
}
