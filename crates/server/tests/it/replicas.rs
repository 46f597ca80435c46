//! Several replicas on one PostgreSQL: B4 and the guarantees 2 and 3 across them, whatever happens to their connections.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use twinkey_api::token_pair::Slot;
use twinkey_server::{
    keys::MasterKeySource,
    replicas::{
        ReplicaMode,
        leader::{self, Fence, FenceError},
    },
    start::Config,
};
use twinkey_testbed::{
    postgres::{Database, Postgres},
    proxy::{Direction, Fault},
};
use twinkey_testkit::{
    Cluster, Method, TestServer,
    cluster::Replica,
    server::{config, try_start_now},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// 200, 401 or 503: what a replica says of a token of `demo`.
async fn status(replica: &Replica, token: &str) -> u16 {
    replica.api.get("/workspaces/demo/broker/librdkafka", token).await.status.as_u16()
}

/// Asks every replica all the time whether it accepts tokens that were dead before the question was asked.
struct Hammer {
    dead: Arc<Mutex<Vec<String>>>,
    valid: Arc<Mutex<String>>,
    done: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Hammer {
    /// `holder`: whether holders of a valid token are to be answered 200 always, which a cut network does not allow.
    fn start(cluster: &Cluster, valid: String, holder: bool) -> Self {
        let (dead, done) = (Arc::new(Mutex::new(Vec::<String>::new())), Arc::new(AtomicBool::new(false)));
        let (valid, asked) = (Arc::new(Mutex::new(valid)), Arc::new(AtomicUsize::new(0)));
        let task = |api: twinkey_testkit::Api| {
            let (dead, valid, done, asked) = (dead.clone(), valid.clone(), done.clone(), asked.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let old = dead.lock().expect("not poisoned").last().cloned();
                    if let Some(old) = old {
                        let answer = api.get("/workspaces/demo/broker/librdkafka", &old).await;
                        // Only the status: an answer that must not be there holds credentials.
                        let status = answer.status.as_u16();
                        assert!(matches!(status, 401 | 503), "a dead token was accepted: {status}");
                        assert!(holder <= (status == 401), "{status}");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    let valid = valid.lock().expect("not poisoned").clone();
                    let answer = api.get("/workspaces/demo/broker/librdkafka", &valid).await;
                    assert!(!holder || answer.status == 200, "g3: a holder of Token 2 saw {}", answer.status);
                }
            })
        };
        let tasks = cluster.replicas.iter().map(|replica| task(replica.api.clone())).collect();
        Self { dead, valid, done, asked, tasks }
    }

    fn died(&self, old: String) {
        self.dead.lock().expect("not poisoned").push(old);
    }

    fn is_valid(&self, token: String) {
        *self.valid.lock().expect("not poisoned") = token;
    }

    async fn stop(self) -> usize {
        self.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no dead token was accepted");
        }
        self.asked.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_g2_g3_a_rotation_on_any_replica_is_one_on_all() {
    let cluster = Cluster::start(3).await;
    let next = cluster.replicas[0].token(Slot::Next).await;
    let hammer = Hammer::start(&cluster, next, true);
    let mut durations = Vec::new();
    for round in 0..30 {
        let replica = &cluster.replicas[round % 3];
        // What survives this rotation is in use while it happens.
        hammer.is_valid(replica.token(Slot::Next).await);
        let old = replica.token(Slot::Current).await;
        let before = Instant::now();
        replica.rotate().await;
        durations.push(before.elapsed());
        hammer.died(old.clone());
        for other in &cluster.replicas {
            assert_eq!(status(other, &old).await, 401);
        }
    }
    let asked = hammer.stop().await;
    durations.sort_unstable();
    println!("rotations: median {:?}, longest {:?}; {asked} questions", durations[15], durations[29]);
    assert!(asked > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_what_is_made_on_one_replica_works_at_once_on_the_others() {
    let cluster = Cluster::start(3).await;
    let [a, b, c] = [0, 1, 2].map(|index| &cluster.replicas[index]);
    for round in 0..10 {
        let id = format!("made-{round}");
        a.api.post("/workspaces", &a.admin, &json!({"workspaceId": id})).await.ok();
        assert_eq!(b.api.generation(&id, &b.admin).await, 0);
        let token = c.api.reveal(&id, Slot::Next, &c.admin).await;
        assert!(b.api.accepts(&id, &token).await);
        b.api.rotate(&id, &b.admin, 0).await.ok();
        let [first, second] = [Slot::Current, Slot::Next].map(|slot| c.api.reveal(&id, slot, &c.admin));
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first, token);
        for replica in [a, b, c] {
            assert!(replica.api.accepts(&id, &first).await && replica.api.accepts(&id, &second).await);
            assert_eq!(replica.api.generation(&id, &replica.admin).await, 1);
        }
    }
}

/// Connections may end at any time; the announcements that are lost by it cost time only.
#[tokio::test(flavor = "multi_thread")]
async fn g2_killed_connections_change_nothing() {
    let cluster = Cluster::start(2).await;
    for round in 0..10 {
        let replica = &cluster.replicas[round % 2];
        let old = replica.token(Slot::Current).await;
        cluster.database.query(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE 'UPDATE%'",
        );
        let mut generation = 0;
        until("the pool has noticed", async || {
            let shown = replica.api.get("/workspaces/demo/tokens", &replica.admin).await;
            generation = if shown.status == 200 { shown.json()["generation"].as_i64().expect("a number") } else { 0 };
            shown.status == 200
        })
        .await;
        replica.api.rotate("demo", &replica.admin, generation).await.ok();
        for replica in &cluster.replicas {
            assert_eq!(status(replica, &old).await, 401);
        }
    }
    until("both trust again", async || cluster.replicas.iter().all(|it| it.app().replicas.trusts())).await;
}

/// A replica that is cut off from the database answers with the truth or not at all.
#[tokio::test(flavor = "multi_thread")]
async fn b4_g2_a_replica_that_is_cut_off_never_accepts_the_old_token() {
    let cluster = Cluster::start(2).await;
    let [a, b] = [0, 1].map(|index| &cluster.replicas[index]);
    let slow = Fault::Delay(Direction::Both, Duration::from_millis(400));
    for fault in [
        Fault::Hold(Direction::Both),
        Fault::Hold(Direction::ToTarget),
        Fault::Hold(Direction::FromTarget),
        Fault::Lose(Direction::FromTarget),
        Fault::Cut,
        slow,
    ] {
        let old = a.token(Slot::Current).await;
        assert_eq!(status(b, &old).await, 200);
        b.proxy.set(fault);
        a.rotate().await;
        let survivor = a.token(Slot::Current).await;
        let (asked, holder, may_answer) = tokio::join!(
            futures::future::join_all((0..8).map(|_| status(b, &old))),
            b.api.get("/workspaces/demo/broker/librdkafka", &survivor),
            b.app().replicas.may_answer(&b.app().db),
        );
        assert!(asked.iter().all(|status| matches!(status, 401 | 503)), "{fault:?}: {asked:?}");
        if fault != slow {
            assert!(may_answer.is_err(), "{fault:?}");
            assert!(holder.refused(503).contains("try again"), "{fault:?}");
        }
        b.proxy.set(Fault::None);
        until("it answers again", async || status(b, &old).await == 401).await;
        until("it trusts again", async || b.app().replicas.trusts()).await;
        b.app().replicas.may_answer(&b.app().db).await.expect("it may answer");
    }
}

/// A request that one replica has let in, and whose body comes after the rotation on another one was answered.
#[tokio::test(flavor = "multi_thread")]
async fn g2_a_slow_body_does_not_outlive_its_token_on_another_replica() {
    let cluster = Cluster::start(2).await;
    let [a, b] = [0, 1].map(|index| &cluster.replicas[index]);
    let old = a.token(Slot::Current).await;
    let body = r#"{"name":"late"}"#;
    let head = format!(
        "POST /demo/topics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {old}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let address = b.api.url.trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let mut slow = TcpStream::connect(&address).await.expect("connected");
    slow.write_all(head.as_bytes()).await.expect("written");
    let authenticated = "twinkey_authentications_total{kind=\"sdk\",outcome=\"accepted\"} 1";
    until("it is let in", async || b.api.get("/metrics", "").await.text.contains(authenticated)).await;
    a.rotate().await;
    slow.write_all(body.as_bytes()).await.expect("written");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(b.api.get("/demo/topics", &b.admin).await.ok(), json!([]));
}

/// A deletion is a cut-off like a rotation: when it is answered, no replica accepts the workspace's tokens.
#[tokio::test(flavor = "multi_thread")]
async fn g2_a_deleted_workspace_is_dead_on_every_replica() {
    let cluster = Cluster::start(3).await;
    let a = &cluster.replicas[0];
    let tokens = [a.token(Slot::Current).await, a.token(Slot::Next).await];
    for replica in &cluster.replicas {
        for token in &tokens {
            assert_eq!(status(replica, token).await, 200);
        }
    }
    let body = json!({"workspaceId": "demo"});
    a.api.send(a.api.request(Method::DELETE, "/workspaces/demo", &a.admin).json(&body)).await.ok();
    for replica in &cluster.replicas {
        for token in &tokens {
            assert_eq!(replica.api.get("/workspaces", token).await.json()["code"], "WorkspaceDeleted");
        }
        let workspaces = replica.api.get("/workspaces", &a.admin).await.ok();
        assert_eq!(workspaces, json!([]));
    }
    // Its id is free on every replica; the next one has nothing of it.
    let b = &cluster.replicas[1];
    b.api.post("/workspaces", &b.admin, &json!({"workspaceId": "demo"})).await.ok();
    let fresh = b.token(Slot::Current).await;
    for replica in &cluster.replicas {
        assert_eq!(status(replica, &fresh).await, 200);
        assert_eq!(status(replica, &tokens[0]).await, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g6_another_replica_finishes_a_deletion_whose_server_is_gone() {
    let mut cluster = Cluster::start(2).await;
    let token = cluster.replicas[0].token(Slot::Current).await;
    // It gets as far as the first commit: after that it waits for somebody who is making a topic.
    let app = cluster.replicas[0].app().clone();
    let creating = app.topic_creations.read().await;
    let deleting = app.clone();
    let id = twinkey_api::WorkspaceId::parse("demo").expect("an id");
    let task = tokio::spawn(async move {
        let actor = twinkey_server::audit::Actor::system();
        twinkey_server::deletion::delete(&deleting, &actor, &id, None)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    });
    until("it has begun", async || cluster.database.query("SELECT state FROM workspaces").trim() == "deleting").await;
    task.abort();
    drop(cluster.replicas[0].server.take());
    until("the other one has finished it", async || {
        cluster.database.query("SELECT count(*) FROM workspaces").trim() == "0"
    })
    .await;
    drop(creating);
    assert_eq!(status(&cluster.replicas[1], &token).await, 401);
    assert_eq!(cluster.database.query("SELECT count(*) FROM tokens").trim(), "0");
    cluster.replicas.remove(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_a_clock_that_jumps_ends_trust_and_nothing_else() {
    let cluster = Cluster::start(2).await;
    let [a, b] = [0, 1].map(|index| &cluster.replicas[index]);
    for _ in 0..5 {
        let old = a.token(Slot::Current).await;
        let survivor = a.token(Slot::Next).await;
        b.advance(Duration::from_hours(1));
        assert_eq!(status(b, &survivor).await, 200);
        b.advance(Duration::from_hours(1));
        b.rotate().await;
        assert_eq!([status(a, &old).await, status(b, &old).await], [401, 401]);
        assert_eq!([status(a, &survivor).await, status(b, &survivor).await], [200, 200]);
    }
    until("it trusts again", async || b.app().replicas.trusts()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_has_gone_is_forgotten_and_one_that_lives_is_not() {
    let mut cluster = Cluster::start(3).await;
    assert_eq!(cluster.registered().len(), 3);
    let killed = cluster.replicas[2].id().to_owned();
    drop(cluster.replicas[2].server.take());
    assert!(cluster.registered().contains(&killed), "nobody has said so yet");
    cluster.replicas[0].rotate().await;
    cluster.replicas.pop();

    // Its row is seen unchanged for long enough on the survivors' own clocks; those of the living change meanwhile.
    until("the row is removed", async || {
        for replica in &cluster.replicas {
            replica.advance(Duration::from_secs(2));
        }
        !cluster.registered().contains(&killed)
    })
    .await;
    until("the others stay", async || cluster.registered().len() == 2).await;

    // A row that somebody removes is made again.
    cluster.database.query("DELETE FROM replicas");
    until("registered anew", async || cluster.registered().len() == 2).await;
    cluster.replicas[1].rotate().await;

    let stopped = cluster.replicas.pop().expect("two are left");
    let id = stopped.id().to_owned();
    let admin = stopped.admin.clone();
    let mut stopped = stopped;
    stopped.server.take().expect("running").shutdown().await;
    assert!(!cluster.registered().contains(&id), "an orderly stop says so");
    cluster.replicas[0].api.get("/profile", &admin).await.refused(401);
    cluster.replicas[0].rotate().await;
}

/// A database whose newest commits were lost, and replaced by others, as after a switch to a standby that was behind.
#[tokio::test(flavor = "multi_thread")]
async fn another_history_of_the_database_is_noticed() {
    let cluster = Cluster::start(1).await;
    let replica = &cluster.replicas[0];
    let (first, second) = (replica.token(Slot::Current).await, replica.token(Slot::Next).await);
    let save = "CREATE TABLE kept AS SELECT * FROM tokens; CREATE TABLE kept_workspaces AS SELECT * FROM workspaces; \
                CREATE TABLE kept_installation AS SELECT * FROM installation";
    cluster.database.query(save);
    replica.rotate().await;
    assert_eq!(status(replica, &first).await, 401);
    cluster.database.query(
        "BEGIN; DELETE FROM tokens; INSERT INTO tokens SELECT * FROM kept; \
         DELETE FROM changes WHERE revision > (SELECT revision FROM kept_installation); \
         UPDATE installation SET revision = (SELECT revision FROM kept_installation); \
         UPDATE workspaces SET generation = 0, revision = (SELECT revision FROM kept_workspaces); COMMIT",
    );
    until("memory follows", async || replica.api.generation("demo", &replica.admin).await == 0).await;
    assert_eq!(status(replica, &first).await, 200);
    replica.rotate().await;
    assert_eq!(status(replica, &first).await, 401);
    assert_eq!(status(replica, &second).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn background_work_runs_on_one_replica_and_is_taken_over() {
    let mut cluster = Cluster::start(2).await;
    let running: Arc<Mutex<Vec<(String, Fence)>>> = Arc::default();
    for replica in &cluster.replicas {
        let (app, running, id) = (replica.app().clone(), running.clone(), replica.id().to_owned());
        let stop = tokio_util::sync::CancellationToken::new();
        let member = replica.server.as_ref().expect("running").lost.clone();
        tokio::spawn(async move {
            let job = |fence: Fence| {
                let (running, id) = (running.clone(), id.clone());
                async move {
                    running.lock().expect("not poisoned").push((id, fence));
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = leader::run(app, "test", stop, job) => {}
                () = member.cancelled() => {}
            }
        });
    }
    let holder = |index: usize| running.lock().expect("not poisoned").get(index).cloned();
    until("somebody does it", async || holder(0).is_some()).await;
    let (first, fence) = holder(0).expect("somebody");
    let index = cluster.replicas.iter().position(|it| it.id() == first).expect("one of them");
    let app = cluster.replicas[index].app().clone();
    let transaction = app.db.write().await.expect("begun");
    fence.check(&*transaction).await.expect("it holds the lease");
    drop(transaction);

    // It is paused: nothing of it renews the lease, and its clock stands still for it. Then somebody else does the work.
    cluster.replicas[index].proxy.set(Fault::Hold(Direction::Both));
    until("it is taken over", async || holder(1).is_some()).await;
    let (second, newer) = holder(1).expect("somebody");
    assert_ne!(first, second);
    cluster.replicas[index].proxy.set(Fault::None);
    let mut lost = false;
    until("the database answers it again", async || {
        let Ok(transaction) = app.db.write().await else { return false };
        match fence.check(&*transaction).await {
            Err(FenceError::Lost) => lost = true,
            Ok(()) => panic!("the former holder passed the fence"),
            Err(FenceError::Db(_)) => {}
        }
        lost
    })
    .await;
    let other = cluster.replicas[1 - index].app().clone();
    let transaction = other.db.write().await.expect("begun");
    newer.check(&*transaction).await.expect("it holds the lease");
    drop(transaction);
    for replica in &mut cluster.replicas {
        replica.server.as_ref().expect("running").lost.cancel();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_replica_has_a_command_line_of_its_own() {
    let cluster = Cluster::start(2).await;
    let [a, b] = [0, 1].map(|index| &cluster.replicas[index]);
    for replica in [a, b] {
        replica.api.get("/profile", &a.admin).await.ok();
        replica.api.get("/profile", &b.admin).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_the_embedded_broker_is_the_only_one_on_its_database() {
    let database = Arc::new(Database::create(Postgres::shared_url()));
    let server = TestServer::start_on(Some(database.clone())).await;
    let key = std::fs::read_to_string(server.data_dir().join("master.key")).expect("made");
    let directory = tempfile::tempdir().expect("temporary directory");
    for replicas in [ReplicaMode::Exclusive, ReplicaMode::Leased] {
        let config = Config {
            database_url: Some(database.url.clone()),
            master_key: Some(MasterKeySource::Value(key.clone().into())),
            replicas,
            ..config(&directory.path().join("data"))
        };
        let message = try_start_now(config).await.err().expect("refused").to_string();
        assert!(message.contains("Apache Kafka") && message.contains("embedded broker"), "{message}");
    }
    server.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_is_one_servers_wherever_it_is() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite://{}", directory.path().join("elsewhere.db").display());
    let on = |name: &str| Config { database_url: Some(url.clone()), ..config(&directory.path().join(name)) };
    let server = try_start_now(on("first")).await.unwrap_or_else(|error| panic!("{error}"));
    let message = try_start_now(on("second")).await.err().expect("refused").to_string();
    assert!(message.contains("elsewhere.db"), "{message}");
    server.shutdown().await;
    std::fs::copy(directory.path().join("first/master.key"), directory.path().join("second/master.key"))
        .expect("copied");
    try_start_now(on("second")).await.unwrap_or_else(|error| panic!("{error}")).shutdown().await;
}
