//! The credential by which the command line on the server's own machine and account is signed in.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::json;
use twinkey_api::{TokenKind, token::Secret};
use zeroize::Zeroizing;

use crate::{
    app::App,
    audit::{self, Actor, Event},
    db,
    files::write_private,
    start::StartError,
};

/// The name of the personal access token that the command line on the server's own machine uses.
pub const TOKEN_NAME: &str = "local command line";

const FILE: &str = "cli.json";

/// The credential of the command line on the server's own machine; `cli.json` in the data directory, mode 0600.
#[derive(Serialize, Deserialize)]
pub struct CliCredential {
    /// The API.
    pub url: String,
    /// A personal access token of the first administrator.
    pub token: String,
    /// The certificate (DER in base64) that the server shows, and the only one to accept: its name is the public one, which
    /// `localhost` is not, and its authority may be unknown here. Absent: plain HTTP, or another machine's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A new credential at each start, so that a copy of the file that got away dies with the next start.
pub async fn renew(app: &App, directory: &Path, url: &str, certificate: Option<String>) -> Result<(), StartError> {
    let Some(admin) = db::users::find_admin(&*app.db).await? else { return Ok(()) };
    let (secret, now) = (app.random.with(|rng| Secret::generate(TokenKind::Pat, rng)), app.now());
    let row = db::pats::Model {
        id: app.random.id(),
        user_id: admin.id,
        name: TOKEN_NAME.to_owned(),
        hash: app.keys.hash(&secret).to_vec(),
        created_at: now.as_millisecond(),
        expires_at: None,
        key_id: None,
    };
    let id = row.id.clone();
    let transaction = app.db.write().await?;
    db::pats::delete_named(&*transaction, TOKEN_NAME).await?;
    db::pats::insert(&*transaction, row).await?;
    let event = Event { target: Some(&id), detail: json!({"name": TOKEN_NAME}), ..Event::new("pat.created") };
    audit::append(&*transaction, &Actor::system(), now, event).await?;
    transaction.commit().await?;
    let credential = CliCredential { url: url.to_owned(), token: secret.expose().to_owned(), certificate };
    write(directory, &credential).map_err(|error| StartError::DataDir(directory.to_owned(), error))
}

/// Tells the command line that the server shows another certificate from now on.
pub fn set_certificate(directory: &Path, certificate: String) -> io::Result<()> {
    let text = Zeroizing::new(fs::read(directory.join(FILE))?);
    let credential: CliCredential = serde_json::from_slice(&text)?;
    write(directory, &CliCredential { certificate: Some(certificate), ..credential })
}

fn write(directory: &Path, credential: &CliCredential) -> io::Result<()> {
    let text = Zeroizing::new(serde_json::to_vec(credential).expect("plain data"));
    write_private(&directory.join(FILE), &text)
}
