//! Webhooks, with a real receiver: signed as the specification says, tried again until taken, never sent where they must not go.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::IntoResponse,
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use twinkey_api::{Role, webhook::WebhookEvent};
use twinkey_server::{
    db, keys,
    random::Random,
    webhooks::{self, WebhookSettings},
};
use twinkey_testkit::TestServer;

const PATIENCE: Duration = Duration::from_mins(1);

/// What a receiver was sent.
#[derive(Clone)]
struct Received {
    path: String,
    headers: HeaderMap,
    body: String,
}

/// An HTTP server that keeps what it is sent and answers as the test wants it.
#[derive(Clone)]
struct Receiver {
    address: SocketAddr,
    status: Arc<AtomicU16>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let receiver = Self { address, status: Arc::new(AtomicU16::new(204)), received: Arc::default() };
        let router = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    fn url(&self) -> String {
        format!("http://{}/hook?to=ops", self.address)
    }

    /// From now on it answers this.
    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn all(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    /// Waits until it was sent so many.
    async fn wait_for(&self, count: usize) -> Vec<Received> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = self.all();
            if all.len() >= count {
                return all;
            }
            assert!(Instant::now() < deadline, "{} of {count} deliveries came", all.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn receive(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let body = String::from_utf8(body.to_vec()).expect("text");
    let received = Received { path: uri.to_string(), headers, body };
    receiver.received.lock().expect("not poisoned").push(received);
    let status = StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).expect("a status");
    let location = HeaderValue::from_str(&format!("http://{}/elsewhere", receiver.address)).expect("text");
    (status, [(header::LOCATION, location)])
}

/// A server whose webhooks may point to this machine.
async fn start() -> TestServer {
    TestServer::start_with(|config| config.webhooks.allow_private = true).await
}

fn path(server: &TestServer) -> String {
    format!("/workspaces/{}/webhooks", server.workspace())
}

/// A webhook's id and secret.
async fn create(server: &TestServer, url: &str, events: &[&str]) -> (String, String) {
    let mut body = json!({ "url": url });
    if !events.is_empty() {
        body["events"] = json!(events);
    }
    let answer = server.api.post(&path(server), &server.admin, &body).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    let created = answer.ok();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&created["webhook"]["id"]), text(&created["secret"]))
}

async fn show(server: &TestServer, id: &str) -> Value {
    server.api.get(&format!("{}/{id}", path(server)), &server.admin).await.ok()
}

async fn log(server: &TestServer, id: &str) -> Vec<Value> {
    let found = server.api.get(&format!("{}/{id}/deliveries", path(server)), &server.admin).await.ok();
    found.as_array().expect("a list").clone()
}

/// Waits until the newest delivery is as the test wants it.
async fn until(server: &TestServer, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let log = log(server, id).await;
        if let Some(newest) = log.first().filter(|newest| fits(newest)) {
            return newest.clone();
        }
        assert!(Instant::now() < deadline, "{log:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn rotate(server: &TestServer) -> Value {
    let generation = server.api.generation(server.workspace(), &server.admin).await;
    server.api.rotate(server.workspace(), &server.admin, generation).await.ok()
}

async fn call(server: &TestServer, method: Method, path: &str, body: &Value) -> twinkey_testkit::Answer {
    server.api.send(server.api.request(method, path, &server.admin).json(body)).await
}

/// By the reference implementation of the specification.
fn verify(secret: &str, received: &Received) -> Value {
    let verifier =
        standardwebhooks::Webhook::new(secret).expect("a secret of the form that the specification asks for");
    verifier.verify(received.body.as_bytes(), &received.headers).expect("signed");
    serde_json::from_str(&received.body).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_rotation_is_told_signed_as_standard_webhooks_says() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, secret) = create(&server, &receiver.url(), &["token.rotated"]).await;
    let (other, _) = create(&server, &receiver.url(), &["token.unsafe_rotation_forced"]).await;
    let rotated = rotate(&server).await;

    let received = receiver.wait_for(1).await.remove(0);
    let event = verify(&secret, &received);
    assert_eq!(received.path, "/hook?to=ops");
    assert_eq!(received.headers["content-type"], "application/json");
    assert_eq!(event["type"], "token.rotated");
    let data = &event["data"];
    assert_eq!(data["workspaceId"], server.workspace());
    assert_eq!((&data["generation"], &data["kind"], &data["reason"]), (&json!(1), &json!("normal"), &json!("test")));
    assert_eq!(data["deactivated"], json!([rotated["deactivated"]["id"]]));
    assert_eq!((&data["current"], &data["by"]), (&rotated["current"]["id"], &json!("admin@localhost")));

    // Nothing of it can be changed, and another secret does not do.
    let wrong = standardwebhooks::Webhook::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
    assert!(wrong.verify(received.body.as_bytes(), &received.headers).is_err());
    let right = standardwebhooks::Webhook::new(&secret).expect("a secret");
    assert!(right.verify(received.body.replace("normal", "emergency").as_bytes(), &received.headers).is_err());

    let delivered = until(&server, &id, |it| it["state"] == "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["lastStatus"]), (&json!(1), &json!(204)));
    assert_eq!(delivered["id"], received.headers["webhook-id"].to_str().expect("text"));
    assert_eq!(delivered["payload"], received.body);
    assert!(log(&server, &other).await.is_empty(), "it listens to something else");
    assert!(show(&server, &id).await["lastSuccessAt"].is_string());
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_webhook_deliveries_total{outcome=\"delivered\"} 1"), "{metrics}");

    let body = json!({"expectedGeneration": 1, "reason": "both leaked"});
    let emergency = format!("/workspaces/{}/tokens/emergency-rotation", server.workspace());
    server.api.post(&emergency, &server.admin, &body).await.ok();
    let event = verify(&secret, &receiver.wait_for(2).await[1]);
    assert_eq!(event["data"]["kind"], "emergency");
    assert_eq!(event["data"]["deactivated"].as_array().expect("a list").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_after_a_change_of_the_secret_both_are_good_for_a_day() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, old) = create(&server, &receiver.url(), &["token.rotated"]).await;
    let path = format!("{}/{id}/rotate-secret", path(&server));
    let change = async || {
        let answer = server.api.post(&path, &server.admin, &json!({})).await;
        assert_eq!(answer.headers["cache-control"], "no-store");
        let changed = answer.ok();
        assert!(changed["webhook"]["previousSecretUntil"].is_string(), "{changed}");
        changed["secret"].as_str().expect("text").to_owned()
    };
    let accepts = |secret: &str, received: &Received| {
        let verifier = standardwebhooks::Webhook::new(secret).expect("a secret");
        verifier.verify(received.body.as_bytes(), &received.headers).is_ok()
    };
    let new = change().await;
    assert_ne!(old, new);
    rotate(&server).await;
    let received = receiver.wait_for(1).await.remove(0);
    assert!(accepts(&old, &received) && accepts(&new, &received));
    let records = server.api.get("/audit?action=webhook.secret_rotated", &server.admin).await.ok();
    assert_eq!((records.as_array().expect("a list").len(), &records[0]["target"]), (1, &json!(id)));
    assert!(!records.to_string().contains("whsec_"));

    // A second change within the day ends the first secret: two sign, never more.
    let newest = change().await;
    rotate(&server).await;
    let received = receiver.wait_for(2).await.remove(1);
    assert!(!accepts(&old, &received) && accepts(&new, &received) && accepts(&newest, &received));
    // After a day the newest alone. Time as the receiver sees it moves too, so that only the number of signatures is looked at.
    server.advance(SignedDuration::from_hours(25));
    rotate(&server).await;
    let signatures = |received: &Received| received.headers["webhook-signature"].to_str().expect("text").to_owned();
    assert_eq!(signatures(&received).split(' ').count(), 2);
    assert_eq!(signatures(&receiver.wait_for(3).await[2]).split(' ').count(), 1);
    let nobody = format!("/workspaces/{}/webhooks/nothing/rotate-secret", server.workspace());
    server.api.post(&nobody, &server.admin, &json!({})).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_secret_that_signs_no_longer_is_erased() {
    let server = start().await;
    let (id, _) = create(&server, "https://1.1.1.1/hook", &["token.rotated"]).await;
    server.api.post(&format!("{}/{id}/rotate-secret", path(&server)), &server.admin, &json!({})).await.ok();
    let row = async || db::webhooks::find_by_id(&*server.app().db, &id).await.expect("read").expect("there");
    db::webhooks::forget_previous_secrets(&*server.app().db, server.app().now()).await.expect("stored");
    assert!(row().await.previous_sealed.is_some(), "it still signs");
    server.advance(SignedDuration::from_hours(25));
    db::webhooks::forget_previous_secrets(&*server.app().db, server.app().now()).await.expect("stored");
    assert!(row().await.previous_sealed.is_none() && row().await.previous_until.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_forced_rotation_and_a_dead_token_that_is_tried_are_told() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let events = ["token.unsafe_rotation_forced", "token.used_after_deactivation"];
    let (_, secret) = create(&server, &receiver.url(), &events).await;
    let token = server.token(twinkey_api::token_pair::Slot::Current).await;
    server.api.get("/workspaces", &token).await.ok();
    let rotate = format!("/workspaces/{}/tokens/rotate", server.workspace());
    let body = json!({"expectedGeneration": 0, "force": true, "reason": "it leaked"});
    let rotated = server.api.post(&rotate, &server.admin, &body).await.ok();
    let forced = verify(&secret, &receiver.wait_for(1).await[0]);
    assert_eq!((&forced["type"], &forced["data"]["reason"]), (&json!(events[0]), &json!("it leaked")));
    assert!(forced["data"]["forced"].as_str().is_some_and(|sentence| !sentence.is_empty()), "{forced}");

    server.api.get("/workspaces", &token).await.refused(401);
    let alarm = verify(&secret, &receiver.wait_for(2).await[1]);
    assert_eq!((&alarm["type"], &alarm["data"]["address"]), (&json!(events[1]), &json!("127.0.0.1")));
    assert_eq!((&alarm["data"]["token"], &alarm["data"]["proved"]), (&rotated["deactivated"]["id"], &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_tried_again_after_a_restart_until_it_is_taken() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, secret) = create(&server, &receiver.url(), &[]).await;
    receiver.answer(500);
    rotate(&server).await;
    let waiting = until(&server, &id, |it| it["attempts"] == 1).await;
    assert_eq!((&waiting["state"], &waiting["lastStatus"]), (&json!("pending"), &json!(500)));
    assert!(waiting["lastError"].as_str().expect("text").contains("500"), "{waiting}");

    // Abandoned, as by a crash, with the delivery in the queue.
    let mut server = server;
    drop(server.server.take());
    let server = server.restart_with(|config| config.webhooks.allow_private = true).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.all().len(), 1, "not before its time");
    receiver.answer(200);
    server.advance(SignedDuration::from_secs(10));
    let received = receiver.wait_for(2).await;
    verify(&secret, &received[1]);
    assert_eq!(received[0].headers["webhook-id"], received[1].headers["webhook-id"]);
    assert_eq!(received[0].body, received[1].body);
    assert_ne!(received[0].headers["webhook-timestamp"], received[1].headers["webhook-timestamp"]);
    let delivered = until(&server, &id, |it| it["state"] == "delivered").await;
    assert_eq!((&delivered["attempts"], &delivered["lastError"]), (&json!(2), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_not_committed_is_not_told() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, _) = create(&server, &receiver.url(), &[]).await;
    server.api.rotate(server.workspace(), &server.admin, 7).await.refused(409);
    let app = server.app();
    let transaction = app.db.write().await.expect("begun");
    let event = WebhookEvent::TokenRotated;
    webhooks::enqueue(&*transaction, app.now(), event, server.workspace(), &json!({})).await.expect("queued");
    drop(transaction);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(log(&server, &id).await.is_empty() && receiver.all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_to_an_internal_address_is_refused_when_it_is_made() {
    let server = TestServer::start().await;
    let refused =
        async |url: &str| server.api.post(&path(&server), &server.admin, &json!({ "url": url })).await.refused(400);
    // A name that resolves to loopback, and every spelling of an address that is internal.
    for url in [
        "https://localhost/hook",
        "https://127.0.0.1/hook",
        "https://2130706433/hook",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/hook",
        "https://192.168.1.1/hook",
        "https://[fd00::1]/hook",
        "https://224.0.0.1/hook",
    ] {
        assert!(refused(url).await.contains("internal address"), "{url}");
    }
    assert!(refused("http://1.1.1.1/").await.contains("https://"));
    assert!(refused("https://user:secret@1.1.1.1/").await.contains("password"));
    assert!(refused("https://does-not-exist.invalid/").await.contains("cannot be resolved"));
    assert!(refused("nonsense").await.contains("https://host/path"));
    // Whoever lists webhooks on a terminal must not have it obey a URL.
    assert!(refused("https://1.1.1.1/\u{1b}[2J").await.contains("https://host/path"));
    assert!(refused("https://1.1.1.1/a\nb").await.contains("https://host/path"));
    assert!(refused(&format!("https://1.1.1.1/{}", "x".repeat(2000))).await.contains("2000"));
    assert_eq!(server.api.get(&path(&server), &server.admin).await.ok(), json!([]));

    // Neither by a change.
    let (id, _) = create(&server, "https://1.1.1.1/hook", &["token.cut_off_proved"]).await;
    let body = json!({"url": "https://localhost/hook"});
    let answer = call(&server, Method::PATCH, &format!("{}/{id}", path(&server)), &body).await;
    assert!(answer.refused(400).contains("internal address"));
    assert_eq!(show(&server, &id).await["url"], "https://1.1.1.1/hook");
}

/// What attackers do: a name that is harmless when it is looked at, and something else when it is used.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_an_internal_address_later_is_refused_at_the_delivery() {
    let receiver = Receiver::start().await;
    let turned = Arc::new(AtomicBool::new(false));
    let port = receiver.address.port();
    let answers = turned.clone();
    let resolve: webhooks::address::Resolve = Arc::new(move |host, _| {
        assert_eq!(host, "hooks.example");
        let address = if answers.load(Ordering::SeqCst) { Ipv4Addr::LOCALHOST } else { Ipv4Addr::new(1, 1, 1, 1) };
        Box::pin(async move { Ok(vec![SocketAddr::from((address, port))]) })
    });
    let settings = WebhookSettings { allow_private: false, resolve };
    let given = settings.clone();
    let server = TestServer::start_with(move |config| config.webhooks = given).await;
    let (id, _) = create(&server, &format!("https://hooks.example:{port}/hook"), &[]).await;
    turned.store(true, Ordering::SeqCst);
    rotate(&server).await;
    let refused = until(&server, &id, |it| it["attempts"] == 1).await;
    assert!(refused["lastError"].as_str().expect("text").contains("internal address 127.0.0.1"), "{refused}");
    assert_eq!((&refused["state"], &refused["lastStatus"]), (&json!("pending"), &Value::Null));
    assert!(receiver.all().is_empty());
    let metrics = server.api.get("/metrics", "").await.text;
    assert!(metrics.contains("twinkey_webhook_deliveries_total{outcome=\"refused_address\"} 1"), "{metrics}");
}

/// The connection goes to the address that was looked at: the name is not resolved a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_connects_to_exactly_the_address_that_was_checked() {
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    let resolve: webhooks::address::Resolve =
        Arc::new(move |_, _| Box::pin(async move { Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]) }));
    let settings = WebhookSettings { allow_private: true, resolve };
    let server = TestServer::start_with(move |config| config.webhooks = settings).await;
    // No name service knows it.
    let (_, secret) = create(&server, &format!("http://does-not-exist.invalid:{port}/hook"), &[]).await;
    rotate(&server).await;
    let received = receiver.wait_for(1).await.remove(0);
    verify(&secret, &received);
    assert_eq!(received.headers["host"], format!("does-not-exist.invalid:{port}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, _) = create(&server, &receiver.url(), &[]).await;
    receiver.answer(307);
    rotate(&server).await;
    let failed = until(&server, &id, |it| it["attempts"] == 1).await;
    assert!(failed["lastError"].as_str().expect("text").contains("redirects are not followed"), "{failed}");
    assert_eq!(failed["state"], "pending");
    let paths: Vec<_> = receiver.all().into_iter().map(|it| it.path).collect();
    assert_eq!(paths, ["/hook?to=ops"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_takes_nothing_for_days_is_disabled_with_the_reason() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, _) = create(&server, &receiver.url(), &[]).await;
    receiver.answer(503);
    rotate(&server).await;
    for attempts in 1..=10 {
        let newest = until(&server, &id, |it| it["attempts"] == attempts).await;
        if attempts < 10 {
            assert_eq!(newest["state"], "pending", "{newest}");
            // Longer than the longest pause.
            server.advance(SignedDuration::from_hours(30));
        } else {
            assert_eq!((&newest["state"], &newest["nextAttemptAt"]), (&json!("failed"), &Value::Null), "{newest}");
        }
    }
    let webhook = show(&server, &id).await;
    let reason = webhook["disabledReason"].as_str().expect("a reason");
    assert!(webhook["enabled"] == false && reason.contains("503") && reason.contains("10 attempts"), "{webhook}");
    let recorded = server.api.get("/audit?action=webhook.disabled", &server.admin).await.ok();
    assert_eq!((&recorded[0]["target"], &recorded[0]["actor"]), (&json!(id), &json!("system")));

    // Not told while it is disabled; told again when somebody has mended it.
    rotate(&server).await;
    assert_eq!(log(&server, &id).await.len(), 1);
    let (one, test) = (format!("{}/{id}", path(&server)), format!("{}/{id}/test", path(&server)));
    assert!(call(&server, Method::POST, &test, &json!({})).await.refused(409).contains("503"));
    receiver.answer(200);
    let enabled = call(&server, Method::PATCH, &one, &json!({"enabled": true})).await.ok();
    assert_eq!((&enabled["enabled"], &enabled["disabledReason"]), (&json!(true), &Value::Null));
    let failed = log(&server, &id).await[0]["id"].as_str().expect("text").to_owned();
    let again = call(&server, Method::POST, &format!("{one}/deliveries/{failed}/redeliver"), &json!({})).await;
    assert_eq!(again.status, 202);
    let delivered = until(&server, &id, |it| it["state"] == "delivered").await;
    assert_eq!((&delivered["id"], &delivered["attempts"]), (&json!(failed), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_webhook_that_is_paused_is_sent_when_it_goes_on() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, secret) = create(&server, &receiver.url(), &[]).await;
    let one = format!("{}/{id}", path(&server));
    receiver.answer(500);
    rotate(&server).await;
    until(&server, &id, |it| it["attempts"] == 1).await;
    let paused = call(&server, Method::PATCH, &one, &json!({"enabled": false})).await.ok();
    assert_eq!(paused["disabledReason"], "disabled by admin@localhost");
    assert_eq!(log(&server, &id).await[0]["nextAttemptAt"], Value::Null, "nothing is sent before it goes on");
    server.advance(SignedDuration::from_secs(30));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.all().len(), 1);
    receiver.answer(200);
    call(&server, Method::PATCH, &one, &json!({"enabled": true, "events": ["token.rotated"]})).await.ok();
    verify(&secret, &receiver.wait_for(2).await[1]);
    assert_eq!(show(&server, &id).await["events"], json!(["token.rotated"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_says_it_is_gone_is_not_called_again() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, _) = create(&server, &receiver.url(), &[]).await;
    receiver.answer(410);
    rotate(&server).await;
    until(&server, &id, |it| it["state"] == "failed").await;
    assert_eq!(show(&server, &id).await["enabled"], false);
}

/// Nobody listens for a long time: a bounded part waits, and how much was not kept is said.
#[tokio::test(flavor = "multi_thread")]
async fn the_queue_of_a_webhook_is_bounded_and_says_what_it_dropped() {
    let server = TestServer::start().await;
    let (id, _) = create(&server, "https://1.1.1.1:9/hook", &["token.used_after_deactivation"]).await;
    let app = server.app();
    let transaction = app.db.write_at_leisure().await.expect("begun");
    for number in 0..webhooks::QUEUE_MAX + 3 {
        let event = WebhookEvent::TokenUsedAfterDeactivation;
        let data = json!({ "number": number });
        webhooks::enqueue(&*transaction, app.now(), event, server.workspace(), &data).await.expect("queued");
    }
    transaction.commit().await.expect("committed");
    assert_eq!(show(&server, &id).await["dropped"], 3);
    assert_eq!(db::deliveries::count_pending(&*app.db, &id).await.expect("counted"), webhooks::QUEUE_MAX);
    // The log is paged.
    let all = |query: &str| format!("{}/{id}/deliveries{query}", path(&server));
    let first = server.api.get(&all("?limit=2"), &server.admin).await.ok();
    let before = first[1]["id"].as_str().expect("text");
    let next = server.api.get(&all(&format!("?limit=1&before={before}")), &server.admin).await.ok();
    assert!(next[0]["payload"].as_str().expect("text").contains("\"number\":997"), "{next}");
    server.api.get(&all("?limit=101"), &server.admin).await.refused(400);
    server.api.get(&all("?before=msg_x"), &server.admin).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_does_not_keep_the_others_waiting() {
    let (server, receiver) = (start().await, Receiver::start().await);
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    create(&server, &format!("http://{}/", silent.local_addr().expect("bound")), &[]).await;
    create(&server, &receiver.url(), &[]).await;
    let started = Instant::now();
    for _ in 0..3 {
        rotate(&server).await;
    }
    receiver.wait_for(3).await;
    // An attempt with the silent one takes 15 seconds: three of them in turn would take far longer.
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_belong_to_the_administrators_of_their_workspace() {
    let server = start().await;
    let receiver = Receiver::start().await;
    let (id, secret) = create(&server, &receiver.url(), &[]).await;
    let workspace = server.workspace().to_owned();
    let acme = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({ "workspaceId": acme })).await.ok();
    let manager = server.user("m@example.org", Role::Viewer, Some((&workspace, Role::Manager))).await;
    let stranger = server.user("s@example.org", Role::None, Some((&acme, Role::Admin))).await;
    let sdk = server.token(twinkey_api::token_pair::Slot::Current).await;
    let one = format!("{}/{id}", path(&server));
    let routes = [
        (Method::GET, path(&server)),
        (Method::POST, path(&server)),
        (Method::GET, one.clone()),
        (Method::PATCH, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, format!("{one}/test")),
        (Method::GET, format!("{one}/deliveries")),
        (Method::POST, format!("{one}/deliveries/msg_x/redeliver")),
    ];
    for (method, route) in &routes {
        for (caller, status) in [(&manager, 403), (&stranger, 404), (&sdk, 403)] {
            let request = server.api.request(method.clone(), route, caller).json(&json!({"url": receiver.url()}));
            server.api.send(request).await.refused(status);
        }
        // Nor by way of another workspace.
        let elsewhere = route.replace(&workspace, &acme);
        if elsewhere.contains(&id) {
            let request =
                server.api.request(method.clone(), &elsewhere, &server.admin).json(&json!({"enabled": false}));
            server.api.send(request).await.refused(404);
        }
    }
    // The secret is in the first answer and nowhere else.
    for text in [
        server.api.get(&path(&server), &server.admin).await.text,
        server.api.get(&one, &server.admin).await.text,
        server.api.get("/audit/export", &server.admin).await.text,
    ] {
        assert!(!text.contains(&secret["whsec_".len()..]), "{text}");
    }
    let unknown =
        call(&server, Method::POST, &path(&server), &json!({"url": receiver.url(), "events": ["token.lost"]})).await;
    assert!(unknown.refused(400).contains("token.rotated"));
    assert_eq!(call(&server, Method::DELETE, &one, &json!({})).await.status, 204);
    call(&server, Method::DELETE, &one, &json!({})).await.refused(404);
    let actions = server.api.get("/audit?action=webhook.", &server.admin).await.ok();
    let actions: Vec<_> = actions.as_array().expect("a list").iter().map(|it| it["action"].clone()).collect();
    assert_eq!(actions, ["webhook.deleted", "webhook.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_secret_stays_the_same_when_the_master_key_changes() {
    let (server, receiver) = (start().await, Receiver::start().await);
    let (id, former) = create(&server, &receiver.url(), &[]).await;
    // One that signs for a while yet comes along.
    let change = format!("{}/{id}/rotate-secret", path(&server));
    let changed = server.api.post(&change, &server.admin, &json!({})).await.ok();
    let secret = changed["secret"].as_str().expect("text").to_owned();
    let stored = || {
        let app = server.app().clone();
        let workspace = server.workspace().to_owned();
        async move { db::webhooks::list(&*app.db, &workspace).await.expect("read").remove(0) }
    };
    let before = stored().await;
    let (old, new) = (server.data_dir().join("master.key"), server.data_dir().join("new.key"));
    keys::generate(&new, &Random::from_system()).expect("made");
    let both = new.clone();
    let mut server = server
        .restart_with(move |config| {
            config.master_key = Some(both.into());
            config.previous_master_key = Some(old.into());
            config.rekey_every = Duration::from_millis(10);
            config.webhooks.allow_private = true;
        })
        .await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let keys = server.api.get("/system/keys", &server.admin).await.ok();
        assert_eq!(keys["webhooks"]["total"], 1);
        if keys["webhooks"]["left"] == 0 && keys["tokens"]["left"] == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{keys}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.api.post("/system/keys/finish", &server.admin, &json!({})).await.ok();
    let after = db::webhooks::list(&*server.app().db, server.workspace()).await.expect("read").remove(0);
    assert!(before.key_id != after.key_id && before.sealed != after.sealed);
    // Without it the server would not know how to sign.
    let refused = server.refuses_to_start_with(|_| ()).await.to_string();
    assert!(!refused.is_empty(), "{refused}");
    let server = server
        .restart_with(move |config| {
            config.master_key = Some(new.into());
            config.webhooks.allow_private = true;
        })
        .await;
    rotate(&server).await;
    let received = receiver.wait_for(1).await.remove(0);
    verify(&secret, &received);
    verify(&former, &received);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_end_with_their_workspace() {
    let (server, receiver) = (start().await, Receiver::start().await);
    create(&server, &receiver.url(), &[]).await;
    rotate(&server).await;
    receiver.wait_for(1).await;
    let path = format!("/workspaces/{}", server.workspace());
    call(&server, Method::DELETE, &path, &json!({"workspaceId": server.workspace()})).await.ok();
    let (webhooks, left) = (db::webhooks::list(&*server.app().db, server.workspace()).await, server.workspace());
    assert!(webhooks.expect("read").is_empty(), "{left} has webhooks still");
    server.stop().await;
}
