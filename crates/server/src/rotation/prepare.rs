//! The first step of a rotation: the tokens that it will put in force.
//!
//! The embedded broker needs nothing more than their values. On Apache Kafka each has its principal made before it is valid.
//! Until then its row is *prepared*: nobody was ever shown its secret, so that whatever becomes of a grant, nobody can use
//! it. A grant of which it is not known whether it took effect may yet be carried out at any later time; such a token is
//! given up, and another one takes its place.

use twinkey_api::{WorkspaceId, token::Secret, token_pair::Slot};

use super::{Kind, Order, undo};
use crate::{
    app::App,
    broker::{BrokerError, Principal},
    db,
    error::ApiError,
    routes::broker_settings::password_of,
    tokens::FreshToken,
};

/// The tokens of one rotation.
pub struct Fresh {
    /// The new Token 1, if both are replaced.
    pub current: Option<FreshToken>,
    /// The new Token 2.
    pub next: FreshToken,
}

impl Fresh {
    /// `back`: the value that Token 2 gets, if it is one that has been a token before.
    fn generate(app: &App, workspace_id: &WorkspaceId, kind: Kind, back: Option<&Secret>) -> Self {
        let token = |slot| FreshToken::generate(&app.keys, &app.random, workspace_id, slot, app.now());
        let again = |secret| FreshToken::again(&app.keys, &app.random, workspace_id, secret, app.now());
        Self {
            current: (kind == Kind::Emergency).then(|| token(Slot::Current)),
            next: back.map_or_else(|| token(Slot::Next), again),
        }
    }

    fn all(&self) -> impl Iterator<Item = &FreshToken> {
        self.current.iter().chain([&self.next])
    }
}

/// Makes the tokens, and their principals where the broker keeps them. After an error nothing has changed.
pub async fn prepare(app: &App, order: &Order) -> Result<Fresh, ApiError> {
    let Order { workspace_id, kind, .. } = order;
    let back = match kind {
        Kind::Undo => {
            let workspace = db::workspaces::find_ready(&*app.db, workspace_id).await?;
            check_generation(workspace.as_ref(), order)?;
            Some(undo::find(app, &*app.db, workspace_id, app.now()).await?.secret)
        }
        Kind::Normal | Kind::Emergency => None,
    };
    if app.broker.kafka().is_none() {
        return Ok(Fresh::generate(app, workspace_id, *kind, back.as_ref()));
    }
    // Said again, and for sure, by the transaction; here it spares the cluster principals that nobody will use.
    let workspace = db::workspaces::find_ready(&*app.db, workspace_id).await?;
    let workspace = check_generation(workspace.as_ref(), order)?;
    // If the setting is changed meanwhile, the reconciler follows it.
    let any_transactional_id = workspace.any_transactional_id;
    match attempt(app, order, any_transactional_id, back.as_ref()).await? {
        Ok(fresh) => Ok(fresh),
        Err(BrokerError::Unknown(cause)) => {
            tracing::warn!(%workspace_id, cause, "a new token was given up; trying with another one");
            attempt(app, order, any_transactional_id, back.as_ref()).await?.map_err(refused)
        }
        Err(error) => Err(refused(error)),
    }
}

fn check_generation<'a>(
    workspace: Option<&'a db::workspaces::Model>,
    order: &Order,
) -> Result<&'a db::workspaces::Model, ApiError> {
    let Order { workspace_id, expected_generation: expected, .. } = order;
    let workspace = workspace.ok_or_else(|| ApiError::NotFound(format!("Workspace '{workspace_id}'")))?;
    if workspace.generation != *expected {
        return Err(ApiError::StaleGeneration { expected: *expected, actual: workspace.generation });
    }
    Ok(workspace)
}

async fn attempt(
    app: &App,
    order: &Order,
    any_transactional_id: bool,
    back: Option<&Secret>,
) -> Result<Result<Fresh, BrokerError>, ApiError> {
    let fresh = Fresh::generate(app, &order.workspace_id, order.kind, back);
    let principals = fresh.all().map(|token| principal_of(app, token, any_transactional_id));
    let principals = principals.collect::<Result<Vec<_>, _>>()?;
    let transaction = app.db.write().await?;
    if db::workspaces::find_ready(&*transaction, &order.workspace_id).await?.is_none() {
        return Err(ApiError::NotFound(format!("Workspace '{}'", order.workspace_id)));
    }
    for token in fresh.all() {
        if back.is_some() {
            token.insert_prepared_without_hash(&*transaction).await?;
        } else {
            token.insert_prepared(&*transaction).await?;
        }
    }
    // If this is not answered, the row may stay behind; the reconciler gives it up.
    transaction.commit().await?;
    match app.broker.make_principals(&principals).await {
        Ok(()) => Ok(Ok(fresh)),
        Err(error) => {
            abandon(app, &fresh).await;
            Ok(Err(error))
        }
    }
}

/// Gives tokens up that were prepared, unless the rotation did take effect.
pub async fn abandon(app: &App, fresh: &Fresh) {
    if app.broker.kafka().is_none() {
        return;
    }
    let abandoned = async {
        let transaction = app.db.write().await?;
        for token in fresh.all() {
            db::principals::abandon(&*transaction, &token.known.id, app.now()).await?;
        }
        transaction.commit().await
    };
    if let Err(error) = abandoned.await {
        tracing::warn!(%error, "prepared tokens stay behind; the reconciler will give them up");
    }
    // Their principals may be there, or may come to be.
    app.reconciler.wake();
}

/// The principal of a token.
fn principal_of(app: &App, token: &FreshToken, any_transactional_id: bool) -> Result<Principal, ApiError> {
    Ok(Principal {
        name: token.known.principal.clone(),
        password: password_of(app, &token.known)?,
        workspace_id: token.known.workspace_id.clone(),
        any_transactional_id,
    })
}

/// The tokens were given up, so it does not matter any more what became of the grant.
fn refused(error: BrokerError) -> ApiError {
    match error {
        BrokerError::Unknown(cause) => ApiError::BrokerUnavailable(cause),
        other => other.into(),
    }
}
