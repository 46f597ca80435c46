//! Kafka connections without a C library, for servers and for clients.
//!
//! * [`frame`]: length-prefixed frames over any stream, with bounded memory;
//! * [`shape`]: checks the counts that a request claims before the codec takes memory for them;
//! * [`records`]: what is in record batches, with bounded memory and time;
//! * [`scram`]: SCRAM-SHA-256 and -512, both sides, without I/O;
//! * [`tls`]: rustls configurations from PEM;
//! * [`client`]: a small connection for tests and administration.
//!
//! This crate knows nothing of the server. The codec itself is `kafka-protocol`.

pub mod client;
pub mod frame;
pub mod records;
pub mod scram;
pub mod shape;
pub mod tls;
