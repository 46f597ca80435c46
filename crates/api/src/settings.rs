//! What the administrators of a workspace decide about it.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// For how long after its last use a token counts as in use, if nothing else is set.
pub const SAFE_TO_ROTATE_MINUTES: u32 = 15;
/// The longest time that may be set: thirty days, for a job that runs once a month.
pub const SAFE_TO_ROTATE_MINUTES_MAX: u32 = 30 * 24 * 60;

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceSettings {
    /// For how long after its last use Token 1 counts as in use, so that it is not rotated away without `force`.
    #[schema(example = 15)]
    pub safe_to_rotate_minutes: u32,
}

/// Body of `PATCH /workspaces/{workspaceId}/settings`: what is not named stays, `null` is the default again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeWorkspaceSettings {
    /// 1 to 43200.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 43200)]
    pub safe_to_rotate_minutes: Option<Option<u32>>,
}

/// What is named is `Some`, be it null.
#[expect(clippy::option_option, reason = "not named, null and a value are three things")]
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
