//! Opening a partition: what is sound is kept, a torn tail is cut, and what the side files do not cover is scanned.

use std::{collections::BTreeSet, fs, io, path::Path};

use super::{
    batch::Header,
    files::{Files, replace_file},
    index::Index,
    partition::State,
    producers::Producers,
    segment::{Facts, Segment, index_path, log_path, scan},
    sidecar,
};

const LOG_START: &str = "log-start";

/// Writes down the first offset that readers may see.
pub(super) fn write_log_start(dir: &Path, offset: i64) -> io::Result<()> {
    replace_file(&dir.join(LOG_START), offset.to_string().as_bytes())
}

fn read_log_start(dir: &Path) -> io::Result<Option<i64>> {
    match fs::read_to_string(dir.join(LOG_START)) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| io::Error::other("log-start does not hold a number")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Brings a partition's state back from its directory, which need not exist.
pub(super) fn open(dir: &Path, files: &Files, now: i64) -> io::Result<State> {
    // Most partitions of most topics have never had a record; they must cost next to nothing.
    let Some(bases) = segment_files(dir)? else { return Ok(State::default()) };
    let log_start = read_log_start(dir)?;
    let (covered, producers) =
        sidecar::read_producers(&dir.join("producers")).unwrap_or((i64::MIN, Producers::default()));
    let mut recovery = Recovery { dir, files, now, covered, producers };
    let mut segments = Vec::with_capacity(bases.len());
    let mut checkpointed = 0;
    for base_offset in &bases {
        let last = bases.last() == Some(base_offset);
        let (segment, covered) =
            if last { recovery.open_segment(*base_offset)? } else { (recovery.closed_segment(*base_offset)?, 0) };
        checkpointed = covered;
        segments.push(segment);
    }
    let first = segments.first().map_or(0, |segment| segment.base_offset);
    let log_start = log_start.unwrap_or(first).max(first);
    let end = segments.last().map_or(log_start, |segment| segment.facts.next_offset).max(log_start);
    let mut producers = recovery.producers;
    let mut covered = covered;
    if covered > end {
        // The log ends before what this file saw, which only a damaged disk explains.
        producers = Producers::default();
        covered = i64::MIN;
    }
    // What was deleted before a crash, but not yet from the disk.
    let is_gone = |segment: &Segment| segment.facts.next_offset <= log_start;
    if segments.iter().any(|segment| is_gone(segment) && segment.facts.next_offset > covered) {
        sidecar::write_producers(&dir.join("producers"), end, &producers)?;
        covered = end;
    }
    for segment in segments.extract_if(.., |segment| is_gone(segment)) {
        remove_segment(dir, segment.base_offset);
    }
    producers.expire(now);
    Ok(State { segments, log_start, end, producers, covered, checkpointed, repair: false, retired: false })
}

/// Removes a segment's files. What cannot be removed now is removed at the next start.
pub(super) fn remove_segment(dir: &Path, base_offset: i64) {
    for path in [log_path(dir, base_offset), index_path(dir, base_offset)] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "a deleted segment is still there");
            }
            _ => {}
        }
    }
}

/// The base offsets of the segments; `None` if there is no directory. Clears away temporary files and index files without a segment.
fn segment_files(dir: &Path) -> io::Result<Option<BTreeSet<i64>>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bases = BTreeSet::new();
    let mut indexes = BTreeSet::new();
    for entry in entries {
        let path = entry?.path();
        let base = || path.file_stem()?.to_str()?.parse::<i64>().ok();
        match (path.extension().and_then(|extension| extension.to_str()), base()) {
            (Some("log"), Some(base)) => drop(bases.insert(base)),
            (Some("index"), Some(base)) => drop(indexes.insert(base)),
            (Some("tmp"), _) => fs::remove_file(&path)?,
            _ => {}
        }
    }
    for orphan in indexes.difference(&bases) {
        fs::remove_file(index_path(dir, *orphan))?;
    }
    Ok(Some(bases))
}

struct Recovery<'a> {
    dir: &'a Path,
    files: &'a Files,
    now: i64,
    /// Up to which offset the producers were written down.
    covered: i64,
    producers: Producers,
}

impl Recovery<'_> {
    fn segment(&self, base_offset: i64, facts: Facts, index: Option<Index>) -> Segment {
        Segment { id: self.files.new_id(), base_offset, facts, index }
    }

    /// An index file counts only if the producers are known up to where it goes; otherwise their batches must be read.
    fn usable(&self, facts: &Facts, file_length: u64) -> bool {
        facts.next_offset <= self.covered && facts.length <= file_length
    }

    /// A segment that was closed. Damage in the midst of it is told and left as it is: what follows cannot be read.
    fn closed_segment(&mut self, base_offset: i64) -> io::Result<Segment> {
        let file_length = fs::metadata(log_path(self.dir, base_offset))?.len();
        let path = index_path(self.dir, base_offset);
        if let Some(facts) =
            sidecar::read_facts(&path).filter(|facts| self.usable(facts, file_length) && facts.length == file_length)
        {
            return Ok(self.segment(base_offset, facts, None));
        }
        let (facts, index) =
            self.scan_on(base_offset, Facts::empty(base_offset, self.now), Index::default(), file_length)?;
        if facts.length < file_length {
            tracing::error!(segment = %path.display(), sound = facts.length, length = file_length, "a closed segment is damaged");
        } else if let Err(error) = sidecar::write(&path, &facts, &index) {
            tracing::warn!(segment = %path.display(), %error, "an index was not written");
        }
        Ok(self.segment(base_offset, facts, None))
    }

    /// The last segment, which appends go on with. Also says how much of it its index file covers.
    fn open_segment(&mut self, base_offset: i64) -> io::Result<(Segment, u64)> {
        let path = log_path(self.dir, base_offset);
        let file_length = fs::metadata(&path)?.len();
        let known =
            sidecar::read(&index_path(self.dir, base_offset)).filter(|(facts, _)| self.usable(facts, file_length));
        let checkpointed = known.as_ref().map_or(0, |(facts, _)| facts.length);
        let (facts, index) = known.unwrap_or_else(|| (Facts::empty(base_offset, self.now), Index::default()));
        let (facts, index) = self.scan_on(base_offset, facts, index, file_length)?;
        if facts.length < file_length {
            tracing::warn!(segment = %path.display(), kept = facts.length, cut = file_length - facts.length, "a torn tail was cut");
            fs::OpenOptions::new().write(true).open(&path)?.set_len(facts.length)?;
        }
        Ok((self.segment(base_offset, facts, Some(index)), checkpointed))
    }

    /// Reads on from where `facts` end, and tells the producers of every batch that they do not know.
    fn scan_on(
        &mut self,
        base_offset: i64,
        mut facts: Facts,
        mut index: Index,
        file_length: u64,
    ) -> io::Result<(Facts, Index)> {
        if facts.length == file_length {
            return Ok((facts, index));
        }
        let file = fs::File::open(log_path(self.dir, base_offset))?;
        scan(&file, facts.length, file_length, |header: &Header, size| {
            if header.base_offset < facts.next_offset {
                return false;
            }
            facts.add(header, size, self.now, &mut index);
            if header.base_offset >= self.covered {
                let log_append_time = if header.is_log_append_time() { header.max_timestamp } else { -1 };
                self.producers.add(header, header.base_offset, log_append_time, self.now);
            }
            true
        })?;
        Ok((facts, index))
    }
}
