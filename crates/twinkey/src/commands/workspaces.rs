//! `twinkey workspaces`.

use std::io::Write;

use clap::Subcommand;
use twinkey_api::workspace::{NewWorkspace, Workspace};

use super::table;
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Workspaces {
    /// List the workspaces that you may see
    List {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Create a workspace, with its two SDK tokens
    #[command(after_help = "Example:\n  twinkey workspaces create acme-orders --name 'Orders'")]
    Create {
        /// Lower-case letters and digits with single hyphens between them
        id: String,
        /// The name that people see [default: the id]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Workspaces {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { server } => {
                let workspaces: Vec<Workspace> = server.connect()?.get("/workspaces").await?;
                let mut table = table(&["WORKSPACE", "NAME", "STATUS", "CREATED"]);
                for workspace in workspaces {
                    table.add_row([
                        workspace.workspace_id,
                        workspace.name,
                        workspace.status,
                        workspace.created_at.to_string(),
                    ]);
                }
                writeln!(std::io::stdout(), "{table}")?;
            }
            Self::Create { id, name, server } => {
                let body = NewWorkspace { workspace_id: id, name };
                let workspace: Workspace = server.connect()?.post("/workspaces", &body).await?;
                writeln!(
                    std::io::stdout(),
                    "Created workspace {}. Its variables: twinkey env {0}",
                    workspace.workspace_id
                )?;
            }
        }
        Ok(())
    }
}
