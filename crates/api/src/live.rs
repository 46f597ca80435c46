//! Server-sent events: what a page is told while it is open.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What of a workspace has changed, so that it is to be asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// The pair of tokens, or what is still cut off.
    Tokens,
    /// Who uses them.
    Usage,
    /// Topics, or consumer groups.
    Topics,
    /// The settings, or the name.
    Settings,
    /// Webhooks, or their deliveries.
    Webhooks,
    /// Members, their roles, or invitations.
    Members,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Tokens, Self::Usage, Self::Topics, Self::Settings, Self::Webhooks, Self::Members];
}

/// Data of the event `changed` of `GET /workspaces/{workspaceId}/events`. Names only, never contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// What is to be asked for again.
    pub what: Vec<What>,
}

/// Data of the event `end`, the last one of every stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamEnd {
    /// Why.
    pub reason: EndReason,
    /// The same for people, and what to do next.
    pub message: String,
    /// Whether it is any use to connect again. A browser does that by itself unless it is told to close.
    pub again: bool,
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndReason {
    /// It has been open for 15 minutes.
    TimeLimit,
    /// The session or the token ended, or its role does not suffice any longer.
    RightEnded,
    /// What the stream was about is gone.
    Gone,
    /// The server stops.
    Stopping,
    /// The server cannot go on with it; its log says why.
    Failed,
}
