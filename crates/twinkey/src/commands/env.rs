//! `twinkey env`: what a Quix client needs, and nothing else.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::json;
use twinkey_api::token_pair::{RevealedToken, Slot};

use super::{post_confirmed, workspace_id};
use crate::client::ServerArgs;

/// Example: eval "$(twinkey env demo)"
#[derive(Args)]
#[command(after_help = "Example:\n  eval \"$(twinkey env demo)\" && python examples/hello_quix.py")]
pub struct Env {
    /// The workspace's id
    #[arg(value_parser = workspace_id)]
    workspace: String,
    /// How to print the variables
    #[arg(long, value_enum, default_value = "export")]
    format: Format,
    /// Which token: `current` is Token 1, `next` is Token 2
    #[arg(long, value_enum, default_value = "current")]
    token: Which,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One `export` line for a shell
    Export,
    /// Lines for a .env file
    Dotenv,
    /// One JSON object
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    Current,
    Next,
}

impl Env {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.connect()?;
        let slot = match self.token {
            Which::Current => Slot::Current,
            Which::Next => Slot::Next,
        };
        let path = format!("/workspaces/{}/tokens/{}/reveal", self.workspace, slot.name());
        let token: RevealedToken = post_confirmed(&client, &path, &json!({})).await?;
        let variables = [
            ("Quix__Sdk__Token", token.value.as_str()),
            ("Quix__Portal__Api", client.public_url.as_str()),
            ("Quix__Workspace__Id", self.workspace.as_str()),
        ];
        writeln!(std::io::stdout(), "{}", print(variables, self.format))?;
        Ok(())
    }
}

fn print(variables: [(&str, &str); 3], format: Format) -> String {
    match format {
        Format::Export => {
            format!("export {}", variables.map(|(name, value)| format!("{name}={}", quoted(value))).join(" "))
        }
        Format::Dotenv => variables.map(|(name, value)| format!("{name}={value}")).join("\n"),
        Format::Json => {
            let object: serde_json::Map<_, _> =
                variables.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            serde_json::Value::Object(object).to_string()
        }
    }
}

/// For a POSIX shell; plain where nothing needs quoting, so that people can read it.
pub fn quoted(value: &str) -> String {
    let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte));
    if plain { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let variables = [("A", "sdk-1"), ("B", "http://x:1"), ("C", "it's $HOME")];
        assert_eq!(print(variables, Format::Export), r"export A=sdk-1 B=http://x:1 C='it'\''s $HOME'");
        assert_eq!(print(variables, Format::Dotenv), "A=sdk-1\nB=http://x:1\nC=it's $HOME");
        assert_eq!(print(variables, Format::Json), r#"{"A":"sdk-1","B":"http://x:1","C":"it's $HOME"}"#);
    }
}
