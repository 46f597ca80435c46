//! `twinkey keys`: the master key, and changing it while the server runs.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use twinkey_api::master_key::MasterKeys;
use twinkey_server::{keys, random::Random};

use super::table;
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Keys {
    /// Make a file with a fresh master key, readable by this account only
    #[command(after_help = "Example:\n  twinkey keys generate /etc/twinkey/credentials/master-key")]
    Generate {
        /// The file; one that exists is left alone
        file: PathBuf,
    },
    /// Show which master keys are in use, and what still needs the previous one
    Status {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// End the personal access tokens and sessions that nobody has used since the master key was changed
    Finish {
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Keys {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Generate { file } => generate(&file),
            Self::Status { server } => show(&server.connect()?.get("/system/keys").await?),
            Self::Finish { server } => show(&server.connect()?.post("/system/keys/finish", &json!({})).await?),
        }
    }
}

fn generate(file: &Path) -> anyhow::Result<()> {
    keys::generate(file, &Random::from_system()).with_context(|| format!("cannot make {}", file.display()))?;
    writeln!(
        std::io::stdout(),
        "A new master key is in {}. Whoever can read it can read every token.",
        file.display()
    )?;
    Ok(())
}

fn show(keys: &MasterKeys) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "Master key    {}", keys.key)?;
    writeln!(out, "Previous key  {}", keys.previous.as_deref().unwrap_or("none"))?;
    let mut table = table(&["CREDENTIALS", "VALID", "NEED ANOTHER KEY"]);
    let kinds = [
        ("SDK tokens", keys.tokens),
        ("personal access tokens", keys.personal_access_tokens),
        ("sessions", keys.sessions),
        ("webhook secrets", keys.webhooks),
    ];
    for (kind, key_use) in kinds {
        table.add_row([kind.to_owned(), key_use.total.to_string(), key_use.left.to_string()]);
    }
    writeln!(out, "{table}")?;
    writeln!(out, "{}", advice(keys))?;
    Ok(())
}

fn advice(keys: &MasterKeys) -> String {
    let (pats, sessions) = (keys.personal_access_tokens.left, keys.sessions.left);
    if keys.settled() && keys.previous.is_some() {
        "Nothing needs the previous key: start every replica without it, and then destroy it.".into()
    } else if keys.settled() {
        "Everything is under the master key.".into()
    } else if keys.tokens.left + keys.webhooks.left > 0 && keys.previous.is_some() {
        "The server is still bringing SDK tokens and webhook secrets under the master key; they all work meanwhile."
            .into()
    } else if keys.previous.is_some() {
        format!(
            "{pats} personal access tokens and {sessions} sessions have not been used since the key was changed. Each is brought \
             under it by its next use; `twinkey keys finish` ends those that are left."
        )
    } else {
        format!(
            "{pats} personal access tokens and {sessions} sessions need a key that the server was not given, and are refused; \
             `twinkey keys finish` removes them."
        )
    }
}
