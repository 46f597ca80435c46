//! A replica's own connection to PostgreSQL: its heartbeats go through it, and it hears what others announce.
//!
//! It is not one of the pool's, so that requests that wait for connections cannot delay a heartbeat. One connection for
//! both purposes: a network that swallows everything would otherwise leave the listening one silent for ever, and nobody
//! could tell that from nothing being announced.

use std::time::Duration;

use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        self, Executor, Row,
        postgres::{PgListener, PgPoolOptions},
    },
};

use super::{Db, changes::CHANNEL, failure};
use crate::replicas::catch_up::{Answer, Change};

/// The most changes that are told at a time; whoever is further behind loads everything.
const CHANGES: i64 = 5000;
/// The advisory lock that keeps a server that must be alone from others. Any number will do, if it is always the same.
pub(super) const ALONE: i64 = 0x0074_7761_6c6f_6e65;

/// One statement, so that the revision and the changes are of one moment, and that moment is one at which the replica was
/// registered if its row was found.
const BEAT: &str = "
    WITH mine AS (
        UPDATE replicas SET
            revision = $2,
            seen_at = GREATEST(seen_at + 1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint))
        WHERE id = $1 RETURNING id
    ), told AS (
        SELECT pg_notify($4, 'confirmed ' || id) FROM mine WHERE $3
    )
    SELECT (SELECT count(*) FROM mine) = 1 AS registered, (SELECT count(*) FROM told) AS told,
        installation.revision, changes.revision AS change, changes.workspace_id, changes.at
    FROM installation LEFT JOIN changes ON changes.revision >= $2
    ORDER BY changes.revision LIMIT $5";

/// The connection.
pub struct Line {
    listener: PgListener,
}

/// Which other servers may work on the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Those that keep leases, as this one does.
    Replicas,
    /// None.
    Nobody,
}

impl Line {
    /// Connects and listens; `None`: there is another server, and one of the two must be alone. Ends after `limit`.
    pub async fn open(db: &Db, company: Company, limit: Duration) -> Result<Option<Self>, DbErr> {
        within(limit, Self::connect(db, company)).await
    }

    async fn connect(db: &Db, company: Company) -> Result<Option<Self>, sqlx::Error> {
        let options = db.connection.inner.get_postgres_connection_pool().connect_options();
        // A pool of its own each time: of a connection that hangs nothing is taken over.
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with((*options).clone())).await?;
        listener.eager_reconnect(false);
        let lock = match company {
            Company::Replicas => "SELECT pg_try_advisory_lock_shared($1)",
            Company::Nobody => "SELECT pg_try_advisory_lock($1)",
        };
        if !sqlx::query_scalar(lock).bind(ALONE).fetch_one(&mut listener).await? {
            return Ok(None);
        }
        // A heartbeat that a crash of the server undoes leaves an older one, which only makes others wait longer.
        listener.execute("SET synchronous_commit = off").await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Self { listener }))
    }

    /// A heartbeat: this replica has applied everything up to `applied` (`None`: it does not ask), what is newer? `announce`
    /// tells the others that it has come further.
    pub async fn beat(
        &mut self,
        id: &str,
        applied: Option<i64>,
        announce: bool,
        limit: Duration,
    ) -> Result<Answer, DbErr> {
        let beat = sqlx::query(BEAT).bind(id).bind(applied.unwrap_or(i64::MAX)).bind(announce);
        let rows = within(limit, beat.bind(CHANNEL).bind(CHANGES + 1).fetch_all(&mut self.listener)).await?;
        let first = rows.first().ok_or_else(|| DbErr::Custom("the table installation is empty".into()))?;
        let failed = |error: sqlx::Error| DbErr::Query(RuntimeErr::SqlxError(error.into()));
        let mut changes = Vec::new();
        for row in &rows {
            let Some(revision) = row.try_get("change").map_err(failed)? else { continue };
            let workspace_id = row.try_get("workspace_id").map_err(failed)?;
            changes.push(Change { revision, workspace_id, at: row.try_get("at").map_err(failed)? });
        }
        Ok(Answer {
            registered: first.try_get("registered").map_err(failed)?,
            revision: first.try_get("revision").map_err(failed)?,
            changes,
        })
    }

    /// Waits until something was announced, and takes all of it; an error if the connection is lost.
    pub async fn heard(&mut self) -> Result<(), DbErr> {
        let heard = self.listener.try_recv().await;
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionAborted.into());
        heard.and_then(|it| it.ok_or_else(lost)).map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
        while self.listener.next_buffered().is_some() {}
        Ok(())
    }
}

async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbErr> {
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into()))),
        Err(_) => Err(failure::silent(limit)),
    }
}
