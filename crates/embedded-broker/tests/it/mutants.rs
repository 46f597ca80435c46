//! Requests that are almost right, to every API in every version: nothing that a client sends may make a handler panic.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::*,
    protocol::{Encodable, Request},
};
use twinkey_embedded_broker::NewTopic;
use twinkey_kafka_wire::client::SaslMechanism;

use crate::support::{password_of, start, text, topic};

const CONNECTIONS: usize = 300;
const FRAMES: usize = 12;

/// A small generator, seeded, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

fn frames<R: Request>(all: &mut Vec<Bytes>, request: &R) {
    for version in R::VERSIONS.min..=R::VERSIONS.max {
        let header = RequestHeader::default().with_request_api_key(R::KEY).with_request_api_version(version);
        let mut frame = BytesMut::new();
        header.encode(&mut frame, R::header_version(version)).unwrap();
        if request.encode(&mut frame, version).is_ok() {
            all.push(frame.freeze());
        }
    }
}

fn seeds() -> Vec<Bytes> {
    let mut all = Vec::new();
    macro_rules! defaults { ($($request:ident),*) => { $(frames(&mut all, &$request::default());)* } }
    defaults!(
        ProduceRequest,
        FetchRequest,
        ListOffsetsRequest,
        MetadataRequest,
        OffsetCommitRequest,
        OffsetFetchRequest,
        FindCoordinatorRequest,
        JoinGroupRequest,
        HeartbeatRequest,
        LeaveGroupRequest,
        SyncGroupRequest,
        DescribeGroupsRequest,
        ListGroupsRequest,
        ApiVersionsRequest,
        SaslHandshakeRequest,
        SaslAuthenticateRequest,
        DeleteRecordsRequest,
        InitProducerIdRequest,
        OffsetForLeaderEpochRequest,
        DeleteGroupsRequest,
        OffsetDeleteRequest,
        DescribeClusterRequest
    );
    let group = || GroupId(text("w-group"));
    let records = vec![0u8; 90];
    let data = produce_request::PartitionProduceData::default().with_records(Some(records.into()));
    let data = produce_request::TopicProduceData::default().with_name(topic("w-t")).with_partition_data(vec![data]);
    frames(&mut all, &ProduceRequest::default().with_acks(1).with_transactional_id(None).with_topic_data(vec![data]));
    let partition = fetch_request::FetchPartition::default().with_partition_max_bytes(1000);
    let one = fetch_request::FetchTopic::default().with_topic(topic("w-t")).with_partitions(vec![partition]);
    frames(&mut all, &FetchRequest::default().with_max_bytes(1000).with_topics(vec![one]));
    let partition = list_offsets_request::ListOffsetsPartition::default().with_timestamp(-1);
    let one =
        list_offsets_request::ListOffsetsTopic::default().with_name(topic("w-t")).with_partitions(vec![partition]);
    frames(&mut all, &ListOffsetsRequest::default().with_topics(vec![one]));
    let partition = offset_commit_request::OffsetCommitRequestPartition::default();
    let one = offset_commit_request::OffsetCommitRequestTopic::default()
        .with_name(topic("w-t"))
        .with_partitions(vec![partition]);
    frames(&mut all, &OffsetCommitRequest::default().with_group_id(group()).with_topics(vec![one]));
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(vec![0; 12].into());
    let join =
        JoinGroupRequest::default().with_group_id(group()).with_session_timeout_ms(6000).with_protocols(vec![protocol]);
    frames(&mut all, &join.with_protocol_type(text("consumer")));
    let assignment = sync_group_request::SyncGroupRequestAssignment::default().with_assignment(vec![0; 12].into());
    frames(&mut all, &SyncGroupRequest::default().with_group_id(group()).with_assignments(vec![assignment]));
    let before = delete_records_request::DeleteRecordsPartition::default();
    let one =
        delete_records_request::DeleteRecordsTopic::default().with_name(topic("w-t")).with_partitions(vec![before]);
    frames(&mut all, &DeleteRecordsRequest::default().with_topics(vec![one]));
    let new = create_topics_request::CreatableTopic::default().with_name(topic("w-n")).with_replication_factor(1);
    frames(&mut all, &CreateTopicsRequest::default().with_topics(vec![new]).with_validate_only(true));
    let more = create_partitions_request::CreatePartitionsTopic::default().with_name(topic("w-t")).with_count(2);
    frames(&mut all, &CreatePartitionsRequest::default().with_topics(vec![more]).with_validate_only(true));
    let resource = describe_configs_request::DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("w-t"));
    frames(&mut all, &DescribeConfigsRequest::default().with_resources(vec![resource]));
    let set = incremental_alter_configs_request::AlterableConfig::default().with_name(text("retention.ms"));
    let set = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text("w-t"))
        .with_configs(vec![set]);
    frames(&mut all, &IncrementalAlterConfigsRequest::default().with_resources(vec![set]));
    all
}

#[tokio::test]
async fn nothing_that_a_client_sends_makes_a_handler_panic() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // Other tests of this binary may panic too, which is to fail; only the broker's own code counts here.
        if panic.location().is_some_and(|place| !place.file().contains("tests/it")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        others(panic);
    }));
    let server = start().await;
    let new = NewTopic { name: "w-t".to_owned(), partitions: 1, config: BTreeMap::new() };
    server.broker.create_topic(new).unwrap();
    let seeds = seeds();
    let mut dice = Dice(7);
    for _ in 0..CONNECTIONS {
        let mut client = server.try_sign_in(SaslMechanism::Plain, "tk-1", &password_of("tk-1")).await.unwrap();
        let mut burst = BytesMut::new();
        for _ in 0..FRAMES {
            let mut frame = seeds[dice.roll(seeds.len())].to_vec();
            // The first eight bytes (which API, which version, the correlation id) stay, or little would get far.
            for _ in 0..dice.roll(3) {
                let at = 8 + dice.roll(frame.len() - 8);
                frame[at] = [0, 1, 2, 0x7f, 0x80, 0xff, 100][dice.roll(7)];
            }
            burst.put_u32(u32::try_from(frame.len()).unwrap());
            burst.put_slice(&frame);
        }
        // The broker may have closed the connection at one of the first frames already.
        let _ = client.send_raw(&burst).await;
    }
    server.client("tk-2").await.call(MetadataRequest::default(), 12).await.unwrap();
    server.broker.shutdown().await;
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
