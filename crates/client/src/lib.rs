//! From one SDK token to a Kafka connection.

pub mod builder;
mod client;
pub mod consumer;
mod credentials;
mod error;
mod events;
mod message;
mod portal;
pub mod producer;
mod session;
pub mod streams;
mod token;
mod topic;
mod topics;

pub use builder::ClientBuilder;
pub use client::QuixStreamingClient;
pub use consumer::{Commit, Consumer, Start};
pub use error::Error;
pub use events::Event;
pub use message::{Message, Received};
pub use portal::TopicDescription;
pub use producer::{Delivery, DeliveryFuture, Producer};
pub use rdkafka;
pub use token::{SdkToken, TokenResult, TokenSource};
pub use topic::TopicSettings;
pub use topics::{PartitionExtent, PartitionLag, Topics};
