//! `OffsetDelete` (KIP-496): not for topics that the group is subscribed to.

use kafka_protocol::messages::{
    OffsetDeleteRequest, OffsetDeleteResponse, TopicName,
    offset_delete_request::OffsetDeleteRequestTopic,
    offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
};

use super::Context;
use crate::groups::{GroupError, code_of};

/// Forgets the offsets of the partitions that are named.
pub(crate) async fn handle(ctx: &Context, _version: i16, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let response = OffsetDeleteResponse::default();
    if !ctx.session.scope.contains(&request.group_id) {
        return response.with_error_code(GroupError::NotAuthorized.code());
    }
    let (permitted, refused): (Vec<_>, Vec<_>) =
        request.topics.into_iter().partition(|topic| ctx.session.scope.contains(&topic.name));
    let indexes =
        |topic: &OffsetDeleteRequestTopic| topic.partitions.iter().map(|partition| partition.partition_index).collect();
    let permitted: Vec<(String, Vec<i32>)> =
        permitted.into_iter().map(|topic| (topic.name.to_string(), indexes(&topic))).collect();
    let results = match ctx.broker.groups.delete_offsets(&request.group_id, &permitted) {
        Ok(results) => results,
        Err(error) => return response.with_error_code(error.code()),
    };
    let refused = refused.into_iter().map(|topic| {
        let code = GroupError::TopicNotAuthorized.code();
        answer(&topic.name, &indexes(&topic), |_| code)
    });
    let answers = permitted.iter().zip(&results).map(|((name, indexes), result)| {
        let topic = ctx.broker.topics.get(name);
        let exists = |index| topic.as_ref().is_some_and(|topic| topic.partition(index).is_some());
        let name = TopicName(name.clone().into());
        answer(&name, indexes, |index| if exists(index) { code_of(result) } else { GroupError::UnknownTopic.code() })
    });
    response.with_topics(answers.chain(refused).collect())
}

fn answer(name: &TopicName, indexes: &[i32], code: impl Fn(i32) -> i16) -> OffsetDeleteResponseTopic {
    let partition = |index: &i32| {
        OffsetDeleteResponsePartition::default().with_partition_index(*index).with_error_code(code(*index))
    };
    OffsetDeleteResponseTopic::default()
        .with_name(name.clone())
        .with_partitions(indexes.iter().map(partition).collect())
}
