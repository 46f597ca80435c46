//! Starting: keys, locks, and what the first start makes.

use std::{fs, os::unix::fs::PermissionsExt};

use twinkey_server::{
    keys::MasterKeySource,
    start::{Config, StartError},
};
use twinkey_testkit::{
    TestServer,
    server::{config, try_start_now},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_data_is_refused() {
    let server = TestServer::start().await;
    let error = try_start_now(config(&server.data_dir())).await.err().expect("refused");
    assert!(matches!(error, StartError::Locked(..)));
    let message = error.to_string();
    assert!(message.contains(&server.data_dir().display().to_string()) && message.contains("process"), "{message}");
    server.restart().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_master_key_the_server_does_not_start() {
    let server = TestServer::start().await;
    let data_dir = server.data_dir();
    let path = data_dir.join("master.key");
    let key = fs::read_to_string(&path).expect("made at the first start");
    // Keeps the directory alive while no server runs on it.
    let keep = tempfile::tempdir().expect("temporary directory");
    let copy = keep.path().join("data");
    let database = server.database();
    let on_the_copy = Config {
        database_url: database.as_ref().map(|it| it.url.clone()),
        kafka: server.kafka().cloned(),
        ..config(&copy)
    };
    server.stop_and_copy(&copy).await;
    let path = copy.join(path.file_name().expect("a name"));

    fs::remove_file(&path).expect("removed");
    let missing = try_start_now(on_the_copy.clone()).await.err().expect("refused").to_string();
    assert!(missing.contains(&path.display().to_string()) && missing.contains("TWINKEY_MASTER_KEY"), "{missing}");
    assert!(!path.exists(), "no new key may be made for old data");

    fs::write(&path, "nonsense").expect("written");
    let malformed = try_start_now(on_the_copy.clone()).await.err().expect("refused").to_string();
    assert!(malformed.contains("not valid"), "{malformed}");

    fs::write(&path, "A".repeat(43)).expect("written");
    let wrong = try_start_now(on_the_copy.clone()).await.err().expect("refused").to_string();
    assert!(wrong.contains("not the one"), "{wrong}");

    let mut from_variable = on_the_copy.clone();
    from_variable.master_key = Some(MasterKeySource::Value(key.into()));
    let server = try_start_now(from_variable).await.unwrap_or_else(|error| panic!("{error}"));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_data_directory_is_named() {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    let error = try_start_now(config(file.path())).await.err().expect("refused").to_string();
    assert!(error.contains(&file.path().display().to_string()), "{error}");
}

/// An operator may make the directory beforehand, for everybody to enter; what is in it is for nobody else all the same.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_read_what_is_kept() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("made");
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o755)).expect("set");
    let server = try_start_now(config(&data_dir)).await.unwrap_or_else(|error| panic!("{error}"));
    for entry in fs::read_dir(&data_dir).expect("readable") {
        let entry = entry.expect("readable");
        let mode = entry.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
    }
    server.shutdown().await;
}

/// A first start that was killed while it wrote a file: the file counts as not written.
#[tokio::test(flavor = "multi_thread")]
async fn a_half_written_file_does_not_stand_in_the_way() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("made");
    for name in ["master.key.tmp", "broker-ca.pem.tmp", "broker-ca.key.tmp", "cli.json.tmp", "endpoints.json.tmp"] {
        fs::write(data_dir.join(name), "half").expect("written");
    }
    let server = try_start_now(config(&data_dir)).await.unwrap_or_else(|error| panic!("{error}"));
    server.shutdown().await;
    let left = fs::read_dir(&data_dir).expect("readable").map(|entry| entry.expect("readable").path());
    assert_eq!(left.filter(|path| path.extension().is_some_and(|it| it == "tmp")).count(), 0);
}
