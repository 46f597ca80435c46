//! `twinkey workspaces`.

use std::{io::Write, process::ExitCode, time::Duration};

use clap::Subcommand;
use twinkey_api::{
    topic::Topic,
    workspace::{DeleteWorkspace, DeletedWorkspace, DeletionState, NewWorkspace, Workspace, WorkspaceChanges},
};

use super::{table, tokens::tell_open, typed, workspace_id};
use crate::client::{Client, ServerArgs};

/// Between two looks whether a deletion is over.
const LOOK: Duration = Duration::from_millis(500);

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
    /// Give a workspace another name; its id stays
    #[command(after_help = "Example:\n  twinkey workspaces rename acme-orders 'Orders and returns'")]
    Rename {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        id: String,
        /// The name that people see
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete a workspace with everything in it: tokens, topics, consumer groups. There is no way back
    #[command(after_help = "Example:\n  twinkey workspaces delete acme-orders --reason 'moved to acme-sales'")]
    Delete {
        /// The workspace's id
        #[arg(value_parser = workspace_id)]
        id: String,
        /// Why, for the audit log
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        /// If something has to be waited for: wait until the workspace is gone
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Workspaces {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout();
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
                writeln!(out, "{table}")?;
            }
            Self::Create { id, name, server } => {
                let body = NewWorkspace { workspace_id: id, name };
                let workspace: Workspace = server.connect()?.post("/workspaces", &body).await?;
                writeln!(out, "Created workspace {}. Its variables: twinkey env {0}", workspace.workspace_id)?;
            }
            Self::Rename { id, name, server } => {
                let path = format!("/workspaces/{id}");
                let workspace: Workspace = server.connect()?.patch(&path, &WorkspaceChanges { name }).await?;
                writeln!(out, "Workspace {} is called '{}' now.", workspace.workspace_id, workspace.name)?;
            }
            Self::Delete { id, reason, yes, wait, server } => {
                let client = server.connect()?;
                if !yes && !confirmed(&client, &id).await? {
                    eprintln!("Nothing was deleted.");
                    return Ok(ExitCode::FAILURE);
                }
                let body = DeleteWorkspace { workspace_id: id.clone(), reason };
                let deleted: DeletedWorkspace = client.delete_confirmed(&format!("/workspaces/{id}"), &body).await?;
                tell(&deleted)?;
                if deleted.state == DeletionState::Deleting && wait {
                    return until_gone(&client, &id).await;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Says what will be lost, and asks.
async fn confirmed(client: &Client, id: &str) -> anyhow::Result<bool> {
    let topics: Vec<Topic> = client.get(&format!("/{id}/topics")).await?;
    let mut out = std::io::stdout();
    writeln!(out, "Both tokens of {id} will stop working at once, and everything in it is deleted for good:")?;
    for topic in &topics {
        writeln!(out, "  topic {}", topic.name)?;
    }
    writeln!(out, "  {} topics in all, and the consumer groups", topics.len())?;
    typed(id, "Type the workspace's id to delete it: ")
}

/// Says what is known, and not more.
fn tell(deleted: &DeletedWorkspace) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    let id = &deleted.workspace_id;
    if deleted.state == DeletionState::Deleted {
        return writeln!(out, "Workspace {id} is deleted; its tokens are dead on the API and on the broker.");
    }
    writeln!(out, "The tokens of {id} are dead on the API. The rest is under way and waits for this:")?;
    writeln!(out, "  {}", deleted.waiting_for.as_deref().unwrap_or("the server"))?;
    tell_open(&deleted.cut_off.open)?;
    writeln!(out, "Twinkey goes on until it is done; `twinkey workspaces list` shows {id} as Deleting until then.")
}

/// Waits until the workspace is not listed any more. It goes without us, too.
async fn until_gone(client: &Client, id: &str) -> anyhow::Result<ExitCode> {
    let going = async {
        loop {
            tokio::time::sleep(LOOK).await;
            // The server may be away for a moment; it goes on when it is back.
            let Ok(listed) = client.get::<Vec<Workspace>>("/workspaces").await else { continue };
            if listed.iter().all(|workspace| workspace.workspace_id != id) {
                return writeln!(std::io::stdout(), "Workspace {id} is deleted.");
            }
        }
    };
    tokio::select! {
        gone = going => gone.map(|()| ExitCode::SUCCESS).map_err(Into::into),
        _ = tokio::signal::ctrl_c() => {
            eprintln!("Not waiting any longer; Twinkey goes on in the background.");
            Ok(ExitCode::FAILURE)
        }
    }
}
