//! `twinkey produce`, `consume` and `topics`, as a person types them.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use super::process::{Process, run, twinkey};

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn command(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = twinkey();
    command.args(arguments).args(["--workspace", "demo"]).env("TWINKEY_DATA_DIR", data_dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn fed(data_dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(data_dir, arguments).spawn().expect("runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    child.wait_with_output().expect("ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_go_in_and_come_out() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    let consume = |arguments: &[&str]| text(&fed(&data_dir, &[&["consume"], arguments].concat(), ""));

    text(&fed(&data_dir, &["topics", "create", "orders", "--partitions", "2"], ""));
    text(&fed(&data_dir, &["produce", "orders", "-K", ":", "-H", "a=1"], "k1:one\nk2:two\nk1:three\n"));
    text(&fed(&data_dir, &["produce", "orders", "--key", "k3", "--partition", "0", "--rate", "1000"], "four\n"));
    text(&fed(&data_dir, &["produce", "orders", "--key", "k3", "--partition", "1"], "five"));
    let mut lines: Vec<_> = consume(&["orders", "-e", "-f", r"%k=%s %h\n"]).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["k1=one a=1", "k1=three a=1", "k2=two a=1", "k3=five ", "k3=four "]);
    assert_eq!(consume(&["orders", "--exit", "--offset", "-1"]).lines().count(), 2, "the last of each partition");
    assert_eq!(consume(&["orders", "--exit", "--offset", "end"]), "");
    assert_eq!(consume(&["orders", "--exit", "--since", "2100-01-01T00:00:00Z"]), "");

    // What is printed as JSON can be sent again, binary values and all.
    std::fs::write(directory.path().join("binary"), b"\xff\x00\n").expect("written");
    let binary = directory.path().join("binary");
    text(&fed(&data_dir, &["produce", "orders", binary.to_str().expect("text")], ""));
    let json = consume(&["orders", "--json", "--exit"]);
    assert!(
        json.contains(r#""valueBase64":"/wA=""#) && json.contains(r#""headers":[{"name":"a","value":"1"}]"#),
        "{json}"
    );
    text(&fed(&data_dir, &["produce", "copies", "--json"], &json));
    assert_eq!(consume(&["copies", "--count", "6", "-f", "%S\n"]).lines().count(), 6);

    // A group goes on where it was.
    assert_eq!(consume(&["copies", "--group", "g", "--count", "4"]).lines().count(), 4);
    let lag = text(&fed(&data_dir, &["topics", "lag", "copies", "g"], ""));
    assert!(lag.contains("2 messages behind"), "{lag}");
    assert_eq!(consume(&["copies", "--group", "demo-g", "--exit"]).lines().count(), 2);
    let described = text(&fed(&data_dir, &["topics", "describe", "orders"], ""));
    assert!(described.contains("demo-orders") && described.contains("cleanup Delete"), "{described}");
    let listed = text(&fed(&data_dir, &["topics", "list"], ""));
    assert!(listed.contains("orders") && listed.contains("copies"), "{listed}");

    // A program's variables are enough, and stronger than being signed in.
    let export = text(&run(&data_dir, &["env", "demo", "--format", "json"]));
    let variables: serde_json::Map<_, _> = serde_json::from_str(&export).expect("JSON");
    let mut program = twinkey();
    program.args(["consume", "copies", "--exit"]).current_dir(&directory);
    program.envs(variables.iter().map(|(name, value)| (name, value.as_str().expect("text"))));
    assert_eq!(text(&program.output().expect("runs")).lines().count(), 6);
    process.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_told_to() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let data_dir = directory.path().join("data");
    let process = Process::start(&data_dir).await;
    text(&fed(&data_dir, &["produce", "t"], "1\n2\n3\n"));
    let interrupt = |pid: u32| Command::new("kill").args(["-INT", &pid.to_string()]).status().expect("kill runs");
    let patience = Instant::now() + Duration::from_mins(1);

    // SIGINT ends a consumer that waits, and what it printed is committed.
    let mut child = command(&data_dir, &["consume", "t", "--group", "g"]).spawn().expect("runs");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    for expected in ["1\n", "2\n", "3\n"] {
        let mut line = String::new();
        out.read_line(&mut line).expect("read");
        assert_eq!(line, expected);
    }
    interrupt(child.id());
    assert!(child.wait().expect("ends").success());
    assert!(text(&fed(&data_dir, &["topics", "lag", "t", "g"], "")).contains("0 messages behind"));

    // A reader that has seen enough is nothing to complain about.
    let mut child = command(&data_dir, &["consume", "t"]).spawn().expect("runs");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ends");
    assert!(ended.status.code() == Some(141) && ended.stderr.is_empty(), "{ended:?}");

    // SIGINT ends a producer that waits for its input; what it has read is delivered.
    let mut child = command(&data_dir, &["produce", "u"]).spawn().expect("runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"x\n").expect("written");
    while !text(&fed(&data_dir, &["topics", "list"], "")).contains('u')
        || text(&fed(&data_dir, &["consume", "u", "--exit"], "")).is_empty()
    {
        assert!(Instant::now() < patience, "it does not send");
    }
    interrupt(child.id());
    assert_eq!(child.wait().expect("ends").code(), Some(130));

    // What cannot work is one line.
    for (arguments, part) in [
        (&["consume", "nothing"][..], "topic 'nothing' does not exist"),
        (&["produce", "t", "--json"], "line 1"),
        (&["consume", "t", "--format", "%q"], "%q is not known"),
    ] {
        let output = fed(&data_dir, arguments, "{\n");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(part), "{stderr}");
    }
    process.terminate();
}
