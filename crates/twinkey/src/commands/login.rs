//! `twinkey login`.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use twinkey_api::{
    auth::{SignIn, SignedIn},
    error::ErrorBody,
};
use twinkey_server::cli_credential::CliCredential;

use super::Secrets;
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
        let password = Secrets(self.password_stdin).read(&format!("Password of {}", self.email))?;
        let body = SignIn { email: self.email, password };
        let response = client::http_client(&url, None)?.post(format!("{url}/auth/sign-in")).json(&body).send().await;
        let response = response.with_context(|| format!("no server answers at {url}"))?;
        let status = response.status();
        if status == reqwest::StatusCode::UNAUTHORIZED {
            anyhow::bail!("the e-mail address or the password is wrong");
        }
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let error: ErrorBody = response.json().await?;
            anyhow::bail!("{}", error.message);
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
