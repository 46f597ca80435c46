//! The one error of the HTTP API.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use sea_orm::DbErr;
use twinkey_api::{Role, error::ErrorBody, usage::SafeToRotate};

use crate::{
    db::{self, Failure},
    http::observe::CorrelationId,
    registry::LoadError,
};

/// What a handler answers when it cannot do what was asked. Its text is public; what is not goes to the log only.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No credential, or one that is not valid (any longer). Says nothing about which.
    #[error("User is not authenticated")]
    Unauthenticated,
    /// A token that was valid until it was rotated out. Only its holder can see this.
    #[error(
        "This SDK token of workspace '{workspace_id}' was rotated out at {deactivated_at}. Find the current token in the \
         portal under Topics → Broker settings, or with: twinkey env {workspace_id}"
    )]
    RotatedOut {
        /// The token's workspace.
        workspace_id: String,
        /// When it died.
        deactivated_at: Timestamp,
    },
    /// A token of a workspace that is no more. Only its holder can see this.
    #[error(
        "This SDK token belonged to workspace '{workspace_id}', which was deleted at {deleted_at}. It cannot be used again"
    )]
    WorkspaceDeleted {
        /// The token's workspace.
        workspace_id: String,
        /// When it was deleted.
        deleted_at: Timestamp,
    },
    /// A workspace that is on its way in or out.
    #[error("Workspace '{workspace_id}' {what}; wait until that is over")]
    WorkspaceBusy {
        /// Which one.
        workspace_id: String,
        /// `is still being created` or `is being deleted`.
        what: &'static str,
    },
    /// The address or the password is wrong; deliberately not said which.
    #[error("The e-mail address or the password is wrong")]
    WrongPassword,
    /// A session whose last proof of the password is too long ago for what it asks.
    #[error(
        "Confirm your password first: it was last given more than {minutes} min ago (POST /auth/confirm, or sign in again)"
    )]
    PasswordConfirmationNeeded {
        /// The setting of the server.
        minutes: u64,
    },
    /// The same for an account that has no password.
    #[error(
        "Sign in again{with} first: you did so more than {minutes} min ago, and your account has no password to confirm"
    )]
    SignInAgainNeeded {
        /// ` at {name of the provider}`, or nothing.
        with: String,
        /// The setting of the server.
        minutes: u64,
    },
    /// Too many attempts to sign in.
    #[error("There were too many attempts to sign in; try again in {seconds} seconds")]
    TooManyAttempts {
        /// How long to wait.
        seconds: u64,
    },
    /// A cookie on a request that another site may have caused.
    #[error("This request comes from another site, or its browser does not say from where; nothing was changed")]
    CrossSite,
    /// A personal access token with limits, where the account itself is concerned.
    #[error(
        "This personal access token is limited to a workspace or a role; sign in, or use one without limits, for this"
    )]
    LimitedToken,
    /// The OpenID Connect provider did not vouch for anybody.
    #[error("The identity provider does not vouch for you: {0}; begin again at /auth/oidc")]
    NotVouchedFor(String),
    /// The provider vouches for somebody who has no account and may not have one.
    #[error("You are signed in at the identity provider, but Twinkey needs {0}; ask an administrator to invite you")]
    NotInvited(&'static str),
    /// The provider vouches for an address with which there is an account that somebody has made with a password.
    #[error(
        "There is an account with your address already: sign in to it with its password, and begin again at /auth/oidc in the same \
         browser. If you have never made one, ask an administrator to remove it"
    )]
    LinkUnproved,
    /// The OpenID Connect provider is away; the text goes to the log.
    #[error("The identity provider cannot be used at the moment; the server's log says why")]
    ProviderUnavailable(String),
    /// Nobody would be left who may do everything.
    #[error("Nothing was changed: this is the last Admin of {0}. Make somebody else Admin first")]
    LastAdmin(String),
    /// An invitation that cannot be accepted any longer.
    #[error("This invitation {0}; ask for a new one")]
    InvitationGone(&'static str),
    /// The caller's role does not suffice.
    #[error("This needs the role {needed}; yours is {actual:?}", needed = .needed.name())]
    RoleTooLow {
        /// What would suffice.
        needed: Role,
        /// What the caller has.
        actual: Role,
    },
    /// An SDK token on a route that is not for streaming.
    #[error("An SDK token gives access to streaming only; sign in, or use a personal access token, for this")]
    StreamingOnly,
    /// An SDK token on another workspace; the same words whether or not that workspace exists.
    #[error("This SDK token belongs to workspace '{own}' and gives access to no other")]
    OtherWorkspace {
        /// The token's workspace.
        own: String,
    },
    /// Denied by `/auth/permissions/query`.
    #[error("The permission is not granted")]
    PermissionDenied,
    /// Something that does not exist, or that the caller may not know of.
    #[error("{0} was not found")]
    NotFound(String),
    /// A body, query or name that cannot be accepted; the sentence says what is allowed.
    #[error("{message}")]
    Invalid {
        /// The stable word.
        code: &'static str,
        /// 400, 405, 413, 415 or 422.
        status: StatusCode,
        /// The sentence.
        message: String,
    },
    /// A rotation that expected another generation.
    #[error(
        "Nothing was changed: the workspace is at generation {actual}, the request expected {expected}. Somebody else may \
         have rotated in between; look at the tokens again before you repeat it"
    )]
    StaleGeneration {
        /// What the request expected.
        expected: i64,
        /// What is true.
        actual: i64,
    },
    /// A rotation that cannot be undone (any longer).
    #[error("Nothing was changed: the rotation cannot be undone, because {0}")]
    UndoImpossible(String),
    /// A rotation of a token that is in use.
    #[error(
        "Nothing was changed: {}. Move them to Token 2 first (twinkey tokens rotate --wait waits for it), or repeat it with \
         \"force\": true and they are cut off",
        .0.sentence
    )]
    TokenInUse(Box<SafeToRotate>),
    /// A consumer group that somebody is in.
    #[error("Nothing was changed: the consumer group has members. Stop its clients, then delete it")]
    GroupInUse,
    /// The data directory or the database refused a write.
    #[error("The server cannot store this at the moment; nothing was changed. Its log says why")]
    Storage(String),
    /// The server may not be asked at the moment; the text says why.
    #[error("The server is not ready: {0}")]
    NotReady(&'static str),
    /// Apache Kafka is away; nothing was changed. Says why, because whoever is told may be able to help.
    #[error("Nothing was changed: {0}")]
    BrokerUnavailable(String),
    /// Apache Kafka was asked and did not answer.
    #[error("{0}. Look before you repeat it")]
    BrokerOutcomeUnknown(String),
    /// The cluster refused what Twinkey asked of it: policy, quota, or the rights of Twinkey's own account.
    #[error("Nothing was changed: {0}")]
    BrokerRefused(String),
    /// The database cannot be asked at the moment.
    #[error("The database does not answer at the moment. Nothing was changed; try again in a moment")]
    Unavailable(String),
    /// The database went away while it was to make a change permanent.
    #[error(
        "The database went away before it could say whether this took effect. Look before you repeat it: a workspace's \
         generation tells whether it was rotated"
    )]
    OutcomeUnknown(String),
    /// A defect or a failing dependency; the text goes to the log.
    #[error("Something went wrong on the server; its log has the details under this correlation id")]
    Internal(String),
}

impl ApiError {
    /// 400 with a code and a sentence.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { code, status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::RotatedOut { .. } | Self::WorkspaceDeleted { .. } | Self::WrongPassword => {
                StatusCode::UNAUTHORIZED
            }
            Self::RoleTooLow { .. }
            | Self::PasswordConfirmationNeeded { .. }
            | Self::SignInAgainNeeded { .. }
            | Self::StreamingOnly
            | Self::OtherWorkspace { .. }
            | Self::PermissionDenied
            | Self::CrossSite
            | Self::LimitedToken
            | Self::NotVouchedFor(_)
            | Self::NotInvited(_) => StatusCode::FORBIDDEN,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::InvitationGone(_) => StatusCode::GONE,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Invalid { status, .. } => *status,
            Self::StaleGeneration { .. }
            | Self::LastAdmin(_)
            | Self::LinkUnproved
            | Self::TokenInUse(_)
            | Self::WorkspaceBusy { .. }
            | Self::GroupInUse
            | Self::UndoImpossible(_) => StatusCode::CONFLICT,
            Self::Storage(_) => StatusCode::INSUFFICIENT_STORAGE,
            Self::BrokerUnavailable(_)
            | Self::BrokerOutcomeUnknown(_)
            | Self::Unavailable(_)
            | Self::OutcomeUnknown(_)
            | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::BrokerRefused(_) | Self::ProviderUnavailable(_) => StatusCode::BAD_GATEWAY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable word.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "Unauthenticated",
            Self::RotatedOut { .. } => "TokenRotatedOut",
            Self::WorkspaceDeleted { .. } => "WorkspaceDeleted",
            Self::WorkspaceBusy { .. } => "WorkspaceBusy",
            Self::WrongPassword => "WrongPassword",
            Self::PasswordConfirmationNeeded { .. } => "PasswordConfirmationNeeded",
            Self::SignInAgainNeeded { .. } => "SignInAgainNeeded",
            Self::TooManyAttempts { .. } => "TooManyAttempts",
            Self::CrossSite => "CrossSite",
            Self::LimitedToken => "LimitedToken",
            Self::NotVouchedFor(_) => "NotVouchedFor",
            Self::NotInvited(_) => "NotInvited",
            Self::LinkUnproved => "AccountExists",
            Self::ProviderUnavailable(_) => "ProviderUnavailable",
            Self::LastAdmin(_) => "LastAdmin",
            Self::InvitationGone(_) => "InvitationGone",
            Self::RoleTooLow { .. } => "RoleTooLow",
            Self::StreamingOnly => "StreamingOnly",
            Self::OtherWorkspace { .. } => "OtherWorkspace",
            Self::PermissionDenied => "PermissionDenied",
            Self::NotFound(_) => "NotFound",
            Self::Invalid { code, .. } => code,
            Self::StaleGeneration { .. } => "StaleGeneration",
            Self::UndoImpossible(_) => "UndoImpossible",
            Self::TokenInUse(_) => "TokenInUse",
            Self::GroupInUse => "GroupInUse",
            Self::Storage(_) => "Storage",
            Self::NotReady(_) => "NotReady",
            Self::BrokerUnavailable(_) => "BrokerUnavailable",
            Self::OutcomeUnknown(_) | Self::BrokerOutcomeUnknown(_) => "OutcomeUnknown",
            Self::BrokerRefused(_) => "BrokerRefused",
            Self::Unavailable(_) => "Unavailable",
            Self::Internal(_) => "Internal",
        }
    }
}

impl From<DbErr> for ApiError {
    fn from(error: DbErr) -> Self {
        let text = error.to_string();
        match db::failure(&error) {
            Failure::Away => Self::Unavailable(text),
            Failure::OutcomeUnknown => Self::OutcomeUnknown(text),
            Failure::Disk => Self::Storage(text),
            Failure::Nul => Self::bad_request("NulCharacter", "A text must not contain the character NUL (U+0000)"),
            Failure::Defect => Self::Internal(text),
        }
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Db(error) => error.into(),
            damaged @ LoadError::NotTwo(_) => Self::Internal(damaged.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let id = CorrelationId::current();
        let correlation_id = id.to_string();
        match &self {
            Self::Internal(cause)
            | Self::Storage(cause)
            | Self::BrokerRefused(cause)
            | Self::BrokerUnavailable(cause)
            | Self::BrokerOutcomeUnknown(cause)
            | Self::ProviderUnavailable(cause)
            | Self::Unavailable(cause)
            | Self::OutcomeUnknown(cause) => {
                tracing::error!(%correlation_id, code = self.code(), cause, "request failed");
            }
            other => tracing::debug!(%correlation_id, code = other.code(), "refused"),
        }
        let (message, code) = (self.to_string(), self.code().to_owned());
        let retry_after = if let Self::TooManyAttempts { seconds } = &self { Some(*seconds) } else { None };
        let safe_to_rotate = if let Self::TokenInUse(verdict) = self { Some(verdict) } else { None };
        let body = ErrorBody { message, correlation_id, code, safe_to_rotate };
        let mut response = (status, Json(body)).into_response();
        // For the line about the request as a whole.
        response.extensions_mut().insert(id);
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
