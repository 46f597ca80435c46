//! Against a real Apache Kafka.

mod principals;
mod support;
