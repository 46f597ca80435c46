//! `twinkey audit`.

use std::{
    fs::File,
    io::{BufReader, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use twinkey_api::audit::{AuditKeys, AuditRecord, Checkpoint, Checkpoints};
use twinkey_server::{
    audit::{
        Verdict, Verifier, checkpoint,
        verify::{self, Verified, VerifyError},
    },
    db::{self, Db},
};

use super::{DatabaseArgs, broker::Output, table};
use crate::client::{Client, ServerArgs};

/// An export may take long; a server that says nothing for this long is given up.
const SILENCE: Duration = Duration::from_mins(1);
/// Records that are asked for at a time, as many as the server gives.
const PAGE: u64 = 1000;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the audit log: of a database, or of exported files; no server is needed
    ///
    /// Exit status 1 if a record was changed, removed or inserted; the first one is named. Signed checkpoints show too that the
    /// log was cut off at its end, or rewritten by somebody who could write to the database: give the file that the server
    /// keeps (audit-checkpoints.jsonl in its data directory, or better a copy from elsewhere), and the public key that you noted
    /// when `twinkey audit keys` printed it. See docs/audit.md for what this proves.
    #[command(after_help = "Examples:\n  twinkey audit verify\n  \
        twinkey audit verify --checkpoint audit-checkpoints.jsonl --public-key 9f2c…\n  \
        twinkey audit verify january.jsonl february.jsonl --checkpoint audit-checkpoints.jsonl")]
    Verify(Verify),
    /// Show records, newest first
    #[command(after_help = "Examples:\n  twinkey audit list --workspace demo --action token.\n  \
        twinkey audit list --actor ada@example.org --from 2026-11-01T00:00:00Z --limit 5000 --output json")]
    List(List),
    /// Write the whole log as JSON lines, oldest first, for `twinkey audit verify` or a long-term archive
    #[command(after_help = "Examples:\n  twinkey audit export > audit.jsonl\n  \
        twinkey audit export --after 41000 --file more.jsonl    # go on behind record 41000")]
    Export {
        /// Only records behind this sequence
        #[arg(long)]
        after: Option<i64>,
        /// Write here instead of to standard output; a file that exists is left alone
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print the public keys that checkpoints are signed with, for an auditor to note
    #[command(after_help = "Example:\n  twinkey audit keys >> noted-elsewhere.txt")]
    Keys {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print signed checkpoints as JSON lines, as `twinkey audit verify --checkpoint` reads them
    #[command(after_help = "Example:\n  twinkey audit checkpoints > checkpoints.jsonl")]
    Checkpoints {
        /// Only those of records behind this sequence
        #[arg(long)]
        after: Option<i64>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Args)]
pub struct Verify {
    /// Exported files, in their order, instead of a database; - is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A file with checkpoints to compare with; may be repeated
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A public key in hex that checkpoints must be signed with, or one that it vouches for; may be repeated
    #[arg(long, value_name = "HEX", value_parser = public_key)]
    public_key: Vec<String>,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Args)]
pub struct List {
    /// Only of this workspace
    #[arg(long, short)]
    workspace: Option<String>,
    /// Only what this actor did: an e-mail address, or system
    #[arg(long)]
    actor: Option<String>,
    /// Only actions that begin like this, for example token.rotated, or token. for all about tokens
    #[arg(long)]
    action: Option<String>,
    /// Only what was done to this: the public id of a token, a user, …
    #[arg(long)]
    target: Option<String>,
    /// Not before this time, for example 2026-11-26T09:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    to: Option<Timestamp>,
    /// How many records at most
    #[arg(long, default_value_t = 50)]
    limit: u64,
    /// A table, or JSON lines with everything
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    server: ServerArgs,
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify(verify) => return verify.run().await,
            Self::List(list) => list.run().await?,
            Self::Export { after, file, server } => export(&server.connect()?, after, file.as_deref()).await?,
            Self::Keys { server } => {
                let keys: AuditKeys = server.connect()?.get("/audit/keys").await?;
                for key in keys.public_keys {
                    writeln!(std::io::stdout(), "{key}")?;
                }
            }
            Self::Checkpoints { after, server } => checkpoints(&server.connect()?, after.unwrap_or(0)).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let mut checkpoints = Vec::new();
        for path in &self.checkpoint {
            checkpoints.extend(checkpoint::read(open(path)?).with_context(|| path.display().to_string())?);
        }
        let given = checkpoints.len();
        let verified = if self.files.is_empty() {
            let url = self.database.url();
            if let Some(path) = db::sqlite_file(&url) {
                anyhow::ensure!(path.exists(), "there is no database at {}", path.display());
            }
            let db = Db::open_read_only(&url).await?;
            verify::database(&db, checkpoints, &self.public_key).await
        } else {
            self.verify_files(checkpoints)?
        };
        let Verified { verdict, confirmed, keys, .. } = match verified {
            Ok(verified) => verified,
            Err(VerifyError::Checkpoint(error)) => return broken(&format!(": {error}")),
            Err(VerifyError::Db(error)) => return Err(error).context("cannot read the audit log"),
        };
        match verdict {
            Verdict::Broken { sequence, reason } => broken(&format!(" at record {sequence}: {reason}")),
            Verdict::Intact { records, head } => {
                let mut out = std::io::stdout();
                if !self.public_key.is_empty() && records > 0 && confirmed == 0 {
                    writeln!(
                        out,
                        "The audit log is NOT CONFIRMED: its {records} records continue one another, and there is no checkpoint that is \
                         signed by the key that you named. Whoever can write to it could have made all of it anew. Name a file of \
                         checkpoints with --checkpoint"
                    )?;
                    return Ok(ExitCode::FAILURE);
                }
                writeln!(out, "The audit log is intact: {records} records, head {head}")?;
                if confirmed > 0 {
                    writeln!(out, "Signed checkpoints confirm the first {confirmed} records.")?;
                }
                if given == 0 {
                    writeln!(
                        out,
                        "No checkpoint from outside was compared (--checkpoint FILE): a log that was cut off looks intact."
                    )?;
                } else if self.public_key.is_empty() {
                    let keys: Vec<_> = keys.into_iter().collect();
                    writeln!(
                        out,
                        "The checkpoints are signed by {}; compare with the key that you noted, or name it with --public-key.",
                        keys.join(", ")
                    )?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    fn verify_files(&self, checkpoints: Vec<Checkpoint>) -> anyhow::Result<Result<Verified, VerifyError>> {
        let keys = match checkpoint::trust(&checkpoints, &self.public_key, None) {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error.into())),
        };
        let count = checkpoints.len();
        let mut verifier = Verifier::against(checkpoints);
        for path in &self.files {
            let pushed = verifier.push_lines(open(path)?);
            if let Err(verdict) = pushed.with_context(|| format!("cannot read {}", path.display()))? {
                return Ok(Ok(Verified { verdict, confirmed: verifier.confirmed(), keys, checkpoints: count }));
            }
        }
        let confirmed = verifier.confirmed();
        Ok(Ok(Verified { verdict: verifier.finish(), confirmed, keys, checkpoints: count }))
    }
}

/// The verdict that nobody wants to read.
fn broken(what: &str) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "The audit log is BROKEN{what}")?;
    Ok(ExitCode::FAILURE)
}

fn open(path: &Path) -> anyhow::Result<BufReader<Box<dyn Read>>> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
    };
    Ok(BufReader::new(reader))
}

fn public_key(text: &str) -> Result<String, String> {
    let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex { Ok(text.to_ascii_lowercase()) } else { Err("a public key has 64 hexadecimal digits".into()) }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let client = self.server.connect()?;
        let mut out = std::io::stdout();
        let mut table = table(&["SEQUENCE", "TIME", "ACTOR", "FROM", "ACTION", "WORKSPACE", "TARGET", "DETAIL"]);
        let (mut before, mut left) = (None, self.limit);
        while left > 0 {
            let page = left.min(PAGE);
            let records: Vec<AuditRecord> = client.get_with("/audit", &self.query(before, page)).await?;
            let count = records.len() as u64;
            before = records.last().map(|record| record.sequence);
            for record in records {
                if self.output == Output::Json {
                    writeln!(out, "{}", serde_json::to_string(&record)?)?;
                } else {
                    table.add_row(row(record));
                }
            }
            left -= count;
            if count < page {
                break;
            }
        }
        if self.output != Output::Json {
            writeln!(out, "{table}")?;
        }
        Ok(())
    }

    fn query(&self, before: Option<i64>, limit: u64) -> Vec<(&'static str, String)> {
        let given = [
            ("workspaceId", self.workspace.clone()),
            ("actor", self.actor.clone()),
            ("action", self.action.clone()),
            ("target", self.target.clone()),
            ("from", self.from.map(|time| time.to_string())),
            ("to", self.to.map(|time| time.to_string())),
            ("before", before.map(|sequence| sequence.to_string())),
            ("limit", Some(limit.to_string())),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn row(record: AuditRecord) -> [String; 8] {
    let detail = if record.detail == "{}" { String::new() } else { record.detail };
    [
        record.sequence.to_string(),
        record.at.to_string(),
        record.actor,
        record.address,
        record.action,
        record.workspace_id.unwrap_or_default(),
        record.target.unwrap_or_default(),
        detail,
    ]
}

async fn export(client: &Client, after: Option<i64>, file: Option<&Path>) -> anyhow::Result<()> {
    let query: Vec<_> = after.map(|after| ("after", after.to_string())).into_iter().collect();
    let mut answer = client.open("/audit/export", &query).await?;
    let mut out: Box<dyn Write> = match file {
        Some(path) => {
            let made = File::options().write(true).create_new(true).open(path);
            Box::new(made.with_context(|| format!("cannot make {}", path.display()))?)
        }
        None => Box::new(std::io::stdout()),
    };
    let mut records = 0;
    loop {
        let chunk = tokio::time::timeout(SILENCE, answer.chunk()).await.context("the server has fallen silent")?;
        let Some(chunk) = chunk.context("the export broke off and is not complete")? else { break };
        records += chunk.split(|byte| *byte == b'\n').count() - 1;
        out.write_all(&chunk)?;
    }
    out.flush()?;
    if file.is_some() || !std::io::stdout().is_terminal() {
        eprintln!("{records} records");
    }
    Ok(())
}

async fn checkpoints(client: &Client, mut after: i64) -> anyhow::Result<()> {
    loop {
        let query = [("after", after.to_string())];
        let Checkpoints { checkpoints } = client.get_with("/audit/checkpoints", &query).await?;
        let Some(last) = checkpoints.last() else { return Ok(()) };
        after = last.sequence;
        for checkpoint in checkpoints {
            writeln!(std::io::stdout(), "{}", serde_json::to_string(&checkpoint)?)?;
        }
    }
}
