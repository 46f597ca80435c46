//! `twinkey pats`.

use std::io::Write;

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use twinkey_api::{
    Role,
    auth::{CreatedPat, NewPat, Pat},
};

use super::{Output, or_never, post_confirmed, print_json, print_list, public_id, role, workspace_id};
use crate::client::ServerArgs;

#[derive(Subcommand)]
pub enum Pats {
    /// List your personal access tokens, without their values
    #[command(after_help = "Example:\n  twinkey pats list --output json")]
    List {
        /// How to print it
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Create a personal access token; prints its value, which is shown only now
    #[command(after_help = "Example:\n  twinkey pats create ci --days 90 --workspace demo --role Editor")]
    Create {
        /// What it is for
        name: String,
        /// For how many days it works [default: for ever]
        #[arg(long, value_name = "DAYS")]
        days: Option<u16>,
        /// Give access to this workspace only
        #[arg(long, short, value_parser = workspace_id)]
        workspace: Option<String>,
        /// Never allow more than this role
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// How to print it; a table prints the value alone, for a file or a variable
        #[arg(long, value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// End a personal access token
    #[command(after_help = "Example:\n  twinkey pats delete 4f0k2n8s0q7x3m1z")]
    Delete {
        /// The token's id
        #[arg(value_parser = public_id)]
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Pats {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { output, server } => {
                let list = server.connect()?.list("/profile/tokens", "before", |it: &Pat| &it.id).await?;
                print_list(output, &list, ["ID", "NAME", "WORKSPACE", "ROLE UP TO", "EXPIRES", "LAST USED"], |it| {
                    let workspace = it.workspace_id.clone().unwrap_or_else(|| "all".into());
                    let role = it.role.map_or("yours", Role::name).to_owned();
                    let (expires, used) = (or_never(it.expires_at), or_never(it.last_used_at));
                    [it.id.clone(), it.name.clone(), workspace, role, expires, used]
                })?;
            }
            Self::Create { name, days, workspace, role, output, server } => {
                #[expect(clippy::disallowed_methods, reason = "days are counted from now")]
                let now = Timestamp::now();
                let expires_at = days.map(|days| now + SignedDuration::from_hours(24 * i64::from(days)));
                let body = NewPat { name, expires_at, workspace_id: workspace, role };
                let created: CreatedPat = post_confirmed(&server.connect()?, "/profile/tokens", &body).await?;
                match output {
                    Output::Json => print_json(&created)?,
                    Output::Table => {
                        let expires = or_never(created.expires_at);
                        eprintln!(
                            "Token {} ({}), expires: {expires}. Its value is shown only now:",
                            created.name, created.id
                        );
                        writeln!(std::io::stdout(), "{}", created.value)?;
                    }
                }
            }
            Self::Delete { id, server } => {
                server.connect()?.delete(&format!("/profile/tokens/{id}")).await?;
                writeln!(std::io::stdout(), "Ended.")?;
            }
        }
        Ok(())
    }
}
