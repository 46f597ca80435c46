//! The server's signed word about the end of the log, which cutting it off or rewriting it cannot take back.

use std::{collections::BTreeSet, fmt::Write, io::BufRead};

use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use twinkey_api::audit::{Checkpoint, CheckpointSignature};

/// The longest line of a checkpoint file that is read.
const LINE_MAX: u64 = 64 * 1024;

/// What signs checkpoints. Derived from the master key, so that every replica has it and nothing more must be kept.
pub struct Signer {
    pair: Ed25519KeyPair,
    /// The public key in hex.
    pub public_key: String,
}

impl Signer {
    /// The signer with this seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("every seed of 32 bytes is a key");
        let public_key = hex::encode(pair.public_key());
        Self { pair, public_key }
    }
}

/// Why a checkpoint is not believed.
#[derive(Debug, thiserror::Error)]
pub enum BadCheckpoint {
    /// Not a line as the server writes it.
    #[error("line {0} of the checkpoint file is not a checkpoint: {1}")]
    Line(usize, String),
    /// A signature that does not fit.
    #[error("the checkpoint of record {0} is not signed by the key {1} that it names: it was changed, or made up")]
    Signature(i64, String),
    /// Nobody vouches for its keys.
    #[error(
        "the checkpoint of record {sequence} is signed by {keys}, for which no key that you trust vouches; if you know that \
         key, name it with --public-key too"
    )]
    Unknown {
        /// The record.
        sequence: i64,
        /// By whom.
        keys: String,
    },
    /// Of another installation.
    #[error("the checkpoint of record {sequence} is of the installation {found}, not of {expected}")]
    Installation {
        /// The record.
        sequence: i64,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// The file cannot be read.
    #[error("cannot read the checkpoints: {0}")]
    Io(#[from] std::io::Error),
}

/// Signs, with every key that the server has.
pub fn sign(signers: &[&Signer], installation: &str, (sequence, head): (i64, &str), at: Timestamp) -> Checkpoint {
    let unsigned = signers
        .iter()
        .map(|signer| CheckpointSignature { key: signer.public_key.clone(), signature: String::new() })
        .collect();
    let (installation, head) = (installation.to_owned(), head.to_owned());
    let mut checkpoint = Checkpoint { installation, sequence, head, at, signatures: unsigned };
    let statement = statement(&checkpoint);
    for (signature, signer) in checkpoint.signatures.iter_mut().zip(signers) {
        signature.signature = hex::encode(signer.pair.sign(statement.as_bytes()));
    }
    checkpoint
}

/// Exactly what is signed. It names all keys, so that each of them vouches for the others.
pub fn statement(checkpoint: &Checkpoint) -> String {
    let Checkpoint { installation, sequence, head, at, signatures } = checkpoint;
    let mut text = format!("twinkey audit checkpoint v1\n{installation}\n{sequence}\n{head}\n{at}\n");
    for signature in signatures {
        writeln!(text, "{}", signature.key).expect("writing to a String does not fail");
    }
    text
}

/// Whether every signature of a checkpoint is right. Says nothing about whose keys they are.
pub fn check(checkpoint: &Checkpoint) -> Result<(), BadCheckpoint> {
    let statement = statement(checkpoint);
    let bad = |key: &str| BadCheckpoint::Signature(checkpoint.sequence, key.to_owned());
    if checkpoint.signatures.is_empty() {
        return Err(bad("none"));
    }
    for CheckpointSignature { key, signature } in &checkpoint.signatures {
        let (Ok(public_key), Ok(bytes)) = (hex::decode(key), hex::decode(signature)) else { return Err(bad(key)) };
        let verified = UnparsedPublicKey::new(&ED25519, public_key).verify(statement.as_bytes(), &bytes);
        verified.map_err(|_| bad(key))?;
    }
    Ok(())
}

/// Refuses checkpoints that are not signed by a trusted key, or by one that a trusted key has vouched for. Without any
/// trusted key those of the first checkpoint are taken. Returns the keys that were found to be the server's.
pub fn trust(
    checkpoints: &[Checkpoint],
    trusted: &[String],
    installation: Option<&str>,
) -> Result<BTreeSet<String>, BadCheckpoint> {
    let mut known: BTreeSet<String> = trusted.iter().map(|key| key.to_ascii_lowercase()).collect();
    let expected = installation.or_else(|| checkpoints.first().map(|first| first.installation.as_str()));
    for checkpoint in checkpoints {
        check(checkpoint)?;
        if let Some(expected) = expected.filter(|expected| *expected != checkpoint.installation) {
            let (sequence, found) = (checkpoint.sequence, checkpoint.installation.clone());
            return Err(BadCheckpoint::Installation { sequence, found, expected: expected.to_owned() });
        }
    }
    if let (true, Some(first)) = (known.is_empty(), checkpoints.first()) {
        known.extend(first.signatures.iter().map(|it| it.key.clone()));
    }
    let mut left: Vec<_> = checkpoints.iter().collect();
    loop {
        let before = left.len();
        left.retain(|checkpoint| {
            let vouched = checkpoint.signatures.iter().any(|it| known.contains(&it.key));
            if vouched {
                known.extend(checkpoint.signatures.iter().map(|it| it.key.clone()));
            }
            !vouched
        });
        match left.first() {
            None => return Ok(known),
            Some(first) if left.len() == before => {
                let keys: Vec<_> = first.signatures.iter().map(|it| it.key.as_str()).collect();
                return Err(BadCheckpoint::Unknown { sequence: first.sequence, keys: keys.join(", ") });
            }
            Some(_) => {}
        }
    }
}

/// The checkpoints of a file, one for each line.
pub fn read(mut lines: impl BufRead) -> Result<Vec<Checkpoint>, BadCheckpoint> {
    let mut checkpoints = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if std::io::Read::take(&mut lines, LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !line.trim_ascii().is_empty() {
            let parsed = serde_json::from_slice(&line);
            checkpoints.push(parsed.map_err(|error| BadCheckpoint::Line(number, error.to_string()))?);
        }
    }
    Ok(checkpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(byte: u8) -> Signer {
        Signer::from_seed(&[byte; 32])
    }

    fn by(signers: &[&Signer], sequence: i64) -> Checkpoint {
        sign(signers, "one", (sequence, &"ab".repeat(32)), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn b7_a_changed_checkpoint_is_noticed() {
        let (old, new) = (signer(1), signer(2));
        let signed = by(&[&old, &new], 7);
        check(&signed).expect("as it was signed");
        let changes: [fn(&mut Checkpoint); 6] = [
            |it| it.sequence = 6,
            |it| it.head = "cd".repeat(32),
            |it| it.installation = "two".into(),
            |it| it.at = Timestamp::MAX,
            // A key less, or other than the one that has signed.
            |it| drop(it.signatures.pop()),
            |it| it.signatures[0].key = it.signatures[1].key.clone(),
        ];
        for change in changes {
            let mut changed = signed.clone();
            change(&mut changed);
            assert!(check(&changed).is_err(), "{changed:?}");
        }
        assert!(check(&Checkpoint { signatures: Vec::new(), ..signed }).is_err());
    }

    #[test]
    fn b7_a_key_is_trusted_when_a_trusted_one_vouches_for_it() {
        let (first, second, third, other) = (signer(1), signer(2), signer(3), signer(4));
        let keys = |signer: &Signer| vec![signer.public_key.clone()];
        let line = [by(&[&first], 1), by(&[&second, &first], 2), by(&[&third, &second], 3), by(&[&third], 4)];
        for known in [&first, &third] {
            assert_eq!(trust(&line, &keys(known), Some("one")).expect("a chain of keys").len(), 3);
        }
        assert_eq!(trust(&line, &[], None).expect("the first is taken").len(), 3);
        assert!(matches!(trust(&line, &keys(&other), None), Err(BadCheckpoint::Unknown { sequence: 1, .. })));
        let forged = [by(&[&first], 1), by(&[&other], 2)];
        assert!(matches!(trust(&forged, &keys(&first), None), Err(BadCheckpoint::Unknown { sequence: 2, .. })));
        assert!(matches!(trust(&line, &keys(&first), Some("two")), Err(BadCheckpoint::Installation { .. })));
    }

    #[test]
    fn a_file_that_is_damaged_says_in_which_line() {
        let good = serde_json::to_string(&by(&[&signer(1)], 1)).expect("plain data");
        assert_eq!(read(format!("{good}\n\n{good}\n").as_bytes()).expect("read").len(), 2);
        let error = read(format!("{good}\n{{\n").as_bytes()).expect_err("refused");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
