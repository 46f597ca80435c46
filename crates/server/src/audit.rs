//! Writing and verifying the audit log.
//!
//! A record's hash is SHA-256 over its JSON form with an empty `hash`, and that form contains the hash of the record
//! before. So nothing can be changed, removed or inserted without changing every hash behind it. What this cannot show by
//! itself is a log that was cut off at its end, or rewritten from some point on by somebody who can write to the database;
//! compare the newest hash with one that was noted elsewhere.

use jiff::Timestamp;
use sea_orm::{ConnectionTrait, DbErr};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use twinkey_api::audit::AuditRecord;

use crate::db;

/// What the first record carries as the hash before it.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const PAGE: u64 = 1000;

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
    /// Further facts, a JSON object. Never a secret.
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

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The chain is whole; the newest hash, to be compared with one noted elsewhere.
    Intact {
        /// How many records.
        records: i64,
        /// The hash of the newest.
        head: String,
    },
    /// The first record at which the chain breaks, and how.
    Broken {
        /// Its sequence.
        sequence: i64,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Verifies a chain piece by piece, oldest record first.
pub struct Verifier {
    next: i64,
    head: String,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { next: 1, head: GENESIS.to_owned() }
    }
}

impl Verifier {
    /// Takes the next record; the verdict if it does not fit.
    pub fn push(&mut self, record: &AuditRecord) -> Result<(), Verdict> {
        let broken = |reason| Verdict::Broken { sequence: record.sequence, reason };
        if record.sequence != self.next {
            return Err(broken("the record before it is missing, or it was inserted"));
        }
        if record.previous_hash != self.head {
            return Err(broken("it does not continue the record before it"));
        }
        if record.hash != hash(record) {
            return Err(broken("its content was changed"));
        }
        self.next += 1;
        self.head.clone_from(&record.hash);
        Ok(())
    }

    /// The verdict after the last record.
    pub fn finish(self) -> Verdict {
        Verdict::Intact { records: self.next - 1, head: self.head }
    }
}

/// Verifies the whole log of a database.
pub async fn verify(db: &impl ConnectionTrait) -> Result<Verdict, DbErr> {
    let mut verifier = Verifier::default();
    let mut after = i64::MIN;
    loop {
        let records = db::audit::list_after(db, after, PAGE).await?;
        let Some(last) = records.last() else { return Ok(verifier.finish()) };
        after = last.sequence;
        for record in &records {
            if let Err(broken) = verifier.push(record) {
                return Ok(broken);
            }
        }
    }
}

fn hash(record: &AuditRecord) -> String {
    let unhashed = AuditRecord { hash: String::new(), ..record.clone() };
    let bytes = serde_json::to_vec(&unhashed).expect("a record is plain data");
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<AuditRecord> {
        let mut records: Vec<AuditRecord> = Vec::new();
        for sequence in 1..=length {
            let mut record = AuditRecord {
                sequence,
                at: db::timestamp(sequence * 1000),
                actor: "admin@localhost".into(),
                credential: "session:a".into(),
                address: "127.0.0.1".into(),
                action: "token.rotated".into(),
                workspace_id: Some("demo".into()),
                target: None,
                detail: "{}".into(),
                previous_hash: records.last().map_or(GENESIS.into(), |last| last.hash.clone()),
                hash: String::new(),
            };
            record.hash = hash(&record);
            records.push(record);
        }
        records
    }

    fn verdict(records: &[AuditRecord]) -> Verdict {
        let mut verifier = Verifier::default();
        records.iter().try_for_each(|record| verifier.push(record)).map_or_else(|broken| broken, |()| verifier.finish())
    }

    fn broken_at(records: &[AuditRecord]) -> i64 {
        match verdict(records) {
            Verdict::Broken { sequence, .. } => sequence,
            Verdict::Intact { .. } => panic!("the change was not noticed"),
        }
    }

    #[test]
    fn b7_a_changed_removed_or_inserted_record_is_named() {
        let whole = chain(5);
        assert!(matches!(verdict(&whole), Verdict::Intact { records: 5, .. }));

        let mut changed = whole.clone();
        changed[2].actor = "mallory@localhost".into();
        assert_eq!(broken_at(&changed), 3);

        let mut rehashed = changed.clone();
        rehashed[2].hash = hash(&rehashed[2]);
        assert_eq!(broken_at(&rehashed), 4, "a recomputed hash breaks the record behind it");

        let mut removed = whole.clone();
        removed.remove(1);
        assert_eq!(broken_at(&removed), 3);

        let mut inserted = whole.clone();
        inserted.insert(2, whole[1].clone());
        assert_eq!(broken_at(&inserted), 2);
    }
}
