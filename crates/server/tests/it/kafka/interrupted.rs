//! A server that dies between two steps leaves nothing that the next one does not put in order (g6).

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use jiff::SignedDuration;
use kafka_protocol::{
    messages::{FindCoordinatorRequest, GroupId, JoinGroupRequest, join_group_request::JoinGroupRequestProtocol},
    protocol::StrBytes,
};
use serde_json::json;
use twinkey_api::{WorkspaceId, token_pair::Slot};
use twinkey_server::{
    audit::Actor,
    db, deletion,
    rotation::{Kind, Order, rotate},
    tokens::create_workspace,
};
use twinkey_testkit::{Method, Stream, TestServer, kafka::Credentials};

use super::{found, server, until};
use crate::deletion::commit;

/// Drives `future` until `so`, and drops it there.
async fn drop_when<F: Future, S: Future<Output = bool>>(future: F, mut so: impl FnMut() -> S) {
    let mut future = pin!(future);
    loop {
        let step = std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending => Poll::Ready(false),
        });
        if step.await || so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn order(server: &TestServer) -> Order {
    Order {
        workspace_id: WorkspaceId::parse(server.workspace()).expect("an id"),
        expected_generation: 0,
        kind: Kind::Normal,
        force: true,
        reason: None,
        key: None,
    }
}

async fn abandon_and_restart(mut server: TestServer) -> TestServer {
    drop(server.server.take());
    server.restart_after_crash().await
}

/// Two valid tokens that stream, and nobody else.
async fn is_in_order(server: &TestServer, workspace: &str) {
    for slot in Slot::BOTH {
        let token = server.api.reveal(workspace, slot, &server.admin).await;
        Credentials::of(&server.api, workspace, &token).await.sign_in().await.expect("a valid token signs in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_between_preparing_and_flipping_nothing_has_happened() {
    let server = server().await;
    let app = server.app().clone();
    let prepared = async || {
        !db::principals::list_prepared_before(&*app.db, app.now() + SignedDuration::from_secs(1))
            .await
            .expect("read")
            .is_empty()
    };
    drop_when(rotate(&app, &Actor::system(), &order(&server)), prepared).await;
    assert_eq!(server.api.generation(server.workspace(), &server.admin).await, 0);
    drop(app);
    let server = abandon_and_restart(server).await;
    is_in_order(&server, server.workspace()).await;
    server.advance(SignedDuration::from_mins(10));
    let report = server.api.post("/broker/reconcile", &server.admin, &json!({})).await.ok();
    assert_eq!((&report["error"], &report["tokensAbandoned"]), (&json!(null), &json!(1)));
    server.advance(SignedDuration::from_mins(10));
    server.api.post("/broker/reconcile", &server.admin, &json!({})).await.ok();
    let rows = db::principals::list_prepared_before(&*server.app().db, server.app().now()).await.expect("read");
    assert!(rows.is_empty());
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_between_flipping_and_cutting_off_the_next_start_cuts_off() {
    let server = server().await;
    let old = server.token(Slot::Current).await;
    let credentials = Credentials::of(&server.api, server.workspace(), &old).await;
    let workspace_id = WorkspaceId::parse(server.workspace()).expect("an id");
    let app = server.app().clone();
    let flipped = async || app.registry.pair(&workspace_id).is_some_and(|pair| pair.generation == 1);
    drop_when(rotate(&app, &Actor::system(), &order(&server)), flipped).await;
    drop(app);
    let server = abandon_and_restart(server).await;
    assert!(!server.api.accepts(server.workspace(), &old).await);
    until("the cut-off of the old token is proved", async || {
        let pair = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
        pair["cuttingOff"] == json!([])
    })
    .await;
    assert!(credentials.sign_in().await.is_err());
    assert!(!found(&server, &credentials.username).await.has_rights());
    is_in_order(&server, server.workspace()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_workspace_whose_maker_died_is_finished_by_the_next_start() {
    let server = server().await;
    let app = server.app().clone();
    let (id, acme) = (WorkspaceId::parse(&server.own("acme")).expect("an id"), server.own("acme"));
    let stored = async || db::workspaces::find(&*app.db, &acme).await.expect("read").is_some();
    drop_when(create_workspace(&app, &Actor::system(), &id, "Acme"), stored).await;
    drop(app);
    server.advance(SignedDuration::from_secs(1));
    let server = abandon_and_restart(server).await;
    until("the workspace is ready", async || {
        let listed = server.api.get("/workspaces", &server.admin).await.ok();
        let all = listed.as_array().expect("a list");
        all.iter().any(|it| it["workspaceId"] == json!(acme) && it["status"] == "Ready")
    })
    .await;
    is_in_order(&server, &acme).await;
}

/// Wherever the server dies in a deletion, the next one finishes it, and nothing that begins with the workspace's prefix stays.
#[tokio::test(flavor = "multi_thread")]
async fn g6_a_deletion_whose_server_died_is_finished_by_the_next_start() {
    let mut server = server().await;
    let (id, acme) = (WorkspaceId::parse(&server.own("acme")).expect("an id"), server.own("acme"));
    // How often the deletion is driven on after its first commit.
    for turns in [0, 3, 12, 40] {
        server.api.post("/workspaces", &server.admin, &json!({"workspaceId": acme})).await.ok();
        server.api.post(&format!("/{acme}/topics"), &server.admin, &json!({"name": "orders"})).await.ok();
        let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
        let credentials = Credentials::of(&server.api, &acme, &token).await;
        let mut stream = credentials.sign_in().await.expect("signs in");
        commit(&mut stream, &format!("{acme}-readers"), &format!("{acme}-orders")).await;
        let app = server.app().clone();
        let left = std::cell::Cell::new(turns);
        let begun = async || {
            let found = db::workspaces::find(&*app.db, &acme).await.expect("read");
            let begun = found.is_none_or(|workspace| workspace.state == db::workspaces::DELETING);
            begun && left.replace(left.get() - i32::from(begun)) <= 0
        };
        drop_when(Box::pin(deletion::delete(&app, &Actor::system(), &id, None)), begun).await;
        drop(app);
        server = abandon_and_restart(server).await;
        assert!(!server.api.accepts(&acme, &token).await);
        until("the workspace is gone", async || {
            db::workspaces::find(&*server.app().db, &acme).await.expect("read").is_none()
        })
        .await;
        assert!(credentials.sign_in().await.is_err());
        assert!(!found(&server, &credentials.username).await.has_rights());
        let cluster = super::behind_the_back(&server);
        let prefix = format!("{acme}-");
        assert!(cluster.topics(&prefix).await.expect("listed").is_empty());
        assert!(cluster.groups(&prefix).await.expect("listed").groups.is_empty());
        let status = server.api.get("/broker/status", &server.admin).await.ok();
        assert_eq!(status["openCutOffs"], json!([]));
    }
    is_in_order(&server, server.workspace()).await;
}

/// Members of a group are shown out, although their principals can no longer leave by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_members_does_not_hold_a_deletion_up() {
    let server = server().await;
    let acme = server.own("acme");
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": acme})).await.ok();
    let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
    let mut stream = Credentials::of(&server.api, &acme, &token).await.sign_in().await.expect("signs in");
    let group = format!("{acme}-readers");
    join(&mut stream, &group).await;
    let cluster = super::behind_the_back(&server);
    let groups = cluster.groups(&group).await.expect("listed").groups;
    assert_eq!(groups[0].members.len(), 1, "{groups:?}");
    let body = json!({"workspaceId": acme});
    let request = server.api.request(Method::DELETE, &format!("/workspaces/{acme}"), &server.admin).json(&body);
    assert_eq!(server.api.send(request).await.ok()["state"], "deleted");
    assert!(cluster.groups(&group).await.expect("listed").groups.is_empty());
}

/// Joins a group, as its only member and for longer than the test takes.
async fn join(stream: &mut Stream, group: &str) {
    let id = GroupId(StrBytes::from_string(group.to_owned()));
    let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
    let mut request = JoinGroupRequest::default()
        .with_group_id(id)
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    for _ in 0..200 {
        let keys = vec![StrBytes::from_string(group.to_owned())];
        let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(keys);
        stream.client.call(find, 4).await.expect("connected");
        let answer = stream.client.call(request.clone(), 5).await.expect("connected");
        if answer.error_code == 0 {
            return;
        }
        request.member_id = answer.member_id;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("cannot join");
}

/// A server that was repairing a token's rights when the token died may grant them once more, for as long as it is paused. Until
/// it says that it is done, nothing is proved, whatever the brokers show.
#[tokio::test(flavor = "multi_thread")]
async fn b4_while_somebody_repairs_a_token_its_cut_off_is_not_proved() {
    let server = server().await;
    let workspace_id = WorkspaceId::parse(server.workspace()).expect("an id");
    let token = server.app().registry.pair(&workspace_id).expect("a pair").current;
    let db = &server.app().db;
    let transaction = db.write().await.expect("begun");
    let now = db::now_ms(&*transaction).await.expect("a time");
    for who in ["one", "another"] {
        assert!(db::principals::raise_fence(&*transaction, &token.id, who, now, 0).await.expect("stored"));
    }
    transaction.commit().await.expect("committed");
    let webhooks = format!("/workspaces/{}/webhooks", server.workspace());
    let body = json!({"url": "https://1.1.1.1/hook", "events": ["token.cut_off_proved"]});
    let webhook = server.api.post(&webhooks, &server.admin, &body).await.ok();
    let told = async || {
        let id = webhook["webhook"]["id"].as_str().expect("an id");
        let log = server.api.get(&format!("{webhooks}/{id}/deliveries"), &server.admin).await.ok();
        log.as_array().expect("a list").clone()
    };

    let answer = server.api.rotate(server.workspace(), &server.admin, 0).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    // From the very moment of the answer, so that whoever waits for the proof is not told that nothing is open.
    let shown = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
    assert_eq!(shown["cuttingOff"][0]["open"], answer.json()["cutOff"]["open"], "{shown}");
    let reason = answer.json()["cutOff"]["open"][0]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("one another") && reason.contains("repair"), "{reason}");
    let open = async || {
        let shown = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok();
        !shown["cuttingOff"].as_array().expect("a list").is_empty()
    };
    // What the paused one had in hand: the grant comes after the token's death.
    let cluster = super::behind_the_back(&server);
    let late = twinkey_kafka_admin::principals::Principal {
        name: token.principal.clone(),
        password: twinkey_kafka_admin::Password::new("as it was"),
        workspace: server.workspace().to_owned(),
        any_transactional_id: false,
    };
    cluster.make_principals(std::slice::from_ref(&late)).await.expect("granted");
    for who in ["another", "one"] {
        assert!(open().await, "{who} is not done");
        let transaction = db.write().await.expect("begun");
        db::principals::lower_fences(&*transaction, &[&token.id], who).await.expect("stored");
        assert!(
            !db::principals::raise_fence(&*transaction, &token.id, who, now, 0).await.expect("asked"),
            "it is dead"
        );
        transaction.commit().await.expect("committed");
    }
    assert!(told().await.is_empty(), "nothing is proved yet");
    until("the cut-off is proved", async || !open().await).await;
    assert!(!found(&server, &token.principal).await.has_rights());
    let told = told().await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0]["event"], "token.cut_off_proved");
    let payload: serde_json::Value = serde_json::from_str(told[0]["payload"].as_str().expect("a text")).expect("JSON");
    let data = &payload["data"];
    assert_eq!((&data["token"], &data["workspaceId"]), (&json!(token.id), &json!(server.workspace())), "{payload}");
    assert_eq!(data["deactivatedAt"], answer.json()["deactivated"]["deactivatedAt"], "{payload}");
}
