//! The commands that talk to a server, one module for each noun.

pub mod audit;
pub mod broker;
pub mod consume;
pub mod data;
pub mod env;
pub mod keys;
pub mod login;
pub mod produce;
pub mod ready;
mod record;
mod streaming;
pub mod tokens;
pub mod topics;
pub mod workspaces;

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use twinkey_api::{WorkspaceId, name::BadWorkspaceId};
use twinkey_server::db;

use crate::settings::DEFAULT_DATA_DIR;

/// Which database a command without a server works on.
#[derive(Args)]
pub struct DatabaseArgs {
    /// The data directory [default: twinkey-data]
    #[arg(long, env = "TWINKEY_DATA_DIR", value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// The database [default: SQLite, twinkey.db in the data directory]
    #[arg(long, env = "TWINKEY_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
}

impl DatabaseArgs {
    /// Its URL.
    fn url(&self) -> String {
        let file = || self.data_dir.clone().unwrap_or_else(|| DEFAULT_DATA_DIR.into()).join("twinkey.db");
        self.database_url.clone().unwrap_or_else(|| db::sqlite_url(&file()))
    }
}

/// Checks a workspace's id where it is typed, so that it can stand in a path.
fn workspace_id(text: &str) -> Result<String, BadWorkspaceId> {
    WorkspaceId::parse(text).map(|id| id.to_string())
}

/// Asks a person to type `expected`, so that what cannot be undone does not happen by accident.
fn typed(expected: &str, question: &str) -> anyhow::Result<bool> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask on; repeat with --yes if you are sure"
    );
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == expected)
}

/// A table in the house style: a header, no lines.
pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec());
    table
}
