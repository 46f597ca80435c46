//! Is the log the one that was written?

use std::{
    collections::{BTreeSet, VecDeque},
    io::BufRead,
};

use sea_orm::{ConnectionTrait, DbErr};
use twinkey_api::audit::{AuditRecord, Checkpoint};

use super::{
    GENESIS,
    checkpoint::{self, BadCheckpoint},
    hash,
};
use crate::db;

const PAGE: u64 = 1000;
/// The longest line of an export that is read: far above any record.
const LINE_MAX: u64 = 1024 * 1024;

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
        reason: String,
    },
}

/// Verifies a chain piece by piece, oldest record first.
pub struct Verifier {
    next: i64,
    head: String,
    /// Checkpoints that lie ahead, oldest first.
    expected: VecDeque<Checkpoint>,
    /// The last record that a checkpoint has confirmed.
    confirmed: i64,
}

impl Default for Verifier {
    fn default() -> Self {
        Self::against(Vec::new())
    }
}

impl Verifier {
    /// Compares with checkpoints too, whose signatures were looked at before: see [`super::checkpoint::trust`].
    pub fn against(mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by_key(|checkpoint| (checkpoint.sequence, checkpoint.at));
        Self { next: 1, head: GENESIS.to_owned(), expected: checkpoints.into(), confirmed: 0 }
    }

    /// Goes on behind a record of which this is known.
    pub fn behind(sequence: i64, head: String) -> Self {
        Self { next: sequence.saturating_add(1), head, expected: VecDeque::new(), confirmed: sequence }
    }

    /// Takes the next record; the verdict if it does not fit.
    pub fn push(&mut self, record: &AuditRecord) -> Result<(), Verdict> {
        let broken = |reason: &str| Verdict::Broken { sequence: record.sequence, reason: reason.to_owned() };
        if record.sequence != self.next {
            return Err(broken("the record before it is missing, or it was inserted"));
        }
        if record.previous_hash != self.head {
            return Err(broken("it does not continue the record before it"));
        }
        if record.hash != hash(record) {
            return Err(broken("its content was changed"));
        }
        while let Some(checkpoint) = self.expected.pop_front_if(|it| it.sequence <= record.sequence) {
            if checkpoint.sequence != record.sequence || checkpoint.head != record.hash {
                let (first, last, at) = (self.confirmed + 1, checkpoint.sequence, checkpoint.at);
                let reason = format!(
                    "records {first} to {last} are not those that the checkpoint of {at} was signed for: they were rewritten"
                );
                return Err(Verdict::Broken { sequence: first, reason });
            }
            self.confirmed = record.sequence;
        }
        self.next = self.next.saturating_add(1);
        self.head.clone_from(&record.hash);
        Ok(())
    }

    /// Takes the lines of an export, up to its end or to the first record that does not fit.
    pub fn push_lines(&mut self, mut lines: impl BufRead) -> std::io::Result<Result<(), Verdict>> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = std::io::Read::take(&mut lines, LINE_MAX).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(Ok(()));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let pushed = parse(&line).map_err(|reason| Verdict::Broken { sequence: self.next, reason });
            if let Err(broken) = pushed.and_then(|record| self.push(&record)) {
                return Ok(Err(broken));
            }
        }
    }

    /// The last record that a checkpoint has confirmed; 0: none.
    pub fn confirmed(&self) -> i64 {
        self.confirmed
    }

    /// The verdict after the last record.
    pub fn finish(self) -> Verdict {
        match self.expected.back() {
            Some(last) => Verdict::Broken {
                sequence: self.next,
                reason: format!(
                    "it is missing: a checkpoint that was signed at {} covers records up to {}, so the log was cut off",
                    last.at, last.sequence
                ),
            },
            None => Verdict::Intact { records: self.next - 1, head: self.head },
        }
    }
}

/// A line of an export. Nothing may stand in it that the hash does not cover.
fn parse(line: &[u8]) -> Result<AuditRecord, String> {
    let not_a_record = |error: serde_json::Error| format!("the line in its place is not a record: {error}");
    let record: AuditRecord = serde_json::from_slice(line).map_err(not_a_record)?;
    let known = serde_json::to_value(&record).map_err(not_a_record)?;
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).map_err(not_a_record)?;
    match fields.keys().find(|field| known.get(field).is_none()) {
        Some(field) => Err(format!("the line in its place has the field '{field}', which records do not have")),
        None => Ok(record),
    }
}

/// What a verification with checkpoints found.
#[derive(Debug)]
pub struct Verified {
    /// About the records.
    pub verdict: Verdict,
    /// The last record that a checkpoint has confirmed; 0: none.
    pub confirmed: i64,
    /// The keys that were found to be the server's.
    pub keys: BTreeSet<String>,
    /// With how many checkpoints the records were compared.
    pub checkpoints: usize,
}

/// Why there is no verdict about the records.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// See [`BadCheckpoint`].
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] DbErr),
}

/// Verifies the log of a database, against the checkpoints in it and others that were kept elsewhere.
pub async fn database(
    db: &impl ConnectionTrait,
    mut checkpoints: Vec<Checkpoint>,
    trusted: &[String],
) -> Result<Verified, VerifyError> {
    // A database from before there were any has neither table.
    if db::has_table(db, "audit_checkpoints").await? {
        let mut after = 0;
        loop {
            let page = db::checkpoints::list_after(db, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.sequence;
            checkpoints.extend(page);
        }
    }
    let is_old = !db::has_table(db, "installation").await?;
    let installation = if is_old { None } else { db::installation::find(db).await?.map(|it| it.id) };
    let keys = checkpoint::trust(&checkpoints, trusted, installation.as_deref())?;
    let count = checkpoints.len();
    let (verdict, confirmed) = verify_with(db, Verifier::against(checkpoints)).await?;
    Ok(Verified { verdict, confirmed, keys, checkpoints: count })
}

/// Verifies the whole log of a database.
pub async fn verify(db: &impl ConnectionTrait) -> Result<Verdict, DbErr> {
    verify_with(db, Verifier::default()).await.map(|(verdict, _)| verdict)
}

/// Verifies the log of a database from where `verifier` stands; also tells the last record that a checkpoint has confirmed.
pub async fn verify_with(db: &impl ConnectionTrait, mut verifier: Verifier) -> Result<(Verdict, i64), DbErr> {
    // From the very first row that is not known to be right: one with a sequence below 1 was inserted.
    let mut after = if verifier.next == 1 { i64::MIN } else { verifier.next - 1 };
    loop {
        let records = db::audit::list_after(db, after, PAGE).await?;
        let confirmed = verifier.confirmed();
        let Some(last) = records.last() else { return Ok((verifier.finish(), confirmed)) };
        after = last.sequence;
        for record in &records {
            if let Err(broken) = verifier.push(record) {
                return Ok((broken, verifier.confirmed()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::checkpoint::{Signer, sign};

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

    #[test]
    fn b7_a_log_that_was_cut_off_or_rewritten_differs_from_a_checkpoint() {
        let signer = Signer::from_seed(&[1; 32]);
        let whole = chain(9);
        let signed = |sequence: i64, records: &[AuditRecord]| {
            let head = &records[usize::try_from(sequence).expect("positive") - 1].hash;
            sign(&[&signer], "one", (sequence, head), db::timestamp(sequence))
        };
        let checkpoints = vec![signed(6, &whole), signed(3, &whole)];
        let against = |records: &[AuditRecord]| {
            let mut verifier = Verifier::against(checkpoints.clone());
            let pushed = records.iter().try_for_each(|record| verifier.push(record));
            pushed.map_or_else(|broken| broken, |()| verifier.finish())
        };
        assert!(matches!(against(&whole), Verdict::Intact { records: 9, .. }));
        assert!(
            matches!(against(&whole[..6]), Verdict::Intact { records: 6, .. }),
            "behind the last one nothing shows"
        );
        let Verdict::Broken { sequence: 6, reason } = against(&whole[..5]) else { panic!("not noticed") };
        assert!(reason.contains("cut off"), "{reason}");

        // Rewritten from record 5 on, with every hash made anew.
        let mut rewritten = whole.clone();
        rewritten[4].actor = "mallory@localhost".into();
        for index in 4..rewritten.len() {
            rewritten[index].previous_hash = rewritten[index - 1].hash.clone();
            rewritten[index].hash = hash(&rewritten[index]);
        }
        assert!(matches!(verdict(&rewritten), Verdict::Intact { .. }), "without checkpoints nothing shows");
        let Verdict::Broken { sequence: 4, reason } = against(&rewritten) else { panic!("not noticed") };
        assert!(reason.contains("records 4 to 6") && reason.contains("rewritten"), "{reason}");
    }

    #[test]
    fn b7_an_exported_file_is_verified_line_by_line() {
        let whole = chain(4);
        let text = |records: &[AuditRecord]| {
            let lines = records.iter().map(|record| serde_json::to_string(record).expect("plain data") + "\n");
            lines.collect::<String>()
        };
        let verdict = |text: &str| {
            let mut verifier = Verifier::default();
            let pushed = verifier.push_lines(text.as_bytes()).expect("read");
            pushed.map_or_else(|broken| broken, |()| verifier.finish())
        };
        let good = text(&whole);
        assert!(matches!(verdict(&good), Verdict::Intact { records: 4, .. }));
        assert!(
            matches!(verdict(good.trim_end()), Verdict::Intact { records: 4, .. }),
            "the last line end is optional"
        );
        let broken = [
            (text(&whole[1..]), 2),
            (good.replacen("admin@localhost", "other@localhost", 1), 1),
            (good.replace("\"sequence\":3", "\"sequence\":30"), 30),
            // Nothing may stand there that the hash does not cover.
            (good.replace("{\"sequence\":2,", "{\"note\":\"approved\",\"sequence\":2,"), 2),
            (good.replace("{\"sequence\":2,", "{\"sequence\":2,\"actor\":\"x\","), 2),
            (format!("{good}x\n"), 5),
        ];
        for (text, at) in broken {
            assert!(matches!(verdict(&text), Verdict::Broken { sequence, .. } if sequence == at), "{text}");
        }
    }
}
