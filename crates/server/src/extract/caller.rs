//! Who is asking: the one place where a credential is checked.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use jiff::Timestamp;
use twinkey_api::{Role, TokenKind, token::Secret};

use crate::{
    app::App,
    audit::Actor,
    db,
    error::ApiError,
    http::proxies::ClientAddress,
    registry::KnownToken,
    rekeying::{self, Used},
    validity::{self, Verdict},
};

/// An authenticated caller.
pub enum Caller {
    /// A program with an SDK token.
    Sdk(Arc<KnownToken>),
    /// A person, or a script that acts for one.
    User(UserCaller),
}

/// A user, and the credential that proved it.
pub struct UserCaller {
    /// Who.
    pub user: db::users::Model,
    /// A PAT or a session.
    pub kind: TokenKind,
    /// The credential's public id.
    pub credential_id: String,
    /// When the credential ends.
    pub expires_at: Option<Timestamp>,
    address: String,
}

impl UserCaller {
    /// The caller as the audit log names it.
    pub fn actor(&self) -> Actor {
        let kind = if self.kind == TokenKind::Pat { "pat" } else { "session" };
        Actor {
            name: self.user.email.clone(),
            credential: format!("{kind}:{}", self.credential_id),
            address: self.address.clone(),
        }
    }

    /// Refuses with 403 unless the role at organisation scope suffices.
    pub fn require_in_organisation(&self, needed: Role) -> Result<(), ApiError> {
        let actual = self.user.organisation_role();
        if actual >= needed { Ok(()) } else { Err(ApiError::RoleTooLow { needed, actual }) }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Some(token) = bearer(parts) else {
            app.metrics.authenticated("none", "malformed");
            return Err(ApiError::Unauthenticated);
        };
        match token.kind() {
            TokenKind::Sdk => sdk(app, &token).await.map(Self::Sdk),
            TokenKind::Pat | TokenKind::Session => user(app, &token, ClientAddress::of(parts)).await.map(Self::User),
        }
    }
}

/// A person or a script that acts for one; SDK tokens are refused with 403.
pub struct SignedIn(pub UserCaller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::User(user) => Ok(Self(user)),
            Caller::Sdk(_) => Err(ApiError::StreamingOnly),
        }
    }
}

/// The token of the `Authorization` header; the scheme in any case, because clients differ.
fn bearer(parts: &Parts) -> Option<Secret> {
    let header = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Secret::parse(token.trim()).ok()
}

async fn sdk(app: &App, token: &Secret) -> Result<Arc<KnownToken>, ApiError> {
    match validity::verdict(app, token).await? {
        Verdict::Valid(known) => {
            known.touch(app.now());
            app.metrics.authenticated("sdk", "accepted");
            Ok(known)
        }
        Verdict::RotatedOut { workspace_id, deactivated_at } => {
            app.metrics.authenticated("sdk", "rotated_out");
            Err(ApiError::RotatedOut { workspace_id, deactivated_at })
        }
        Verdict::Deleted { workspace_id, deleted_at } => {
            app.metrics.authenticated("sdk", "workspace_deleted");
            Err(ApiError::WorkspaceDeleted { workspace_id, deleted_at })
        }
        Verdict::Unknown => {
            app.metrics.authenticated("sdk", "unknown");
            Err(ApiError::Unauthenticated)
        }
    }
}

async fn user(app: &App, token: &Secret, address: String) -> Result<UserCaller, ApiError> {
    let (hashes, now) = (app.keys.hashes(token), app.now());
    let (name, found) = if token.kind() == TokenKind::Pat {
        let pat = db::pats::find_valid(&*app.db, &hashes, now).await?;
        if let Some(pat) = &pat {
            rekeying::at_use(app, Used::Pat(&pat.id), pat.key_id.as_deref(), token).await;
        }
        ("pat", pat.map(|pat| (pat.user_id, pat.id, pat.expires_at)))
    } else {
        let session = db::sessions::find_valid(&*app.db, &hashes, now).await?;
        if let Some(session) = &session {
            rekeying::at_use(app, Used::Session(&session.id), session.key_id.as_deref(), token).await;
        }
        ("session", session.map(|session| (session.user_id, session.id, Some(session.expires_at))))
    };
    let Some((user_id, credential_id, expires_at)) = found else {
        app.metrics.authenticated(name, "unknown");
        return Err(ApiError::Unauthenticated);
    };
    let user = db::users::find(&*app.db, &user_id).await?.ok_or(ApiError::Unauthenticated)?;
    app.metrics.authenticated(name, "accepted");
    let expires_at = expires_at.map(db::timestamp);
    Ok(UserCaller { user, kind: token.kind(), credential_id, expires_at, address })
}
