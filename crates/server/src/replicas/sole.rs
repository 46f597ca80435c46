//! A server that must be the only one on its database, because it has a broker in its own process.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use twinkey_api::WorkspaceId;

use super::Replicas;
use crate::{
    app::App,
    db::{
        self, Db,
        heartbeat::{Company, Line},
    },
    files::open_private,
};

/// How long the database may take to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// How often the claim is tried, and how long it is waited in between.
const ATTEMPTS: u32 = 20;
const BETWEEN: Duration = Duration::from_millis(100);
/// How often it is asked whether the connection that keeps others away is still there.
const EVERY: Duration = Duration::from_secs(1);

/// Why a server cannot be the only one.
#[derive(Debug, thiserror::Error)]
pub enum NotAlone {
    /// Another server on PostgreSQL.
    #[error(
        "another Twinkey server runs on this database, and one with the embedded broker must be the only one: more than \
         one replica needs Apache Kafka as the broker (--kafka-bootstrap). Stop the other server, or use another database"
    )]
    Postgres,
    /// Another server on a file.
    #[error("another Twinkey server is using the database file {0}; stop it, or use another file")]
    File(PathBuf),
    /// The lock beside the file.
    #[error("cannot use the lock file {0}: {1}")]
    Lock(PathBuf, io::Error),
    /// The database did not answer.
    #[error("the database failed: {0}")]
    Db(#[from] DbErr),
}

/// Keeps other servers away from a PostgreSQL database as long as its connection lives: the server frees the lock as soon
/// as this process ends, however that ends.
pub struct Sole {
    line: Option<Line>,
}

impl Sole {
    /// Takes the database for this server alone. Patient for a moment: of a predecessor that was killed the lock is freed
    /// when PostgreSQL has noticed its end.
    pub async fn claim(replicas: &Replicas, db: &Db) -> Result<Self, NotAlone> {
        for _ in 0..ATTEMPTS {
            if let Some(line) = Line::open(db, Company::Nobody, LIMIT).await? {
                let mut sole = Self { line: Some(line) };
                sole.show(replicas, db).await?;
                return Ok(sole);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Err(NotAlone::Postgres)
    }

    /// Shows in the table of replicas that this server lives, as one that knows everything. An error if the connection that
    /// the claim hangs on is lost.
    async fn show(&mut self, replicas: &Replicas, db: &Db) -> Result<(), DbErr> {
        let Some(line) = &mut self.line else { return Ok(()) };
        if !line.beat(&replicas.id, None, false, LIMIT).await?.registered {
            // Nobody else can be there; what is left are those that were killed.
            for row in db::replicas::list(&**db).await? {
                db::replicas::remove(&**db, &row.id).await?;
            }
            let names = (&*replicas.id, &*replicas.name, env!("CARGO_PKG_VERSION"));
            db::replicas::register(&**db, names, i64::MAX, Duration::ZERO).await?;
        }
        Ok(())
    }

    /// Keeps the claim until `stop`, over restarts of the database. Cancels `lost` if another server was quicker: then this
    /// one's memory is not the truth any more, and it must end.
    pub async fn keep(mut self, app: Arc<App>, stop: CancellationToken, lost: CancellationToken) {
        while !stop.is_cancelled() {
            match &self.line {
                Some(_) => {
                    if let Err(error) = self.show(&app.replicas, &app.db).await {
                        tracing::warn!(%error, "the database is away");
                        self.line = None;
                        continue;
                    }
                    for workspace_id in app.db.take_doubts() {
                        settle(&app, &workspace_id).await;
                    }
                }
                None => match Line::open(&app.db, Company::Nobody, LIMIT).await {
                    Ok(Some(line)) => self.line = Some(line),
                    Ok(None) => {
                        tracing::error!("{}", NotAlone::Postgres);
                        return lost.cancel();
                    }
                    Err(error) => tracing::debug!(%error, "the database is still away"),
                },
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => {}
            }
        }
        if let Err(error) = db::replicas::remove(&*app.db, &app.replicas.id).await {
            tracing::warn!(%error, "this server will be listed for a while longer");
        }
    }
}

/// Brings memory up to date with what became of a commit whose answer was lost while the database stayed away. A server with
/// others needs no such thing: it learns of its own changes as it learns of theirs.
async fn settle(app: &App, workspace_id: &str) {
    let Ok(id) = WorkspaceId::parse(workspace_id) else { return };
    // Whatever fails here leaves the workspace in doubt, for the next time.
    let Ok(settled) = app.db.settled(workspace_id).await else { return };
    match app.registry.reload(&*settled, &id).await {
        Ok(dead) => {
            drop(settled);
            tracing::info!(workspace_id, tokens_died = dead.len(), "it is known again which tokens are valid");
            for token in dead {
                app.broker.cut_off(&token.principal).await;
            }
        }
        Err(error) => {
            let error = app.db.unsettled(workspace_id, error);
            tracing::warn!(workspace_id, %error, "it is not known yet which tokens are valid");
        }
    }
}

/// Keeps other servers away from a database file, which need not be in the data directory. The lock is the kernel's and
/// ends with the process.
pub fn claim_file(database: &Path) -> Result<File, NotAlone> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let file = open_private(&path).map_err(|error| NotAlone::Lock(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NotAlone::File(database.to_owned())),
        Err(TryLockError::Error(error)) => Err(NotAlone::Lock(path, error)),
    }
}
