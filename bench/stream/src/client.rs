//! With `QuixStreamingClient`.

use std::{collections::VecDeque, time::Instant};

use anyhow::Context;
use twinkey_client::{Message, QuixStreamingClient};

use super::{SIZE, WINDOW, seconds};

pub async fn first(topic: &str) -> anyhow::Result<()> {
    let producer = QuixStreamingClient::from_env()?.producer(topic).await?;
    producer.send(Message::new("key", "value")).await?;
    println!("delivered");
    Ok(())
}

pub async fn produce(topic: &str, count: usize) -> anyhow::Result<()> {
    let producer = QuixStreamingClient::from_env()?.producer(topic).await?;
    let value = vec![b'x'; SIZE];
    let mut waiting = VecDeque::with_capacity(WINDOW);
    let since = Instant::now();
    for _ in 0..count {
        if waiting.len() == WINDOW {
            waiting.pop_front().context("full")?.await?;
        }
        waiting.push_back(producer.queue(Message::value(value.as_slice())).await);
    }
    for delivery in waiting {
        delivery.await?;
    }
    seconds(since);
    Ok(())
}

pub async fn consume(topic: &str, count: usize) -> anyhow::Result<()> {
    let mut consumer = QuixStreamingClient::from_env()?.consumer_builder(topic).build().await?;
    let mut since = None;
    for _ in 0..count {
        let message = consumer.next().await.context("it ended early")??;
        assert_eq!(message.value().len(), SIZE);
        since.get_or_insert_with(Instant::now);
    }
    seconds(since.context("nothing to read")?);
    Ok(())
}
