//! What a broker is started with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio_rustls::rustls;

/// What a broker needs to start.
#[derive(Clone)]
pub struct BrokerConfig {
    /// Where segments, topics and committed offsets live.
    pub data_dir: PathBuf,
    /// The host that clients are told to connect to.
    pub advertised_host: String,
    /// The port that clients are told to connect to; 0 means the one that the listener has.
    pub advertised_port: u16,
    /// The certificate and key of the listener.
    pub tls: Arc<rustls::ServerConfig>,
    /// The id that clients see as the cluster's.
    pub cluster_id: String,
    /// Whether a Metadata request that asks for it creates the topics that it names.
    pub auto_create_topics: bool,
    /// Bounds on what clients may take.
    pub limits: Limits,
}

/// Bounds on what clients may take of this broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections in all. Past it, new connections are closed at once.
    pub connections: usize,
    /// Connections that have not signed in. Past it, the oldest of them makes room for the newest.
    pub unauthenticated_connections: usize,
    /// From accept to the end of the sign-in, TLS handshake included.
    pub sign_in_time: Duration,
    /// Bytes of one frame before the sign-in.
    pub sign_in_frame: usize,
    /// Bytes of one request frame after the sign-in.
    pub request_frame: usize,
    /// How long a connection may stay without a request.
    pub idle: Duration,
    /// How long a peer may take no byte of an answer.
    pub write_stall: Duration,
    /// How long the refusal of a sign-in is held back. Programs with a dead token go on trying; librdkafka does so twenty
    /// times a second if it gets its refusals at once.
    pub refusal_delay: Duration,
    /// How long a refused client has to read the refusal before the connection is closed.
    pub linger: Duration,
    /// How long `shutdown` waits for requests that are being answered.
    pub shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            unauthenticated_connections: 1_000,
            sign_in_time: Duration::from_secs(10),
            sign_in_frame: 16 * 1024,
            request_frame: 100 * 1024 * 1024,
            idle: Duration::from_mins(10),
            write_stall: Duration::from_secs(30),
            refusal_delay: Duration::from_millis(250),
            linger: Duration::from_secs(1),
            shutdown: Duration::from_secs(5),
        }
    }
}
