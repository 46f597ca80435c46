//! `twinkey sessions`.

use std::io::Write;

use clap::Subcommand;
use twinkey_api::people::Session;

use super::{Output, or_never, print_list, public_id};
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Sessions {
    /// List your sign-in sessions
    #[command(after_help = "Example:\n  twinkey sessions list")]
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// End a session
    #[command(after_help = "Example:\n  twinkey sessions end 4f0k2n8s0q7x3m1z")]
    End {
        /// The session's id
        #[arg(value_parser = public_id)]
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Sessions {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { output, server } => {
                let list = server.connect()?.list("/profile/sessions", "before", |it: &Session| &it.id).await?;
                print_list(output, &list, ["ID", "", "FROM", "WITH", "BEGUN", "LAST USED", "EXPIRES"], |it| {
                    let this = if it.current { "this one" } else { "" }.to_owned();
                    let (from, with) =
                        (it.address.clone().unwrap_or_default(), it.user_agent.clone().unwrap_or_default());
                    let (begun, used) = (it.created_at.to_string(), or_never(it.last_used_at));
                    [it.id.clone(), this, from, with, begun, used, it.expires_at.to_string()]
                })?;
            }
            Self::End { id, server } => {
                server.connect()?.delete(&format!("/profile/sessions/{id}")).await?;
                writeln!(std::io::stdout(), "Ended.")?;
            }
        }
        Ok(())
    }
}
