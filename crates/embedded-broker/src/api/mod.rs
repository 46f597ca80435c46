//! One module for each Kafka API: from codec type to domain call and back.
//!
//! Every handler is `handle(&Context, version, request) -> response`. What is advertised to clients is exactly the list
//! below; transactions are not in it, so that clients say clearly that this broker has none.

#![allow(clippy::unused_async, reason = "every handler has one shape, whether or not it waits for something")]

pub(crate) mod api_versions;
mod codec;
mod context;
pub(crate) mod dispatch;

mod alter_configs;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod errors;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod partitions;
mod produce;
mod settings;
mod sync_group;

pub(crate) use codec::{Header, decode, encode, frame_of, supports};
pub(crate) use context::Context;
pub(crate) use dispatch::{answer, waits};

use kafka_protocol::{
    messages::{BrokerId, TopicName},
    protocol::StrBytes,
};

/// The id of the one broker.
pub(crate) const NODE_ID: BrokerId = BrokerId(1);

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

#[cfg(test)]
mod records_tests;
#[cfg(test)]
pub(crate) mod testing;
