//! A copy of a SQLite database while a server works on it. For PostgreSQL there is `pg_dump`.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sea_orm::DbErr;

use crate::{
    audit::{self, Verdict},
    db::{self, Db, OpenError},
};

/// Why there is no backup. One sentence each.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL.
    #[error("only a SQLite database is backed up with this command; use pg_dump for PostgreSQL (docs/backup.md)")]
    NotSqlite,
    /// No database there.
    #[error("there is no database at {0}")]
    Missing(PathBuf),
    /// The file cannot be made, or is there already.
    #[error("cannot write {0}: {1}")]
    File(PathBuf, io::Error),
    /// The database failed.
    #[error("the backup failed and its file was removed: {0}")]
    Db(#[from] DbErr),
    /// The file cannot be opened again.
    #[error("the backup cannot be opened again: {0}")]
    Open(#[from] OpenError),
    /// The audit log does not verify, in the backup and so in the database.
    #[error("the backup was made, but its audit log is broken at record {0}: {1}")]
    Audit(i64, String),
}

/// Writes the database at `url` into a new file of mode 0600, and reads it once more; returns the head of its audit log.
pub async fn backup(url: &str, to: &Path) -> Result<String, BackupError> {
    let from = db::sqlite_file(url).ok_or(BackupError::NotSqlite)?;
    if !from.exists() {
        return Err(BackupError::Missing(from));
    }
    let failed = |error| BackupError::File(to.to_owned(), error);
    // SQLite itself would make it for everybody to read. One that exists is never written over.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    if let Err(error) = db::sqlite_copy_into(url, to).await {
        let _ = fs::remove_file(to);
        return Err(error.into());
    }
    file.sync_all().map_err(failed)?;
    let copy = Db::open_read_only(&db::sqlite_url(to)).await?;
    let verdict = audit::verify(&copy).await?;
    copy.close().await?;
    match verdict {
        Verdict::Intact { head, .. } => Ok(head),
        Verdict::Broken { sequence, reason } => Err(BackupError::Audit(sequence, reason)),
    }
}
