//! `twinkey produce`: from lines to messages.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use tokio::{sync::mpsc, time::Instant};
use twinkey_client::{DeliveryFuture, Message};

use super::{
    record::Record,
    streaming::{StreamingArgs, key_value, unescaped},
};

/// How many messages may wait for their acknowledgement before the next one is looked at.
const WAITING: usize = 10_000;

#[derive(Args)]
#[command(after_help = "Examples:
  echo hello | twinkey produce greetings
  twinkey produce orders --key-separator : < orders.txt
  twinkey consume orders --json --exit | twinkey produce copies --json")]
pub struct Produce {
    /// The topic, by name or id; made if it does not exist
    topic: String,
    /// Files to read; the standard input if there are none
    files: Vec<PathBuf>,
    /// A key for all messages
    #[arg(short, long)]
    key: Option<String>,
    /// What separates a key from the value within each line (\t for a tab)
    #[arg(short = 'K', long, value_name = "TEXT", conflicts_with = "key")]
    key_separator: Option<String>,
    /// A header for all messages; may be given several times
    #[arg(short = 'H', long = "header", value_name = "NAME=VALUE", value_parser = key_value)]
    headers: Vec<(String, String)>,
    /// The partition, instead of the one that the key chooses
    #[arg(short, long)]
    partition: Option<i32>,
    /// Each line is a message as `consume --json` prints it
    #[arg(short = 'J', long, conflicts_with_all = ["key", "key_separator"])]
    json: bool,
    /// Messages per second, at most
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Do not show progress on a terminal
    #[arg(short, long)]
    quiet: bool,
    /// The topic must exist
    #[arg(long)]
    no_create: bool,
    #[command(flatten)]
    streaming: StreamingArgs,
}

impl Produce {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let producer = self.streaming.connect(!self.no_create).await?.producer(&self.topic).await?;
        let mut lines = read_lines(self.files.clone());
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let mut progress = Progress::new(!self.quiet && std::io::stderr().is_terminal());
        let mut waiting = std::collections::VecDeque::<DeliveryFuture>::new();
        let (mut stopped, mut number) = (false, 0_u64);
        let began = Instant::now();
        loop {
            let line = tokio::select! {
                line = lines.recv() => line,
                _ = &mut interrupted => {
                    stopped = true;
                    break;
                }
            };
            let Some(line) = line else { break };
            number += 1;
            let message = self.message(line?).with_context(|| format!("line {number}"))?;
            if let Some(rate) = self.rate.filter(|rate| *rate > 0.0) {
                #[expect(clippy::cast_precision_loss, reason = "nobody sends 2^52 messages")]
                tokio::time::sleep_until(began + Duration::from_secs_f64((number - 1) as f64 / rate)).await;
            }
            waiting.push_back(producer.queue(message).await);
            while waiting.len() > WAITING {
                waiting
                    .pop_front()
                    .expect("not empty")
                    .await
                    .with_context(|| format!("after {} messages", progress.count))?;
                progress.step()?;
            }
            progress.show(waiting.len())?;
        }
        let left = waiting.len();
        let delivered = async {
            for delivery in waiting {
                delivery.await.with_context(|| format!("after {} messages", progress.count))?;
                progress.step()?;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            delivered = delivered => delivered?,
            _ = tokio::signal::ctrl_c() => bail!("interrupted while {left} messages were not acknowledged yet"),
        }
        producer.close().await;
        progress.end()?;
        // As a program that SIGINT ended: not everything was sent, and whoever called it may want to know.
        Ok(if stopped { ExitCode::from(130) } else { ExitCode::SUCCESS })
    }

    fn message(&self, line: Vec<u8>) -> anyhow::Result<Message> {
        let mut message = if self.json {
            serde_json::from_slice::<Record>(&line)?.message()?
        } else if let Some(separator) = self.key_separator.as_deref().map(unescaped).filter(|it| !it.is_empty()) {
            let at = line.windows(separator.len()).position(|window| window == separator.as_bytes());
            let at = at.with_context(|| format!("there is no '{separator}' in it"))?;
            Message::new(&line[..at], &line[at + separator.len()..])
        } else if let Some(key) = &self.key {
            Message::new(key.as_str(), line)
        } else {
            Message::value(line)
        };
        for (name, value) in &self.headers {
            message = message.header(name, value.as_str());
        }
        Ok(match self.partition {
            Some(partition) => message.partition(partition),
            None => message,
        })
    }
}

/// How far it is, on the standard error, ten times a second at most.
struct Progress {
    on: bool,
    count: u64,
    began: Instant,
    shown: Instant,
}

impl Progress {
    fn new(on: bool) -> Self {
        Self { on, count: 0, began: Instant::now(), shown: Instant::now() }
    }

    fn step(&mut self) -> std::io::Result<()> {
        self.count += 1;
        self.show(0)
    }

    fn show(&mut self, waiting: usize) -> std::io::Result<()> {
        if self.on && self.shown.elapsed() > Duration::from_millis(100) {
            self.shown = Instant::now();
            write!(std::io::stderr(), "\r{} delivered, {waiting} on their way   ", self.count)?;
        }
        Ok(())
    }

    fn end(&self) -> std::io::Result<()> {
        if self.on {
            let seconds = self.began.elapsed().as_secs_f64();
            writeln!(std::io::stderr(), "\r{} delivered in {seconds:.1} s                    ", self.count)?;
        }
        Ok(())
    }
}

/// The lines of the files, or of the standard input, without their ends. Read in a thread of its own, which ends with the
/// process: a read of a terminal cannot be interrupted, and the runtime would wait for it.
fn read_lines(files: Vec<PathBuf>) -> mpsc::Receiver<anyhow::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel(1000);
    std::thread::spawn(move || {
        let each = |mut reader: Box<dyn BufRead>| -> anyhow::Result<()> {
            loop {
                let mut line = Vec::new();
                if reader.read_until(b'\n', &mut line)? == 0 {
                    return Ok(());
                }
                if line.last() == Some(&b'\n') {
                    line.pop();
                }
                if sender.blocking_send(Ok(line)).is_err() {
                    return Ok(());
                }
            }
        };
        let all = || -> anyhow::Result<()> {
            if files.is_empty() {
                return each(Box::new(std::io::stdin().lock())).context("the standard input");
            }
            for file in &files {
                let name = || file.display().to_string();
                each(Box::new(BufReader::new(File::open(file).with_context(name)?))).with_context(name)?;
            }
            Ok(())
        };
        if let Err(error) = all() {
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}
