//! The commands that talk to a server, one module for each noun.

pub mod audit;
pub mod broker;
pub mod completions;
pub mod consume;
pub mod data;
pub mod env;
pub mod invitations;
pub mod keys;
pub mod login;
pub mod members;
pub mod password;
pub mod pats;
pub mod produce;
pub mod ready;
mod record;
pub mod sessions;
mod streaming;
pub mod tokens;
pub mod topics;
mod usage;
pub mod webhooks;
pub mod whoami;
pub mod workspaces;

use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use twinkey_api::{Role, WorkspaceId, auth::ConfirmPassword, name::BadWorkspaceId};
use twinkey_server::db;

pub use self::broker::Output;
use crate::{
    client::{Client, ConfirmFirst},
    settings::DEFAULT_DATA_DIR,
};

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

/// Reads a role where it is typed, in any case.
fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(text));
    found.ok_or_else(|| "a role is one of None, Viewer, Editor, Manager, Admin".into())
}

/// Checks a public id where it is typed, so that it can stand in a path.
fn public_id(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { Ok(text.to_owned()) } else { Err("an id has letters and digits only".into()) }
}

/// Prints entries as JSON, or as the table that `row` makes.
fn print_list<T: Serialize, const N: usize>(
    output: Output,
    entries: &[T],
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> std::io::Result<()> {
    if output == Output::Json {
        return print_json(&entries);
    }
    let mut table = table(&header);
    for entry in entries {
        table.add_row(row(entry));
    }
    writeln!(std::io::stdout(), "{table}")
}

/// Prints one value as JSON.
fn print_json(value: &impl Serialize) -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(value).expect("plain data");
    writeln!(std::io::stdout(), "{text}")
}

/// A time that may be missing.
fn or_never(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "never".into(), |time| time.to_string())
}

/// Secrets as they are asked for: one after the other, without being shown, or line by line from standard input. Never as an
/// argument, because process lists and histories show those.
struct Secrets(bool);

impl Secrets {
    fn read(&self, prompt: &str) -> anyhow::Result<String> {
        if !self.0 {
            return rpassword::prompt_password(format!("{prompt}: ")).with_context(|| format!("cannot read: {prompt}"));
        }
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).with_context(|| format!("cannot read: {prompt}"))?;
        let line = line.trim_end_matches(['\r', '\n']);
        anyhow::ensure!(!line.is_empty(), "standard input ended; expected: {prompt}");
        Ok(line.to_owned())
    }

    /// A new password; typed twice where it cannot be seen.
    fn read_new(&self, prompt: &str) -> anyhow::Result<String> {
        let password = self.read(prompt)?;
        anyhow::ensure!(self.0 || self.read(&format!("{prompt} again"))? == password, "the two are not the same");
        Ok(password)
    }
}

/// `POST path` of a route that shows a secret. If the server wants the password confirmed first, it is asked for.
async fn post_confirmed<T: DeserializeOwned>(client: &Client, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
    match client.post(path, body).await {
        Err(error) if error.is::<ConfirmFirst>() && std::io::stdin().is_terminal() => {
            eprintln!("It is a while since you gave your password.");
            let password = Secrets(false).read("Password")?;
            client.post_nothing("/auth/confirm", &ConfirmPassword { password }).await?;
            client.post(path, body).await
        }
        answered => answered,
    }
}

/// Asks before something that cannot be taken back.
fn confirmed(question: &str) -> anyhow::Result<bool> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask on; repeat with --yes if you are sure"
    );
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
