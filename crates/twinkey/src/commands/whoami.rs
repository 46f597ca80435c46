//! `twinkey whoami`.

use std::io::Write;

use clap::Args;
use serde_json::json;
use twinkey_api::auth::{TokenDetails, User};

use super::{Output, or_never, print_json};
use crate::client::ServerArgs;

/// Shows who you are to the server, with which credential, and with which role.
#[derive(Args)]
#[command(after_help = "Example:\n  twinkey whoami --output json")]
pub struct Whoami {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    server: ServerArgs,
}

impl Whoami {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.server.connect()?;
        let details: TokenDetails = client.get("/auth/token/details").await?;
        if details.kind == "sdk" {
            let workspace = details.workspace_id.clone().unwrap_or_default();
            match self.output {
                Output::Json => print_json(&json!({"credential": details}))?,
                Output::Table => writeln!(std::io::stdout(), "An SDK token of workspace {workspace}: streaming only.")?,
            }
            return Ok(());
        }
        let user: User = client.get("/profile").await?;
        if self.output == Output::Json {
            print_json(&json!({"user": user, "credential": details}))?;
            return Ok(());
        }
        let name = user.name.map(|name| format!(" ({name})")).unwrap_or_default();
        let workspace = details.workspace_id.map(|workspace| format!(", for workspace {workspace} only"));
        let role = details.role.map(|role| format!(", up to the role {}", role.name()));
        let limits = workspace.unwrap_or_default() + &role.unwrap_or_default();
        writeln!(
            std::io::stdout(),
            "{}{name} on {}\nRole in the organisation: {}\nSigned in with: {}{limits}, expires: {}",
            user.email,
            client.public_url,
            user.role.name(),
            details.kind,
            or_never(details.expires_at)
        )?;
        Ok(())
    }
}
