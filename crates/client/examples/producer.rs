//! Sends a few messages. All that it knows is an SDK token and where the API is:
//!
//! ```sh
//! eval "$(twinkey env demo)" && cargo run --package twinkey-client --example producer
//! ```

use twinkey_client::{Message, QuixStreamingClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = QuixStreamingClient::from_env()?;
    let producer = client.producer("orders").await?;
    for number in 1..=10 {
        let delivery = producer.send(Message::new("key", format!("order {number}"))).await?;
        println!("order {number} is in partition {} at offset {}", delivery.partition, delivery.offset);
    }
    producer.close().await;
    Ok(())
}
