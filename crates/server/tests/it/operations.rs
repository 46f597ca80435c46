//! What an operator relies on: addresses behind proxies, readiness, and an orderly end.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use twinkey_api::WorkspaceId;
use twinkey_server::{
    cli_credential::CliCredential,
    db::Db,
    http::{HttpSettings, proxies::TrustedProxies},
    start::Server,
};
use twinkey_testkit::{
    Api,
    server::{ADMIN_PASSWORD, config, try_start_now},
};

/// A server with these settings, the administrator's credential, and the directory that it lives in.
async fn start(http: HttpSettings) -> (Server, Api, String, TempDir) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut config = config(&directory.path().join("data"));
    config.http = http;
    let server = try_start_now(config).await.unwrap_or_else(|error| panic!("{error}"));
    let file = std::fs::read(directory.path().join("data/cli.json")).expect("written at the start");
    let credential: CliCredential = serde_json::from_slice(&file).expect("a credential");
    (server, Api::at(&credential.url), credential.token, directory)
}

/// Signs in with such a header and returns the address that the audit log has for it.
async fn recorded_address(api: &Api, admin: &str, forwarded_for: &str) -> String {
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    let request = api.request(Method::POST, "/auth/sign-in", "").json(&body).header("X-Forwarded-For", forwarded_for);
    api.send(request.header("Forwarded", "for=203.0.113.9")).await.ok();
    let newest = api.get("/audit?limit=1", admin).await.ok();
    assert_eq!(newest[0]["action"], "session.created", "{newest}");
    newest[0]["address"].as_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let (server, api, admin, _directory) = start(HttpSettings::default()).await;
    assert_eq!(recorded_address(&api, &admin, "192.0.2.1").await, "127.0.0.1");
    server.shutdown().await;

    let trusted_proxies = TrustedProxies::new(vec!["127.0.0.0/8".parse().expect("a network")]);
    let (server, api, admin, _directory) = start(HttpSettings { trusted_proxies, ..HttpSettings::default() }).await;
    assert_eq!(recorded_address(&api, &admin, "8.8.8.8, 192.0.2.1").await, "192.0.2.1");
    assert_eq!(recorded_address(&api, &admin, "nonsense").await, "127.0.0.1");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_not_ready_at_once_and_serves_until_the_delay_is_over() {
    let settings = HttpSettings { drain_delay: Duration::from_secs(3), ..HttpSettings::default() };
    let (server, api, admin, _directory) = start(settings).await;
    let ready = api.get("/readyz", "").await;
    assert_eq!((ready.status.as_u16(), ready.headers.get("connection")), (200, None));

    let stopping = tokio::spawn(server.shutdown());
    let refused = async {
        loop {
            let answer = api.get("/readyz", "").await;
            if answer.status != 200 {
                return answer;
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(2), refused).await.expect("refused before the end");
    assert_eq!(refused.json()["code"], "NotReady");
    assert!(refused.refused(503).contains("stopping"));
    let served = api.get("/workspaces", &admin).await;
    assert_eq!(served.headers.get("connection").expect("there"), "close");
    served.ok();
    assert_eq!(api.get("/healthz", "").await.text, "ok\n");
    stopping.await.expect("stops");
    assert!(api.try_send(api.request(Method::GET, "/healthz", "")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_server_is_alive_but_not_ready() {
    let (server, api, _, _directory) = start(HttpSettings::default()).await;
    server.app.db.close().await.expect("closed");
    let answer = api.get("/readyz", "").await;
    assert_eq!(answer.json()["code"], "NotReady");
    assert!(answer.refused(503).contains("database"));
    assert_eq!(api.get("/healthz", "").await.text, "ok\n");
    server.shutdown().await;
}

/// The caller of a rotation hangs up and the server is told to stop while the rotation waits for the database.
#[tokio::test(flavor = "multi_thread")]
async fn g5_a_rotation_under_way_is_finished_before_the_process_ends() {
    let (server, api, admin, directory) = start(HttpSettings::default()).await;
    let app = server.app.clone();
    let blocker = app.db.write().await.expect("begun");
    let request = api.request(Method::POST, "/workspaces/demo/tokens/rotate", &admin);
    let request = request.json(&json!({"expectedGeneration": 0})).timeout(Duration::from_millis(500));
    assert!(api.try_send(request).await.expect_err("nobody answers").is_timeout());

    let stopping = tokio::spawn(server.shutdown());
    let drained = async {
        while api.try_send(api.request(Method::GET, "/healthz", "")).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), drained).await.expect("accepts no more");
    assert!(!stopping.is_finished());
    drop(blocker);
    stopping.await.expect("stops");

    let generation = app.registry.pair(&WorkspaceId::parse("demo").expect("an id")).expect("there").generation;
    assert_eq!(generation, 1);
    let url = twinkey_server::db::sqlite_url(&directory.path().join("data/twinkey.db"));
    let db = Db::open_read_only(&url).await.expect("opened");
    let stored = twinkey_server::db::workspaces::find(&db, "demo").await.expect("read").expect("there");
    assert_eq!(stored.generation, 1);
}
