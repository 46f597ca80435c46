//! The verdict on many workspaces at once, in as many questions as on one.

use std::collections::HashMap;

use jiff::SignedDuration;
use twinkey_api::WorkspaceId;

use super::{
    report::{self, members::Members},
    verdict,
};
use crate::{
    app::App,
    db::{self, token_clients, usage_points, workspaces},
    error::ApiError,
    registry::Pair,
    routes::settings,
};

/// For how long uses of dead tokens count.
const DEAD_USES: SignedDuration = SignedDuration::from_hours(24);

/// What is known of the use of a workspace's tokens.
pub struct Glance {
    /// Whether Token 1 may be rotated away; `None`: that takes asking a cluster.
    pub safe_to_rotate: Option<bool>,
    /// How many clients use Token 1.
    pub clients: u64,
    /// Connections of both tokens, where the broker can tell.
    pub open_connections: Option<u64>,
}

/// A look at each of these workspaces: everything but what only a cluster knows, which would take it a while to tell.
pub async fn glance(app: &App, of: &[(&workspaces::Model, Pair)]) -> Result<HashMap<WorkspaceId, Glance>, ApiError> {
    report::store_what_is_counted(app).await;
    let now = app.now();
    let windows = of.iter().map(|(row, _)| settings::describe(row).safe_to_rotate_minutes).collect::<Vec<_>>();
    let longest = SignedDuration::from_mins(windows.iter().copied().max().unwrap_or_default().into());
    let subjects: Vec<_> = of.iter().flat_map(|(_, pair)| report::valid(pair)).collect();
    let ids: Vec<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
    let rows = token_clients::list_used_after(&*app.db, &ids, (now - longest).as_millisecond()).await?;
    let tokens = report::describe(app, &subjects, rows, &Members::default());
    let can_tell = app.broker.kafka().is_none();
    let glances = of.iter().zip(windows).zip(tokens.chunks(2)).map(|(((_, pair), window), tokens)| {
        let clients = verdict::judge(&tokens[0], window, Vec::new(), now).reasons.len() as u64;
        let safe_to_rotate = if clients > 0 { Some(false) } else { can_tell.then_some(true) };
        let open_connections = tokens.iter().map(|token| token.open_connections).sum();
        (pair.current.workspace_id.clone(), Glance { safe_to_rotate, clients, open_connections })
    });
    Ok(glances.collect())
}

/// How often dead tokens of each of these workspaces were tried lately.
pub async fn dead_uses(app: &App, workspace_ids: &[&str]) -> Result<HashMap<String, u64>, ApiError> {
    let from = (app.now() - DEAD_USES).as_millisecond();
    let sums = usage_points::refused_of_each(&*app.db, workspace_ids, from).await?;
    Ok(sums.into_iter().map(|(id, sum)| (id, sum.unsigned_abs())).collect())
}

/// When the tokens of a pair were last rotated: then the Token 2 of today was made.
pub fn rotated_at(pair: &Pair) -> Option<jiff::Timestamp> {
    (pair.generation > 0).then(|| pair.next.created_at())
}

/// The pairs of these workspaces, of which some may not be ready.
pub async fn pairs(app: &App, rows: &[workspaces::Model]) -> Result<HashMap<String, Pair>, ApiError> {
    let ready: Vec<_> = rows.iter().filter(|row| row.state == workspaces::READY).cloned().collect();
    if app.replicas.trusts() {
        let known = |row: &workspaces::Model| app.registry.pair(&WorkspaceId::parse(&row.id).ok()?);
        return Ok(ready.iter().filter_map(|row| Some((row.id.clone(), known(row)?))).collect());
    }
    let ids: Vec<String> = ready.iter().map(|row| row.id.clone()).collect();
    let tokens = db::tokens::list_valid_of_each(&*app.db, &ids).await?;
    Ok(crate::registry::pairs(&app.keys, &ready, tokens)?)
}
