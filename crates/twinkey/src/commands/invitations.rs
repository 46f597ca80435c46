//! `twinkey invitations`.

use std::io::Write;

use anyhow::Context;
use clap::Subcommand;
use twinkey_api::people::{AcceptInvitation, AcceptedInvitation, Invitation};

use super::{Output, Secrets, print_list, public_id, workspace_id};
use crate::client::{self, ServerArgs};

#[derive(Subcommand)]
pub enum Invitations {
    /// List invitations, the newest first, without their links
    #[command(after_help = "Example:\n  twinkey invitations list --workspace demo")]
    List {
        /// Those into this workspace, instead of those into the organisation
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Withdraw an invitation: its link does not work any longer
    #[command(after_help = "Example:\n  twinkey invitations revoke 4f0k2n8s0q7x3m1z --workspace demo")]
    Revoke {
        /// The invitation's id
        #[arg(value_parser = public_id)]
        id: String,
        /// It is one into this workspace
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Accept an invitation: make an account, or join with the one that you are signed in to
    ///
    /// Asks for the link, and for the password of a new account. With --stdin they are read from standard input, one in each
    /// line.
    #[command(after_help = "Example:\n  twinkey invitations accept https://twinkey.example.org --name 'Ada Lovelace'")]
    Accept {
        /// The server's URL; with --signed-in it is found like for every other command
        #[arg(required_unless_present = "signed_in")]
        url: Option<String>,
        /// What people call you
        #[arg(long)]
        name: Option<String>,
        /// Join with the account that you are signed in to
        #[arg(long, conflicts_with_all = ["url", "name"])]
        signed_in: bool,
        /// Read the link, and the password, from standard input
        #[arg(long)]
        stdin: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Invitations {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { workspace, output, server } => {
                let path = path(workspace.as_deref());
                let list = server.connect()?.list(&path, "before", |it: &Invitation| &it.id).await?;
                print_list(output, &list, ["ID", "EMAIL", "ROLE", "STATE", "INVITED BY", "EXPIRES"], |it| {
                    let by = it.invited_by.clone().unwrap_or_default();
                    let (role, state) = (it.role.name().to_owned(), format!("{:?}", it.state));
                    [it.id.clone(), it.email.clone(), role, state, by, it.expires_at.to_string()]
                })?;
            }
            Self::Revoke { id, workspace, server } => {
                server.connect()?.delete(&format!("{}/{id}", path(workspace.as_deref()))).await?;
                writeln!(std::io::stdout(), "Withdrawn; its link does not work any longer.")?;
            }
            Self::Accept { url, name, signed_in, stdin, server } => {
                let secrets = Secrets(stdin);
                let link = secrets.read("Link of the invitation")?;
                let secret = link.rsplit('#').next().unwrap_or_default().trim().to_owned();
                let accepted: AcceptedInvitation = if signed_in {
                    let body = AcceptInvitation { secret, name: None, password: None };
                    server.connect()?.post("/invitations/accept", &body).await?
                } else {
                    let url = url.context("the server's URL is missing")?;
                    let url = url.trim_end_matches('/');
                    let password = Some(secrets.read_new("Password for the new account")?);
                    let body = AcceptInvitation { secret, name, password };
                    let request = client::http_client(url, None)?.post(format!("{url}/invitations/accept"));
                    client::answer(request.json(&body), url).await?
                };
                let place = accepted.workspace_id.map_or("the organisation".into(), |id| format!("workspace {id}"));
                let (email, role) = (accepted.user.email, accepted.role.name());
                writeln!(std::io::stdout(), "{email} has the role {role} in {place} now. Sign in with: twinkey login")?;
            }
        }
        Ok(())
    }
}

fn path(workspace: Option<&str>) -> String {
    let scope = workspace.map_or("/organisations/current".to_owned(), |id| format!("/workspaces/{id}"));
    format!("{scope}/invitations")
}
