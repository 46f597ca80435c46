//! B7: the audit log can be read by parts, exported, and verified by somebody who does not trust the database.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};
use twinkey_api::{
    Role,
    audit::{AuditRecord, Checkpoint},
    token_pair::Slot,
};
use twinkey_server::{
    audit::{
        Verdict, Verifier,
        checkpoint::{self, BadCheckpoint},
        checkpointer,
        verify::{self, VerifyError},
    },
    db::{self, Db},
    keys,
    random::Random,
    replicas::leader::Fence,
};
use twinkey_testkit::{Cluster, TestServer, server::ADMIN_PASSWORD};

const PATIENCE: Duration = Duration::from_mins(1);

async fn list(server: &TestServer, query: &str) -> Vec<Value> {
    let found = server.api.get(&format!("/audit?{query}"), &server.admin).await.ok();
    found.as_array().expect("a list").clone()
}

fn sequences(records: &[Value]) -> Vec<i64> {
    records.iter().map(|record| record["sequence"].as_i64().expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_the_audit_log_is_filtered_by_every_part_of_a_record() {
    let server = TestServer::start().await;
    let body = json!({"email": "admin@localhost", "password": ADMIN_PASSWORD});
    server.api.post("/auth/sign-in", "", &body).await.ok();
    server.token(Slot::Current).await;
    server.advance(jiff::SignedDuration::from_hours(1));
    let later = server.app().now();
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();

    let all = list(&server, "limit=1000").await;
    let rotated = &all[0];
    assert_eq!(rotated["action"], "token.rotated");
    let detail: Value = serde_json::from_str(rotated["detail"].as_str().expect("text")).expect("JSON");
    assert_eq!(detail["reason"], "test");
    assert!(detail["before"]["token1"] == rotated["target"] && detail["after"]["token1"] == detail["before"]["token2"]);
    assert!(rotated["credential"].as_str().expect("text").starts_with("pat:"), "{rotated}");

    let with = |part: &str, value: &str| {
        let fits = |it: &&Value| it[part].as_str().is_some_and(|it| it == value);
        sequences(&all.iter().filter(fits).cloned().collect::<Vec<_>>())
    };
    let workspace = server.workspace();
    assert_eq!(
        sequences(&list(&server, &format!("workspaceId={workspace}&limit=1000")).await),
        with("workspaceId", workspace)
    );
    assert_eq!(sequences(&list(&server, "actor=system&limit=1000").await), with("actor", "system"));
    assert_eq!(sequences(&list(&server, "actor=SYSTEM").await), Vec::<i64>::new());
    let target = rotated["target"].as_str().expect("text");
    assert_eq!(list(&server, &format!("target={target}")).await.len(), 2, "revealed and rotated");
    assert_eq!(sequences(&list(&server, "action=token.rotated").await), with("action", "token.rotated"));
    assert_eq!(list(&server, "action=token.").await.len(), 2);
    // An underscore and a percent sign mean themselves.
    assert!(list(&server, "action=token_").await.is_empty() && list(&server, "action=%25").await.is_empty());
    assert!(list(&server, "action=TOKEN.").await.is_empty());
    let since = list(&server, &format!("from={later}")).await;
    assert_eq!(sequences(&since), with("action", "token.rotated"));
    let until = list(&server, &format!("to={later}&limit=1000")).await;
    assert_eq!(since.len() + until.len(), all.len());
    let both = list(&server, &format!("actor=admin@localhost&action=token.&to={later}")).await;
    assert_eq!(both.len(), 1);
    assert_eq!(both[0]["action"], "token.revealed");
    let page = list(&server, "limit=2").await;
    let before = page[1]["sequence"].as_i64().expect("a number");
    assert_eq!(list(&server, &format!("limit=1&before={before}")).await[0]["sequence"], before - 1);

    for query in ["limit=0", "limit=1001", "from=yesterday", "before=x", &format!("action={}", "a".repeat(101))] {
        server.api.get(&format!("/audit?{query}"), &server.admin).await.refused(400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_only_an_administrator_of_the_organisation_reads_the_log_in_any_form() {
    let server = TestServer::start().await;
    let token = server.token(Slot::Current).await;
    let workspace = server.workspace().to_owned();
    let manager = server.user("m@example.org", Role::Manager, Some((&workspace, Role::Admin))).await;
    for path in ["/audit", "/audit/export", "/audit/keys", "/audit/checkpoints"] {
        assert!(server.api.get(path, &manager).await.refused(403).contains("Admin"));
        server.api.get(path, &token).await.refused(403);
        server.api.get(path, "").await.refused(401);
        assert_eq!(server.api.get(path, &server.admin).await.status, 200, "{path}");
    }
}

/// More records than the export reads at a time.
async fn many_records(server: &TestServer, count: usize) {
    let app = server.app();
    let transaction = app.db.write().await.expect("begun");
    for _ in 0..count {
        let event = twinkey_server::audit::Event::new("test.noted");
        let actor = twinkey_server::audit::Actor::system();
        twinkey_server::audit::append(&*transaction, &actor, app.now(), event).await.expect("appended");
    }
    transaction.commit().await.expect("committed");
}

async fn export(server: &TestServer, query: &str) -> String {
    let answer = server.api.get(&format!("/audit/export{query}"), &server.admin).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/x-ndjson");
    answer.text
}

fn verified(text: &str, checkpoints: Vec<Checkpoint>) -> Verdict {
    let mut verifier = Verifier::against(checkpoints);
    let pushed = verifier.push_lines(text.as_bytes()).expect("read");
    pushed.map_or_else(|broken| broken, |()| verifier.finish())
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_an_export_is_the_whole_log_and_verified_without_the_server() {
    let server = TestServer::start().await;
    many_records(&server, 1203).await;
    let exported = export(&server, "").await;
    let newest = list(&server, "limit=1").await;
    let records = newest[0]["sequence"].as_i64().expect("a number");
    assert_eq!(exported.lines().count() as i64, records);
    let head = newest[0]["hash"].as_str().expect("text").to_owned();
    assert_eq!(verified(&exported, Vec::new()), Verdict::Intact { records, head });

    // In pieces, as an archive would take it.
    let first: String = exported.lines().take(700).flat_map(|line| [line, "\n"]).collect();
    let rest = export(&server, "?after=700").await;
    assert_eq!(format!("{first}{rest}"), exported);
    assert_eq!(export(&server, &format!("?after={records}")).await, "");
    assert!(matches!(verified(&rest, Vec::new()), Verdict::Broken { sequence: 701, .. }), "the beginning is missing");
    server.api.get("/audit/export?after=x", &server.admin).await.refused(400);
}

/// The checkpoint file of a server.
fn file(server: &TestServer) -> PathBuf {
    server.data_dir().join(checkpointer::FILE_NAME)
}

fn kept(path: &PathBuf) -> Vec<Checkpoint> {
    fs::read(path).map(|text| checkpoint::read(&*text).expect("checkpoints")).unwrap_or_default()
}

/// Signs what is there now, and waits until that is in the file too.
async fn sign(server: &TestServer) -> Checkpoint {
    let app = server.app();
    checkpointer::write(app, &Fence::unleased()).await.expect("signed");
    let newest = db::checkpoints::last(&*app.db).await.expect("read").expect("there");
    let deadline = Instant::now() + PATIENCE;
    while kept(&file(server)).last() != Some(&newest) {
        assert!(Instant::now() < deadline, "the checkpoint does not get into the file");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    newest
}

async fn public_keys(server: &TestServer) -> Vec<String> {
    let keys = server.api.get("/audit/keys", &server.admin).await.ok();
    serde_json::from_value(keys["publicKeys"].clone()).expect("a list")
}

/// The database as an auditor opens it, with the server stopped or not.
async fn opened(server: &TestServer) -> DatabaseConnection {
    Db::open_read_only(&server.database_url()).await.expect("opened")
}

async fn verify_database(server: &TestServer, outside: Vec<Checkpoint>, trusted: &[String]) -> verify::Verified {
    verify::database(&opened(server).await, outside, trusted).await.expect("a verdict")
}

/// What somebody does who can write to the database.
async fn meddle(server: &TestServer, sql: &str) {
    server.app().db.execute_unprepared(sql).await.expect("done");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_a_record_that_was_changed_removed_or_inserted_in_the_database_is_named() {
    let server = TestServer::start().await;
    let signed = sign(&server).await.sequence;
    many_records(&server, 20).await;
    let verdict = async || verify_database(&server, Vec::new(), &[]).await.verdict;
    let is_broken_at =
        |verdict: &Verdict, at: i64| matches!(verdict, Verdict::Broken { sequence, .. } if *sequence == at);
    assert!(matches!(verdict().await, Verdict::Intact { .. }));

    let changed = signed + 5;
    meddle(&server, &format!("UPDATE audit SET actor = 'nobody' WHERE sequence = {changed}")).await;
    assert!(is_broken_at(&verdict().await, changed));
    assert!(is_broken_at(&verified(&export(&server, "").await, Vec::new()), changed));
    // The server itself notices, before it signs.
    let refused = checkpointer::write(server.app(), &Fence::unleased()).await.expect_err("not signed").to_string();
    assert!(refused.contains(&format!("BROKEN at record {changed}")), "{refused}");

    meddle(&server, &format!("UPDATE audit SET actor = 'system' WHERE sequence = {changed}")).await;
    meddle(&server, &format!("DELETE FROM audit WHERE sequence = {}", changed - 2)).await;
    assert!(is_broken_at(&verdict().await, changed - 1));
    for inserted in [changed - 2, -1] {
        let copy = format!(
            "INSERT INTO audit SELECT {inserted}, at, actor, credential, address, action, workspace_id, target, detail, \
             previous_hash, hash FROM audit WHERE sequence = {}",
            changed - 3
        );
        meddle(&server, &copy).await;
        assert!(is_broken_at(&verdict().await, inserted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_an_orderly_end_signs_what_was_recorded_last() {
    // Longer than any test: only the start and the end sign by themselves.
    let mut server = TestServer::start_with(|config| config.checkpoints.every = Duration::from_hours(1)).await;
    many_records(&server, 5).await;
    let (path, url) = (file(&server), server.database_url());
    server.server.take().expect("running").shutdown().await;
    let db = Db::open_read_only(&url).await.expect("opened");
    let last = db::audit::last(&db).await.expect("read").expect("there");
    let signed = db::checkpoints::last(&db).await.expect("read").expect("signed");
    assert_eq!((signed.sequence, &signed.head), (last.sequence, &last.hash));
    assert_eq!(kept(&path).last(), Some(&signed), "and it is outside the database too");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_cutting_the_log_off_shows_by_the_checkpoint_outside_the_database() {
    let mut server = TestServer::start().await;
    many_records(&server, 10).await;
    let signed = sign(&server).await;
    let keys = public_keys(&server).await;
    let verified = verify_database(&server, kept(&file(&server)), &keys).await;
    assert!(matches!(verified.verdict, Verdict::Intact { .. }), "{verified:?}");
    assert_eq!(verified.confirmed, signed.sequence);
    assert_eq!(verified.keys.into_iter().collect::<Vec<_>>(), keys);

    // Somebody takes the end away, and the checkpoints in the database that cover it.
    let cut = signed.sequence - 5;
    meddle(&server, &format!("DELETE FROM audit WHERE sequence > {cut}")).await;
    let inside = verify_database(&server, Vec::new(), &keys).await.verdict;
    let Verdict::Broken { sequence, reason } = &inside else { panic!("{inside:?}") };
    assert!(*sequence == cut + 1 && reason.contains("cut off"), "{inside:?}");
    meddle(&server, &format!("DELETE FROM audit_checkpoints WHERE sequence > {cut}")).await;
    let unseen = verify_database(&server, Vec::new(), &keys).await.verdict;
    assert!(matches!(unseen, Verdict::Intact { .. }), "from inside it looks intact: {unseen:?}");
    let outside = kept(&file(&server));
    let seen = verify_database(&server, outside.clone(), &keys).await.verdict;
    assert!(matches!(seen, Verdict::Broken { sequence, .. } if sequence == cut + 1), "{seen:?}");

    // The log goes on: other records are in the place of the old ones.
    server = server.restart().await;
    let alarmed = async {
        while !server.api.get("/metrics", "").await.text.contains("\ntwinkey_audit_broken 1") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, alarmed).await.expect("the next start says so");
    many_records(&server, 20).await;
    let seen = verify_database(&server, outside.clone(), &keys).await.verdict;
    assert!(matches!(&seen, Verdict::Broken { reason, .. } if reason.contains("rewritten")), "{seen:?}");

    // A made up checkpoint does not help.
    let forged = Checkpoint { sequence: 1, ..outside[0].clone() };
    let refused = verify::database(&opened(&server).await, vec![forged], &keys).await.expect_err("refused");
    assert!(matches!(refused, VerifyError::Checkpoint(BadCheckpoint::Signature(1, _))), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_checkpoints_stay_verifiable_when_the_master_key_changes() {
    let server = TestServer::start().await;
    let (old, new) = (server.data_dir().join("master.key"), server.data_dir().join("new.key"));
    keys::generate(&new, &Random::from_system()).expect("made");
    sign(&server).await;
    let noted = public_keys(&server).await;
    let both = new.clone();
    let server = server
        .restart_with(move |config| {
            config.master_key = Some(both.into());
            config.previous_master_key = Some(old.into());
            config.rekey_every = Duration::from_millis(10);
        })
        .await;
    assert_eq!(public_keys(&server).await.len(), 2);
    sign(&server).await;
    let deadline = Instant::now() + PATIENCE;
    while server.api.get("/system/keys", &server.admin).await.ok()["tokens"]["left"] != 0 {
        assert!(Instant::now() < deadline, "tokens are left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.api.post("/system/keys/finish", &server.admin, &json!({})).await.ok();
    let server = server.restart_with(move |config| config.master_key = Some(new.into())).await;
    many_records(&server, 3).await;
    let newest = sign(&server).await;
    assert_eq!(newest.signatures.len(), 1);
    assert!(!noted.contains(&newest.signatures[0].key));

    // With the key that was noted before anything changed, and with the one of today.
    for trusted in [noted, public_keys(&server).await] {
        let verified = verify_database(&server, kept(&file(&server)), &trusted).await;
        assert!(matches!(verified.verdict, Verdict::Intact { .. }), "{verified:?}");
        assert_eq!(verified.keys.len(), 2);
    }
    let other = "ab".repeat(32);
    let refused = verify::database(&opened(&server).await, Vec::new(), &[other]).await.expect_err("refused");
    assert!(matches!(refused, VerifyError::Checkpoint(BadCheckpoint::Unknown { .. })), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_checkpoints_come_by_themselves_once_for_each_change() {
    let server = TestServer::start_with(|config| config.checkpoints.every = Duration::from_millis(50)).await;
    let newest = list(&server, "limit=1").await[0]["sequence"].clone();
    let until = async |sequence: &Value| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = server.api.get("/audit/checkpoints", &server.admin).await.ok();
            let found = found["checkpoints"].as_array().expect("a list").clone();
            if found.last().is_some_and(|last| last["sequence"] == *sequence)
                && kept(&file(&server)).len() == found.len()
            {
                return found;
            }
            assert!(Instant::now() < deadline, "no checkpoint of {sequence} in {found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let before = until(&newest).await.len();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(until(&newest).await.len(), before, "nothing new, no checkpoint");
    server.api.rotate(server.workspace(), &server.admin, 0).await.ok();
    let rotated = list(&server, "limit=1").await[0]["sequence"].clone();
    let after = until(&rotated).await;
    let after_last = after.last().expect("there")["sequence"].as_i64().expect("a number");
    let rest = server.api.get(&format!("/audit/checkpoints?after={}", after_last - 1), &server.admin).await.ok();
    assert_eq!(rest["checkpoints"].as_array().expect("a list").len(), 1);

    // A line that a crash left unfinished is taken away by the next start, and nothing else.
    let path = file(&server);
    let whole = fs::read_to_string(&path).expect("written");
    fs::write(&path, format!("{whole}{{\"installation\":\"")).expect("written");
    let server = server.restart().await;
    many_records(&server, 1).await;
    let newest = sign(&server).await;
    let text = fs::read_to_string(&path).expect("written");
    assert!(text.starts_with(&whole));
    assert_eq!(kept(&path).last(), Some(&newest));
    assert!(!server.api.get("/metrics", "").await.text.contains("\ntwinkey_audit_broken 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_of_several_replicas_one_signs_and_each_keeps_a_copy() {
    let mut cluster = Cluster::start(0).await;
    for _ in 0..2 {
        cluster.add_with(|config| config.checkpoints.every = Duration::from_millis(100)).await;
    }
    for _ in 0..5 {
        cluster.replicas[0].rotate().await;
        cluster.replicas[1].rotate().await;
    }
    let app = cluster.replicas[0].app();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stored = db::checkpoints::list_after(&*app.db, 0, 1000).await.expect("read");
        let newest: AuditRecord = db::audit::last(&*app.db).await.expect("read").expect("there");
        let files = cluster.replicas.iter().map(|it| kept(&it.data_dir().join(checkpointer::FILE_NAME)));
        if stored.last().is_some_and(|last| last.sequence == newest.sequence)
            && files.into_iter().all(|it| it == stored)
        {
            break;
        }
        assert!(Instant::now() < deadline, "the files differ from {stored:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
