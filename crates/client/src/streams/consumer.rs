//! Reading streams.

use std::collections::HashMap;

use super::{
    StreamMessage,
    envelope::{Fragment, fragment, unwrap},
};
use crate::{Consumer, Error, QuixStreamingClient, Received};

/// Reads the streams of a topic.
#[derive(Debug)]
pub struct StreamConsumer {
    consumer: Consumer,
    /// Messages of which not all fragments have come, by partition and stream.
    partial: HashMap<(i32, Vec<u8>), Partial>,
}

#[derive(Debug)]
struct Partial {
    next: Fragment,
    bytes: Vec<u8>,
}

impl QuixStreamingClient {
    /// Reads the streams that quixstreams 0.5.7, or this library, wrote to a topic, as a member of a consumer group.
    pub async fn stream_consumer(&self, topic: &str, group: &str) -> Result<StreamConsumer, Error> {
        Ok(StreamConsumer::new(self.consumer(topic, group).await?))
    }
}

impl StreamConsumer {
    /// Reads streams with a consumer that was made with more settings.
    pub fn new(consumer: Consumer) -> Self {
        Self { consumer, partial: HashMap::new() }
    }

    /// The next message. One that cannot be read is an error with the reason, after which the consumer goes on. Dropping the
    /// future loses nothing.
    pub async fn next(&mut self) -> Option<Result<StreamMessage, Error>> {
        loop {
            let message = match self.consumer.next().await? {
                Ok(message) => message,
                Err(error) => return Some(Err(error)),
            };
            let content = match fragment(message.value()) {
                None => unwrap(message.value()),
                Some((head, bytes)) => match self.join(&message, head, bytes) {
                    Some(whole) => unwrap(&whole),
                    None => continue,
                },
            };
            let stream = String::from_utf8_lossy(message.key()).into_owned();
            let (partition, offset) = (message.partition(), message.offset());
            return Some(content.map(|content| StreamMessage { stream, content, partition, offset }));
        }
    }

    /// The consumer beneath.
    pub fn raw(&mut self) -> &mut Consumer {
        &mut self.consumer
    }

    /// See [`Consumer::close`].
    pub async fn close(self) {
        self.consumer.close().await;
    }

    /// Adds a fragment; answers the whole message after its last one. Until then nothing of the partition counts as done, so
    /// that after a restart the message is read from its first fragment.
    fn join(&mut self, message: &Received, head: Fragment, bytes: &[u8]) -> Option<Vec<u8>> {
        let key = (message.partition(), message.key().to_vec());
        if head.index == 0 {
            self.partial.insert(key.clone(), Partial { next: head, bytes: Vec::new() });
        }
        // The rest of a message whose beginning was not seen is of no use, and neither is one with a hole.
        let whole = match self.partial.remove(&key) {
            Some(mut partial) if partial.next == head => {
                partial.bytes.extend_from_slice(bytes);
                if head.index == head.last {
                    Some(partial.bytes)
                } else {
                    partial.next.index += 1;
                    self.partial.insert(key, partial);
                    None
                }
            }
            _ => None,
        };
        let pending = self.partial.keys().any(|(partition, _)| *partition == message.partition());
        self.consumer.hold_back(message.partition(), pending);
        whole
    }
}
