//! A property test of how workspaces come and go: creations, deletions and rotations, each of which a crash may end anywhere,
//! against a model.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn g1_g6_workspaces_come_and_go_whole_whatever_happens(steps in proptest::collection::vec(step(), 1..14)) {
        machine::run(&steps);
    }
}

/// What is done to the one workspace of the test; `None`: to its end, else it is dropped after this many polls, followed by the end of
/// everything in memory.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create(Option<u32>),
    Delete(Option<u32>),
    Rotate(Option<u32>),
}

fn step() -> impl Strategy<Value = Step> {
    let polls = || prop_oneof![1 => Just(None), 2 => (0_u32..60).prop_map(Some)];
    prop_oneof![
        3 => polls().prop_map(Step::Create),
        4 => polls().prop_map(Step::Delete),
        1 => polls().prop_map(Step::Rotate),
    ]
}

mod machine {
    use std::{collections::HashSet, time::Duration};

    use sea_orm::EntityTrait;
    use serde_json::json;
    use tokio::runtime::Runtime;
    use twinkey_api::{WorkspaceId, token_pair::Slot};
    use twinkey_server::{
        audit::{self, Actor, Verdict},
        db, deletion,
        error::ApiError,
        rotation::{Kind, Order, rotate},
        tokens::create_workspace,
    };
    use twinkey_testkit::{Stream, TestServer, kafka::Credentials};

    use super::Step;
    use crate::{
        deletion::{commit, groups},
        state_machine::machine::{crash, poll_at_most},
    };

    pub(super) fn run(steps: &[Step]) {
        let mut runtime = Runtime::new().expect("a runtime");
        let mut server = runtime.block_on(TestServer::start());
        let mut dead = HashSet::new();
        let mut valid: Vec<String> = Vec::new();
        for step in steps {
            let there = !valid.is_empty();
            let (polls, acknowledged) = runtime.block_on(act(&server, *step, there));
            if polls.is_some() {
                (runtime, server) = crash(runtime, server);
            }
            let after = runtime.block_on(check(&server, &dead));
            match step {
                Step::Create(_) => assert!(!after.is_empty() || !(acknowledged || there), "{step:?} came to nothing"),
                Step::Delete(_) => assert!(after.is_empty() || !acknowledged, "it is still there"),
                Step::Rotate(_) => assert_eq!(after.is_empty(), !there),
            }
            dead.extend(valid.into_iter().filter(|token| !after.contains(token)));
            valid = after;
            runtime.block_on(check(&server, &dead));
        }
        runtime.block_on(server.stop());
    }

    /// Does it, and says whether it was acknowledged.
    async fn act(server: &TestServer, step: Step, there: bool) -> (Option<u32>, bool) {
        let (app, actor) = (server.app().clone(), Actor::system());
        let id = WorkspaceId::parse(&server.own("acme")).expect("an id");
        match step {
            Step::Create(polls) => {
                let creation = create_workspace(&app, &actor, &id, "Acme");
                let made = poll_at_most(creation, polls.unwrap_or(u32::MAX)).await;
                if let Some(Err(error)) = &made {
                    assert!(there, "{error}");
                }
                (polls, matches!(made, Some(Ok(_))))
            }
            Step::Delete(polls) => {
                if there {
                    fill(server).await;
                }
                let gone = poll_at_most(deletion::delete(&app, &actor, &id, None), polls.unwrap_or(u32::MAX)).await;
                match gone {
                    Some(Ok(_)) => assert!(there),
                    Some(Err(ApiError::NotFound(_))) => assert!(!there),
                    Some(Err(error)) => panic!("{error}"),
                    None => {}
                }
                (polls, matches!(gone, Some(Ok(_))))
            }
            Step::Rotate(polls) => {
                let expected_generation = app.registry.pair(&id).map_or(0, |pair| pair.generation);
                let order = Order {
                    workspace_id: id,
                    expected_generation,
                    kind: Kind::Normal,
                    force: true,
                    reason: None,
                    key: None,
                };
                let rotated = poll_at_most(rotate(&app, &actor, &order), polls.unwrap_or(u32::MAX)).await;
                if let Some(Err(error)) = &rotated {
                    assert!(!there, "{error}");
                }
                (polls, matches!(rotated, Some(Ok(_))))
            }
        }
    }

    /// A topic and a group, so that there is something to be left behind.
    async fn fill(server: &TestServer) {
        let acme = server.own("acme");
        let made = server.api.post(&format!("/{acme}/topics"), &server.admin, &json!({"name": "orders"})).await;
        assert!(matches!(made.status.as_u16(), 200 | 400), "{}", made.text);
        let token = server.api.reveal(&acme, Slot::Current, &server.admin).await;
        let mut stream = Stream::open(&server.api, &acme, &token).await;
        commit(&mut stream, &format!("{acme}-readers"), &format!("{acme}-orders")).await;
    }

    /// What was begun is finished; then nothing belongs to nobody. Returns the tokens of the workspace, if there is one.
    async fn check(server: &TestServer, dead: &HashSet<String>) -> Vec<String> {
        let acme = server.own("acme");
        let settled = async {
            while !db::workspaces::list(&*server.app().db)
                .await
                .expect("read")
                .iter()
                .all(|workspace| workspace.state == db::workspaces::READY)
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), settled).await.expect("what was begun is finished");
        let app = server.app();
        let id = WorkspaceId::parse(&acme).expect("an id");
        let there = db::workspaces::find(&*app.db, &acme).await.expect("read").is_some();
        let rows = db::tokens::Entity::find().all(&*app.db).await.expect("read");
        let in_slots = rows.iter().filter(|row| row.workspace_id == acme && row.slot.is_some()).count();
        assert_eq!(in_slots, if there { 2 } else { 0 });
        assert!(there || rows.iter().all(|row| row.workspace_id != acme), "a token without a workspace");
        assert_eq!(app.registry.pair(&id).is_some(), there);
        assert_eq!(app.registry.len(), if there { 4 } else { 2 });
        assert!(matches!(audit::verify(&*app.db).await, Ok(Verdict::Intact { .. })));
        for token in dead {
            assert!(!server.api.accepts(&acme, token).await, "a dead token is accepted");
        }
        if !there {
            assert!(app.broker.topics(&id).await.expect("listed").is_empty(), "a topic without a workspace");
            return Vec::new();
        }
        let mut valid = Vec::new();
        for slot in Slot::BOTH {
            let token = server.api.reveal(&acme, slot, &server.admin).await;
            let signed_in = Credentials::of(&server.api, &acme, &token).await.sign_in().await;
            let mut stream = signed_in.expect("a valid token signs in");
            // A fresh workspace has nothing of one that had its id before.
            if app.broker.topics(&id).await.expect("listed").is_empty() {
                assert!(groups(&mut stream).await.is_empty(), "a group without a workspace");
            }
            assert!(!dead.contains(&token), "a dead token came back");
            valid.push(token);
        }
        valid
    }
}
