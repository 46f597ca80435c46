//! `twinkey topics`.

use std::io::Write;

use clap::Subcommand;
use twinkey_client::TopicSettings;

use super::{streaming::StreamingArgs, table};

#[derive(Subcommand)]
pub enum Topics {
    /// List the topics of a workspace
    List {
        #[command(flatten)]
        streaming: StreamingArgs,
    },
    /// Show a topic's settings, and how much there is of each partition
    Describe {
        /// The topic, by name or id
        topic: String,
        #[command(flatten)]
        streaming: StreamingArgs,
    },
    /// Show how far a consumer group is behind
    Lag {
        /// The topic, by name or id
        topic: String,
        /// The consumer group, with or without the workspace before it
        group: String,
        #[command(flatten)]
        streaming: StreamingArgs,
    },
    /// Make a topic
    Create {
        /// The topic's name
        topic: String,
        /// How many partitions
        #[arg(short, long)]
        partitions: Option<i32>,
        /// How many copies
        #[arg(long)]
        replication_factor: Option<i32>,
        /// How long messages are kept, in minutes; -1: for ever
        #[arg(long, allow_hyphen_values = true, value_name = "MINUTES")]
        retention: Option<i64>,
        /// How many bytes of each partition are kept; -1: no limit
        #[arg(long, allow_hyphen_values = true, value_name = "BYTES")]
        retention_bytes: Option<i64>,
        /// What happens to old messages
        #[arg(long, value_name = "Delete|Compact|DeleteAndCompact")]
        cleanup_policy: Option<String>,
        #[command(flatten)]
        streaming: StreamingArgs,
    },
}

impl Topics {
    pub async fn run(self) -> anyhow::Result<()> {
        let mut out = std::io::stdout();
        match self {
            Self::List { streaming } => {
                let mut table = table(&["TOPIC", "PARTITIONS", "STATUS", "ID"]);
                for topic in streaming.connect(false).await?.topics().list().await? {
                    let partitions = topic.configuration.partitions.map(|it| it.to_string()).unwrap_or_default();
                    table.add_row([topic.name, partitions, topic.status, topic.id]);
                }
                writeln!(out, "{table}")?;
            }
            Self::Describe { topic, streaming } => {
                let topics = streaming.connect(false).await?.topics();
                let found = topics.describe(&topic).await?;
                let shown = |value: Option<i64>| value.map(|it| it.to_string()).unwrap_or_default();
                let settings = &found.configuration;
                writeln!(out, "{} ({}), {}", found.name, found.id, found.status)?;
                writeln!(
                    out,
                    "retention {} minutes, {} bytes; cleanup {}; replication factor {}\n",
                    shown(settings.retention_in_minutes),
                    shown(settings.retention_in_bytes),
                    settings.cleanup_policy.as_deref().unwrap_or_default(),
                    settings.replication_factor.map(|it| it.to_string()).unwrap_or_default(),
                )?;
                let mut table = table(&["PARTITION", "FIRST", "END", "MESSAGES"]);
                for extent in topics.extents(&topic).await? {
                    table.add_row([i64::from(extent.partition), extent.first, extent.end, extent.end - extent.first]);
                }
                writeln!(out, "{table}")?;
            }
            Self::Lag { topic, group, streaming } => {
                let lags = streaming.connect(false).await?.topics().lag(&topic, &group).await?;
                let mut table = table(&["PARTITION", "COMMITTED", "END", "LAG"]);
                for lag in &lags {
                    let committed = lag.committed.map_or_else(|| "-".to_owned(), |offset| offset.to_string());
                    let (extent, behind) = (lag.extent, lag.lag());
                    table.add_row([
                        extent.partition.to_string(),
                        committed,
                        extent.end.to_string(),
                        behind.to_string(),
                    ]);
                }
                writeln!(out, "{table}")?;
                writeln!(out, "{} messages behind", lags.iter().map(twinkey_client::PartitionLag::lag).sum::<i64>())?;
            }
            Self::Create {
                topic,
                partitions,
                replication_factor,
                retention,
                retention_bytes,
                cleanup_policy,
                streaming,
            } => {
                let settings = TopicSettings {
                    partitions,
                    replication_factor,
                    retention_in_minutes: retention,
                    retention_in_bytes: retention_bytes,
                    cleanup_policy,
                };
                let made = streaming.connect(true).await?.topics().create(&topic, &settings).await?;
                writeln!(out, "Topic {} is there, with the id {}", made.name, made.id)?;
            }
        }
        Ok(())
    }
}
