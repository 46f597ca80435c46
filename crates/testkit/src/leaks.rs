//! Guarantee 5 and B7: no plaintext token at rest or in any log. Every in-process server of every test is scanned.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::{fmt::MakeWriter, util::SubscriberInitExt};
use twinkey_api::token::{LENGTH, Secret};

/// What tests put into messages: it must not come to any log.
pub const CONTENT: &str = "content-that-no-log-may-have";

/// Every valid token in `bytes`. The checksum rules out anything that only looks like one.
pub fn find_tokens(bytes: &[u8]) -> Vec<String> {
    let candidates =
        bytes.windows(LENGTH).filter(|window| matches!(&window[..4], b"sdk-" | b"pat-" | b"ses-" | b"inv-"));
    let texts = candidates.filter_map(|window| std::str::from_utf8(window).ok());
    texts.filter(|text| Secret::parse(text).is_ok()).map(str::to_owned).collect()
}

/// Panics if any file below `directory` contains a token. `cli.json` is excepted: it is the credential file of the local
/// command line, made for that purpose with mode 0600; it must hold no SDK token.
pub fn assert_none_in(directory: &Path) {
    for entry in fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable")) {
        let path = entry.path();
        if entry.file_type().expect("has a type").is_dir() {
            assert_none_in(&path);
            continue;
        }
        // A file may vanish between listing and reading, as temporary ones do.
        let mut tokens = find_tokens(&fs::read(&path).unwrap_or_default());
        if path.file_name().is_some_and(|name| name == "cli.json") {
            tokens.retain(|token| token.starts_with("sdk-"));
        }
        assert!(tokens.is_empty(), "{} contains {} plaintext token(s)", path.display(), tokens.len());
    }
}

static LEAKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// From now on everything that this process logs, at trace level, is scanned for tokens.
pub fn watch_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(Scanner).finish().init();
    });
}

/// Panics if anything logged so far contains a token, or [`CONTENT`].
pub fn assert_none_logged() {
    let leaked = LEAKED.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(leaked.is_empty(), "a plaintext token or a message was logged: {leaked:?}");
}

struct Scanner;

impl Write for Scanner {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.windows(CONTENT.len()).any(|window| window == CONTENT.as_bytes()) {
            LEAKED.lock().unwrap_or_else(PoisonError::into_inner).push("the content of a message".to_owned());
        }
        for token in find_tokens(line) {
            let text = String::from_utf8_lossy(line).replace(&token, "<TOKEN>");
            LEAKED.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Scanner {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scans are worth nothing if they cannot find what they look for.
    #[test]
    fn a_leak_is_found() {
        let token = "sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwH";
        assert_eq!(find_tokens(format!("x{token}y").as_bytes()), [token]);
        assert!(find_tokens(b"sdk-0123456789ABCDEFGHIJKLMNOPQRSTUV3uaJwI").is_empty());

        let directory = tempfile::tempdir().expect("temporary directory");
        fs::create_dir(directory.path().join("deep")).expect("made");
        fs::write(directory.path().join("deep/file"), format!("\0\0{token}")).expect("written");
        assert!(std::panic::catch_unwind(|| assert_none_in(directory.path())).is_err());

        watch_logs();
        tracing::trace!(token, "careless");
        assert!(std::panic::catch_unwind(assert_none_logged).is_err());
    }
}
