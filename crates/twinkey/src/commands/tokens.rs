//! `twinkey tokens`.

use std::{
    cell::Cell,
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use clap::Subcommand;
use twinkey_api::{
    token::{SCANNER_REGEX, Secret},
    token_pair::{
        CutOffState, CuttingOff, EmergencyPreview, EmergencyRotation, OpenBroker, Rotate, Rotated, TokenPair,
        UndoRotation,
    },
};

use super::{broker::Output, table, typed, usage, workspace_id};
use crate::client::{Client, InUse, ServerArgs};

/// Between two looks at a cut-off that is not proved.
const LOOK: Duration = Duration::from_millis(500);
/// The exit status of a program that SIGINT ended.
const INTERRUPTED: u8 = 130;

#[derive(Subcommand)]
pub enum Tokens {
    /// Show both tokens of a workspace, without their values (`twinkey env` prints those)
    Show {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show who uses which token, and whether Token 1 may be rotated away; exit status 3 if not
    #[command(after_help = "Example:\n  twinkey tokens usage demo --watch")]
    Usage {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// Go on showing it, until Ctrl-C
        #[arg(long)]
        watch: bool,
        /// How it is printed; JSON is one line for each look
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Deactivate Token 1, promote Token 2, generate a new Token 2
    ///
    /// While Token 1 is in use this is refused (exit status 3), unless it is forced.
    #[command(after_help = "Example:\n  twinkey tokens rotate demo --wait --reason 'leaked in a ticket'")]
    Rotate {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// Why, for the audit log
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// Rotate although Token 1 is in use: its users are cut off
        #[arg(long)]
        force: bool,
        /// Wait until nobody uses Token 1, rotate then, and wait until every broker has shown that it does not serve it any more.
        /// Ctrl-C before the rotation leaves everything as it was
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Replace both tokens at once, because both may have leaked
    ///
    /// Everything that uses the workspace stops until it gets a new token. What that is, is said first.
    #[command(
        after_help = "Example:\n  twinkey tokens emergency-rotate demo --reason 'both were in the public repository'"
    )]
    EmergencyRotate {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// Why, for the audit log
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// If a broker has not shown yet that it does not serve the old tokens: wait until it has
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Undo the last rotation: the former Token 1 comes back as Token 2
    ///
    /// Possible for as long as the setting undoMinutes of the workspace says (it is off by default), and only while nobody was
    /// shown the fresh Token 2.
    #[command(after_help = "Example:\n  twinkey tokens undo demo --reason 'rotated the wrong workspace'")]
    Undo {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// Why, for the audit log
        #[arg(long)]
        reason: Option<String>,
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
                    let last_used = token.last_used_at.map_or_else(|| "never".into(), |at| at.to_string());
                    table.add_row([
                        token.label,
                        token.masked,
                        token.principal,
                        token.created_at.to_string(),
                        last_used,
                    ]);
                }
                writeln!(std::io::stdout(), "{table}")?;
                for token in pair.cutting_off {
                    writeln!(
                        std::io::stdout(),
                        "Token {} was deactivated at {}, and it is NOT proved yet that no broker serves it:",
                        token.id,
                        token.deactivated_at
                    )?;
                    tell_open(&token.open)?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Usage { workspace, watch, output, server } => {
                usage::show(&server.connect()?, &workspace, watch, output).await
            }
            Self::Rotate { workspace, reason, yes, force, wait, server } => {
                rotate(&server.connect()?, &workspace, yes, wait, (force, reason)).await
            }
            Self::EmergencyRotate { workspace, reason, yes, wait, server } => {
                let client = server.connect()?;
                let path = format!("/workspaces/{workspace}/tokens/emergency-rotation");
                let preview: EmergencyPreview = client.get(&path).await?;
                let mut used = usage::get(&client, &workspace).await?;
                used.tokens.retain(|token| token.deactivated_at.is_none());
                writeln!(
                    std::io::stdout(),
                    "Both tokens of {workspace} will stop working at once, and with them everything that uses them:"
                )?;
                write!(std::io::stdout(), "{}", usage::tables(&used))?;
                for what in &used.safe_to_rotate.cannot_see {
                    writeln!(std::io::stdout(), "Not seen: {what}.")?;
                }
                if !yes && !typed(&workspace, "Type the workspace's id to replace both tokens: ")? {
                    eprintln!("Nothing was changed.");
                    return Ok(ExitCode::FAILURE);
                }
                let body = EmergencyRotation { expected_generation: preview.generation, reason };
                let rotated: Rotated = client.post_once(&path, &body).await?;
                let dead: Vec<_> = preview.tokens.iter().map(|it| it.token.masked.as_str()).collect();
                tell(&workspace, &format!("The old tokens ({}) are", dead.join(", ")), &rotated)?;
                if rotated.cut_off.state == CutOffState::Pending && wait {
                    return until_proved(&client, &workspace).await;
                }
                Ok(ExitCode::SUCCESS)
            }
            Self::Undo { workspace, reason, server } => {
                let client = server.connect()?;
                let pair: TokenPair = client.get(&format!("/workspaces/{workspace}/tokens")).await?;
                let body = UndoRotation { expected_generation: pair.generation, reason };
                let path = format!("/workspaces/{workspace}/tokens/undo-rotation");
                let undone: Rotated = client.post_once(&path, &body).await?;
                tell(
                    &workspace,
                    &format!("The fresh Token 2 ({}), which nobody had seen, is", pair.next.masked),
                    &undone,
                )?;
                Ok(ExitCode::SUCCESS)
            }
            Self::VerifyFormat => verify_format(),
        }
    }
}

async fn rotate(
    client: &Client,
    workspace: &str,
    yes: bool,
    wait: bool,
    (force, reason): (bool, Option<String>),
) -> anyhow::Result<ExitCode> {
    let pair: TokenPair = client.get(&format!("/workspaces/{workspace}/tokens")).await?;
    // Before anybody is asked, and what cannot be seen in any case.
    let verdict = usage::get(client, workspace).await?.safe_to_rotate;
    usage::tell_verdict(&verdict)?;
    if !verdict.safe && !force && !wait {
        eprintln!("Nothing was changed. Move them to Token 2 (--wait waits for it), or cut them off with --force.");
        return Ok(ExitCode::from(usage::IN_USE));
    }
    if !yes && !confirmed(&pair)? {
        eprintln!("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let body = Rotate { expected_generation: pair.generation, force, reason };
    // Whether the server was asked to rotate and has not answered yet.
    let asked = Cell::new(false);
    let rotating = async {
        loop {
            if wait && !force {
                usage::until_safe(client, workspace, pair.generation).await?;
            }
            asked.set(true);
            let answer = client.post_once(&format!("/workspaces/{workspace}/tokens/rotate"), &body).await;
            asked.set(false);
            match answer {
                // Somebody came back to it between the look and the rotation.
                Err(error) if wait && error.downcast_ref::<InUse>().is_some() => tokio::time::sleep(LOOK).await,
                answer => return answer,
            }
        }
    };
    // Listened to all the time: between two looks, too, Ctrl-C must not be lost, and the rotation come all the same.
    let rotated: Rotated = tokio::select! {
        rotated = rotating => match rotated {
            Err(error) if error.downcast_ref::<InUse>().is_some() => {
                eprintln!("twinkey: {error}");
                return Ok(ExitCode::from(usage::IN_USE));
            }
            rotated => rotated?,
        },
        _ = tokio::signal::ctrl_c() => {
            if asked.get() {
                eprintln!(
                    "Not waiting any longer, and the server was asked to rotate already: it may do so yet. Look with `twinkey tokens \
                     show {workspace}`; generation {} is the one before.",
                    pair.generation
                );
            } else {
                eprintln!("Not waiting any longer. Nothing was changed.");
            }
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    tell(workspace, &format!("The old Token 1 ({}) is", pair.current.masked), &rotated)?;
    if rotated.cut_off.state == CutOffState::Pending && wait {
        return until_proved(client, workspace).await;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is known, and not more. `dead`: a subject with its verb, to go before the word.
fn tell(workspace: &str, dead: &str, rotated: &Rotated) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "Rotated: generation {}.", rotated.generation)?;
    match rotated.cut_off.state {
        CutOffState::Proved if rotated.connections_closed > 0 => writeln!(
            out,
            "{dead} dead on the API and on the broker; {} open connections were closed.",
            rotated.connections_closed
        )?,
        CutOffState::Proved => writeln!(out, "{dead} dead on the API and on the broker.")?,
        CutOffState::Pending => {
            writeln!(out, "{dead} dead on the API. On the broker this is NOT proved yet:")?;
            tell_open(&rotated.cut_off.open)?;
            writeln!(
                out,
                "Twinkey goes on until it is; see `twinkey tokens show {workspace}`, or wait for it with --wait next time."
            )?;
        }
    }
    writeln!(
        out,
        "Token 1 is now {} and Token 2 is {}. Restart what still used the old token: twinkey env {workspace}",
        rotated.current.masked, rotated.next.masked
    )
}

/// Each thing that may still serve a dead token, with the reason.
pub fn tell_open(open: &[OpenBroker]) -> std::io::Result<()> {
    for broker in open {
        let who = broker.id.map_or_else(String::new, |id| format!("broker {id} at {}: ", broker.address));
        writeln!(std::io::stdout(), "  {who}{}", broker.reason)?;
    }
    Ok(())
}

/// Waits until no deactivated token of the workspace is open any more. It goes on without us, too.
async fn until_proved(client: &Client, workspace: &str) -> anyhow::Result<ExitCode> {
    let proving = async {
        let mut told = Vec::new();
        loop {
            tokio::time::sleep(LOOK).await;
            // The server may be away for a moment; it goes on with the cut-off all the same.
            let Ok(pair) = client.get::<TokenPair>(&format!("/workspaces/{workspace}/tokens")).await else { continue };
            let Some(open) = still_open(pair) else {
                return writeln!(std::io::stdout(), "Proved: no broker serves the old token any more.");
            };
            if open != told {
                writeln!(std::io::stdout(), "Waiting:")?;
                tell_open(&open)?;
                told = open;
            }
        }
    };
    tokio::select! {
        proved = proving => proved.map(|()| ExitCode::SUCCESS).map_err(Into::into),
        _ = tokio::signal::ctrl_c() => {
            eprintln!("Not waiting any longer; Twinkey goes on with the cut-off in the background.");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Where dead tokens may still be served, as far as that is known already; `None`: nowhere.
fn still_open(pair: TokenPair) -> Option<Vec<OpenBroker>> {
    let open = |token: CuttingOff| token.open;
    (!pair.cutting_off.is_empty()).then(|| pair.cutting_off.into_iter().flat_map(open).collect())
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A token that died a moment ago: the server follows it and does not know yet where it is open.
    #[test]
    fn b4_what_is_not_proved_yet_is_not_called_proved() {
        let token = json!({"id": "a", "label": "", "masked": "", "principal": "", "createdAt": "2026-01-01T00:00:00Z"});
        let mut pair =
            json!({"workspaceId": "demo", "generation": 1, "current": token, "next": token, "cuttingOff": []});
        let parsed = |pair: &serde_json::Value| serde_json::from_value::<TokenPair>(pair.clone()).expect("a pair");
        assert_eq!(still_open(parsed(&pair)), None);
        pair["cuttingOff"] = json!([{"id": "b", "deactivatedAt": "2026-01-01T00:00:00Z", "open": []}]);
        assert_eq!(still_open(parsed(&pair)), Some(Vec::new()));
    }
}
