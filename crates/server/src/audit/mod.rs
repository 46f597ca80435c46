//! The audit log: appending, verifying, and signed checkpoints.
//!
//! A record's hash is SHA-256 over its JSON form with an empty `hash`, and that form contains the hash of the record
//! before. So nothing can be changed, removed or inserted without changing every hash behind it. What this cannot show by
//! itself is a log that was cut off at its end, or rewritten from some point on by somebody who can write to the database;
//! that is what [`checkpoint`]s are for, which are signed and kept outside the database too. docs/audit.md says what all of
//! this proves and what it cannot.

pub mod checkpoint;
pub mod checkpointer;
pub mod verify;

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use twinkey_api::audit::AuditRecord;

pub use self::verify::{Verdict, Verifier, verify};
use crate::db;

/// What the first record carries as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Who does something, and with what: the part of a record that an authenticated request determines.
#[derive(Debug, Clone)]
pub struct Actor {
    /// An e-mail address, or `system`.
    pub name: String,
    /// Kind and public id of the credential.
    pub credential: String,
    /// An IP address, or `local`.
    pub address: String,
}

impl Actor {
    /// The server itself.
    pub fn system() -> Self {
        Self { name: "system".into(), credential: "none".into(), address: "local".into() }
    }
}

/// What is recorded.
pub struct Event<'a> {
    /// For example `token.rotated`.
    pub action: &'static str,
    /// In which workspace, if in one.
    pub workspace_id: Option<&'a str>,
    /// A public id of what it was done to.
    pub target: Option<&'a str>,
    /// Further facts, a JSON object: what was changed in `before` and `after`, why in `reason`. Never a secret.
    pub detail: Value,
}

impl Event<'_> {
    /// An event without workspace, target and detail.
    pub fn new(action: &'static str) -> Self {
        Self { action, workspace_id: None, target: None, detail: json!({}) }
    }
}

/// Appends a record. Call it inside the transaction that has the effect, so that neither exists without the other.
pub async fn append(db: &impl ConnectionTrait, actor: &Actor, now: Timestamp, event: Event<'_>) -> Result<(), DbErr> {
    let (sequence, previous_hash) =
        db::audit::last(db).await?.map_or((0, GENESIS.to_owned()), |last| (last.sequence, last.hash));
    let mut record = AuditRecord {
        sequence: sequence + 1,
        at: db::timestamp(now.as_millisecond()),
        actor: actor.name.clone(),
        credential: actor.credential.clone(),
        address: actor.address.clone(),
        action: event.action.to_owned(),
        workspace_id: event.workspace_id.map(str::to_owned),
        target: event.target.map(str::to_owned),
        detail: event.detail.to_string(),
        previous_hash,
        hash: String::new(),
    };
    record.hash = hash(&record);
    db::audit::insert(db, &record).await
}

/// The hash that a record must carry.
pub fn hash(record: &AuditRecord) -> String {
    let unhashed = AuditRecord { hash: String::new(), ..record.clone() };
    let bytes = serde_json::to_vec(&unhashed).expect("a record is plain data");
    hex::encode(Sha256::digest(bytes))
}
