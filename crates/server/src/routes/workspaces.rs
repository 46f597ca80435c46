//! Workspaces.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::json;
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    error::ErrorBody,
    workspace::{
        BrokerConnection, BrokerSettings, DeleteWorkspace, DeletedWorkspace, DeletionState, NewWorkspace, Workspace,
        WorkspaceChanges,
    },
};

use super::{
    broker_settings::{NO_STORE, audit_reveal, audit_reveals, password_of},
    to_its_end,
    tokens::REASON_MAX,
};
use crate::{
    app::App,
    audit::{self, Event},
    db, deletion,
    error::ApiError,
    extract::{
        Body, Caller, InOrganisation, Manage, Streaming, UserCaller,
        workspace::{Manager, Remove, Viewer},
    },
    registry::KnownToken,
    tokens, validity,
};

/// The longest display name, in bytes.
const NAME_MAX: usize = 200;

/// The workspaces that the caller may see: exactly one for an SDK token
#[utoipa::path(
    get, path = "/workspaces", tag = "streaming",
    responses((status = 200, body = Vec<Workspace>), (status = 401, body = ErrorBody))
)]
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<impl IntoResponse, ApiError> {
    let workspaces = match &caller {
        Caller::Sdk(sdk) => {
            sdk.client.fetched(app.now());
            vec![describe(&app, find(&app, &sdk.token.workspace_id).await?, Some(&sdk.token))?]
        }
        Caller::User(user) => list_for(&app, user).await?,
    };
    Ok((NO_STORE, Json(workspaces)))
}

/// One workspace
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}", tag = "streaming",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = Workspace), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(State(app): State<Arc<App>>, access: Streaming<Viewer>) -> Result<impl IntoResponse, ApiError> {
    let token = match &access.caller {
        Caller::Sdk(sdk) => {
            sdk.client.fetched(app.now());
            Some(&sdk.token)
        }
        Caller::User(user) if shows_credentials(user, access.role) => {
            audit_reveal(&app, user, access.token(), json!({"route": "workspace"})).await?;
            Some(access.token())
        }
        Caller::User(_) => None,
    };
    let row = find(&app, &access.workspace_id).await?;
    Ok((NO_STORE, Json(describe(&app, row, token.map(|token| &**token))?)))
}

/// Create a workspace, with its two SDK tokens
#[utoipa::path(
    post, path = "/workspaces", tag = "workspaces",
    request_body = NewWorkspace,
    responses((status = 200, body = Workspace), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn create(
    State(app): State<Arc<App>>,
    access: InOrganisation<Manager>,
    Body(body): Body<NewWorkspace>,
) -> Result<impl IntoResponse, ApiError> {
    let id = WorkspaceId::parse(&body.workspace_id)
        .map_err(|error| ApiError::bad_request("InvalidWorkspaceId", error.to_string()))?;
    let name = body.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.to_string());
    let name = checked(name)?;
    let maker = app.clone();
    let row = to_its_end(&app, async move { tokens::create_workspace(&maker, &access.user.actor(), &id, &name).await })
        .await?;
    Ok((NO_STORE, Json(describe(&app, row, None)?)))
}

/// Give a workspace another name; its id stays
#[utoipa::path(
    patch, path = "/workspaces/{workspace_id}", tag = "workspaces",
    params(("workspace_id" = String, Path)), request_body = WorkspaceChanges,
    responses((status = 200, body = Workspace), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub async fn rename(
    State(app): State<Arc<App>>,
    access: Manage<Manager>,
    Body(body): Body<WorkspaceChanges>,
) -> Result<impl IntoResponse, ApiError> {
    let name = checked(body.name)?;
    let id = access.workspace_id.as_str();
    let transaction = app.db.write().await?;
    let not_found = || ApiError::NotFound(format!("Workspace '{id}'"));
    let before = db::workspaces::find_ready(&*transaction, &access.workspace_id).await?.ok_or_else(not_found)?;
    db::workspaces::rename(&*transaction, id, &name).await?;
    let event = Event {
        action: "workspace.renamed",
        workspace_id: Some(id),
        target: Some(id),
        detail: json!({"before": before.name, "after": name}),
    };
    audit::append(&*transaction, &access.user.actor(), app.now(), event).await?;
    transaction.commit().await?;
    Ok((NO_STORE, Json(describe(&app, db::workspaces::Model { name, ..before }, None)?)))
}

/// Delete a workspace: its tokens, topics and consumer groups
///
/// When the answer is 200, all of it is gone and the id is free. 202: its tokens are dead on the API, `waitingFor` says what the rest
/// waits for, and it goes on by itself; the workspace is listed as `Deleting` until then. 503: the broker is away, and nothing was
/// changed. There is no way back.
#[utoipa::path(
    delete, path = "/workspaces/{workspace_id}", tag = "workspaces",
    params(("workspace_id" = String, Path)), request_body = DeleteWorkspace,
    responses((status = 200, body = DeletedWorkspace), (status = 202, body = DeletedWorkspace), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody), (status = 503, body = ErrorBody))
)]
pub async fn delete(
    State(app): State<Arc<App>>,
    access: Remove,
    Body(body): Body<DeleteWorkspace>,
) -> Result<(StatusCode, Json<DeletedWorkspace>), ApiError> {
    let Remove { user, workspace_id } = access;
    if body.workspace_id != workspace_id.as_str() {
        // What was typed is not repeated: it may be anything, a token even.
        let message = format!(
            "Nothing was deleted: the body must repeat the id of the workspace that is to go with everything in it, \
             {{\"workspaceId\": \"{workspace_id}\"}}"
        );
        return Err(ApiError::bad_request("NotConfirmed", message));
    }
    if body.reason.as_ref().is_some_and(|reason| reason.len() > REASON_MAX) {
        return Err(ApiError::bad_request("InvalidReason", format!("The reason may have at most {REASON_MAX} bytes")));
    }
    let deleting = app.clone();
    let deletion =
        async move { deletion::delete(&deleting, &user.actor(), &workspace_id, body.reason.as_deref()).await };
    let deleted = to_its_end(&app, deletion).await?;
    let status = match deleted.state {
        DeletionState::Deleted => StatusCode::OK,
        DeletionState::Deleting => StatusCode::ACCEPTED,
    };
    Ok((status, Json(deleted)))
}

/// A name that people see.
fn checked(name: String) -> Result<String, ApiError> {
    if name.trim().is_empty() {
        return Err(ApiError::bad_request("InvalidName", "The name must not be empty"));
    }
    if name.len() > NAME_MAX {
        return Err(ApiError::bad_request("InvalidName", format!("The name may have at most {NAME_MAX} bytes")));
    }
    if name.chars().any(char::is_control) {
        return Err(ApiError::bad_request("InvalidName", "The name must be on one line, without control characters"));
    }
    Ok(name)
}

async fn find(app: &App, id: &WorkspaceId) -> Result<db::workspaces::Model, ApiError> {
    db::workspaces::find(&*app.db, id.as_str()).await?.ok_or_else(|| ApiError::NotFound(format!("Workspace '{id}'")))
}

async fn list_for(app: &App, user: &UserCaller) -> Result<Vec<Workspace>, ApiError> {
    let narrower: HashMap<_, _> = db::users::memberships_of(&*app.db, &user.user.id).await?.into_iter().collect();
    let role_in = |id: &str| {
        let narrower = narrower.get(id).copied();
        user.limits.in_workspace(id, Role::effective(user.user.organisation_role(), narrower))
    };
    let mut workspaces = Vec::new();
    let mut shown = Vec::new();
    for row in db::workspaces::list(&*app.db).await? {
        let role = role_in(&row.id);
        if role < Role::Viewer {
            continue;
        }
        let token = match WorkspaceId::parse(&row.id) {
            Ok(id) if shows_credentials(user, role) => validity::pair(app, &id).await?.map(|pair| pair.current),
            _ => None,
        };
        if let Some(token) = &token {
            shown.push(token.principal.clone());
        }
        workspaces.push(describe(app, row, token.as_deref())?);
    }
    if !shown.is_empty() {
        audit_reveals(app, user, &shown).await?;
    }
    Ok(workspaces)
}

/// The original `QuixStreamingClient` reads its credentials from here, so a script's PAT must find them. A person in a
/// browser looks at this list all the time and reveals credentials elsewhere, on purpose.
fn shows_credentials(user: &UserCaller, role: Role) -> bool {
    user.kind == TokenKind::Pat && role >= Role::Editor
}

/// What clients are told of its state.
pub(super) fn status(row: &db::workspaces::Model) -> &'static str {
    match row.state.as_str() {
        db::workspaces::READY => "Ready",
        db::workspaces::DELETING => "Deleting",
        _ => "Creating",
    }
}

fn describe(app: &App, row: db::workspaces::Model, token: Option<&KnownToken>) -> Result<Workspace, ApiError> {
    let (username, password) = match token {
        Some(token) => (token.principal.clone(), password_of(app, token)?.to_string()),
        None => (String::new(), String::new()),
    };
    Ok(Workspace {
        status: status(&row).into(),
        workspace_id: row.id,
        name: row.name,
        version: 2,
        created_at: db::timestamp(row.created_at),
        broker_type: "SelfHosted".into(),
        broker_settings: BrokerSettings { broker_type: "SelfHosted".into(), sync_topics: false },
        broker: BrokerConnection {
            address: app.broker.endpoint().address.clone(),
            security_mode: "SaslSsl".into(),
            sasl_mechanism: "ScramSha256".into(),
            username,
            password,
            ssl_password: String::new(),
            has_certificate: app.broker.endpoint().ca.is_some(),
        },
    })
}
