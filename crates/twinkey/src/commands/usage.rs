//! `twinkey tokens usage`, and waiting until nobody uses Token 1.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;
use twinkey_api::usage::{SafeToRotate, TokenClient, TokenUsage, Via};

use super::{broker::Output, table};
use crate::client::Client;

/// The exit status when Token 1 is in use.
pub const IN_USE: u8 = 3;
/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How many looks may fail one after the other while waiting.
const FAILURES_MAX: u32 = 120;
/// Takes a terminal to its upper left corner and clears it.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Who uses which token.
pub async fn get(client: &Client, workspace: &str) -> anyhow::Result<TokenUsage> {
    client.get(&format!("/workspaces/{workspace}/tokens/usage")).await
}

/// Prints it, once or until Ctrl-C.
pub async fn show(client: &Client, workspace: &str, watch: bool, output: Output) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let clear = watch && output == Output::Table && out.is_terminal();
    loop {
        let usage = get(client, workspace).await?;
        match output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(&usage)?)?,
            Output::Table => {
                write!(out, "{}{}", if clear { CLEAR } else { "" }, tables(&usage))?;
                tell_verdict(&usage.safe_to_rotate)?;
            }
        }
        out.flush()?;
        if !watch {
            return Ok(if usage.safe_to_rotate.safe { ExitCode::SUCCESS } else { ExitCode::from(IN_USE) });
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Waits, with a live view, until nobody uses Token 1.
pub async fn until_safe(client: &Client, workspace: &str, generation: i64) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let live = out.is_terminal();
    let (mut told, mut failures) = (None, 0);
    loop {
        let usage = match get(client, workspace).await {
            Ok(usage) => usage,
            // The server may be away for a moment, as when it is updated; waiting goes on.
            Err(_) if failures < FAILURES_MAX => {
                failures += 1;
                tokio::time::sleep(LOOK).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        failures = 0;
        anyhow::ensure!(
            usage.generation == generation,
            "somebody else has rotated in the meantime (generation {}, it was {generation}); nothing was changed here",
            usage.generation
        );
        let verdict = &usage.safe_to_rotate;
        if verdict.safe {
            return Ok(());
        }
        let seen = Some(names(verdict));
        if live {
            writeln!(out, "{CLEAR}{}{}.", tables(&usage), verdict.sentence)?;
            writeln!(out, "Waiting; Ctrl-C leaves everything as it is.")?;
        } else if told != seen {
            // Times change with every look; who it is matters in a log.
            told = seen;
            writeln!(out, "Waiting: {}.", verdict.sentence)?;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The verdict, and what it says nothing about.
pub fn tell_verdict(verdict: &SafeToRotate) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}: {}.", if verdict.safe { "Safe to rotate" } else { "Not safe to rotate" }, verdict.sentence)?;
    for what in &verdict.cannot_see {
        writeln!(out, "Not seen: {what}.")?;
    }
    Ok(())
}

fn names(verdict: &SafeToRotate) -> Vec<[String; 2]> {
    verdict.reasons.iter().map(|reason| [reason.client.name.clone(), reason.client.address.clone()]).collect()
}

/// The tokens, each with its clients.
pub fn tables(usage: &TokenUsage) -> String {
    let mut lines = vec![format!("Workspace {}, generation {}", usage.workspace_id, usage.generation)];
    for token in &usage.tokens {
        let died = token.deactivated_at.map_or_else(String::new, |at| format!(" {}", ago(at, usage.at)));
        lines.push(format!("\n{}{died}: {}, {}", token.label, token.masked, token.principal));
        if token.refused > 0 {
            lines.push(format!("  tried {} times since it died", token.refused));
        }
        if token.clients.is_empty() && token.others.is_none() {
            lines.push("  nobody".into());
            continue;
        }
        let header = ["", "CLIENT", "VIA", "ADDRESS", "SOFTWARE", "USED", "OPEN", "REQUESTS", "BYTES", "REFUSED"];
        let mut table = table(&header);
        for client in token.clients.iter().chain(&token.others) {
            table.add_row(row(client, usage.at));
        }
        lines.push(table.to_string());
    }
    lines.join("\n") + "\n\n"
}

fn row(client: &TokenClient, now: Timestamp) -> [String; 10] {
    let several = client.address.is_empty();
    let groups = if client.groups.is_empty() { String::new() } else { format!(" ({})", client.groups.join(", ")) };
    [
        String::new(),
        if several { "others, not told apart".into() } else { format!("{}{groups}", client.name) },
        if several {
            String::new()
        } else if client.via == Via::Api {
            "API".into()
        } else {
            "broker".into()
        },
        client.address.clone(),
        client.software.clone(),
        client.last_used_at.map_or_else(|| "-".into(), |at| ago(at, now)),
        client.open_connections.to_string(),
        client.requests.to_string(),
        client.bytes.to_string(),
        client.refused.to_string(),
    ]
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    twinkey_server::usage::verdict::ago(at, now)
}
