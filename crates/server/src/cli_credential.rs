//! The credential by which the command line on the server's own machine and account is signed in.

use std::{fs, io, path::Path};

use sea_orm::ConnectionTrait;
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

/// The file in the data directory.
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

/// A new credential at each start, so that a copy of the file that got away dies with the next start. The one before is told
/// by the file: other replicas have credentials of the same name.
/// Returns the credential's public id.
pub async fn renew(
    app: &App,
    directory: &Path,
    url: &str,
    certificate: Option<String>,
) -> Result<Option<String>, StartError> {
    let Some(admin) = db::users::find_admin(&*app.db).await? else { return Ok(None) };
    let (secret, now) = (app.random.with(|rng| Secret::generate(TokenKind::Pat, rng)), app.now());
    let row = db::pats::Model {
        id: app.random.id(),
        user_id: admin.id,
        name: TOKEN_NAME.to_owned(),
        hash: app.keys.hash(&secret).to_vec(),
        created_at: now.as_millisecond(),
        expires_at: None,
        key_id: Some(app.keys.id().to_owned()),
        workspace_id: None,
        role: None,
        last_used_at: None,
    };
    let id = row.id.clone();
    let transaction = app.db.write().await?;
    if app.replicas.are_possible() {
        delete_former(app, &*transaction, directory).await?;
    } else {
        db::pats::delete_named(&*transaction, TOKEN_NAME).await?;
    }
    db::pats::insert(&*transaction, row).await?;
    let event = Event { target: Some(&id), detail: json!({"name": TOKEN_NAME}), ..Event::new("pat.created") };
    audit::append(&*transaction, &Actor::system(), now, event).await?;
    transaction.commit().await?;
    let credential = CliCredential { url: url.to_owned(), token: secret.expose().to_owned(), certificate };
    write(directory, &credential).map_err(|error| StartError::DataDir(directory.to_owned(), error))?;
    Ok(Some(id))
}

/// Tells the command line that the server shows another certificate from now on.
pub fn set_certificate(directory: &Path, certificate: String) -> io::Result<()> {
    let text = Zeroizing::new(fs::read(directory.join(FILE))?);
    let credential: CliCredential = serde_json::from_slice(&text)?;
    write(directory, &CliCredential { certificate: Some(certificate), ..credential })
}

/// Ends the credential of a replica that stops: its directory may be gone for good with its container.
pub async fn end(app: &App, id: &str) {
    if app.replicas.are_possible()
        && let Err(error) = db::pats::delete_by_id(&*app.db, id).await
    {
        tracing::warn!(%error, "the local command line's credential outlives this replica");
    }
}

/// Ends the credential that an earlier start on this directory has left.
async fn delete_former(app: &App, db: &impl ConnectionTrait, directory: &Path) -> Result<(), sea_orm::DbErr> {
    let file = fs::read(directory.join(FILE)).map(Zeroizing::new).ok();
    let former = file.and_then(|file| serde_json::from_slice::<CliCredential>(&file).ok());
    match former.and_then(|former| Secret::parse(&former.token).ok()) {
        Some(token) => db::pats::delete_by_hash(db, &app.keys.hashes(&token)).await,
        None => Ok(()),
    }
}

fn write(directory: &Path, credential: &CliCredential) -> io::Result<()> {
    let text = Zeroizing::new(serde_json::to_vec(credential).expect("plain data"));
    write_private(&directory.join(FILE), &text)
}
