use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest, SaslAuthenticateRequest, SaslHandshakeRequest};
use twinkey_embedded_broker::Limits;
use twinkey_kafka_wire::{
    client::{Client, ClientError, SaslMechanism},
    scram::{Mechanism, ScramError, client::Exchange},
};

use crate::support::{SCRAM, Server, assert_closed, limits, password_of, start, start_with, text};

const MECHANISMS: [SaslMechanism; 3] = [SCRAM, SaslMechanism::Scram(Mechanism::Sha512), SaslMechanism::Plain];

async fn handshake(client: &mut Client, mechanism: &str) -> i16 {
    let request = SaslHandshakeRequest::default().with_mechanism(text(mechanism));
    client.call(request, 1).await.unwrap().error_code
}

#[tokio::test]
async fn each_mechanism_signs_in() {
    let server = start().await;
    for mechanism in MECHANISMS {
        let mut client = server.try_sign_in(mechanism, "tk-1", &password_of("tk-1")).await.unwrap();
        assert_eq!(client.call(MetadataRequest::default(), 12).await.unwrap().error_code, 0);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_alike() {
    let server = start().await;
    for mechanism in MECHANISMS {
        let mut said = Vec::new();
        for user in ["tk-1", "nobody"] {
            match server.try_sign_in(mechanism, user, "wrong").await {
                Err(ClientError::Refused { code: 58, message }) => said.push(message),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(said[0], said[1]);
        assert!(said[0].contains("invalid credentials"), "{}", said[0]);
    }
}

/// The salt of an unknown user is as stable as that of a known one.
#[tokio::test]
async fn salts_do_not_tell_who_exists() {
    let server = start().await;
    let mut salts = Vec::new();
    for user in ["tk-1", "tk-1", "nobody", "nobody"] {
        let mut client = server.connect().await;
        handshake(&mut client, "SCRAM-SHA-256").await;
        let (_, first) = Exchange::begin(Mechanism::Sha256, user, "x", "nonce");
        let challenge = String::from_utf8(client.authenticate(first).await.unwrap().to_vec()).unwrap();
        salts.push(challenge.split(',').nth(1).unwrap().to_owned());
    }
    assert_eq!(salts[0], salts[1]);
    assert_eq!(salts[2], salts[3]);
    assert_ne!(salts[0], salts[2]);
}

#[tokio::test]
async fn wrong_missing_and_empty_proofs_are_refused() {
    let server = start().await;
    for tail in [",p=AAAA", ",p=", "", ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="] {
        let mut client = server.connect().await;
        handshake(&mut client, "SCRAM-SHA-256").await;
        let challenge = client.authenticate(b"n,,n=tk-1,r=nonce".to_vec()).await.unwrap();
        let nonce = std::str::from_utf8(&challenge).unwrap().split(',').next().unwrap().to_owned();
        let outcome = client.authenticate(format!("c=biws,{nonce}{tail}").into_bytes()).await;
        assert!(matches!(outcome, Err(ClientError::Refused { code: 58, .. })), "{tail}: {outcome:?}");
        assert_closed(client.receive_raw().await);
    }
    let mut client = server.connect().await;
    handshake(&mut client, "PLAIN").await;
    let outcome = client.authenticate(b"\0tk-1\0".to_vec()).await;
    assert!(matches!(outcome, Err(ClientError::Refused { code: 58, .. })), "{outcome:?}");
}

/// librdkafka before 2.6.1 sends its own nonce twice.
#[tokio::test]
async fn the_doubled_nonce_of_older_clients_signs_in() {
    let server = start().await;
    let mut client = server.connect().await;
    handshake(&mut client, "SCRAM-SHA-256").await;
    let challenge = client.authenticate(b"n,,n=tk-1,r=nonce".to_vec()).await.unwrap();
    // The library's own client is strict, so the older one is played by telling it another challenge: the nonce doubled.
    let last = doubled(&challenge, &password_of("tk-1"));
    client.authenticate(last).await.unwrap();
    client.call(MetadataRequest::default(), 12).await.unwrap();
}

fn doubled(challenge: &[u8], password: &str) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};
    let hmac = |key: &[u8], data: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    };
    let challenge = std::str::from_utf8(challenge).unwrap();
    let parts: Vec<_> = challenge.split(',').collect();
    let salt = base64_decode(&parts[1][2..]);
    let mut salted = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, 4096, &mut salted);
    let key = hmac(&salted, b"Client Key");
    let without_proof = format!("c=biws,r=nonce{}", &parts[0][2..]);
    let signature = hmac(&Sha256::digest(&key), format!("n=tk-1,r=nonce,{challenge},{without_proof}").as_bytes());
    let proof: Vec<u8> = key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
    format!("{without_proof},p={}", base64_encode(&proof)).into_bytes()
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

fn base64_encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn an_unknown_mechanism_is_refused_with_the_list() {
    let server = start().await;
    let mut client = server.connect().await;
    let request = SaslHandshakeRequest::default().with_mechanism(text("GSSAPI"));
    let answer = client.call(request, 1).await.unwrap();
    let offered: Vec<_> = answer.mechanisms.iter().map(kafka_protocol::protocol::StrBytes::as_str).collect();
    assert_eq!((answer.error_code, offered), (33, vec!["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]));
    assert_closed(client.receive_raw().await);
}

#[tokio::test]
async fn nothing_else_is_answered_before_the_sign_in() {
    let server = start().await;
    let mut client = server.connect().await;
    client.api_versions(3).await.unwrap();
    assert_closed(client.call(MetadataRequest::default(), 12).await);
    let mut client = server.connect().await;
    let outcome = client.call(SaslAuthenticateRequest::default(), 2).await.unwrap();
    assert_eq!(outcome.error_code, 34);
    assert_closed(client.receive_raw().await);
}

#[tokio::test]
async fn bare_tokens_of_old_clients_sign_in() {
    let server = start().await;
    let mut client = server.connect().await;
    let request = SaslHandshakeRequest::default().with_mechanism(text("PLAIN"));
    assert_eq!(client.call(request, 0).await.unwrap().error_code, 0);
    let token = format!("\0tk-1\0{}", password_of("tk-1"));
    client.send_raw(&u32::try_from(token.len()).unwrap().to_be_bytes()).await.unwrap();
    client.send_raw(token.as_bytes()).await.unwrap();
    assert!(client.receive_raw().await.unwrap().is_empty());
    client.call(MetadataRequest::default(), 12).await.unwrap();
}

#[tokio::test]
async fn a_live_connection_may_prove_itself_again_but_not_become_another() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    client.sign_in(SCRAM, "tk-1", &password_of("tk-1")).await.unwrap();
    client.call(MetadataRequest::default(), 12).await.unwrap();
    let outcome = client.sign_in(SCRAM, "tk-2", &password_of("tk-2")).await;
    assert!(matches!(outcome, Err(ClientError::Refused { code: 58, .. })), "{outcome:?}");
    assert_closed(client.receive_raw().await);
}

#[tokio::test]
async fn connections_name_the_token_and_the_client() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    client.set_client_id("my-app");
    client.call(MetadataRequest::default(), 12).await.unwrap();
    let connections = server.broker.connections();
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].principal, "tk-1");
    assert_eq!(connections[0].client_id.as_deref(), Some("my-app"));
    assert_eq!(connections[0].software_name.as_deref(), Some("twinkey"));
}

#[tokio::test]
async fn an_unknown_version_of_api_versions_is_answered_on_the_same_connection() {
    let server = start().await;
    let mut client = server.connect().await;
    // key 18, version 99, correlation id 5, no client id, no tags, then whatever a newer version may hold
    let frame = [0, 0, 0, 14, 0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0, 1, 2, 3];
    client.send_raw(&frame).await.unwrap();
    let answer = client.receive_raw().await.unwrap();
    assert_eq!(answer[..], [0, 0, 0, 5, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4]);
    for version in 0..=4 {
        let answer = client
            .call(
                ApiVersionsRequest::default()
                    .with_client_software_name(text("a"))
                    .with_client_software_version(text("1")),
                version,
            )
            .await
            .unwrap();
        assert_eq!(answer.error_code, 0);
        let produce = answer.api_keys.iter().find(|api| api.api_key == 0);
        assert_eq!(produce.map(|api| api.min_version), Some(0));
        assert!(!answer.api_keys.iter().any(|api| (24..=28).contains(&api.api_key)), "no transactions");
    }
}

#[tokio::test]
async fn the_sign_in_has_a_time_limit() {
    let limits = Limits { sign_in_time: std::time::Duration::from_millis(200), ..limits() };
    let server: Server = start_with(limits, false).await;
    let mut client = server.connect().await;
    assert_closed(client.receive_raw().await);
}

#[tokio::test]
async fn the_strict_client_notices_a_server_that_does_not_know_the_password() {
    let (exchange, _) = Exchange::begin(Mechanism::Sha256, "user", "pencil", "nonce");
    let (verifier, _) = exchange.prove(b"r=nonceserver,s=c2FsdA==,i=4096").unwrap();
    assert_eq!(verifier.verify(b"v=AAAA"), Err(ScramError::Proof));
}

/// A client that finds the end of the stream right behind the refusal may lose the refusal.
#[tokio::test]
async fn a_refused_client_may_close_first() {
    let hour = std::time::Duration::from_hours(1);
    let server = start_with(Limits { linger: hour, ..limits() }, false).await;
    let mut client = server.connect().await;
    handshake(&mut client, "PLAIN").await;
    let outcome = client.authenticate(b"\0tk-1\0wrong".to_vec()).await;
    assert!(matches!(outcome, Err(ClientError::Refused { code: 58, .. })), "{outcome:?}");
    let end = tokio::time::timeout(std::time::Duration::from_millis(50), client.receive_raw()).await;
    assert!(end.is_err(), "{end:?}");
}
