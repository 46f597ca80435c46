use proptest::prelude::*;

use super::{
    ITERATIONS, Keys, Mechanism, ScramError, client, message,
    server::{ClientFirst, Exchange},
};

const SALT: &[u8] = b"some salt";

fn server_of(mechanism: Mechanism, first: &[u8], salt: &[u8], nonce: &str) -> (Exchange, Vec<u8>) {
    Exchange::begin(mechanism, ClientFirst::parse(first).unwrap(), nonce, salt, ITERATIONS)
}

/// The example of RFC 7677 §3.
#[test]
fn rfc_7677_vector() {
    let (client, first) = client::Exchange::begin(Mechanism::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    assert_eq!(first, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let salt = message::decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let (server, challenge) = server_of(Mechanism::Sha256, &first, &salt, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    assert_eq!(
        String::from_utf8(challenge.clone()).unwrap(),
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let (verifier, last) = client.prove(&challenge).unwrap();
    assert_eq!(
        String::from_utf8(last.clone()).unwrap(),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let keys = Keys::derive(Mechanism::Sha256, "pencil", &salt, ITERATIONS);
    let proof = server.finish(&keys, &last).unwrap();
    assert_eq!(proof, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    verifier.verify(&proof).unwrap();
}

/// The password, and both directions, with each hash; names with escapes.
#[test]
fn both_sides_agree_and_a_wrong_password_does_not_pass() {
    for mechanism in [Mechanism::Sha256, Mechanism::Sha512] {
        for (offered, passes) in [("right", true), ("wrong", false), ("", false)] {
            let (client, first) = client::Exchange::begin(mechanism, "a=b,c", offered, "clientnonce");
            let parsed = ClientFirst::parse(&first).unwrap();
            assert_eq!(parsed.user, "a=b,c");
            let (server, challenge) = Exchange::begin(mechanism, parsed, "servernonce", SALT, ITERATIONS);
            let (verifier, last) = client.prove(&challenge).unwrap();
            let keys = Keys::derive(mechanism, "right", SALT, ITERATIONS);
            match server.finish(&keys, &last) {
                Ok(proof) => {
                    assert!(passes);
                    verifier.verify(&proof).unwrap();
                }
                Err(error) => assert_eq!((error, passes), (ScramError::Proof, false)),
            }
        }
    }
}

/// Builds the last message as librdkafka before 2.6.1 does: its own nonce, then the whole nonce of the server.
fn last_message(mechanism: Mechanism, password: &str, bare: &str, challenge: &str, nonce: &str) -> Vec<u8> {
    let salted = mechanism.stretch(password.as_bytes(), SALT, ITERATIONS);
    let client_key = mechanism.hmac(&salted, b"Client Key");
    let without_proof = format!("c=biws,r={nonce}");
    let signature =
        mechanism.hmac(&mechanism.hash(&client_key), format!("{bare},{challenge},{without_proof}").as_bytes());
    format!("{without_proof},p={}", message::encode(&super::xor(&client_key, &signature))).into_bytes()
}

#[test]
fn the_nonce_may_be_that_of_older_librdkafka_and_no_other() {
    let mechanism = Mechanism::Sha256;
    let keys = Keys::derive(mechanism, "pencil", SALT, ITERATIONS);
    let bare = "n=user,r=client";
    for (nonce, expected) in [
        ("clientserver", None),
        ("clientclientserver", None),
        ("client", Some(ScramError::Nonce)),
        ("clientserverx", Some(ScramError::Nonce)),
        ("other", Some(ScramError::Nonce)),
    ] {
        let (server, challenge) = server_of(mechanism, format!("n,,{bare}").as_bytes(), SALT, "server");
        let challenge = String::from_utf8(challenge).unwrap();
        let last = last_message(mechanism, "pencil", bare, &challenge, nonce);
        assert_eq!(server.finish(&keys, &last).err(), expected, "{nonce}");
    }
}

#[test]
fn a_missing_empty_or_short_proof_never_passes() {
    let keys = Keys::derive(Mechanism::Sha256, "pencil", SALT, ITERATIONS);
    for last in
        ["c=biws,r=clientserver", "c=biws,r=clientserver,p=", "c=biws,r=clientserver,p=AAAA", "", ",p=", "p=AAAA"]
    {
        let (server, _) = server_of(Mechanism::Sha256, b"n,,n=user,r=client", SALT, "server");
        assert!(server.finish(&keys, last.as_bytes()).is_err(), "{last}");
    }
}

#[test]
fn first_messages_that_ask_for_more_are_refused() {
    for (first, expected) in [
        ("p=tls-unique,,n=user,r=x", ScramError::ChannelBinding),
        ("n,a=other,n=user,r=x", ScramError::AuthorisationIdentity),
        ("n,,m=ext,n=user,r=x", ScramError::Malformed("an attribute is missing")),
        ("n,,n=us=er,r=x", ScramError::Malformed("user name")),
        ("n,,n=,r=x", ScramError::Malformed("user name")),
        ("n,,n=user,r=", ScramError::Malformed("nonce")),
        ("z,,n=user,r=x", ScramError::Malformed("channel binding flag")),
    ] {
        assert_eq!(ClientFirst::parse(first.as_bytes()).err(), Some(expected), "{first}");
    }
    assert_eq!(ClientFirst::parse(b"y,a=us=2Cer,n=us=2Cer,r=x").unwrap().user, "us,er");
}

#[test]
fn a_header_that_changed_on_the_way_is_refused() {
    let keys = Keys::derive(Mechanism::Sha256, "pencil", SALT, ITERATIONS);
    let (server, _) = server_of(Mechanism::Sha256, b"y,,n=user,r=client", SALT, "server");
    let outcome = server.finish(&keys, b"c=biws,r=clientserver,p=AAAA");
    assert_eq!(outcome.err(), Some(ScramError::ChannelBinding));
}

#[test]
fn secrets_are_not_printed() {
    let (client, _) = client::Exchange::begin(Mechanism::Sha256, "user", "pencil", "nonce");
    assert!(!format!("{client:?}").contains("pencil"));
}

proptest! {
    #[test]
    fn arbitrary_messages_never_panic(first in "[nyp],?,?(n=|r=|a=|m=)?[ -~]{0,40}", last in any::<Vec<u8>>(), text in "(c=biws,)?(r=xs)?(,p=)?[ -~]{0,40}") {
        if let Ok(parsed) = ClientFirst::parse(first.as_bytes()) {
            let keys = Keys { stored: vec![1; 32], server: vec![2; 32] };
            let (server, _) = Exchange::begin(Mechanism::Sha256, parsed, "s", SALT, ITERATIONS);
            prop_assert!(server.finish(&keys, &last).is_err());
        }
        let (server, _) = server_of(Mechanism::Sha256, b"n,,n=u,r=x", SALT, "s");
        let keys = Keys { stored: vec![1; 32], server: vec![2; 32] };
        prop_assert!(server.finish(&keys, text.as_bytes()).is_err());
        let (client, _) = client::Exchange::begin(Mechanism::Sha256, "u", "p", "x");
        let _ = client.prove(text.as_bytes());
        let _ = ClientFirst::parse(&last);
    }

    #[test]
    fn names_survive_escaping(name in "[ -~äöü]{1,30}") {
        prop_assert_eq!(message::unescape_name(&message::escape_name(&name)).unwrap(), name);
    }
}
