//! The settings of the mail server that sends invitations.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use twinkey_server::mail::MailSettings;

use crate::settings::secret_variable;

/// Without these, invitations are only shown to whoever invites.
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, where backticks would be noise")]
#[expect(clippy::struct_field_names, reason = "the names are the flags, of which there are others beside these")]
pub struct MailArgs {
    /// The mail server that sends invitations: smtps://HOST, smtp://HOST:587?tls=required (STARTTLS), or smtp://HOST:25
    /// without encryption [default: none, the link is only shown]
    #[arg(long, env = "TWINKEY_SMTP_URL", value_name = "URL", help_heading = "E-mail")]
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_url: Option<String>,

    /// Twinkey's account on the mail server, if it wants one
    #[arg(long, env = "TWINKEY_SMTP_USER", value_name = "NAME", help_heading = "E-mail")]
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_user: Option<String>,

    /// A file with that account's password; the variable TWINKEY_SMTP_PASSWORD may hold the password itself instead
    #[arg(long, env = "TWINKEY_SMTP_PASSWORD_FILE", value_name = "FILE", help_heading = "E-mail")]
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_password_file: Option<PathBuf>,

    /// The sender of invitations: an address, or 'Name <address>'
    #[arg(long, env = "TWINKEY_SMTP_FROM", value_name = "ADDRESS", help_heading = "E-mail")]
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_from: Option<String>,
}

impl MailArgs {
    /// The settings, or `None` if no mail is sent.
    pub fn resolve(self) -> anyhow::Result<Option<MailSettings>> {
        let Some(url) = self.smtp_url else { return Ok(None) };
        let Some(from) = self.smtp_from else { bail!("--smtp-url needs the sender of the mails too: --smtp-from") };
        let password = match (secret_variable("TWINKEY_SMTP_PASSWORD"), self.smtp_password_file) {
            (Some(password), _) => Some(password),
            (None, Some(path)) => {
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| format!("cannot read the mail password from {}", path.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        if self.smtp_user.is_some() != password.is_some() {
            bail!("--smtp-user and its password (TWINKEY_SMTP_PASSWORD or --smtp-password-file) are needed together");
        }
        Ok(Some(MailSettings { url, user: self.smtp_user, password: password.map(Into::into), from }))
    }
}
