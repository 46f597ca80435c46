//! The requests that a broker of ours answers, field by field, as Kafka's message definitions have them.

use kafka_protocol::messages::ApiKey;

use super::field::{Field, Layout};

const BYTE: Field = Field::fixed(1);
const SHORT: Field = Field::fixed(2);
const INT: Field = Field::fixed(4);
const LONG: Field = Field::fixed(8);
const UUID: Field = Field::fixed(16);
const TEXT: Field = Field::text();
const BYTES: Field = Field::bytes();

const NEVER: i16 = i16::MAX;

const fn layout_of(flexible: i16, fields: &'static [Field]) -> Layout {
    Layout { flexible, fields, tags: &[] }
}

/// The layout of an API's request, or `None` for an API that no broker of ours answers.
pub fn layout(api: i16) -> Option<&'static Layout> {
    Some(match ApiKey::try_from(api).ok()? {
        ApiKey::Produce => &PRODUCE,
        ApiKey::Fetch => &FETCH,
        ApiKey::ListOffsets => &LIST_OFFSETS,
        ApiKey::Metadata => &METADATA,
        ApiKey::OffsetCommit => &OFFSET_COMMIT,
        ApiKey::OffsetFetch => &OFFSET_FETCH,
        ApiKey::FindCoordinator => &FIND_COORDINATOR,
        ApiKey::JoinGroup => &JOIN_GROUP,
        ApiKey::Heartbeat => &HEARTBEAT,
        ApiKey::LeaveGroup => &LEAVE_GROUP,
        ApiKey::SyncGroup => &SYNC_GROUP,
        ApiKey::DescribeGroups => &DESCRIBE_GROUPS,
        ApiKey::ListGroups => &LIST_GROUPS,
        ApiKey::SaslHandshake => &SASL_HANDSHAKE,
        ApiKey::ApiVersions => &API_VERSIONS,
        ApiKey::CreateTopics => &CREATE_TOPICS,
        ApiKey::DeleteTopics => &DELETE_TOPICS,
        ApiKey::DeleteRecords => &DELETE_RECORDS,
        ApiKey::InitProducerId => &INIT_PRODUCER_ID,
        ApiKey::OffsetForLeaderEpoch => &OFFSET_FOR_LEADER_EPOCH,
        ApiKey::DescribeConfigs => &DESCRIBE_CONFIGS,
        ApiKey::AlterConfigs => &ALTER_CONFIGS,
        ApiKey::SaslAuthenticate => &SASL_AUTHENTICATE,
        ApiKey::CreatePartitions => &CREATE_PARTITIONS,
        ApiKey::DeleteGroups => &DELETE_GROUPS,
        ApiKey::IncrementalAlterConfigs => &INCREMENTAL_ALTER_CONFIGS,
        ApiKey::OffsetDelete => &OFFSET_DELETE,
        ApiKey::DescribeCluster => &DESCRIBE_CLUSTER,
        _ => return None,
    })
}

static PRODUCE: Layout =
    layout_of(9, &[TEXT, SHORT, INT, Field::array(&[TEXT.until(12), UUID.since(13), Field::array(&[INT, BYTES])])]);

static FETCH: Layout = Layout {
    flexible: 12,
    fields: &[
        INT.until(14),
        INT,
        INT,
        INT,
        BYTE,
        INT.since(7),
        INT.since(7),
        Field::array(&[
            TEXT.until(12),
            UUID.since(13),
            Field::array_with_tags(
                &[INT, INT.since(9), LONG, INT.since(12), LONG.since(5), INT],
                &[(0, UUID.since(17)), (1, LONG.since(18))],
            ),
        ]),
        Field::array(&[TEXT.until(12), UUID.since(13), Field::values(&INT)]).since(7),
        TEXT.since(11),
    ],
    tags: &[(0, TEXT), (1, Field::one(&[INT, LONG]).since(15))],
};

static LIST_OFFSETS: Layout =
    layout_of(6, &[INT, BYTE.since(2), Field::array(&[TEXT, Field::array(&[INT, INT.since(4), LONG])]), INT.since(10)]);

static METADATA: Layout =
    layout_of(9, &[Field::array(&[UUID.since(10), TEXT]), BYTE.since(4), BYTE.since(8).until(10), BYTE.since(8)]);

static OFFSET_COMMIT: Layout = layout_of(
    8,
    &[
        TEXT,
        INT,
        TEXT,
        TEXT.since(7),
        LONG.until(4),
        Field::array(&[TEXT, Field::array(&[INT, LONG, INT.since(6), TEXT])]),
    ],
);

static OFFSET_FETCH: Layout = layout_of(
    6,
    &[
        TEXT.until(7),
        Field::array(&[TEXT, Field::values(&INT)]).until(7),
        Field::array(&[TEXT, TEXT.since(9), INT.since(9), Field::array(&[TEXT, Field::values(&INT)])]).since(8),
        BYTE.since(7),
    ],
);

static FIND_COORDINATOR: Layout = layout_of(3, &[TEXT.until(3), BYTE.since(1), Field::values(&TEXT).since(4)]);

static JOIN_GROUP: Layout =
    layout_of(6, &[TEXT, INT, INT.since(1), TEXT, TEXT.since(5), TEXT, Field::array(&[TEXT, BYTES]), TEXT.since(8)]);

static HEARTBEAT: Layout = layout_of(4, &[TEXT, INT, TEXT, TEXT.since(3)]);

static LEAVE_GROUP: Layout = layout_of(4, &[TEXT, TEXT.until(2), Field::array(&[TEXT, TEXT, TEXT.since(5)]).since(3)]);

static SYNC_GROUP: Layout =
    layout_of(4, &[TEXT, INT, TEXT, TEXT.since(3), TEXT.since(5), TEXT.since(5), Field::array(&[TEXT, BYTES])]);

static DESCRIBE_GROUPS: Layout = layout_of(5, &[Field::values(&TEXT), BYTE.since(3)]);

static LIST_GROUPS: Layout = layout_of(3, &[Field::values(&TEXT).since(4), Field::values(&TEXT).since(5)]);

static SASL_HANDSHAKE: Layout = layout_of(NEVER, &[TEXT]);

static API_VERSIONS: Layout = layout_of(3, &[TEXT.since(3), TEXT.since(3)]);

static CREATE_TOPICS: Layout = layout_of(
    5,
    &[
        Field::array(&[TEXT, INT, SHORT, Field::array(&[INT, Field::values(&INT)]), Field::array(&[TEXT, TEXT])]),
        INT,
        BYTE,
    ],
);

static DELETE_TOPICS: Layout =
    layout_of(4, &[Field::array(&[TEXT, UUID]).since(6), Field::values(&TEXT).until(5), INT]);

static DELETE_RECORDS: Layout = layout_of(2, &[Field::array(&[TEXT, Field::array(&[INT, LONG])]), INT]);

static INIT_PRODUCER_ID: Layout = layout_of(2, &[TEXT, INT, LONG.since(3), SHORT.since(3)]);

static OFFSET_FOR_LEADER_EPOCH: Layout =
    layout_of(4, &[INT.since(3), Field::array(&[TEXT, Field::array(&[INT, INT, INT])])]);

static DESCRIBE_CONFIGS: Layout =
    layout_of(4, &[Field::array(&[BYTE, TEXT, Field::values(&TEXT)]), BYTE, BYTE.since(3)]);

static ALTER_CONFIGS: Layout = layout_of(2, &[Field::array(&[BYTE, TEXT, Field::array(&[TEXT, TEXT])]), BYTE]);

static SASL_AUTHENTICATE: Layout = layout_of(2, &[BYTES]);

static CREATE_PARTITIONS: Layout =
    layout_of(2, &[Field::array(&[TEXT, INT, Field::array(&[Field::values(&INT)])]), INT, BYTE]);

static DELETE_GROUPS: Layout = layout_of(2, &[Field::values(&TEXT)]);

static INCREMENTAL_ALTER_CONFIGS: Layout =
    layout_of(1, &[Field::array(&[BYTE, TEXT, Field::array(&[TEXT, BYTE, TEXT])]), BYTE]);

static OFFSET_DELETE: Layout = layout_of(NEVER, &[TEXT, Field::array(&[TEXT, Field::array(&[INT])])]);

static DESCRIBE_CLUSTER: Layout = layout_of(0, &[BYTE, BYTE.since(1), BYTE.since(2)]);
