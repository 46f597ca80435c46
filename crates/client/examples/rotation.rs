//! Sends a message every hundredth of a second, and goes on through a rotation. `NEXT_TOKEN` is a variable of your own that
//! holds Token 2; the client moves to it when Token 1 dies.
//!
//! ```sh
//! eval "$(twinkey env demo)"
//! export NEXT_TOKEN="$(twinkey env demo --token next --format json | jq -r .Quix__Sdk__Token)"
//! cargo run --package twinkey-client --example rotation &
//! twinkey tokens rotate demo --force --reason "trying it out"
//! ```

use std::time::Duration;

use twinkey_client::{Event, Message, QuixStreamingClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let next = std::env::var("NEXT_TOKEN").unwrap_or_default();
    let client = QuixStreamingClient::builder().fallback(next).build()?;
    let mut events = client.events();
    tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if let Event::TokenChanged { from, to } = event {
                println!("moved from the token ending in {from} to the one ending in {to}");
            }
        }
    });
    let count: u64 = std::env::args().nth(1).map_or(Ok(1000), |text| text.parse())?;
    let producer = client.producer("orders").await?;
    for number in 0..count {
        producer.send(Message::new("key", number.to_string())).await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    producer.close().await;
    println!("{count} messages were delivered");
    Ok(())
}
