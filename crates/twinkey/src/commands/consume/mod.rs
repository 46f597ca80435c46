//! `twinkey consume`: from messages to lines.

mod format;

use std::io::{BufWriter, Write};

use clap::Args;
use twinkey_client::{Consumer, Received, Start};

use self::format::Format;
use super::{record::Record, streaming::StreamingArgs};

#[derive(Args)]
#[command(after_help = "Examples:
  twinkey consume orders                                 all messages, and then the new ones
  twinkey consume orders --offset end                    the new ones only
  twinkey consume orders --offset -10 --exit             the last ten of each partition
  twinkey consume orders --since 2026-01-31T12:00:00Z --json
  twinkey consume orders --group billing --count 5       as a member of a group, which commits
  twinkey consume orders --format '%p@%o %k: %s\\n'")]
pub struct Consume {
    /// The topic, by name or id
    topic: String,
    /// Read as a member of this consumer group, and commit what was printed
    #[arg(short, long, conflicts_with = "since")]
    group: Option<String>,
    /// Where to begin: beginning, end, an offset, or -N for the last N of each partition [default: beginning]
    #[arg(short, long, allow_hyphen_values = true, value_parser = start, conflicts_with = "since")]
    offset: Option<Start>,
    /// Begin with the first message of this time: RFC 3339, or milliseconds since 1970
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Start>,
    /// End after this many messages
    #[arg(short, long, value_name = "N")]
    count: Option<u64>,
    /// End when everything that is there has been read
    #[arg(short, long)]
    exit: bool,
    /// Print each message as one line of JSON
    #[arg(short = 'J', long, conflicts_with = "format")]
    json: bool,
    /// How to print a message: %t topic, %p partition, %o offset, %T time, %k key, %s value, %K and %S their lengths (-1: none),
    /// %h headers, %% a percent sign; \n and \t as usual
    #[arg(short, long, default_value = "%s\\n", value_parser = Format::parse)]
    format: Format,
    #[command(flatten)]
    streaming: StreamingArgs,
}

impl Consume {
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.streaming.connect(false).await?;
        let mut builder = client.consumer_builder(&self.topic).stop_at_end(self.exit);
        if let Some(group) = &self.group {
            builder = builder.group(group);
        }
        if let Some(start) = self.offset.or(self.since) {
            builder = builder.start(start);
        }
        let mut consumer = builder.build().await?;
        let outcome = self.print(&mut consumer).await;
        // Also where the reader has seen enough: what it was given is committed.
        consumer.close().await;
        outcome
    }

    async fn print(&self, consumer: &mut Consumer) -> anyhow::Result<()> {
        let mut out = BufWriter::new(std::io::stdout());
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            // What was printed is to be seen before there is nothing more to print.
            let message = if let Some(message) = futures::FutureExt::now_or_never(consumer.next()) {
                message
            } else {
                out.flush()?;
                tokio::select! {
                    message = consumer.next() => message,
                    _ = &mut interrupted => break,
                }
            };
            match message {
                Some(Ok(message)) => self.write(&mut out, &message)?,
                // Told, and then waited for again, as long as there is hope.
                Some(Err(error)) if error.is_transient() => writeln!(std::io::stderr(), "twinkey: {error}")?,
                Some(Err(error)) => return Err(error.into()),
                None => break,
            }
            left -= 1;
        }
        Ok(out.flush()?)
    }

    fn write(&self, out: &mut impl Write, message: &Received) -> std::io::Result<()> {
        if self.json {
            serde_json::to_writer(&mut *out, &Record::of(message))?;
            return out.write_all(b"\n");
        }
        self.format.write(out, message)
    }
}

fn start(text: &str) -> Result<Start, String> {
    match text {
        "beginning" | "earliest" => Ok(Start::Earliest),
        "end" | "latest" => Ok(Start::Latest),
        text => match text.parse::<i64>() {
            Ok(offset) if offset >= 0 => Ok(Start::Offset(offset)),
            Ok(offset) => Ok(Start::FromEnd(-offset)),
            Err(_) => Err("it must be beginning, end, an offset, or -N".into()),
        },
    }
}

fn time(text: &str) -> Result<Start, String> {
    let milliseconds = text.parse::<i64>().ok();
    let milliseconds =
        milliseconds.or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond));
    milliseconds
        .map(Start::Time)
        .ok_or_else(|| "it must be like 2026-01-31T12:00:00Z, or milliseconds since 1970".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_to_begin() {
        assert_eq!(start("beginning"), Ok(Start::Earliest));
        assert_eq!(start("end"), Ok(Start::Latest));
        assert_eq!(start("7"), Ok(Start::Offset(7)));
        assert_eq!(start("-7"), Ok(Start::FromEnd(7)));
        assert!(start("soon").is_err());
        assert_eq!(time("2023-11-14T22:13:20.5Z"), Ok(Start::Time(1_700_000_000_500)));
        assert_eq!(time("1700000000500"), Ok(Start::Time(1_700_000_000_500)));
        assert!(time("yesterday").is_err());
    }
}
