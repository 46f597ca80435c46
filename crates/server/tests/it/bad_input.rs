//! What bad input gets: quix-api.md §0 and the table of the issue.

use std::{fmt::Write as _, time::Duration};

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use twinkey_api::{TokenKind, token::Secret, token_pair::Slot};
use twinkey_server::random::Random;
use twinkey_testkit::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_credential_gets_the_sentence_that_clients_know() {
    let server = TestServer::start().await;
    let never_issued = Random::from_seed(1).with(|rng| Secret::generate(TokenKind::Sdk, rng));
    for token in ["", "x", "sdk-12345", "eyJhbGciOi.J.J", never_issued.expose()] {
        let answer = server.api.get("/workspaces", token).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(answer.refused(401), "User is not authenticated");
    }
    let without = reqwest::Client::new().get(format!("{}/workspaces", server.api.url)).send().await.expect("an answer");
    assert_eq!(without.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn transport_rules_of_real_clients() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let http = reqwest::Client::new();
    let get = |path: &str, authorization: String| {
        http.get(format!("{}{path}", server.api.url))
            .header("Authorization", authorization)
            .header("Accept", "text/plain")
    };
    // The scheme in any case, repeated slashes, and JSON whatever `Accept` says.
    for (path, scheme) in [
        ("/workspaces", "bearer"),
        ("//workspaces", "BEARER"),
        (&server.own("///workspaces//demo"), "Bearer"),
        (&server.own("//demo//topics"), "bEARER"),
    ] {
        let response = get(path, format!("{scheme} {token}")).send().await.expect("an answer");
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "application/json");
    }
    // A content type without a body, as some clients send on GET.
    let response =
        get("/workspaces", format!("Bearer {token}")).header("Content-Type", "application/json").send().await;
    assert_eq!(response.expect("an answer").status(), 200);
    // A refusal is JSON too, and no redirect.
    server.api.get("/nowhere", &token).await.refused(404);
    server.api.send(server.api.request(Method::PUT, "/workspaces", &token)).await.refused(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_what_a_route_takes() {
    let server = TestServer::start().await;
    let send = async |content_type: Option<&str>, body: &str| {
        let request = server
            .api
            .request(Method::POST, &server.own("/workspaces/demo/tokens/rotate"), &server.admin)
            .body(body.to_owned());
        let request = match content_type {
            Some(content_type) => request.header("Content-Type", content_type),
            None => request,
        };
        server.api.send(request).await
    };
    send(Some("application/json"), "").await.refused(400);
    send(Some("application/json"), "{").await.refused(400);
    send(None, r#"{"expectedGeneration":0}"#).await.refused(415);
    send(Some("text/plain"), r#"{"expectedGeneration":0}"#).await.refused(415);
    let missing = send(Some("application/json"), "{}").await.refused(422);
    assert!(missing.contains("expectedGeneration"), "{missing}");
    let wrong_type = send(Some("application/json"), r#"{"expectedGeneration":"0"}"#).await.refused(422);
    assert!(wrong_type.contains("expectedGeneration"), "{wrong_type}");
    let unknown = send(Some("application/json"), r#"{"expectedGeneration":0,"froce":true}"#).await.refused(422);
    assert!(unknown.contains("froce"), "{unknown}");
    let large = format!(r#"{{"expectedGeneration":0,"reason":"{}"}}"#, "x".repeat(300_000));
    send(Some("application/json"), &large).await.refused(413);
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 0);
    // Existing clients' routes ignore what they do not know.
    let token = server.token(Slot::Current).await;
    let body = json!({"name": "orders", "unmanaged": false, "linkedTopic": null, "configuration": {"later": 1}});
    server.api.post(&server.own("/demo/topics"), &token, &body).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_headers_are_refused_early_and_others_go_on() {
    let server = TestServer::start().await;
    let address = server.api.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut flood = TcpStream::connect(&address).await.expect("connected");
    let mut request = String::from("GET /workspaces HTTP/1.1\r\nHost: x\r\n");
    for number in 0..10_000 {
        write!(request, "x-{number}: {number}\r\n").expect("a String takes it");
    }
    // The server may close before everything is written; what counts is what it answers.
    let _ = flood.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ =
        tokio::time::timeout(Duration::from_secs(10), flood.read_to_end(&mut answer)).await.expect("closed in time");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));

    let mut idle = Vec::new();
    for _ in 0..500 {
        let mut half = TcpStream::connect(&address).await.expect("connected");
        half.write_all(b"GET /workspaces HTTP/1.1\r\nHos").await.expect("written");
        idle.push(half);
    }
    server.api.get("/workspaces", &server.admin).await.ok();
}
