//! With rdkafka alone, and credentials by hand.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use twinkey_client::rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{FutureProducer, FutureRecord},
};

use super::{SIZE, WINDOW, seconds};

/// The connection, and what the client sets for a producer as well.
fn config() -> anyhow::Result<ClientConfig> {
    let settings: BTreeMap<String, String> =
        serde_json::from_str(&std::env::var("KAFKA").context("KAFKA is not set")?)?;
    let mut config = ClientConfig::new();
    for (key, value) in settings {
        config.set(key, value);
    }
    Ok(config)
}

fn producer() -> anyhow::Result<FutureProducer> {
    Ok(config()?.set("enable.idempotence", "true").set("partitioner", "murmur2_random").create()?)
}

fn id(topic: &str) -> anyhow::Result<String> {
    Ok(format!("{}{topic}", std::env::var("PREFIX").context("PREFIX is not set")?))
}

pub async fn first(topic: &str) -> anyhow::Result<()> {
    let (producer, topic) = (producer()?, id(topic)?);
    let sent = producer.send(FutureRecord::to(&topic).key("key").payload("value"), Duration::from_secs(30)).await;
    sent.map_err(|(error, _)| error)?;
    println!("delivered");
    Ok(())
}

pub async fn produce(topic: &str, count: usize) -> anyhow::Result<()> {
    let (producer, topic) = (producer()?, id(topic)?);
    let value = vec![b'x'; SIZE];
    let mut waiting = VecDeque::with_capacity(WINDOW);
    // As the client: the connection stands when the clock starts.
    tokio::task::block_in_place(|| {
        use twinkey_client::rdkafka::producer::Producer;
        producer.client().fetch_metadata(Some(&topic), Duration::from_secs(30)).map(|_| ())
    })?;
    let since = Instant::now();
    for _ in 0..count {
        if waiting.len() == WINDOW {
            delivered(waiting.pop_front().context("full")?).await?;
        }
        // A message of its own, as a program has one.
        let value = value.clone();
        loop {
            match producer.send_result(FutureRecord::<(), _>::to(&topic).payload(&value)) {
                Ok(delivery) => break waiting.push_back(delivery),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
    for delivery in waiting {
        delivered(delivery).await?;
    }
    seconds(since);
    Ok(())
}

async fn delivered(delivery: twinkey_client::rdkafka::producer::future_producer::DeliveryFuture) -> anyhow::Result<()> {
    delivery.await.map_err(|_| anyhow!("the producer ended"))?.map_err(|(error, _)| error)?;
    Ok(())
}

pub async fn consume(topic: &str, count: usize) -> anyhow::Result<()> {
    let topic = id(topic)?;
    let consumer: StreamConsumer = config()?.set("group.id", format!("{topic}-plain")).create()?;
    let metadata = tokio::task::block_in_place(|| consumer.fetch_metadata(Some(&topic), Duration::from_secs(30)))?;
    let mut list = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        list.add_partition_offset(&topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let mut since = None;
    for _ in 0..count {
        // A message of its own, as a program that keeps it has to make one.
        let message = consumer.recv().await?.detach();
        assert_eq!(message.payload().map(<[u8]>::len), Some(SIZE));
        since.get_or_insert_with(Instant::now);
    }
    seconds(since.context("nothing to read")?);
    Ok(())
}
