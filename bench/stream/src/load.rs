//! Three services under load whose token is rotated: `planned` moves them first, `forced` lets the token die under them. The
//! script rotates; this counts.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use twinkey_client::{Event, Message, Producer, QuixStreamingClient};

pub async fn run(how: &str, topic: &str, rate: u64, seconds: u64) -> anyhow::Result<()> {
    let next = std::env::var("NEXT_TOKEN").context("NEXT_TOKEN is not set")?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut clients, mut events, mut services) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..3 {
        let client = QuixStreamingClient::builder().fallback(next.as_str()).build()?;
        events.push(client.events());
        let producer = client.producer(topic).await?;
        services.push(tokio::spawn(service(producer, number, rate / 3, until)));
        clients.push(client);
    }
    match how {
        "planned" => {
            sleep(Duration::from_secs(1)).await;
            for client in &clients {
                client.use_fallback().await?;
            }
            sleep(Duration::from_millis(500)).await;
        }
        "forced" => sleep(Duration::from_millis(1500)).await,
        _ => bail!("planned or forced"),
    }
    println!("rotate");
    let (mut sent, mut errors, mut slowest) = (0, 0, Duration::ZERO);
    for service in services {
        let (some, failed, slow) = service.await?;
        (sent, errors, slowest) = (sent + some, errors + failed, slowest.max(slow));
    }
    let (mut moves, mut resent, mut doubtful) = (0, 0, 0);
    for events in &mut events {
        while let Ok(event) = events.try_recv() {
            if let Event::ProducerMoved { resent: some, in_doubt, .. } = event {
                (moves, resent, doubtful) = (moves + 1, resent + some, doubtful + in_doubt);
            }
        }
    }
    let mut seen = HashMap::<Vec<u8>, usize>::new();
    let mut reader = clients[0].consumer_builder(topic).stop_at_end(true).build().await?;
    while let Some(message) = reader.next().await {
        *seen.entry(message?.value().to_vec()).or_default() += 1;
    }
    let lost = sent - seen.len();
    let doubled: usize = seen.values().map(|count| count - 1).sum();
    println!(
        "{}",
        serde_json::json!({
            "sent": sent, "lost": lost, "doubled": doubled, "errors": errors, "moves": moves, "resent": resent,
            "inDoubt": doubtful, "slowestMs": slowest.as_millis() as u64,
        })
    );
    Ok(())
}

/// Sends at a steady rate; how many, how many failed, and the longest wait for an acknowledgement.
async fn service(producer: Producer, number: u64, rate: u64, until: Instant) -> (usize, usize, Duration) {
    let mut tick = interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut waiting = Vec::new();
    let mut sent: usize = 0;
    while Instant::now() < until {
        tick.tick().await;
        for _ in 0..rate / 100 {
            let (delivery, since) = (producer.queue(Message::value(format!("{number}-{sent}"))).await, Instant::now());
            waiting.push(tokio::spawn(async move { (delivery.await.is_err(), since.elapsed()) }));
            sent += 1;
        }
    }
    let (mut failed, mut slowest) = (0, Duration::ZERO);
    for delivery in waiting {
        let (error, waited) = delivery.await.unwrap_or((true, Duration::ZERO));
        failed += usize::from(error);
        slowest = slowest.max(waited);
    }
    (sent, failed, slowest)
}
