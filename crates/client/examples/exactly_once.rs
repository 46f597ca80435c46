//! Reads orders, doubles them and writes them to another topic, each exactly once: what was read and what was written are
//! committed together, or not at all. Needs a broker with transactions: Apache Kafka.
//!
//! ```sh
//! eval "$(twinkey env demo)" && cargo run --package twinkey-client --example exactly_once
//! ```
//!
//! Kill it at any moment and start it again: the result has no gap and nothing twice. `STOP_AT_END=1` ends it when everything
//! has been read.

use std::time::Duration;

use tokio::time::timeout;
use twinkey_client::{Commit, Message, QuixStreamingClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut builder = QuixStreamingClient::builder();
    // For a broker other than the API's: settings of librdkafka by hand, as a JSON object in a file.
    if let Ok(file) = std::env::var("LIBRDKAFKA_SETTINGS") {
        for (key, value) in
            serde_json::from_str::<std::collections::BTreeMap<String, String>>(&std::fs::read_to_string(file)?)?
        {
            builder = builder.property(key, value);
        }
    }
    let client = builder.build()?;
    let stop_at_end = std::env::var("STOP_AT_END").is_ok();
    let consumer = client.consumer_builder("orders").group("doubler").commit(Commit::Manual).stop_at_end(stop_at_end);
    let mut consumer = consumer.build().await?;
    let mut producer = client.producer_builder("doubled").transactional("doubler").await?;

    let mut ended = false;
    while !ended {
        let transaction = producer.begin()?;
        let mut any = false;
        // As many as come within a moment.
        for _ in 0..100 {
            let Ok(next) = timeout(Duration::from_millis(100), consumer.next()).await else { break };
            let Some(message) = next else {
                ended = true;
                break;
            };
            let message = message?;
            let number: i64 = message.text().parse()?;
            transaction.send(Message::new(message.key(), (2 * number).to_string())).await?;
            any = true;
        }
        if any {
            transaction.send_offsets(&mut consumer).await?;
            transaction.commit().await?;
        } else {
            transaction.abort().await?;
        }
    }
    consumer.close().await;
    Ok(())
}
