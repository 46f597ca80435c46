//! The database: connection, write transactions, and one module for each table.
//!
//! Nothing outside this module knows which database it is, and inside it only [`sqlite`], [`postgres`] and the few places
//! of this file that choose between them. Times are stored as milliseconds since the epoch.

pub mod audit;
pub mod bounded;
pub mod changes;
pub mod checkpoints;
pub mod deleted_tokens;
pub mod deliveries;
pub mod failure;
pub mod heartbeat;
pub mod idempotency;
pub mod identities;
pub mod installation;
pub mod invitations;
pub mod key_use;
pub mod last_use;
pub mod leases;
pub mod migration;
pub mod organisations;
pub mod pats;
mod postgres;
pub mod principals;
pub mod replicas;
pub mod schema;
pub mod sessions;
mod sqlite;
pub mod token_clients;
pub mod tokens;
pub mod usage_points;
pub mod users;
pub mod webhooks;
pub mod workspaces;

use std::{collections::BTreeSet, fmt::Display, ops::Deref, sync::PoisonError, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, MutexGuard};

use self::{bounded::Bounded, postgres::Target};
pub use self::{
    failure::{Failure, failure},
    sqlite::{copy_into as sqlite_copy_into, file as sqlite_file, url as sqlite_url},
};

/// How long [`Db::settled`] waits for a database that is away. Half of what a request may take as a whole, because before
/// and behind it there are other things that wait for this database.
pub const SETTLE_PATIENCE: Duration = Duration::from_secs(15);

/// The open database.
pub struct Db {
    connection: Bounded<DatabaseConnection>,
    /// One transaction of this process writes at a time. SQLite would make the others poll, PostgreSQL would keep a
    /// connection of each waiting; waiting here is fair and cheaper.
    writer: Mutex<()>,
    /// Workspaces of which it is not known whether a commit took effect: see [`Db::take_doubts`].
    doubts: std::sync::Mutex<BTreeSet<String>>,
}

/// A transaction that may write. Dropped without [`WriteTransaction::commit`], it leaves nothing behind.
pub struct WriteTransaction<'a> {
    transaction: Bounded<DatabaseTransaction>,
    _turn: MutexGuard<'a, ()>,
}

/// A database as it is at one instant, for reading. On PostgreSQL nothing is written to it meanwhile.
pub struct Snapshot(DatabaseTransaction);

/// Why a database cannot be opened. One sentence each, for the person who started the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL of a database that this program knows.
    #[error("the database URL {0}; write sqlite://FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Url(String),
    /// Nobody answers there.
    #[error("PostgreSQL at {place} cannot be reached: {cause}; check the host and the port, and that it is running")]
    Unreachable {
        /// Host and port.
        place: String,
        /// What the system says.
        cause: String,
    },
    /// It answers and does not let us in.
    #[error("PostgreSQL at {place} does not let the user '{user}' in: {cause}; check the user and the password")]
    Refused {
        /// Host and port.
        place: String,
        /// The user of the URL.
        user: String,
        /// What the server says.
        cause: String,
    },
    /// No such database.
    #[error("PostgreSQL at {place} has no database '{database}'; make it with: createdb -O {user} {database}")]
    NoDatabase {
        /// Host and port.
        place: String,
        /// The user of the URL.
        user: String,
        /// The database of the URL.
        database: String,
    },
    /// No encryption that the URL asks for, or a certificate that is not trusted.
    #[error(
        "there is no trusted encryption to PostgreSQL at {place}: {cause}; check sslmode and sslrootcert in the database URL"
    )]
    Encryption {
        /// Host and port.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// A server without what this program relies on.
    #[error("PostgreSQL at {place} is version {version}; Twinkey needs 13 or newer")]
    TooOld {
        /// Host and port.
        place: String,
        /// Its version.
        version: String,
    },
    /// A standby.
    #[error("PostgreSQL at {place} is read-only (a standby?); the database URL must name the primary server")]
    ReadOnly {
        /// Host and port.
        place: String,
    },
    /// See [`schema::support`].
    #[error(
        "the database was made by a newer version of Twinkey (schema {found}, this version knows {known}) and does not \
         support this version any longer; start the newer version again"
    )]
    Newer {
        /// The schema of the database.
        found: String,
        /// The newest schema of this program.
        known: i64,
    },
    /// Anything else that the database says.
    #[error("cannot open the database: {0}")]
    Db(#[from] DbErr),
}

impl Db {
    /// Opens the database, makes a file that does not exist, and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let connection = match Target::parse(url)? {
            Some(target) => Bounded::new(target.connect().await?, Some(postgres::ANSWER_LIMIT)),
            None => Bounded::new(sqlite::connect(url).await?, None),
        };
        let db = Self { connection, writer: Mutex::new(()), doubts: std::sync::Mutex::default() };
        schema::bring_up_to_date(&db).await?;
        Ok(db)
    }

    /// Opens an existing database to look at it, beside a running server too; nothing is changed.
    pub async fn open_read_only(url: &str) -> Result<DatabaseConnection, OpenError> {
        Ok(match Target::parse(url)? {
            Some(target) => target.read_only().connect().await?,
            None => sqlite::connect_read_only(url).await?,
        })
    }

    /// Opens an existing database and holds it still to read it whole.
    pub async fn open_snapshot(url: &str) -> Result<Snapshot, OpenError> {
        let transaction = Self::open_read_only(url).await?.begin().await?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            postgres::take_all_the_time(&transaction).await?;
            postgres::take_the_lock(&transaction).await?;
        }
        Ok(Snapshot(transaction))
    }

    /// Begins a transaction that may write: the only one in the whole installation, other replicas included. So generations,
    /// revisions and the audit chain follow the order of commits, and no transaction has to be repeated for another's sake.
    pub async fn write(&self) -> Result<WriteTransaction<'_>, DbErr> {
        let turn = self.writer.lock().await;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let limit = self.connection.limit;
        let transaction = self.connection.bound(self.connection.inner.begin_with_options(options)).await?;
        let transaction = Bounded::new(transaction, limit);
        if self.is_postgres() {
            postgres::take_the_lock(&transaction).await?;
        }
        Ok(WriteTransaction { transaction, _turn: turn })
    }

    /// The same for work that takes long; the others wait, and give up in time.
    pub async fn write_at_leisure(&self) -> Result<WriteTransaction<'_>, DbErr> {
        let mut transaction = self.write().await?;
        if self.is_postgres() {
            postgres::take_all_the_time(&*transaction).await?;
        }
        transaction.transaction.limit = None;
        Ok(transaction)
    }

    /// After a commit whose outcome is not known: a transaction that sees the outcome. It begins behind everything that was
    /// under way, the lost commit included, because that holds the lock until it has taken effect or can no longer do so.
    /// Waits for a database that is away, [`SETTLE_PATIENCE`] at most; then the workspace stays in doubt.
    pub async fn settled(&self, workspace_id: &str) -> Result<WriteTransaction<'_>, DbErr> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .without_max_times();
        let settled = (|| self.write()).retry(pauses).when(|error| failure(error) == Failure::Away);
        let settled = tokio::time::timeout(SETTLE_PATIENCE, settled).await;
        let settled = settled.unwrap_or_else(|_| Err(failure::outcome_unknown("the database stays away")));
        settled.map_err(|error| self.unsettled(workspace_id, error))
    }

    /// The workspaces that are in doubt, for whoever brings memory up to date when the database is back.
    pub fn take_doubts(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.doubts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves a workspace in doubt because of an error while a lost commit was being settled, and says so in the error that
    /// this returns: any other one would claim to know that nothing was changed.
    pub fn unsettled(&self, workspace_id: &str, error: impl Display) -> DbErr {
        self.doubts.lock().unwrap_or_else(PoisonError::into_inner).insert(workspace_id.to_owned());
        failure::outcome_unknown(error)
    }

    /// Whether several servers may work on this database: it decides for them, by locks and by its clock.
    pub fn is_shared(&self) -> bool {
        self.is_postgres()
    }

    /// Closes every connection; what was committed is stored.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.connection.bound(self.connection.inner.clone().close()).await
    }

    fn is_postgres(&self) -> bool {
        self.connection.get_database_backend() == DbBackend::Postgres
    }
}

impl Deref for Db {
    type Target = Bounded<DatabaseConnection>;

    /// For reads outside a transaction.
    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl Deref for Snapshot {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl WriteTransaction<'_> {
    /// Makes everything that was written through this transaction permanent, all at once.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.commit_then(|| ()).await
    }

    /// Commits, and carries the change over into memory before any other transaction of this process can begin: so memory
    /// sees changes in the order of their commits. After an error it may have taken effect all the same: [`Db::settled`].
    pub async fn commit_then<T>(self, carry_over: impl FnOnce() -> T) -> Result<T, DbErr> {
        let Bounded { inner, limit } = self.transaction;
        let shared = inner.get_database_backend() == DbBackend::Postgres;
        match bounded::bound(limit, inner.commit()).await {
            Ok(()) => Ok(carry_over()),
            // Even an error that the server sent may come from behind the commit: a shutdown while it waits for a standby.
            Err(error) if shared => Err(failure::outcome_unknown(error)),
            Err(error) => Err(error),
        }
    }
}

impl Deref for WriteTransaction<'_> {
    type Target = Bounded<DatabaseTransaction>;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

/// Whether the database has a table of this name.
pub async fn has_table(db: &impl ConnectionTrait, name: &str) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Postgres { postgres::HAS_TABLE } else { sqlite::HAS_TABLE };
    Ok(db.query_one_raw(Statement::from_sql_and_values(backend, sql, [name.into()])).await?.is_some())
}

/// Keeps every server away from a database until the transaction ends; `false`: one is there. The file of a SQLite database
/// has a lock of its own ([`crate::replicas::sole::claim_file`]).
pub async fn keep_servers_away(transaction: &impl ConnectionTrait) -> Result<bool, DbErr> {
    let backend = transaction.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(true);
    }
    let sql = format!("SELECT pg_try_advisory_xact_lock({})", heartbeat::ALONE);
    let row = transaction.query_one_raw(Statement::from_string(backend, sql)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// What the database is, and which version of it.
pub async fn product(db: &impl ConnectionTrait) -> Result<(&'static str, String), DbErr> {
    let backend = db.get_database_backend();
    let shared = backend == DbBackend::Postgres;
    let (name, sql) = if shared { ("PostgreSQL", postgres::VERSION) } else { ("SQLite", sqlite::VERSION) };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    let row = row.ok_or_else(|| DbErr::Custom("the database does not know its version".into()))?;
    Ok((name, row.try_get_by_index(0)?))
}

/// The database's clock, in milliseconds since the epoch: the one clock that all replicas share.
pub async fn now_ms(db: &impl ConnectionTrait) -> Result<i64, DbErr> {
    let backend = db.get_database_backend();
    let sql = if backend == DbBackend::Postgres { postgres::NOW } else { sqlite::NOW };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    row.ok_or_else(|| DbErr::Custom("the database does not know the time".into()))?.try_get_by_index(0)
}

/// A stored time. Values that this program did not write are clamped rather than refused.
pub fn timestamp(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

    use super::*;

    /// What a full disk leaves behind: the statement fails, SQLite ends the transaction, and the connection is used again.
    #[tokio::test]
    async fn g6_after_a_full_disk_what_is_committed_is_in_the_file() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let url = sqlite_url(&directory.path().join("full.db"));
        let db = Db::open(&url).await.expect("opened");
        let now = Timestamp::UNIX_EPOCH;
        let name = "x".repeat(100_000);

        let full = db.write().await.expect("begun");
        full.execute_unprepared("PRAGMA max_page_count = 1").await.expect("set");
        let error = organisations::insert(&*full, "refused", &name, now).await.expect_err("no room");
        assert!(error.to_string().contains("disk is full"), "{error}");
        drop(full);

        // Often enough that each connection of the pool has its turn: transactions that come to nothing, as after a stale
        // generation, and transactions that are committed.
        for round in 0..20 {
            for commit in [false, true] {
                let transaction = db.write().await.expect("begun");
                transaction.execute_unprepared("PRAGMA max_page_count = 1000000").await.expect("set");
                if commit {
                    organisations::insert(&*transaction, &format!("kept {round}"), "", now).await.expect("room");
                    transaction.commit().await.expect("committed");
                }
            }
        }
        let seen = Db::open_read_only(&url).await.expect("opened");
        assert_eq!(organisations::Entity::find().count(&seen).await.expect("counted"), 20);
    }
}
