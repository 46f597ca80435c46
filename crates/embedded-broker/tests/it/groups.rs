use std::collections::BTreeMap;

use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetDeleteRequest,
    OffsetFetchRequest, SyncGroupRequest,
    join_group_request::JoinGroupRequestProtocol,
    leave_group_request::MemberIdentity,
    offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic},
    offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics},
    sync_group_request::SyncGroupRequestAssignment,
};
use twinkey_embedded_broker::NewTopic;
use twinkey_kafka_wire::client::Client;

use crate::support::{Server, start, text, topic};

fn group(name: &str) -> GroupId {
    GroupId(text(name))
}

fn create(server: &Server) {
    server.broker.create_topic(NewTopic { name: "w-t".to_owned(), partitions: 2, config: BTreeMap::new() }).unwrap();
}

fn wish(member_id: &str) -> JoinGroupRequest {
    // Version 1 of a consumer's subscription to `t`.
    let metadata: &[u8] = &[0, 1, 0, 0, 0, 1, 0, 3, b'w', b'-', b't', 255, 255, 255, 255, 0, 0, 0, 0];
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range")).with_metadata(metadata.into());
    JoinGroupRequest::default()
        .with_group_id(group("w-g"))
        .with_session_timeout_ms(6_000)
        .with_rebalance_timeout_ms(6_000)
        .with_member_id(text(member_id))
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol])
}

/// Joins as a client of this version does.
async fn join(client: &mut Client, version: i16) -> JoinGroupResponse {
    let mut answer = client.call(wish(""), version).await.unwrap();
    if version >= 4 {
        assert_eq!(answer.error_code, 79);
        answer = client.call(wish(&answer.member_id), version).await.unwrap();
    }
    assert_eq!(answer.error_code, 0);
    assert_eq!((&answer.leader, answer.members.len()), (&answer.member_id, 1));
    answer
}

async fn sync(client: &mut Client, joined: &JoinGroupResponse, version: i16) {
    let assignment = SyncGroupRequestAssignment::default()
        .with_member_id(joined.member_id.clone())
        .with_assignment(b"all"[..].into());
    let mut request = SyncGroupRequest::default()
        .with_group_id(group("w-g"))
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_assignments(vec![assignment]);
    if version >= 5 {
        request = request.with_protocol_type(Some(text("consumer"))).with_protocol_name(Some(text("range")));
    }
    let synced = client.call(request, version).await.unwrap();
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"all"[..]));
}

fn commit(joined: &JoinGroupResponse, topics: &[(&str, i32)]) -> OffsetCommitRequest {
    let topics = topics.iter().map(|(name, partition)| {
        let partition =
            OffsetCommitRequestPartition::default().with_partition_index(*partition).with_committed_offset(7);
        OffsetCommitRequestTopic::default().with_name(topic(name)).with_partitions(vec![partition])
    });
    OffsetCommitRequest::default()
        .with_group_id(group("w-g"))
        .with_generation_id_or_member_epoch(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_topics(topics.collect())
}

#[tokio::test]
async fn a_member_lives_and_leaves_in_every_version() {
    let server = start().await;
    create(&server);
    let mut client = server.client("tk-1").await;
    for version in 0..=9 {
        let joined = join(&mut client, version).await;
        sync(&mut client, &joined, version.min(5)).await;
        let beat = HeartbeatRequest::default()
            .with_group_id(group("w-g"))
            .with_generation_id(joined.generation_id)
            .with_member_id(joined.member_id.clone());
        assert_eq!(client.call(beat, version.min(4)).await.unwrap().error_code, 0);
        let committed = commit(&joined, &[("w-t", 0), ("w-t", 9), ("w-none", 0), ("other-t", 0)]);
        let answer = client.call(committed, version.max(2)).await.unwrap();
        let codes: Vec<i16> = answer.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
        assert_eq!(codes, [0, 3, 3, 29]);
        let described = client
            .call(DescribeGroupsRequest::default().with_groups(vec![group("w-g"), group("other-g")]), version.min(6))
            .await
            .unwrap();
        assert_eq!((&*described.groups[0].group_state, described.groups[0].members.len()), ("Stable", 1));
        assert_eq!(&described.groups[0].members[0].member_assignment[..], b"all");
        assert_eq!(described.groups[1].error_code, 30);
        let leave = LeaveGroupRequest::default().with_group_id(group("w-g"));
        let leave = if version < 3 {
            leave.with_member_id(joined.member_id.clone())
        } else {
            leave.with_members(vec![MemberIdentity::default().with_member_id(joined.member_id.clone())])
        };
        let left = client.call(leave, version.min(5)).await.unwrap();
        assert_eq!((left.error_code, left.members.iter().all(|member| member.error_code == 0)), (0, true));
        let wrong = client.call(wish("stranger"), version).await.unwrap();
        assert_eq!((wrong.error_code, &*wrong.member_id), (25, "stranger"));
    }
}

#[tokio::test]
async fn offsets_are_found_listed_and_deleted_in_every_version() {
    let server = start().await;
    create(&server);
    let mut client = server.client("tk-1").await;
    let nobody = JoinGroupResponse::default().with_generation_id(-1);
    assert_eq!(client.call(commit(&nobody, &[("w-t", 1)]), 8).await.unwrap().topics[0].partitions[0].error_code, 0);
    for version in 1..=7 {
        let named = OffsetFetchRequestTopic::default().with_name(topic("w-t")).with_partition_indexes(vec![0, 1]);
        let request = OffsetFetchRequest::default().with_group_id(group("w-g")).with_topics(Some(vec![named]));
        let answer = client.call(request, version).await.unwrap();
        let offsets: Vec<i64> =
            answer.topics[0].partitions.iter().map(|partition| partition.committed_offset).collect();
        assert_eq!(offsets, [-1, 7]);
        if version >= 2 {
            let request = OffsetFetchRequest::default().with_group_id(group("w-g")).with_topics(None);
            let answer = client.call(request, version).await.unwrap();
            assert_eq!((answer.topics.len(), answer.topics[0].partitions[0].partition_index), (1, 1));
        }
    }
    for version in 8..=9 {
        let named = OffsetFetchRequestTopics::default().with_name(topic("w-t")).with_partition_indexes(vec![1]);
        let of = |name: &str, topics| OffsetFetchRequestGroup::default().with_group_id(group(name)).with_topics(topics);
        let groups = vec![of("w-g", Some(vec![named])), of("w-g", None), of("other-g", None)];
        let answer = client.call(OffsetFetchRequest::default().with_groups(groups), version).await.unwrap();
        assert_eq!(answer.groups[0].topics[0].partitions[0].committed_offset, 7);
        assert_eq!(answer.groups[1].topics[0].partitions[0].committed_offset, 7);
        assert_eq!(answer.groups[2].error_code, 30);
    }
    for version in 0..=5 {
        let listed = client.call(ListGroupsRequest::default(), version).await.unwrap();
        assert_eq!(listed.groups.iter().map(|listed| &**listed.group_id).collect::<Vec<_>>(), ["w-g"]);
        if version >= 4 {
            let stable = ListGroupsRequest::default().with_states_filter(vec![text("Stable")]);
            assert!(client.call(stable, version).await.unwrap().groups.is_empty());
        }
        if version >= 5 {
            let of_type = |name: &str| ListGroupsRequest::default().with_types_filter(vec![text(name)]);
            assert_eq!(client.call(of_type("Classic"), version).await.unwrap().groups.len(), 1);
            assert!(client.call(of_type("consumer"), version).await.unwrap().groups.is_empty());
        }
        let mut stranger = server.client("tk-x").await;
        assert!(stranger.call(ListGroupsRequest::default(), version).await.unwrap().groups.is_empty());
    }
    let partitions = vec![OffsetDeleteRequestPartition::default().with_partition_index(1)];
    let named = OffsetDeleteRequestTopic::default().with_name(topic("w-t")).with_partitions(partitions);
    let delete = OffsetDeleteRequest::default().with_group_id(group("w-g")).with_topics(vec![named]);
    assert_eq!(client.call(delete.clone(), 0).await.unwrap().topics[0].partitions[0].error_code, 0);
    assert_eq!(client.call(delete, 0).await.unwrap().error_code, 69);
    for version in 0..=2 {
        client.call(commit(&nobody, &[("w-t", 1)]), 8).await.unwrap();
        let names = vec![group("w-g"), group("w-none"), group("other-g")];
        let answer = client.call(DeleteGroupsRequest::default().with_groups_names(names), version).await.unwrap();
        assert_eq!(answer.results.iter().map(|result| result.error_code).collect::<Vec<_>>(), [0, 69, 30]);
    }
}

#[tokio::test]
async fn a_topic_that_is_created_again_does_not_inherit_offsets() {
    let server = start().await;
    create(&server);
    let mut client = server.client("tk-1").await;
    let nobody = JoinGroupResponse::default().with_generation_id(-1);
    client.call(commit(&nobody, &[("w-t", 1)]), 8).await.unwrap();
    server.broker.delete_topic("w-t").unwrap();
    create(&server);
    let named = OffsetFetchRequestTopic::default().with_name(topic("w-t")).with_partition_indexes(vec![1]);
    let request = OffsetFetchRequest::default().with_group_id(group("w-g")).with_topics(Some(vec![named]));
    assert_eq!(client.call(request, 7).await.unwrap().topics[0].partitions[0].committed_offset, -1);
}

#[tokio::test]
async fn the_coordinator_of_every_group_is_this_node_and_transactions_have_none() {
    let server = start().await;
    let mut client = server.client("tk-1").await;
    let port = i32::from(server.broker.local_addr().port());
    for version in 0..=6 {
        for (key, kind, code) in [("w-g", 0, 0), ("other-g", 0, 30), ("w-x", 1, 53), ("other-x", 1, 53), ("w-s", 2, 42)]
        {
            if version == 0 && kind > 0 {
                continue;
            }
            let request = FindCoordinatorRequest::default().with_key_type(kind);
            if version < 4 {
                let found = client.call(request.with_key(text(key)), version).await.unwrap();
                assert_eq!((found.error_code, found.port), (code, if code == 0 { port } else { -1 }), "{key}");
            } else {
                let found = client.call(request.with_coordinator_keys(vec![text(key)]), version).await.unwrap();
                let found = &found.coordinators[0];
                assert_eq!((&*found.key, found.error_code), (key, code));
                assert_eq!(found.port, if code == 0 { port } else { -1 });
            }
        }
    }
}

#[tokio::test]
async fn whatever_concerns_another_workspace_is_refused_alike() {
    let server = start().await;
    create(&server);
    let mut client = server.client("tk-x").await;
    let nobody = JoinGroupResponse::default().with_generation_id(-1);
    let answer = client.call(commit(&nobody, &[("w-t", 1), ("other-t", 0)]), 8).await.unwrap();
    assert!(answer.topics.iter().all(|topic| topic.partitions[0].error_code == 30));
    assert_eq!(client.call(wish(""), 9).await.unwrap().error_code, 30);
    let w = || group("w-g");
    assert_eq!(client.call(SyncGroupRequest::default().with_group_id(w()), 5).await.unwrap().error_code, 30);
    assert_eq!(client.call(HeartbeatRequest::default().with_group_id(w()), 4).await.unwrap().error_code, 30);
    assert_eq!(client.call(LeaveGroupRequest::default().with_group_id(w()), 5).await.unwrap().error_code, 30);
    assert_eq!(client.call(OffsetDeleteRequest::default().with_group_id(w()), 0).await.unwrap().error_code, 30);
    assert_eq!(client.call(OffsetFetchRequest::default().with_group_id(w()), 7).await.unwrap().error_code, 30);
}

#[tokio::test]
async fn cutting_off_a_token_frees_its_place_in_the_group() {
    let server = start().await;
    let mut first = server.client("tk-1").await;
    let joined = join(&mut first, 9).await;
    sync(&mut first, &joined, 5).await;
    server.people.remove("tk-1");
    server.broker.cut_off("tk-1").await;
    // With the old member still there, this would wait for its session to end and then lead two.
    let mut second = server.client("tk-2").await;
    let joined = join(&mut second, 9).await;
    assert_eq!(joined.members.len(), 1);
}
