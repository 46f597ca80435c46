//! Changing the master key, as docs/rekeying.md tells it.

use std::{
    fs,
    process::Output,
    time::{Duration, Instant},
};

use super::process::{Process, run};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_master_key_is_changed_with_three_starts() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let token = || {
        let variables = text(&run(&data_dir, &["env", "demo", "--format", "json"]));
        serde_json::from_str::<serde_json::Value>(&variables).expect("JSON")["Quix__Sdk__Token"].clone()
    };
    let before = token();
    assert!(text(&run(&data_dir, &["keys", "status"])).contains("Everything is under the master key"));
    assert!(process.terminate().success());

    let [old, new] = ["master.key", "new.key"].map(|name| data_dir.join(name).display().to_string());
    assert!(run(&data_dir, &["keys", "generate", &new]).status.success());
    let again = run(&data_dir, &["keys", "generate", &new]);
    assert!(!again.status.success() && text(&again).contains("exists"), "{}", text(&again));

    let process =
        Process::start_with(&data_dir, &["--master-key-file", &new, "--previous-master-key-file", &old]).await;
    let deadline = Instant::now() + Duration::from_mins(1);
    while !text(&run(&data_dir, &["keys", "status"])).contains("Nothing needs the previous key") {
        assert!(Instant::now() < deadline, "{}", text(&run(&data_dir, &["keys", "status"])));
    }
    assert!(run(&data_dir, &["keys", "finish"]).status.success());
    assert!(process.terminate().success());

    fs::remove_file(&old).expect("destroyed");
    let process = Process::start_with(&data_dir, &["--master-key-file", &new]).await;
    assert!(before.is_string() && token() == before, "the token is not what it was");
    assert!(process.terminate().success());
}
