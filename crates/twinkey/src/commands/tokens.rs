//! `twinkey tokens`.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Subcommand;
use twinkey_api::{
    token::{SCANNER_REGEX, Secret},
    token_pair::{Rotate, Rotated, TokenPair},
};

use super::table;
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Tokens {
    /// Show both tokens of a workspace, without their values (`twinkey env` prints those)
    Show {
        /// The workspace's id
        workspace: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Deactivate Token 1, promote Token 2, generate a new Token 2
    #[command(after_help = "Example:\n  twinkey tokens rotate demo --reason 'leaked in a ticket'")]
    Rotate {
        /// The workspace's id
        workspace: String,
        /// Why, for the audit log
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Tell, offline, whether strings are Twinkey tokens; exit status 1 if one is not
    ///
    /// Reads one candidate for each line of standard input, so that no secret appears in the list of processes. A valid
    /// format means that the checksum is right; whether the token is still in force only the server knows.
    #[command(after_help = format!(
        "To find candidates in text, use this regular expression:\n  {SCANNER_REGEX}\n\nExample:\n  \
         grep -ohP '{SCANNER_REGEX}' -r . | twinkey tokens verify-format"
    ))]
    VerifyFormat,
}

impl Tokens {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Show { workspace, server } => {
                let pair: TokenPair = server.connect()?.get(&format!("/workspaces/{workspace}/tokens")).await?;
                writeln!(std::io::stdout(), "Workspace {}, generation {}", pair.workspace_id, pair.generation)?;
                let mut table = table(&["TOKEN", "VALUE", "PRINCIPAL", "CREATED", "LAST USED"]);
                for token in [pair.current, pair.next] {
                    let last_used =
                        token.last_used_at.map_or_else(|| "not since the start".into(), |at| at.to_string());
                    table.add_row([
                        token.label,
                        token.masked,
                        token.principal,
                        token.created_at.to_string(),
                        last_used,
                    ]);
                }
                writeln!(std::io::stdout(), "{table}")?;
                Ok(ExitCode::SUCCESS)
            }
            Self::Rotate { workspace, reason, yes, server } => {
                let client = server.connect()?;
                let pair: TokenPair = client.get(&format!("/workspaces/{workspace}/tokens")).await?;
                if !yes && !confirmed(&pair)? {
                    eprintln!("Nothing was changed.");
                    return Ok(ExitCode::FAILURE);
                }
                let body = Rotate { expected_generation: pair.generation, force: false, reason };
                let rotated: Rotated = client.post(&format!("/workspaces/{workspace}/tokens/rotate"), &body).await?;
                writeln!(
                    std::io::stdout(),
                    "Rotated: generation {}. The old Token 1 ({}) is dead on the API and on the broker; {} open connections \
                     were closed.\nToken 1 is now {} and Token 2 is {}. Restart what still used the old token: twinkey env {}",
                    rotated.generation,
                    pair.current.masked,
                    rotated.connections_closed,
                    rotated.current.masked,
                    rotated.next.masked,
                    workspace
                )?;
                Ok(ExitCode::SUCCESS)
            }
            Self::VerifyFormat => verify_format(),
        }
    }
}

fn confirmed(pair: &TokenPair) -> anyhow::Result<bool> {
    anyhow::ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask on; repeat with --yes if you are sure"
    );
    print!(
        "Token 1 of {} ({}) will stop working at once, and Token 2 ({}) takes its place. Rotate? [y/N] ",
        pair.workspace_id, pair.current.masked, pair.next.masked
    );
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Answers by line number and masked form: the output may be kept where the input must not.
fn verify_format() -> anyhow::Result<ExitCode> {
    let mut all_valid = true;
    for (number, line) in std::io::stdin().lines().enumerate() {
        let line = line?;
        match Secret::parse(line.trim()) {
            Ok(secret) => writeln!(std::io::stdout(), "line {}: {} is a Twinkey token", number + 1, secret.masked())?,
            Err(reason) => {
                all_valid = false;
                writeln!(std::io::stdout(), "line {}: not a Twinkey token: {reason}", number + 1)?;
            }
        }
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
