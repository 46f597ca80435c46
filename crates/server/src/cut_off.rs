//! The end of a dead token on the broker: taken everything, proved, and stored as proved, or followed until it is.
//!
//! On the embedded broker this is over when the connections are closed. On Apache Kafka each broker has to show it by itself,
//! and one that is stuck may take long. The rotation waits for a bound and is then answered with what is still open; the
//! rest happens here. Nothing is lost by a crash: what is not stored as proved is begun anew by the reconciler, and every
//! step may be repeated.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use sea_orm::DbErr;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use twinkey_api::{
    token_pair::{CuttingOff, OpenBroker},
    webhook::WebhookEvent,
};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::CutOff,
    db,
    following::Following,
    webhooks,
};

/// Between two attempts to prove what is open.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Beyond the time after which a broker closes an idle connection: for clocks that differ.
pub const FENCE_MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// A token that died.
#[derive(Debug, Clone)]
pub struct Dead {
    /// Its public id.
    pub id: String,
    /// Whose it was.
    pub workspace_id: String,
    /// Its principal.
    pub principal: String,
    /// When it died.
    pub at: Timestamp,
    /// Who was repairing its rights when it died: a grant of theirs may come after any proof.
    pub repair_by: Option<String>,
}

/// The dead tokens that this server follows until their cut-off is proved.
#[derive(Default)]
pub struct CutOffs {
    following: Following,
    /// Cancelled when the server stops or is abandoned.
    pub stopping: CancellationToken,
}

impl CutOffs {
    /// How many are followed.
    pub fn open(&self) -> usize {
        self.following.count()
    }
}

/// Cuts tokens off that have just died, waits as long as a rotation may, and says what is known then. What is open by then
/// is followed on.
pub async fn cut_off(app: &Arc<App>, dead: Vec<Dead>) -> CutOff {
    let attempts = join_all(dead.iter().map(|token| attempt(app, token))).await;
    let connections_closed = attempts.iter().map(|it| it.connections_closed).sum();
    if app.broker.kafka().is_none() {
        // The database took it for cut off from the beginning: a crash of this process would have closed them too.
        return CutOff { connections_closed, open: Vec::new() };
    }
    let mut open = Vec::new();
    let mut proved = Vec::new();
    for (token, attempt) in dead.iter().zip(attempts) {
        if attempt.is_proved() {
            proved.push(token);
        } else if let Err(error) = store_open(app, &token.id, &attempt.open).await {
            // Whoever looks is told that it is open, and not yet where.
            tracing::warn!(%error, token = token.id, "where a dead token may still be served could not be stored");
        }
        open.extend(attempt.open);
    }
    if let Err(error) = store_proofs(app, &proved, false).await {
        tracing::warn!(%error, "a proved cut-off could not be stored; it is proved again until it can be");
        proved.clear();
    }
    for token in dead.iter().filter(|token| !proved.iter().any(|it| it.id == token.id)) {
        follow(app, token.clone());
    }
    CutOff { connections_closed, open }
}

/// Goes on with a cut-off in the background, until it is proved or the server stops.
pub fn follow(app: &Arc<App>, token: Dead) {
    if !app.cut_offs.following.begin(&token.id) {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        let stopping = app.cut_offs.stopping.clone();
        tokio::select! {
            () = stopping.cancelled() => {}
            () = until_proved(&app, &token) => {}
        }
        app.cut_offs.following.end(&token.id);
    });
}

async fn until_proved(app: &Arc<App>, token: &Dead) {
    let mut pause = FIRST_PAUSE;
    loop {
        match once_more(app, token).await {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, token = token.id, "the cut-off of a token could not be stored"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One attempt of the background; whether it is over. The fence is looked at *before* the attempt: what was granted
/// before the fence was lowered, the attempt has taken away.
async fn once_more(app: &Arc<App>, token: &Dead) -> Result<bool, DbErr> {
    let Some(row) = db::tokens::find_by_id(&*app.db, &token.id).await? else { return Ok(true) };
    if row.cut_off_at.is_some() {
        return Ok(true);
    }
    let fence = match row.repair_by {
        Some(by) if !fence_is_over(app, row.repair_since).await? => Some(by),
        _ => None,
    };
    let attempt = attempt(app, &Dead { repair_by: fence, ..token.clone() }).await;
    if attempt.is_proved() {
        store_proofs(app, &[token], true).await?;
        return Ok(true);
    }
    if row.cut_off_open.as_ref() != Some(&as_text(&attempt.open)) {
        store_open(app, &token.id, &attempt.open).await?;
    }
    Ok(false)
}

fn as_text(open: &[OpenBroker]) -> String {
    serde_json::to_string(open).expect("plain data")
}

/// For whoever looks, and waits for the proof.
async fn store_open(app: &App, token_id: &str, open: &[OpenBroker]) -> Result<(), DbErr> {
    let text = as_text(open);
    tracing::warn!(token = token_id, open = text, "a dead token may still be served");
    let transaction = app.db.write().await?;
    db::principals::set_open(&*transaction, token_id, &text).await?;
    transaction.commit().await
}

/// Whether a repair is so old that the broker has closed the connection of whoever was at it, so that no grant of theirs
/// can arrive any more.
async fn fence_is_over(app: &App, since: Option<i64>) -> Result<bool, DbErr> {
    let Some(kafka) = app.broker.kafka() else { return Ok(true) };
    let Ok(idle) = kafka.idle_limit().await else { return Ok(false) };
    let age = SignedDuration::from_millis(db::now_ms(&*app.db).await? - since.unwrap_or_default());
    Ok(SignedDuration::try_from(idle).is_ok_and(|idle| age > idle + FENCE_MARGIN))
}

async fn attempt(app: &App, token: &Dead) -> CutOff {
    let mut cut_off = app.broker.cut_off(&token.principal).await;
    if let Some(by) = &token.repair_by {
        let reason = format!("a repair of its rights by {by} is not finished");
        cut_off.open.push(OpenBroker { id: None, address: String::new(), reason });
    }
    cut_off
}

/// `late`: the rotation was answered before; the audit log then says when the proof came.
async fn store_proofs(app: &Arc<App>, proved: &[&Dead], late: bool) -> Result<(), DbErr> {
    if proved.is_empty() {
        return Ok(());
    }
    let now = app.now();
    let transaction = app.db.write().await?;
    let ids: Vec<_> = proved.iter().map(|token| token.id.as_str()).collect();
    db::principals::set_cut_off(&*transaction, &ids, now).await?;
    for token in proved.iter().filter(|_| late) {
        let event = Event {
            action: "token.cut_off",
            workspace_id: Some(&token.workspace_id),
            target: Some(&token.id),
            detail: json!({"deactivatedAt": token.at}),
        };
        audit::append(&*transaction, &Actor::system(), now, event).await?;
        let told = json!({"workspaceId": token.workspace_id, "token": token.id, "deactivatedAt": token.at});
        webhooks::enqueue(&*transaction, now, WebhookEvent::CutOffProved, &token.workspace_id, &told).await?;
    }
    transaction.commit().await?;
    let workspaces: HashSet<_> = proved.iter().map(|token| token.workspace_id.as_str()).collect();
    for workspace_id in workspaces {
        end_transactions(app, workspace_id);
    }
    for token in proved {
        app.metrics.cut_off_seconds.observe(now.duration_since(token.at).as_secs_f64().max(0.0));
    }
    Ok(())
}

/// Aborts, in the background, the transactions that a dead token left open: until they end, readers of committed records wait.
/// Kafka does not tell whose a transaction is; only one that makes no progress for a while is taken for the dead token's.
fn end_transactions(app: &Arc<App>, workspace_id: &str) {
    let Some(watch) = app.broker.kafka().map(|kafka| kafka.settings.transaction_watch) else { return };
    if watch.is_zero() {
        return;
    }
    let (app, prefix) = (app.clone(), format!("{workspace_id}-"));
    tokio::spawn(async move {
        let Some(kafka) = app.broker.kafka() else { return };
        tokio::select! {
            () = app.cut_offs.stopping.cancelled() => {}
            aborted = kafka.cluster.abort_transactions(&prefix, watch) => match aborted {
                Ok(ids) if ids.is_empty() => {}
                Ok(ids) => tracing::info!(?ids, "aborted transactions that a dead token left open"),
                Err(error) => tracing::warn!(%error, prefix, "open transactions end by their own time-out"),
            },
        }
    });
}

/// Dead tokens of a workspace whose cut-off is not proved, as the API shows them.
pub fn describe(rows: Vec<db::tokens::Model>) -> Vec<CuttingOff> {
    let one = |row: db::tokens::Model| CuttingOff {
        open: row.cut_off_open.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        deactivated_at: db::timestamp(row.deactivated_at.unwrap_or_default()),
        id: row.id,
    };
    rows.into_iter().map(one).collect()
}
