//! What the integration tests share: the real server in-process, its HTTP API, a Kafka connection, and scans for leaked
//! tokens. Everything panics with a sentence where a test could not go on.

pub mod api;
pub mod broker;
pub mod cluster;
pub mod events;
pub mod group;
pub mod kafka;
pub mod leaks;
pub mod records;
pub mod server;

pub use api::{Answer, Api};
pub use cluster::Cluster;
pub use events::Events;
pub use kafka::Stream;
pub use reqwest::Method;
pub use server::TestServer;
