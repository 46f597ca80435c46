//! A small Kafka-compatible broker that runs inside Twinkey.
//!
//! One node, durable on local disk, TLS and SASL only. Everything that a principal may do or see ends at its
//! workspace's scope (see [`Scope`]). The map of the crate:
//!
//! * `connection`: socket → TLS → frame → SASL → request → answer, in order;
//! * `authorize`: the only place that decides what a principal may touch;
//! * `api`: one module for each Kafka API, from codec type to domain call and back;
//! * `topics`: the catalogue of topics and their configuration;
//! * `log`: segment files of one partition; knows nothing of sockets or groups;
//! * `groups`: consumer groups and committed offsets; knows nothing of sockets or logs.
//!
//! The codec's types (`kafka_protocol`) are used in `connection` and `api` only and never leave the crate.

#![allow(
    clippy::doc_markdown,
    reason = "the names of Kafka's APIs and fields stand in most comments; they are words here"
)]

mod api;
mod authorize;
mod broker;
mod clock;
mod connection;
mod groups;
mod log;
mod topics;

pub use authorize::Scope;
pub use broker::{
    Broker, BrokerConfig, CutOff, DeleteGroupError, GroupDescription, GroupMember, KnownPrincipal, Limits, Meter,
    PartitionEnds, PartitionRead, PartitionReadError, Principals, StartError, TopicChanges, TopicContents,
    TopicDescription, TopicReader,
};
pub use clock::Clock;
pub use connection::{ConnectionInfo, Software};
pub use topics::{
    CONFIG_KEYS, Catalogue, ConfigChange, ConfigKey, ConfigKind, MAX_PARTITIONS, NewTopic, OpenError, Topic,
    TopicConfig, TopicError,
};
