//! What must hold for any bytes. Each function panics if it does not.

use jiff::Timestamp;
use serde_json::Value;
use twinkey_api::{
    Secret,
    audit::{AuditRecord, Checkpoint},
    auth::NewPat,
    token_pair::{EmergencyRotation, Rotate},
    topic::NewTopic,
    webhook::{ChangeWebhook, NewWebhook},
    workspace::NewWorkspace,
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
            previous_hash: previous,
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
