//! What every valid SDK token means, in memory: the answer to "whose token is this?" without a database.
//!
//! Invariant: for each workspace exactly two tokens are known, and the maps by hash, by principal and by workspace change
//! together under one lock. Both the HTTP API and the broker ask here, so a token lives and dies on both at once.
//!
//! Each pair carries the revision of the change that made it, and an older one never takes the place of a newer one. Whether
//! what is held here may be believed is not known here: the HTTP API asks through [`crate::validity`].

use std::{
    collections::{BTreeSet, HashMap},
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
use twinkey_embedded_broker::{KnownPrincipal, Scope};

use crate::{
    db,
    keys::{Keys, TokenHash, broker_password},
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

    /// The same token was read anew; its last use here may not be stored yet: see [`crate::usage`].
    fn carry_over_use_of(&self, before: &Self) {
        self.last_used_at.fetch_max(before.last_used_at.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// When it was generated.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
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
    /// The change that made this pair: see [`db::changes`].
    pub revision: i64,
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
            cutting_off: Vec::new(),
        }
    }
}

#[derive(Default)]
struct State {
    by_hash: HashMap<TokenHash, Arc<KnownToken>>,
    by_principal: HashMap<String, Arc<KnownToken>>,
    pairs: HashMap<WorkspaceId, Pair>,
    /// Workspaces that are gone, with the revision at which they were: for whoever is slow and still holds their tokens.
    gone: HashMap<WorkspaceId, i64>,
}

impl State {
    /// Takes a workspace's tokens out of every map.
    fn take(&mut self, id: &WorkspaceId) -> Option<Pair> {
        let pair = self.pairs.remove(id)?;
        for token in [&pair.current, &pair.next] {
            self.by_hash.remove(&token.hash);
            self.by_principal.remove(&token.principal);
        }
        Some(pair)
    }
}

/// All valid tokens.
pub struct Registry {
    keys: Arc<Keys>,
    state: RwLock<State>,
}

impl Registry {
    /// An empty registry.
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys, state: RwLock::default() }
    }

    /// Learns every valid token of the database, piece by piece: rows take several times the memory of what is kept of them.
    pub async fn load(&self, db: &impl ConnectionTrait) -> Result<(), LoadError> {
        let mut after = String::new();
        loop {
            let workspaces = db::workspaces::list_after(db, &after, LOAD_PAGE).await?;
            let (Some(first), Some(last)) = (workspaces.first(), workspaces.last()) else { return Ok(()) };
            let tokens = db::tokens::list_valid_between(db, &first.id, &last.id).await?;
            self.set_all(&workspaces, tokens)?;
            after.clone_from(&last.id);
        }
    }

    /// Learns anew what one workspace's tokens are: after a commit whose outcome is not known. Returns the tokens that died.
    pub async fn reload(&self, db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<Vec<Arc<KnownToken>>, LoadError> {
        match read(&self.keys, db, id).await? {
            Some(pair) => Ok(self.set(pair)),
            None => self.remove_gone(db, id).await,
        }
    }

    /// Learns anew what the tokens of some workspaces are.
    pub async fn reload_each(&self, db: &impl ConnectionTrait, ids: &BTreeSet<String>) -> Result<(), LoadError> {
        let ids: Vec<String> = ids.iter().cloned().collect();
        for ids in ids.chunks(LOAD_PAGE as usize) {
            let workspaces = db::workspaces::list_of(db, ids).await?;
            self.set_all(&workspaces, db::tokens::list_valid_of_each(db, ids).await?)?;
            let is_ready = |it: &db::workspaces::Model| it.state == db::workspaces::READY;
            for id in ids.iter().filter(|id| !workspaces.iter().any(|it| it.id == **id && is_ready(it))) {
                if let Ok(id) = WorkspaceId::parse(id) {
                    self.remove_gone(db, &id).await?;
                }
            }
        }
        Ok(())
    }

    /// The tokens must have been read after the workspaces: then what a pair holds is as new as its revision says, or newer.
    fn set_all(&self, workspaces: &[db::workspaces::Model], tokens: Vec<db::tokens::Model>) -> Result<(), LoadError> {
        let mut rows: HashMap<String, Vec<db::tokens::Model>> = HashMap::new();
        for row in tokens {
            if let Some(key) = row.key_id.as_deref().filter(|key| !self.keys.know(key)) {
                let (token, workspace) = (&row.id, &row.workspace_id);
                tracing::error!(token, workspace, key, "this token is refused here: its master key was not given");
            }
            rows.entry(row.workspace_id.clone()).or_default().push(row);
        }
        for workspace in workspaces.iter().filter(|it| it.state == db::workspaces::READY) {
            self.set(pair(&self.keys, workspace, rows.remove(&workspace.id).unwrap_or_default())?);
        }
        Ok(())
    }

    async fn remove_gone(
        &self,
        db: &impl ConnectionTrait,
        id: &WorkspaceId,
    ) -> Result<Vec<Arc<KnownToken>>, LoadError> {
        // The revision first: it must not be newer than what is seen behind it.
        let revision = db::installation::revision(db).await?;
        match read(&self.keys, db, id).await? {
            Some(pair) => Ok(self.set(pair)),
            None => Ok(self.remove(id, revision)),
        }
    }

    /// Puts a workspace's pair in force and returns the tokens that died by it, in the order of their slots. A pair that is
    /// older than the one in force changes nothing.
    pub fn set(&self, pair: Pair) -> Vec<Arc<KnownToken>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let id = pair.current.workspace_id.clone();
        let held = state.pairs.get(&id).map(|pair| pair.revision).max(state.gone.get(&id).copied());
        if !supersedes(pair.revision, held) {
            return Vec::new();
        }
        let before = state.take(&id).map(|pair| [pair.current, pair.next]).into_iter().flatten();
        let mut dead = Vec::new();
        for token in before {
            match [&pair.current, &pair.next].into_iter().find(|survivor| survivor.id == token.id) {
                Some(survivor) => survivor.carry_over_use_of(&token),
                None => dead.push(token),
            }
        }
        for token in [&pair.current, &pair.next] {
            state.by_hash.insert(token.hash, token.clone());
            state.by_principal.insert(token.principal.clone(), token.clone());
        }
        state.gone.remove(&id);
        state.pairs.insert(id, pair);
        dead
    }

    /// Forgets a workspace that was gone at `revision`, unless it is held at a newer one; returns the tokens that died by it.
    pub fn remove(&self, id: &WorkspaceId, revision: i64) -> Vec<Arc<KnownToken>> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !supersedes(revision, state.pairs.get(id).map(|pair| pair.revision).max(state.gone.get(id).copied())) {
            return Vec::new();
        }
        let before = state.take(id);
        state.gone.insert(id.clone(), revision);
        before.map(|pair| vec![pair.current, pair.next]).unwrap_or_default()
    }

    /// Forgets everything, revisions included: before a load from a database with another history.
    pub fn forget_all(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The valid token with this keyed hash, as far as memory knows: see [`crate::validity::verdict`].
    pub fn find(&self, hash: &TokenHash) -> Option<Arc<KnownToken>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).by_hash.get(hash).cloned()
    }

    /// The valid token with this principal, as far as memory knows.
    pub fn find_by_principal(&self, name: &str) -> Option<Arc<KnownToken>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).by_principal.get(name).cloned()
    }

    /// What the embedded broker has to know of a valid token's principal.
    pub fn find_principal(&self, name: &str) -> Option<KnownPrincipal> {
        let token = self.find_by_principal(name)?;
        let password = broker_password(&self.reveal(&token)?);
        Some(KnownPrincipal { password: password.to_string(), scope: Scope::of_workspace(token.workspace_id.as_str()) })
    }

    /// The pair of a workspace, as far as memory knows: see [`crate::validity::pair`].
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

/// The pair of a workspace as the database has it; `None`: there is no such workspace, or not yet.
pub async fn read(keys: &Keys, db: &impl ConnectionTrait, id: &WorkspaceId) -> Result<Option<Pair>, LoadError> {
    let workspace = db::workspaces::find(db, id.as_str()).await?;
    let Some(workspace) = workspace.filter(|it| it.state == db::workspaces::READY) else { return Ok(None) };
    // In this order: see `Registry::set_all`.
    let tokens = db::tokens::list_valid_of(db, id).await?;
    pair(keys, &workspace, tokens).map(Some)
}

/// The pairs of these workspaces, which must be ready, by their ids.
pub fn pairs(
    keys: &Keys,
    workspaces: &[db::workspaces::Model],
    tokens: Vec<db::tokens::Model>,
) -> Result<HashMap<String, Pair>, LoadError> {
    let mut rows: HashMap<String, Vec<db::tokens::Model>> = HashMap::new();
    for row in tokens {
        rows.entry(row.workspace_id.clone()).or_default().push(row);
    }
    let mut pairs = HashMap::new();
    for workspace in workspaces {
        let rows = rows.remove(&workspace.id).unwrap_or_default();
        pairs.insert(workspace.id.clone(), pair(keys, workspace, rows)?);
    }
    Ok(pairs)
}

fn pair(keys: &Keys, workspace: &db::workspaces::Model, rows: Vec<db::tokens::Model>) -> Result<Pair, LoadError> {
    let damaged = || LoadError::NotTwo(workspace.id.clone());
    let mut slots: HashMap<Option<String>, Arc<KnownToken>> = HashMap::new();
    for row in rows {
        let slot = row.slot.clone();
        slots.insert(slot, Arc::new(known(keys, row).ok_or_else(damaged)?));
    }
    let mut take = |slot: Slot| slots.remove(&Some(slot.name().to_owned())).ok_or_else(damaged);
    let (generation, revision) = (workspace.generation, workspace.revision);
    Ok(Pair { generation, revision, current: take(Slot::Current)?, next: take(Slot::Next)? })
}

/// A row as the registry holds it; `None` if the row is not one that this program wrote.
pub fn known(keys: &Keys, row: db::tokens::Model) -> Option<KnownToken> {
    Some(KnownToken {
        principal: keys.principal(&row.id),
        id: row.id,
        workspace_id: WorkspaceId::parse(&row.workspace_id).ok()?,
        masked: row.masked,
        created_at: db::timestamp(row.created_at),
        hash: row.hash.try_into().ok()?,
        sealed: row.sealed,
        last_used_at: AtomicI64::new(0),
    })
}
