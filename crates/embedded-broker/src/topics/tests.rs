//! The catalogue: what it refuses, and what is still there after it was opened again.

use std::{collections::BTreeMap, fs, path::Path};

use super::*;
use crate::log::{
    AppendError, ReadError,
    testing::{TestBatch, TestClock},
};

fn new(name: &str) -> NewTopic {
    NewTopic { name: name.to_owned(), partitions: 2, config: BTreeMap::new() }
}

fn open(dir: &Path) -> Catalogue {
    Catalogue::open(dir, TestClock::default().clock()).unwrap()
}

fn directories(dir: &Path) -> usize {
    fs::read_dir(dir.join("topics")).unwrap().count()
}

#[test]
fn topics_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    clock.set(1_000);
    let catalogue = Catalogue::open(dir.path(), clock.clock()).unwrap();
    let config = BTreeMap::from([("retention.ms".to_owned(), "60000".to_owned())]);
    let topic = catalogue.create(NewTopic { config, ..new("acme-clicks") }).unwrap();
    catalogue.create(new("acme-a")).unwrap();
    catalogue.create(new("other-b")).unwrap();
    clock.set(2_000);
    catalogue.add_partitions("acme-clicks", 3).unwrap();
    topic.partition(2).unwrap().append_test(&TestBatch::of(4)).unwrap();
    catalogue.alter_config("acme-clicks", &[ConfigChange::Set("cleanup.policy".into(), "compact".into())]).unwrap();
    drop(catalogue);

    let catalogue = Catalogue::open(dir.path(), clock.clock()).unwrap();
    let again = catalogue.get("acme-clicks").unwrap();
    assert_eq!((again.id, again.created_at, again.updated_at()), (topic.id, topic.created_at, clock.now()));
    assert_eq!(again.partitions().len(), 3);
    assert_eq!(again.config(), topic.config());
    assert_eq!(again.config().retention_ms(), 60_000);
    assert_eq!(again.partition(2).unwrap().high_watermark(), 4);
    assert!(again.partition(3).is_none() && again.partition(-1).is_none());
    assert_eq!(catalogue.get_by_id(topic.id).unwrap().name, "acme-clicks");
    let names: Vec<_> = catalogue.list(&Scope::of_workspace("acme")).iter().map(|topic| topic.name.clone()).collect();
    assert_eq!(names, ["acme-a", "acme-clicks"]);
}

#[test]
fn bad_topics_are_refused_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    catalogue.create(new("acme-a.b")).unwrap();
    let refused = |topic: NewTopic| {
        let validated = catalogue.validate(&topic).unwrap_err();
        let created = catalogue.create(topic).err().unwrap();
        assert_eq!(validated.to_string(), created.to_string());
        created
    };
    assert!(matches!(refused(new("acme-a.b")), TopicError::Exists));
    assert!(matches!(refused(new("acme-a_b")), TopicError::SimilarName(name) if name == "acme-a.b"));
    let long = "a".repeat(250);
    for name in ["", ".", "..", "a b", "a/b", "ä", "../a", "a\0", &long] {
        assert!(matches!(refused(new(name)), TopicError::InvalidName(_)), "{name}");
    }
    for partitions in [i32::MIN, -1, 0, MAX_PARTITIONS + 1, i32::MAX] {
        let topic = NewTopic { partitions, ..new("acme-c") };
        assert!(matches!(refused(topic), TopicError::InvalidPartitions(_)), "{partitions}");
    }
    let config = BTreeMap::from([("retention.ms".to_owned(), "soon".to_owned())]);
    assert!(matches!(refused(NewTopic { config, ..new("acme-c") }), TopicError::InvalidConfig(_)));
    assert_eq!(directories(dir.path()), 1);
    catalogue.create(new(&long[..249])).unwrap();
}

#[test]
fn changes_of_what_is_not_there_or_not_possible_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    catalogue.create(new("acme-a")).unwrap();
    assert!(matches!(catalogue.delete("acme-b"), Err(TopicError::Unknown)));
    assert!(matches!(catalogue.add_partitions("acme-b", 3), Err(TopicError::Unknown)));
    assert!(matches!(catalogue.alter_config("acme-b", &[]), Err(TopicError::Unknown)));
    assert!(matches!(catalogue.clean("acme-b"), Err(TopicError::Unknown)));
    for total in [i32::MIN, 0, 1, 2, MAX_PARTITIONS + 1, i32::MAX] {
        assert!(matches!(catalogue.add_partitions("acme-a", total), Err(TopicError::InvalidPartitions(_))), "{total}");
    }
    let changes =
        [ConfigChange::Set("retention.ms".into(), "1".into()), ConfigChange::Set("colour".into(), "blue".into())];
    assert!(matches!(catalogue.alter_config("acme-a", &changes), Err(TopicError::InvalidConfig(_))));
    assert!(catalogue.get("acme-a").unwrap().config().overrides().is_empty(), "all or nothing");
}

#[test]
fn a_deleted_topic_is_gone_and_its_name_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let old = catalogue.create(new("acme-a")).unwrap();
    let partition = old.partition(0).unwrap();
    partition.append_test(&TestBatch::of(1)).unwrap();
    catalogue.delete("acme-a").unwrap();
    assert!(catalogue.get("acme-a").is_none() && catalogue.get_by_id(old.id).is_none());
    assert!(matches!(partition.append_test(&TestBatch::of(1)), Err(AppendError::Deleted)));
    assert!(matches!(partition.read(0, 1, true), Err(ReadError::Deleted)));
    assert_eq!(directories(dir.path()), 0);
    let new = catalogue.create(new("acme-a")).unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(new.partition(0).unwrap().high_watermark(), 0);
}

#[test]
fn what_a_crash_left_of_topics_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let topic = catalogue.create(new("acme-a")).unwrap();
    topic.partition(0).unwrap().append_test(&TestBatch::of(1)).unwrap();
    catalogue.create(new("acme-b")).unwrap();
    drop(catalogue);
    // A deletion that ended after its commit point, and a creation that ended before it.
    fs::remove_file(topic.dir.join(meta::FILE)).unwrap();
    let begun = dir.path().join("topics").join(Uuid::new_v4().to_string());
    fs::create_dir(&begun).unwrap();
    fs::write(begun.join("meta.json.tmp"), "{\"name\":").unwrap();
    let catalogue = open(dir.path());
    assert!(catalogue.get("acme-a").is_none());
    assert!(catalogue.get("acme-b").is_some());
    assert_eq!(directories(dir.path()), 1);
    catalogue.create(new("acme-a")).unwrap();
}

#[test]
fn cleaning_and_settings_reach_every_partition() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    let topic = catalogue.create(new("acme-a")).unwrap();
    for partition in topic.partitions().iter() {
        partition.append_test(&TestBatch::of(3)).unwrap();
    }
    catalogue.clean("acme-a").unwrap();
    for partition in topic.partitions().iter() {
        assert_eq!((partition.log_start_offset(), partition.high_watermark()), (3, 3));
    }
    catalogue.alter_config("acme-a", &[ConfigChange::Set("max.message.bytes".into(), "10".into())]).unwrap();
    catalogue.add_partitions("acme-a", 3).unwrap();
    for partition in topic.partitions().iter() {
        assert!(matches!(partition.append_test(&TestBatch::of(3)), Err(AppendError::Batch(_))));
    }
}

#[test]
fn producer_ids_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).next_producer_id().unwrap();
    let second = open(dir.path()).next_producer_id().unwrap();
    assert!(second > first);
}

#[test]
fn many_topics_need_few_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let catalogue = open(dir.path());
    for number in 0..700 {
        let topic = catalogue.create(new(&format!("acme-{number}"))).unwrap();
        topic.partition(1).unwrap().append_test(&TestBatch::of(1)).unwrap();
    }
    assert_eq!(catalogue.storage.files.count(), crate::log::CAPACITY);
    for number in 0..700 {
        let partition = catalogue.get(&format!("acme-{number}")).unwrap().partition(1).unwrap();
        assert_eq!(partition.append_test(&TestBatch::of(1)).unwrap().base_offset, 1);
        assert_eq!(partition.read_all(0).len(), 2);
    }
}
