//! Who is asking: the one place where a credential is checked.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};
use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use twinkey_api::{Role, TokenKind, WorkspaceId, token::Secret, usage::Via};
use twinkey_embedded_broker::Meter;

use super::workspace::AtLeast;

use crate::{
    app::App,
    audit::Actor,
    db,
    error::ApiError,
    http::proxies::ClientAddress,
    registry::KnownToken,
    rekeying::{self, Used},
    sign_in::cookie,
    usage::{self, LastClient, clients::Client, identity::Seen},
    validity::{self, Verdict},
};

/// An authenticated caller.
pub enum Caller {
    /// A program with an SDK token.
    Sdk(SdkCaller),
    /// A person, or a script that acts for one.
    User(Box<UserCaller>),
}

impl Caller {
    /// The caller as the audit log names it.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Sdk(sdk) => Actor {
                name: "SDK token".into(),
                credential: format!("sdk:{}", sdk.token.id),
                address: sdk.address.clone(),
            },
            Self::User(user) => user.actor(),
        }
    }
}

/// A program, and the token that proved it.
pub struct SdkCaller {
    /// Its token.
    pub token: Arc<KnownToken>,
    /// Where its use is counted.
    pub client: Arc<Client>,
    address: String,
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
    /// What the credential is limited to.
    pub limits: Limits,
    /// Of a session: when it was last proved who its user is.
    pub proved_at: Option<Timestamp>,
    address: String,
}

/// What a personal access token is limited to. The rights of a request are those that both the user and the token have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// The only workspace that it opens.
    pub workspace_id: Option<String>,
    /// The role that it never exceeds.
    pub role: Option<Role>,
}

impl Limits {
    fn of(pat: &db::pats::Model) -> Self {
        let role = pat.role.as_deref().map(Role::from_stored);
        Self { workspace_id: pat.workspace_id.clone(), role }
    }

    /// What is left of a role in the organisation.
    pub fn in_organisation(&self, role: Role) -> Role {
        if self.workspace_id.is_some() { Role::None } else { self.role.map_or(role, |most| most.min(role)) }
    }

    /// What is left of a role in a workspace.
    pub fn in_workspace(&self, workspace_id: &str, role: Role) -> Role {
        let elsewhere = self.workspace_id.as_ref().is_some_and(|only| only != workspace_id);
        if elsewhere { Role::None } else { self.role.map_or(role, |most| most.min(role)) }
    }
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

    /// Refuses a session whose user was last proved too long ago to be shown a secret: somebody else may sit there by now. Programs,
    /// with a personal access token, are not asked.
    pub fn proved_lately(&self, app: &App) -> Result<(), ApiError> {
        let (Some(within), Some(proved_at)) = (app.confirm_password_after, self.proved_at) else { return Ok(()) };
        // A clock that was set back does not make it any older.
        if app.now().duration_since(proved_at).unsigned_abs() <= within || app.now() < proved_at {
            return Ok(());
        }
        let minutes = within.as_secs() / 60;
        if !self.user.password_hash.is_empty() {
            return Err(ApiError::PasswordConfirmationNeeded { minutes });
        }
        let with = app.oidc.as_ref().map_or_else(String::new, |provider| format!(" at {}", provider.settings.name));
        Err(ApiError::SignInAgainNeeded { with, minutes })
    }

    /// The role in the organisation that this request has.
    pub fn organisation_role(&self) -> Role {
        self.limits.in_organisation(self.user.organisation_role())
    }

    /// The role in a workspace that this request has.
    pub async fn role_in(&self, db: &impl ConnectionTrait, workspace_id: &WorkspaceId) -> Result<Role, DbErr> {
        let role = db::users::role_in(db, &self.user, workspace_id).await?;
        Ok(self.limits.in_workspace(workspace_id.as_str(), role))
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = match parts.headers.get(header::AUTHORIZATION) {
            Some(_) => bearer(parts),
            None => cookie::session(parts, app)?,
        };
        match token {
            Some(token) if token.kind() == TokenKind::Sdk => sdk(app, &token, parts).await.map(Self::Sdk),
            Some(token) if matches!(token.kind(), TokenKind::Pat | TokenKind::Session) => {
                user(app, &token, ClientAddress::of(parts)).await.map(|user| Self::User(Box::new(user)))
            }
            _ => {
                app.metrics.authenticated("none", "malformed");
                Err(ApiError::Unauthenticated)
            }
        }
    }
}

/// A person or a script that acts for one; SDK tokens are refused with 403.
pub struct SignedIn(pub UserCaller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::User(user) => Ok(Self(*user)),
            Caller::Sdk(_) => Err(ApiError::StreamingOnly),
        }
    }
}

/// Like [`SignedIn`], for what belongs to the account itself: its credentials, its password. A token that is limited to a
/// workspace or a role is refused, because it could free itself of its limits here.
pub struct OwnAccount(pub UserCaller);

impl FromRequestParts<Arc<App>> for OwnAccount {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let SignedIn(user) = SignedIn::from_request_parts(parts, app).await?;
        if user.limits == Limits::default() { Ok(Self(user)) } else { Err(ApiError::LimitedToken) }
    }
}

/// A user with at least the role `A` in the organisation; SDK tokens are refused.
pub struct InOrganisation<A> {
    /// Who.
    pub user: UserCaller,
    needed: PhantomData<A>,
}

impl<A: AtLeast> FromRequestParts<Arc<App>> for InOrganisation<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let SignedIn(user) = SignedIn::from_request_parts(parts, app).await?;
        let (needed, actual) = (A::ROLE, user.organisation_role());
        if actual < needed {
            return Err(ApiError::RoleTooLow { needed, actual });
        }
        Ok(Self { user, needed: PhantomData })
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

async fn sdk(app: &App, token: &Secret, parts: &Parts) -> Result<SdkCaller, ApiError> {
    match validity::verdict(app, token).await? {
        Verdict::Valid(known) => {
            let now = app.now();
            known.touch(now);
            app.metrics.authenticated("sdk", "accepted");
            let of = (known.id.as_str(), known.workspace_id.as_str());
            let client = app.usage.clients.find(of, seen(parts), now);
            client.count(1, 0, now);
            if let Some(last) = parts.extensions.get::<LastClient>() {
                last.set(client.clone());
            }
            Ok(SdkCaller { token: known, client, address: ClientAddress::of(parts) })
        }
        Verdict::RotatedOut { token_id, workspace_id, deactivated_at } => {
            app.metrics.authenticated("sdk", "rotated_out");
            let now = app.now();
            app.usage.clients.find((&token_id, &workspace_id), seen(parts), now).refused(1, now);
            Err(ApiError::RotatedOut { workspace_id, deactivated_at })
        }
        Verdict::Deleted { token_id, workspace_id, deleted_at } => {
            app.metrics.authenticated("sdk", "workspace_deleted");
            let now = app.now();
            app.usage.clients.find((&token_id, usage::DELETED), seen(parts), now).refused(1, now);
            Err(ApiError::WorkspaceDeleted { workspace_id, deleted_at })
        }
        Verdict::Unknown => {
            app.metrics.authenticated("sdk", "unknown");
            Err(ApiError::Unauthenticated)
        }
    }
}

/// Where a request comes from and what its program calls itself.
fn seen(parts: &Parts) -> Seen<'_> {
    let agent = parts.headers.get(header::USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
    let address = ClientAddress::ip(parts);
    Seen { via: Via::Api, address, agent, software: ("", "") }
}

async fn user(app: &App, token: &Secret, address: String) -> Result<UserCaller, ApiError> {
    let (hashes, now) = (app.keys.hashes(token), app.now());
    let (name, found) = if token.kind() == TokenKind::Pat {
        let pat = db::pats::find_valid(&*app.db, &hashes, now).await?;
        if let Some(pat) = &pat {
            rekeying::at_use(app, Used::Pat(&pat.id), pat.key_id.as_deref(), token).await;
        }
        ("pat", pat.map(|pat| (Limits::of(&pat), pat.user_id, pat.id, pat.expires_at, None)))
    } else {
        let session = db::sessions::find_valid(&*app.db, &hashes, now).await?;
        if let Some(session) = &session {
            rekeying::at_use(app, Used::Session(&session.id), session.key_id.as_deref(), token).await;
        }
        let describe = |session: db::sessions::Model| {
            let proved_at = session.confirmed_at.unwrap_or(session.created_at);
            (Limits::default(), session.user_id, session.id, Some(session.expires_at), Some(proved_at))
        };
        ("session", session.map(describe))
    };
    let Some((limits, user_id, credential_id, expires_at, proved_at)) = found else {
        app.metrics.authenticated(name, "unknown");
        return Err(ApiError::Unauthenticated);
    };
    let user = db::users::find(&*app.db, &user_id).await?.ok_or(ApiError::Unauthenticated)?;
    app.metrics.authenticated(name, "accepted");
    app.last_uses.note(token.kind(), &credential_id, now);
    let (expires_at, proved_at) = (expires_at.map(db::timestamp), proved_at.map(db::timestamp));
    Ok(UserCaller { user, kind: token.kind(), credential_id, expires_at, limits, proved_at, address })
}
