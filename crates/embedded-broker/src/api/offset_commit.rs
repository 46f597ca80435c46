//! `OffsetCommit`. The retention time that versions 2 to 4 may name is not honoured: offsets live as long as the group.

use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse,
    offset_commit_request::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
    offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic},
};

use super::Context;
use crate::{
    groups::{Caller, Committed, GroupError, check_offset_metadata},
    topics::Topic,
};

/// Stores what is valid, all of it or none, and answers for each partition.
pub(crate) async fn handle(ctx: &Context, _version: i16, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let mut offsets = Vec::new();
    let mut refusals = Vec::new();
    for topic in &request.topics {
        let found = topic_of(ctx, topic);
        for partition in &topic.partitions {
            let checked = found.as_ref().map_err(Clone::clone).and_then(|found| committed(found, partition));
            match checked {
                Ok(committed) => {
                    offsets.push((topic.name.to_string(), partition.partition_index, committed));
                    refusals.push(0);
                }
                Err(error) => refusals.push(error.code()),
            }
        }
    }
    let result = if ctx.session.scope.contains(&request.group_id) {
        let caller = Caller {
            generation: request.generation_id_or_member_epoch,
            member_id: request.member_id.to_string(),
            instance_id: request.group_instance_id.map(|id| id.to_string()),
        };
        ctx.broker.groups.commit(&ctx.session.scope, &request.group_id, &caller, offsets)
    } else {
        // Nothing is said of the topics to who may not use the group.
        refusals.fill(0);
        Err(GroupError::NotAuthorized)
    };
    let of_all = crate::groups::code_of(&result);
    let mut codes = refusals.into_iter().map(|code| if code == 0 { of_all } else { code });
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            OffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(codes.next().unwrap_or(of_all))
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions)
    });
    let topics = topics.collect();
    OffsetCommitResponse::default().with_topics(topics)
}

fn topic_of(ctx: &Context, topic: &OffsetCommitRequestTopic) -> Result<std::sync::Arc<Topic>, GroupError> {
    if !ctx.session.scope.contains(&topic.name) {
        return Err(GroupError::TopicNotAuthorized);
    }
    ctx.broker.topics.get(&topic.name).ok_or(GroupError::UnknownTopic)
}

fn committed(topic: &Topic, partition: &OffsetCommitRequestPartition) -> Result<Committed, GroupError> {
    topic.partition(partition.partition_index).ok_or(GroupError::UnknownTopic)?;
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    check_offset_metadata(metadata)?;
    Ok(Committed::new(topic.id, partition.committed_offset, partition.committed_leader_epoch, metadata.to_owned()))
}
