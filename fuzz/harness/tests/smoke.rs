//! The fuzz targets on the stable compiler: some thousand inputs, half of them valid ones that were damaged a little.

use proptest::{collection::vec, prelude::*, sample::Index};

/// A valid input, and some bytes of it that are replaced, removed or doubled.
fn damaged(valid: String) -> impl Strategy<Value = Vec<u8>> {
    vec((any::<Index>(), any::<u8>(), 0..3_u8), 0..4).prop_map(move |changes| {
        let mut bytes = valid.clone().into_bytes();
        for (index, byte, kind) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    })
}

fn any_or_damaged(valid: &str) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..200), damaged(valid.to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens(bytes in any_or_damaged("sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH")) {
        twinkey_fuzz::token(&bytes);
    }

    #[test]
    fn bodies(bytes in prop_oneof![
        any_or_damaged(r#"{"expectedGeneration":3,"force":false,"reason":"x"}"#),
        any_or_damaged(r#"{"Name":"orders","configuration":{"partitions":3,"retentionInMinutes":null}}"#),
        any_or_damaged(r#"{"url":"https://a.example/","events":["token.rotated"]}"#),
        any_or_damaged(r#"{"email":"ada@example.org","role":"Editor","expiresInDays":7}"#),
        any_or_damaged(r#"{"safeToRotateMinutes":15,"undoMinutes":null,"anyTransactionalId":true}"#),
        (1..400_usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
    ]) {
        twinkey_fuzz::body(&bytes);
    }

    #[test]
    fn audit_logs(bytes in (0..=twinkey_fuzz::LOG).prop_flat_map(|length| damaged(twinkey_fuzz::log(length)))) {
        twinkey_fuzz::audit(&bytes);
    }

    #[test]
    fn checkpoints(bytes in damaged(twinkey_fuzz::checkpoints())) {
        twinkey_fuzz::checkpoint(&bytes);
        twinkey_fuzz::audit(&bytes);
    }

    #[test]
    fn anything_as_an_audit_log(bytes in vec(any::<u8>(), 0..300)) {
        twinkey_fuzz::audit(&bytes);
    }
}

#[test]
fn an_undamaged_log_is_intact() {
    twinkey_fuzz::audit(twinkey_fuzz::log(twinkey_fuzz::LOG).as_bytes());
    twinkey_fuzz::checkpoint(twinkey_fuzz::checkpoints().as_bytes());
}
