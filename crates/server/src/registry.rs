//! What every valid SDK token means, in memory: the answer to "whose token is this?" without a database.
//!
//! Invariant: for each workspace exactly two tokens are known, and the maps by hash, by principal and by workspace change
//! together under one lock. Both the HTTP API and the broker ask here, so a token lives and dies on both at once.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use twinkey_api::{
    WorkspaceId,
    token::Secret,
    token_pair::{SdkToken, Slot, TokenPair},
};
use twinkey_embedded_broker::{KnownPrincipal, Principals, Scope};

use crate::{
    db,
    keys::{Keys, TokenHash, broker_password, principal},
};

/// Workspaces that are read from the database at a time.
const LOAD_PAGE: u64 = 1000;

/// A valid SDK token. Which slot it has is a property of the pair, not of the token: promotion changes nothing in here.
pub struct KnownToken {
    /// The public id.
    pub id: String,
    /// Whose it is.
    pub workspace_id: WorkspaceId,
    /// Its principal on the broker.
    pub principal: String,
    masked: String,
    created_at: Timestamp,
    hash: TokenHash,
    sealed: Vec<u8>,
    /// Milliseconds since the epoch; 0: not since the server started.
    last_used_at: AtomicI64,
}

impl KnownToken {
    /// Notes a use.
    pub fn touch(&self, now: Timestamp) {
        self.last_used_at.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// The token as the API shows it.
    pub fn describe(&self, slot: Slot) -> SdkToken {
        let last_used_at = self.last_used_at.load(Ordering::Relaxed);
        SdkToken {
            id: self.id.clone(),
            label: slot.label().to_owned(),
            masked: self.masked.clone(),
            principal: self.principal.clone(),
            created_at: self.created_at,
            last_used_at: (last_used_at != 0).then(|| db::timestamp(last_used_at)),
        }
    }
}

/// The two tokens of a workspace.
#[derive(Clone)]
pub struct Pair {
    /// How often the workspace has been rotated.
    pub generation: i64,
    /// Token 1.
    pub current: Arc<KnownToken>,
    /// Token 2.
    pub next: Arc<KnownToken>,
}

impl Pair {
    /// The token in a slot.
    pub fn token(&self, slot: Slot) -> &Arc<KnownToken> {
        match slot {
            Slot::Current => &self.current,
            Slot::Next => &self.next,
        }
    }

    /// The pair as the API shows it.
    pub fn describe(&self) -> TokenPair {
        TokenPair {
            workspace_id: self.current.workspace_id.to_string(),
            generation: self.generation,
            current: self.current.describe(Slot::Current),
            next: self.next.describe(Slot::Next),
        }
    }
}

#[derive(Default)]
struct State {
    by_hash: HashMap<TokenHash, Arc<KnownToken>>,
    by_principal: HashMap<String, Arc<KnownToken>>,
    pairs: HashMap<WorkspaceId, Pair>,
}

/// All valid tokens.
pub struct Registry {
    keys: Arc<Keys>,
    clock: twinkey_embedded_broker::Clock,
    state: RwLock<State>,
}

impl Registry {
    /// An empty registry.
    pub fn new(keys: Arc<Keys>, clock: twinkey_embedded_broker::Clock) -> Self {
        Self { keys, clock, state: RwLock::default() }
    }

    /// Learns every valid token of the database, piece by piece: rows take several times the memory of what is kept of them.
    pub async fn load(&self, db: &impl ConnectionTrait) -> Result<(), LoadError> {
        let mut after = String::new();
        loop {
            let workspaces = db::workspaces::list_after(db, &after, LOAD_PAGE).await?;
            let (Some(first), Some(last)) = (workspaces.first(), workspaces.last()) else { return Ok(()) };
            let mut rows: HashMap<String, Vec<db::tokens::Model>> = HashMap::new();
            for row in db::tokens::list_valid_between(db, &first.id, &last.id).await? {
                rows.entry(row.workspace_id.clone()).or_default().push(row);
            }
            for workspace in &workspaces {
                let tokens = rows.remove(&workspace.id).unwrap_or_default();
                self.set(pair(&workspace.id, workspace.generation, tokens)?);
            }
            after.clone_from(&last.id);
        }
    }

    /// Learns anew what one workspace's tokens are: after a commit whose outcome is not known.
    pub async fn reload(&self, db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<Vec<Arc<KnownToken>>, LoadError> {
        let Some(workspace) = db::workspaces::find(db, id.as_str()).await? else { return Ok(Vec::new()) };
        let tokens = db::tokens::list_valid_of(db, id).await?;
        Ok(self.set(pair(id.as_str(), workspace.generation, tokens)?))
    }

    /// Puts a workspace's pair in force and returns the tokens that died by it, in the order of their slots.
    pub fn set(&self, pair: Pair) -> Vec<Arc<KnownToken>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let valid = [pair.current.clone(), pair.next.clone()];
        let before = state.pairs.insert(pair.current.workspace_id.clone(), pair);
        let dead: Vec<_> = before
            .into_iter()
            .flat_map(|pair| [pair.current, pair.next])
            .filter(|token| valid.iter().all(|survivor| survivor.id != token.id))
            .collect();
        for token in &dead {
            state.by_hash.remove(&token.hash);
            state.by_principal.remove(&token.principal);
        }
        for token in valid {
            state.by_hash.insert(token.hash, token.clone());
            state.by_principal.insert(token.principal.clone(), token);
        }
        dead
    }

    /// The valid token with this value.
    pub fn find(&self, token: &Secret) -> Option<Arc<KnownToken>> {
        let hash = self.keys.hash(token);
        self.state.read().unwrap_or_else(PoisonError::into_inner).by_hash.get(&hash).cloned()
    }

    /// The pair of a workspace; `None`: there is no such workspace.
    pub fn pair(&self, workspace_id: &WorkspaceId) -> Option<Pair> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).pairs.get(workspace_id).cloned()
    }

    /// Some valid token, to try the master key on.
    pub fn any_token(&self) -> Option<Arc<KnownToken>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).by_hash.values().next().cloned()
    }

    /// How many tokens are valid.
    pub fn len(&self) -> usize {
        self.state.read().unwrap_or_else(PoisonError::into_inner).by_hash.len()
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The plaintext of a valid token. `None` means that the stored bytes do not belong to the master key in use.
    pub fn reveal(&self, token: &KnownToken) -> Option<Secret> {
        self.keys.unseal(&token.id, &token.sealed)
    }
}

impl Principals for Registry {
    fn find(&self, name: &str) -> Option<KnownPrincipal> {
        let token = self.state.read().unwrap_or_else(PoisonError::into_inner).by_principal.get(name).cloned()?;
        let password = broker_password(&self.reveal(&token)?);
        Some(KnownPrincipal { password: password.to_string(), scope: Scope::of_workspace(token.workspace_id.as_str()) })
    }

    /// Only a proof is a use: principals are no secrets, and whoever knows one could otherwise feign use of its token.
    fn signed_in(&self, name: &str) -> bool {
        let token = self.state.read().unwrap_or_else(PoisonError::into_inner).by_principal.get(name).cloned();
        token.inspect(|token| token.touch((self.clock)())).is_some()
    }
}

/// Whether what was read at revision `new` may take the place of what is held at revision `held`. Reading and remembering
/// are two steps, and whoever is slow in between must not undo what others have remembered meanwhile.
pub fn supersedes(new: i64, held: Option<i64>) -> bool {
    held.is_none_or(|held| new >= held)
}

/// Why the tokens of the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbErr),
    /// A workspace without exactly one token in each slot: somebody changed the database by hand.
    #[error("the database is damaged: workspace '{0}' does not have exactly one Token 1 and one Token 2")]
    NotTwo(String),
}

fn pair(workspace_id: &str, generation: i64, rows: Vec<db::tokens::Model>) -> Result<Pair, LoadError> {
    let damaged = || LoadError::NotTwo(workspace_id.to_owned());
    let mut slots: HashMap<Option<String>, Arc<KnownToken>> = HashMap::new();
    for row in rows {
        let slot = row.slot.clone();
        slots.insert(slot, Arc::new(known(row).ok_or_else(damaged)?));
    }
    let mut take = |slot: Slot| slots.remove(&Some(slot.name().to_owned())).ok_or_else(damaged);
    Ok(Pair { generation, current: take(Slot::Current)?, next: take(Slot::Next)? })
}

/// A row as the registry holds it; `None` if the row is not one that this program wrote.
pub fn known(row: db::tokens::Model) -> Option<KnownToken> {
    Some(KnownToken {
        principal: principal(&row.id),
        id: row.id,
        workspace_id: WorkspaceId::parse(&row.workspace_id).ok()?,
        masked: row.masked,
        created_at: db::timestamp(row.created_at),
        hash: row.hash.try_into().ok()?,
        sealed: row.sealed,
        last_used_at: AtomicI64::new(0),
    })
}
