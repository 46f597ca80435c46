//! What systemd and container engines ask of the process.

use std::{os::unix::net::UnixDatagram, process::Stdio, time::Duration};

use super::process::{Process, run, twinkey};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_when_the_server_is_ready_and_when_it_stops() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let socket = directory.path().join("notify");
    let manager = UnixDatagram::bind(&socket).expect("bound");
    manager.set_read_timeout(Some(Duration::from_mins(1))).expect("set");
    let told = || {
        let mut message = [0; 200];
        let length = manager.recv(&mut message).expect("told");
        String::from_utf8_lossy(&message[..length]).trim().to_owned()
    };
    let mut server = twinkey()
        .args(["serve", "--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", "--data-dir"])
        .arg(directory.path().join("data"))
        .env("NOTIFY_SOCKET", &socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    assert_eq!(told(), "READY=1");
    let terminated = std::process::Command::new("kill").args(["-TERM", &server.id().to_string()]).status();
    assert!(terminated.expect("kill runs").success());
    assert_eq!(told(), "STOPPING=1");
    assert!(server.wait().expect("ends").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_needs_nothing_but_the_binary() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    assert!(run(&data_dir, &["ready"]).status.success());
    process.kill();
    let refused = run(&data_dir, &["ready"]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("is it running?"), "{error}");
}
