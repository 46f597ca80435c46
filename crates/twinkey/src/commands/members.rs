//! `twinkey members`.

use std::{io::Write, process::ExitCode};

use anyhow::Context;
use clap::Subcommand;
use twinkey_api::{
    Role,
    people::{ChangeRole, CreatedInvitation, Member, NewInvitation, WorkspaceMember},
};

use super::{Output, confirmed, print_json, print_list, public_id, role, workspace_id};
use crate::client::{Client, ServerArgs};

#[derive(Subcommand)]
pub enum Members {
    /// List the members of the organisation, or of one workspace
    #[command(after_help = "Example:\n  twinkey members list --workspace demo")]
    List {
        /// Only who has access to this workspace, with the role that counts there
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Invite somebody; prints a link that works once
    #[command(after_help = "Example:\n  twinkey members invite ada@example.org --role Editor --workspace demo")]
    Invite {
        /// The e-mail address; nobody else can accept
        email: String,
        /// None, Viewer, Editor, Manager or Admin; not above your own
        #[arg(long, value_parser = role)]
        role: Role,
        /// Into this workspace only
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        /// For how many days the link works, 1 to 30 [default: 7]
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u8>,
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a member another role, in the organisation or in one workspace
    #[command(after_help = "Example:\n  twinkey members role ada@example.org Viewer --workspace demo")]
    Role {
        /// The member's e-mail address or id
        member: String,
        /// None, Viewer, Editor, Manager or Admin; not above your own
        #[arg(value_parser = role)]
        role: Role,
        /// In this workspace, where it wins over the role in the organisation
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Remove a member's account, or only the role in one workspace
    #[command(after_help = "Example:\n  twinkey members remove ada@example.org --workspace demo")]
    Remove {
        /// The member's e-mail address or id
        member: String,
        /// Take only the role that was given in this workspace
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Members {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List { workspace, output, server } => list(&server.connect()?, workspace, output).await?,
            Self::Invite { email, role, workspace, expires_in_days, output, server } => {
                let scope = workspace.map_or("/organisations/current".into(), |id| format!("/workspaces/{id}"));
                let body = NewInvitation { email, role, expires_in_days };
                let created = server.connect()?.post(&format!("{scope}/invitations"), &body).await?;
                tell(&created, output)?;
            }
            Self::Role { member, role, workspace, server } => {
                let client = server.connect()?;
                let id = find(&client, workspace.as_deref(), &member).await?;
                let body = ChangeRole { role };
                let place = if let Some(workspace) = workspace {
                    let path = format!("/workspaces/{workspace}/members/{id}");
                    client.put::<WorkspaceMember>(&path, &body).await?;
                    format!("workspace {workspace}")
                } else {
                    client.patch::<Member>(&format!("/organisations/current/members/{id}"), &body).await?;
                    "the organisation".into()
                };
                writeln!(std::io::stdout(), "{member} has the role {} in {place} now.", role.name())?;
            }
            Self::Remove { member, workspace, yes, server } => {
                let client = server.connect()?;
                let id = find(&client, workspace.as_deref(), &member).await?;
                let (path, question) = match &workspace {
                    Some(workspace) => (
                        format!("/workspaces/{workspace}/members/{id}"),
                        format!("Take {member} the role that was given in workspace {workspace}?"),
                    ),
                    None => (
                        format!("/organisations/current/members/{id}"),
                        format!("Remove the account of {member}, with its sessions and personal access tokens?"),
                    ),
                };
                if !yes && !confirmed(&question)? {
                    eprintln!("Nothing was changed.");
                    return Ok(ExitCode::FAILURE);
                }
                client.delete(&path).await?;
                writeln!(std::io::stdout(), "Removed {member}.")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(client: &Client, workspace: Option<String>, output: Output) -> anyhow::Result<()> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    if let Some(workspace) = workspace {
        let members = in_workspace(client, &workspace).await?;
        print_list(output, &members, ["EMAIL", "NAME", "ROLE", "GIVEN", "ID"], |member| {
            let given = if member.workspace_role.is_some() { "here" } else { "in the organisation" };
            let role = member.role.name().to_owned();
            [member.email.clone(), name(&member.name), role, given.to_owned(), member.user_id.clone()]
        })?;
    } else {
        let members = in_organisation(client).await?;
        print_list(output, &members, ["EMAIL", "NAME", "ROLE", "IN WORKSPACES", "ID"], |member| {
            let narrower = member.workspaces.iter().map(|it| format!("{}: {}", it.workspace_id, it.role.name()));
            let narrower = narrower.collect::<Vec<_>>().join(", ");
            let role = member.role.name().to_owned();
            [member.email.clone(), name(&member.name), role, narrower, member.user_id.clone()]
        })?;
    }
    Ok(())
}

async fn in_organisation(client: &Client) -> anyhow::Result<Vec<Member>> {
    client.list("/organisations/current/members", "after", |member: &Member| &member.email).await
}

async fn in_workspace(client: &Client, workspace: &str) -> anyhow::Result<Vec<WorkspaceMember>> {
    let path = format!("/workspaces/{workspace}/members");
    client.list(&path, "after", |member: &WorkspaceMember| &member.email).await
}

/// The id of a member who is named by address or id.
async fn find(client: &Client, workspace: Option<&str>, member: &str) -> anyhow::Result<String> {
    if !member.contains('@') {
        return public_id(member).map_err(anyhow::Error::msg);
    }
    let is_it = |email: &str| email.eq_ignore_ascii_case(member);
    // Whoever manages one workspace may not list the organisation; whoever may can bring in somebody from outside.
    let mut found = None;
    if let Some(workspace) = workspace {
        let members = in_workspace(client, workspace).await?;
        found = members.into_iter().find(|it| is_it(&it.email)).map(|it| it.user_id);
    }
    if found.is_none() {
        let members = in_organisation(client).await;
        let members = if workspace.is_some() { members.unwrap_or_default() } else { members? };
        found = members.into_iter().find(|it| is_it(&it.email)).map(|it| it.user_id);
    }
    found
        .with_context(|| format!("there is no member {member}; invite with `twinkey members invite {member} --role …`"))
}

fn tell(created: &CreatedInvitation, output: Output) -> anyhow::Result<()> {
    if output == Output::Json {
        return Ok(print_json(created)?);
    }
    let invitation = &created.invitation;
    let place = invitation.workspace_id.as_ref().map_or("the organisation".into(), |id| format!("workspace {id}"));
    let emailed = match created.emailed {
        Some(true) => "It was sent by e-mail as well.",
        Some(false) => "It could NOT be sent by e-mail; the server's log says why.",
        None => "The server sends no e-mail: hand it over yourself.",
    };
    writeln!(
        std::io::stdout(),
        "Invited {} into {place} as {}. The link works once, until {}, and is shown only now:\n\n  {}\n\n{emailed}",
        invitation.email,
        invitation.role.name(),
        invitation.expires_at,
        created.link
    )?;
    Ok(())
}
