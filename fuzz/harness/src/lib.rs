//! What must hold for any bytes. Each function panics if it does not.

use jiff::Timestamp;
use serde_json::Value;
use twinkey_api::{
    Secret,
    audit::{AuditRecord, Checkpoint},
    auth::{NewPat, SignIn},
    people::{AcceptInvitation, ChangePassword, ChangeRole, NewInvitation},
    settings::ChangeWorkspaceSettings,
    token_pair::{EmergencyRotation, Rotate, UndoRotation},
    topic::NewTopic,
    webhook::{ChangeWebhook, NewWebhook},
    workspace::{DeleteWorkspace, NewWorkspace},
};
use twinkey_server::{
    audit::{GENESIS, Verdict, Verifier, checkpoint, hash},
    extract::json,
};

/// A token is taken exactly as it is, or not at all, and shows itself to nobody.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Secret::parse(text) {
        Ok(secret) => {
            assert_eq!(secret.expose(), text);
            assert!(!format!("{secret:?} {}", secret.masked()).contains(text));
        }
        Err(error) => assert!(text.is_empty() || text.len() < 4 || !error.to_string().contains(text)),
    }
}

/// A body is understood or refused with a sentence, whatever is in it; and the case of its names does not matter.
pub fn body(bytes: &[u8]) {
    let understood = [
        json::parse::<Rotate>(bytes).is_ok(),
        json::parse::<EmergencyRotation>(bytes).is_ok(),
        json::parse::<UndoRotation>(bytes).is_ok(),
        json::parse::<SignIn>(bytes).is_ok(),
        json::parse::<AcceptInvitation>(bytes).is_ok(),
        json::parse::<NewInvitation>(bytes).is_ok(),
        json::parse::<ChangeRole>(bytes).is_ok(),
        json::parse::<ChangePassword>(bytes).is_ok(),
        json::parse::<ChangeWorkspaceSettings>(bytes).is_ok(),
        json::parse::<DeleteWorkspace>(bytes).is_ok(),
        json::parse::<NewPat>(bytes).is_ok(),
        json::parse::<NewTopic>(bytes).is_ok(),
        json::parse::<NewWorkspace>(bytes).is_ok(),
        json::parse::<NewWebhook>(bytes).is_ok(),
        json::parse::<ChangeWebhook>(bytes).is_ok(),
    ];
    if understood.contains(&true) {
        assert!(serde_json::from_slice::<Value>(bytes).is_ok(), "something was understood that is not JSON");
    }
}

/// The lines of a log of `length` records, as an export has them.
pub fn log(length: i64) -> String {
    let (mut text, mut previous) = (String::new(), GENESIS.to_owned());
    for sequence in 1..=length {
        let mut record = AuditRecord {
            sequence,
            at: Timestamp::from_second(sequence).expect("a small number"),
            actor: "ada@example.org".into(),
            credential: "session:a".into(),
            address: "127.0.0.1".into(),
            action: "token.rotated".into(),
            workspace_id: Some("demo".into()),
            target: None,
            detail: r#"{"reason":"ä"}"#.into(),
            previous_hash: std::mem::take(&mut previous),
            hash: String::new(),
        };
        record.hash = hash(&record);
        previous.clone_from(&record.hash);
        text.push_str(&serde_json::to_string(&record).expect("plain data"));
        text.push('\n');
    }
    text
}

/// The longest log that [`audit`] knows: whoever finds another one that is intact has broken SHA-256, or the verifier.
pub const LOG: i64 = 5;

fn signer() -> checkpoint::Signer {
    checkpoint::Signer::from_seed(&[7; 32])
}

/// The lines of a file of checkpoints of [`log`], as the server writes it.
pub fn checkpoints() -> String {
    let records: Vec<AuditRecord> =
        log(LOG).lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let signed = records.iter().step_by(2).map(|record| {
        let checkpoint = checkpoint::sign(&[&signer()], "one", (record.sequence, &record.hash), record.at);
        serde_json::to_string(&checkpoint).expect("plain data") + "\n"
    });
    signed.collect()
}

/// Whatever file of checkpoints an auditor is handed: with the key that he noted, only what was signed is believed.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(found) = checkpoint::read(bytes) else { return };
    if checkpoint::trust(&found, &[signer().public_key], Some("one")).is_err() {
        return;
    }
    // The letters of a signature may be upper or lower case, and mean the same.
    let said = |it: &Checkpoint| (it.installation.clone(), it.sequence, it.head.clone(), it.at);
    let signed = checkpoint::read(checkpoints().as_bytes()).expect("checkpoints");
    let signed: Vec<_> = signed.iter().map(said).collect();
    assert!(found.iter().all(|it| signed.contains(&said(it))), "something is believed that nobody has signed");
}

/// Whatever an auditor is handed: only the records that were written are intact, and nothing makes the verifier panic.
pub fn audit(bytes: &[u8]) {
    let _ = checkpoint::read(bytes).map(|checkpoints: Vec<Checkpoint>| checkpoint::trust(&checkpoints, &[], None));
    let mut verifier = Verifier::default();
    let pushed = verifier.push_lines(bytes).expect("bytes in memory can be read");
    if pushed.is_err() {
        return;
    }
    if let Verdict::Intact { records, .. } = verifier.finish() {
        assert!((0..=LOG).contains(&records), "{records} records that nobody wrote are intact");
        let written = log(records);
        let read = |text: &[u8]| -> Vec<AuditRecord> {
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
            lines.map(|line| serde_json::from_slice(line).expect("a record")).collect()
        };
        assert_eq!(read(bytes), read(written.as_bytes()), "something else is intact too");
    }
}
