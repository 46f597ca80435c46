//! What the administrators of a workspace decide about it.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// For how long after its last use a token counts as in use, if nothing else is set.
pub const SAFE_TO_ROTATE_MINUTES: u32 = 15;
/// The longest time that may be set: thirty days, for a job that runs once a month.
pub const SAFE_TO_ROTATE_MINUTES_MAX: u32 = 30 * 24 * 60;

/// The longest time for which a rotation may be undone: a day. For so long the old token is not erased.
pub const UNDO_MINUTES_MAX: u32 = 24 * 60;

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceSettings {
    /// For how long after its last use Token 1 counts as in use, so that it is not rotated away without `force`.
    #[schema(example = 15)]
    pub safe_to_rotate_minutes: u32,
    /// On Apache Kafka: whether the workspace's tokens may use transactional ids that do not begin with its id, as quixstreams 2.7 to
    /// 3.19 does. **Its price:** such workspaces can fence each other's transactional producers. Without meaning on the
    /// embedded broker, which keeps the transactional ids of workspaces apart.
    #[serde(default)]
    #[schema(example = false)]
    pub any_transactional_id: bool,
    /// For how long after a rotation it can be undone; null: not at all. While it can, the deactivated Token 1 is kept encrypted.
    #[serde(default)]
    pub undo_minutes: Option<u32>,
}

/// Body of `PATCH /workspaces/{workspaceId}/settings`: what is not named stays, `null` is the default again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeWorkspaceSettings {
    /// 1 to 43200.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 43200)]
    pub safe_to_rotate_minutes: Option<Option<u32>>,
    /// Takes effect on the cluster within a minute.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<bool>)]
    pub any_transactional_id: Option<Option<bool>>,
    /// 1 to 1440; null turns it off, and what was kept is erased.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1440)]
    pub undo_minutes: Option<Option<u32>>,
}

/// What is named is `Some`, be it null.
#[expect(clippy::option_option, reason = "not named, null and a value are three things")]
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
