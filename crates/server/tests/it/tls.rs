//! TLS for the API: what is shown, what is refused, and renewals while the server runs.

use std::{fs, path::Path, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use twinkey_server::{
    cli_credential::CliCredential,
    http::tls::TlsFiles,
    start::{Config, Server},
};
use twinkey_testkit::server::{config, try_start_now};

/// Writes a fresh self-signed certificate and its key; returns the certificate as a client trusts it.
fn issue(directory: &Path) -> reqwest::Certificate {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("issued");
    fs::write(directory.join("cert.pem"), issued.cert.pem()).expect("written");
    fs::write(directory.join("key.pem"), issued.signing_key.serialize_pem()).expect("written");
    reqwest::Certificate::from_der(issued.cert.der()).expect("a certificate")
}

fn with_tls(directory: &Path) -> Config {
    let mut config = config(&directory.join("data"));
    config.http.tls = Some(TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") });
    config
}

/// A client that trusts this certificate only, and keeps no connection open.
fn client(trusted: &reqwest::Certificate) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    builder.tls_certs_only([trusted.clone()]).build().expect("a client")
}

async fn answers(server: &Server, trusted: &reqwest::Certificate) -> bool {
    client(trusted).get(format!("{}/healthz", server.endpoints.url)).send().await.is_ok()
}

fn known_to_command_line(directory: &Path) -> String {
    let file = fs::read(directory.join("data/cli.json")).expect("written at the start");
    serde_json::from_slice::<CliCredential>(&file).expect("a credential").certificate.expect("there with TLS")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_shown_without_a_restart_and_a_bad_one_is_not() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let directory = directory.path();
    let first = issue(directory);
    let server = try_start_now(with_tls(directory)).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(server.endpoints.url.starts_with("https://localhost:"), "{}", server.endpoints.url);
    assert!(answers(&server, &first).await);
    let known = known_to_command_line(directory);

    // The key of another certificate, as in the middle of a renewal.
    let old_key = fs::read(directory.join("key.pem")).expect("written");
    let second = issue(directory);
    let new_key = fs::read(directory.join("key.pem")).expect("written");
    fs::write(directory.join("key.pem"), old_key).expect("written");
    server.reload();
    for _ in 0..20 {
        assert!(answers(&server, &first).await, "the old certificate stays while the new one cannot be used");
    }
    assert_eq!(known_to_command_line(directory), known);

    fs::write(directory.join("key.pem"), new_key).expect("written");
    server.reload();
    let renewed = async {
        while !answers(&server, &second).await || known_to_command_line(directory) == known {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), renewed).await.expect("renewed");
    assert!(!answers(&server, &first).await);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_told_to_use_https_and_a_handshake_that_stalls_stops_nobody() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let trusted = issue(directory.path());
    let server = try_start_now(with_tls(directory.path())).await.unwrap_or_else(|error| panic!("{error}"));
    let port = server.endpoints.url.rsplit_once(':').expect("a port").1.to_owned();

    let mut plain = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("connected");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    let mut answer = [0; 400];
    let length = plain.read(&mut answer).await.expect("answered");
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("https://"), "{answer}");

    // The first bytes of a handshake, and then silence; and noise.
    let mut silent = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("connected");
    silent.write_all(b"\x16\x03\x01").await.expect("sent");
    let mut noisy = TcpStream::connect(format!("127.0.0.1:{port}")).await.expect("connected");
    noisy.write_all(&[0xff; 64]).await.expect("sent");
    assert!(answers(&server, &trusted).await);
    tokio::time::timeout(Duration::from_secs(9), server.shutdown()).await.expect("does not wait for the handshake");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_used_is_named_at_the_start() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let directory = directory.path();
    let refused = async || try_start_now(with_tls(directory)).await.err().expect("refused").to_string();

    let missing = refused().await;
    assert!(missing.contains("cert.pem") && missing.contains("cannot read"), "{missing}");

    issue(directory);
    let other_key = fs::read(directory.join("key.pem")).expect("written");
    issue(directory);
    let own_key = fs::read(directory.join("key.pem")).expect("written");
    fs::write(directory.join("key.pem"), other_key).expect("written");
    let mismatch = refused().await;
    assert!(mismatch.contains("cannot be used together"), "{mismatch}");

    fs::write(directory.join("key.pem"), "hello").expect("written");
    let no_key = refused().await;
    assert!(no_key.contains("key.pem holds no private key"), "{no_key}");

    fs::write(directory.join("cert.pem"), own_key).expect("written");
    let no_certificate = refused().await;
    assert!(no_certificate.contains("cert.pem holds no certificate"), "{no_certificate}");
}
