//! `twinkey ready`: the question of a health check, for images that have no HTTP client.

use std::{io::Write, process::ExitCode};

use clap::Args;

use crate::client::ServerArgs;

/// Exit status 0 if the server may be sent requests, 1 if it is not ready or does not answer.
#[derive(Args)]
pub struct Ready {
    #[command(flatten)]
    server: ServerArgs,
}

impl Ready {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let ready = self.server.connect()?.get_text("/readyz").await?;
        writeln!(std::io::stdout(), "{}", ready.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
