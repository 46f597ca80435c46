//! Changing the master key while the server runs: every credential works before, during and after; an interruption anywhere
//! does no harm; at the end the old key opens nothing.

use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use proptest::prelude::*;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use twinkey_api::{Role, Secret, token_pair::Slot};
use twinkey_server::{
    db,
    keys::{self, Keys, MasterKeySource},
    random::Random,
    rekeying,
    replicas::leader::Fence,
    start::Config,
};
use twinkey_testkit::{Cluster, TestServer, kafka::Credentials, server::ADMIN_PASSWORD};

const PATIENCE: Duration = Duration::from_mins(1);
/// Longer than any test: the test itself says when tokens are brought under the new key.
const NEVER: Duration = Duration::from_hours(1);
/// At once, for tests that wait for the end.
const SOON: Duration = Duration::from_millis(10);

/// The two keys of a test, as files beside each other.
#[derive(Clone)]
struct KeyFiles {
    old: PathBuf,
    new: PathBuf,
}

impl KeyFiles {
    /// The key that a server was started with first, and one to replace it.
    fn of(server: &TestServer) -> Self {
        let (old, new) = (server.data_dir().join("master.key"), server.data_dir().join("new.key"));
        keys::generate(&new, &Random::from_system()).expect("made");
        Self { old, new }
    }

    /// Old and new side by side, the new one first.
    fn both(&self, every: Duration) -> impl FnOnce(&mut Config) + use<> {
        let (old, new) = (self.old.clone(), self.new.clone());
        move |config| {
            config.master_key = Some(new.into());
            config.previous_master_key = Some(old.into());
            config.rekey_every = every;
        }
    }

    /// The new one alone.
    fn new_alone(&self) -> impl FnOnce(&mut Config) + use<> {
        let new = self.new.clone();
        move |config| config.master_key = Some(new.into())
    }
}

/// What `GET /system/keys` says.
async fn status(server: &TestServer) -> Value {
    server.api.get("/system/keys", &server.admin).await.ok()
}

async fn until_no_token_is_left(server: &TestServer) {
    let deadline = Instant::now() + PATIENCE;
    while status(server).await["tokens"]["left"] != 0 {
        assert!(Instant::now() < deadline, "tokens are left after {PATIENCE:?}");
        tokio::time::sleep(SOON).await;
    }
}

/// Both tokens of a workspace are accepted by the API, by the broker and by nobody else's workspace; returns them.
async fn check_workspace(server: &TestServer, id: &str) -> [String; 2] {
    let mut tokens = Vec::new();
    for slot in Slot::BOTH {
        let token = server.api.reveal(id, slot, &server.admin).await;
        assert!(server.api.accepts(id, &token).await);
        Credentials::of(&server.api, id, &token).await.sign_in().await.expect("a valid token signs in");
        tokens.push(token);
    }
    tokens.try_into().expect("two")
}

async fn session(server: &TestServer) -> String {
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    let session = server.api.post("/auth/sign-in", "", &body).await.ok();
    session["token"].as_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn g3_every_credential_works_before_during_and_after_a_change_of_the_master_key() {
    let server = TestServer::start().await;
    let files = KeyFiles::of(&server);
    let ids = ["acme", "demo"].map(|id| server.own(id));
    server.api.post("/workspaces", &server.admin, &json!({"workspaceId": ids[0]})).await.ok();
    let mut before = Vec::new();
    for id in &ids {
        before.push(check_workspace(&server, id).await);
    }
    let (used, unused) = (
        server.user("ada@example.org", Role::Viewer, None).await,
        server.user("bob@example.org", Role::Viewer, None).await,
    );
    let session = session(&server).await;
    let rotated_out = before[1][0].clone();
    server.api.rotate(&ids[1], &server.admin, 0).await.ok();
    before[1] = check_workspace(&server, &ids[1]).await;

    // During: some tokens are under the one key, some under the other.
    let server = server.restart_with(files.both(NEVER)).await;
    let app = server.app().clone();
    let begun = status(&server).await;
    assert_eq!((&begun["tokens"]["total"], &begun["tokens"]["left"]), (&json!(4), &json!(4)));
    assert!(begun["previous"].is_string() && begun["previous"] != begun["key"], "{begun}");
    let mut after = String::new();
    for left in [2, 0] {
        after = rekeying::batch(&app, &Fence::unleased(), &after, 2).await.expect("moved").expect("there are some");
        assert_eq!(status(&server).await["tokens"]["left"], left);
        assert_eq!(app.registry.len(), 4);
        for (id, tokens) in ids.iter().zip(&before) {
            assert_eq!(&check_workspace(&server, id).await, tokens);
        }
        let metrics = server.api.get("/metrics", "").await.text;
        assert!(metrics.contains(&format!("twinkey_sdk_tokens_under_other_keys {left}")), "{metrics}");
    }
    assert!(rekeying::batch(&app, &Fence::unleased(), "", 2).await.expect("looked").is_none(), "nothing is left");
    let told = server.api.get(&format!("/workspaces/{}/broker/librdkafka", ids[1]), &rotated_out).await.refused(401);
    assert!(told.contains("rotated out"), "{told}");

    // Personal access tokens and sessions come along when they are used.
    let counts = status(&server).await;
    server.api.get("/profile", &used).await.ok();
    server.api.get("/profile", &session).await.ok();
    let after_use = status(&server).await;
    for kind in ["personalAccessTokens", "sessions"] {
        let left = |status: &Value| status[kind]["left"].as_i64().expect("a number");
        assert_eq!(left(&counts) - left(&after_use), 1, "{kind}: {counts} {after_use}");
    }

    // The end: what nobody has used ends, on purpose and on record.
    let finished = server.api.post("/system/keys/finish", &server.admin, &json!({})).await.ok();
    for kind in ["tokens", "personalAccessTokens", "sessions"] {
        assert_eq!(finished[kind]["left"], 0, "{finished}");
    }
    server.api.get("/profile", &unused).await.refused(401);
    let audit = server.api.get("/audit?limit=1000", &server.admin).await.ok();
    let actions: Vec<_> = audit.as_array().expect("a list").iter().map(|record| record["action"].clone()).collect();
    for action in ["master_key.changed", "master_key.finished"] {
        assert_eq!(actions.iter().filter(|other| *other == action).count(), 1, "{action}");
    }

    let mut server = server.restart_with(files.new_alone()).await;
    assert_eq!(status(&server).await["previous"], Value::Null);
    for (id, tokens) in ids.iter().zip(&before) {
        assert_eq!(&check_workspace(&server, id).await, tokens);
    }
    server.api.get("/profile", &used).await.ok();
    server.api.get("/profile", &session).await.ok();

    // The old key alone opens nothing.
    let old = Keys::load(&files.old.clone().into(), false, &Random::from_system()).expect("a key");
    for row in db::tokens::Entity::find().all(&*server.app().db).await.expect("read") {
        assert!(old.unseal(&row.id, &row.sealed).is_none());
        let valid = before.iter().flatten().map(|token| Secret::parse(token).expect("a token"));
        assert!(valid.into_iter().all(|token| old.hash(&token).as_slice() != row.hash));
    }
    let refused = server.refuses_to_start_with(|_| ()).await.to_string();
    assert!(refused.contains("not the one"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_still_needed_cannot_be_left_out() {
    let server = TestServer::start().await;
    let files = KeyFiles::of(&server);
    let unknown = server.data_dir().join("unknown.key");
    keys::generate(&unknown, &Random::from_system()).expect("made");
    let mut server = server.restart_with(files.both(NEVER)).await;
    let refused = server.api.post("/system/keys/finish", &server.admin, &json!({})).await;
    assert_eq!(refused.json()["code"], "RekeyingUnderWay");
    assert!(refused.refused(409).contains("2 SDK tokens"));
    rekeying::batch(server.app(), &Fence::unleased(), "", 1).await.expect("moved");
    let previous = status(&server).await["previous"].as_str().expect("text").to_owned();

    let without_old = server.refuses_to_start_with(files.new_alone()).await.to_string();
    assert!(without_old.contains("1 tokens are still under") && without_old.contains(&previous), "{without_old}");
    let without_new = server.refuses_to_start_with(|_| ()).await.to_string();
    assert!(without_new.contains("1 tokens are still under"), "{without_new}");
    let neither = unknown.clone();
    let neither =
        server.refuses_to_start_with(move |config| config.master_key = Some(neither.into())).await.to_string();
    assert!(neither.contains("not the one"), "{neither}");
    let twice = files.old.clone();
    let twice = server.refuses_to_start_with(move |config| config.previous_master_key = Some(twice.into())).await;
    assert!(twice.to_string().contains("the same"), "{twice}");
    let wrong_previous = server.refuses_to_start_with(|config| {
        files.new_alone()(config);
        config.previous_master_key = Some(unknown.into());
    });
    assert!(wrong_previous.await.to_string().contains("still under"));

    // With both of them it goes on where it stopped, and may go back as well.
    let server = server.restart_with(files.both(SOON)).await;
    until_no_token_is_left(&server).await;
    let back = KeyFiles { old: files.new.clone(), new: files.old.clone() };
    let server = server.restart_with(back.both(SOON)).await;
    until_no_token_is_left(&server).await;
    let server = server.restart().await;
    check_workspace(&server, server.workspace()).await;
    server.stop().await;
}

/// The rolling change, replica by replica, with requests to all of them all the way.
#[tokio::test(flavor = "multi_thread")]
async fn g3_several_replicas_change_the_master_key_in_three_rounds() {
    let mut cluster = Cluster::start(2).await;
    let old = cluster.master_key();
    let file = tempfile::tempdir().expect("temporary directory");
    keys::generate(&file.path().join("new.key"), &Random::from_system()).expect("made");
    let new = std::fs::read_to_string(file.path().join("new.key")).expect("made");
    let rounds = [(&old, Some(&new)), (&new, Some(&old)), (&new, None)];
    let mut dead = HashSet::new();
    for (primary, previous) in rounds {
        for _ in 0..2 {
            let replica = cluster.replicas.remove(0);
            replica.server.expect("running").shutdown().await;
            let (primary, previous) = (primary.clone(), previous.cloned());
            cluster
                .add_with(|config| {
                    config.master_key = Some(MasterKeySource::Value(primary.into()));
                    config.previous_master_key = previous.map(|key| MasterKeySource::PreviousValue(key.into()));
                    config.rekey_every = SOON;
                })
                .await;
            // Each of them rotates, and each accepts what the other has made.
            for index in 0..2 {
                dead.insert(cluster.replicas[index].token(Slot::Current).await);
                cluster.replicas[index].rotate().await;
                let valid = [
                    cluster.replicas[index].token(Slot::Current).await,
                    cluster.replicas[index].token(Slot::Next).await,
                ];
                for replica in &cluster.replicas {
                    for token in &valid {
                        assert!(replica.api.accepts("demo", token).await);
                    }
                    for token in &dead {
                        assert!(!replica.api.accepts("demo", token).await);
                    }
                }
            }
        }
        // Only when nothing needs the other key may the next round begin; in the first there is nothing to do.
        let deadline = Instant::now() + PATIENCE;
        let replica = &cluster.replicas[0];
        while replica.api.get("/system/keys", &replica.admin).await.ok()["tokens"]["left"] != 0 {
            assert!(Instant::now() < deadline, "tokens are left after {PATIENCE:?}");
            tokio::time::sleep(SOON).await;
        }
    }
    assert_eq!(cluster.database.query("SELECT DISTINCT key_id FROM tokens WHERE slot IS NOT NULL").lines().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn g1_g3_exactly_two_tokens_at_every_step_of_a_change(steps in proptest::collection::vec(step(), 1..10)) {
        machine::run(steps);
    }
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Step {
    /// So many tokens are brought under the primary key, from the first one that is not.
    Batch(u64),
    /// The same, dropped after this many polls, followed by the end of everything in memory.
    Crash(u32),
    /// A rotation of one of the workspaces.
    Rotate(bool),
    /// Orderly restarts, with the keys changing places or not.
    Restart(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u64..4).prop_map(Step::Batch),
        2 => (0u32..40).prop_map(Step::Crash),
        2 => any::<bool>().prop_map(Step::Rotate),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

mod machine {
    use std::{pin::pin, task::Poll};

    use tokio::runtime::Runtime;
    use twinkey_server::db::Db;

    use super::*;

    const IDS: [&str; 2] = ["acme", "demo"];

    pub fn run(steps: Vec<Step>) {
        let mut runtime = Runtime::new().expect("a runtime");
        let (mut server, mut files) = runtime.block_on(async {
            let server = TestServer::start().await;
            server.api.post("/workspaces", &server.admin, &json!({"workspaceId": server.own("acme")})).await.ok();
            let files = KeyFiles::of(&server);
            (server.restart_with(files.both(NEVER)).await, files)
        });
        let mut valid = runtime.block_on(check(&server));
        let mut dead = HashSet::new();
        for step in steps {
            match step {
                Step::Batch(limit) => {
                    let fence = Fence::unleased();
                    let moved = rekeying::batch(server.app(), &fence, "", limit);
                    runtime.block_on(moved).expect("moved");
                }
                Step::Crash(polls) => {
                    let app = server.app().clone();
                    runtime.block_on(poll_at_most(rekeying::batch(&app, &Fence::unleased(), "", 3), polls));
                    drop(app);
                    let abandoned = server.server.take().expect("running");
                    runtime.shutdown_background();
                    drop(abandoned);
                    runtime = Runtime::new().expect("a runtime");
                    server = runtime.block_on(async {
                        // The database's own threads may still be at the last statement they were given.
                        let db = Db::open(&server.database_url()).await.expect("opens");
                        drop(db.write().await.expect("the old writer has ended"));
                        db.close().await.expect("closes");
                        server.restart_with(files.both(NEVER)).await
                    });
                }
                Step::Rotate(first) => {
                    let id = &server.own(IDS[usize::from(first)]);
                    runtime.block_on(async {
                        let generation = server.api.generation(id, &server.admin).await;
                        server.api.rotate(id, &server.admin, generation).await.ok();
                    });
                }
                Step::Restart(swap) => {
                    if swap {
                        files = KeyFiles { old: files.new, new: files.old };
                    }
                    server = runtime.block_on(server.restart_with(files.both(NEVER)));
                }
            }
            let now = runtime.block_on(check(&server));
            dead.extend(valid.into_iter().filter(|token| !now.contains(token)));
            valid = now;
            for token in &dead {
                assert!(!valid.contains(token), "a dead token came back");
                assert!(runtime.block_on(all_refuse(&server, token)));
            }
        }
        runtime.block_on(async {
            let server = server.restart_with(files.both(SOON)).await;
            until_no_token_is_left(&server).await;
            let server = server.restart_with(files.new_alone()).await;
            assert_eq!(check(&server).await, valid);
            server.stop().await;
        });
    }

    /// Exactly two tokens of each workspace are accepted everywhere.
    async fn check(server: &TestServer) -> HashSet<String> {
        let mut valid = HashSet::new();
        for id in IDS {
            valid.extend(check_workspace(server, &server.own(id)).await);
        }
        assert_eq!((valid.len(), server.app().registry.len()), (4, 4));
        valid
    }

    async fn all_refuse(server: &TestServer, token: &str) -> bool {
        for id in IDS {
            if server.api.accepts(&server.own(id), token).await {
                return false;
            }
        }
        true
    }

    /// Drives `future` through `polls` polls and then drops it, wherever it is.
    async fn poll_at_most<T>(future: impl Future<Output = T>, polls: u32) {
        let (mut future, mut left) = (pin!(future), polls);
        std::future::poll_fn(move |context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            future.as_mut().poll(context).map(drop)
        })
        .await;
    }
}
