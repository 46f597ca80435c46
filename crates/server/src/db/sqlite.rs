//! SQLite: one file, one process.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    sqlx::{
        Connection, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

/// Its clock, in milliseconds since the epoch.
pub const VERSION: &str = "SELECT sqlite_version()";
/// See [`super::now_ms`].
pub const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/// A row if there is a table of this name.
pub const HAS_TABLE: &str = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1";

/// Opens the file, and makes it if it does not exist.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
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
    Database::connect(options).await
}

/// Opens an existing file for reading only.
pub async fn connect_read_only(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(|options| options.read_only(true));
    Database::connect(options).await
}

/// Whether a connection may go back to the pool. SQLite ends a transaction by itself when the disk is full, sqlx does not
/// notice, and every later transaction on that connection would be a savepoint in one that is never committed: answered as
/// done, and gone with the process.
async fn is_outside_transactions(connection: &mut SqliteConnection) -> Result<bool, sea_orm::sqlx::Error> {
    // Behind the rollback of a transaction that was dropped, which is queued and not awaited.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Writes the whole database, as it is at one instant, into the empty file `to`, beside a running server too.
pub async fn copy_into(url: &str, to: &Path) -> Result<(), DbErr> {
    let connection = connect_read_only(url).await?;
    let to = to.to_str().ok_or_else(|| DbErr::Custom("the file's name is not UTF-8".into()))?;
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO $1", [to.into()]);
    connection.execute_raw(statement).await?;
    connection.close().await
}

/// The file that a URL names; `None` for a database in memory, or if it is not a URL of SQLite.
pub fn file(url: &str) -> Option<PathBuf> {
    let options: SqliteConnectOptions = url.strip_prefix("sqlite:").and(url.parse().ok())?;
    Some(options.get_filename().to_owned()).filter(|path| !path.to_string_lossy().contains(":memory:"))
}

/// The URL of the SQLite file at `path`.
pub fn url(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}
