//! Workspaces.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde_json::json;
use twinkey_api::{
    Role, TokenKind, WorkspaceId,
    error::ErrorBody,
    workspace::{BrokerConnection, BrokerSettings, NewWorkspace, Workspace},
};

use super::{
    broker_settings::{NO_STORE, audit_reveal, password_of},
    to_its_end,
};
use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{
        Body, Caller, InOrganisation, Streaming, UserCaller,
        workspace::{Manager, Viewer},
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
            audit_reveal(&app, user, Some(access.token()), json!({"route": "workspace"})).await?;
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
    if name.len() > NAME_MAX {
        return Err(ApiError::bad_request("InvalidName", format!("The name may have at most {NAME_MAX} bytes")));
    }
    let maker = app.clone();
    let row = to_its_end(&app, async move { tokens::create_workspace(&maker, &access.user.actor(), &id, &name).await })
        .await?;
    Ok((NO_STORE, Json(describe(&app, row, None)?)))
}

async fn find(app: &App, id: &WorkspaceId) -> Result<db::workspaces::Model, ApiError> {
    db::workspaces::find(&*app.db, id.as_str()).await?.ok_or_else(|| ApiError::NotFound(format!("Workspace '{id}'")))
}

async fn list_for(app: &App, user: &UserCaller) -> Result<Vec<Workspace>, ApiError> {
    let narrower = db::users::memberships_of(&*app.db, &user.user.id).await?;
    let role_in = |id: &str| {
        let narrower = narrower.iter().find(|(workspace_id, _)| workspace_id == id).map(|(_, role)| *role);
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
        audit_reveal(app, user, None, json!({"route": "workspaces", "principals": shown})).await?;
    }
    Ok(workspaces)
}

/// The original `QuixStreamingClient` reads its credentials from here, so a script's PAT must find them. A person in a
/// browser looks at this list all the time and reveals credentials elsewhere, on purpose.
fn shows_credentials(user: &UserCaller, role: Role) -> bool {
    user.kind == TokenKind::Pat && role >= Role::Editor
}

fn describe(app: &App, row: db::workspaces::Model, token: Option<&KnownToken>) -> Result<Workspace, ApiError> {
    let (username, password) = match token {
        Some(token) => (token.principal.clone(), password_of(app, token)?.to_string()),
        None => (String::new(), String::new()),
    };
    Ok(Workspace {
        workspace_id: row.id,
        name: row.name,
        status: if row.state == db::workspaces::READY { "Ready" } else { "Creating" }.into(),
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
