//! Undoing a rotation: the former Token 1 comes back as Token 2, and at every instant exactly two tokens are valid (g1, g2).

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;
use twinkey_api::{Role, WorkspaceId, token_pair::Slot};
use twinkey_server::{
    audit::{self, Actor, Verdict},
    db,
    rotation::{Kind, Order, rotate},
};
use twinkey_testkit::{Answer, Method, TestServer, kafka::Credentials};

use crate::state_machine::machine::{crash, poll_at_most};

pub async fn allow(server: &TestServer, minutes: Option<u32>) {
    let path = server.own("/workspaces/demo/settings");
    let request = server.api.request(Method::PATCH, &path, &server.admin).json(&json!({"undoMinutes": minutes}));
    assert_eq!(server.api.send(request).await.ok()["undoMinutes"], json!(minutes));
}

async fn undo(server: &TestServer, who: &str, expected: i64) -> Answer {
    let body = json!({"expectedGeneration": expected, "reason": "test"});
    server.api.post(&server.own("/workspaces/demo/tokens/undo-rotation"), who, &body).await
}

/// Whether a token is accepted, on the API and on the broker.
async fn works(server: &TestServer, token: &str) -> bool {
    if !server.api.accepts(server.workspace(), token).await {
        return false;
    }
    Credentials::of(&server.api, server.workspace(), token).await.sign_in().await.expect("signs in");
    true
}

/// How many dead tokens could still be read.
async fn kept(server: &TestServer) -> usize {
    let sealed = db::tokens::list_sealed(&*server.app().db).await.expect("read");
    sealed.iter().filter(|row| row.deactivated_at.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_an_undone_rotation_brings_token_1_back_as_token_2() {
    let server = TestServer::start().await;
    allow(&server, Some(10)).await;
    let first = server.token(Slot::Current).await;
    let old = Credentials::of(&server.api, server.workspace(), &first).await;
    // Token 2 is read only now, and so was shown before the rotation makes a fresh one.
    let second = server.token(Slot::Next).await;
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    assert!(!works(&server, &first).await && works(&server, &second).await);
    let fresh = server.api.get(&server.own("/workspaces/demo/tokens"), &server.admin).await.ok()["next"].clone();

    let manager = server.user("manager@example.org", Role::Manager, None).await;
    undo(&server, &manager, 1).await.refused(403);
    undo(&server, &server.admin, 0).await.refused(409);
    server.advance(SignedDuration::from_mins(9));
    let undone = undo(&server, &server.admin, 1).await.ok();
    assert_eq!((&undone["generation"], &undone["deactivated"]["id"]), (&json!(2), &fresh["id"]));
    assert_eq!(undone["cutOff"], json!({"state": "proved", "open": []}));
    assert_eq!(server.token(Slot::Current).await, second);
    assert_eq!(server.token(Slot::Next).await, first);
    assert!(works(&server, &first).await && works(&server, &second).await);
    // The value has another principal now; the old one stays dead, whatever connections it had.
    assert!(old.sign_in().await.is_err());
    assert_eq!(server.app().registry.len(), 2);
    assert_eq!(kept(&server).await, 0);
    undo(&server, &server.admin, 2).await.refused(409);
    let records = server.api.get("/audit?limit=20", &server.admin).await.ok();
    let record = records.as_array().expect("a list").iter().find(|it| it["action"] == "token.rotation_undone");
    assert_eq!(record.expect("recorded")["target"], fresh["id"]);

    // From here everything goes on as ever.
    let server = server.restart().await;
    assert!(works(&server, &first).await && works(&server, &second).await);
    server.api.rotate(server.workspace(), &server.admin, 2).await.ok();
    assert!(!works(&server, &second).await && works(&server, &first).await);
    assert!(matches!(audit::verify(&*server.app().db).await, Ok(Verdict::Intact { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_what_cannot_be_undone_is_refused_and_stays_dead() {
    let server = TestServer::start().await;
    let rotate = async |generation| {
        let first = server.token(Slot::Current).await;
        server.api.rotate(server.workspace(), &server.admin, generation).await.ok();
        first
    };
    let refused = async |generation, why: &str, dead: &str| {
        let message = undo(&server, &server.admin, generation).await.refused(409);
        assert!(message.contains(why), "{message}");
        assert!(!works(&server, dead).await);
        assert_eq!(server.api.generation(server.workspace(), &server.admin).await, generation);
    };
    let dead = rotate(0).await;
    refused(1, "undoMinutes", &dead).await;
    allow(&server, Some(5)).await;
    refused(1, "no rotation that kept", &dead).await;

    let dead = rotate(1).await;
    assert_eq!(kept(&server).await, 1);
    server.token(Slot::Next).await;
    refused(2, "was revealed", &dead).await;

    let dead = rotate(2).await;
    server.advance(SignedDuration::from_mins(6));
    refused(3, "too long ago", &dead).await;
    server.api.post("/broker/reconcile", &server.admin, &json!({})).await.ok();
    assert_eq!(kept(&server).await, 0, "what cannot come back is not kept");

    let dead = rotate(3).await;
    let body = json!({"expectedGeneration": 4, "reason": "leaked"});
    server.api.post(&server.own("/workspaces/demo/tokens/emergency-rotation"), &server.admin, &body).await.ok();
    refused(5, "no rotation that kept", &dead).await;
    assert_eq!(kept(&server).await, 0);

    let dead = rotate(5).await;
    allow(&server, None).await;
    assert_eq!(kept(&server).await, 0, "turning it off erases at once");
    allow(&server, Some(5)).await;
    refused(6, "no rotation that kept", &dead).await;
}

/// A reveal and an undo at the same time: either the token was shown and lives, or it died and was not shown.
#[tokio::test(flavor = "multi_thread")]
async fn g1_nobody_is_shown_a_token_that_an_undo_has_ended() {
    let server = TestServer::start().await;
    allow(&server, Some(5)).await;
    let mut generation = 0;
    for _ in 0..10 {
        server.api.rotate(server.workspace(), &server.admin, generation).await.ok();
        generation += 1;
        let path = server.own("/workspaces/demo/tokens/next/reveal");
        let body = json!({});
        let reveals = futures::future::join_all((0..3).map(|_| server.api.post(&path, &server.admin, &body)));
        let (undone, reveals) = tokio::join!(undo(&server, &server.admin, generation), reveals);
        if undone.status == 200 {
            generation += 1;
        }
        for revealed in reveals {
            if revealed.status == 200 {
                let value = revealed.json()["value"].as_str().expect("a value").to_owned();
                assert!(works(&server, &value).await, "a token was shown and is dead: {}", undone.text);
            } else {
                assert!(revealed.refused(404).contains("rotated out"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Rotations, each undone; a crash may come after so many polls of the undoing.
    #[test]
    fn g1_g2_g6_an_undoing_is_whole_wherever_it_is_broken_off(
        crashes in proptest::collection::vec(prop_oneof![1 => Just(None), 3 => (0_u32..60).prop_map(Some)], 1..6),
    ) {
        let mut runtime = Runtime::new().expect("a runtime");
        let mut server = runtime.block_on(TestServer::start());
        runtime.block_on(allow(&server, Some(10)));
        for polls in crashes {
            let (first, generation) = runtime.block_on(async {
                let generation = server.api.generation(server.workspace(), &server.admin).await;
                let first = server.token(Slot::Current).await;
                server.api.rotate(server.workspace(), &server.admin, generation).await.ok();
                (first, generation + 1)
            });
            let acknowledged = runtime.block_on(async {
                let order = Order {
                    workspace_id: WorkspaceId::parse(server.workspace()).expect("an id"),
                    expected_generation: generation,
                    kind: Kind::Undo,
                    force: true,
                    reason: None,
                    key: None,
                };
                let (app, actor) = (server.app().clone(), Actor::system());
                poll_at_most(rotate(&app, &actor, &order), polls.unwrap_or(u32::MAX)).await
            });
            let acknowledged = acknowledged.is_some_and(|result| result.map_err(|error| panic!("{error}")).is_ok());
            if polls.is_some() {
                (runtime, server) = crash(runtime, server);
            }
            runtime.block_on(async {
                let after = server.api.generation(server.workspace(), &server.admin).await;
                assert!(after == generation + 1 || (after == generation && !acknowledged), "{generation} → {after}");
                assert_eq!(works(&server, &first).await, after > generation);
                assert!(works(&server, &server.token(Slot::Current).await).await);
                assert_eq!(server.token(Slot::Next).await == first, after > generation);
                assert_eq!(server.app().registry.len(), 2);
                assert!(matches!(audit::verify(&*server.app().db).await, Ok(Verdict::Intact { .. })));
            });
        }
        runtime.block_on(server.stop());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_an_emergency_rotation_says_before_what_it_will_break() {
    let server = TestServer::start().await;
    let path = server.own("/workspaces/demo/tokens/emergency-rotation");
    let token = server.token(Slot::Next).await;
    let _stream = server.stream(&token).await;
    let manager = server.user("manager@example.org", Role::Manager, None).await;
    server.api.get(&path, &manager).await.refused(403);
    let preview = server.api.get(&path, &server.admin).await.ok();
    assert_eq!(preview["generation"], 0);
    let embedded = server.kafka().is_none();
    assert_eq!(preview["connectionsKnown"], embedded);
    let connections = |slot: usize| preview["tokens"][slot]["openConnections"].as_array().expect("a list").len();
    assert_eq!((connections(0), connections(1)), (0, usize::from(embedded)), "{preview}");
    assert!(preview["tokens"][1]["token"]["lastUsedAt"].is_string());
    assert!(server.api.accepts(server.workspace(), &token).await, "looking changes nothing");
}
