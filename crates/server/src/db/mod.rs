//! The database: connection, write transactions, and one module for each table.
//!
//! Nothing outside this module knows which database it is. Times are stored as milliseconds since the epoch.

pub mod audit;
pub mod migration;
pub mod organisations;
pub mod pats;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod workspaces;

use std::{ops::Deref, path::Path, time::Duration};

use jiff::Timestamp;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
    sqlx::{
        Connection, SqliteConnection,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};
use sea_orm_migration::MigratorTrait;
use tokio::sync::{Mutex, MutexGuard};

/// The open database.
pub struct Db {
    connection: DatabaseConnection,
    /// SQLite lets one transaction write at a time and makes the others poll; waiting here is fair and cheaper.
    writer: Mutex<()>,
}

/// A transaction that may write. Dropped without [`WriteTransaction::commit`], it leaves nothing behind.
pub struct WriteTransaction<'a> {
    transaction: DatabaseTransaction,
    _turn: MutexGuard<'a, ()>,
}

impl Db {
    /// Opens the database, makes it if it does not exist, and brings its schema up to date.
    pub async fn open(url: &str) -> Result<Self, DbErr> {
        if !url.starts_with("sqlite:") {
            return Err(DbErr::Custom(format!(
                "the database URL must begin with sqlite: (this version does not support {})",
                url.split(':').next().unwrap_or_default()
            )));
        }
        let mut options = ConnectOptions::new(url);
        options.max_connections(8).sqlx_logging(false).map_sqlx_sqlite_opts(|options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
        });
        options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_outside_transactions(connection)))
        });
        let connection = Database::connect(options).await?;
        migration::Migrator::up(&connection, None).await?;
        Ok(Self { connection, writer: Mutex::new(()) })
    }

    /// Opens an existing database to look at it, beside a running server too; nothing is changed.
    pub async fn open_read_only(url: &str) -> Result<DatabaseConnection, DbErr> {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|options| options.read_only(true));
        Database::connect(options).await
    }

    /// Begins a transaction that may write.
    pub async fn write(&self) -> Result<WriteTransaction<'_>, DbErr> {
        let turn = self.writer.lock().await;
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(WriteTransaction { transaction: self.connection.begin_with_options(options).await?, _turn: turn })
    }

    /// Closes every connection; what was committed is in the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.connection.clone().close().await
    }
}

impl Deref for Db {
    type Target = DatabaseConnection;

    /// For reads outside a transaction.
    fn deref(&self) -> &DatabaseConnection {
        &self.connection
    }
}

impl WriteTransaction<'_> {
    /// Makes everything that was written through this transaction permanent, all at once.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.commit_then(|| ()).await
    }

    /// Commits, and carries the change over into memory before any other transaction can begin: so memory sees changes in
    /// the order of their commits.
    pub async fn commit_then<T>(self, carry_over: impl FnOnce() -> T) -> Result<T, DbErr> {
        self.transaction.commit().await?;
        Ok(carry_over())
    }
}

impl Deref for WriteTransaction<'_> {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

/// Whether a connection may go back to the pool. SQLite ends a transaction by itself when the disk is full, sqlx does not
/// notice, and every later transaction on that connection would be a savepoint in one that is never committed: answered as
/// done, and gone with the process.
async fn is_outside_transactions(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    // Behind the rollback of a transaction that was dropped, which is queued and not awaited.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// The URL of the SQLite file at `path`.
pub fn sqlite_url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
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
