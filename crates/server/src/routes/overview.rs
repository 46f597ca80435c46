//! All workspaces at a glance.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State};
use twinkey_api::{
    Role, WorkspaceId,
    error::ErrorBody,
    overview::{OverviewQuery, WorkspaceOverview},
};

use super::{page_size, workspaces::status};
use crate::{
    app::App,
    db,
    error::ApiError,
    extract::{Manage, Queried, SignedIn, UserCaller, workspace::Viewer},
    usage::overview::{dead_uses, glance, pairs, rotated_at},
};

/// The workspaces that the caller may see, by id, with what needs attention there
///
/// The same verdict as that of `GET /workspaces/{workspaceId}/tokens/usage`, without what only Apache Kafka could tell.
#[utoipa::path(
    get, path = "/workspaces/overview", tag = "workspaces",
    params(OverviewQuery),
    responses((status = 200, body = Vec<WorkspaceOverview>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Queried(query): Queried<OverviewQuery>,
) -> Result<Json<Vec<WorkspaceOverview>>, ApiError> {
    let (limit, after) = (page_size(query.limit)?, query.after.unwrap_or_default());
    let page = page(&app, &caller, &after, limit).await?;
    Ok(Json(described(&app, page).await?))
}

/// One workspace as in the list: with the caller's role there
#[utoipa::path(
    get, path = "/workspaces/{workspace_id}/overview", tag = "workspaces",
    params(("workspace_id" = String, Path)),
    responses((status = 200, body = WorkspaceOverview), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub async fn get(State(app): State<Arc<App>>, access: Manage<Viewer>) -> Result<Json<WorkspaceOverview>, ApiError> {
    let row = db::workspaces::find_ready(&*app.db, &access.workspace_id).await?;
    let page = row.map(|row| (row, access.role)).into_iter().collect();
    let one = described(&app, page).await?.pop();
    one.map(Json).ok_or_else(|| ApiError::NotFound(format!("Workspace '{}'", access.workspace_id)))
}

/// What there is to say about each of them, in few questions for all.
async fn described(app: &App, page: Vec<(db::workspaces::Model, Role)>) -> Result<Vec<WorkspaceOverview>, ApiError> {
    let rows: Vec<_> = page.iter().map(|(row, _)| row.clone()).collect();
    let pairs = pairs(app, &rows).await?;
    let ready: Vec<_> = rows.iter().filter_map(|row| Some((row, pairs.get(&row.id)?.clone()))).collect();
    let mut glances = glance(app, &ready).await?;
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let dead_uses = dead_uses(app, &ids).await?;
    let entries = page.into_iter().map(|(row, role)| {
        let glance = WorkspaceId::parse(&row.id).ok().and_then(|id| glances.remove(&id));
        let (safe_to_rotate, clients, open_connections) =
            glance.map_or((None, 0, None), |it| (it.safe_to_rotate, it.clients, it.open_connections));
        WorkspaceOverview {
            status: status(&row).to_owned(),
            role,
            generation: pairs.get(&row.id).map_or(row.generation, |pair| pair.generation),
            created_at: db::timestamp(row.created_at),
            rotated_at: pairs.get(&row.id).and_then(rotated_at),
            safe_to_rotate,
            clients_of_token_1: clients,
            open_connections,
            dead_token_uses: dead_uses.get(&row.id).copied().unwrap_or_default(),
            workspace_id: row.id,
            name: row.name,
        }
    });
    Ok(entries.collect())
}

/// A page of the workspaces that the caller may see, each with his role there.
async fn page(
    app: &App,
    caller: &UserCaller,
    after: &str,
    limit: u64,
) -> Result<Vec<(db::workspaces::Model, Role)>, ApiError> {
    let everywhere = caller.user.organisation_role();
    let narrower: HashMap<String, Role> =
        db::users::memberships_of(&*app.db, &caller.user.id).await?.into_iter().collect();
    let role_in = |id: &str| caller.limits.in_workspace(id, Role::effective(everywhere, narrower.get(id).copied()));
    let of_own = || narrower.keys().map(String::as_str);
    let rows = if let Some(only) = &caller.limits.workspace_id {
        let visible = role_in(only) >= Role::Viewer;
        db::workspaces::page_of(&*app.db, Some(only.as_str()).filter(|_| visible), after, limit).await?
    } else if everywhere >= Role::Viewer {
        let hidden = of_own().filter(|id| role_in(id) < Role::Viewer);
        db::workspaces::page_without(&*app.db, hidden, after, limit).await?
    } else {
        let visible = of_own().filter(|id| role_in(id) >= Role::Viewer);
        db::workspaces::page_of(&*app.db, visible, after, limit).await?
    };
    // Once more, for the last word on it.
    let visible = rows.into_iter().map(|row| (role_in(&row.id), row)).filter(|(role, _)| *role >= Role::Viewer);
    Ok(visible.map(|(role, row)| (row, role)).collect())
}
