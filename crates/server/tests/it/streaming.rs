//! What an SDK token reaches: quix-api.md §1 and §8, and nothing else.

use std::io::Read;

use reqwest::Method;
use serde_json::json;
use twinkey_api::{token::Secret, token_pair::Slot};
use twinkey_server::keys::broker_password;
use twinkey_testkit::{Stream, TestServer, kafka::Credentials};

/// Every documented route with whether an SDK token may call it.
#[tokio::test(flavor = "multi_thread")]
async fn s1_g4_an_sdk_token_reaches_exactly_the_streaming_routes() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.create_topic("orders").await;
    let streaming = [
        "GET /workspaces",
        "GET /workspaces/{workspace_id}",
        "GET /workspaces/{workspace_id}/broker/librdkafka",
        "GET /workspaces/{workspace_id}/certificates",
        "GET /{workspace_id}/topics",
        "POST /{workspace_id}/topics",
        "GET /{workspace_id}/topics/{name}",
        "GET /auth/token/details",
        "GET /auth/permissions/query",
    ];
    let open = [
        "POST /invitations/look",
        "POST /auth/sign-in",
        "GET /auth/methods",
        "GET /auth/oidc",
        "GET /auth/oidc/callback",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
    ];
    let openapi = server.api.get("/openapi.json", "").await.ok();
    let mut seen = 0;
    for (path, methods) in openapi["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys().map(|method| method.to_uppercase()) {
            let route = format!("{method} {path}");
            if open.contains(&&*route) {
                continue;
            }
            let path = path
                .replace("{workspace_id}", server.workspace())
                .replace("{name}", "orders")
                .replace("{slot}", "current")
                .replace("{id}", "x");
            let query = &server.own("?resourceType=Workspace&resourceId=demo&permissions=Read");
            let path = if path.ends_with("/query") { format!("{path}{query}") } else { path };
            let request = server.api.request(Method::from_bytes(method.as_bytes()).expect("a method"), &path, &token);
            let request = if method == "GET" { request } else { request.json(&json!({"name": "new"})) };
            let answer = server.api.send(request).await;
            if streaming.contains(&&*route) {
                assert_eq!(answer.status, 200, "{route}: {}", answer.text);
                seen += 1;
            } else {
                assert_eq!(
                    answer.refused(403),
                    "An SDK token gives access to streaming only; sign in, or use a personal access token, for this",
                    "{route}"
                );
            }
        }
    }
    assert_eq!(seen, streaming.len(), "a streaming route is not documented");
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_a_workspace_has_two_valid_tokens_from_the_moment_it_exists() {
    let server = TestServer::start().await;
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": &server.own("acme")})).await.ok();
    let pair = server.api.get(&server.own("/workspaces/acme/tokens"), &server.admin).await.ok();
    assert_eq!(pair["generation"], 0);
    assert_eq!((&pair["current"]["label"], &pair["next"]["label"]), (&json!("Token 1"), &json!("Token 2")));
    let mut tokens = Vec::new();
    for slot in Slot::BOTH {
        let token = server.api.reveal(&server.own("acme"), slot, &server.admin).await;
        assert!(server.api.accepts(&server.own("acme"), &token).await);
        Stream::open(&server.api, &server.own("acme"), &token).await;
        tokens.push(token);
    }
    assert_ne!(tokens[0], tokens[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_g4_a_token_works_for_its_own_workspace_only() {
    let server = TestServer::start().await;
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": &server.own("acme")})).await.ok();
    server.api.post(&server.own("/acme/topics"), &server.admin, &json!({"name": "secret"})).await.ok();
    let token = server.token(Slot::Current).await;

    // On the API: refused, in the same words whether or not the other workspace exists.
    let paths = [
        "/workspaces/W",
        "/workspaces/W/broker/librdkafka",
        "/workspaces/W/certificates",
        "/W/topics",
        "/W/topics/secret",
    ];
    for path in paths {
        let existing = server.api.get(&path.replace('W', &server.own("acme")), &token).await.refused(403);
        let missing = server.api.get(&path.replace('W', "nowhere"), &token).await.refused(403);
        assert_eq!(existing, missing);
    }
    let listed = server.api.get("/workspaces", &token).await.ok();
    assert_eq!(listed.as_array().expect("a list").len(), 1);
    assert_eq!(listed[0]["workspaceId"], server.workspace());

    // On the broker: TOPIC_AUTHORIZATION_FAILED, whether or not the topic exists.
    let mut stream = server.stream(&token).await;
    for topic in
        [&server.own("acme-secret"), &server.own("acme-nothing"), server.workspace(), &server.own("demox-orders")]
    {
        assert_eq!(stream.metadata_error(topic).await, 29, "{topic}");
        assert_eq!(stream.produce(topic, "x").await.expect("connected"), Err(29), "{topic}");
        assert_eq!(stream.fetch(topic, 0, 0).await.expect("connected"), Err(29), "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_an_editor_can_read_the_tokens_and_the_audit_log_says_so() {
    let server = TestServer::start().await;
    let editor = server.user("editor@example.org", twinkey_api::Role::Editor, None).await;
    let viewer = server.user("viewer@example.org", twinkey_api::Role::Viewer, None).await;
    let token = server.api.reveal(server.workspace(), Slot::Next, &editor).await;
    assert!(server.api.accepts(server.workspace(), &token).await);
    let answer = server.api.post(&server.own("/workspaces/demo/tokens/next/reveal"), &editor, &json!({})).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let refused =
        server.api.post(&server.own("/workspaces/demo/tokens/next/reveal"), &viewer, &json!({})).await.refused(403);
    assert!(refused.contains("Editor"), "{refused}");
    let audit = server.api.get(&server.own("/audit?workspaceId=demo&limit=1"), &server.admin).await.ok();
    assert_eq!((&audit[0]["action"], &audit[0]["actor"]), (&json!("token.revealed"), &json!("editor@example.org")));
}

/// The whole path of a client: one secret, and a record comes back.
#[tokio::test(flavor = "multi_thread")]
async fn s5_one_token_is_enough_to_stream() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let workspaces = server.api.get("/workspaces", &token).await.ok();
    let workspace = workspaces[0]["workspaceId"].as_str().expect("an id");
    server.api.post(&format!("/{workspace}/topics"), &token, &json!({"name": "orders"})).await.ok();
    let mut stream = Stream::open(&server.api, workspace, &token).await;
    assert_eq!(stream.produce(&server.topic("orders"), "hello").await.expect("connected"), Ok(0));
    assert_eq!(stream.read_all(&server.topic("orders")).await, ["hello"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s7_tokens_never_expire() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    server.advance(jiff::SignedDuration::from_hours(24 * 365 * 100));
    assert!(server.api.accepts(server.workspace(), &token).await);
    server.stream(&token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_librdkafka_answer_has_exactly_the_keys_that_clients_accept() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let body = server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &token).await.ok();
    let mut keys: Vec<_> = body.as_object().expect("an object").keys().cloned().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "bootstrap.servers",
            "client.id",
            "sasl.mechanism",
            "sasl.password",
            "sasl.username",
            "security.protocol",
            "ssl.ca.cert"
        ]
    );
    assert_eq!(body["security.protocol"], "SASL_SSL");
    assert_eq!(body["sasl.mechanism"], "SCRAM-SHA-256");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_has_no_null_that_breaks_old_clients() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let workspace = server.api.get(&server.own("/workspaces/demo"), &token).await.ok();
    let credentials = Credentials::of(&server.api, server.workspace(), &token).await;
    assert_eq!(workspace["status"], "Ready");
    assert_eq!(workspace["brokerSettings"], json!({"brokerType": "SelfHosted", "syncTopics": false}));
    assert_eq!(
        workspace["broker"],
        json!({
            "address": credentials.address, "securityMode": "SaslSsl", "saslMechanism": "ScramSha256",
            "username": credentials.username, "password": credentials.password, "sslPassword": "", "hasCertificate": true
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_are_a_zip_with_the_ca() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let request = server.api.request(Method::GET, &server.own("/workspaces/demo/certificates"), &token);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/zip");
    let bytes = response.bytes().await.expect("a body");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a zip");
    let mut pem = String::new();
    archive.by_name("ca.cert").expect("at the root").read_to_string(&mut pem).expect("text");
    assert_eq!(pem, Credentials::of(&server.api, server.workspace(), &token).await.ca);
}

/// Principals belong to a token's value (B5): each token signs in as itself, and promotion does not change that.
#[tokio::test(flavor = "multi_thread")]
async fn b5_every_token_has_a_principal_of_its_own_that_survives_promotion() {
    let server = TestServer::start().await;
    let [current, next] = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    let before = Credentials::of(&server.api, server.workspace(), &next).await;
    assert_ne!(Credentials::of(&server.api, server.workspace(), &current).await.username, before.username);
    let _open = [server.stream(&current).await, server.stream(&next).await];
    let mut principals: Vec<_> = server.app().broker.connections().into_iter().map(|it| it.principal).collect();
    principals.sort();
    let mut expected =
        vec![Credentials::of(&server.api, server.workspace(), &current).await.username, before.username.clone()];
    expected.sort();
    // Apache Kafka does not tell who is connected.
    if server.kafka().is_none() {
        assert_eq!(principals, expected);
    }
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let after = Credentials::of(&server.api, server.workspace(), &next).await;
    assert_eq!((before.username, before.password), (after.username, after.password));
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_queries_answer_by_status() {
    let server = TestServer::start().await;
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": &server.own("acme")})).await.ok();
    let token = server.token(Slot::Current).await;
    let ask = async |query: &str| server.api.get(&format!("/auth/permissions/query?{query}"), &token).await;
    for granted in [
        &server.own("resourceType=Workspace&resourceId=demo&permissions=Update"),
        &server.own("resourceType=workspace&resourceId=demo&permission=Read"),
        "resourceType=Organisation&resourceId=demo&permissions=Read",
        &server.own("resourceType=Topic&resourceId=demo-orders&permissions=Write"),
    ] {
        assert_eq!(ask(granted).await.ok(), json!(true), "{granted}");
    }
    for denied in [
        &server.own("resourceType=Workspace&resourceId=acme&permissions=Read"),
        &server.own("resourceType=Workspace&resourceId=demo&permissions=Delete"),
        "resourceType=Organisation&resourceId=demo&permissions=Update",
        &server.own("resourceType=Topic&resourceId=acme-x&permissions=Read"),
        "resourceType=User&resourceId=x&permissions=Read",
    ] {
        ask(denied).await.refused(403);
    }
    for bad in [
        "",
        "resourceType=Workspace&permissions=Read",
        &server.own("resourceType=Shoe&resourceId=demo&permissions=Read"),
        &server.own("resourceType=Workspace&resourceId=demo&permissions=Fly"),
    ] {
        ask(bad).await.refused(400);
    }
    server
        .api
        .get(
            &server.own("/auth/permissions/query?resourceType=Workspace&resourceId=demo&permissions=Read"),
            "sdk-wrong",
        )
        .await
        .refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pat_reaches_the_streaming_routes_too_and_leaves_a_record() {
    let server = TestServer::start().await;
    let editor = server.user("editor@example.org", twinkey_api::Role::Editor, None).await;
    let viewer = server.user("viewer@example.org", twinkey_api::Role::Viewer, None).await;
    let body = server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &editor).await.ok();
    Credentials::from_librdkafka(&body).sign_in().await.expect("the credentials work");
    let audit = server.api.get("/audit?limit=1", &server.admin).await.ok();
    assert_eq!(
        (&audit[0]["action"], &audit[0]["actor"]),
        (&json!("broker_credentials.revealed"), &json!("editor@example.org"))
    );
    server.api.get(&server.own("/workspaces/demo/broker/librdkafka"), &viewer).await.refused(403);
    // A person chooses whose credentials; a token has its own.
    let tokens = server.api.get(&server.own("/workspaces/demo/tokens"), &editor).await.ok();
    let path = server.own("/workspaces/demo/broker/librdkafka?slot=next");
    let of_next = server.api.get(&path, &editor).await.ok();
    assert_eq!(of_next["sasl.username"], tokens["next"]["principal"]);
    Credentials::from_librdkafka(&of_next).sign_in().await.expect("those of Token 2 work too");
    let own = server.api.get(&path, &server.token(Slot::Current).await).await.ok();
    assert_eq!(own["sasl.username"], tokens["current"]["principal"]);
    server.api.get(&server.own("/workspaces/demo/broker/librdkafka?slot=both"), &editor).await.refused(400);
    let listed = server.api.get("/workspaces", &viewer).await.ok();
    assert_eq!(listed[0]["broker"]["password"], "");
    let listed = server.api.get("/workspaces", &editor).await.ok();
    assert_eq!(listed[0]["broker"]["password"], body["sasl.password"]);
}

/// Principals are no secrets; only who proves one uses its token.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_on_the_broker_is_no_use_of_the_token() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let last_used = async || {
        server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok()["next"]["lastUsedAt"].clone()
    };
    let mut credentials = Credentials::of(&server.api, server.workspace(), &token).await;
    let tokens = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    credentials.username = tokens["next"]["principal"].as_str().expect("a principal").to_owned();
    assert!(credentials.sign_in().await.is_err());
    assert!(last_used().await.is_null());
    let next = Secret::parse(&server.token(Slot::Next).await).expect("a token");
    credentials.password = broker_password(&next).to_string();
    credentials.sign_in().await.expect("signed in");
    // Sign-ins on Apache Kafka are the cluster's business; there it is use of the API that is seen.
    assert_eq!(last_used().await.is_string(), server.kafka().is_none());
}
