//! The settings of an OpenID Connect provider at which people can sign in.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::{Deserialize, Serialize};
use twinkey_api::Role;
use twinkey_server::sign_in::oidc::OidcSettings;

use crate::settings::secret_variable;

/// Without these, people sign in with a password only.
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[expect(clippy::doc_markdown, reason = "the comments are the help text, where backticks would be noise")]
#[expect(clippy::struct_field_names, reason = "the names are the flags, of which there are others beside these")]
pub struct OidcArgs {
    /// The issuer URL of an OpenID Connect provider at which members can sign in; register {public-url}/auth/oidc/callback
    /// there [default: none]
    #[arg(long, env = "TWINKEY_OIDC_ISSUER", value_name = "URL", help_heading = "OpenID Connect")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_issuer: Option<String>,

    /// Twinkey's client id at the provider
    #[arg(long, env = "TWINKEY_OIDC_CLIENT_ID", value_name = "ID", help_heading = "OpenID Connect")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_client_id: Option<String>,

    /// A file with the client's secret; the variable TWINKEY_OIDC_CLIENT_SECRET may hold the secret itself instead
    /// [default: none, a public client]
    #[arg(long, env = "TWINKEY_OIDC_CLIENT_SECRET_FILE", value_name = "FILE", help_heading = "OpenID Connect")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_client_secret_file: Option<PathBuf>,

    /// What people are shown as the provider's name [default: Single sign-on]
    #[arg(long, env = "TWINKEY_OIDC_NAME", value_name = "NAME", help_heading = "OpenID Connect")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_name: Option<String>,

    /// Make an account with this role for everybody whose address the provider has verified [default: only members and
    /// invited people get in]
    #[arg(long, env = "TWINKEY_OIDC_DEFAULT_ROLE", value_name = "ROLE", help_heading = "OpenID Connect")]
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_default_role: Option<String>,
}

impl OidcArgs {
    /// The settings, or `None` if there is no provider.
    pub fn resolve(self) -> anyhow::Result<Option<OidcSettings>> {
        let Some(issuer) = self.oidc_issuer else { return Ok(None) };
        let url = reqwest::Url::parse(&issuer).with_context(|| format!("--oidc-issuer {issuer} is not a URL"))?;
        let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !local {
            bail!("--oidc-issuer {issuer} must be https: else anybody on the way could sign in as anybody");
        }
        let Some(client_id) = self.oidc_client_id else { bail!("--oidc-issuer needs --oidc-client-id too") };
        let client_secret = match (secret_variable("TWINKEY_OIDC_CLIENT_SECRET"), self.oidc_client_secret_file) {
            (Some(secret), _) => Some(secret),
            (None, Some(path)) => {
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| format!("cannot read the client's secret from {}", path.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => None,
        };
        let default_role = self.oidc_default_role.map(|name| {
            Role::from_name(&name).with_context(|| {
                format!("--oidc-default-role {name} is not one of None, Viewer, Editor, Manager and Admin")
            })
        });
        Ok(Some(OidcSettings {
            issuer,
            client_id,
            client_secret: client_secret.map(Into::into),
            name: self.oidc_name.unwrap_or_else(|| "Single sign-on".into()),
            default_role: default_role.transpose()?,
        }))
    }
}
