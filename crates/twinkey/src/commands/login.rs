//! `twinkey login`.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use twinkey_api::auth::{SignIn, SignedIn};
use twinkey_server::cli_credential::CliCredential;

use crate::client;

/// Signs in with e-mail address and password, and keeps the session in a file that only this account can read.
#[derive(Args)]
#[command(after_help = "Example:\n  twinkey login https://twinkey.example.org --email ada@example.org")]
pub struct Login {
    /// The server's URL
    url: String,
    /// The account's e-mail address
    #[arg(long, default_value = "admin@localhost")]
    email: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl Login {
    pub async fn run(self) -> anyhow::Result<()> {
        let url = self.url.trim_end_matches('/').to_owned();
        let password = if self.password_stdin {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("cannot read the password")?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            rpassword::prompt_password(format!("Password of {}: ", self.email)).context("cannot read the password")?
        };
        let body = SignIn { email: self.email, password };
        let response = client::http_client(&url, None)?.post(format!("{url}/auth/sign-in")).json(&body).send().await;
        let response = response.with_context(|| format!("no server answers at {url}"))?;
        let status = response.status();
        if status == reqwest::StatusCode::UNAUTHORIZED {
            anyhow::bail!("the e-mail address or the password is wrong");
        }
        anyhow::ensure!(status.is_success(), "{url} answered {status}");
        let signed_in: SignedIn =
            response.json().await.with_context(|| format!("{url} does not answer like a Twinkey server"))?;
        let path = client::login_file()?;
        client::write_credential(
            &path,
            &CliCredential { url: url.clone(), token: signed_in.token, certificate: None },
        )?;
        writeln!(std::io::stdout(), "Signed in to {url} as {} until {}.", signed_in.user.email, signed_in.expires_at)?;
        Ok(())
    }
}
