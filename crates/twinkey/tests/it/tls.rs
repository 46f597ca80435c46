//! The command line against a server with TLS on the same machine.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::process::{Process, run};

/// A fresh certificate for a public name, which is not the one that the command line calls.
fn issue(directory: &Path) {
    let issued = rcgen::generate_simple_self_signed(["twinkey.example.org".to_owned()]).expect("issued");
    fs::write(directory.join("cert.pem"), issued.cert.pem()).expect("written");
    fs::write(directory.join("key.pem"), issued.signing_key.serialize_pem()).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_knows_its_own_servers_certificate_and_no_other() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    issue(directory.path());
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name).display().to_string());
    let settings = ["--tls-certificate", &certificate, "--tls-key", &key];
    let process = Process::start_with(&data_dir, &settings).await;
    let shown = fs::read_to_string(&process.stdout).expect("printed");
    assert!(shown.contains("https://localhost:"), "{shown}");
    assert!(run(&data_dir, &["tokens", "show", "demo"]).status.success());

    // Renewed while it runs: SIGHUP instead of a restart.
    let before = fs::read(data_dir.join("cli.json")).expect("written");
    issue(directory.path());
    process.signal("-HUP");
    let deadline = Instant::now() + Duration::from_mins(1);
    while fs::read(data_dir.join("cli.json")).expect("written") == before {
        assert!(Instant::now() < deadline, "the new certificate is not taken up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(run(&data_dir, &["tokens", "show", "demo"]).status.success());

    // Whoever answers with another certificate gets no credential.
    fs::write(data_dir.join("cli.json"), before).expect("written");
    let refused = run(&data_dir, &["tokens", "show", "demo"]);
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("certificate"), "{error}");
    assert!(process.terminate().success());
}
