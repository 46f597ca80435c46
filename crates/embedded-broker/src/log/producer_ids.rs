//! Ids for producers: never the same twice, whatever happens to the process.

use std::{
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::replace_file;

/// How many ids are set aside by one write. Those of a block that were not given out when the process ends are lost.
const BLOCK: i64 = 1000;

/// Gives out producer ids, in blocks that are written down before the first id of a block is used.
pub(crate) struct ProducerIds {
    path: PathBuf,
    block: Mutex<Block>,
}

struct Block {
    next: i64,
    end: i64,
}

impl ProducerIds {
    /// Goes on behind the last block that was written to the file at `path`.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let next = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map_err(|_| io::Error::other("the file does not hold a number"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Self { path, block: Mutex::new(Block { next, end: next }) })
    }

    /// The next id.
    pub(crate) fn next(&self) -> io::Result<i64> {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.next == block.end {
            let end = block.end + BLOCK;
            replace_file(&self.path, end.to_string().as_bytes())?;
            block.end = end;
        }
        block.next += 1;
        Ok(block.next - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_never_given_twice() {
        let dir = tempfile::tempdir().unwrap();
        let open = || ProducerIds::open(dir.path().join("producer-ids")).unwrap();
        let mut seen = std::collections::HashSet::new();
        for count in [1, 1000, 0, 2500, 3] {
            let ids = open();
            for _ in 0..count {
                assert!(seen.insert(ids.next().unwrap()));
            }
        }
    }
}
