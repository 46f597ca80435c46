//! Ending the transactions that a dead principal has left open, so that readers of committed records are not held back.
//!
//! Kafka does not tell whose a transaction is: it knows transactional ids, producer ids and partitions, not principals. The
//! two tokens of a workspace share its transactional ids. What can be told apart is progress: a dead principal's
//! transaction makes none, because each of its requests is refused, while a living one's goes on or ends. So a
//! transaction is aborted only if
//!
//! * it was open when the watch began, which must be after the cut-off is proved: whatever begins later is a living one's;
//! * and for the whole of the watch it stayed the same one (producer, epoch, start) and nothing was added to it: no
//!   partition, no record in any of its partitions.
//!
//! A living producer that holds a transaction open and sends nothing at all for as long as the watch lasts looks the same, and would be
//! fenced. That is why the watch is long ([`WATCH`]): clients that commit at intervals commit every 0.1 s (Kafka
//! Streams) to 5 s (quixstreams) by default. An installation whose own producers pause longer inside a transaction should give a longer
//! watch, or none: Kafka ends each transaction by itself at the producer's `transaction.timeout.ms`, 60 s by default.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use futures::future::join_all;
use kafka_protocol::{
    messages::{
        DescribeProducersRequest, DescribeTransactionsRequest, InitProducerIdRequest, ListTransactionsRequest,
        ProducerId, TransactionalId, describe_producers_request::TopicRequest,
        describe_transactions_response::TransactionState,
    },
    protocol::StrBytes,
};
use tokio::time::{Instant, sleep};

use crate::{
    Cluster, Error,
    answer::judge,
    link::Link,
    topics::{broker_address, metadata},
};

/// How long a transaction must have stood still before it is taken for a dead principal's: three times the longest interval at
/// which clients commit by default.
pub const WATCH: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
const WHAT: &str = "look at open transactions";
const ABORT: &str = "abort a transaction that a dead token left open";
/// A question for the coordinator of a transactional id.
const TRANSACTION: i8 = 1;

/// The last sequence number and timestamp of a producer in a partition.
type Progress = (i32, i64);

/// One transaction, with all by which progress shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    producer: (i64, i16),
    started: i64,
    timeout_ms: i32,
    /// Topic, partition; last sequence and timestamp of the producer there, if it has written there.
    partitions: Vec<(String, i32, Option<Progress>)>,
}

impl Cluster {
    /// Watches the open transactions whose id begins with `prefix` for as long as `watch`, and aborts those that made
    /// no progress; gives their ids. Call it after the cut-off is proved. What it can and cannot tell apart stands above.
    pub async fn abort_transactions(&self, prefix: &str, watch: Duration) -> Result<Vec<String>, Error> {
        let end = Instant::now() + watch;
        let mut standing = self.open_transactions(prefix).await?;
        while !standing.is_empty() {
            let last = Instant::now() >= end;
            let now = self.open_transactions(prefix).await?;
            standing.retain(|id, seen| now.get(id) == Some(seen));
            if last {
                break;
            }
            sleep(LOOK.min(end.saturating_duration_since(Instant::now()))).await;
        }
        let mut aborted = Vec::new();
        for (id, seen) in standing {
            self.abort(&id, &seen).await?;
            aborted.push(id);
        }
        aborted.sort();
        Ok(aborted)
    }

    /// Takes the transactional id over for a moment, which aborts what is open and fences its producer.
    async fn abort(&self, id: &str, seen: &Seen) -> Result<(), Error> {
        let transactional = TransactionalId(StrBytes::from_string(id.to_owned()));
        let request = InitProducerIdRequest::default()
            .with_transactional_id(Some(transactional))
            .with_transaction_timeout_ms(seen.timeout_ms)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1);
        let ids = [id.to_owned()];
        // The first answers say that the abort is under way.
        self.patiently(|| async {
            for (_, address) in self.coordinators(TRANSACTION, &ids, ABORT).await? {
                let link = self.link(&address);
                let mut connection = link.ready().await?;
                let answer = connection.order(&link, ABORT, &request, 4..=4).await?;
                link.rest(connection);
                judge(answer.error_code, None, ABORT, &address, true)?;
            }
            Ok(())
        })
        .await
    }

    /// The transactions that are open now, by id. Those of a coordinator that does not answer are missing, and are left alone.
    async fn open_transactions(&self, prefix: &str) -> Result<HashMap<String, Seen>, Error> {
        let brokers = self.describe().await?.brokers;
        let asked = brokers.iter().map(|broker| async {
            let link = self.link(&broker.address);
            open_on(&link, prefix).await
        });
        let mut open = HashMap::new();
        for result in join_all(asked).await {
            match result {
                Ok(states) => open.extend(states),
                Err(Error::Unreachable { .. } | Error::Temporary { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        if !open.is_empty() {
            self.look_at_partitions(&mut open).await?;
        }
        Ok(open)
    }

    /// Adds what the leaders of the partitions know of each producer.
    async fn look_at_partitions(&self, open: &mut HashMap<String, Seen>) -> Result<(), Error> {
        let mut topics: HashMap<String, Vec<i32>> = HashMap::new();
        for (topic, partition, _) in open.values().flat_map(|seen| &seen.partitions) {
            topics.entry(topic.clone()).or_default().push(*partition);
        }
        let mut known: HashMap<(String, i32, i64), Progress> = HashMap::new();
        let mut answered: HashSet<(String, i32)> = HashSet::new();
        for (topic, partitions) in topics {
            let (answer, _) = self.ask(WHAT, &metadata(Some(&topic)), 9..=12).await?;
            let mut by_leader: HashMap<i32, Vec<i32>> = HashMap::new();
            for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                if partitions.contains(&partition.partition_index) {
                    by_leader.entry(partition.leader_id.0).or_default().push(partition.partition_index);
                }
            }
            for (leader, partitions) in by_leader {
                let Ok(address) = broker_address(&answer, leader, WHAT) else { continue };
                let question = TopicRequest::default()
                    .with_name(crate::topics::codec_name(&topic))
                    .with_partition_indexes(partitions);
                let request = DescribeProducersRequest::default().with_topics(vec![question]);
                let Ok(answer) = self.link(&address).ask(WHAT, &request, 0..=0).await else { continue };
                for partition in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                    if partition.error_code != 0 {
                        continue;
                    }
                    answered.insert((topic.clone(), partition.partition_index));
                    for producer in &partition.active_producers {
                        let key = (topic.clone(), partition.partition_index, producer.producer_id.0);
                        known.insert(key, (producer.last_sequence, producer.last_timestamp));
                    }
                }
            }
        }
        // Where nobody could be asked, nothing is known of progress: such a transaction is left alone.
        open.retain(|_, seen| {
            seen.partitions.iter().all(|(topic, index, _)| answered.contains(&(topic.clone(), *index)))
        });
        for seen in open.values_mut() {
            let producer = seen.producer.0;
            for (topic, partition, mark) in &mut seen.partitions {
                *mark = known.get(&(topic.clone(), *partition, producer)).copied();
            }
        }
        Ok(())
    }
}

/// The open transactions that one broker coordinates.
async fn open_on(link: &Link, prefix: &str) -> Result<Vec<(String, Seen)>, Error> {
    let ongoing = vec![StrBytes::from_static_str("Ongoing")];
    let listed = link.ask(WHAT, &ListTransactionsRequest::default().with_state_filters(ongoing), 0..=1).await?;
    judge(listed.error_code, None, WHAT, &link.address, false)?;
    let ids: Vec<_> = listed
        .transaction_states
        .into_iter()
        .map(|state| state.transactional_id)
        .filter(|id| id.starts_with(prefix))
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let described = link.ask(WHAT, &DescribeTransactionsRequest::default().with_transactional_ids(ids), 0..=0).await?;
    let states = described.transaction_states.into_iter();
    Ok(states
        .filter(|state| state.error_code == 0 && &*state.transaction_state == "Ongoing")
        .map(|state| seen(&state))
        .collect())
}

fn seen(state: &TransactionState) -> (String, Seen) {
    let topics = state.topics.iter();
    let mut partitions: Vec<_> = topics
        .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic.to_string(), *partition, None)))
        .collect();
    partitions.sort_unstable();
    let seen = Seen {
        producer: (state.producer_id.0, state.producer_epoch),
        started: state.transaction_start_time_ms,
        timeout_ms: state.transaction_timeout_ms,
        partitions,
    };
    (state.transactional_id.to_string(), seen)
}
