//! Principals, topics and the proof of a cut-off on Apache Kafka, each broker asked by itself.
