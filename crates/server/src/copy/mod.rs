//! Moving an installation from one database to another: `twinkey data copy`.
//!
//! Everything is written in one transaction and verified in it, so the target holds the whole installation or nothing. What
//! is not copied is the state of running servers.

mod tables;
mod verify;

use std::fs::File;

use sea_orm::{ConnectionTrait, DbErr};

pub use self::tables::{COPIED, NOT_COPIED};
use crate::{
    db::{self, Db, OpenError, schema},
    files::open_private,
    replicas::sole::{NotAlone, claim_file},
};

/// Why an installation cannot be copied. One sentence each; the target is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be opened.
    #[error("the source: {0}")]
    Source(OpenError),
    /// The target cannot be opened.
    #[error("the target: {0}")]
    Target(OpenError),
    /// The same database twice, or at least the same words.
    #[error("the source and the target are the same database")]
    Same,
    /// A server uses one of them.
    #[error("the {0} is in use by a running server; stop it, and start it again only after the copy")]
    InUse(&'static str),
    /// A lock file or a new file.
    #[error("cannot use {0}: {1}")]
    File(String, std::io::Error),
    /// Nothing to copy.
    #[error("the source holds no installation; a server must have been started on it once")]
    NothingThere,
    /// A source of another version.
    #[error(
        "the source was last used by another version of Twinkey (schema {found}, this version has {known}); start this \
         version on it once, stop it, and copy then"
    )]
    OtherVersion {
        /// The source's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// Something is there already.
    #[error("the target is not empty: its table {0} has rows; nothing was changed there. Use an empty database")]
    NotEmpty(String),
    /// What was written is not what was read.
    #[error("the copy was undone, because it is not the same: {0}")]
    Different(String),
    /// A database failed.
    #[error("the copy was undone: {0}")]
    Db(#[from] DbErr),
}

/// What was copied and found to be the same.
#[derive(Debug)]
pub struct Copied {
    /// Rows of each table.
    pub rows: Vec<(&'static str, u64)>,
    /// Workspaces with exactly one valid Token 1 and one valid Token 2.
    pub workspaces: u64,
    /// Records of the audit log.
    pub audit_records: i64,
    /// Its newest hash.
    pub audit_head: String,
}

/// Copies the installation in `from` to the empty database `to`. Each batch is reported: the table and its rows so far.
pub async fn copy(from: &str, to: &str, mut report: impl FnMut(&'static str, u64)) -> Result<Copied, CopyError> {
    if from == to {
        return Err(CopyError::Same);
    }
    let _source_lock = exclusive(from, "source")?;
    let source = Db::open_snapshot(from).await.map_err(CopyError::Source)?;
    keep_servers_away(&*source, "source").await?;
    check_source(&source).await?;

    let _target_lock = exclusive(to, "target")?;
    if let Some(path) = db::sqlite_file(to) {
        open_private(&path).map_err(|error| CopyError::File(path.display().to_string(), error))?;
    }
    // Before its schema is touched: somebody else's data is not brought up to date on the way.
    let before = Db::open_read_only(to).await.map_err(CopyError::Target)?;
    let filled = tables::first_with_rows(&before).await?;
    before.close().await?;
    if let Some(table) = filled {
        return Err(CopyError::NotEmpty(table.to_owned()));
    }
    let target = Db::open(to).await.map_err(CopyError::Target)?;
    let transaction = target.write_at_leisure().await?;
    keep_servers_away(&*transaction, "target").await?;
    // Again, now that nobody else can write.
    if let Some(table) = tables::first_with_rows(&*transaction).await? {
        return Err(CopyError::NotEmpty(table.to_owned()));
    }
    let written = tables::copy_all(&*source, &*transaction, &mut report).await?;
    let copied = verify::verify(&*source, &*transaction, &written).await?;
    transaction.commit().await?;
    target.close().await?;
    Ok(copied)
}

async fn check_source(source: &db::Snapshot) -> Result<(), CopyError> {
    if !db::has_table(&**source, "organisations").await? {
        return Err(CopyError::NothingThere);
    }
    let known = schema::known();
    let has_support = db::has_table(&**source, "schema_support").await?;
    let support = if has_support { schema::support(&**source).await? } else { None };
    let found = support.map_or(1, |it| it.version);
    if found != known {
        return Err(CopyError::OtherVersion { found, known });
    }
    if db::organisations::find(&**source).await?.is_none() {
        return Err(CopyError::NothingThere);
    }
    Ok(())
}

/// The lock of a server on a SQLite file; held until this is dropped.
fn exclusive(url: &str, side: &'static str) -> Result<Option<File>, CopyError> {
    let Some(path) = db::sqlite_file(url) else { return Ok(None) };
    claim_file(&path).map(Some).map_err(|error| match error {
        NotAlone::Lock(path, error) => CopyError::File(path.display().to_string(), error),
        _ => CopyError::InUse(side),
    })
}

/// The same for a server on PostgreSQL; held as long as the transaction lasts.
async fn keep_servers_away(transaction: &impl ConnectionTrait, side: &'static str) -> Result<(), CopyError> {
    if db::keep_servers_away(transaction).await? { Ok(()) } else { Err(CopyError::InUse(side)) }
}
