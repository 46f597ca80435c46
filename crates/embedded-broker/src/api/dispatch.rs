//! Which APIs there are, in which versions, and who answers them.

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        AlterConfigsRequest, ApiKey, ApiVersionsRequest, CreatePartitionsRequest,
        CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest,
        DescribeConfigsRequest, FetchRequest, IncrementalAlterConfigsRequest,
        InitProducerIdRequest, ListOffsetsRequest, MetadataRequest, OffsetForLeaderEpochRequest,
        ProduceRequest, SaslAuthenticateRequest, SaslHandshakeRequest,
    },
    protocol::{Message, Request},
};

use super::{
    Context, Header, alter_configs, api_versions, create_partitions, create_topics, decode,
    delete_records, delete_topics, describe_cluster, describe_configs, encode, fetch,
    incremental_alter_configs, init_producer_id, list_offsets, metadata, offset_for_leader_epoch,
    produce,
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
    Supported {
        key: R::KEY,
        min: range.min,
        max: if range.max < max { range.max } else { max },
    }
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
    metadata: MetadataRequest, ALL;
    create_topics: CreateTopicsRequest, ALL;
    delete_topics: DeleteTopicsRequest, ALL;
    create_partitions: CreatePartitionsRequest, ALL;
    describe_configs: DescribeConfigsRequest, ALL;
    alter_configs: AlterConfigsRequest, ALL;
    incremental_alter_configs: IncrementalAlterConfigsRequest, ALL;
    describe_cluster: DescribeClusterRequest, ALL;
}

/// A Produce with `acks=0` is the one request without an answer.
fn wants_answer<R: Request + 'static>(request: &R) -> bool {
    let any: &dyn std::any::Any = request;
    any.downcast_ref::<ProduceRequest>()
        .is_none_or(|produce| produce.acks != 0)
}
