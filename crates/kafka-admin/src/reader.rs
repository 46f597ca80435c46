//! Reading one topic with Twinkey's own account, of transactions only what was committed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::future::join_all;
use kafka_protocol::{
    error::ResponseError as Code,
    messages::{
        FetchRequest,
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::PartitionData,
    },
};
use uuid::Uuid;

use crate::{
    Address, Cluster, Error, Refusal,
    layout::{EARLIEST, LATEST, Layout, PATIENCE, Partitions, ask, list_offsets},
    link::{Connection, Link},
};

/// Bytes of one partition in an answer; a larger batch comes whole.
const PARTITION_BYTES: i32 = 256 << 10;
/// Bytes of an answer.
const ANSWER_BYTES: i32 = 4 << 20;
/// The longest that a broker is asked to wait for something to come. A question to a broker that waits cannot be taken back, so
/// that the next answer of a busy broker waits for an idle one this long.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Where a partition begins and ends for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// The first offset that can be read.
    pub low: i64,
    /// The first one that cannot be read yet: what lies behind it is not there, or in an open transaction.
    pub high: i64,
}

/// What one look at a partition gave.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its number.
    pub partition: i32,
    /// What it gave, or why there is nothing.
    pub result: Result<Batches, FetchError>,
}

/// Record batches as they are stored.
#[derive(Debug, Clone)]
pub struct Batches {
    /// Whole batches, possibly with the beginning of another one behind them.
    pub bytes: Bytes,
    /// Transactions that were given up and reach into these batches: the producer's id, and the first offset.
    pub aborted: Vec<(i64, i64)>,
    /// Where the partition begins and ends.
    pub ends: Ends,
}

/// Why a partition gave nothing.
#[derive(Debug, Clone)]
pub enum FetchError {
    /// The offset lies outside of the log.
    OutOfRange(Ends),
    /// It is not known who leads it, or the leader does not answer; the sentence says more.
    Silent(String),
}

/// Reads a topic, which it knows by its id: if the topic is deleted and made again, this one is gone.
pub struct TopicReader {
    cluster: Cluster,
    name: String,
    id: Uuid,
    layout: Layout,
    /// A leader was wrong or silent: it is to be asked who leads now.
    stale: bool,
    held: HashMap<Address, (Arc<Link>, Connection)>,
}

/// What a leader answered: for each partition its data or Kafka's error code.
type Answer = Result<Vec<(i32, Result<Batches, i16>)>, Error>;

impl Cluster {
    /// Begins to read a topic, if it is there.
    pub async fn reader(&self, topic: &str) -> Result<Option<TopicReader>, Error> {
        let layout = self.layout_of(topic).await?;
        let Some(id) = layout.topics.first().map(|topic| topic.id) else { return Ok(None) };
        let (cluster, name) = (self.clone(), topic.to_owned());
        Ok(Some(TopicReader { cluster, name, id, layout, stale: false, held: HashMap::new() }))
    }
}

impl TopicReader {
    /// Where every partition begins and ends now, and sentences about those whose leaders do not tell. `None`: the topic is gone.
    pub async fn ends(&mut self) -> Result<Option<(BTreeMap<i32, Ends>, Vec<String>)>, Error> {
        if !self.look_again().await? {
            return Ok(None);
        }
        let partitions: Vec<i32> = self.partitions().map(|(partition, _)| partition).collect();
        let (low, mut missing) = self.offsets(&partitions, EARLIEST).await;
        let (high, more) = self.offsets(&partitions, LATEST).await;
        missing.extend(more);
        missing.sort();
        missing.dedup();
        let ends = low.into_iter().filter_map(|(partition, low)| {
            let high = *high.get(&partition)?;
            Some((partition, Ends { low, high: high.max(low) }))
        });
        Ok(Some((ends.collect(), missing)))
    }

    /// For each partition the offset of the first record that is not older than `time`, in milliseconds. Absent: there is none, or
    /// its leader does not tell.
    pub async fn offsets_at(&mut self, time: i64, partitions: &[i32]) -> BTreeMap<i32, i64> {
        let (mut offsets, _) = self.offsets(partitions, time.max(0)).await;
        offsets.retain(|_, offset| *offset >= 0);
        offsets
    }

    /// Reads on in these partitions; waits for something to come, but no longer than `wait` and half a second. `None`: the topic is
    /// gone.
    pub async fn fetch(&mut self, from: &[(i32, i64)], wait: Duration) -> Result<Option<Vec<Fetched>>, Error> {
        if self.stale && !self.look_again().await? {
            return Ok(None);
        }
        let mut fetched = self.fetch_once(from, wait.min(LONGEST_WAIT)).await;
        if self.stale {
            // A leader that has changed is no reason to bother anybody: the new one is asked.
            if !self.look_again().await? {
                return Ok(None);
            }
            let silent = |fetched: &Fetched| matches!(fetched.result, Err(FetchError::Silent(_)));
            let again: Vec<i32> = fetched.iter().filter(|it| silent(it)).map(|it| it.partition).collect();
            let again: Vec<_> = from.iter().copied().filter(|(partition, _)| again.contains(partition)).collect();
            fetched.retain(|it| !silent(it));
            fetched.extend(self.fetch_once(&again, Duration::ZERO).await);
        }
        self.tell_ends(&mut fetched).await?;
        Ok(Some(fetched))
    }

    async fn fetch_once(&mut self, from: &[(i32, i64)], wait: Duration) -> Vec<Fetched> {
        let mut fetched = Vec::with_capacity(from.len());
        let offsets: HashMap<i32, i64> = from.iter().copied().collect();
        let partitions: Vec<i32> = from.iter().map(|(partition, _)| *partition).collect();
        let (id, max_wait) = (self.id, i32::try_from(wait.as_millis()).unwrap_or(i32::MAX));
        let (leaders, leaderless) = self.leaders(&partitions);
        for partition in leaderless {
            self.stale = true;
            fetched.push(silent(partition, &format!("Nobody leads partition {partition} just now.")));
        }
        let asked = leaders.into_iter().map(|(address, partitions)| {
            let held = self.held.remove(&address);
            let link = self.cluster.link(&address);
            let request = request(id, &partitions, &offsets, max_wait);
            async move {
                let mut held = held.map(|(_, connection)| connection).filter(|connection| !connection.is_old());
                let answer = fetch_from(&link, &mut held, &request, wait).await;
                (address, link, held, partitions, answer)
            }
        });
        for (address, link, held, partitions, answer) in join_all(asked).await {
            if let Some(connection) = held {
                self.held.insert(address.clone(), (link, connection));
            }
            match answer {
                Ok(answers) => {
                    for (partition, result) in answers {
                        fetched.push(self.judge(partition, result));
                    }
                }
                Err(error) => {
                    self.stale = true;
                    fetched
                        .extend(partitions.into_iter().map(|partition| silent(partition, &sentence(&address, &error))));
                }
            }
        }
        fetched
    }

    /// What an answer about a partition means.
    fn judge(&mut self, partition: i32, result: Result<Batches, i16>) -> Fetched {
        let code = match result {
            Ok(batches) => return Fetched { partition, result: Ok(batches) },
            Err(code) => code,
        };
        match Code::try_from_code(code) {
            Some(Code::OffsetOutOfRange) => {
                let unknown = Ends { low: -1, high: -1 };
                Fetched { partition, result: Err(FetchError::OutOfRange(unknown)) }
            }
            Some(known) => {
                self.stale = true;
                silent(partition, &format!("Partition {partition} cannot be read just now ({known:?})."))
            }
            None => silent(partition, &format!("Partition {partition} cannot be read (error {code}).")),
        }
    }

    /// An offset that is refused is refused without the ends.
    async fn tell_ends(&mut self, fetched: &mut Vec<Fetched>) -> Result<(), Error> {
        if !fetched.iter().any(|it| matches!(it.result, Err(FetchError::OutOfRange(_)))) {
            return Ok(());
        }
        let (ends, _) = self.ends().await?.unwrap_or_default();
        for fetched in fetched {
            if let Err(FetchError::OutOfRange(_)) = fetched.result {
                fetched.result = Err(match ends.get(&fetched.partition) {
                    Some(ends) => FetchError::OutOfRange(*ends),
                    None => FetchError::Silent(format!("Partition {} cannot be read just now.", fetched.partition)),
                });
            }
        }
        Ok(())
    }

    /// Asks who leads the partitions now. Whether the topic is still the one that it was.
    async fn look_again(&mut self) -> Result<bool, Error> {
        let layout = self.cluster.layout_of(&self.name).await?;
        let same = layout.topics.first().is_some_and(|topic| topic.id == self.id);
        if same {
            self.layout = layout;
            self.stale = false;
        }
        Ok(same)
    }

    fn partitions(&self) -> impl Iterator<Item = (i32, i32)> {
        self.layout.topics.iter().flat_map(|topic| topic.partitions.iter().copied())
    }

    /// Which of these partitions each leader leads, and which nobody does.
    fn leaders(&self, wanted: &[i32]) -> (BTreeMap<Address, Vec<i32>>, Vec<i32>) {
        let leaders: HashMap<i32, &Address> = self
            .partitions()
            .filter_map(|(partition, leader)| Some((partition, self.layout.brokers.get(&leader)?)))
            .collect();
        let (mut led, mut leaderless) = (BTreeMap::<Address, Vec<i32>>::new(), Vec::new());
        for partition in wanted {
            match leaders.get(partition) {
                Some(address) => led.entry((*address).clone()).or_default().push(*partition),
                None => leaderless.push(*partition),
            }
        }
        (led, leaderless)
    }

    /// Offsets by time, and sentences about what is missing.
    async fn offsets(&mut self, partitions: &[i32], time: i64) -> (BTreeMap<i32, i64>, Vec<String>) {
        let (leaders, leaderless) = self.leaders(partitions);
        let mut missing: Vec<_> =
            leaderless.iter().map(|partition| format!("Nobody leads partition {partition} just now.")).collect();
        let name = self.name.as_str();
        let asked = leaders.into_iter().map(|(address, partitions)| {
            let link = self.cluster.link(&address);
            async move {
                let of_topic = Partitions::from([(name, partitions)]);
                let answer = async {
                    let mut connection = link.ready().await?;
                    let answer = list_offsets(&link, &mut connection, &of_topic, time, true).await?;
                    link.rest(connection);
                    Ok::<_, Error>(answer)
                };
                let answer = answer.await;
                (address, answer)
            }
        });
        let mut offsets = BTreeMap::new();
        for (address, answer) in join_all(asked).await {
            match answer {
                Ok(answers) => {
                    for (_, partition, offset) in answers {
                        match offset {
                            Ok(offset) => drop(offsets.insert(partition, offset)),
                            Err(code) => {
                                missing.push(format!("Partition {partition} cannot be read just now (error {code})."));
                            }
                        }
                    }
                }
                Err(error) => missing.push(sentence(&address, &error)),
            }
        }
        self.stale |= !missing.is_empty();
        (offsets, missing)
    }
}

impl Drop for TopicReader {
    /// The connections are for whoever comes next.
    fn drop(&mut self) {
        for (_, (link, connection)) in self.held.drain() {
            link.rest(connection);
        }
    }
}

async fn fetch_from(link: &Link, held: &mut Option<Connection>, request: &FetchRequest, wait: Duration) -> Answer {
    const WHAT: &str = "read messages";
    let mut connection = match held.take() {
        Some(connection) => connection,
        None => link.ready().await?,
    };
    let answer = ask(link, &mut connection, WHAT, request, 13..=17, PATIENCE + wait).await?;
    *held = Some(connection);
    if answer.error_code != 0 {
        return Err(Error::Refused {
            what: WHAT.to_owned(),
            refusal: Refusal::Other(answer.error_code),
            message: String::new(),
        });
    }
    let partitions = answer.responses.into_iter().flat_map(|topic| topic.partitions);
    Ok(partitions.map(|data| (data.partition_index, batches(data))).collect())
}

fn request(id: Uuid, partitions: &[i32], offsets: &HashMap<i32, i64>, max_wait: i32) -> FetchRequest {
    let of = |partition: &i32| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(offsets[partition])
            .with_partition_max_bytes(PARTITION_BYTES)
    };
    let topic = FetchTopic::default().with_topic_id(id).with_partitions(partitions.iter().map(of).collect());
    FetchRequest::default()
        .with_max_wait_ms(max_wait)
        .with_min_bytes(1)
        .with_max_bytes(ANSWER_BYTES)
        .with_isolation_level(1)
        .with_topics(vec![topic])
}

fn batches(data: PartitionData) -> Result<Batches, i16> {
    if data.error_code != 0 {
        return Err(data.error_code);
    }
    let aborted = data.aborted_transactions.unwrap_or_default();
    Ok(Batches {
        bytes: data.records.unwrap_or_default(),
        aborted: aborted.iter().map(|it| (it.producer_id.0, it.first_offset)).collect(),
        ends: Ends { low: data.log_start_offset, high: data.last_stable_offset },
    })
}

fn silent(partition: i32, sentence: &str) -> Fetched {
    Fetched { partition, result: Err(FetchError::Silent(sentence.to_owned())) }
}

fn sentence(address: &Address, error: &Error) -> String {
    format!("The broker at {address} does not answer: {error}.")
}
