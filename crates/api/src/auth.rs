//! Sign-in, profile and personal access tokens.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Role;

/// Body of `POST /auth/sign-in`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignIn {
    /// The account's e-mail address; case does not matter.
    #[schema(example = "admin@localhost")]
    pub email: String,
    /// The account's password.
    pub password: String,
}

/// Body of `POST /auth/confirm`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmPassword {
    /// The password of the account that is signed in.
    pub password: String,
}

/// Answer of `GET /auth/methods`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInMethods {
    /// Whether with a password; always true.
    pub password: bool,
    /// What people call the OpenID Connect provider that `/auth/oidc` leads to; `null`: there is none.
    pub oidc: Option<String>,
}

/// Query of `GET /auth/oidc/callback`: what an OpenID Connect provider sends the browser back with.
#[derive(Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OidcAnswer {
    /// To be exchanged for an ID token.
    pub code: Option<String>,
    /// The same as at the beginning.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

/// A user as others may see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id.
    pub user_id: String,
    /// The address the user signs in with.
    pub email: String,
    /// What people call the user, if it is known.
    pub name: Option<String>,
    /// The role in the organisation that the credential of the request gives; a workspace may give another.
    pub role: Role,
}

/// Answer of a successful sign-in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The session's secret, `ses-…`, to be sent as a bearer token.
    pub token: String,
    /// When the session ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Who signed in.
    pub user: User,
}

/// Body of `POST /profile/tokens`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewPat {
    /// What the token is for, in the user's words.
    #[schema(example = "ci")]
    pub name: String,
    /// When it stops working; never if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The only workspace that it gives access to; every one of its user's if absent.
    #[serde(default)]
    pub workspace_id: Option<String>,
    /// The role that it never exceeds; its user's if absent.
    #[serde(default)]
    pub role: Option<Role>,
}

/// Answer of `POST /profile/tokens`: the only time that the value is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedPat {
    /// The token's id, for `DELETE /profile/tokens/{id}`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The token itself, `pat-…`.
    pub value: String,
    /// When it stops working; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The only workspace that it gives access to; `null`: every one of its user's.
    pub workspace_id: Option<String>,
    /// The role that it never exceeds; `null`: its user's.
    pub role: Option<Role>,
}

/// A personal access token as it is listed: without its value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pat {
    /// The token's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it stops working; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// The only workspace that it gives access to; `null`: every one of its user's.
    pub workspace_id: Option<String>,
    /// The role that it never exceeds; `null`: its user's.
    pub role: Option<Role>,
    /// When it was used last, to about ten seconds; `null`: never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
}

/// Answer of `GET /auth/token/details`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenDetails {
    /// `sdk`, `pat` or `session`.
    #[serde(rename = "type")]
    #[schema(example = "sdk")]
    pub kind: String,
    /// The workspace of an SDK token, or the only one of a PAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The user behind a PAT or a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The role that a PAT never exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// When it stops working; SDK tokens never do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// Query of `GET /auth/permissions/query`. `permissions` is what the public client sends, `permission` what the public
/// documentation says; either will do.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PermissionQuery {
    /// `Organisation`, `Workspace`, `Topic`, …
    pub resource_type: Option<String>,
    /// The resource's id; for a topic `{workspaceId}-{name}`.
    pub resource_id: Option<String>,
    /// `Create`, `Read`, `Update`, `Delete`, `Write` or `All`.
    pub permissions: Option<String>,
    /// The same as `permissions`.
    pub permission: Option<String>,
}

/// Answer of `GET /organisations/current`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organisation {
    /// The organisation's id.
    pub organisation_id: String,
    /// Its name.
    pub name: String,
}
