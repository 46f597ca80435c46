//! The programs that `bench/client` compares. `client` knows the Quix variables, `plain` the connection that the API answers to
//! a token (the variable `KAFKA`, as JSON).

mod client;
mod load;
mod plain;

use anyhow::bail;

/// What a message carries.
const SIZE: usize = 1024;
/// How many messages wait for their acknowledgement at once.
const WINDOW: usize = 20_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["first", "client", topic] => client::first(topic).await,
        ["first", "plain", topic] => plain::first(topic).await,
        ["produce", "client", topic, count] => client::produce(topic, count.parse()?).await,
        ["produce", "plain", topic, count] => plain::produce(topic, count.parse()?).await,
        ["consume", "client", topic, count] => client::consume(topic, count.parse()?).await,
        ["consume", "plain", topic, count] => plain::consume(topic, count.parse()?).await,
        ["load", how, topic, rate, seconds] => load::run(how, topic, rate.parse()?, seconds.parse()?).await,
        _ => bail!("first|produce|consume client|plain TOPIC [COUNT], or load planned|forced TOPIC RATE SECONDS"),
    }
}

/// What `produce` and `consume` print: seconds from the first message to the last.
fn seconds(since: std::time::Instant) {
    println!("{}", since.elapsed().as_secs_f64());
}
