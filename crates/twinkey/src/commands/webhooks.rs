//! `twinkey webhooks`.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;
use twinkey_api::webhook::{ChangeWebhook, CreatedWebhook, Delivery, NewWebhook, Webhook};

use super::{broker::Output, table, workspace_id};
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Webhooks {
    /// List the webhooks of a workspace
    #[command(after_help = "Example:\n  twinkey webhooks list demo")]
    List {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// A table, or JSON
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Tell a URL what happens to the tokens of a workspace; prints the signing secret, once
    #[command(after_help = "Example:\n  twinkey webhooks create demo https://ops.example.org/twinkey \
        --event token.rotated --event token.used_after_deactivation")]
    Create {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        workspace: String,
        /// Where to: an https:// URL
        url: String,
        /// Which event; may be repeated [default: all]
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        /// Text for people, or JSON
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send again to a webhook that was disabled, what waits for it included
    #[command(after_help = "Example:\n  twinkey webhooks enable demo 1c0n7h2k9m3qz5x8")]
    Enable {
        #[command(flatten)]
        webhook: Which,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send nothing to a webhook until it is enabled
    #[command(after_help = "Example:\n  twinkey webhooks disable demo 1c0n7h2k9m3qz5x8")]
    Disable {
        #[command(flatten)]
        webhook: Which,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a webhook another signing secret, and print it, once; for 24 hours the old one is good as well
    #[command(after_help = "Example:\n  twinkey webhooks rotate-secret demo 1c0n7h2k9m3qz5x8")]
    RotateSecret {
        #[command(flatten)]
        webhook: Which,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// End a webhook, and what waits for it
    #[command(after_help = "Example:\n  twinkey webhooks delete demo 1c0n7h2k9m3qz5x8")]
    Delete {
        #[command(flatten)]
        webhook: Which,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show what was sent, what waits, and what failed and why
    #[command(after_help = "Example:\n  twinkey webhooks deliveries demo 1c0n7h2k9m3qz5x8 --output json")]
    Deliveries {
        #[command(flatten)]
        webhook: Which,
        /// How many, 1 to 100
        #[arg(long, default_value_t = 50)]
        limit: u64,
        /// A table, or JSON lines with everything
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send a delivery again, with the same id and body
    #[command(after_help = "Example:\n  twinkey webhooks redeliver demo 1c0n7h2k9m3qz5x8 msg_0b6f…")]
    Redeliver {
        #[command(flatten)]
        webhook: Which,
        /// The delivery's id
        delivery: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send a test event
    #[command(after_help = "Example:\n  twinkey webhooks test demo 1c0n7h2k9m3qz5x8")]
    Test {
        #[command(flatten)]
        webhook: Which,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// A webhook of a workspace.
#[derive(clap::Args)]
pub struct Which {
    /// The workspace's id
    #[arg(value_parser = workspace_id)]
    workspace: String,
    /// The webhook's id
    #[arg(value_parser = plain_id)]
    id: String,
}

impl Which {
    fn path(&self) -> String {
        format!("/workspaces/{}/webhooks/{}", self.workspace, self.id)
    }
}

/// So that it can stand in a path.
fn plain_id(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { Ok(text.to_owned()) } else { Err("an id has only letters, digits and _".into()) }
}

impl Webhooks {
    pub async fn run(self) -> anyhow::Result<()> {
        let mut out = std::io::stdout();
        match self {
            Self::List { workspace, output, server } => {
                let webhooks: Vec<Webhook> =
                    server.connect()?.get(&format!("/workspaces/{workspace}/webhooks")).await?;
                if output == Output::Json {
                    writeln!(out, "{}", serde_json::to_string_pretty(&webhooks)?)?;
                    return Ok(());
                }
                let mut table = table(&["ID", "URL", "EVENTS", "STATE", "LAST SUCCESS", "DROPPED"]);
                for webhook in webhooks {
                    let state = match (webhook.enabled, webhook.disabled_reason) {
                        (true, _) => "enabled".to_owned(),
                        (false, reason) => format!("DISABLED: {}", reason.unwrap_or_default()),
                    };
                    let events: Vec<_> = webhook.events.iter().map(|event| event.name()).collect();
                    let last = webhook.last_success_at.map_or_else(|| "never".into(), |at| at.to_string());
                    table.add_row([
                        webhook.id,
                        webhook.url,
                        events.join("\n"),
                        state,
                        last,
                        webhook.dropped.to_string(),
                    ]);
                }
                writeln!(out, "{table}")?;
            }
            Self::Create { workspace, url, events, output, server } => {
                let body = NewWebhook { url, events: (!events.is_empty()).then_some(events) };
                let path = format!("/workspaces/{workspace}/webhooks");
                let created: CreatedWebhook = server.connect()?.post(&path, &body).await?;
                if output == Output::Json {
                    writeln!(out, "{}", serde_json::to_string_pretty(&created)?)?;
                    return Ok(());
                }
                writeln!(
                    out,
                    "Webhook {}. Its deliveries are signed with this secret, which is shown once:",
                    created.webhook.id
                )?;
                writeln!(out, "{}", created.secret)?;
                writeln!(out, "Try it: twinkey webhooks test {workspace} {}", created.webhook.id)?;
            }
            Self::Enable { webhook, server } => {
                let body = ChangeWebhook { enabled: Some(true), ..ChangeWebhook::default() };
                let changed: Webhook = server.connect()?.patch(&webhook.path(), &body).await?;
                writeln!(out, "Webhook {} is enabled.", changed.id)?;
            }
            Self::Disable { webhook, server } => {
                let body = ChangeWebhook { enabled: Some(false), ..ChangeWebhook::default() };
                let changed: Webhook = server.connect()?.patch(&webhook.path(), &body).await?;
                writeln!(out, "Webhook {} is disabled.", changed.id)?;
            }
            Self::RotateSecret { webhook, server } => {
                let path = format!("{}/rotate-secret", webhook.path());
                let changed: CreatedWebhook = server.connect()?.post(&path, &json!({})).await?;
                if let Some(until) = changed.webhook.previous_secret_until {
                    eprintln!("The old secret is good until {until}. The new one, which is shown only now:");
                }
                writeln!(out, "{}", changed.secret)?;
            }
            Self::Delete { webhook, server } => {
                server.connect()?.delete(&webhook.path()).await?;
                writeln!(out, "Webhook {} is gone.", webhook.id)?;
            }
            Self::Deliveries { webhook, limit, output, server } => {
                let path = format!("{}/deliveries?limit={limit}", webhook.path());
                let deliveries: Vec<Delivery> = server.connect()?.get(&path).await?;
                let mut table = table(&["ID", "EVENT", "TIME", "STATE", "ATTEMPTS", "ANSWER", "NEXT ATTEMPT"]);
                for delivery in deliveries {
                    if output == Output::Json {
                        writeln!(out, "{}", serde_json::to_string(&delivery)?)?;
                        continue;
                    }
                    let status = delivery.last_status.map(|status| status.to_string());
                    table.add_row([
                        delivery.id,
                        delivery.event,
                        delivery.created_at.to_string(),
                        delivery.state.name().to_owned(),
                        delivery.attempts.to_string(),
                        delivery.last_error.or(status).unwrap_or_default(),
                        delivery.next_attempt_at.map(|at| at.to_string()).unwrap_or_default(),
                    ]);
                }
                if output != Output::Json {
                    writeln!(out, "{table}")?;
                }
            }
            Self::Redeliver { webhook, delivery, server } => {
                let delivery = plain_id(&delivery).map_err(anyhow::Error::msg)?;
                let path = format!("{}/deliveries/{delivery}/redeliver", webhook.path());
                let delivery: Delivery = server.connect()?.post(&path, &json!({})).await?;
                writeln!(out, "Delivery {} is sent again.", delivery.id)?;
            }
            Self::Test { webhook, server } => {
                let path = format!("{}/test", webhook.path());
                let delivery: Delivery = server.connect()?.post(&path, &json!({})).await?;
                let (workspace, id) = (&webhook.workspace, &webhook.id);
                writeln!(
                    out,
                    "Queued {}. What became of it: twinkey webhooks deliveries {workspace} {id}",
                    delivery.id
                )?;
            }
        }
        Ok(())
    }
}
