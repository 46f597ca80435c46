//! The end of a workspace.
//!
//! 1. One transaction: its tokens die, its state is *deleting*, the audit log has the record. From here it cannot be used and
//!    there is no way back.
//! 2. As in a rotation: every replica knows, and the broker shows that it serves the tokens no longer ([`crate::cut_off`]). Not
//!    before that its topics and groups go, because whoever is still served could make new ones.
//! 3. Topics and groups are deleted, until a second look finds none.
//! 4. One transaction: the rows go, and the id is free again.
//!
//! Each step may be repeated, so a crash anywhere is harmless: the reconciler goes on with every workspace whose state it is. What
//! cannot be done at once (a broker that is stuck, a disk that is full) is answered as under way and goes on in the background.
//!
//! On Apache Kafka the names of the principals stay, without rights, as those of every dead token do.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::json;
use tokio::time::{sleep, timeout};
use twinkey_api::{
    WorkspaceId,
    token_pair::{CutOffProof, CutOffState, DeactivatedToken},
    workspace::{DeletedWorkspace, DeletionState},
};

use crate::{
    app::App,
    audit::{self, Actor, Event},
    broker::{NewTopic, Topic, TopicError},
    cut_off::{self, Dead},
    db::{self, workspaces::DELETING},
    error::ApiError,
    registry::KnownToken,
    rotation,
    tokens::undone,
};

/// How long an answer waits for what follows the cut-off.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts in the background.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// So many names of topics go into the audit record.
const NAMED: usize = 100;

/// How far a deletion has come.
#[derive(Debug)]
pub enum Progress {
    /// There is no such workspace any more.
    Gone,
    /// Something has to be waited for; the sentence says what.
    Waiting(String),
}

/// What the first transaction has done.
struct Begun {
    /// The change of the workspace's tokens.
    revision: i64,
    /// When its commit was acknowledged, on the monotonic clock.
    committed_at: Duration,
    dead: Vec<Dead>,
    /// What memory took for valid until now although it had died before: see [`crate::rotation`].
    forgotten: Vec<Arc<KnownToken>>,
}

/// Deletes a workspace, or goes on with its deletion. Must run to its end once begun: see `routes::to_its_end`.
pub async fn delete(
    app: &Arc<App>,
    actor: &Actor,
    id: &WorkspaceId,
    reason: Option<&str>,
) -> Result<DeletedWorkspace, ApiError> {
    let begun = begin(app, actor, id, reason).await?;
    let mut answer = DeletedWorkspace {
        workspace_id: id.to_string(),
        state: DeletionState::Deleting,
        waiting_for: None,
        deactivated: Vec::new(),
        connections_closed: 0,
        cut_off: CutOffProof { state: CutOffState::Proved, open: Vec::new() },
    };
    if let Some(begun) = begun {
        let deactivated = |token: &Dead| DeactivatedToken { id: token.id.clone(), deactivated_at: token.at };
        answer.deactivated = begun.dead.iter().map(deactivated).collect();
        for token in &begun.forgotten {
            app.broker.cut_off(&token.principal).await;
        }
        let others_know = app.replicas.confirmed(&app.db, begun.revision, begun.committed_at);
        let (cut_off, ()) = tokio::join!(cut_off::cut_off(app, begun.dead), others_know);
        app.metrics.connections_cut_off.inc_by(cut_off.connections_closed as u64);
        answer.connections_closed = cut_off.connections_closed;
        if !cut_off.is_proved() {
            answer.cut_off = CutOffProof { state: CutOffState::Pending, open: cut_off.open };
        }
    }
    // Dropped wherever it is, it is begun anew in the background.
    let progress = timeout(PATIENCE, advance(app, id)).await;
    match progress.unwrap_or_else(|_| Ok(Progress::Waiting("topics and groups are being deleted".into()))) {
        Ok(Progress::Gone) => answer.state = DeletionState::Deleted,
        Ok(Progress::Waiting(what)) => answer.waiting_for = Some(what),
        Err(error) => {
            tracing::warn!(workspace_id = %id, %error, "a deletion is interrupted");
            answer.waiting_for = Some("the database does not answer".into());
        }
    }
    if answer.state == DeletionState::Deleting {
        follow(app, id);
    }
    Ok(answer)
}

/// The first transaction, and the change in memory; `None`: it had taken effect before.
async fn begin(
    app: &Arc<App>,
    actor: &Actor,
    id: &WorkspaceId,
    reason: Option<&str>,
) -> Result<Option<Begun>, ApiError> {
    // For the record. A broker that is away is told before anything has changed.
    let topics = app.broker.topics(id).await.map_err(unavailable)?;
    // As it is stored, so that this answer and the refusal of the dead tokens name the same moment.
    let now = db::timestamp(app.now().as_millisecond());
    let transaction = app.db.write().await?;
    let workspace = db::workspaces::find(&*transaction, id.as_str()).await?;
    let workspace = workspace.ok_or_else(|| ApiError::NotFound(format!("Workspace '{id}'")))?;
    if workspace.state == DELETING {
        return Ok(None);
    }
    if !db::workspaces::set_deleting(&*transaction, id.as_str()).await? {
        return Err(ApiError::WorkspaceBusy { workspace_id: id.to_string(), what: "is still being created" });
    }
    let dead: Vec<_> =
        db::tokens::list_valid_of(&*transaction, id).await?.into_iter().map(|row| died(app, row, now)).collect();
    // On a broker that asks the registry the commit itself cuts off: see `rotation`.
    let proved = app.broker.kafka().is_none().then_some(now);
    db::tokens::deactivate_all(&*transaction, id.as_str(), now, proved).await?;
    rotation::undo::remember(&*transaction, id.as_str(), None).await?;
    let revision = db::changes::record(&*transaction, id.as_str()).await?;
    let named: Vec<_> = topics.iter().take(NAMED).map(|topic| topic.name.as_str()).collect();
    let event = Event {
        action: "workspace.deleted",
        workspace_id: Some(id.as_str()),
        target: Some(id.as_str()),
        detail: json!({
            "name": workspace.name,
            "generation": workspace.generation,
            "tokens": dead.iter().map(|token| &token.id).collect::<Vec<_>>(),
            "topicCount": topics.len(),
            "topics": named,
            "reason": reason,
        }),
    };
    audit::append(&*transaction, actor, now, event).await?;
    let committed = transaction.commit_then(|| app.registry.remove(id, revision)).await;
    let removed = match committed {
        Ok(removed) => removed,
        Err(error) => settle(app, id, error).await?,
    };
    let forgotten = removed.into_iter().filter(|token| dead.iter().all(|it| it.id != token.id)).collect();
    tracing::info!(workspace_id = %id, topics = topics.len(), "a workspace is being deleted");
    Ok(Some(Begun { revision, committed_at: app.replicas.now(), dead, forgotten }))
}

fn died(app: &App, row: db::tokens::Model, at: Timestamp) -> Dead {
    Dead {
        principal: app.keys.principal(&row.id),
        workspace_id: row.workspace_id,
        at,
        repair_by: row.repair_by,
        id: row.id,
    }
}

fn unavailable(error: TopicError) -> ApiError {
    match error {
        TopicError::Broker(error) => error.into(),
        other => ApiError::Storage(other.to_string()),
    }
}

/// After a commit that failed it is not known whether it took effect; the database is asked, and memory follows it.
async fn settle(app: &App, id: &WorkspaceId, error: DbErr) -> Result<Vec<Arc<KnownToken>>, ApiError> {
    let settled = app.db.settled(id.as_str()).await?;
    let found = db::workspaces::find(&*settled, id.as_str()).await;
    let found = found.map_err(|error| app.db.unsettled(id.as_str(), error))?;
    let removed = app.registry.reload(&*settled, id).await.map_err(|error| app.db.unsettled(id.as_str(), error))?;
    if found.is_none_or(|workspace| workspace.state == DELETING) { Ok(removed) } else { Err(undone(error)) }
}

/// Does what can be done now.
pub async fn advance(app: &Arc<App>, id: &WorkspaceId) -> Result<Progress, DbErr> {
    let workspace = db::workspaces::find(&*app.db, id.as_str()).await?;
    let Some(workspace) = workspace.filter(|it| it.state == DELETING) else { return Ok(Progress::Gone) };
    let open = db::principals::list_open_of(&*app.db, id).await?;
    if !open.is_empty() {
        for row in open {
            let at = db::timestamp(row.deactivated_at.unwrap_or_default());
            cut_off::follow(app, died(app, row, at));
        }
        return Ok(Progress::Waiting("a broker has not shown yet that it does not serve the tokens any longer".into()));
    }
    // Whoever began it may have died before the others knew.
    app.replicas.confirmed(&app.db, workspace.revision, app.replicas.now()).await;
    // Whoever is making a topic is let finish; whoever comes later finds that the workspace is gone.
    drop(app.topic_creations.write().await);
    if let Err(error) = app.broker.clear(id).await {
        return Ok(Progress::Waiting(error.to_string()));
    }
    finish(app, id).await
}

/// The last transaction.
async fn finish(app: &Arc<App>, id: &WorkspaceId) -> Result<Progress, DbErr> {
    let transaction = app.db.write().await?;
    if !is_deleting(&*transaction, id).await? {
        return Ok(Progress::Gone);
    }
    let now = app.now();
    db::workspaces::delete_deleting(&*transaction, id, now).await?;
    let event = Event {
        action: "workspace.deletion_finished",
        workspace_id: Some(id.as_str()),
        target: Some(id.as_str()),
        detail: json!({}),
    };
    audit::append(&*transaction, &Actor::system(), now, event).await?;
    transaction.commit().await?;
    tracing::info!(workspace_id = %id, "a workspace is deleted");
    // A token that was being prepared just then may have a principal; no row wants it any more.
    app.reconciler.wake();
    Ok(Progress::Gone)
}

async fn is_deleting(db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<bool, DbErr> {
    Ok(db::workspaces::find(db, id.as_str()).await?.is_some_and(|it| it.state == DELETING))
}

/// Goes on with a deletion in the background, until it is over or the server stops.
pub fn follow(app: &Arc<App>, id: &WorkspaceId) {
    if !app.deletions.begin(id.as_str()) {
        return;
    }
    let (app, id) = (app.clone(), id.clone());
    tokio::spawn(async move {
        tokio::select! {
            () = app.cut_offs.stopping.cancelled() => {}
            () = until_gone(&app, &id) => {}
        }
        app.deletions.end(id.as_str());
    });
}

async fn until_gone(app: &Arc<App>, id: &WorkspaceId) {
    let mut pause = FIRST_PAUSE;
    loop {
        match advance(app, id).await {
            Ok(Progress::Gone) => return,
            Ok(Progress::Waiting(what)) => tracing::debug!(workspace_id = %id, what, "a deletion waits"),
            Err(error) => tracing::warn!(workspace_id = %id, %error, "a deletion is interrupted"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Makes a topic in a workspace, unless that is being deleted: nothing would find the topic any more.
///
/// Within one server the lock decides which of the two comes first. A replica may learn of the deletion only after the
/// creation, and then takes the topic away itself.
pub async fn create_topic(app: &App, id: &WorkspaceId, new: NewTopic) -> Result<Result<Topic, TopicError>, ApiError> {
    let gone = || ApiError::NotFound(format!("Workspace '{id}'"));
    let _creating = app.topic_creations.read().await;
    crate::validity::pair(app, id).await?.ok_or_else(gone)?;
    let name = new.name.clone();
    let created = app.broker.create_topic(new).await;
    if app.replicas.are_possible() && created.is_ok() && crate::validity::pair(app, id).await?.is_none() {
        app.broker.delete_topic(&name).await.map_err(unavailable)?;
        return Err(gone());
    }
    Ok(created)
}
