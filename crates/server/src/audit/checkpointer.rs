//! Writes checkpoints from time to time: into the database on one replica at a time, and on every replica into a file of its own.
//!
//! Before it signs, it verifies what has been appended since the last checkpoint, so a broken log is noticed while the server
//! runs and never signed.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;
use twinkey_api::audit::Checkpoint;

use super::{Verdict, Verifier, checkpoint, verify::verify_with};
use crate::{
    app::App,
    db,
    replicas::leader::{self, Fence, FenceError},
};

/// How often, unless the operator wants it otherwise.
pub const EVERY: Duration = Duration::from_mins(5);
/// The file's name in the data directory, unless the operator wants it elsewhere.
pub const FILE_NAME: &str = "audit-checkpoints.jsonl";
/// How long the end of the server waits for the last checkpoint.
const FINISH: Duration = Duration::from_secs(10);
/// The end of the file that is read to find its last line.
const TAIL: u64 = 64 * 1024;

/// When and where to.
#[derive(Debug, Clone)]
pub struct CheckpointSettings {
    /// How often.
    pub every: Duration,
    /// The file; [`FILE_NAME`] in the data directory if absent. Best on storage that the server may only append to.
    pub file: Option<PathBuf>,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { every: EVERY, file: None }
    }
}

/// Why no checkpoint was written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// See [`FenceError`].
    #[error(transparent)]
    Fence(#[from] FenceError),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbErr),
    /// The log is not the one that was signed before.
    #[error(
        "the audit log is BROKEN at record {sequence}: {reason}; no checkpoint is signed. See: twinkey audit verify"
    )]
    Broken {
        /// The first record that is wrong.
        sequence: i64,
        /// How.
        reason: String,
    },
}

/// Goes on until `stop`.
pub async fn run(app: Arc<App>, settings: CheckpointSettings, file: PathBuf, stop: CancellationToken) {
    let every = settings.every;
    let writing = leader::run(app.clone(), "audit", stop.clone(), |fence| writing(app.clone(), fence, every));
    tokio::join!(writing, stop.run_until_cancelled(mirroring(&app, &file, every)));
}

async fn writing(app: Arc<App>, fence: Fence, every: Duration) {
    loop {
        match write(&app, &fence).await {
            Ok(Some(checkpoint)) => tell(&checkpoint),
            Ok(None) => {}
            Err(error @ CheckpointError::Broken { .. }) => {
                app.metrics.audit.broken.set(1);
                tracing::error!(%error, "audit log");
            }
            Err(error) => tracing::warn!(%error, "no audit checkpoint could be written"),
        }
        tokio::time::sleep(every).await;
    }
}

/// Signs the end of the log when the server ends in order, and copies what is signed into the file: until the next start nobody else
/// may do so, and what was recorded last could be cut off without a trace.
pub async fn finish(app: &App, file: &Path) {
    let finishing = async {
        match write(app, &Fence::unleased()).await {
            Ok(Some(checkpoint)) => tell(&checkpoint),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the end of the audit log is not signed"),
        }
        // Behind what stands there, whatever has become of the database: the next start compares the last line with it.
        let known = last_line(file).map(|last| Some(last.map_or(0, |last| last.sequence)));
        let mirrored = match known {
            Ok(mut written) => mirror(app, file, &mut written).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = mirrored {
            tracing::error!(%error, file = %file.display(), "audit checkpoints cannot be kept outside the database");
        }
    };
    if tokio::time::timeout(FINISH, finishing).await.is_err() {
        tracing::error!("the end of the audit log is not signed: the database did not answer in time");
    }
}

/// So that a log that is shipped elsewhere holds checkpoints too.
fn tell(checkpoint: &Checkpoint) {
    let (sequence, head) = (checkpoint.sequence, &checkpoint.head);
    let line = serde_json::to_string(checkpoint).expect("plain data");
    tracing::info!(target: "twinkey_audit", sequence, head, checkpoint = line, "audit checkpoint");
}

/// Signs the end of the log, unless that is done already; `None`: it is.
pub async fn write(app: &App, fence: &Fence) -> Result<Option<Checkpoint>, CheckpointError> {
    let before = db::checkpoints::last(&*app.db).await?;
    let known = before.as_ref().map_or((0, super::GENESIS), |it| (it.sequence, it.head.as_str()));
    if known.0 > 0 {
        let signed = db::audit::find(&*app.db, known.0).await?;
        if signed.as_ref().map(|record| record.hash.as_str()) != Some(known.1) {
            let reason = "it is not the one that was signed".to_owned();
            return Err(CheckpointError::Broken { sequence: known.0, reason });
        }
    }
    let verifier = Verifier::behind(known.0, known.1.to_owned());
    let (verdict, _) = verify_with(&*app.db, verifier).await?;
    let (sequence, head) = match verdict {
        Verdict::Intact { records, .. } if records == known.0 => return Ok(None),
        Verdict::Intact { records, head } => (records, head),
        Verdict::Broken { sequence, reason } => return Err(CheckpointError::Broken { sequence, reason }),
    };
    let transaction = app.db.write().await?;
    fence.check(&*transaction).await?;
    // Whoever asked without the lease may have been quicker.
    if db::checkpoints::last(&*transaction).await?.is_some_and(|it| it.sequence >= sequence) {
        return Ok(None);
    }
    let Some(installation) = db::installation::find(&*transaction).await? else { return Ok(None) };
    let at = db::timestamp(app.now().as_millisecond());
    let checkpoint = checkpoint::sign(&app.keys.signers(), &installation.id, (sequence, &head), at);
    db::checkpoints::insert(&*transaction, &checkpoint).await?;
    transaction.commit().await?;
    app.metrics.audit.checkpoints.inc();
    Ok(Some(checkpoint))
}

/// Copies what is signed into the file, where somebody who can write to the database cannot reach it.
async fn mirroring(app: &App, path: &Path, every: Duration) {
    // A checkpoint that this replica writes itself is in the file soon after.
    let every = every.min(Duration::from_secs(1));
    let mut written = None;
    loop {
        if let Err(error) = mirror(app, path, &mut written).await {
            tracing::error!(%error, file = %path.display(), "audit checkpoints cannot be kept outside the database");
        }
        tokio::time::sleep(every).await;
    }
}

/// Why the file is behind.
#[derive(Debug, thiserror::Error)]
enum MirrorError {
    #[error(transparent)]
    Db(#[from] DbErr),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// `written`: the last checkpoint in the file; `None`: not looked yet.
async fn mirror(app: &App, path: &Path, written: &mut Option<i64>) -> Result<(), MirrorError> {
    let after = match *written {
        Some(after) => after,
        None => first_look(app, path).await?,
    };
    *written = Some(after);
    let checkpoints = db::checkpoints::list_after(&*app.db, after, 1000).await?;
    let Some(last) = checkpoints.last() else { return Ok(()) };
    let last = last.sequence;
    let mut text = String::new();
    for checkpoint in checkpoints {
        text.push_str(&serde_json::to_string(&checkpoint).expect("plain data"));
        text.push('\n');
    }
    let path = path.to_owned();
    // A disk may take its time; it must not be the requests'.
    let appended = tokio::task::spawn_blocking(move || append(&path, &text)).await;
    appended.map_err(io::Error::other)??;
    *written = Some(last);
    Ok(())
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Where the file ends; and an alarm if the database has forgotten what stands there.
async fn first_look(app: &App, path: &Path) -> Result<i64, MirrorError> {
    let Some(found) = last_line(path)? else { return Ok(0) };
    let stored = db::checkpoints::find(&*app.db, found.sequence).await?;
    if stored.is_some_and(|stored| stored.head == found.head && stored.installation == found.installation) {
        return Ok(found.sequence);
    }
    app.metrics.audit.broken.set(1);
    tracing::error!(
        sequence = found.sequence,
        file = %path.display(),
        "the audit log was cut off or rewritten, or the database restored from a backup: it does not have the last checkpoint \
         of the file; see docs/audit.md"
    );
    Ok(db::checkpoints::last(&*app.db).await?.map_or(0, |it| it.sequence))
}

/// The last checkpoint of the file. What a crash has left unfinished behind it is taken away.
fn last_line(path: &Path) -> io::Result<Option<Checkpoint>> {
    let mut file = match File::options().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let start = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        File::options().write(true).open(path)?.set_len(start + whole as u64)?;
    }
    let last = tail[..whole].trim_ascii_end().rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if last.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(last).map(Some).map_err(io::Error::other)
}
