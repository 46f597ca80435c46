//! Messages in topics, for people who look at them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Query of `GET /workspaces/{workspaceId}/topics/{name}/messages`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only this partition; all if absent.
    pub partition: Option<i32>,
    /// Where to begin: `beginning`, `end`, `offset:N` (in every partition that is read), `time:` and a time such as
    /// `2026-11-26T12:00:00Z`, or `-N`: the last N. `-50` if absent.
    #[param(example = "-50")]
    pub from: Option<String>,
    /// Where to go on, instead of `from`: partitions and the next offset of each, as `next` of the page before has them. Others are
    /// not read.
    #[param(example = "0:123,1:456")]
    pub at: Option<String>,
    /// How many messages, 1 to 500; 50 if absent.
    pub limit: Option<u32>,
    /// How many bytes of each key, value and header, 0 to 1048576; 4096 if absent. What is longer is cut off and says so.
    pub max_bytes: Option<u32>,
}

/// Query of `GET /workspaces/{workspaceId}/topics/{name}/messages/live`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct LiveQuery {
    /// Only this partition; all if absent.
    pub partition: Option<i32>,
    /// Where to begin: partitions and the next offset of each, as `next` of a page has them. Partitions that are not named, or all if
    /// it is absent, begin at their end. The header `Last-Event-ID`, which browsers send when they come back, wins over it.
    #[param(example = "0:123,1:456")]
    pub at: Option<String>,
    /// How many bytes of each key, value and header, 0 to 65536; 4096 if absent.
    pub max_bytes: Option<u32>,
}

/// Answer of `GET /workspaces/{workspaceId}/topics/{name}/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Messages {
    /// In each partition in the order of the offsets; between partitions by time.
    pub messages: Vec<Message>,
    /// For each partition that is read, by its number: where the next page begins. Pass it back as `at=0:123,1:456`.
    #[schema(value_type = BTreeMap<String, i64>)]
    pub next: BTreeMap<i32, i64>,
    /// Whether there was nothing more to read when this was answered.
    pub end: bool,
    /// What is not as it was asked for, as sentences: messages that retention deleted before, a broker that did not answer, a batch
    /// that cannot be read. Empty: nothing.
    pub notes: Vec<String>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// In which partition.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// When, by the clock that `timestampType` names; null where the producer gave no time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub timestamp: Option<Timestamp>,
    /// Whose clock it was.
    pub timestamp_type: TimestampType,
    /// Null where there is none.
    pub key: Option<Content>,
    /// Null where there is none: on a compacted topic that deletes the key.
    pub value: Option<Content>,
    /// In their order; a name may come more than once.
    pub headers: Vec<MessageHeader>,
    /// How many headers were left out, because there are too many to show.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub headers_left_out: u32,
    /// How many bytes key, value and headers have together, uncompressed.
    pub size: u64,
}

/// Whose clock a message's time is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

/// A header of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageHeader {
    /// Its name. Bytes that are no UTF-8 are shown as �.
    pub name: String,
    /// Null where there is none.
    pub value: Option<Content>,
}

/// Bytes of a message: `text` where they are UTF-8, else `base64`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The bytes as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<String>,
    /// The bytes in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub base64: Option<String>,
    /// Only the beginning is here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// How many bytes there are, where only the beginning is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub size: Option<u64>,
}

/// Data of an event `messages` of `GET /workspaces/{workspaceId}/topics/{name}/messages/live`. The event's id is where to go on, in
/// the form of `at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveMessages {
    /// What came since the event before, by time; when too much came, the newest of it.
    pub messages: Vec<Message>,
    /// How many messages were left out, because more came than a person can follow.
    pub skipped: u64,
    /// As in [`Messages`].
    pub notes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
