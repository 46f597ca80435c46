use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::{
    messages::*,
    protocol::{Request, StrBytes},
};
use proptest::prelude::*;

use super::{ShapeError, check, walk};

const ENOUGH: usize = 10_000;

/// The request in every version that can hold it.
fn encodings<R: Request>(request: &R) -> Vec<(i16, i16, Bytes)> {
    (R::VERSIONS.min..=R::VERSIONS.max)
        .filter_map(|version| {
            let mut body = BytesMut::new();
            request.encode(&mut body, version).ok()?;
            Some((R::KEY, version, body.freeze()))
        })
        .collect()
}

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

/// Requests with at least one element in each of their arrays, each in several variants where versions differ.
fn samples() -> Vec<(i16, i16, Bytes)> {
    let tags = BTreeMap::from([(99, Bytes::from_static(b"unknown tagged field"))]);
    let topic = || TopicName(text("w-topic"));
    let group = || GroupId(text("w-group"));
    let mut all = Vec::new();
    for flexible in [false, true] {
        let tags = if flexible { tags.clone() } else { BTreeMap::new() };
        let produce = |topics| {
            ProduceRequest::default()
                .with_acks(-1)
                .with_timeout_ms(1)
                .with_topic_data(topics)
                .with_unknown_tagged_fields(tags.clone())
        };
        let partition =
            produce_request::PartitionProduceData::default().with_records(Some(Bytes::from_static(b"records")));
        let data = produce_request::TopicProduceData::default().with_partition_data(vec![partition.clone(), partition]);
        all.extend(encodings(&produce(vec![data.clone().with_name(topic()), data.clone()])));
        all.extend(encodings(&produce(vec![data.with_topic_id(uuid(7))])));
        let fetch = fetch_request::FetchPartition::default().with_partition(3);
        let known = fetch.clone().with_replica_directory_id(uuid(1)).with_high_watermark(5);
        let forgotten = fetch_request::ForgottenTopic::default().with_partitions(vec![1, 2]);
        for partitions in [vec![fetch.clone()], vec![fetch, known]] {
            let one = fetch_request::FetchTopic::default().with_partitions(partitions);
            let plain = FetchRequest::default()
                .with_topics(vec![one.clone()])
                .with_rack_id(text("rack"))
                .with_unknown_tagged_fields(tags.clone());
            all.extend(encodings(&plain));
            all.extend(encodings(&plain.clone().with_forgotten_topics_data(vec![forgotten.clone()])));
            all.extend(encodings(&plain.clone().with_cluster_id(Some(text("cluster")))));
            all.extend(encodings(
                &plain.with_replica_state(fetch_request::ReplicaState::default().with_replica_id(BrokerId(2))),
            ));
        }
        let offsets = list_offsets_request::ListOffsetsPartition::default();
        let listed = list_offsets_request::ListOffsetsTopic::default()
            .with_name(topic())
            .with_partitions(vec![offsets.clone(), offsets]);
        all.extend(encodings(
            &ListOffsetsRequest::default().with_topics(vec![listed]).with_unknown_tagged_fields(tags.clone()),
        ));
        for topics in
            [None, Some(vec![]), Some(vec![metadata_request::MetadataRequestTopic::default().with_name(Some(topic()))])]
        {
            all.extend(encodings(
                &MetadataRequest::default().with_topics(topics).with_unknown_tagged_fields(tags.clone()),
            ));
        }
        let commit =
            offset_commit_request::OffsetCommitRequestPartition::default().with_committed_metadata(Some(text("meta")));
        let commit =
            offset_commit_request::OffsetCommitRequestTopic::default().with_name(topic()).with_partitions(vec![commit]);
        let commit = OffsetCommitRequest::default()
            .with_group_id(group())
            .with_topics(vec![commit])
            .with_unknown_tagged_fields(tags.clone());
        all.extend(encodings(&commit));
        all.extend(encodings(&commit.with_group_instance_id(Some(text("instance")))));
        let old = offset_fetch_request::OffsetFetchRequestTopic::default()
            .with_name(topic())
            .with_partition_indexes(vec![0, 1]);
        all.extend(encodings(
            &OffsetFetchRequest::default()
                .with_group_id(group())
                .with_topics(Some(vec![old]))
                .with_unknown_tagged_fields(tags.clone()),
        ));
        let new = offset_fetch_request::OffsetFetchRequestTopics::default()
            .with_name(topic())
            .with_partition_indexes(vec![0, 1]);
        let new = offset_fetch_request::OffsetFetchRequestGroup::default()
            .with_group_id(group())
            .with_topics(Some(vec![new]));
        all.extend(encodings(
            &OffsetFetchRequest::default().with_groups(vec![new]).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(
            &FindCoordinatorRequest::default().with_key(text("w-group")).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(&FindCoordinatorRequest::default().with_coordinator_keys(vec![text("a"), text("b")])));
        let protocol = join_group_request::JoinGroupRequestProtocol::default()
            .with_name(text("range"))
            .with_metadata(Bytes::from_static(b"m"));
        let join = JoinGroupRequest::default()
            .with_group_id(group())
            .with_protocols(vec![protocol])
            .with_unknown_tagged_fields(tags.clone());
        all.extend(encodings(&join));
        all.extend(encodings(&join.clone().with_group_instance_id(Some(text("instance")))));
        all.extend(encodings(&join.with_reason(Some(text("why")))));
        all.extend(encodings(
            &HeartbeatRequest::default().with_group_id(group()).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(&LeaveGroupRequest::default().with_group_id(group()).with_member_id(text("member"))));
        let leaving = leave_group_request::MemberIdentity::default().with_member_id(text("member"));
        all.extend(encodings(
            &LeaveGroupRequest::default()
                .with_group_id(group())
                .with_members(vec![leaving.clone()])
                .with_unknown_tagged_fields(tags.clone()),
        ));
        let assignment =
            sync_group_request::SyncGroupRequestAssignment::default().with_assignment(Bytes::from_static(b"a"));
        all.extend(encodings(
            &SyncGroupRequest::default()
                .with_group_id(group())
                .with_assignments(vec![assignment])
                .with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(
            &DescribeGroupsRequest::default().with_groups(vec![group()]).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(&ListGroupsRequest::default().with_unknown_tagged_fields(tags.clone())));
        all.extend(encodings(&ListGroupsRequest::default().with_states_filter(vec![text("Stable")])));
        all.extend(encodings(&ListGroupsRequest::default().with_types_filter(vec![text("classic")])));
        all.extend(encodings(&SaslHandshakeRequest::default().with_mechanism(text("PLAIN"))));
        all.extend(encodings(&ApiVersionsRequest::default().with_unknown_tagged_fields(tags.clone())));
        let manual = create_topics_request::CreatableReplicaAssignment::default().with_broker_ids(vec![BrokerId(1)]);
        let config = create_topics_request::CreatableTopicConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("1")));
        let created = create_topics_request::CreatableTopic::default()
            .with_name(topic())
            .with_assignments(vec![manual])
            .with_configs(vec![config]);
        all.extend(encodings(
            &CreateTopicsRequest::default().with_topics(vec![created]).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(
            &DeleteTopicsRequest::default().with_topic_names(vec![topic()]).with_unknown_tagged_fields(tags.clone()),
        ));
        let state = delete_topics_request::DeleteTopicState::default().with_name(Some(topic()));
        all.extend(encodings(
            &DeleteTopicsRequest::default().with_topics(vec![state]).with_unknown_tagged_fields(tags.clone()),
        ));
        let before = delete_records_request::DeleteRecordsPartition::default();
        let before =
            delete_records_request::DeleteRecordsTopic::default().with_name(topic()).with_partitions(vec![before]);
        all.extend(encodings(
            &DeleteRecordsRequest::default().with_topics(vec![before]).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(&InitProducerIdRequest::default().with_unknown_tagged_fields(tags.clone())));
        let epoch = offset_for_leader_epoch_request::OffsetForLeaderPartition::default();
        let epoch = offset_for_leader_epoch_request::OffsetForLeaderTopic::default()
            .with_topic(topic())
            .with_partitions(vec![epoch]);
        all.extend(encodings(
            &OffsetForLeaderEpochRequest::default().with_topics(vec![epoch]).with_unknown_tagged_fields(tags.clone()),
        ));
        let described =
            describe_configs_request::DescribeConfigsResource::default().with_resource_name(text("w-topic"));
        for keys in [None, Some(vec![text("retention.ms")])] {
            all.extend(encodings(
                &DescribeConfigsRequest::default()
                    .with_resources(vec![described.clone().with_configuration_keys(keys)])
                    .with_unknown_tagged_fields(tags.clone()),
            ));
        }
        let set = alter_configs_request::AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_value(Some(text("1")));
        let set = alter_configs_request::AlterConfigsResource::default()
            .with_resource_name(text("w-topic"))
            .with_configs(vec![set]);
        all.extend(encodings(
            &AlterConfigsRequest::default().with_resources(vec![set]).with_unknown_tagged_fields(tags.clone()),
        ));
        let set = incremental_alter_configs_request::AlterableConfig::default()
            .with_name(text("retention.ms"))
            .with_value(None);
        let set = incremental_alter_configs_request::AlterConfigsResource::default()
            .with_resource_name(text("w-topic"))
            .with_configs(vec![set]);
        all.extend(encodings(
            &IncrementalAlterConfigsRequest::default()
                .with_resources(vec![set])
                .with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(
            &SaslAuthenticateRequest::default()
                .with_auth_bytes(Bytes::from_static(b"n,,"))
                .with_unknown_tagged_fields(tags.clone()),
        ));
        let more = create_partitions_request::CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(1)]);
        let more = create_partitions_request::CreatePartitionsTopic::default()
            .with_name(topic())
            .with_assignments(Some(vec![more]));
        all.extend(encodings(
            &CreatePartitionsRequest::default().with_topics(vec![more]).with_unknown_tagged_fields(tags.clone()),
        ));
        all.extend(encodings(
            &DeleteGroupsRequest::default().with_groups_names(vec![group()]).with_unknown_tagged_fields(tags.clone()),
        ));
        let offset = offset_delete_request::OffsetDeleteRequestPartition::default();
        let offset =
            offset_delete_request::OffsetDeleteRequestTopic::default().with_name(topic()).with_partitions(vec![offset]);
        all.extend(encodings(&OffsetDeleteRequest::default().with_group_id(group()).with_topics(vec![offset])));
        all.extend(encodings(&DescribeClusterRequest::default().with_unknown_tagged_fields(tags.clone())));
    }
    all
}

fn uuid(value: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(value)
}

/// What the codec leaves of a body, or `None` if it refuses it.
fn decoded(api: i16, version: i16, body: &Bytes) -> Option<usize> {
    macro_rules! by_key {
        ($($request:ident),*) => {
            match api {
                $(key if key == <$request as Request>::KEY => {
                    let mut rest = body.clone();
                    <$request as kafka_protocol::protocol::Decodable>::decode(&mut rest, version).ok().map(|_| rest.remaining())
                })*
                _ => panic!("API {api}"),
            }
        };
    }
    by_key!(
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
        SaslHandshakeRequest,
        ApiVersionsRequest,
        CreateTopicsRequest,
        DeleteTopicsRequest,
        DeleteRecordsRequest,
        InitProducerIdRequest,
        OffsetForLeaderEpochRequest,
        DescribeConfigsRequest,
        AlterConfigsRequest,
        SaslAuthenticateRequest,
        CreatePartitionsRequest,
        DeleteGroupsRequest,
        IncrementalAlterConfigsRequest,
        OffsetDeleteRequest,
        DescribeClusterRequest
    )
}

#[test]
fn every_request_is_walked_to_its_end_in_every_version() {
    let samples = samples();
    for (api, version, body) in &samples {
        assert_eq!(walk(*api, *version, body, ENOUGH), Ok([].as_slice()), "API {api} version {version}");
    }
    let walked: std::collections::BTreeSet<_> = samples.iter().map(|(api, ..)| *api).collect();
    let known = (0..200).filter(|api| super::requests::layout(*api).is_some());
    assert_eq!(walked.into_iter().collect::<Vec<_>>(), known.collect::<Vec<_>>());
}

#[test]
fn claimed_counts_are_refused() {
    let key = MetadataRequest::KEY;
    assert_eq!(check(key, 1, &i32::MAX.to_be_bytes(), usize::MAX), Err(ShapeError::Short));
    assert_eq!(check(key, 1, &(-2i32).to_be_bytes(), ENOUGH), Err(ShapeError::Length));
    assert_eq!(check(key, 9, &[0xff, 0xff, 0xff, 0xff, 0x0f], ENOUGH), Err(ShapeError::Short));
    let mut many = 1000i32.to_be_bytes().to_vec();
    many.extend(vec![0; 2000]);
    assert_eq!(check(key, 1, &many, 999), Err(ShapeError::TooMany));
    assert_eq!(check(key, 1, &many, 1000), Ok(()));
    assert_eq!(check(3333, 0, &[], ENOUGH), Err(ShapeError::UnknownApi(3333)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the walk lets through, the codec reads to the same place, or refuses: it never goes where the walk
    /// has not been.
    #[test]
    fn the_codec_goes_where_the_walk_has_been(
        pick in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static SAMPLES: std::sync::LazyLock<Vec<(i16, i16, Bytes)>> = std::sync::LazyLock::new(samples);
        let (api, version, body) = pick.get(&SAMPLES);
        let mut body = body.to_vec();
        if !body.is_empty() {
            for (at, byte) in &edits {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            if let Some(cut) = cut {
                body.truncate(cut.index(body.len()));
            }
        }
        if let Ok(rest) = walk(*api, *version, &body, ENOUGH) {
            let rest = rest.len();
            if let Some(left) = decoded(*api, *version, &body.into()) {
                prop_assert_eq!(left, rest);
            }
        }
    }
}
