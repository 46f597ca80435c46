//! What `produce`, `consume` and `topics` have in common: a streaming client, from a token or from being signed in.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use twinkey_api::token_pair::{RevealedToken, Slot};
use twinkey_client::QuixStreamingClient;

use super::{post_confirmed, workspace_id};
use crate::client::ServerArgs;

/// Whose topics these are.
#[derive(Args)]
pub struct StreamingArgs {
    /// The workspace; where the variable for a token is set, the token's own is the default
    #[arg(short, long, env = "Quix__Workspace__Id", value_parser = workspace_id)]
    workspace: Option<String>,
    /// A setting of librdkafka; may be given several times
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
    /// How many seconds the API and the broker may take to answer
    #[arg(long, value_name = "SECONDS", default_value = "15")]
    timeout: u64,
    #[command(flatten)]
    server: ServerArgs,
}

impl StreamingArgs {
    /// A client: with `Quix__Sdk__Token` and `Quix__Portal__Api` where they are set, as every Quix client; else with Token 1 of the
    /// workspace, revealed to who is signed in.
    pub async fn connect(&self, create_topics: bool) -> anyhow::Result<QuixStreamingClient> {
        let limit = Duration::from_secs(self.timeout);
        let mut builder =
            QuixStreamingClient::builder().api_timeout(limit).connect_timeout(limit).create_topics(create_topics);
        if std::env::var("Quix__Sdk__Token").is_err() {
            let client = self.server.connect().context("Quix__Sdk__Token is not set, and so this command signs in")?;
            let Some(workspace) = &self.workspace else {
                bail!(
                    "which workspace? Name it with --workspace, or set Quix__Sdk__Token (twinkey env WORKSPACE prints it)"
                )
            };
            let path = format!("/workspaces/{workspace}/tokens/{}/reveal", Slot::Current.name());
            let token: RevealedToken = post_confirmed(&client, &path, &json!({})).await?;
            builder = builder.token(token.value.as_str()).portal_api(&client.public_url);
        }
        if let Some(workspace) = &self.workspace {
            builder = builder.workspace_id(workspace);
        }
        for (key, value) in &self.properties {
            builder = builder.property(key, value);
        }
        Ok(builder.build()?)
    }
}

/// `KEY=VALUE`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let (key, value) = parts.ok_or_else(|| format!("'{text}' is not of the form KEY=VALUE"))?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A separator as it is typed: `\t` and `\n` stand for what they stand for everywhere.
pub fn unescaped(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n").replace("\\0", "\0")
}
