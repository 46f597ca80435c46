//! How this server belongs to its database: as one of several, or alone.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    Replicas,
    follower::{Follower, JoinError},
    sole::{NotAlone, Sole},
};
use crate::{
    app::App,
    db::Db,
    registry::{LoadError, Registry},
};

/// What has to go on as long as the server runs.
pub enum Member {
    /// Memory has to keep up with what other replicas do.
    Follower(Follower),
    /// Others have to be kept away.
    Sole(Sole),
    /// Nothing: the database is a file, and the kernel keeps others away.
    File,
}

/// Why this server cannot work on its database.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// See [`JoinError`].
    #[error(transparent)]
    Join(#[from] JoinError),
    /// See [`NotAlone`].
    #[error(transparent)]
    NotAlone(#[from] NotAlone),
    /// See [`LoadError`].
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Member {
    /// Loads every valid token, in the way that suits how many servers there may be.
    pub async fn join(replicas: &Replicas, db: &Db, registry: &Registry) -> Result<Self, MemberError> {
        if let Some(trust) = &replicas.trust {
            return Ok(Self::Follower(Follower::join(replicas, trust, db, registry).await?));
        }
        // First the claim: what is loaded must not be another server's business any more.
        let member = if db.is_shared() { Self::Sole(Sole::claim(replicas, db).await?) } else { Self::File };
        registry.load(&**db).await?;
        Ok(member)
    }

    /// Goes on until `stop`. Cancels `lost` if the server must not go on.
    pub async fn run(self, app: Arc<App>, stop: CancellationToken, lost: CancellationToken) {
        match (self, &app.replicas.trust) {
            (Self::Follower(follower), Some(trust)) => follower.run(app.clone(), trust.clone(), stop).await,
            (Self::Sole(sole), _) => sole.keep(app, stop, lost).await,
            (Self::Follower(_) | Self::File, _) => stop.cancelled().await,
        }
    }
}
