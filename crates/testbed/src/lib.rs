//! Real parts for tests: Apache Kafka, PostgreSQL, a faulty network. Knows nothing of Twinkey.

pub mod postgres;
pub mod proxy;
