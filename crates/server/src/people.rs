//! Who may give, change and take which role. Asked inside the transaction that does it, where nothing can change meanwhile.
//!
//! Nobody gives a role above his own, and nobody changes or removes somebody whose role is above his own. Only an Admin of the
//! organisation gives another one a narrower role in a workspace. The last Admin of the
//! organisation, and of a workspace, stays: what nobody is Admin of, nobody could rotate or give anybody the right to.

use axum::http::StatusCode;
use sea_orm::ConnectionTrait;
use twinkey_api::{Role, WorkspaceId};

use crate::{db, db::users::Model, error::ApiError, extract::UserCaller};

/// The longest e-mail address, in bytes.
const EMAIL_MAX: usize = 254;
/// The longest name of a person, in bytes.
const NAME_MAX: usize = 200;

/// Where a role counts.
#[derive(Clone, Copy)]
pub enum Scope<'a> {
    /// Everywhere, where nothing narrower is said.
    Organisation,
    /// In one workspace.
    Workspace(&'a WorkspaceId),
}

/// The caller as the database knows him now, and the role that this request has in `scope`. His role may have changed since
/// the request was let in.
pub async fn authority(
    transaction: &impl ConnectionTrait,
    caller: &UserCaller,
    scope: Scope<'_>,
) -> Result<(Model, Role), ApiError> {
    let user = db::users::find(transaction, &caller.user.id).await?.ok_or(ApiError::Unauthenticated)?;
    let role = role_of(transaction, &user, scope).await?;
    let role = match scope {
        Scope::Organisation => caller.limits.in_organisation(role),
        Scope::Workspace(id) => caller.limits.in_workspace(id.as_str(), role),
    };
    Ok((user, role))
}

/// The role of a user in `scope`.
pub async fn role_of(db: &impl ConnectionTrait, user: &Model, scope: Scope<'_>) -> Result<Role, ApiError> {
    Ok(match scope {
        Scope::Organisation => user.organisation_role(),
        Scope::Workspace(id) => db::users::role_in(db, user, id).await?,
    })
}

/// Refuses with the highest of the roles that are touched, if the caller's is below it. Managing members needs Manager.
pub fn require(own: Role, touched: &[Role]) -> Result<(), ApiError> {
    let needed = touched.iter().copied().fold(Role::Manager, Role::max);
    if own >= needed { Ok(()) } else { Err(ApiError::RoleTooLow { needed, actual: own }) }
}

/// A role in the organisation counts in every workspace. Whoever has less than that in one of them may not give it: it could be
/// an account of his own, with which he would get in.
pub async fn require_everywhere(db: &impl ConnectionTrait, giver: &Model, role: Role) -> Result<(), ApiError> {
    let narrower = db::users::memberships_of(db, &giver.id).await?;
    match narrower.into_iter().find(|(_, own)| *own < role) {
        None => Ok(()),
        Some((workspace_id, own)) => Err(ApiError::Invalid {
            code: "RoleTooLow",
            status: StatusCode::FORBIDDEN,
            message: format!(
                "This needs the role {} in every workspace; in '{workspace_id}' yours is {}",
                role.name(),
                own.name()
            ),
        }),
    }
}

/// Refuses a change of a user's role after which nobody would be Admin in `scope`; of a role in the organisation, also one after which
/// nobody would be in a workspace, because the other Admins of the organisation have a narrower role there.
pub async fn keep_an_admin(
    db: &impl ConnectionTrait,
    user: &Model,
    scope: Scope<'_>,
    (before, after): (Role, Role),
) -> Result<(), ApiError> {
    if before < Role::Admin || after >= Role::Admin {
        return Ok(());
    }
    let organisation_id = &user.organisation_id;
    let (admins, of) = match scope {
        Scope::Organisation => (db::users::count_admins(db, organisation_id).await?, "the organisation".to_owned()),
        Scope::Workspace(id) => {
            (db::users::count_admins_in(db, organisation_id, id).await?, format!("workspace '{id}'"))
        }
    };
    if admins <= 1 {
        return Err(ApiError::LastAdmin(of));
    }
    if let Scope::Organisation = scope
        && let Some(id) = db::users::find_left_without_admin(db, organisation_id, &user.id, admins - 1).await?
    {
        return Err(ApiError::LastAdmin(format!("workspace '{id}'")));
    }
    Ok(())
}

/// An e-mail address as it is stored. Whether somebody reads it shows when he accepts.
pub fn email(text: &str) -> Result<String, ApiError> {
    let text = text.trim();
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
    let plain = text.chars().all(|character| !character.is_whitespace() && !character.is_control());
    if parts.is_none_or(|(_, domain)| domain.contains('@')) || !plain || text.len() > EMAIL_MAX {
        return Err(ApiError::bad_request("InvalidEmail", "email must be an e-mail address such as ada@example.org"));
    }
    Ok(text.to_lowercase())
}

/// The name of a person.
pub fn name(text: &str) -> Result<&str, ApiError> {
    let text = text.trim();
    if text.is_empty() || text.len() > NAME_MAX || text.chars().any(char::is_control) {
        let message = format!("The name must have 1 to {NAME_MAX} bytes, on one line");
        return Err(ApiError::bad_request("InvalidName", message));
    }
    Ok(text)
}
