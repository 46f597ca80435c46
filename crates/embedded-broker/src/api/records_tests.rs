//! The handlers of records, called as the dispatcher calls them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        DeleteRecordsRequest, FetchRequest, FetchResponse, InitProducerIdRequest, ListOffsetsRequest,
        OffsetForLeaderEpochRequest, ProduceRequest, TopicName, TransactionalId,
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::PartitionData,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
        offset_for_leader_epoch_request::{OffsetForLeaderPartition, OffsetForLeaderTopic},
        produce_request::{PartitionProduceData, TopicProduceData},
        produce_response::PartitionProduceResponse,
    },
    protocol::{Encodable, Message, StrBytes},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Context, delete_records, fetch, init_producer_id, list_offsets, offset_for_leader_epoch, produce,
    testing::{context, shared},
};
use crate::{
    NewTopic,
    log::testing::{TestBatch, TestClock},
};

/// A broker with the topics `acme-a` and `other-a`, and someone of `acme`.
struct Fixture {
    _dir: tempfile::TempDir,
    acme: Context,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let broker = shared(dir.path(), &TestClock::default().clock());
    for name in ["acme-a", "other-a"] {
        let topic = NewTopic { name: name.to_owned(), partitions: 2, config: BTreeMap::new() };
        broker.topics.create(topic).unwrap();
    }
    let acme = context(&broker, "acme");
    Fixture { _dir: dir, acme }
}

fn name(text: &str) -> TopicName {
    TopicName(StrBytes::from_string(text.to_owned()))
}

fn transactional(id: &str) -> TransactionalId {
    TransactionalId(StrBytes::from_string(id.to_owned()))
}

fn produce_request(topic: &str, index: i32, records: Option<Bytes>) -> ProduceRequest {
    let partition = PartitionProduceData::default().with_index(index).with_records(records);
    let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![partition]);
    ProduceRequest::default().with_transactional_id(None).with_acks(-1).with_topic_data(vec![topic])
}

impl Fixture {
    async fn produce(&self, request: ProduceRequest) -> PartitionProduceResponse {
        let mut response = produce::handle(&self.acme, produce::NEWEST, request).await;
        response.responses.remove(0).partition_responses.remove(0)
    }

    async fn append(&self, count: usize) -> i64 {
        let answer = self.produce(produce_request("acme-a", 0, Some(TestBatch::of(count).bytes()))).await;
        assert_eq!(answer.error_code, 0);
        answer.base_offset
    }

    async fn fetch(&self, request: FetchRequest) -> PartitionData {
        let mut response = fetch::handle(&self.acme, 12, request).await;
        assert_eq!((response.error_code, response.session_id), (0, 0));
        response.responses.remove(0).partitions.remove(0)
    }
}

fn asked(offset: i64) -> FetchPartition {
    FetchPartition::default().with_current_leader_epoch(-1).with_fetch_offset(offset).with_partition_max_bytes(1 << 20)
}

fn fetch_request(topic: FetchTopic) -> FetchRequest {
    FetchRequest::default().with_max_wait_ms(500).with_min_bytes(1).with_max_bytes(1 << 20).with_topics(vec![topic])
}

fn fetch_at(topic: &str, offset: i64) -> FetchRequest {
    fetch_request(FetchTopic::default().with_topic(name(topic)).with_partitions(vec![asked(offset)]))
}

#[tokio::test]
async fn what_was_produced_is_fetched() {
    let fixture = fixture();
    assert_eq!(fixture.append(3).await, 0);
    assert_eq!(fixture.append(2).await, 3);
    let answer = fixture.fetch(fetch_at("acme-a", 0)).await;
    assert_eq!(
        (answer.error_code, answer.high_watermark, answer.last_stable_offset, answer.log_start_offset),
        (0, 5, 5, 0)
    );
    assert_eq!(answer.aborted_transactions, None);
    assert_eq!(answer.records.unwrap().len(), TestBatch::of(3).bytes().len() + TestBatch::of(2).bytes().len());
    let committed = fixture.fetch(fetch_at("acme-a", 3).with_isolation_level(1)).await;
    assert_eq!(committed.aborted_transactions, Some(vec![]));
    assert_eq!(committed.records.unwrap().len(), TestBatch::of(2).bytes().len());
}

#[tokio::test]
async fn every_refusal_of_a_produce_has_its_code() {
    let fixture = fixture();
    let good = || Some(TestBatch::of(1).bytes());
    let bad = |change: fn(&mut TestBatch)| {
        let mut batch = TestBatch::of(1);
        change(&mut batch);
        Some(batch.bytes())
    };
    let mut flipped = TestBatch::of(1).bytes().to_vec();
    *flipped.last_mut().unwrap() ^= 1;
    let cases = [
        ("acme-b", 0, good(), 3),
        ("acme-a", 2, good(), 3),
        ("acme-a", -1, good(), 3),
        ("other-a", 0, good(), 29),
        ("other-none", 0, good(), 29),
        ("acme-a", 0, None, 87),
        ("acme-a", 0, Some(Bytes::new()), 87),
        ("acme-a", 0, Some(flipped.into()), 2),
        ("acme-a", 0, bad(|batch| batch.attributes = 0x10), 48),
        ("acme-a", 0, bad(|batch| batch.attributes = 0x20), 87),
        ("acme-a", 0, bad(|batch| batch.attributes = 7), 76),
        ("acme-a", 0, bad(|batch| batch.attributes = 8), 32),
        ("acme-a", 0, bad(|batch| batch.count_off = 1), 87),
        ("acme-a", 0, bad(|batch| batch.values = vec![vec![0; 1 << 20]]), 10),
    ];
    for (topic, index, records, code) in cases {
        let answer = fixture.produce(produce_request(topic, index, records)).await;
        assert_eq!(
            (answer.error_code, answer.base_offset, answer.index),
            (code, -1, index),
            "{topic} {:?}",
            answer.error_message
        );
    }
    for (id, code) in [("acme-t", 48), ("other-t", 53)] {
        let request = produce_request("acme-a", 0, good()).with_transactional_id(Some(transactional(id)));
        assert_eq!(fixture.produce(request).await.error_code, code);
    }
    assert_eq!(fixture.produce(produce_request("acme-a", 0, good()).with_acks(2)).await.error_code, 21);
    assert_eq!(fixture.append(1).await, 0, "nothing was stored");
}

#[tokio::test]
async fn idempotent_producers_get_their_codes() {
    let fixture = fixture();
    let send = async |epoch, sequence| {
        let batch = TestBatch { producer: (9, epoch, sequence), ..TestBatch::of(1) };
        let answer = fixture.produce(produce_request("acme-a", 0, Some(batch.bytes()))).await;
        (answer.error_code, answer.base_offset)
    };
    assert_eq!(send(1, 0).await, (0, 0));
    assert_eq!(send(1, 0).await, (0, 0));
    assert_eq!(send(1, 2).await, (45, -1));
    assert_eq!(send(0, 1).await, (47, -1));
    assert_eq!(send(1, 1).await, (0, 1));
}

#[tokio::test]
async fn refusals_of_a_fetch_come_at_once_with_their_codes() {
    let fixture = fixture();
    fixture.append(3).await;
    let before = Instant::now();
    for (topic, offset, code) in
        [("acme-a", 4, 1), ("acme-a", -1, 1), ("acme-b", 0, 3), ("other-a", 0, 29), ("other-none", 0, 29)]
    {
        let request = fetch_at(topic, offset).with_max_wait_ms(i32::MAX);
        let answer = fixture.fetch(request).await;
        assert_eq!((answer.error_code, answer.high_watermark), (code, -1), "{topic} {offset}");
    }
    for (epoch, code) in [(1, 75), (-2, 74)] {
        let topic = FetchTopic::default().with_topic(name("acme-a"));
        let topic = topic.with_partitions(vec![asked(0).with_current_leader_epoch(epoch)]);
        assert_eq!(fixture.fetch(fetch_request(topic)).await.error_code, code);
    }
    for (session, epoch, code) in [(5, 1, 70), (0, 1, 71)] {
        let request = fetch_at("acme-a", 0).with_session_id(session).with_session_epoch(epoch);
        assert_eq!(fetch::handle(&fixture.acme, 12, request).await.error_code, code);
    }
    let many = FetchTopic::default().with_topic(name("acme-a")).with_partitions(vec![asked(0); 20_001]);
    assert_eq!(fetch::handle(&fixture.acme, 12, fetch_request(many)).await.error_code, 42);
    let empty = FetchRequest::default().with_max_wait_ms(i32::MAX);
    assert_eq!(fetch::handle(&fixture.acme, 12, empty).await, FetchResponse::default());
    assert!(before.elapsed() < Duration::from_mins(1), "nothing waited for max_wait");
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_its_time_and_no_later_than_the_bound() {
    let fixture = fixture();
    for (wait, expected) in [(500, 500), (0, 0), (-1, 0), (i32::MAX, 300_000)] {
        let before = Instant::now();
        let answer = fixture.fetch(fetch_at("acme-a", 0).with_max_wait_ms(wait)).await;
        assert_eq!((answer.error_code, answer.records), (0, Some(Bytes::new())));
        let waited = before.elapsed().as_millis();
        assert!((expected..=expected + 1).contains(&waited), "{wait}: {waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_on_produce_once_there_is_enough() {
    let fixture = Arc::new(fixture());
    let size = TestBatch::of(1).bytes().len() as i32;
    let before = Instant::now();
    let waiting = tokio::spawn({
        let fixture = Arc::clone(&fixture);
        async move { fixture.fetch(fetch_at("acme-a", 0).with_max_wait_ms(60_000).with_min_bytes(size * 3)).await }
    });
    for offset in 0..3 {
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "{offset} batches are not enough");
        assert_eq!(fixture.append(1).await, offset);
    }
    let answer = waiting.await.unwrap();
    assert_eq!(answer.records.unwrap().len() as i32, size * 3);
    assert_eq!(before.elapsed(), Duration::ZERO, "it did not wait for max_wait");
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_wakes_when_its_topic_is_deleted() {
    let fixture = Arc::new(fixture());
    let waiting = tokio::spawn({
        let fixture = Arc::clone(&fixture);
        async move { fixture.fetch(fetch_at("acme-a", 0).with_max_wait_ms(60_000)).await }
    });
    tokio::task::yield_now().await;
    let before = Instant::now();
    fixture.acme.broker.topics.delete("acme-a").unwrap();
    assert_eq!(waiting.await.unwrap().error_code, 3);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn sizes_are_limited_for_each_partition_and_for_the_answer_but_the_first_batch_comes_whole() {
    let fixture = fixture();
    for index in [0, 0, 1] {
        let answer = fixture.produce(produce_request("acme-a", index, Some(TestBatch::of(1).bytes()))).await;
        assert_eq!(answer.error_code, 0);
    }
    let size = TestBatch::of(1).bytes().len();
    let lengths = async |partition_max: usize, max: usize| {
        let partitions =
            [0, 1].map(|index| asked(0).with_partition(index).with_partition_max_bytes(partition_max as i32));
        let topic = FetchTopic::default().with_topic(name("acme-a")).with_partitions(partitions.to_vec());
        let request = fetch_request(topic).with_max_bytes(max as i32);
        let response = fetch::handle(&fixture.acme, 12, request).await;
        let partitions = &response.responses[0].partitions;
        [0, 1].map(|index: usize| partitions[index].records.as_ref().unwrap().len())
    };
    assert_eq!(lengths(size * 2, size * 3).await, [size * 2, size]);
    assert_eq!(lengths(size, size * 3).await, [size, size]);
    assert_eq!(lengths(size * 2, size * 2).await, [size * 2, 0]);
    assert_eq!(lengths(1, 1).await, [size, 0]);
    assert_eq!(lengths(0, 0).await, [size, 0]);
}

#[tokio::test]
async fn topic_ids_tell_nothing_about_other_workspaces() {
    let fixture = fixture();
    fixture.append(1).await;
    let id = |name| fixture.acme.broker.topics.get(name).unwrap().id;
    for (id, code) in [(id("acme-a"), 0), (id("other-a"), 100), (Uuid::from_u128(1), 100)] {
        let topic = FetchTopic::default().with_topic_id(id).with_partitions(vec![asked(0)]);
        let response = fetch::handle(&fixture.acme, 13, fetch_request(topic)).await;
        assert_eq!(response.responses[0].topic_id, id);
        assert_eq!(response.responses[0].partitions[0].error_code, code);
    }
}

#[tokio::test]
async fn list_offsets_knows_the_special_times() {
    let fixture = fixture();
    fixture.append(3).await;
    fixture.append(2).await;
    fixture.acme.broker.topics.get("acme-a").unwrap().partition(0).unwrap().delete_records_before(1).unwrap();
    let ask = async |topic: &str, version, timestamp| {
        let partition = ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default().with_topics(vec![topic]);
        let response = list_offsets::handle(&fixture.acme, version, request).await;
        let answer = &response.topics[0].partitions[0];
        (answer.error_code, answer.offset, answer.timestamp)
    };
    assert_eq!(ask("acme-a", 10, -1).await, (0, 5, -1));
    assert_eq!(ask("acme-a", 10, -2).await, (0, 1, -1));
    assert_eq!(ask("acme-a", 10, -3).await, (0, 2, 1002));
    assert_eq!(ask("acme-a", 6, -3).await, (35, -1, -1));
    assert_eq!(ask("acme-a", 10, -4).await, (0, 1, -1));
    assert_eq!(ask("acme-a", 10, -5).await, (0, -1, -1));
    assert_eq!(ask("acme-a", 10, i64::MIN).await, (35, -1, -1));
    assert_eq!(ask("acme-a", 1, 0).await, (0, 1, 1001));
    assert_eq!(ask("acme-a", 1, 1003).await, (0, -1, -1));
    assert_eq!(ask("acme-b", 1, -1).await, (3, -1, -1));
    assert_eq!(ask("other-a", 1, -1).await, (29, -1, -1));
}

#[tokio::test]
async fn there_is_one_leader_epoch() {
    let fixture = fixture();
    fixture.append(3).await;
    for (topic, current, epoch, expected) in [
        ("acme-a", -1, 0, (0, 0, 3)),
        ("acme-a", 0, 1, (0, -1, -1)),
        ("acme-a", 1, 0, (75, -1, -1)),
        ("other-a", -1, 0, (29, -1, -1)),
        ("acme-b", -1, 0, (3, -1, -1)),
    ] {
        let partition = OffsetForLeaderPartition::default().with_current_leader_epoch(current).with_leader_epoch(epoch);
        let topic = OffsetForLeaderTopic::default().with_topic(name(topic)).with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
        let response = offset_for_leader_epoch::handle(&fixture.acme, 4, request).await;
        let answer = &response.topics[0].partitions[0];
        assert_eq!((answer.error_code, answer.leader_epoch, answer.end_offset), expected);
    }
}

#[tokio::test]
async fn delete_records_moves_the_first_offset() {
    let fixture = fixture();
    fixture.append(3).await;
    for (topic, offset, expected) in [
        ("acme-a", 2, (0, 2)),
        ("acme-a", 4, (1, -1)),
        ("acme-a", -1, (0, 3)),
        ("other-a", 0, (29, -1)),
        ("acme-b", 0, (3, -1)),
    ] {
        let partition = DeleteRecordsPartition::default().with_offset(offset);
        let topic = DeleteRecordsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
        let response = delete_records::handle(&fixture.acme, 2, request).await;
        let answer = &response.topics[0].partitions[0];
        assert_eq!((answer.error_code, answer.low_watermark), expected);
    }
}

#[tokio::test]
async fn producer_ids_are_for_idempotence_only() {
    let fixture = fixture();
    let ask = async |id| {
        let request = InitProducerIdRequest::default().with_transactional_id(id);
        let response = init_producer_id::handle(&fixture.acme, 5, request).await;
        (response.error_code, response.producer_id.0, response.producer_epoch)
    };
    let (code, first, epoch) = ask(None).await;
    assert_eq!((code, epoch), (0, 0));
    assert_eq!(ask(None).await, (0, first + 1, 0));
    assert_eq!(ask(Some(transactional("acme-t"))).await, (35, -1, -1));
    assert_eq!(ask(Some(transactional("other-t"))).await, (53, -1, -1));
    assert_eq!(ask(Some(transactional(""))).await, (53, -1, -1));
}

/// The codec refuses to encode a field that a version does not have.
#[tokio::test]
async fn every_answer_can_be_encoded_in_every_version() {
    fn encode<M: Message + Encodable>(response: &M, version: i16) {
        response.encode(&mut BytesMut::new(), version).unwrap_or_else(|error| panic!("version {version}: {error}"));
    }
    let fixture = fixture();
    let acme = &fixture.acme;
    let topics = ["acme-a", "acme-b", "other-a"];
    for version in ProduceRequest::VERSIONS.min..=produce::NEWEST {
        for topic in topics {
            let request = produce_request(topic, 0, Some(TestBatch::of(1).bytes()));
            encode(&produce::handle(acme, version, request).await, version);
        }
    }
    for version in FetchRequest::VERSIONS.min..=fetch::NEWEST {
        for topic in topics {
            for isolation in [0, 1] {
                let request = fetch_at(topic, 0).with_isolation_level(isolation);
                encode(&fetch::handle(acme, version, request).await, version);
            }
        }
    }
    for version in ListOffsetsRequest::VERSIONS.min..=list_offsets::NEWEST {
        for (topic, timestamp) in topics.into_iter().flat_map(|topic| [(topic, -1), (topic, -3), (topic, 0)]) {
            let partition = ListOffsetsPartition::default().with_current_leader_epoch(-1).with_timestamp(timestamp);
            let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
            let request = ListOffsetsRequest::default().with_topics(vec![topic]);
            encode(&list_offsets::handle(acme, version, request).await, version);
        }
    }
    for version in OffsetForLeaderEpochRequest::VERSIONS.min..=offset_for_leader_epoch::NEWEST {
        let topic = OffsetForLeaderTopic::default().with_topic(name("acme-a"));
        let topic = topic.with_partitions(vec![OffsetForLeaderPartition::default()]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![topic]);
        encode(&offset_for_leader_epoch::handle(acme, version, request).await, version);
    }
    for version in DeleteRecordsRequest::VERSIONS.min..=delete_records::NEWEST {
        let topic = DeleteRecordsTopic::default().with_name(name("acme-a"));
        let topic = topic.with_partitions(vec![DeleteRecordsPartition::default()]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]);
        encode(&delete_records::handle(acme, version, request).await, version);
    }
    for version in InitProducerIdRequest::VERSIONS.min..=init_producer_id::NEWEST {
        for id in [None, Some(transactional("acme-t"))] {
            let request = InitProducerIdRequest::default().with_transactional_id(id);
            encode(&init_producer_id::handle(acme, version, request).await, version);
        }
    }
}
