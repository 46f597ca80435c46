//! A member of a consumer group, as far as tests need one.

use std::time::Duration;

use kafka_protocol::{
    messages::{
        FindCoordinatorRequest, GroupId, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest,
        join_group_request::JoinGroupRequestProtocol,
        offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    },
    protocol::StrBytes,
};

use crate::kafka::{Stream, name};

/// Between two attempts: a cluster may have to choose a coordinator first.
const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPTS: usize = 600;

/// A member's place in a group.
pub struct Member {
    group: GroupId,
    id: StrBytes,
    generation: i32,
}

impl Stream {
    /// Joins a group of this full id as its only member.
    pub async fn join(&mut self, group: &str) -> Member {
        let id = StrBytes::from_string(group.to_owned());
        let protocol = JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
        let mut join = JoinGroupRequest::default()
            .with_group_id(GroupId(id.clone()))
            .with_session_timeout_ms(30_000)
            .with_rebalance_timeout_ms(30_000)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        // The first answers may be: no coordinator yet; then: here is your member id, come again.
        for _ in 0..ATTEMPTS {
            let find = FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(vec![id.clone()]);
            self.client.call(find, 4).await.expect("connected");
            let answer = self.client.call(join.clone(), 5).await.expect("connected");
            if answer.error_code == 0 {
                let member = Member { group: GroupId(id), id: answer.member_id, generation: answer.generation_id };
                let sync = SyncGroupRequest::default()
                    .with_group_id(member.group.clone())
                    .with_member_id(member.id.clone())
                    .with_generation_id(member.generation);
                assert_eq!(self.client.call(sync, 3).await.expect("connected").error_code, 0);
                return member;
            }
            join.member_id = answer.member_id;
            tokio::time::sleep(PAUSE).await;
        }
        panic!("not a member within a minute");
    }

    /// Commits offsets of a topic: partitions and the next offset of each.
    pub async fn commit(&mut self, member: &Member, topic: &str, offsets: &[(i32, i64)]) {
        let partition = |(partition, offset): &(i32, i64)| {
            OffsetCommitRequestPartition::default().with_partition_index(*partition).with_committed_offset(*offset)
        };
        let topic = OffsetCommitRequestTopic::default()
            .with_name(name(topic))
            .with_partitions(offsets.iter().map(partition).collect());
        let request = OffsetCommitRequest::default()
            .with_group_id(member.group.clone())
            .with_member_id(member.id.clone())
            .with_generation_id_or_member_epoch(member.generation)
            .with_topics(vec![topic]);
        let answer = self.client.call(request, 7).await.expect("connected");
        assert!(answer.topics.iter().flat_map(|topic| &topic.partitions).all(|it| it.error_code == 0), "{answer:?}");
    }

    /// Leaves a group.
    pub async fn leave(&mut self, member: Member) {
        let request = LeaveGroupRequest::default().with_group_id(member.group).with_member_id(member.id);
        assert_eq!(self.client.call(request, 2).await.expect("connected").error_code, 0);
    }
}
