//! What `compat/` runs beside Python programs: streams of quixstreams 0.5.7 and rows of quixstreams 3.x, written and read.
//! It reports by lines that begin with `@ `, as the Python programs there do.

use anyhow::{Context, bail};
use serde_json::{Value as Json, json};
use twinkey_client::{
    Message, QuixStreamingClient,
    streams::{
        EventData, ParameterDefinition, ParameterDefinitions, Row, StreamContent, StreamEnd, StreamProperties, Value,
    },
};

const START: i64 = 1_700_000_000_123_456_789;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let client = QuixStreamingClient::from_env()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["produce-stream", topic] => produce_stream(&client, topic).await,
        ["consume-stream", topic, group] => consume_stream(&client, topic, group).await,
        ["produce-rows", topic, count] => produce_rows(&client, topic, count.parse()?).await,
        ["consume-rows", topic, group, count] => consume_rows(&client, topic, group, count.parse()?).await,
        _ => bail!(
            "produce-stream TOPIC | consume-stream TOPIC GROUP | produce-rows TOPIC N | consume-rows TOPIC GROUP N"
        ),
    }
}

fn report(event: &Json) {
    println!("@ {event}");
}

async fn produce_stream(client: &QuixStreamingClient, topic: &str) -> anyhow::Result<()> {
    let topic = client.stream_producer(topic).await?;
    let stream = topic.stream("rust-stream");
    let properties = StreamProperties {
        name: Some("From Rust".into()),
        location: Some("/a/b".into()),
        metadata: [("rig".into(), "7".into())].into(),
        parents: vec!["parent".into()],
        time_of_recording: Some("2024-01-02T03:04:05.678901".into()),
    };
    stream.properties(&properties).await?;
    let number = ParameterDefinition {
        id: "number".into(),
        name: Some("Number".into()),
        unit: Some("kg".into()),
        ..Default::default()
    };
    stream.parameter_definitions(&ParameterDefinitions { parameters: vec![number], ..Default::default() }).await?;
    let rows = [
        Row::at(START).with("number", 1.5).with("text", "één").with("bytes", vec![0, 1, 255]).tag("tag", "v"),
        Row::at(START + 1).with("number", 2),
    ];
    stream.timeseries(rows).await?;
    // Too large for one message.
    stream.timeseries([Row::at(START + 2).with("text", "x".repeat(2_500_000))]).await?;
    stream.events(&[EventData::new(START + 3, "finished", "yes").tag("t", "x")]).await?;
    stream.end(StreamEnd::Aborted).await?;
    topic.close().await;
    report(&json!({"event": "produced"}));
    Ok(())
}

async fn consume_stream(client: &QuixStreamingClient, topic: &str, group: &str) -> anyhow::Result<()> {
    let mut consumer = client.stream_consumer(topic, group).await?;
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    let (mut properties, mut definitions) = (Json::Null, Json::Null);
    let end = loop {
        let message = consumer.next().await.context("it ended early")??;
        match message.content {
            StreamContent::Properties(found) => properties = serde_json::to_value(found)?,
            StreamContent::ParameterDefinitions(found) => definitions = serde_json::to_value(found)?,
            StreamContent::Timeseries(found) => rows.extend(found.into_iter().map(|row| {
                let values: serde_json::Map<_, _> =
                    row.values.into_iter().map(|(name, value)| (name, shown(value))).collect();
                json!({"timestamp": row.timestamp, "values": values, "tags": row.tags})
            })),
            StreamContent::Events(found) => {
                events.extend(found.into_iter().map(|it| json!([it.timestamp, it.id, it.value, it.tags])));
            }
            StreamContent::End(end) => break format!("{}/{end:?}", message.stream),
            _ => {}
        }
    };
    consumer.close().await;
    let event = json!({"event": "consumed", "rows": rows, "events": events, "properties": properties, "definitions": definitions, "end": end});
    report(&event);
    Ok(())
}

/// A long text is shown by its length.
fn shown(value: Value) -> Json {
    match value {
        Value::Number(number) => json!(number),
        Value::Text(text) if text.len() > 1000 => json!(text.len()),
        Value::Text(text) => json!(text),
        Value::Binary(bytes) => json!(bytes),
    }
}

async fn produce_rows(client: &QuixStreamingClient, topic: &str, count: u32) -> anyhow::Result<()> {
    let producer = client.producer(topic).await?;
    let row = |number| Message::json("key", &json!({"number": number, "text": format!("value {number}")}));
    producer.send_all((0..count).map(row).collect::<Result<Vec<_>, _>>()?).await?;
    producer.close().await;
    report(&json!({"event": "produced"}));
    Ok(())
}

async fn consume_rows(client: &QuixStreamingClient, topic: &str, group: &str, count: usize) -> anyhow::Result<()> {
    let mut consumer = client.consumer(topic, group).await?;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let row: Json = consumer.next().await.context("it ended early")??.json()?;
        numbers.push(row["number"].clone());
    }
    consumer.close().await;
    report(&json!({"event": "consumed", "numbers": numbers}));
    Ok(())
}
