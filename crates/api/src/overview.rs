//! All workspaces at a glance.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Role;

/// Query of `GET /workspaces/overview`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct OverviewQuery {
    /// How many, 1 to 1000; 100 if absent.
    pub limit: Option<u64>,
    /// Only workspaces behind this id: pass the last one of the page before.
    pub after: Option<String>,
}

/// A workspace in the overview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceOverview {
    /// The id.
    pub workspace_id: String,
    /// The name that people see.
    pub name: String,
    /// `Ready`, `Creating` or `Deleting`.
    #[schema(example = "Ready")]
    pub status: String,
    /// The caller's role there.
    pub role: Role,
    /// How often the workspace has been rotated.
    pub generation: i64,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its tokens were last rotated; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rotated_at: Option<Timestamp>,
    /// Whether Token 1 may be rotated away. `null`: that is not known here, because the workspace is not ready, or because Apache
    /// Kafka would have to be asked; `GET …/tokens/usage` does that.
    pub safe_to_rotate: Option<bool>,
    /// How many clients use Token 1: within the workspace's window, or connected at this moment.
    pub clients_of_token_1: u64,
    /// Open connections on the embedded broker with either token; `null`: nobody can tell, as on Apache Kafka.
    pub open_connections: Option<u64>,
    /// How often dead tokens of the workspace were tried in the last 24 hours.
    pub dead_token_uses: u64,
}
