//! Against a real Apache Kafka of one node.

mod check;
mod failures;
mod groups;
mod inventory;
mod marker;
mod principals;
#[path = "../support/mod.rs"]
mod support;
mod topics;
mod transactions;
