//! The credential by which the command line on the server's own machine and account is signed in.

use std::path::Path;

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

/// The credential of the command line on the server's own machine; `cli.json` in the data directory, mode 0600.
#[derive(Serialize, Deserialize)]
pub struct CliCredential {
    /// The API.
    pub url: String,
    /// A personal access token of the first administrator.
    pub token: String,
}

/// A new credential at each start, so that a copy of the file that got away dies with the next start.
pub async fn renew(app: &App, directory: &Path, url: &str) -> Result<(), StartError> {
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
    let credential = CliCredential { url: url.to_owned(), token: secret.expose().to_owned() };
    let text = Zeroizing::new(serde_json::to_vec(&credential).expect("plain data"));
    write_private(&directory.join("cli.json"), &text).map_err(|error| StartError::DataDir(directory.to_owned(), error))
}
