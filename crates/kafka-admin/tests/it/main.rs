//! Against a real Apache Kafka of one node.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod check;
mod failures;
mod groups;
mod inventory;
mod marker;
mod principals;
mod reading;
#[path = "../support/mod.rs"]
mod support;
mod topics;
mod transactions;
