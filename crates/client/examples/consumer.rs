//! Prints the messages of a topic until Ctrl-C. Start it several times: the members of the group share the partitions.
//!
//! ```sh
//! eval "$(twinkey env demo)" && cargo run --package twinkey-client --example consumer
//! ```

use twinkey_client::QuixStreamingClient;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = QuixStreamingClient::from_env()?;
    let mut consumer = client.consumer("orders", "billing").await?;
    let stopped = tokio::signal::ctrl_c();
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            message = consumer.next() => match message {
                Some(message) => println!("{}", message?.text()),
                None => break,
            },
            _ = &mut stopped => break,
        }
    }
    // Commits, and leaves the group, so that the other members need not wait for a time-out.
    consumer.close().await;
    Ok(())
}
