//! Who uses which token, and whether Token 1 may be rotated away.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a client came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// By the HTTP API.
    Api,
    /// By the broker.
    Broker,
}

impl Via {
    /// The name in bodies and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Broker => "broker",
        }
    }
}

/// Answer of `GET /workspaces/{workspaceId}/tokens/usage`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// The workspace's id.
    pub workspace_id: String,
    /// How often the workspace has been rotated; to be sent back as `expectedGeneration`.
    pub generation: i64,
    /// The server's time, which the others are to be compared with.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether Token 1 may be rotated away.
    pub safe_to_rotate: SafeToRotate,
    /// Token 1, Token 2, and those that died or were tried lately.
    pub tokens: Vec<UsedToken>,
}

/// The verdict on rotating Token 1 away now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SafeToRotate {
    /// Nothing is seen that uses Token 1, and everybody who was asked has answered. What nobody can see stands in `cannotSee`.
    pub safe: bool,
    /// For how long after its last use it counts as in use: the setting `safeToRotateMinutes`.
    pub window_minutes: u32,
    /// The same for people.
    #[schema(
        example = "1 client used Token 1 in the last 15 minutes: `orders-writer` from 10.0.3.7, 4 s ago, 3 open connections"
    )]
    pub sentence: String,
    /// Who uses it, those that used it last first.
    pub reasons: Vec<Reason>,
    /// What nobody can see here, so that the verdict says nothing about it. Empty on the embedded broker.
    pub cannot_see: Vec<String>,
}

/// A client that uses Token 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Why it counts.
    pub because: Vec<Because>,
    /// Who it is.
    pub client: TokenClient,
}

/// Why a client counts as using a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Because {
    /// It used the token within the window.
    UsedRecently,
    /// It has connections open on the embedded broker.
    OpenConnections,
    /// It is a member of a consumer group.
    GroupMember,
}

/// A token and its clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsedToken {
    /// The token's public id.
    pub id: String,
    /// `Token 1`, `Token 2` or `deactivated`.
    #[schema(example = "Token 1")]
    pub label: String,
    /// Prefix and last four characters.
    pub masked: String,
    /// Its principal on the broker.
    pub principal: String,
    /// Since when it is dead; `null`: it is valid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deactivated_at: Option<Timestamp>,
    /// When it was used last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When broker credentials were last given out for it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub credentials_fetched_at: Option<Timestamp>,
    /// Its open connections on the embedded broker; `null`: nobody can tell, as on Apache Kafka.
    pub open_connections: Option<u64>,
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes back and forth.
    pub bytes: u64,
    /// Uses that were refused after it had died.
    pub refused: u64,
    /// The last of them.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub refused_at: Option<Timestamp>,
    /// Who used it, those seen last first; 200 at most.
    pub clients: Vec<TokenClient>,
    /// All further clients together, if there ever were more than are told apart.
    pub others: Option<TokenClient>,
}

/// A client of a token: where it is, what it calls itself, and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenClient {
    /// What people may call it: its `client.id` or user agent, or the software.
    #[schema(example = "orders-writer")]
    pub name: String,
    /// By the API or by the broker.
    pub via: Via,
    /// Where it is; empty for several clients together.
    pub address: String,
    /// The `client.id` on the broker, the user agent on the API.
    pub agent: String,
    /// Name and version of the client software, if it told.
    #[schema(example = "librdkafka 2.6.1")]
    pub software: String,
    /// The consumer groups that it is a member of at this moment.
    pub groups: Vec<String>,
    /// Its open connections, or members of consumer groups on Apache Kafka.
    pub open_connections: u64,
    /// When it came for the first time.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen_at: Timestamp,
    /// When it came for the last time, be it refused.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// When it used the token last; `null`: every use was refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// When broker credentials were last given to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub credentials_fetched_at: Option<Timestamp>,
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes back and forth.
    pub bytes: u64,
    /// Uses that were refused, because the token was dead.
    pub refused: u64,
    /// The last of them.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub refused_at: Option<Timestamp>,
}
