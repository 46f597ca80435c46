//! Which partitions there are, who leads them, and questions that only a leader answers.

use std::{collections::HashMap, time::Duration};

use kafka_protocol::{
    messages::{
        BrokerId, ListOffsetsRequest, MetadataResponse,
        list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic},
    },
    protocol::Request,
};
use uuid::Uuid;

use crate::{
    Address, Cluster, Error, Refusal,
    answer::judge,
    link::{Connection, Link},
    topics::{codec_name, metadata},
};

/// Partitions by the thousand take their time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// [`ListOffsetsRequest`]: the offset that the next record gets.
pub(crate) const LATEST: i64 = -1;
/// The first offset that can be read.
pub(crate) const EARLIEST: i64 = -2;

/// Topics and the leaders of their partitions, as one broker knows them.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Where the brokers are.
    pub(crate) brokers: HashMap<i32, Address>,
    /// By name.
    pub(crate) topics: Vec<LaidOut>,
}

/// A topic and the leaders of its partitions.
#[derive(Debug)]
pub(crate) struct LaidOut {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    /// By number, with the id of the leader; negative: nobody leads it just now.
    pub(crate) partitions: Vec<(i32, i32)>,
}

/// Partitions of topics, by the topics' names.
pub(crate) type Partitions<'a> = HashMap<&'a str, Vec<i32>>;

/// Answers about partitions: topic, partition, and the answer or Kafka's error code.
pub(crate) type Answers = Vec<(String, i32, Result<i64, i16>)>;

impl Cluster {
    /// The topics whose names begin with `prefix`.
    pub(crate) async fn layout(&self, prefix: &str) -> Result<Layout, Error> {
        let (answer, address) = self.ask("list topics", &metadata(None), 10..=12).await?;
        laid_out(answer, &address, |name| name.starts_with(prefix))
    }

    /// One topic, if it is there.
    pub(crate) async fn layout_of(&self, topic: &str) -> Result<Layout, Error> {
        let (answer, address) = self.ask("look at a topic", &metadata(Some(topic)), 10..=12).await?;
        laid_out(answer, &address, |name| name == topic)
    }
}

fn laid_out(answer: MetadataResponse, address: &Address, wanted: impl Fn(&str) -> bool) -> Result<Layout, Error> {
    let brokers = answer.brokers.iter().filter_map(|broker| {
        let port = u16::try_from(broker.port).ok()?;
        Some((broker.node_id.0, Address { host: broker.host.to_string(), port }))
    });
    let mut layout = Layout { brokers: brokers.collect(), topics: Vec::new() };
    for topic in answer.topics {
        let Some(name) = topic.name.as_ref().map(|name| name.to_string()).filter(|name| wanted(name)) else { continue };
        match judge(topic.error_code, None, "look at topics", address, false) {
            // Temporary: some partition has no leader just now.
            Ok(()) | Err(Error::Temporary { .. }) => {}
            Err(Error::Refused { refusal: Refusal::NotFound | Refusal::InvalidName, .. }) => continue,
            Err(other) => return Err(other),
        }
        let mut partitions: Vec<_> =
            topic.partitions.iter().map(|partition| (partition.partition_index, partition.leader_id.0)).collect();
        partitions.sort_unstable();
        layout.topics.push(LaidOut { name, id: topic.topic_id, partitions });
    }
    layout.topics.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(layout)
}

/// Asks on this connection, and once more on a new one if it turns out to be dead: it may have rested for long.
pub(crate) async fn ask<R: Request>(
    link: &Link,
    connection: &mut Connection,
    what: &str,
    request: &R,
    versions: std::ops::RangeInclusive<i16>,
    limit: Duration,
) -> Result<R::Response, Error> {
    match connection.ask_within(link, what, request, versions.clone(), limit).await {
        Err(Error::Unreachable { .. }) => {
            *connection = link.connect().await?;
            connection.ask_within(link, what, request, versions, limit).await
        }
        other => other,
    }
}

/// Offsets by time; [`LATEST`] and [`EARLIEST`] are times too. `committed`: what lies in open transactions does not count.
pub(crate) async fn list_offsets(
    link: &Link,
    connection: &mut Connection,
    partitions: &Partitions<'_>,
    time: i64,
    committed: bool,
) -> Result<Answers, Error> {
    let topics = partitions.iter().map(|(name, partitions)| {
        let of = |partition: &i32| {
            ListOffsetsPartition::default()
                .with_partition_index(*partition)
                .with_current_leader_epoch(-1)
                .with_timestamp(time)
        };
        ListOffsetsTopic::default().with_name(codec_name(name)).with_partitions(partitions.iter().map(of).collect())
    });
    let request = ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_isolation_level(i8::from(committed))
        .with_topics(topics.collect());
    let answer = ask(link, connection, "look where partitions begin and end", &request, 4..=9, PATIENCE).await?;
    let answers = answer.topics.into_iter().flat_map(|topic| {
        let name = topic.name.to_string();
        topic.partitions.into_iter().map(move |it| {
            let result = if it.error_code == 0 { Ok(it.offset) } else { Err(it.error_code) };
            (name.clone(), it.partition_index, result)
        })
    });
    Ok(answers.collect())
}
