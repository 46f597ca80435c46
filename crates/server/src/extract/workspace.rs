//! Authority over one workspace, proved once per request. Handlers take the workspace from here and from nowhere else.

use std::{marker::PhantomData, sync::Arc};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use twinkey_api::{Role, WorkspaceId};

use super::{Caller, UserCaller};
use crate::{
    app::App,
    db,
    error::ApiError,
    registry::{KnownToken, Pair},
    validity,
};

/// A role as a type, so that a handler's signature says what it needs.
pub trait AtLeast: Send {
    /// The least role that suffices.
    const ROLE: Role;
}

macro_rules! roles {
    ($($name:ident),*) => {$(
        #[doc = concat!("At least the role ", stringify!($name), ".")]
        pub struct $name;
        impl AtLeast for $name {
            const ROLE: Role = Role::$name;
        }
    )*};
}
roles!(Viewer, Editor, Manager, Admin);

/// A caller that may use the streaming API of the workspace in the path: its own SDK token, or a user with the role `A`.
pub struct Streaming<A> {
    /// Who.
    pub caller: Caller,
    /// Where.
    pub workspace_id: WorkspaceId,
    token: Arc<KnownToken>,
    /// The caller's role there; an SDK token counts as Editor, which is what streaming needs.
    pub role: Role,
    needed: PhantomData<A>,
}

impl<A> Streaming<A> {
    /// The token whose broker principal the caller uses: its own, or Token 1 for people.
    pub fn token(&self) -> &Arc<KnownToken> {
        &self.token
    }

    /// Asks again whether the caller's SDK token is valid. For handlers that change something after reading a body: whoever
    /// sends that slowly enough could otherwise act with a token that was rotated out meanwhile.
    pub async fn confirm(&self, app: &App) -> Result<(), ApiError> {
        let Caller::Sdk(sdk) = &self.caller else { return Ok(()) };
        if validity::is_still_valid(app, &sdk.token).await? { Ok(()) } else { Err(ApiError::Unauthenticated) }
    }
}

impl<A: AtLeast> FromRequestParts<Arc<App>> for Streaming<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let asked = workspace_in_path(parts).await?;
        match caller {
            Caller::Sdk(sdk) if sdk.token.workspace_id.as_str() == asked => {
                let (token, role) = (sdk.token.clone(), Role::Editor);
                let workspace_id = token.workspace_id.clone();
                Ok(Self { caller: Caller::Sdk(sdk), workspace_id, token, role, needed: PhantomData })
            }
            Caller::Sdk(sdk) => Err(ApiError::OtherWorkspace { own: sdk.token.workspace_id.to_string() }),
            Caller::User(user) => {
                let (workspace_id, pair, role) = user_in(app, &user, &asked, A::ROLE).await?;
                let (caller, token) = (Caller::User(user), pair.current);
                Ok(Self { caller, workspace_id, token, role, needed: PhantomData })
            }
        }
    }
}

/// A user with at least the role `A` in the workspace in the path; SDK tokens are refused.
pub struct Manage<A> {
    /// Who.
    pub user: UserCaller,
    /// Where.
    pub workspace_id: WorkspaceId,
    /// The workspace's tokens.
    pub pair: Pair,
    /// The user's role there.
    pub role: Role,
    needed: PhantomData<A>,
}

impl<A: AtLeast> FromRequestParts<Arc<App>> for Manage<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller::User(user) = Caller::from_request_parts(parts, app).await? else {
            return Err(ApiError::StreamingOnly);
        };
        let asked = workspace_in_path(parts).await?;
        let (workspace_id, pair, role) = user_in(app, &user, &asked, A::ROLE).await?;
        Ok(Self { user: *user, workspace_id, pair, role, needed: PhantomData })
    }
}

/// A user who may delete the workspace in the path, also one that is on its way out already: whoever asks again wants to know how
/// far it is. The role is Manager, as for making one: the matrix gives Managers the workspaces. That tokens end by it does not
/// raise it to Admin. What Admins alone may do, rotate, is done to a workspace that goes on, and everybody in it depends on it.
pub struct Remove {
    /// Who.
    pub user: UserCaller,
    /// Where.
    pub workspace_id: WorkspaceId,
}

impl FromRequestParts<Arc<App>> for Remove {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let Caller::User(user) = Caller::from_request_parts(parts, app).await? else {
            return Err(ApiError::StreamingOnly);
        };
        let asked = workspace_in_path(parts).await?;
        let not_found = || ApiError::NotFound(format!("Workspace '{asked}'"));
        let workspace_id = WorkspaceId::parse(&asked).map_err(|_| not_found())?;
        db::workspaces::find(&*app.db, &asked).await?.ok_or_else(not_found)?;
        authorised(app, &user, &workspace_id, Role::Manager).await?;
        Ok(Self { user: *user, workspace_id })
    }
}

async fn workspace_in_path(parts: &mut Parts) -> Result<String, ApiError> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|error| ApiError::bad_request("InvalidPath", error.body_text()))?;
    let found = params.iter().find(|(name, _)| *name == "workspace_id").map(|(_, value)| value.to_owned());
    found.ok_or_else(|| ApiError::Internal("the route has no {workspace_id}".into()))
}

/// Who may not even see a workspace gets the same 404 as for one that does not exist.
async fn user_in(
    app: &App,
    user: &UserCaller,
    asked: &str,
    needed: Role,
) -> Result<(WorkspaceId, Pair, Role), ApiError> {
    let not_found = || ApiError::NotFound(format!("Workspace '{asked}'"));
    let workspace_id = WorkspaceId::parse(asked).map_err(|_| not_found())?;
    let pair = validity::pair(app, &workspace_id).await?.ok_or_else(not_found)?;
    let actual = authorised(app, user, &workspace_id, needed).await?;
    Ok((workspace_id, pair, actual))
}

/// The user's role in a workspace, if it suffices.
async fn authorised(app: &App, user: &UserCaller, workspace_id: &WorkspaceId, needed: Role) -> Result<Role, ApiError> {
    let actual = user.role_in(&*app.db, workspace_id).await?;
    if actual == Role::None {
        return Err(ApiError::NotFound(format!("Workspace '{workspace_id}'")));
    }
    if actual < needed {
        return Err(ApiError::RoleTooLow { needed, actual });
    }
    Ok(actual)
}
