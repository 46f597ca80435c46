//! Messages, as they are sent and as they are received.

use rdkafka::{
    Message as _,
    message::{Header, Headers as _, OwnedHeaders, OwnedMessage},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// A message to send.
///
/// ```
/// # use twinkey_client::Message;
/// let message = Message::new("car-7", "hello").header("traceparent", "00-…").timestamp(1_700_000_000_000);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "it is sent with Producer::send"]
pub struct Message {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) timestamp: Option<i64>,
    pub(crate) partition: Option<i32>,
}

impl Message {
    /// A message with a key. Messages with equal keys go to the same partition, the same one that the Java client and
    /// quixstreams choose.
    pub fn new(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), value: Some(value.into()), ..Self::default() }
    }

    /// A message without a key, for any partition.
    pub fn value(value: impl Into<Vec<u8>>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// A message that says that its key is gone, for a compacted topic.
    pub fn tombstone(key: impl Into<Vec<u8>>) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    /// A row as quixstreams' `Application` reads and writes it: a JSON object, with a text for its key.
    pub fn json(key: &str, row: &impl Serialize) -> Result<Self, Error> {
        let value = serde_json::to_vec(row);
        let value = value.map_err(|error| Error::Format { what: "JSON", reason: error.to_string() })?;
        Ok(Self::new(key, value))
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Sets the time, in milliseconds since 1970; now, if not set.
    pub fn timestamp(mut self, milliseconds: i64) -> Self {
        self.timestamp = Some(milliseconds);
        self
    }

    /// Chooses the partition, instead of the key.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Bytes of key and value.
    pub(crate) fn size(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }

    /// The headers for librdkafka; none if there are none.
    pub(crate) fn native_headers(&self) -> Option<OwnedHeaders> {
        if self.headers.is_empty() {
            return None;
        }
        let headers = OwnedHeaders::new_with_capacity(self.headers.len());
        Some(
            self.headers
                .iter()
                .fold(headers, |headers, (key, value)| headers.insert(Header { key, value: value.as_ref() })),
        )
    }
}

impl From<OwnedMessage> for Message {
    /// What librdkafka hands back to be sent again.
    fn from(mut message: OwnedMessage) -> Self {
        let headers = message.detach_headers();
        let headers = headers.iter().flat_map(|headers| headers.iter());
        Self {
            headers: headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            timestamp: message.timestamp().to_millis(),
            partition: Some(message.partition()).filter(|partition| *partition >= 0),
        }
    }
}

/// A message that was received.
#[derive(Debug, Clone)]
pub struct Received {
    pub(crate) message: OwnedMessage,
}

impl Received {
    /// The topic's id.
    pub fn topic(&self) -> &str {
        self.message.topic()
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.message.partition()
    }

    /// The place in the partition.
    pub fn offset(&self) -> i64 {
        self.message.offset()
    }

    /// The key, empty if there is none.
    pub fn key(&self) -> &[u8] {
        self.message.key().unwrap_or_default()
    }

    /// The value, empty if there is none.
    pub fn value(&self) -> &[u8] {
        self.message.payload().unwrap_or_default()
    }

    /// Whether it has no value: its key is gone, on a compacted topic.
    pub fn is_tombstone(&self) -> bool {
        self.message.payload().is_none()
    }

    /// Whether it has a key; [`Received::key`] does not tell an empty one from none.
    pub fn has_key(&self) -> bool {
        self.message.key().is_some()
    }

    /// The value as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.value())
    }

    /// The value as JSON, for example a row that quixstreams' `Application` wrote.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let row = serde_json::from_slice(self.value());
        row.map_err(|error| Error::Format { what: "JSON", reason: error.to_string() })
    }

    /// Its time, in milliseconds since 1970.
    pub fn timestamp(&self) -> Option<i64> {
        self.message.timestamp().to_millis()
    }

    /// Its headers, in their order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.message.headers().into_iter().flat_map(|headers| headers.iter()).map(|header| (header.key, header.value))
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(key, _)| *key == name).and_then(|(_, value)| value)
    }
}
