//! `twinkey audit`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;
use twinkey_server::{
    audit::{self, Verdict},
    db::{Db, sqlite_url},
};

use crate::settings::DEFAULT_DATA_DIR;

#[derive(Subcommand)]
pub enum Audit {
    /// Verify the hash chain of the audit log in a data directory; no server is needed
    ///
    /// Exit status 1 if a record was changed, removed or inserted. To notice a log that was cut off at its end, keep the
    /// printed head somewhere else and compare.
    Verify {
        /// The data directory [default: twinkey-data]
        #[arg(long, env = "TWINKEY_DATA_DIR", value_name = "DIRECTORY")]
        data_dir: Option<PathBuf>,
    },
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let Self::Verify { data_dir } = self;
        let path = data_dir.unwrap_or_else(|| DEFAULT_DATA_DIR.into()).join("twinkey.db");
        anyhow::ensure!(path.exists(), "there is no database at {}", path.display());
        let db = Db::open_read_only(&sqlite_url(&path)).await;
        let db = db.with_context(|| format!("cannot open {}", path.display()))?;
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
