//! `twinkey audit`.

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;
use twinkey_server::{
    audit::{self, Verdict},
    db::{self, Db},
};

use super::DatabaseArgs;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the hash chain of the audit log in the database; no server is needed
    ///
    /// Exit status 1 if a record was changed, removed or inserted. To notice a log that was cut off at its end, keep the
    /// printed head somewhere else and compare.
    Verify(DatabaseArgs),
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Verify(database) = self;
        let url = database.url();
        if let Some(path) = db::sqlite_file(&url) {
            anyhow::ensure!(path.exists(), "there is no database at {}", path.display());
        }
        let db = Db::open_read_only(&url).await?;
        Ok(match audit::verify(&db).await.context("cannot read the audit log")? {
            Verdict::Intact { records, head } => {
                writeln!(std::io::stdout(), "The audit log is intact: {records} records, head {head}")?;
                ExitCode::SUCCESS
            }
            Verdict::Broken { sequence, reason } => {
                writeln!(std::io::stdout(), "The audit log is BROKEN at record {sequence}: {reason}")?;
                ExitCode::FAILURE
            }
        })
    }
}
