//! Which APIs there are, in which versions, and who answers them.

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        AlterConfigsRequest, ApiKey, ApiVersionsRequest, CreatePartitionsRequest, CreateTopicsRequest,
        DeleteGroupsRequest, DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
        DescribeGroupsRequest, FetchRequest, FindCoordinatorRequest, HeartbeatRequest, IncrementalAlterConfigsRequest,
        InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest,
        MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest,
        ProduceRequest, SaslAuthenticateRequest, SaslHandshakeRequest, SyncGroupRequest,
    },
    protocol::{Message, Request},
};

use super::{
    Context, Header, alter_configs, api_versions, create_partitions, create_topics, decode, delete_groups,
    delete_records, delete_topics, describe_cluster, describe_configs, describe_groups, encode, fetch,
    find_coordinator, heartbeat, incremental_alter_configs, init_producer_id, join_group, leave_group, list_groups,
    list_offsets, metadata, offset_commit, offset_delete, offset_fetch, offset_for_leader_epoch, produce, sync_group,
};
use crate::connection::Closed;

/// An API and the versions of it that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Supported {
    pub key: i16,
    pub min: i16,
    pub max: i16,
}

const fn supported<R: Request>(max: i16) -> Supported {
    let range = <R as Message>::VERSIONS;
    Supported { key: R::KEY, min: range.min, max: if range.max < max { range.max } else { max } }
}

/// All versions that the codec has.
const ALL: i16 = i16::MAX;

/// The APIs with a handler: `module: Request, newest version`.
macro_rules! handlers {
    ($($module:ident: $request:ident, $max:expr;)*) => {
        /// What clients are told.
        pub(crate) const SUPPORTED: &[Supported] = &[
            supported::<SaslHandshakeRequest>(ALL),
            supported::<SaslAuthenticateRequest>(ALL),
            supported::<ApiVersionsRequest>(ALL),
            $(supported::<$request>($max),)*
        ];

        /// Answers a request with its handler; `None` where the protocol wants no answer.
        pub(crate) async fn answer(context: &Context, header: &Header, body: Bytes) -> Result<Option<BytesMut>, Closed> {
            match header.api {
                ApiKey::ApiVersions => api_versions::handle(header, body).map(Some),
                $(api if api as i16 == <$request as Request>::KEY => {
                    if header.version > $max {
                        return Err(Closed::Protocol("an unsupported version"));
                    }
                    let request: $request = decode(header, body)?;
                    let answered = wants_answer(&request);
                    let response = $module::handle(context, header.version, request).await;
                    if answered { encode(header, &response).map(Some) } else { Ok(None) }
                })*
                _ => Err(Closed::Protocol("an API that this broker does not have")),
            }
        }
    };
}

handlers! {
    produce: ProduceRequest, produce::NEWEST;
    fetch: FetchRequest, fetch::NEWEST;
    list_offsets: ListOffsetsRequest, list_offsets::NEWEST;
    offset_for_leader_epoch: OffsetForLeaderEpochRequest, offset_for_leader_epoch::NEWEST;
    delete_records: DeleteRecordsRequest, delete_records::NEWEST;
    init_producer_id: InitProducerIdRequest, init_producer_id::NEWEST;
    find_coordinator: FindCoordinatorRequest, ALL;
    join_group: JoinGroupRequest, ALL;
    sync_group: SyncGroupRequest, ALL;
    heartbeat: HeartbeatRequest, ALL;
    leave_group: LeaveGroupRequest, ALL;
    offset_commit: OffsetCommitRequest, ALL;
    offset_fetch: OffsetFetchRequest, ALL;
    offset_delete: OffsetDeleteRequest, ALL;
    describe_groups: DescribeGroupsRequest, ALL;
    list_groups: ListGroupsRequest, ALL;
    delete_groups: DeleteGroupsRequest, ALL;
    metadata: MetadataRequest, ALL;
    create_topics: CreateTopicsRequest, ALL;
    delete_topics: DeleteTopicsRequest, ALL;
    create_partitions: CreatePartitionsRequest, ALL;
    describe_configs: DescribeConfigsRequest, ALL;
    alter_configs: AlterConfigsRequest, ALL;
    incremental_alter_configs: IncrementalAlterConfigsRequest, ALL;
    describe_cluster: DescribeClusterRequest, ALL;
}

/// Whether a request may wait for others: for records to come, or for members of a group.
pub(crate) fn waits(api: ApiKey) -> bool {
    matches!(api, ApiKey::Fetch | ApiKey::JoinGroup | ApiKey::SyncGroup)
}

/// A Produce with `acks=0` is the one request without an answer.
fn wants_answer<R: Request + 'static>(request: &R) -> bool {
    let any: &dyn std::any::Any = request;
    any.downcast_ref::<ProduceRequest>().is_none_or(|produce| produce.acks != 0)
}
