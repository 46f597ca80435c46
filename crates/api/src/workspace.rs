//! Workspaces and their broker settings, in the shapes that existing Quix clients parse.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::token_pair::{CutOffProof, DeactivatedToken, Slot};

/// Body of `POST /workspaces`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewWorkspace {
    /// The id: lower-case letters and digits with single hyphens between them, at most 60 characters.
    #[schema(example = "acme-demo-dev")]
    pub workspace_id: String,
    /// The name that people see; the id if absent.
    #[serde(default)]
    pub name: Option<String>,
}

/// Body of `PATCH /workspaces/{workspaceId}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceChanges {
    /// The name that people see.
    pub name: String,
}

/// Body of `DELETE /workspaces/{workspaceId}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteWorkspace {
    /// The workspace's id once more, so that it does not happen by accident.
    pub workspace_id: String,
    /// Why, for the audit log.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Answer of `DELETE /workspaces/{workspaceId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedWorkspace {
    /// The id.
    pub workspace_id: String,
    /// Whether everything of it is gone.
    pub state: DeletionState,
    /// What the deletion waits for; null when it is over.
    pub waiting_for: Option<String>,
    /// The tokens that this call ended; none if the deletion had been begun before.
    pub deactivated: Vec<DeactivatedToken>,
    /// How many open broker connections were closed. 0 on Apache Kafka, which leaves them open and refuses their requests.
    pub connections_closed: usize,
    /// Whether it is proved that no broker serves those tokens any more.
    pub cut_off: CutOffProof,
}

/// How far a deletion is. The tokens are dead in either state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeletionState {
    /// Tokens, topics and groups are gone, and the id is free (status 200).
    Deleted,
    /// It goes on in the background (status 202).
    Deleting,
}

/// A workspace. Field names and enum spellings are those that the Python, C# and Telegraf clients read.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// The id, always lower case.
    pub workspace_id: String,
    /// The name that people see.
    pub name: String,
    /// `Ready`, `Creating` while its principals are made on Apache Kafka, or `Deleting`; older C# clients fail on words they do not know.
    pub status: String,
    /// Always 2; clients show it only.
    pub version: u32,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// `SelfHosted`.
    pub broker_type: String,
    /// What Python reads instead of `brokerType` where it is present.
    pub broker_settings: BrokerSettings,
    /// How to connect; the password is empty for callers that may not see it.
    pub broker: BrokerConnection,
}

/// The broker's kind.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerSettings {
    /// `SelfHosted`.
    pub broker_type: String,
    /// Always false; read and stored by clients only.
    pub sync_topics: bool,
}

/// A workspace's broker connection in the portal's spelling. None of these may be null: C# 0.5.7 then drops the whole list.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerConnection {
    /// `host:port`, comma separated.
    pub address: String,
    /// `SaslSsl`.
    pub security_mode: String,
    /// `ScramSha256`.
    pub sasl_mechanism: String,
    /// The principal of the caller's token, or of Token 1.
    pub username: String,
    /// Its password.
    pub password: String,
    /// Always empty.
    pub ssl_password: String,
    /// Whether the CA is to be fetched from `/certificates`.
    pub has_certificate: bool,
}

/// Query of `GET /workspaces/{workspaceId}/broker/librdkafka`.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LibrdkafkaQuery {
    /// For a person: whose credentials, Token 1's if absent. An SDK token gets its own, whatever it asks for.
    pub slot: Option<Slot>,
}

/// Answer of `GET /workspaces/{workspaceId}/broker/librdkafka`: librdkafka settings by their own names. No key may be added
/// lightly, because quixstreams refuses those it does not know.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LibrdkafkaConfig {
    /// `host:port`, comma separated.
    #[serde(rename = "bootstrap.servers")]
    pub bootstrap_servers: String,
    /// `SASL_SSL`, in exactly this spelling for Telegraf.
    #[serde(rename = "security.protocol")]
    pub security_protocol: String,
    /// `SCRAM-SHA-256`.
    #[serde(rename = "sasl.mechanism")]
    pub sasl_mechanism: String,
    /// The principal of the caller's token, or of Token 1.
    #[serde(rename = "sasl.username")]
    pub sasl_username: String,
    /// Its password.
    #[serde(rename = "sasl.password")]
    pub sasl_password: String,
    /// The workspace's id; Java clients fail without it.
    #[serde(rename = "client.id")]
    pub client_id: String,
    /// The CA certificate: base64 of PEM. Left out, not null, where there is no private CA: C# decodes what is there.
    #[serde(rename = "ssl.ca.cert", skip_serializing_if = "Option::is_none", default)]
    pub ssl_ca_cert: Option<String>,
}
