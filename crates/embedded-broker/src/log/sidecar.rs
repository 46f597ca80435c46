//! The `.index` file beside a segment: what a scan of the segment would find, up to a length. And the `producers` file.
//!
//! Both are written in one step and carry checksums. A file that is missing, damaged or of another version is as if it
//! had never been written: the segment is scanned.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use bytes::{Buf, BufMut};

use super::{
    files::replace_file,
    index::{Entry, Index},
    producers::Producers,
    segment::Facts,
};

const MAGIC: u32 = 0x5457_4931; // "TWI1"
const HEAD_LEN: usize = 64;
const ENTRY_LEN: usize = 20;

/// Writes the index file of a segment.
pub(super) fn write(path: &Path, facts: &Facts, index: &Index) -> io::Result<()> {
    let mut entries = Vec::with_capacity(index.entries.len() * ENTRY_LEN);
    for entry in &index.entries {
        entries.put_i64(entry.offset);
        entries.put_u32(entry.position);
        entries.put_i64(entry.newest_before);
    }
    let mut file = Vec::with_capacity(HEAD_LEN + entries.len());
    file.put_u32(MAGIC);
    file.put_u64(facts.length);
    file.put_i64(facts.next_offset);
    file.put_i64(facts.newest_timestamp);
    file.put_u64(facts.newest_position);
    file.put_i64(facts.first_append);
    file.put_i64(facts.last_append);
    file.put_u32(crc32c::crc32c(&entries));
    file.put_u32(entries.len() as u32);
    file.put_u32(crc32c::crc32c(&file));
    file.extend_from_slice(&entries);
    replace_file(path, &file)
}

struct Head {
    facts: Facts,
    entries_crc: u32,
    entries_len: usize,
}

fn read_head(file: &File) -> Option<Head> {
    let mut bytes = [0; HEAD_LEN];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let (covered, mut crc) = bytes.split_at(HEAD_LEN - 4);
    if crc.get_u32() != crc32c::crc32c(covered) {
        return None;
    }
    let mut head = covered;
    if head.get_u32() != MAGIC {
        return None;
    }
    let facts = Facts {
        length: head.get_u64(),
        next_offset: head.get_i64(),
        newest_timestamp: head.get_i64(),
        newest_position: head.get_u64(),
        first_append: head.get_i64(),
        last_append: head.get_i64(),
    };
    Some(Head { facts, entries_crc: head.get_u32(), entries_len: head.get_u32() as usize })
}

/// What the index file says of its segment, without reading the entries.
pub(super) fn read_facts(path: &Path) -> Option<Facts> {
    read_head(&File::open(path).ok()?).map(|head| head.facts)
}

/// The whole index file.
pub(super) fn read(path: &Path) -> Option<(Facts, Index)> {
    let file = File::open(path).ok()?;
    let head = read_head(&file)?;
    // The length was covered by the checksum, but a file that is shorter must not cost that much memory.
    if file.metadata().ok()?.len() != (HEAD_LEN + head.entries_len) as u64 {
        return None;
    }
    let mut bytes = vec![0; head.entries_len];
    file.read_exact_at(&mut bytes, HEAD_LEN as u64).ok()?;
    if crc32c::crc32c(&bytes) != head.entries_crc {
        return None;
    }
    let entries = bytes
        .chunks_exact(ENTRY_LEN)
        .map(|mut entry| Entry { offset: entry.get_i64(), position: entry.get_u32(), newest_before: entry.get_i64() })
        .collect();
    Some((head.facts, Index { entries }))
}

/// Writes what producers wrote below `offset`.
pub(super) fn write_producers(path: &Path, offset: i64, producers: &Producers) -> io::Result<()> {
    let body = postcard::to_stdvec(&(offset, producers)).map_err(io::Error::other)?;
    let mut file = crc32c::crc32c(&body).to_be_bytes().to_vec();
    file.extend_from_slice(&body);
    replace_file(path, &file)
}

/// The producers as of an offset.
pub(super) fn read_producers(path: &Path) -> Option<(i64, Producers)> {
    let bytes = fs::read(path).ok()?;
    let (mut crc, body) = bytes.split_at_checked(4)?;
    if crc.get_u32() != crc32c::crc32c(body) {
        return None;
    }
    postcard::from_bytes(body).ok()
}
