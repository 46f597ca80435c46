//! What the client tells the program without being asked.

/// See [`crate::QuixStreamingClient::events`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The client uses another token from now on; tokens are named by their last characters.
    TokenChanged {
        /// The token that was used before.
        from: String,
        /// The token that is used now.
        to: String,
    },
    /// A producer has moved to the connection of another token.
    ProducerMoved {
        /// The topic's id.
        topic: String,
        /// How many messages had not been acknowledged and were sent again.
        resent: usize,
        /// How many of these had been on their way to the broker. Only they could have been written twice.
        in_doubt: usize,
    },
    /// A consumer has moved to the connection of another token.
    ConsumerMoved {
        /// The topic's id.
        topic: String,
    },
    /// Partitions were given to a consumer.
    Assigned {
        /// The topic's id.
        topic: String,
        /// Their numbers.
        partitions: Vec<i32>,
    },
    /// Partitions were taken from a consumer.
    Revoked {
        /// The topic's id.
        topic: String,
        /// Their numbers.
        partitions: Vec<i32>,
    },
    /// The connection to a broker failed; it is being opened again.
    Disconnected {
        /// What librdkafka reports.
        reason: String,
    },
}
