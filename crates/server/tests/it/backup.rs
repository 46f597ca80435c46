//! Backup and restore of both databases, with the commands of docs/backup.md.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use twinkey_api::token_pair::Slot;
use twinkey_server::{
    backup::{BackupError, backup},
    start::Config,
};
use twinkey_testbed::postgres::{Database, Postgres, tool};
use twinkey_testkit::{
    Api, TestServer,
    server::{config, try_start_now},
};

/// Rotates without a pause, so that the backup is of a database that changes.
fn keep_rotating(server: &TestServer) -> (Arc<AtomicBool>, tokio::task::JoinHandle<i64>) {
    let done = Arc::new(AtomicBool::new(false));
    let (api, admin, stop) = (server.api.clone(), server.admin.clone(), done.clone());
    let task = tokio::spawn(async move {
        let mut generation = 0;
        while !stop.load(Ordering::Relaxed) {
            api.rotate("demo", &admin, generation).await.ok();
            generation += 1;
        }
        generation
    });
    (done, task)
}

/// The restored installation has two valid tokens of some generation, and its audit log is whole.
async fn check(config: Config, at_most: i64, admin: &str) {
    let credential = config.data_dir.join("cli.json");
    let server = try_start_now(config).await.unwrap_or_else(|error| panic!("{error}"));
    let verdict = twinkey_server::audit::verify(&*server.app.db).await.expect("readable");
    assert!(matches!(verdict, twinkey_server::audit::Verdict::Intact { .. }), "{verdict:?}");
    // The credential of the local command line is made anew at each start.
    let text = std::fs::read(credential).expect("written");
    let credential: twinkey_server::cli_credential::CliCredential =
        serde_json::from_slice(&text).expect("a credential");
    assert_ne!(credential.token, admin);
    let api = Api::at(&server.endpoints.url);
    let generation = api.generation("demo", &credential.token).await;
    assert!(generation <= at_most);
    for slot in Slot::BOTH {
        assert!(api.accepts("demo", &api.reveal("demo", slot, &credential.token).await).await);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_backed_up_while_it_is_written_to() {
    let server = TestServer::start_on(None).await;
    let (done, rotating) = keep_rotating(&server);
    let keep = tempfile::tempdir().expect("temporary directory");
    let file = keep.path().join("backup.db");
    backup(&server.database_url(), &file).await.expect("backed up");
    let again = backup(&server.database_url(), &file).await.expect_err("refused");
    assert!(matches!(again, BackupError::File(..)), "{again}");
    let not_here = backup(Postgres::shared_url(), &keep.path().join("other")).await.expect_err("refused").to_string();
    assert!(not_here.contains("pg_dump"), "{not_here}");
    done.store(true, Ordering::Relaxed);
    let generation = rotating.await.expect("rotated");
    let (data_dir, admin) = (keep.path().join("data"), server.admin.clone());
    server.stop_and_copy(&data_dir).await;

    for journal in ["twinkey.db-wal", "twinkey.db-shm"] {
        let _ = std::fs::remove_file(data_dir.join(journal));
    }
    std::fs::copy(&file, data_dir.join("twinkey.db")).expect("restored");
    check(config(&data_dir), generation, &admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_dumped_while_it_is_written_to_and_restored() {
    let server = TestServer::start_on(Some(Arc::new(Database::create(Postgres::shared_url())))).await;
    let (done, rotating) = keep_rotating(&server);
    let keep = tempfile::tempdir().expect("temporary directory");
    let file = keep.path().join("backup.dump");
    let run = |command: &mut Command| {
        let output = command.output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new(tool("pg_dump"))
        .args(["--format=custom", "--no-owner", "--file"])
        .arg(&file)
        .arg(server.database_url()));
    done.store(true, Ordering::Relaxed);
    let generation = rotating.await.expect("rotated");
    let (data_dir, admin) = (keep.path().join("data"), server.admin.clone());
    server.stop_and_copy(&data_dir).await;

    let fresh = Database::create(Postgres::shared_url());
    run(Command::new(tool("pg_restore"))
        .args(["--no-owner", "--single-transaction", "--exit-on-error", "--dbname"])
        .arg(&fresh.url)
        .arg(&file));
    let on_the_restored = Config { database_url: Some(fresh.url.clone()), ..config(&data_dir) };
    check(on_the_restored, generation, &admin).await;
}
