//! `twinkey data copy`: an installation moves as a whole, or stays.

use std::{collections::BTreeSet, sync::Arc};

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use twinkey_api::{Role, token_pair::Slot};
use twinkey_server::{
    copy::{COPIED, CopyError, NOT_COPIED, copy},
    db::{self, Db, usage_points},
    start::Config,
};
use twinkey_testbed::postgres::{Database, Postgres};
use twinkey_testkit::{
    Api, TestServer,
    server::{config, try_start_now},
};

/// A new table must be named in one of the two lists.
#[tokio::test]
async fn every_table_is_copied_or_left_out_on_purpose() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let db = Db::open(&db::sqlite_url(&directory.path().join("it.db"))).await.expect("opened");
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("read");
    let tables: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).expect("a name")).collect();
    assert_eq!(tables, COPIED.into_iter().chain(NOT_COPIED).map(str::to_owned).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_moves_to_postgresql_and_back() {
    let server = TestServer::start_on(None).await;
    server.api.rotate("demo", &server.admin, 0).await.ok();
    for number in 0..20 {
        server.api.post("/workspaces", &server.admin, &json!({"workspaceId": format!("w{number}")})).await.ok();
    }
    let editor = server.user("editor@example.org", Role::Editor, Some(("w1", Role::Admin))).await;
    let tokens = [server.token(Slot::Current).await, server.token(Slot::Next).await];
    // More than are copied at a time, of a table whose key has three columns.
    let point = |number: i64| usage_points::Model {
        token_id: format!("t{}", number % 7),
        step: if number % 2 == 0 { usage_points::MINUTE } else { usage_points::HOUR },
        at: number,
        workspace_id: "demo".into(),
        requests: number,
        bytes: 0,
        refused: 0,
        connections: None,
    };
    usage_points::add(&*server.app().db, (0..1_200).map(point).collect()).await.expect("stored");
    let (from, keep) = (server.database_url(), tempfile::tempdir().expect("temporary directory"));
    let data_dir = keep.path().join("data");
    let database = Database::create(Postgres::shared_url());

    let in_use = copy(&from, &database.url, |_, _| ()).await.expect_err("refused").to_string();
    assert!(in_use.contains("source is in use"), "{in_use}");
    server.stop_and_copy(&data_dir).await;

    let sqlite = db::sqlite_url(&data_dir.join("twinkey.db"));
    let mut reported = BTreeSet::new();
    let copied = copy(&sqlite, &database.url, |table, _| _ = reported.insert(table)).await.expect("copied");
    assert_eq!(copied.workspaces, 21);
    assert!(reported.contains("tokens") && copied.audit_records > 20);
    let points = copied.rows.iter().find(|(table, _)| *table == "usage_points").expect("copied").1;
    assert!(points >= 1_200, "{points}");
    let twice = copy(&sqlite, &database.url, |_, _| ()).await.expect_err("refused");
    assert!(matches!(&twice, CopyError::NotEmpty(table) if table == "organisations"), "{twice}");

    let on_postgres = Config { database_url: Some(database.url.clone()), ..config(&data_dir) };
    let server = try_start_now(on_postgres).await.unwrap_or_else(|error| panic!("{error}"));
    let api = Api::at(&server.endpoints.url);
    for token in &tokens {
        assert!(api.accepts("demo", token).await);
    }
    api.get("/workspaces/w1/tokens", &editor).await.ok();
    api.rotate("demo", &editor, 1).await.refused(403);
    assert_eq!(api.generation("demo", &editor).await, 1);
    server.shutdown().await;

    // And back, into a file that does not exist.
    let back = keep.path().join("back.db");
    let again = copy(&database.url, &db::sqlite_url(&back), |_, _| ()).await.expect("copied");
    // The start has renewed the credential of the local command line.
    assert_eq!((again.workspaces, again.audit_records), (21, copied.audit_records + 1));
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&back).expect("made")) & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_copied_that_is_not_whole() {
    let server = TestServer::start_on(None).await;
    let (keep, database) =
        (tempfile::tempdir().expect("temporary directory"), Database::create(Postgres::shared_url()));
    let data_dir = keep.path().join("data");
    server.stop_and_copy(&data_dir).await;
    let url = db::sqlite_url(&data_dir.join("twinkey.db"));

    let empty = db::sqlite_url(&keep.path().join("empty.db"));
    Db::open(&empty).await.expect("made").close().await.expect("closed");
    let nothing = copy(&empty, &database.url, |_, _| ()).await.expect_err("refused");
    assert!(matches!(nothing, CopyError::NothingThere), "{nothing}");
    let same = copy(&url, &url, |_, _| ()).await.expect_err("refused");
    assert!(matches!(same, CopyError::Same), "{same}");

    let change = async |sql: &str| {
        let db = Db::open(&url).await.expect("opened");
        db.execute_unprepared(sql).await.expect("changed behind its back");
        db.close().await.expect("closed");
    };
    change("UPDATE audit SET actor = 'mallory@localhost' WHERE sequence = 2").await;
    let broken = copy(&url, &database.url, |_, _| ()).await.expect_err("refused").to_string();
    assert!(broken.contains("broken at record 2"), "{broken}");
    change("UPDATE tokens SET slot = NULL WHERE slot = 'next'").await;
    let one = copy(&url, &database.url, |_, _| ()).await.expect_err("refused").to_string();
    assert!(one.contains("exactly two valid tokens"), "{one}");
    assert_eq!(database.query("SELECT count(*) FROM organisations").trim(), "0", "the target has nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_on_postgresql_that_is_in_use_is_neither_read_nor_written() {
    let source = Arc::new(Database::create(Postgres::shared_url()));
    let server = TestServer::start_on(Some(source.clone())).await;
    let other = Database::create(Postgres::shared_url());
    let in_use = copy(&source.url, &other.url, |_, _| ()).await.expect_err("refused");
    assert!(matches!(in_use, CopyError::InUse("source")), "{in_use}");
    let keep = tempfile::tempdir().expect("temporary directory");
    let full = TestServer::start_on(None).await;
    let data_dir = keep.path().join("data");
    full.stop_and_copy(&data_dir).await;
    let url = db::sqlite_url(&data_dir.join("twinkey.db"));
    source.query(
        "TRUNCATE audit, audit_checkpoints, changes, identities, installation, invitations, memberships, organisations, pats, sessions, \
         tokens, users, webhook_deliveries, webhooks, workspaces",
    );
    let in_use = copy(&url, &source.url, |_, _| ()).await.expect_err("refused");
    assert!(matches!(in_use, CopyError::InUse("target")), "{in_use}");
    server.stop().await;
}
