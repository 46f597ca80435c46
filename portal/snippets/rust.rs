use twinkey_client::{Message, QuixStreamingClient};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = QuixStreamingClient::builder().token("{{token}}").portal_api("{{portalApi}}").build()?;

    let producer = client.producer("{{topic}}").await?;
    producer.send(Message::new("greeting", "Hello from Rust")).await?;
    producer.close().await;

    // Prints what comes until Ctrl-C.
    let mut consumer = client.consumer("{{topic}}", "hello-rust").await?;
    while let Some(message) = consumer.next().await {
        println!("{}", message?.text());
    }
    Ok(())
}
