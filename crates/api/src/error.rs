//! The one form of every error answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::usage::SafeToRotate;

/// The body of every answer outside 2xx. `message` is always present: the C# client dereferences it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// What went wrong and what to do next, for people.
    pub message: String,
    /// Eight upper-case hex digits that the server's log line carries too.
    #[schema(example = "2332CBB8")]
    pub correlation_id: String,
    /// A stable word for programs, for example `TokenRotatedOut`.
    pub code: String,
    /// With `TokenInUse`: who uses the token that was to be rotated away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_to_rotate: Option<Box<SafeToRotate>>,
}
