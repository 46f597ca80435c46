//! One module for each Kafka API: from codec type to domain call and back.

mod context;

mod delete_records;
mod fetch;
mod init_producer_id;
mod list_offsets;
mod offset_for_leader_epoch;
mod partitions;
mod produce;

pub(crate) use context::Context;
