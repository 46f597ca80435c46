//! An append-only file of records that survives a kill of the process at any byte.
//!
//! Form: eight bytes that name the format, then records of length (4 bytes, little-endian), CRC-32C of the payload (4 bytes)
//! and payload. A record that is cut or does not match its sum ends the journal: it was never acknowledged.
//!
//! A database would do this too, but those that can be embedded refuse everything after a failed write until they are
//! opened again. Here a write that fails, for example because the disk is full, is undone, and the next may succeed.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

const FORMAT: &[u8; 8] = b"TWKJRNL1";
const HEADER: usize = 8;
/// Longer records are neither written nor believed.
const MAX_RECORD: usize = 64 * 1024 * 1024;

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Up to here the file holds whole records.
    len: u64,
    /// Whether there may be something behind `len`.
    torn: bool,
    /// In tests: how many bytes still fit on the disk.
    #[cfg(test)]
    pub(super) room: Option<usize>,
}

/// The successor of a journal, written while the journal goes on being used.
pub(super) struct Replacement {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Journal {
    /// Opens or creates the journal and hands every record to `replay`, in order. A torn tail is cut off.
    pub(super) fn open(path: &Path, mut replay: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let size = file.metadata()?.len();
        let mut reader = BufReader::new(&file);
        let mut format = Vec::new();
        reader.by_ref().take(FORMAT.len() as u64).read_to_end(&mut format)?;
        if !FORMAT.starts_with(&format) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a journal of this version"));
        }
        let mut len = FORMAT.len() as u64;
        if format.len() < FORMAT.len() {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(FORMAT)?;
        } else {
            while let Some(payload) = read_record(&mut reader, size - len)? {
                replay(&payload)?;
                len += (HEADER + payload.len()) as u64;
            }
            if size > len {
                tracing::warn!(path = %path.display(), at = len, bytes = size - len, "cut a torn tail off a journal");
                file.set_len(len)?;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            len,
            torn: false,
            #[cfg(test)]
            room: None,
        })
    }

    /// How long the file is.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a record. When this returns `Ok`, a kill of the process does not lose it; on an error it is as if it had never
    /// been tried.
    pub(super) fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = frame(payload)?;
        if self.torn {
            self.file.set_len(self.len)?;
            self.torn = false;
        }
        self.torn = true;
        let written = self.file.seek(SeekFrom::Start(self.len)).and_then(|_| self.write(&frame));
        if written.is_ok() {
            self.len += frame.len() as u64;
            self.torn = false;
        } else if self.file.set_len(self.len).is_ok() {
            self.torn = false;
        }
        written
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        if let Some(room) = &mut self.room {
            let fits = bytes.len().min(*room);
            *room -= fits;
            self.file.write_all(&bytes[..fits])?;
            if fits < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            return Ok(());
        }
        self.file.write_all(bytes)
    }

    /// Where [`Journal::replacement`] for this journal goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the successor of the journal at `path` with these records. It needs no access to the journal, since it takes
    /// a while.
    pub(super) fn replacement<P: AsRef<[u8]>>(
        path: &Path,
        records: impl IntoIterator<Item = P>,
    ) -> io::Result<Replacement> {
        let path = path.with_extension("new");
        let write = || -> io::Result<Replacement> {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
            let mut writer = BufWriter::new(&file);
            writer.write_all(FORMAT)?;
            let mut len = FORMAT.len() as u64;
            for record in records {
                let frame = frame(record.as_ref())?;
                writer.write_all(&frame)?;
                len += frame.len() as u64;
            }
            writer.flush()?;
            drop(writer);
            // Without this, a loss of power after the renaming could lose everything rather than the last moments.
            file.sync_all()?;
            Ok(Replacement { path: path.clone(), file, len })
        };
        write().inspect_err(|_| {
            // What is left of it only takes room, and the next attempt truncates it in any case.
            let _ = fs::remove_file(&path);
        })
    }

    /// Puts `new` in the place of this journal, with the records that were added after the journal was `since` bytes long.
    /// On an error the journal stays as it was.
    pub(super) fn replace(&mut self, mut new: Replacement, since: u64) -> io::Result<()> {
        let path = new.path.clone();
        let tail = self.len - since;
        let swap = || -> io::Result<Replacement> {
            self.file.seek(SeekFrom::Start(since))?;
            new.file.seek(SeekFrom::Start(new.len))?;
            if io::copy(&mut (&self.file).take(tail), &mut new.file)? != tail {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            new.len += tail;
            new.file.sync_all()?;
            fs::rename(&new.path, &self.path)?;
            Ok(new)
        };
        let new = swap().inspect_err(|_| {
            let _ = fs::remove_file(&path);
        })?;
        self.file = new.file;
        self.len = new.len;
        self.torn = false;
        Ok(())
    }
}

fn frame(payload: &[u8]) -> io::Result<Vec<u8>> {
    if payload.len() > MAX_RECORD {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the record is too long"));
    }
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend((payload.len() as u32).to_le_bytes());
    frame.extend(crc32c::crc32c(payload).to_le_bytes());
    frame.extend(payload);
    Ok(frame)
}

/// The next record, or `None` at the end or at a torn one. `left` is how many bytes there are.
fn read_record(reader: &mut impl Read, left: u64) -> io::Result<Option<Vec<u8>>> {
    if left < HEADER as u64 {
        return Ok(None);
    }
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    let length = u32::from_le_bytes(word) as usize;
    reader.read_exact(&mut word)?;
    let sum = u32::from_le_bytes(word);
    // An empty record is none: a tail of zeros, which file systems leave after a loss of power, would match its sum.
    if length == 0 || length > MAX_RECORD || (length as u64) > left - HEADER as u64 {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload)?;
    Ok((crc32c::crc32c(&payload) == sum).then_some(payload))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(path: &Path) -> (Journal, Vec<Vec<u8>>) {
        let mut records = Vec::new();
        let journal = Journal::open(path, |record| {
            records.push(record.to_vec());
            Ok(())
        });
        (journal.expect("opens"), records)
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_and_the_journal_goes_on() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("j");
        let (mut journal, _) = read(&path);
        let mut ends = vec![journal.len()];
        for record in [&b"first"[..], b"2", b"the third"] {
            journal.append(record).expect("appends");
            ends.push(journal.len());
        }
        let whole = fs::read(&path).expect("reads");
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).expect("writes");
            let (mut journal, records) = read(&path);
            let expected = ends.iter().skip(1).filter(|end| **end <= length as u64).count();
            assert_eq!(records.len(), expected, "cut at {length}");
            journal.append(b"next").expect("appends");
            drop(journal);
            let (_, records) = read(&path);
            assert_eq!(records.len(), expected + 1, "cut at {length}");
            assert_eq!(records[expected], b"next");
        }
    }

    #[test]
    fn a_changed_byte_ends_the_journal_before_it() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("j");
        let (mut journal, _) = read(&path);
        journal.append(b"first").expect("appends");
        let end = journal.len() as usize;
        journal.append(b"second").expect("appends");
        let whole = fs::read(&path).expect("reads");
        for at in end..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).expect("writes");
            assert_eq!(read(&path).1, [b"first"], "changed at {at}");
        }
        fs::write(&path, [&whole[..], &[0; 64]].concat()).expect("writes");
        assert_eq!(read(&path).1.len(), 2, "zeros are no records");
    }

    #[test]
    fn another_format_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("j");
        fs::write(&path, b"TWKJRNL9 from the future").expect("writes");
        assert!(Journal::open(&path, |_| Ok(())).is_err());
        assert_eq!(fs::read(&path).expect("reads"), b"TWKJRNL9 from the future");
    }

    #[test]
    fn a_failed_write_is_undone_and_the_next_succeeds() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("j");
        for room in 0..HEADER + b"lost".len() {
            fs::remove_file(&path).ok();
            let (mut journal, _) = read(&path);
            journal.append(b"kept").expect("appends");
            journal.room = Some(room);
            assert!(journal.append(b"lost").is_err());
            assert_eq!(fs::metadata(&path).expect("exists").len(), journal.len(), "nothing is left behind");
            journal.room = None;
            journal.append(b"later").expect("appends again");
            drop(journal);
            assert_eq!(read(&path).1, [&b"kept"[..], b"later"]);
        }
    }

    #[test]
    fn a_rewrite_keeps_what_is_added_meanwhile_and_a_failed_one_changes_nothing() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("j");
        let (mut journal, _) = read(&path);
        journal.append(b"a").expect("appends");
        journal.append(b"b").expect("appends");
        let since = journal.len();
        let new = Journal::replacement(journal.path(), [b"a+b"]).expect("writes");
        journal.append(b"c").expect("appends");
        journal.replace(new, since).expect("replaces");
        journal.append(b"d").expect("appends");
        drop(journal);
        let (mut journal, records) = read(&path);
        assert_eq!(records, [&b"a+b"[..], b"c", b"d"]);

        let since = journal.len();
        let new = Journal::replacement(journal.path(), [b"x"]).expect("writes");
        fs::remove_file(&new.path).expect("is there");
        assert!(journal.replace(new, since).is_err());
        journal.append(b"e").expect("appends");
        assert_eq!(read(&path).1, [&b"a+b"[..], b"c", b"d", b"e"]);
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_opened(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let dir = tempfile::tempdir().expect("temporary directory");
            let path = dir.path().join("j");
            fs::write(&path, [&FORMAT[..], &tail].concat()).expect("writes");
            let (mut journal, records) = read(&path);
            journal.append(b"next").expect("appends");
            drop(journal);
            prop_assert_eq!(read(&path).1.len(), records.len() + 1);
        }
    }
}
