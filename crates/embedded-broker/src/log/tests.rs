//! The log as a whole: what it keeps, what it cuts, what it forgets.

mod model;

use std::fs;

use bytes::Bytes;

use super::{
    AppendError, FoundOffset, LogConfig, Partition, ReadError, Rules,
    testing::{TestBatch, TestClock, config, open},
};

fn fixture() -> (tempfile::TempDir, TestClock) {
    (tempfile::tempdir().unwrap(), TestClock::default())
}

fn idempotent(epoch: i16, sequence: i32, count: usize) -> TestBatch {
    TestBatch { producer: (7, epoch, sequence), ..TestBatch::of(count) }
}

fn segment_files(dir: &std::path::Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join("0")) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.contains(".log"));
    names.sort();
    names
}

#[test]
fn nothing_is_created_before_the_first_record() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    assert_eq!((log.log_start_offset(), log.high_watermark()), (0, 0));
    assert!(log.read(0, 100, true).unwrap().records.is_empty());
    log.clean().unwrap();
    log.checkpoint().unwrap();
    assert!(!dir.path().join("0").exists());
}

#[test]
fn batches_are_stored_as_they_came_but_for_offset_and_epoch() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    let batch = TestBatch::of(3);
    assert_eq!(log.append_test(&batch).unwrap().base_offset, 0);
    assert_eq!(log.append_test(&batch).unwrap().base_offset, 3);
    let read = log.read(4, 1 << 20, true).unwrap();
    assert_eq!((read.high_watermark, read.log_start_offset), (6, 0));
    assert_eq!(read.records[..8], 3_i64.to_be_bytes());
    assert_eq!(read.records[12..16], 0_i32.to_be_bytes());
    assert_eq!(read.records[16..], batch.bytes()[16..]);
}

#[test]
fn the_brokers_clock_dates_records_where_the_topic_says_so() {
    let (dir, clock) = fixture();
    clock.set(5_000);
    let log = open(dir.path(), LogConfig { log_append_time: true, ..config() }, &clock);
    assert_eq!(log.append_test(&TestBatch::of(2)).unwrap().log_append_time, 5_000);
    let records = log.read(0, 1000, true).unwrap().records;
    let (header, _) = super::batch::first_whole(&records).expect("the checksum was made anew");
    assert!(header.is_log_append_time());
    assert_eq!(header.max_timestamp, 5_000);
    assert_eq!(log.offset_for_timestamp(2_000).unwrap(), Some(FoundOffset { offset: 0, timestamp: 5_000 }));
    assert_eq!(log.offset_for_timestamp(5_001).unwrap(), None);
}

#[test]
fn reads_give_whole_batches_within_limits_and_the_first_in_any_case() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    let size = TestBatch::of(1).bytes().len();
    for _ in 0..5 {
        log.append_test(&TestBatch::of(1)).unwrap();
    }
    let length = |offset, max, first| log.read(offset, max, first).unwrap().records.len();
    assert_eq!(length(0, size * 2 + 1, true), size * 2);
    assert_eq!(length(0, 1, true), size);
    assert_eq!(length(0, 1, false), 0);
    assert_eq!(length(3, usize::MAX, false), size * 2);
    assert_eq!(length(5, usize::MAX, true), 0);
    assert_eq!(log.available(2).unwrap(), 3 * size as u64);
    for offset in [-1, 6, i64::MAX, i64::MIN] {
        assert!(matches!(log.read(offset, 1, true), Err(ReadError::OutOfRange { .. })), "{offset}");
    }
}

#[test]
fn a_torn_tail_is_cut_at_every_byte_of_the_last_batch() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    log.append_test(&idempotent(0, 0, 2)).unwrap();
    log.append_test(&idempotent(0, 2, 3)).unwrap();
    drop(log);
    let path = dir.path().join("0").join(&segment_files(dir.path())[0]);
    let whole = fs::read(&path).unwrap();
    let first = idempotent(0, 0, 2).bytes().len();
    for length in first..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let log = open(dir.path(), config(), &clock);
        let complete = length == whole.len();
        assert_eq!(log.high_watermark(), if complete { 5 } else { 2 }, "cut at {length}");
        assert_eq!(fs::metadata(&path).unwrap().len() as usize, if complete { length } else { first });
        // The producer sends the lost batch again and is believed; what was kept is known as a duplicate.
        assert_eq!(log.append_test(&idempotent(0, 2, 3)).unwrap().base_offset, 2);
        assert_eq!(log.append_test(&idempotent(0, 0, 2)).unwrap().base_offset, 0);
        assert_eq!(log.read_all(0).len(), 2);
    }
    // Bytes that follow the last batch and are none, or one with an offset that cannot follow.
    for tail in [vec![0; 100], vec![0xff; 100], whole[..first].to_vec()] {
        fs::write(&path, [&whole[..], &tail].concat()).unwrap();
        assert_eq!(open(dir.path(), config(), &clock).high_watermark(), 5);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn idempotent_producers_follow_kip_98() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    let append = |epoch, sequence, count| log.append_test(&idempotent(epoch, sequence, count)).map(|a| a.base_offset);
    for sequence in 0..7 {
        assert_eq!(append(0, sequence, 1).unwrap(), i64::from(sequence));
    }
    for sequence in 2..7 {
        assert_eq!(append(0, sequence, 1).unwrap(), i64::from(sequence), "one of the last five");
    }
    assert!(matches!(append(0, 1, 1), Err(AppendError::OutOfOrderSequence)), "older than the last five");
    assert!(matches!(append(0, 8, 1), Err(AppendError::OutOfOrderSequence)), "a gap");
    assert!(matches!(append(0, 6, 2), Err(AppendError::OutOfOrderSequence)), "not the same batch");
    assert!(matches!(append(1, 7, 1), Err(AppendError::OutOfOrderSequence)), "a new epoch begins at 0");
    assert_eq!(append(1, 0, 1).unwrap(), 7);
    assert!(matches!(append(0, 7, 1), Err(AppendError::OldProducerEpoch)));
    assert_eq!(log.high_watermark(), 8);
}

#[test]
fn sequences_wrap_at_the_largest_number() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    assert_eq!(log.append_test(&idempotent(0, i32::MAX - 1, 3)).unwrap().base_offset, 0);
    assert_eq!(log.append_test(&idempotent(0, 1, 1)).unwrap().base_offset, 3);
    assert_eq!(log.append_test(&idempotent(0, i32::MAX - 1, 3)).unwrap().base_offset, 0);
    assert!(matches!(log.append_test(&idempotent(0, i32::MAX, 1)), Err(AppendError::OutOfOrderSequence)));
}

#[test]
fn reopening_keeps_what_producers_wrote_with_and_without_side_files() {
    for keep_side_files in [true, false] {
        let (dir, clock) = fixture();
        let small = LogConfig { segment_bytes: 200, ..config() };
        let log = open(dir.path(), small.clone(), &clock);
        for sequence in 0..10 {
            log.append_test(&idempotent(3, sequence, 1)).unwrap();
        }
        assert!(segment_files(dir.path()).len() > 3);
        drop(log);
        if !keep_side_files {
            for entry in fs::read_dir(dir.path().join("0")).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_none_or(|extension| extension != "log") {
                    fs::remove_file(path).unwrap();
                }
            }
        }
        let log = open(dir.path(), small, &clock);
        assert_eq!(log.append_test(&idempotent(3, 9, 1)).unwrap().base_offset, 9);
        assert!(matches!(log.append_test(&idempotent(2, 10, 1)), Err(AppendError::OldProducerEpoch)));
        assert_eq!(log.append_test(&idempotent(3, 10, 1)).unwrap().base_offset, 10);
        assert_eq!(log.read_all(0).len(), 11);
    }
}

#[test]
fn damaged_side_files_are_as_if_they_were_not_there() {
    let (dir, clock) = fixture();
    let small = LogConfig { segment_bytes: 200, ..config() };
    let log = open(dir.path(), small.clone(), &clock);
    for sequence in 0..10 {
        log.append_test(&idempotent(0, sequence, 1)).unwrap();
    }
    log.checkpoint().unwrap();
    drop(log);
    for entry in fs::read_dir(dir.path().join("0")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "log") {
            let whole = fs::read(&path).unwrap();
            for position in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[position] ^= 0x40;
                fs::write(&path, &bytes).unwrap();
                let log = open(dir.path(), small.clone(), &clock);
                assert_eq!(log.high_watermark(), 10);
                assert_eq!(
                    log.append_test(&idempotent(0, 9, 1)).unwrap().base_offset,
                    9,
                    "{} {position}",
                    path.display()
                );
                assert_eq!(log.read_all(0).len(), 10);
            }
            fs::write(&path, &whole).unwrap();
        }
    }
}

#[test]
fn producers_that_are_silent_for_long_are_forgotten() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    log.append_test(&idempotent(5, 0, 1)).unwrap();
    clock.set(7 * 24 * 3600 * 1000);
    log.apply_retention(clock.now()).unwrap();
    assert_eq!(log.append_test(&idempotent(0, 40, 1)).unwrap().base_offset, 1);
}

#[test]
fn a_full_disk_refuses_and_the_log_goes_on_once_there_is_room() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), LogConfig { segment_bytes: 400, ..config() }, &clock);
    log.append_test(&idempotent(0, 0, 1)).unwrap();
    let size = idempotent(0, 1, 1).bytes().len() as u64;
    let path = dir.path().join("0").join(&segment_files(dir.path())[0]);
    for room in 0..size {
        *log.files.room.lock().unwrap() = Some(room);
        assert!(matches!(log.append_test(&idempotent(0, 1, 1)), Err(AppendError::Storage(_))), "{room} bytes");
        assert_eq!(log.high_watermark(), 1);
        assert_eq!(fs::metadata(&path).unwrap().len(), size, "the file is as long as before");
    }
    *log.files.room.lock().unwrap() = None;
    for sequence in 1..10 {
        assert_eq!(log.append_test(&idempotent(0, sequence, 1)).unwrap().base_offset, i64::from(sequence));
    }
    assert_eq!(log.read_all(0).len(), 10);
    drop(log);
    assert_eq!(open(dir.path(), config(), &clock).high_watermark(), 10);
}

#[test]
fn time_finds_the_first_record_that_is_not_older() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), LogConfig { segment_bytes: 300, ..config() }, &clock);
    assert_eq!(log.newest_record().unwrap(), None);
    // Times: 0..3 → 1000, 1001, 1002; 3..6 → 5000…; 6..9 → 3000… (late); 9 → 6000.
    for (timestamp, count) in [(1000, 3), (5000, 3), (3000, 3), (6000, 1)] {
        log.append_test(&TestBatch { timestamp, ..TestBatch::of(count) }).unwrap();
    }
    let check = |log: &Partition| {
        for (asked, offset, timestamp) in
            [(0, 0, 1000), (1001, 1, 1001), (1003, 3, 5000), (3000, 3, 5000), (5002, 5, 5002), (5003, 9, 6000)]
        {
            assert_eq!(log.offset_for_timestamp(asked).unwrap(), Some(FoundOffset { offset, timestamp }), "{asked}");
        }
        assert_eq!(log.offset_for_timestamp(6001).unwrap(), None);
        assert_eq!(log.newest_record().unwrap(), Some(FoundOffset { offset: 9, timestamp: 6000 }));
    };
    check(&log);
    drop(log);
    let log = open(dir.path(), config(), &clock);
    check(&log);
    log.delete_records_before(4).unwrap();
    assert_eq!(log.offset_for_timestamp(0).unwrap(), Some(FoundOffset { offset: 4, timestamp: 5001 }));
    // Of a compressed batch the first record stands for the others.
    log.append_test(&TestBatch { timestamp: 9000, attributes: 1, ..TestBatch::of(4) }).unwrap();
    assert_eq!(log.offset_for_timestamp(9002).unwrap(), Some(FoundOffset { offset: 10, timestamp: 9000 }));
    assert_eq!(log.newest_record().unwrap(), Some(FoundOffset { offset: 13, timestamp: 9003 }));
}

#[test]
fn retention_goes_by_time_and_by_size() {
    let (dir, clock) = fixture();
    let limits = LogConfig { segment_bytes: 100, retention_ms: 1000, ..config() };
    let log = open(dir.path(), limits.clone(), &clock);
    for time in [0, 500, 900] {
        clock.set(time);
        log.append_test(&TestBatch { timestamp: time, ..TestBatch::default() }).unwrap();
    }
    // A producer's clock that is far ahead does not keep its record for ever.
    log.append_test(&TestBatch { timestamp: 1 << 50, ..TestBatch::default() }).unwrap();
    let start_at = |time| {
        clock.set(time);
        log.apply_retention(clock.now()).unwrap();
        log.log_start_offset()
    };
    assert_eq!(start_at(1000), 0);
    assert_eq!(start_at(1001), 1);
    assert_eq!(start_at(1501), 2);
    assert_eq!(start_at(1901), 4, "the segment that was open is closed and goes too");
    assert_eq!(segment_files(dir.path()), Vec::<String>::new());
    assert_eq!(log.high_watermark(), 4);
    log.append_test(&TestBatch { timestamp: 1901, ..TestBatch::default() }).unwrap();

    let size = TestBatch::default().bytes().len() as i64;
    log.configure(LogConfig { retention_ms: -1, retention_bytes: size * 2, ..limits.clone() }.into());
    for _ in 0..5 {
        log.append_test(&TestBatch::default()).unwrap();
    }
    assert_eq!(start_at(1902), 8);
    log.configure(LogConfig { retention_bytes: 0, delete: false, ..limits }.into());
    assert_eq!(start_at(1 << 40), 8, "a topic that is only compacted keeps everything");
    drop(log);
    assert_eq!(open(dir.path(), config(), &clock).log_start_offset(), 8);
}

#[test]
fn cleaning_deletes_everything_and_offsets_go_on() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    log.append_test(&idempotent(0, 0, 4)).unwrap();
    log.clean().unwrap();
    assert_eq!((log.log_start_offset(), log.high_watermark(), log.size_bytes()), (4, 4, 0));
    drop(log);
    let log = open(dir.path(), config(), &clock);
    assert_eq!((log.log_start_offset(), log.high_watermark()), (4, 4));
    assert_eq!(log.append_test(&idempotent(0, 0, 4)).unwrap().base_offset, 0, "still known as a duplicate");
    assert_eq!(log.append_test(&idempotent(0, 4, 1)).unwrap().base_offset, 4);
}

#[test]
fn a_crash_between_moving_the_start_and_deleting_files_is_made_good() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), LogConfig { segment_bytes: 100, ..config() }, &clock);
    for sequence in 0..3 {
        log.append_test(&idempotent(0, sequence, 1)).unwrap();
    }
    drop(log);
    super::recovery::write_log_start(&dir.path().join("0"), 2).unwrap();
    let log = open(dir.path(), config(), &clock);
    assert_eq!((log.log_start_offset(), log.high_watermark()), (2, 3));
    assert_eq!(segment_files(dir.path()).len(), 1);
    drop(log);
    super::recovery::write_log_start(&dir.path().join("0"), 3).unwrap();
    let log = open(dir.path(), config(), &clock);
    assert_eq!((log.log_start_offset(), log.high_watermark()), (3, 3));
    assert_eq!(segment_files(dir.path()).len(), 0);
    assert_eq!(log.append_test(&idempotent(0, 3, 1)).unwrap().base_offset, 3);
}

#[test]
fn delete_records_is_bounded_by_the_high_watermark() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    log.append_test(&TestBatch::of(4)).unwrap();
    for offset in [-2, 5, i64::MAX] {
        assert!(matches!(log.delete_records_before(offset), Err(ReadError::OutOfRange { .. })), "{offset}");
    }
    assert_eq!(log.delete_records_before(2).unwrap(), 2);
    assert_eq!(log.delete_records_before(1).unwrap(), 2);
    assert!(matches!(log.read(1, 100, true), Err(ReadError::OutOfRange { .. })));
    assert_eq!(log.read(2, 100, true).unwrap().records.len(), TestBatch::of(4).bytes().len());
    assert_eq!(log.delete_records_before(-1).unwrap(), 4);
}

#[test]
fn a_deleted_topics_log_answers_with_errors_and_wakes_who_waits() {
    let (dir, clock) = fixture();
    let log = open(dir.path(), config(), &clock);
    log.append_test(&TestBatch::of(1)).unwrap();
    let waiting = log.subscribe();
    log.retire();
    assert!(waiting.has_changed().unwrap());
    assert!(matches!(log.append_test(&TestBatch::of(1)), Err(AppendError::Deleted)));
    assert!(matches!(log.read(0, 1, true), Err(ReadError::Deleted)));
    assert!(matches!(log.available(0), Err(ReadError::Deleted)));
}

#[test]
fn a_scan_goes_on_across_its_buffer() {
    let (dir, clock) = fixture();
    let large = LogConfig { max_message_bytes: 64 << 20, segment_bytes: 1 << 30, ..config() };
    let log = open(dir.path(), large.clone(), &clock);
    for size in [10, 700_000, 3_000_000, 20, 900_000] {
        log.append(&TestBatch { values: vec![vec![b'x'; size]], ..TestBatch::default() }.bytes(), Rules { zstd: true })
            .unwrap();
    }
    let all = log.read_all(0);
    drop(log);
    let log = open(dir.path(), large, &clock);
    assert_eq!(log.high_watermark(), 5);
    assert!(log.read_all(0) == all);
    let none = Bytes::new();
    assert!(log.append(&none, Rules { zstd: true }).is_err());
}

#[test]
fn producers_are_written_down_before_the_batches_that_tell_of_them_are_deleted() {
    let (dir, clock) = fixture();
    let small = LogConfig { segment_bytes: 150, ..config() };
    let log = open(dir.path(), small.clone(), &clock);
    log.append_test(&idempotent(0, 0, 1)).unwrap();
    log.append_test(&TestBatch::of(9)).unwrap();
    drop(log);
    fs::remove_file(dir.path().join("0").join("producers")).unwrap();
    let log = open(dir.path(), small.clone(), &clock);
    log.delete_records_before(2).unwrap();
    assert_eq!(segment_files(dir.path()).len(), 1);
    drop(log);
    let log = open(dir.path(), small, &clock);
    assert_eq!(log.append_test(&idempotent(0, 0, 1)).unwrap().base_offset, 0);
}
