//! One module for each Kafka API: from codec type to domain call and back.

mod context;

pub(crate) use context::Context;
