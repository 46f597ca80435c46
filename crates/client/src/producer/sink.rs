//! A producer as a `Sink`.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{FutureExt, Sink, StreamExt, future::BoxFuture, stream::FuturesUnordered};

use super::{DeliveryFuture, Producer};
use crate::{Error, Message};

/// See [`Producer::sink`].
#[derive(Debug)]
pub struct ProducerSink {
    producer: Producer,
    queueing: Option<Queueing>,
    waiting: FuturesUnordered<DeliveryFuture>,
}

/// A message that waits for room in the queue.
struct Queueing(BoxFuture<'static, DeliveryFuture>);

impl std::fmt::Debug for Queueing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queueing")
    }
}

impl ProducerSink {
    pub(super) fn new(producer: Producer) -> Self {
        Self { producer, queueing: None, waiting: FuturesUnordered::new() }
    }

    fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(Queueing(future)) = &mut self.queueing {
            let delivery = ready!(future.poll_unpin(cx));
            self.queueing = None;
            self.waiting.push(delivery);
        }
        Poll::Ready(())
    }
}

impl Sink<Message> for ProducerSink {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_queued(cx));
        // What has been decided meanwhile; an error is told at the first occasion.
        while let Poll::Ready(Some(outcome)) = self.waiting.poll_next_unpin(cx) {
            if let Err(error) = outcome {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let producer = self.producer.clone();
        #[expect(clippy::async_yields_async, reason = "the delivery is waited for later, by `waiting`")]
        let queueing = async move { producer.queue(message).await };
        self.queueing = Some(Queueing(queueing.boxed()));
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_queued(cx));
        loop {
            match ready!(self.waiting.poll_next_unpin(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(cx)
    }
}
