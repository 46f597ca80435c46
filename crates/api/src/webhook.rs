//! Webhooks: Twinkey tells other systems what happened to a workspace's tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Something that a webhook can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum WebhookEvent {
    /// A rotation took effect, an emergency rotation too.
    #[serde(rename = "token.rotated")]
    TokenRotated,
    /// Somebody tried a token that was rotated out.
    #[serde(rename = "token.used_after_deactivation")]
    TokenUsedAfterDeactivation,
    /// A rotation was forced although Token 1 was in use.
    #[serde(rename = "token.unsafe_rotation_forced")]
    UnsafeRotationForced,
    /// After a rotation that was answered 202: every broker has shown by now that it does not serve the old token.
    #[serde(rename = "token.cut_off_proved")]
    CutOffProved,
    /// Somebody asked for a test. Sent to the one webhook that is tested, whatever it listens to.
    #[serde(rename = "webhook.test")]
    Test,
}

impl WebhookEvent {
    /// Those that a webhook can listen to.
    pub const ALL: [Self; 4] =
        [Self::TokenRotated, Self::TokenUsedAfterDeactivation, Self::UnsafeRotationForced, Self::CutOffProved];

    /// The name in bodies and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenRotated => "token.rotated",
            Self::TokenUsedAfterDeactivation => "token.used_after_deactivation",
            Self::UnsafeRotationForced => "token.unsafe_rotation_forced",
            Self::CutOffProved => "token.cut_off_proved",
            Self::Test => "webhook.test",
        }
    }

    /// The event of this name, if a webhook can listen to it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Whose events it is told.
    pub workspace_id: String,
    /// Where to.
    pub url: String,
    /// Which events.
    pub events: Vec<WebhookEvent>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// If not: why.
    pub disabled_reason: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last took a delivery.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success_at: Option<Timestamp>,
    /// Events that it was not told because too many were waiting already.
    pub dropped: i64,
    /// Until when deliveries are signed with the secret before the last change as well; `null`: they are not.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_secret_until: Option<Timestamp>,
}

/// Body of `POST /workspaces/{workspaceId}/webhooks`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewWebhook {
    /// An https:// URL without user and password. Internal addresses are refused unless the server allows them.
    pub url: String,
    /// Which events; all of them if absent.
    #[serde(default)]
    pub events: Option<Vec<String>>,
}

/// Answer to a new webhook, and to a new secret for one: the only ones that contain the secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedWebhook {
    /// The webhook.
    pub webhook: Webhook,
    /// What its deliveries are signed with, `whsec_…`; see <https://www.standardwebhooks.com>.
    pub secret: String,
}

/// Body of `PATCH /workspaces/{workspaceId}/webhooks/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeWebhook {
    /// Another URL.
    #[serde(default)]
    pub url: Option<String>,
    /// Other events.
    #[serde(default)]
    pub events: Option<Vec<String>>,
    /// Stop or go on. What waited for a webhook that was disabled is sent when it is enabled.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// To be sent, or sent again.
    Pending,
    /// Taken by the receiver.
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The `webhook-id` header: the same for every attempt, so that a receiver can tell a repetition.
    pub id: String,
    /// Which event.
    pub event: String,
    /// How far it is.
    pub state: DeliveryState,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was tried last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_attempt_at: Option<Timestamp>,
    /// What the receiver answered then, if it answered.
    pub last_status: Option<i64>,
    /// Why that was no success.
    pub last_error: Option<String>,
    /// When it is tried again, if it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    /// The body, as it is sent.
    pub payload: String,
}

/// Query of the delivery log.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// How many, 1 to 100; 50 if absent.
    pub limit: Option<u64>,
    /// Only deliveries before the one with this id: pass the last one of the page before.
    pub before: Option<String>,
}
