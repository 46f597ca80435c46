//! The two SDK tokens of a workspace, and their rotation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which of the two a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// Token 1.
    Current,
    /// Token 2.
    Next,
}

impl Slot {
    /// Token 1 first.
    pub const BOTH: [Self; 2] = [Self::Current, Self::Next];

    /// The name in paths, bodies and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
        }
    }

    /// What people call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Current => "Token 1",
            Self::Next => "Token 2",
        }
    }
}

/// An SDK token, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SdkToken {
    /// The token's public id.
    pub id: String,
    /// `Token 1` or `Token 2`.
    #[schema(example = "Token 1")]
    pub label: String,
    /// Prefix and last four characters.
    #[schema(example = "sdk-…x9Qa")]
    pub masked: String,
    /// The broker principal that belongs to this token's value.
    pub principal: String,
    /// When it was generated.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last used on the API or on the embedded broker; `null`: never, or nobody remembers.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// Answer of `GET /workspaces/{workspaceId}/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    /// The workspace's id.
    pub workspace_id: String,
    /// How often the workspace has been rotated; to be sent back as `expectedGeneration`.
    pub generation: i64,
    /// Token 1.
    pub current: SdkToken,
    /// Token 2.
    pub next: SdkToken,
    /// Deactivated tokens that a broker may still serve; empty as soon as every broker has shown that it does not.
    #[serde(default)]
    pub cutting_off: Vec<CuttingOff>,
}

/// Answer of `POST …/tokens/{slot}/reveal`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevealedToken {
    /// The token's public id.
    pub id: String,
    /// The token itself, `sdk-…`.
    pub value: String,
}

/// Body of `POST …/tokens/rotate`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotate {
    /// The generation that the caller has seen; any other is refused with 409.
    pub expected_generation: i64,
    /// Rotate although Token 1 is in use; without it that is refused with 409, and the answer says by whom.
    #[serde(default)]
    pub force: bool,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Body of `POST …/tokens/emergency-rotation`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmergencyRotation {
    /// The generation that the caller has seen; any other is refused with 409.
    pub expected_generation: i64,
    /// Why, for the audit log.
    pub reason: String,
}

/// Body of `POST …/tokens/undo-rotation`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UndoRotation {
    /// The generation that the caller has seen, that is, the one that the rotation led to; any other is refused with 409.
    pub expected_generation: i64,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Answer of `GET …/tokens/emergency-rotation`: everything that it names stops at once, until it gets a new token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmergencyPreview {
    /// The workspace's id.
    pub workspace_id: String,
    /// How often the workspace has been rotated; to be sent as `expectedGeneration`.
    pub generation: i64,
    /// Token 1 and Token 2.
    pub tokens: Vec<EndingToken>,
    /// Whether the open connections are known. Apache Kafka does not tell them.
    pub connections_known: bool,
}

/// A token that would end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndingToken {
    /// Which one, and when it was last used.
    pub token: SdkToken,
    /// Broker connections that are open with it.
    pub open_connections: Vec<OpenConnection>,
}

/// A broker connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenConnection {
    /// Where it comes from, `address:port`.
    pub address: String,
    /// What the client calls itself.
    pub client_id: Option<String>,
    /// What the client is made with.
    pub software: Option<String>,
    /// When it signed in.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
}

/// Answer of a rotation. When it arrives, the deactivated token is dead on the API; and on the broker, unless `cutOff` says
/// what is still open there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    /// The new generation.
    pub generation: i64,
    /// Token 1 from now on.
    pub current: SdkToken,
    /// The fresh Token 2.
    pub next: SdkToken,
    /// The former Token 1.
    pub deactivated: DeactivatedToken,
    /// Every token that was deactivated; two after an emergency rotation.
    pub all_deactivated: Vec<DeactivatedToken>,
    /// How many open broker connections were closed. 0 on Apache Kafka, which leaves them open and refuses their requests.
    pub connections_closed: usize,
    /// Whether it is proved that no broker serves the deactivated tokens any more.
    pub cut_off: CutOffProof,
}

/// What is known of a cut-off when the rotation is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CutOffProof {
    /// Proved (status 200), or pending (status 202) and going on in the background.
    pub state: CutOffState,
    /// What may still serve a deactivated token; empty when it is proved.
    pub open: Vec<OpenBroker>,
}

/// See [`CutOffProof`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CutOffState {
    /// No broker serves the token any more, and each has shown it.
    Proved,
    /// Some broker could not be asked yet; it goes on.
    Pending,
}

/// A deactivated token that a broker may still serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CuttingOff {
    /// The token's public id.
    pub id: String,
    /// Since when it is deactivated.
    #[schema(value_type = String, format = DateTime)]
    pub deactivated_at: Timestamp,
    /// What may still serve it; empty where the first attempt is not over.
    pub open: Vec<OpenBroker>,
}

/// Something that may still serve a dead token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenBroker {
    /// The broker's id; null where it is not a broker that is waited for, or where none answered.
    pub id: Option<i32>,
    /// Where it is, `host:port`; empty where `id` is null.
    pub address: String,
    /// Why nothing better is known.
    pub reason: String,
}

/// A token that is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeactivatedToken {
    /// The token's public id.
    pub id: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub deactivated_at: Timestamp,
}
