//! The log against a model that is simple enough to be right: a list of batches in memory.

use std::{collections::HashMap, fs};

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    super::{AppendError, LogConfig, Partition},
    segment_files,
};
use crate::log::testing::{TestBatch, TestClock, config, open};

const SEGMENT_BYTES: u64 = 600;

#[derive(Debug, Clone)]
enum Step {
    Append {
        count: usize,
        size: usize,
        codec: i16,
    },
    /// Of one of two producers, the next sequence or one that is `off` from it.
    Idempotent {
        producer: i64,
        count: usize,
        off: i32,
    },
    /// Sends again one of the last batches of a producer.
    Resend {
        producer: i64,
        back: usize,
    },
    NewEpoch {
        producer: i64,
    },
    /// Ends without a goodbye and opens again.
    Reopen,
    Checkpoint,
    LoseSideFiles,
    /// Ends while a batch is being written: some bytes of it are in the file.
    Tear {
        bytes: usize,
    },
    Retention {
        bytes: i64,
    },
    DeleteBefore {
        part: f64,
    },
    Clean,
    Read {
        part: f64,
        max: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let producer = 0_i64..2;
    prop_oneof![
        4 => (1_usize..5, 0_usize..200, 0_i16..3).prop_map(|(count, size, codec)| Step::Append { count, size, codec }),
        6 => (producer.clone(), 1_usize..4, prop_oneof![5 => Just(0), 1 => -3..4]).prop_map(|(producer, count, off)| Step::Idempotent { producer, count, off }),
        3 => (producer.clone(), 0_usize..8).prop_map(|(producer, back)| Step::Resend { producer, back }),
        1 => producer.prop_map(|producer| Step::NewEpoch { producer }),
        2 => Just(Step::Reopen),
        1 => Just(Step::Checkpoint),
        2 => Just(Step::LoseSideFiles),
        2 => (1_usize..150).prop_map(|bytes| Step::Tear { bytes }),
        1 => (0_i64..3000).prop_map(|bytes| Step::Retention { bytes }),
        1 => (0.0..1.0).prop_map(|part| Step::DeleteBefore { part }),
        1 => Just(Step::Clean),
        2 => (0.0..1.0, 1_usize..2000).prop_map(|(part, max)| Step::Read { part, max }),
    ]
}

#[derive(Default)]
struct Producer {
    epoch: i16,
    next: i32,
    sent: Vec<(TestBatch, i64)>,
}

#[derive(Default)]
struct Model {
    /// Base offset, next offset, and the bytes that the broker does not write.
    batches: Vec<(i64, i64, Bytes)>,
    start: i64,
    end: i64,
    producers: HashMap<i64, Producer>,
}

impl Model {
    fn append(&mut self, batch: &TestBatch) -> i64 {
        let base = self.end;
        self.end += batch.values.len() as i64;
        self.batches.push((base, self.end, batch.bytes().slice(16..)));
        base
    }

    fn visible(&self) -> Vec<(i64, Bytes)> {
        self.batches
            .iter()
            .filter(|(_, next, _)| *next > self.start)
            .map(|(base, _, bytes)| (*base, bytes.clone()))
            .collect()
    }

    fn at(&self, part: f64) -> i64 {
        self.start + (f64::from((self.end - self.start + 1) as i32) * part) as i64
    }
}

fn check(log: &Partition, model: &Model) {
    assert_eq!(log.log_start_offset(), model.start);
    assert_eq!(log.high_watermark(), model.end);
    assert_eq!(log.read_all(model.start), model.visible());
}

fn run(steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let small = LogConfig { segment_bytes: SEGMENT_BYTES, ..config() };
    let mut log = open(dir.path(), small.clone(), &clock);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append { count, size, codec } => {
                let batch =
                    TestBatch { values: vec![vec![b'v'; size]; count], attributes: codec, ..TestBatch::default() };
                assert_eq!(log.append_test(&batch).unwrap().base_offset, model.append(&batch));
            }
            Step::Idempotent { producer: id, count, off } => {
                let producer = model.producers.entry(id).or_default();
                let sequence = producer.next + off;
                let batch = TestBatch { producer: (id, producer.epoch, sequence), ..TestBatch::of(count) };
                let last_five = producer.sent.iter().rev().take(5);
                let same =
                    last_five.clone().find(|(sent, _)| sent.producer == batch.producer && sent.values.len() == count);
                let duplicate = same.map(|(_, offset)| *offset);
                let known = producer.sent.iter().any(|(sent, _)| sent.producer.1 == producer.epoch);
                let first_of_all = producer.sent.is_empty();
                let result = log.append_test(&batch);
                if sequence < 0 {
                    assert!(matches!(result, Err(AppendError::Batch(_))));
                } else if let Some(offset) = duplicate {
                    assert_eq!(result.unwrap().base_offset, offset);
                } else if off == 0 || first_of_all {
                    let producer = model.producers.get_mut(&id).unwrap();
                    producer.next = sequence + count as i32;
                    producer.sent.push((batch.clone(), model.end));
                    assert_eq!(result.unwrap().base_offset, model.append(&batch));
                } else {
                    assert!(matches!(result, Err(AppendError::OutOfOrderSequence)), "{known}");
                }
            }
            Step::Resend { producer, back } => {
                let Some(producer) = model.producers.get(&producer) else { continue };
                let current = producer.sent.iter().filter(|(sent, _)| sent.producer.1 == producer.epoch);
                let current: Vec<_> = current.collect();
                let Some((batch, offset)) = current.iter().rev().nth(back) else { continue };
                let result = log.append_test(batch);
                if back < 5 {
                    assert_eq!(result.unwrap().base_offset, *offset);
                } else {
                    assert!(matches!(result, Err(AppendError::OutOfOrderSequence)));
                }
            }
            Step::NewEpoch { producer: id } => {
                let Some(producer) = model.producers.get_mut(&id).filter(|producer| !producer.sent.is_empty()) else {
                    continue;
                };
                let old = TestBatch { producer: (id, producer.epoch, producer.next), ..TestBatch::of(1) };
                producer.epoch += 1;
                let batch = TestBatch { producer: (id, producer.epoch, 0), ..TestBatch::of(1) };
                producer.next = 1;
                producer.sent.push((batch.clone(), model.end));
                assert_eq!(log.append_test(&batch).unwrap().base_offset, model.append(&batch));
                assert!(matches!(log.append_test(&old), Err(AppendError::OldProducerEpoch)));
            }
            Step::Reopen => {
                drop(log);
                log = open(dir.path(), small.clone(), &clock);
            }
            Step::Checkpoint => log.checkpoint().unwrap(),
            Step::LoseSideFiles => {
                // Only where no batch was deleted: those that are gone cannot tell of their producers.
                if model.start > 0 {
                    continue;
                }
                drop(log);
                for entry in fs::read_dir(dir.path().join("0")).into_iter().flatten() {
                    let path = entry.unwrap().path();
                    if path.extension().is_none_or(|extension| extension != "log") {
                        fs::remove_file(path).unwrap();
                    }
                }
                log = open(dir.path(), small.clone(), &clock);
            }
            Step::Tear { bytes } => {
                drop(log);
                if let Some(name) = segment_files(dir.path()).last() {
                    let path = dir.path().join("0").join(name);
                    let mut file = fs::read(&path).unwrap();
                    let mut batch =
                        TestBatch { values: vec![vec![b't'; 100]], ..TestBatch::default() }.bytes().to_vec();
                    batch[..8].copy_from_slice(&model.end.to_be_bytes());
                    assert!(bytes < batch.len());
                    file.extend_from_slice(&batch[..bytes]);
                    fs::write(&path, file).unwrap();
                }
                log = open(dir.path(), small.clone(), &clock);
            }
            Step::Retention { bytes } => {
                log.configure(LogConfig { retention_bytes: bytes, ..small.clone() }.into());
                log.apply_retention(clock.now()).unwrap();
                log.configure(small.clone().into());
                // Which segments go depends on where they were cut; the start must be at a batch that was there, what
                // is left must be within a segment of the limit, and no more may be gone than the limit allows.
                let start = log.log_start_offset();
                assert!(start >= model.start);
                let starts = model.batches.iter().any(|(base, ..)| *base == start);
                assert!(start == model.start || starts || start == model.end);
                if start > model.start {
                    assert!(log.size_bytes() >= bytes as u64);
                }
                assert!(log.size_bytes() < bytes as u64 + 2 * (SEGMENT_BYTES + 1000));
                model.start = start;
            }
            Step::DeleteBefore { part } => {
                let offset = model.at(part);
                assert_eq!(log.delete_records_before(offset).unwrap(), offset);
                model.start = offset;
            }
            Step::Clean => {
                log.clean().unwrap();
                model.start = model.end;
            }
            Step::Read { part, max } => {
                let offset = model.at(part);
                let records = log.read(offset, max, false).unwrap().records;
                assert!(records.len() <= max);
                if let Ok((header, _)) = crate::log::batch::first_whole(&records) {
                    assert!(header.base_offset <= offset && offset < header.next_offset());
                }
            }
        }
        check(&log, &model);
    }
    drop(log);
    check(&open(dir.path(), small, &clock), &model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_log_equals_a_list_of_batches(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
