//! Ends what a test process has started when the process is gone, even if it was killed.

use std::{
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

/// Watches this process, whose id is `$1`, and the directory `$2`. When either is gone, the processes whose ids stand in
/// `$2/*.pid` are killed and the directory is removed. A process id may have been given to somebody else meanwhile, hence
/// the look at the command line: it must mention the directory.
const SCRIPT: &str = r#"
while kill -0 "$1" 2>/dev/null && [ -d "$2" ]; do sleep 0.5; done
for file in "$2"/*.pid; do
  [ -e "$file" ] || continue
  pid=$(cat "$file")
  if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$2"; then kill -9 "$pid"; fi
done
rm -rf "$2"
"#;

/// Starts the watch over `directory`. It runs in a group of its own, so that a Ctrl-C for the tests does not end it too.
pub fn watch(directory: &Path) -> io::Result<()> {
    Command::new("sh")
        .args(["-c", SCRIPT, "watchdog", &std::process::id().to_string()])
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map(drop)
}
