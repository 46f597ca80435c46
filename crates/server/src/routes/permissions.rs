//! What a credential is, and what it may do. Public clients decide by the status alone, so a denial is never a 200.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    auth::{PermissionQuery, TokenDetails},
    error::ErrorBody,
};

use crate::{
    app::App,
    error::ApiError,
    extract::{Caller, SdkCaller, UserCaller},
    registry::KnownToken,
    validity,
};

const RESOURCE_TYPES: [&str; 9] =
    ["Organisation", "Repository", "Workspace", "Topic", "Deployment", "User", "Session", "Billing", "Plugin"];
const PERMISSIONS: [&str; 6] = ["Create", "Read", "Update", "Delete", "Write", "All"];

/// What the token in the request is
#[utoipa::path(
    get, path = "/auth/token/details", tag = "streaming",
    responses((status = 200, body = TokenDetails), (status = 401, body = ErrorBody))
)]
pub async fn token_details(caller: Caller) -> Json<TokenDetails> {
    Json(match caller {
        Caller::Sdk(SdkCaller { token, .. }) => TokenDetails {
            kind: "sdk".into(),
            workspace_id: Some(token.workspace_id.to_string()),
            user_id: None,
            role: None,
            expires_at: None,
        },
        Caller::User(user) => TokenDetails {
            kind: if user.kind == TokenKind::Pat { "pat" } else { "session" }.into(),
            workspace_id: user.limits.workspace_id,
            user_id: Some(user.user.id),
            role: user.limits.role,
            expires_at: user.expires_at,
        },
    })
}

/// Whether the caller has a permission: 200 `true`, or 403
#[utoipa::path(
    get, path = "/auth/permissions/query", tag = "streaming",
    params(PermissionQuery),
    responses((status = 200, body = bool), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn query(
    State(app): State<Arc<App>>,
    caller: Caller,
    query: Result<Query<PermissionQuery>, QueryRejection>,
) -> Result<Json<bool>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::bad_request("InvalidQuery", rejection.body_text()))?;
    let resource_type = one_of("resourceType", query.resource_type.as_deref(), &RESOURCE_TYPES)?;
    let permission = one_of("permissions", query.permissions.or(query.permission).as_deref(), &PERMISSIONS)?;
    let id = query
        .resource_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| ApiError::bad_request("InvalidQuery", "The query parameter resourceId is missing"))?;
    let granted = match &caller {
        Caller::Sdk(SdkCaller { token, .. }) => granted_to_token(&app, token, resource_type, &id, permission),
        Caller::User(user) => granted_to_user(&app, user, resource_type, &id, permission).await?,
    };
    if granted { Ok(Json(true)) } else { Err(ApiError::PermissionDenied) }
}

fn one_of(name: &str, value: Option<&str>, allowed: &[&'static str]) -> Result<&'static str, ApiError> {
    allowed.iter().copied().find(|word| value.is_some_and(|value| value.eq_ignore_ascii_case(word))).ok_or_else(|| {
        ApiError::bad_request(
            "InvalidQuery",
            format!("The query parameter {name} must be one of {}", allowed.join(", ")),
        )
    })
}

/// What the streaming routes let a token do, in the words of this query.
fn granted_to_token(app: &App, token: &KnownToken, resource_type: &str, id: &str, permission: &str) -> bool {
    match resource_type {
        "Organisation" => id == app.organisation.id && permission == "Read",
        "Workspace" => id == token.workspace_id.as_str() && matches!(permission, "Read" | "Update"),
        "Topic" => {
            let own = id.strip_prefix(token.workspace_id.as_str()).is_some_and(|rest| rest.starts_with('-'));
            own && matches!(permission, "Create" | "Read" | "Write")
        }
        _ => false,
    }
}

async fn granted_to_user(
    app: &App,
    user: &UserCaller,
    resource_type: &str,
    id: &str,
    permission: &str,
) -> Result<bool, ApiError> {
    let organisation_role = user.organisation_role();
    Ok(match resource_type {
        "Organisation" => {
            id == app.organisation.id
                && organisation_role >= if permission == "Read" { Role::Viewer } else { Role::Admin }
        }
        "Workspace" => {
            let needed = match permission {
                "Read" => Role::Viewer,
                "Update" | "Write" => Role::Editor,
                "Create" | "Delete" => Role::Manager,
                _ => Role::Admin,
            };
            role_in_workspace(app, user, id).await?.is_some_and(|role| role >= needed)
        }
        "Topic" => {
            // Workspace ids are prefix-free, so at most one of the possible workspaces exists.
            let needed = if permission == "Read" { Role::Viewer } else { Role::Editor };
            for (at, _) in id.match_indices('-') {
                if let Some(role) = role_in_workspace(app, user, &id[..at]).await? {
                    return Ok(role >= needed);
                }
            }
            false
        }
        _ => organisation_role >= Role::Admin,
    })
}

async fn role_in_workspace(app: &App, user: &UserCaller, id: &str) -> Result<Option<Role>, ApiError> {
    let Ok(id) = WorkspaceId::parse(id) else { return Ok(None) };
    if validity::pair(app, &id).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(user.role_in(&*app.db, &id).await?))
}
