//! `twinkey password`.

use std::io::Write;

use clap::Args;
use twinkey_api::people::ChangePassword;

use super::Secrets;
use crate::client::ServerArgs;

/// Changes your password; ends your sessions on other machines. Personal access tokens stay.
///
/// Asks for the current and the new password. With --stdin they are read from standard input, one in each line.
#[derive(Args)]
#[command(after_help = "Example:\n  twinkey password\n  twinkey password --stdin < both-passwords.txt")]
pub struct Password {
    /// Read both passwords from standard input
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Password {
    pub async fn run(self) -> anyhow::Result<()> {
        let (client, secrets) = (self.server.connect()?, Secrets(self.stdin));
        let current_password = secrets.read("Current password")?;
        let new_password = secrets.read_new("New password")?;
        client.post_nothing("/profile/password", &ChangePassword { current_password, new_password }).await?;
        writeln!(std::io::stdout(), "The password is changed, and your other sessions are ended.")?;
        Ok(())
    }
}
