//! `OffsetFetch`: of one group (to v7) or of several (KIP-709), of some partitions or of all.
//!
//! `require_stable` (KIP-447) changes nothing as long as there are no transactions: every offset is stable.

use kafka_protocol::{
    messages::{
        OffsetFetchRequest, OffsetFetchResponse, TopicName,
        offset_fetch_request::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
        offset_fetch_response::{
            OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
            OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
    protocol::StrBytes,
};

use super::Context;
use crate::groups::{Committed, GroupError};

/// The version from which several groups may be asked for.
const SEVERAL_GROUPS: i16 = 8;

/// What the groups committed. Topics outside the scope are refused where named, and left out where all are asked for.
pub(crate) async fn handle(ctx: &Context, version: i16, request: OffsetFetchRequest) -> OffsetFetchResponse {
    if version >= SEVERAL_GROUPS {
        let groups = request.groups.into_iter().map(|group| fetch(ctx, group)).collect();
        return OffsetFetchResponse::default().with_groups(groups);
    }
    let topics = request.topics.map(|topics| {
        let named = topics.into_iter().map(|topic| {
            OffsetFetchRequestTopics::default().with_name(topic.name).with_partition_indexes(topic.partition_indexes)
        });
        named.collect()
    });
    let group = fetch(ctx, OffsetFetchRequestGroup::default().with_group_id(request.group_id).with_topics(topics));
    let topics = group.topics.into_iter().map(older_topic).collect();
    OffsetFetchResponse::default().with_error_code(group.error_code).with_topics(topics)
}

fn fetch(ctx: &Context, group: OffsetFetchRequestGroup) -> OffsetFetchResponseGroup {
    let response = OffsetFetchResponseGroup::default().with_group_id(group.group_id.clone());
    if !ctx.session.scope.contains(&group.group_id) {
        return response.with_error_code(GroupError::NotAuthorized.code());
    }
    response.with_topics(match group.topics {
        Some(topics) => topics.into_iter().map(|topic| some_of(ctx, &group.group_id, topic)).collect(),
        None => all_of(ctx, &group.group_id),
    })
}

fn some_of(ctx: &Context, group_id: &str, topic: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics {
    let indexes = topic.partition_indexes;
    let partitions = if ctx.session.scope.contains(&topic.name) {
        let id = ctx.broker.topics.get(&topic.name).map(|topic| topic.id);
        let offsets = ctx.broker.groups.committed(group_id, &topic.name, &indexes);
        // An offset of an earlier topic of this name says nothing of the present one.
        let offset = |offset: Option<Committed>| offset.filter(|offset| Some(offset.topic_id()) == id);
        indexes.into_iter().zip(offsets).map(|(index, found)| partition(index, offset(found))).collect()
    } else {
        let refused = |index| partition(index, None).with_error_code(GroupError::TopicNotAuthorized.code());
        indexes.into_iter().map(refused).collect()
    };
    OffsetFetchResponseTopics::default().with_name(topic.name).with_partitions(partitions)
}

fn all_of(ctx: &Context, group_id: &str) -> Vec<OffsetFetchResponseTopics> {
    let mut topics: Vec<OffsetFetchResponseTopics> = Vec::new();
    for (name, index, committed) in ctx.broker.groups.all_committed(group_id) {
        let exists = ctx.broker.topics.get(&name).is_some_and(|topic| topic.id == committed.topic_id());
        if !exists || !ctx.session.scope.contains(&name) {
            continue;
        }
        let partition = partition(index, Some(committed));
        match topics.last_mut().filter(|topic| *topic.name == *name) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(
                OffsetFetchResponseTopics::default()
                    .with_name(TopicName(StrBytes::from_string(name)))
                    .with_partitions(vec![partition]),
            ),
        }
    }
    topics
}

/// One partition; an offset of -1 means that there is none.
fn partition(index: i32, committed: Option<Committed>) -> OffsetFetchResponsePartitions {
    let partition = OffsetFetchResponsePartitions::default().with_partition_index(index);
    match committed {
        None => {
            partition.with_committed_offset(-1).with_committed_leader_epoch(-1).with_metadata(Some(StrBytes::new()))
        }
        Some(committed) => partition
            .with_committed_offset(committed.offset)
            .with_committed_leader_epoch(committed.leader_epoch)
            .with_metadata(Some(committed.metadata.into())),
    }
}

fn older_topic(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.into_iter().map(|partition| {
        OffsetFetchResponsePartition::default()
            .with_partition_index(partition.partition_index)
            .with_committed_offset(partition.committed_offset)
            .with_committed_leader_epoch(partition.committed_leader_epoch)
            .with_metadata(partition.metadata)
            .with_error_code(partition.error_code)
    });
    let partitions = partitions.collect();
    OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions)
}
