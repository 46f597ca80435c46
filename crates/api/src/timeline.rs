//! The use of a workspace's tokens over time.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The longest time that can be asked for: as long as sums by the hour are kept.
pub const HOURS_MAX: u32 = 90 * 24;

/// Query of `GET /workspaces/{workspaceId}/tokens/usage/timeline`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct TimelineQuery {
    /// How many hours back, 1 to 2160; 24 if absent.
    #[param(minimum = 1, maximum = 2160)]
    pub hours: Option<u32>,
}

/// Answer of `GET /workspaces/{workspaceId}/tokens/usage/timeline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageTimeline {
    /// The workspace's id.
    pub workspace_id: String,
    /// The beginning of the first step.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// Up to when; the last step may not be over.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// How long a step is: from a minute to six hours, so that there are never more than 361.
    #[schema(example = 300)]
    pub step_seconds: u32,
    /// Token 1, Token 2, and those that died or were tried lately.
    pub tokens: Vec<TokenTimeline>,
    /// The rotations within that time, oldest first; the newest 200.
    pub rotations: Vec<RotationMark>,
}

/// A token's use over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenTimeline {
    /// The token's public id.
    pub id: String,
    /// `Token 1`, `Token 2` or `deactivated`.
    #[schema(example = "Token 1")]
    pub label: String,
    /// Prefix and last four characters.
    pub masked: String,
    /// Since when it is dead; `null`: it is valid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub deactivated_at: Option<Timestamp>,
    /// The steps in which anything was seen, oldest first; in the others there was nothing.
    pub points: Vec<UsagePoint>,
}

/// What a token was used for in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsagePoint {
    /// When the step began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Requests that were answered.
    pub requests: u64,
    /// Bytes back and forth.
    pub bytes: u64,
    /// Uses that were refused, because the token was dead.
    pub refused: u64,
    /// The most connections of the embedded broker that were open at a time; `null`: nobody can tell, as on Apache Kafka.
    pub connections: Option<u64>,
}

/// A rotation on the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationMark {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The generation that it led to.
    pub generation: i64,
    /// What kind.
    pub kind: RotationKind,
}

/// Which tokens a rotation has replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RotationKind {
    /// Token 1, by Token 2.
    Normal,
    /// Both.
    Emergency,
    /// Token 2, by the former Token 1.
    Undo,
}

impl RotationKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Emergency, Self::Undo];
}
