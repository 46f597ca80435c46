//! A property test of the rotation state machine: random sequences of rotations, crashes in the middle of one, restarts and
//! authentications, against a model.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn g1_g2_g6_exactly_two_tokens_whatever_happens(steps in proptest::collection::vec(step(), 1..12)) {
        machine::run(steps);
    }
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Step {
    /// A rotation with the right generation (or, if `off` is not 0, a wrong one), normal or emergency.
    Rotate { off: i64, emergency: bool },
    /// A rotation that is dropped after this many polls, followed by the end of everything in memory.
    Crash { polls: u32, emergency: bool },
    /// An orderly restart.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop_oneof![4 => Just(0), 1 => -2i64..3], any::<bool>()).prop_map(|(off, emergency)| Step::Rotate { off, emergency }),
        3 => (0u32..40, any::<bool>()).prop_map(|(polls, emergency)| Step::Crash { polls, emergency }),
        1 => Just(Step::Restart),
    ]
}

pub mod machine {
    use std::{collections::HashSet, future::Future, pin::pin, task::Poll};

    use jiff::SignedDuration;
    use tokio::runtime::Runtime;
    use twinkey_api::{WorkspaceId, token_pair::Slot};
    use twinkey_server::{
        audit::{self, Actor, Verdict},
        db::Db,
        error::ApiError,
        rotation::{Kind, Order, rotate},
    };
    use twinkey_testkit::{TestServer, kafka::Credentials};

    use super::Step;

    pub(super) fn run(steps: Vec<Step>) {
        let mut runtime = Runtime::new().expect("a runtime");
        let mut server = runtime.block_on(TestServer::start());
        let mut dead: HashSet<String> = HashSet::new();
        let mut generation = 0;
        let mut valid = runtime.block_on(check(&server, &dead, generation));
        for step in steps {
            match step {
                Step::Rotate { off, emergency } => {
                    let outcome = runtime.block_on(rotate(
                        server.app(),
                        &Actor::system(),
                        &order(&server, generation + off, emergency),
                    ));
                    match outcome {
                        Ok(rotated) => {
                            assert_eq!(off, 0, "a wrong generation was accepted");
                            assert_eq!(rotated.generation, generation + 1);
                            generation += 1;
                        }
                        Err(ApiError::StaleGeneration { expected, actual }) => {
                            assert!(off != 0 && expected == generation + off && actual == generation);
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Crash { polls, emergency } => {
                    let acknowledged = runtime.block_on(async {
                        let (app, actor, order) =
                            (server.app().clone(), Actor::system(), order(&server, generation, emergency));
                        poll_at_most(rotate(&app, &actor, &order), polls).await.is_some()
                    });
                    (runtime, server) = crash(runtime, server);
                    let after = runtime.block_on(server.api.generation(server.workspace(), &server.admin));
                    assert!(
                        after == generation + 1 || (after == generation && !acknowledged),
                        "{generation} → {after}"
                    );
                    generation = after;
                }
                Step::Restart => server = runtime.block_on(server.restart()),
            }
            let before = valid.clone();
            let known = dead.clone();
            valid = runtime.block_on(check(&server, &known, generation));
            dead.extend(before.into_iter().filter(|token| !valid.contains(token)));
            runtime.block_on(check(&server, &dead, generation));
        }
        runtime.block_on(server.stop());
    }

    fn order(server: &TestServer, expected_generation: i64, emergency: bool) -> Order {
        Order {
            workspace_id: WorkspaceId::parse(server.workspace()).expect("an id"),
            expected_generation,
            kind: if emergency { Kind::Emergency } else { Kind::Normal },
            force: true,
            reason: None,
            key: None,
        }
    }

    /// Exactly the two tokens of the workspace are accepted, on the API and on the broker; every dead one is refused on both.
    async fn check(server: &TestServer, dead: &HashSet<String>, generation: i64) -> Vec<String> {
        assert_eq!(server.api.generation(server.workspace(), &server.admin).await, generation);
        let valid = vec![server.token(Slot::Current).await, server.token(Slot::Next).await];
        assert_ne!(valid[0], valid[1]);
        for token in &valid {
            assert!(!dead.contains(token), "a dead token came back");
            Credentials::of(&server.api, server.workspace(), token)
                .await
                .sign_in()
                .await
                .expect("a valid token signs in");
        }
        for token in dead {
            assert!(!server.api.accepts(server.workspace(), token).await);
        }
        assert_eq!(server.app().registry.len(), 2);
        assert!(matches!(audit::verify(&*server.app().db).await, Ok(Verdict::Intact { .. })));
        valid
    }

    /// Drives `future` through `polls` polls and then drops it, wherever it is.
    pub async fn poll_at_most<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
        let mut future = pin!(future);
        let mut left = polls;
        std::future::poll_fn(move |context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            future.as_mut().poll(context).map(Some)
        })
        .await
    }

    /// Ends every task where it stands and starts again from what is on disk.
    pub fn crash(runtime: Runtime, mut server: TestServer) -> (Runtime, TestServer) {
        let abandoned = server.server.take().expect("running");
        runtime.shutdown_background();
        drop(abandoned);
        // What is older than the server is nobody's work any more, and a start takes its time.
        server.advance(SignedDuration::from_secs(1));
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(async {
            // The database's own threads may still be at the last statement they were given; a killed process has none.
            let db = Db::open(&server.database_url()).await.expect("opens");
            drop(db.write().await.expect("the old writer has ended"));
            db.close().await.expect("closes");
            server.restart_after_crash().await
        });
        (runtime, server)
    }
}
