//! One reconciliation: the cluster is read, then the database, then the differences are mended.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use sea_orm::DbErr;
use serde_json::json;
use twinkey_api::{WorkspaceId, broker::Reconciliation};
use twinkey_kafka_admin::{
    Error as KafkaError,
    acls::{Acl, any_transactional_id as any_transactional_id_rights},
    inventory::{Found, Inventory},
};

use super::repair::{self, Missing};
use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::Kafka,
    creation,
    cut_off::{self, Dead},
    db, deletion,
    metrics::Repair,
    replicas::leader::{Fence, FenceError},
    rotation::undo,
};

/// Tokens that are read from the database at a time.
const PAGE: u64 = 5000;
/// The broker that lists may be a moment behind. What is younger than this is looked at in the next pass.
const YOUNG: SignedDuration = SignedDuration::from_secs(30);
/// After this long a prepared token is nobody's: the rotation that made it has ended long ago.
const PREPARED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// After this long a workspace that is still being created has lost its maker.
const CREATING_FOR: SignedDuration = SignedDuration::from_mins(1);
/// The quota of a cut-off is kept at least this long.
const QUOTA_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Principals that are cut off at the same time.
const CONCURRENTLY: usize = 8;

/// Why a pass was not finished.
#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Db(#[from] DbErr),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error(transparent)]
    Fence(#[from] FenceError),
}

/// What differs.
#[derive(Default)]
struct Difference {
    missing: Vec<Missing>,
    surplus: Vec<(String, String, Vec<Acl>)>,
    /// Names with rights and no token that wants them.
    unwanted: Vec<String>,
    /// Names without rights.
    names: Vec<String>,
    /// Those of them that the quota of a cut-off is on.
    starved: Vec<String>,
}

/// Looks for differences and mends them; what was found. One at a time.
pub async fn reconcile(app: &Arc<App>, fence: &Fence) -> Reconciliation {
    let _turn = app.reconciler.turn.lock().await;
    let begun = app.now();
    let mut report = Reconciliation { at: begun, ..Reconciliation::default() };
    let names = match pass(app, fence, begun, &mut report).await {
        Ok(names) => Some(names),
        Err(error) => {
            tracing::warn!(%error, "the reconciliation with the broker was not finished");
            report.error = Some(error.to_string());
            None
        }
    };
    if let Some(names) = &names {
        report.names_without_rights = names.len();
        app.metrics.names_without_rights.set(names.len() as i64);
    }
    report.took_ms = app.now().duration_since(begun).as_millis().try_into().unwrap_or(0);
    for (kind, count) in report.repairs() {
        if count > 0 {
            app.metrics.repairs.get_or_create(&Repair { kind }).inc_by(count as u64);
            tracing::info!(kind, count, "mended a difference between the database and the broker");
        }
    }
    app.reconciler.remember(report.clone(), names);
    report
}

async fn pass(
    app: &Arc<App>,
    fence: &Fence,
    now: Timestamp,
    report: &mut Reconciliation,
) -> Result<Vec<String>, PassError> {
    // First what may be going on already: none of it depends on a list of the whole cluster.
    for row in db::principals::list_open(&*app.db).await? {
        report.open_cut_offs += 1;
        cut_off::follow(app, dead(app, row));
    }
    undo::forget_expired(app, now).await?;
    for workspace in db::workspaces::list_deleting(&*app.db).await? {
        report.open_deletions += 1;
        if let Ok(id) = WorkspaceId::parse(&workspace.id) {
            deletion::follow(app, &id);
        }
    }
    let Some(kafka) = app.broker.kafka() else { return Ok(Vec::new()) };
    finish_workspaces(app, now, report).await?;
    abandon_prepared(app, fence, now, report).await?;

    // The order matters: see the module above.
    let mut inventory = kafka.cluster.inventory(&kafka.settings.principal_prefix).await?;
    let left_behind = app.reconciler.left_behind(std::mem::take(&mut inventory.markers));
    if !left_behind.is_empty() {
        kafka.cluster.sweep_markers(left_behind.iter().map(String::as_str)).await?;
    }
    let difference = compare(app, inventory, now).await?;
    let (granted, failed) = repair::grant(app, kafka, fence, &difference.missing).await;
    report.granted = granted;
    report.error = failed;
    for (principal, token, surplus) in &difference.surplus {
        kafka.cluster.take_rights_of(principal, surplus).await?;
        let rights: Vec<_> = surplus.iter().map(ToString::to_string).collect();
        record(app, fence, "principal.surplus_removed", token, json!({"principal": principal, "rights": rights}))
            .await?;
        report.surplus_removed += 1;
    }
    let unwanted = still_unwanted(app, difference.unwanted, now).await?;
    let mut cut_offs = stream::iter(unwanted)
        .map(|principal| async { (app.broker.cut_off(&principal).await, principal) })
        .buffer_unordered(CONCURRENTLY);
    while let Some((cut_off, principal)) = cut_offs.next().await {
        if cut_off.is_proved() {
            record(app, fence, "principal.cut_off", &principal, json!({"reason": "no token wants it"})).await?;
            report.cut_off += 1;
        } else {
            tracing::warn!(principal, open = ?cut_off.open, "a principal that no token wants is not cut off yet");
        }
    }
    drop(cut_offs);
    report.quotas_lifted = lift_quotas(app, kafka, &difference.starved, now).await?;
    Ok(difference.names)
}

/// Reads the database and tells what differs from the cluster.
async fn compare(app: &App, mut inventory: Inventory, now: Timestamp) -> Result<Difference, DbErr> {
    let mut difference = Difference::default();
    let young = (now - YOUNG).as_millisecond();
    let any_transactional = db::workspaces::list_any_transactional(&*app.db).await?;
    let mut after = String::new();
    loop {
        let wanted = db::principals::list_wanted(&*app.db, &after, PAGE).await?;
        let Some(last) = wanted.last() else { break };
        after.clone_from(&last.id);
        for token in wanted {
            let principal = app.keys.principal(&token.id);
            let found = inventory.users.remove(&principal).unwrap_or_default();
            // A prepared token is looked after by whoever prepares it.
            if token.slot.is_none() || token.created_at > young {
                continue;
            }
            let any_transactional_id = any_transactional.contains(&token.workspace_id);
            if let Some(what) = missing(&found, &token.workspace_id, any_transactional_id) {
                difference.missing.push(Missing { id: token.id.clone(), what });
            }
            let mut surplus = found.extra_rights(&token.workspace_id);
            if any_transactional_id {
                let granted = any_transactional_id_rights();
                surplus.retain(|acl| !granted.contains(acl));
            }
            if !surplus.is_empty() {
                difference.surplus.push((principal, token.id, surplus));
            }
        }
    }
    for (principal, found) in inventory.users {
        if found.has_rights() {
            difference.unwanted.push(principal);
            continue;
        }
        if found.is_starved() {
            difference.starved.push(principal.clone());
        }
        if !found.credentials.is_empty() {
            difference.names.push(principal);
        }
    }
    Ok(difference)
}

fn missing(found: &Found, workspace_id: &str, any_transactional_id: bool) -> Option<&'static str> {
    if !found.has_all_rights(workspace_id) {
        Some("rights")
    } else if any_transactional_id && !found.has_any_transactional_id() {
        Some("the right to use any transactional id")
    } else if !found.has_both_credentials() {
        Some("a credential")
    } else if found.is_starved() {
        Some("its quota, which was that of a cut-off")
    } else {
        None
    }
}

/// Leaves out those whose cut-off is under way or has only just ended: the list may be older than that.
async fn still_unwanted(app: &App, principals: Vec<String>, now: Timestamp) -> Result<Vec<String>, DbErr> {
    let rows = rows_of(app, &principals).await?;
    let young = (now - YOUNG).as_millisecond();
    let busy = |row: &&db::tokens::Model| row.cut_off_at.is_none_or(|at| at > young);
    let busy: HashSet<_> = rows.iter().filter(busy).map(|row| app.keys.principal(&row.id)).collect();
    Ok(principals.into_iter().filter(|principal| !busy.contains(principal)).collect())
}

/// The quota that empties a parked fetch is needed until the last such fetch has ended, and not after that.
async fn lift_quotas(app: &App, kafka: &Kafka, starved: &[String], now: Timestamp) -> Result<usize, PassError> {
    let idle = kafka.idle_limit().await?;
    let kept = SignedDuration::try_from(idle.max(Duration::ZERO)).map_or(QUOTA_FOR, |idle| (idle * 2).max(QUOTA_FOR));
    let old = (now - kept).as_millisecond();
    let rows = rows_of(app, starved).await?;
    let buried = buried_of(app, starved).await?;
    let over = rows.iter().filter(|row| row.cut_off_at.is_some_and(|at| at < old)).map(|row| &row.id);
    let over = over.chain(buried.iter().filter(|row| row.deleted_at < old).map(|row| &row.id));
    let over: Vec<_> = over.map(|id| app.keys.principal(id)).collect();
    if !over.is_empty() {
        kafka.cluster.lift_quotas_of_dead(&over).await?;
    }
    Ok(over.len())
}

async fn rows_of(app: &App, principals: &[String]) -> Result<Vec<db::tokens::Model>, DbErr> {
    let prefix = app.keys.principal("");
    let ids: Vec<_> = principals.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    let mut rows = Vec::new();
    for ids in ids.chunks(500) {
        rows.extend(db::principals::list_of_ids(&*app.db, ids).await?);
    }
    Ok(rows)
}

/// Those whose workspace is gone; that was after their cut-off.
async fn buried_of(app: &App, principals: &[String]) -> Result<Vec<db::deleted_tokens::Model>, DbErr> {
    let prefix = app.keys.principal("");
    let ids: Vec<_> = principals.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
    let mut rows = Vec::new();
    for ids in ids.chunks(500) {
        rows.extend(db::deleted_tokens::list_of_ids(&*app.db, ids).await?);
    }
    Ok(rows)
}

async fn finish_workspaces(app: &Arc<App>, now: Timestamp, report: &mut Reconciliation) -> Result<(), PassError> {
    // What another process of this server had begun before it started has no maker.
    let orphaned = (now - CREATING_FOR).max(app.started_at);
    for workspace in db::workspaces::list_creating(&*app.db, orphaned).await? {
        let Ok(id) = WorkspaceId::parse(&workspace.id) else { continue };
        match creation::finish(app, &id).await {
            Ok(_) => report.workspaces_created += 1,
            Err(creation::CreationError::Gone) => {}
            Err(error) => {
                tracing::warn!(workspace_id = %id, %error, "a workspace is not created yet");
                report.error.get_or_insert(error.to_string());
            }
        }
    }
    Ok(())
}

async fn abandon_prepared(
    app: &Arc<App>,
    fence: &Fence,
    now: Timestamp,
    report: &mut Reconciliation,
) -> Result<(), PassError> {
    let creating = db::workspaces::list_creating(&*app.db, now + YOUNG).await?;
    let creating: HashSet<_> = creating.into_iter().map(|workspace| workspace.id).collect();
    let prepared = db::principals::list_prepared_before(&*app.db, now - PREPARED_FOR).await?;
    for row in prepared.iter().filter(|row| !creating.contains(&row.workspace_id)) {
        let transaction = app.db.write().await?;
        fence.check(&*transaction).await?;
        let abandoned = db::principals::abandon(&*transaction, &row.id, now).await?;
        transaction.commit().await?;
        report.tokens_abandoned += usize::from(abandoned);
    }
    Ok(())
}

async fn record(
    app: &App,
    fence: &Fence,
    action: &'static str,
    target: &str,
    detail: serde_json::Value,
) -> Result<(), FenceError> {
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    let event = Event { action, workspace_id: None, target: Some(target), detail };
    audit::append(&*transaction, &Actor::system(), app.now(), event).await?;
    Ok(transaction.commit().await?)
}

pub(super) fn dead(app: &App, row: db::tokens::Model) -> Dead {
    Dead {
        principal: app.keys.principal(&row.id),
        at: db::timestamp(row.deactivated_at.unwrap_or_default()),
        workspace_id: row.workspace_id,
        repair_by: row.repair_by,
        id: row.id,
    }
}
