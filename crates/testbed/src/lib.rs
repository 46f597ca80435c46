//! Real parts for tests: Apache Kafka, PostgreSQL, a faulty network. Knows nothing of Twinkey.
//!
//! What a test process starts here ends with it, whatever happens to it.

pub mod compression;
pub mod kafka;
pub mod postgres;
pub mod proxy;
pub mod watchdog;
