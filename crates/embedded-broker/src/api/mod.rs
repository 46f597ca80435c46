//! One module for each Kafka API: from codec type to domain call and back.

mod context;
mod delete_groups;
mod describe_groups;
mod find_coordinator;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod sync_group;

mod delete_records;
mod fetch;
mod init_producer_id;
mod list_offsets;
mod offset_for_leader_epoch;
mod partitions;
mod produce;

pub(crate) use context::Context;

/// The only node.
pub(crate) const NODE_ID: kafka_protocol::messages::BrokerId =
    kafka_protocol::messages::BrokerId(1);
