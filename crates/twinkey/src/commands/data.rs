//! `twinkey data`.

use std::{
    io::{Write, stderr, stdout},
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Subcommand;
use twinkey_server::{backup, copy};

use super::{DatabaseArgs, table};

/// How often long work says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(2);

#[derive(Subcommand)]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, where backticks would be noise")]
pub enum Data {
    /// Move an installation to another database, for example from SQLite to PostgreSQL
    ///
    /// No server may use either of them. The target must be an empty database; it holds everything afterwards, verified, or
    /// nothing. The master key, the CA and the embedded broker's data are files in the data directory and stay there.
    ///
    /// A password in a URL can be seen in the list of processes; use the variables, or leave it out and set PGPASSWORD or
    /// PGPASSFILE.
    Copy {
        /// Where it is now: sqlite://FILE or postgres://USER@HOST/DATABASE
        #[arg(long, env = "TWINKEY_COPY_FROM", value_name = "URL", hide_env_values = true)]
        from: String,
        /// Where it shall be
        #[arg(long, env = "TWINKEY_COPY_TO", value_name = "URL", hide_env_values = true)]
        to: String,
    },
    /// Copy a SQLite database into a file, while the server runs
    Backup {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The file to make; it must not exist
        file: PathBuf,
    },
}

impl Data {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Copy { from, to } => {
                let copied = copy::copy(&from, &to, progress()).await?;
                let mut rows = table(&["TABLE", "ROWS"]);
                for (name, count) in &copied.rows {
                    rows.add_row([(*name).to_owned(), count.to_string()]);
                }
                writeln!(stdout(), "{rows}")?;
                writeln!(
                    stdout(),
                    "Copied and verified: every row is the same; workspaces with their two valid tokens: {}; the audit log is \
                     intact: {} records, head {}\nStart the server with --database-url (or TWINKEY_DATABASE_URL) on the \
                     new database, the same master key and the same data directory.",
                    copied.workspaces,
                    copied.audit_records,
                    copied.audit_head
                )?;
            }
            Self::Backup { database, file } => {
                let head = backup::backup(&database.url(), &file).await?;
                writeln!(stdout(), "Wrote {}; its audit log is intact, head {head}", file.display())?;
                writeln!(stdout(), "It is worth nothing without the master key, which is kept apart from it.")?;
            }
        }
        Ok(())
    }
}

/// Tells on standard error how far the copy is, from time to time.
fn progress() -> impl FnMut(&'static str, u64) {
    let mut last = Instant::now();
    move |table, rows| {
        if last.elapsed() >= REPORT_EVERY {
            last = Instant::now();
            // Whoever does not listen gets the copy all the same.
            let _ = writeln!(stderr(), "twinkey: {table}: {rows} rows …");
        }
    }
}
