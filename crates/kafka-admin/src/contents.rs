//! What is in topics: where partitions begin and end, and how much they take on disk. Each leader is asked by itself.

use std::collections::{BTreeMap, HashMap};

use futures::future::join_all;
use kafka_protocol::messages::{DescribeLogDirsRequest, describe_log_dirs_request::DescribableLogDirTopic};

use crate::{
    Address, Cluster, Error,
    answer::judge,
    layout::{EARLIEST, LATEST, LaidOut, Layout, PATIENCE, Partitions, ask, list_offsets},
    link::{Connection, Link},
    topics::codec_name,
};

/// Topics and what is in them, as far as their leaders answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// By name.
    pub topics: Vec<TopicContents>,
    /// Sentences about what is missing.
    pub missing: Vec<String>,
}

/// What is in one topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicContents {
    /// Its name.
    pub name: String,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionContents>,
}

/// What is in one partition, as far as its leader told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionContents {
    /// Its number.
    pub partition: i32,
    /// The first offset that can be read.
    pub low: Option<i64>,
    /// The offset that the next record gets.
    pub high: Option<i64>,
    /// How many bytes it takes on its leader.
    pub bytes: Option<i64>,
    /// Who leads it.
    pub leader: Option<i32>,
}

/// What a leader told of its partitions.
#[derive(Default)]
struct Told {
    low: HashMap<(String, i32), i64>,
    high: HashMap<(String, i32), i64>,
    bytes: HashMap<(String, i32), i64>,
}

impl Cluster {
    /// What is in the topics whose names begin with `prefix`: four requests for each broker, however many topics there are.
    pub async fn contents(&self, prefix: &str) -> Result<Contents, Error> {
        let layout = self.layout(prefix).await?;
        Ok(self.ask_leaders(&layout).await)
    }

    /// What is in one topic; nothing, if there is none.
    pub async fn contents_of(&self, topic: &str) -> Result<Contents, Error> {
        let layout = self.layout_of(topic).await?;
        Ok(self.ask_leaders(&layout).await)
    }

    async fn ask_leaders(&self, layout: &Layout) -> Contents {
        let mut led: BTreeMap<i32, Partitions<'_>> = BTreeMap::new();
        for topic in &layout.topics {
            for (partition, leader) in &topic.partitions {
                led.entry(*leader).or_default().entry(&topic.name).or_default().push(*partition);
            }
        }
        let asked = led.iter().map(|(leader, partitions)| async move {
            let address = layout.brokers.get(leader);
            let told = match address {
                Some(address) => self.ask_leader(address, partitions).await.map_err(|error| error.to_string()),
                None => Err("nobody leads them just now".to_owned()),
            };
            (*leader, address, partitions, told)
        });
        let (mut all, mut missing) = (Told::default(), Vec::new());
        for (leader, address, partitions, told) in join_all(asked).await {
            let count: usize = partitions.values().map(Vec::len).sum();
            match told {
                Ok((told, sentence)) => {
                    missing.extend(sentence);
                    all.low.extend(told.low);
                    all.high.extend(told.high);
                    all.bytes.extend(told.bytes);
                }
                Err(reason) => missing.push(match address {
                    Some(address) => format!("Broker {leader} at {address}, which leads {count} partitions: {reason}."),
                    None => format!("{count} partitions have no leader: {reason}."),
                }),
            }
        }
        Contents { topics: layout.topics.iter().map(|topic| put_together(topic, &all)).collect(), missing }
    }

    async fn ask_leader(
        &self,
        address: &Address,
        partitions: &Partitions<'_>,
    ) -> Result<(Told, Option<String>), Error> {
        let link = self.link(address);
        let mut connection = link.ready().await?;
        // In this order, so that an end is not before its beginning.
        let low = list_offsets(&link, &mut connection, partitions, EARLIEST, false).await?;
        let high = list_offsets(&link, &mut connection, partitions, LATEST, false).await?;
        let asked = low.len() + high.len();
        let known = |answers: Vec<(String, i32, Result<i64, i16>)>| {
            let known =
                answers.into_iter().filter_map(|(topic, partition, offset)| Some(((topic, partition), offset.ok()?)));
            known.collect::<HashMap<_, _>>()
        };
        let (low, high) = (known(low), known(high));
        let (bytes, sentence) = match sizes(&link, &mut connection, partitions).await {
            Ok(bytes) => (bytes, None),
            // Sizes need a right that an account may lack; the rest is told all the same.
            Err(error) => (HashMap::new(), Some(format!("Sizes are not known: {error}."))),
        };
        link.rest(connection);
        // What is refused for a partition (it is being moved, say) is missing there and nowhere else.
        let refused = asked > low.len() + high.len();
        let moving = || format!("Broker {address} does not lead some partitions any more; ask again.");
        let sentence = if refused { Some(moving()) } else { sentence };
        Ok((Told { low, high, bytes }, sentence))
    }
}

/// How much the partitions take on this broker.
async fn sizes(
    link: &Link,
    connection: &mut Connection,
    partitions: &Partitions<'_>,
) -> Result<HashMap<(String, i32), i64>, Error> {
    const WHAT: &str = "ask how large partitions are";
    let topics = partitions.iter().map(|(name, partitions)| {
        DescribableLogDirTopic::default().with_topic(codec_name(name)).with_partitions(partitions.clone())
    });
    let request = DescribeLogDirsRequest::default().with_topics(Some(topics.collect()));
    let answer = ask(link, connection, WHAT, &request, 1..=4, PATIENCE).await?;
    judge(answer.error_code, None, WHAT, &link.address, false)?;
    let mut sizes = HashMap::new();
    for directory in answer.results {
        judge(directory.error_code, None, WHAT, &link.address, false)?;
        for topic in directory.topics {
            // A future replica is a copy on its way to another directory.
            for partition in topic.partitions.iter().filter(|partition| !partition.is_future_key) {
                sizes.insert((topic.name.to_string(), partition.partition_index), partition.partition_size);
            }
        }
    }
    Ok(sizes)
}

fn put_together(topic: &LaidOut, told: &Told) -> TopicContents {
    let partitions = topic.partitions.iter().map(|(partition, leader)| {
        let key = (topic.name.clone(), *partition);
        let get = |of: &HashMap<_, i64>| of.get(&key).copied();
        PartitionContents {
            partition: *partition,
            low: get(&told.low),
            high: get(&told.high),
            bytes: get(&told.bytes),
            leader: (*leader >= 0).then_some(*leader),
        }
    });
    TopicContents { name: topic.name.clone(), partitions: partitions.collect() }
}
