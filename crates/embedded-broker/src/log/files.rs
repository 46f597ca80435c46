//! Segment files, opened when they are needed and closed when others are needed more.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::index::Index;

/// How many files stay open. Requests that are using a file keep it open beyond this.
pub(crate) const CAPACITY: usize = 512;

/// The open files of all partitions, so that ten thousand topics do not need ten thousand descriptors.
#[derive(Default)]
pub(crate) struct Files {
    open: Mutex<Open>,
    next_id: AtomicU64,
    /// How many bytes may still be written before the disk is "full"; `None`: the real disk decides.
    #[cfg(test)]
    pub(super) room: Mutex<Option<u64>>,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<u64, (Arc<SegmentFile>, u64)>,
    uses: u64,
}

/// One open segment file, with its index once it was loaded.
pub(super) struct SegmentFile {
    pub(super) file: File,
    /// Only of closed segments: their index goes from memory with the file.
    pub(super) index: OnceLock<Index>,
}

impl Files {
    /// An id under which one segment's file is known here.
    pub(super) fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The file, opened for reading and writing if it is not open.
    pub(super) fn open(&self, id: u64, path: &Path) -> io::Result<Arc<SegmentFile>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((file, last_use)) = open.by_id.get_mut(&id) {
            *last_use = now;
            return Ok(Arc::clone(file));
        }
        if open.by_id.len() >= CAPACITY
            && let Some(oldest) = open.by_id.iter().min_by_key(|(_, (_, last_use))| *last_use).map(|(id, _)| *id)
        {
            open.by_id.remove(&oldest);
        }
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let file = Arc::new(SegmentFile { file, index: OnceLock::new() });
        open.by_id.insert(id, (Arc::clone(&file), now));
        Ok(file)
    }

    /// Forgets a file, because it was deleted or its index changed.
    pub(super) fn close(&self, id: u64) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).by_id.remove(&id);
    }

    /// How many files are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().unwrap().by_id.len()
    }

    /// Writes all of `bytes` at `position`, or fails, in which case some of them may have been written.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests make the disk full here"))]
    pub(super) fn write_at(&self, file: &SegmentFile, bytes: &[u8], position: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Some(room) = &mut *self.room.lock().unwrap() {
            let fits = bytes.len().min(*room as usize);
            *room -= fits as u64;
            if fits < bytes.len() {
                file.file.write_all_at(&bytes[..fits], position)?;
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        file.file.write_all_at(bytes, position)
    }
}

/// Replaces a small file in one step: whoever looks, even after a crash of this process, sees all of the old or all of
/// the new. A setting that makes acknowledged data survive a power cut would have to sync file and directory here.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_added_extension("tmp");
    fs::write(&temporary, bytes)?;
    fs::rename(&temporary, path)
}
