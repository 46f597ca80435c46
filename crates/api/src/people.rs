//! Members, invitations, sessions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Role, auth::User};

/// A member of the organisation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The user's id.
    pub user_id: String,
    /// The address the user signs in with.
    pub email: String,
    /// What people call the user, if it is known.
    pub name: Option<String>,
    /// The role in the organisation; a workspace may give another.
    pub role: Role,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The workspaces in which the role is another one, by id.
    pub workspaces: Vec<WorkspaceRole>,
}

/// A role that counts in one workspace, whatever the role in the organisation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceRole {
    /// Where.
    pub workspace_id: String,
    /// What.
    pub role: Role,
}

/// Somebody with access to a workspace, or whom a role there keeps out of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceMember {
    /// The user's id.
    pub user_id: String,
    /// The address the user signs in with.
    pub email: String,
    /// What people call the user, if it is known.
    pub name: Option<String>,
    /// The role that counts here.
    pub role: Role,
    /// The role in the organisation.
    pub organisation_role: Role,
    /// The role that was given here and wins over the organisation's; `null`: none was.
    pub workspace_role: Option<Role>,
}

/// Body of `PATCH /organisations/current/members/{userId}` and `PUT /workspaces/{workspaceId}/members/{userId}`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeRole {
    /// The new role.
    pub role: Role,
}

/// Query of the lists of people: sorted by e-mail address.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct MemberQuery {
    /// 1 to 1000; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
    /// The e-mail address of the last one of the page before; only those behind it are answered.
    pub after: Option<String>,
}

/// Query of the lists that begin with the newest.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1 to 1000; 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
    /// The id of the last one of the page before; only older ones are answered.
    pub before: Option<String>,
}

/// Body of `POST …/invitations`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewInvitation {
    /// Who is invited; nobody else can accept.
    #[schema(example = "ada@example.org")]
    pub email: String,
    /// With which role, not above one's own.
    pub role: Role,
    /// For how many days the link works: 1 to 30; 7 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 30)]
    pub expires_in_days: Option<u8>,
}

/// Whether an invitation can still be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum InvitationState {
    /// It can.
    Open,
    /// Somebody has.
    Accepted,
    /// It was withdrawn, or replaced by a newer one.
    Revoked,
    /// It was left lying too long.
    Expired,
}

/// An invitation as it is listed: without its link.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its id.
    pub id: String,
    /// Who is invited.
    pub email: String,
    /// With which role.
    pub role: Role,
    /// Into which workspace; `null`: the organisation.
    pub workspace_id: Option<String>,
    /// By whom: an e-mail address; `null`: the account is gone.
    pub invited_by: Option<String>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Whether it can be accepted.
    pub state: InvitationState,
}

/// Answer of `POST …/invitations`: the only time that the link is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// To be handed to the person who is invited. Works once. The secret stands behind `#`, so that browsers do not send it.
    pub link: String,
    /// Whether it was sent by e-mail as well; `null`: this server sends no mail.
    pub emailed: Option<bool>,
}

/// Body of `POST /invitations/look`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LookAtInvitation {
    /// The part of the link behind `#`: `inv-…`.
    pub secret: String,
}

/// Answer of `POST /invitations/look`: what its link shows before it is accepted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitationContents {
    /// Who is invited; nobody else can accept.
    pub email: String,
    /// With which role.
    pub role: Role,
    /// Into which workspace; `null`: the organisation.
    pub workspace_id: Option<String>,
    /// By whom: an e-mail address.
    pub invited_by: String,
    /// Until when it can be accepted.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Whether the address has an account, to which one signs in before accepting.
    pub account_exists: bool,
}

/// Body of `POST /invitations/accept`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The part of the link behind `#`: `inv-…`.
    pub secret: String,
    /// For a new account: what people call you.
    #[serde(default)]
    pub name: Option<String>,
    /// For a new account: its password, of at least 8 characters. Whoever has an account signs in and leaves this out.
    #[serde(default)]
    pub password: Option<String>,
}

/// Answer of `POST /invitations/accept`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedInvitation {
    /// Who accepted.
    pub user: User,
    /// The workspace that it was for; `null`: the organisation.
    pub workspace_id: Option<String>,
    /// The role there.
    pub role: Role,
}

/// A sign-in session as it is listed: without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Whether it is the one that this request was made with.
    pub current: bool,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was used last, to about ten seconds; `null`: not since it was begun.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Timestamp>,
    /// From where it was begun; `null`: before this was recorded.
    pub address: Option<String>,
    /// With what it was begun, as the program says itself.
    pub user_agent: Option<String>,
}

/// Body of `POST /profile/password`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    pub current_password: String,
    /// The password as it is to be: at least 8 characters, at most 1000 bytes.
    pub new_password: String,
}
