//! A message as JSON on one line, the same for `produce --json` and `consume --json`.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use twinkey_client::{Message, Received};

/// A message. What is not UTF-8 stands in `…Base64` instead.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Record {
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    /// Milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<RecordHeader>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_base64: Option<String>,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// A header of a message.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RecordHeader {
    name: String,
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

impl Record {
    /// A message that was received.
    pub fn of(message: &Received) -> Self {
        let (key, key_base64) = text_or_base64(message.has_key().then(|| message.key()));
        let (value, value_base64) = text_or_base64((!message.is_tombstone()).then(|| message.value()));
        let headers = message.headers().map(|(name, value)| {
            let (value, value_base64) = text_or_base64(value);
            RecordHeader { name: name.to_owned(), value, value_base64 }
        });
        Self {
            topic: Some(message.topic().to_owned()),
            partition: Some(message.partition()),
            offset: Some(message.offset()),
            timestamp: message.timestamp(),
            headers: headers.collect(),
            key,
            key_base64,
            value,
            value_base64,
        }
    }

    /// The message to send. Topic, partition and offset say where it came from, and mean nothing here.
    pub fn message(self) -> Result<Message, base64::DecodeError> {
        let key = bytes(self.key, self.key_base64)?;
        let mut message = match (key, bytes(self.value, self.value_base64)?) {
            (Some(key), Some(value)) => Message::new(key, value),
            (None, Some(value)) => Message::value(value),
            (Some(key), None) => Message::tombstone(key),
            (None, None) => Message::default(),
        };
        for header in self.headers {
            message = message.header(header.name, bytes(header.value, header.value_base64)?.unwrap_or_default());
        }
        if let Some(timestamp) = self.timestamp {
            message = message.timestamp(timestamp);
        }
        Ok(message)
    }
}

fn text_or_base64(bytes: Option<&[u8]>) -> (Option<String>, Option<String>) {
    match bytes.map(|bytes| (std::str::from_utf8(bytes), bytes)) {
        None => (None, None),
        Some((Ok(text), _)) => (Some(text.to_owned()), None),
        Some((Err(_), bytes)) => (None, Some(BASE64_STANDARD.encode(bytes))),
    }
}

fn bytes(text: Option<String>, base64: Option<String>) -> Result<Option<Vec<u8>>, base64::DecodeError> {
    match (text, base64) {
        (Some(text), _) => Ok(Some(text.into_bytes())),
        (None, Some(base64)) => BASE64_STANDARD.decode(base64).map(Some),
        (None, None) => Ok(None),
    }
}
