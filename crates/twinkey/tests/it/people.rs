//! Members, invitations, tokens, sessions and passwords on the command line.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use serde_json::Value;

use super::process::{Process, run, twinkey};

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(output));
    text(output)
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// Runs a command as somebody who is signed in below `home`, with `input` on standard input.
fn elsewhere(home: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = twinkey()
        .args(arguments)
        .env("XDG_CONFIG_HOME", home)
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn people_come_work_and_go() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let url = process.api.url.as_str();
    let admin = |arguments: &[&str]| run(&data_dir, arguments);

    let who = ok(&admin(&["whoami"]));
    assert!(who.contains("admin@localhost") && who.contains("Role in the organisation: Admin"), "{who}");

    // Ada comes, by a link that is shown once.
    let invited = ok(&admin(&["members", "invite", "ada@example.org", "--role", "editor"]));
    let link = invited.lines().map(str::trim).find(|line| line.contains("#inv-")).expect("a link").to_owned();
    let home = directory.path().join("ada");
    fs::create_dir(&home).expect("made");
    let ada = |arguments: &[&str], input: &str| elsewhere(&home, arguments, input);
    let accept = ["invitations", "accept", url, "--stdin", "--name", "Ada"];
    let joined = ok(&ada(&accept, &format!("{link}\na long password\n")));
    assert!(joined.contains("has the role Editor in the organisation"), "{joined}");
    let twice = ada(&accept, &format!("{link}\na long password\n"));
    assert!(!twice.status.success() && text(&twice).contains("accepted already"), "{}", text(&twice));
    let login = ["login", url, "--email", "ada@example.org", "--password-stdin"];
    ok(&ada(&login, "a long password\n"));
    let who = json(&ada(&["whoami", "--output", "json"], ""));
    assert_eq!([&who["user"]["name"], &who["credential"]["type"]], ["Ada", "session"]);

    // Roles: the narrower wins, and nobody goes above his own.
    ok(&admin(&["members", "role", "ada@example.org", "Viewer", "--workspace", "demo"]));
    let listed = json(&admin(&["members", "list", "--workspace", "demo", "--output", "json"]));
    assert_eq!([&listed[0]["email"], &listed[0]["role"]], ["ada@example.org", "Viewer"]);
    let refused = ada(&["env", "demo"], "");
    assert!(!refused.status.success() && text(&refused).contains("needs the role Editor"), "{}", text(&refused));
    let removed = ok(&admin(&["members", "remove", "ada@example.org", "--workspace", "demo", "--yes"]));
    assert!(removed.contains("Removed"), "{removed}");
    ok(&ada(&["env", "demo"], ""));
    let table = ok(&admin(&["members", "list"]));
    assert!(table.contains("EMAIL") && table.contains("ada@example.org"), "{table}");
    let unknown = admin(&["members", "role", "nobody@example.org", "Viewer"]);
    assert!(!unknown.status.success() && text(&unknown).contains("there is no member"), "{}", text(&unknown));

    // A token for a script: its value alone on standard output.
    let created = ada(&["pats", "create", "ci", "--days", "30", "--workspace", "demo", "--role", "Viewer"], "");
    let value = String::from_utf8_lossy(&created.stdout).trim().to_owned();
    assert!(created.status.success() && value.starts_with("pat-") && !value.contains(' '), "{}", text(&created));
    let script =
        twinkey().args(["whoami"]).env("TWINKEY_URL", url).env("TWINKEY_TOKEN", &value).output().expect("runs");
    assert!(ok(&script).contains("for workspace demo only, up to the role Viewer"));
    // With one of the two, a command that was meant for that server must not go to another one.
    for (name, value) in [("TWINKEY_URL", url), ("TWINKEY_TOKEN", &*value)] {
        let half = twinkey().args(["whoami", "--data-dir"]).arg(&data_dir).env(name, value).output().expect("runs");
        assert!(!half.status.success() && text(&half).contains("set both"), "{}", text(&half));
    }
    let pats = json(&ada(&["pats", "list", "--output", "json"], ""));
    assert!(pats[0]["lastUsedAt"].is_string());
    ok(&ada(&["pats", "delete", pats[0]["id"].as_str().expect("an id")], ""));
    process.api.get("/profile", &value).await.refused(401);

    // Sessions and the password.
    let second = directory.path().join("ada-2");
    fs::create_dir(&second).expect("made");
    ok(&elsewhere(&second, &login, "a long password\n"));
    let sessions = json(&ada(&["sessions", "list", "--output", "json"], ""));
    assert_eq!(sessions.as_array().expect("a list").len(), 2);
    ok(&ada(&["password", "--stdin"], "a long password\nanother password\n"));
    let ended = elsewhere(&second, &["whoami"], "");
    assert!(!ended.status.success() && text(&ended).contains("twinkey login"), "{}", text(&ended));
    let sessions = json(&ada(&["sessions", "list", "--output", "json"], ""));
    assert_eq!(sessions[0]["current"], true);
    ok(&ada(&["sessions", "end", sessions[0]["id"].as_str().expect("an id")], ""));
    assert!(!ada(&["whoami"], "").status.success());

    // An invitation is withdrawn, and Ada goes.
    let invited = json(&admin(&["members", "invite", "bob@example.org", "--role", "Viewer", "--output", "json"]));
    ok(&admin(&["invitations", "revoke", invited["invitation"]["id"].as_str().expect("an id")]));
    let list = ok(&admin(&["invitations", "list"]));
    assert!(list.contains("Revoked") && list.contains("Accepted"), "{list}");
    let unsure = admin(&["members", "remove", "ada@example.org"]);
    assert!(!unsure.status.success() && text(&unsure).contains("--yes"), "{}", text(&unsure));
    ok(&admin(&["members", "remove", "ada@example.org", "--yes"]));
    assert!(!ada(&login, "another password\n").status.success());
    let last = admin(&["members", "remove", "admin@localhost", "--yes"]);
    assert!(!last.status.success() && text(&last).contains("last Admin"), "{}", text(&last));
    process.terminate();
}

#[test]
fn every_command_about_people_shows_an_example() {
    for command in [
        &["whoami"][..],
        &["members", "list"],
        &["members", "invite"],
        &["members", "role"],
        &["members", "remove"],
        &["invitations", "list"],
        &["invitations", "revoke"],
        &["invitations", "accept"],
        &["pats", "list"],
        &["pats", "create"],
        &["pats", "delete"],
        &["sessions", "list"],
        &["sessions", "end"],
        &["password"],
        &["login"],
    ] {
        let help = ok(&twinkey().args(command).arg("--help").output().expect("runs"));
        assert!(help.contains(&format!("Example:\n  twinkey {}", command.join(" "))), "{help}");
    }
}
