//! Topics of a workspace, through the administration protocol. The cluster is their only home.

use std::{collections::HashMap, time::Duration};

use futures::future::join_all;
use kafka_protocol::{
    messages::{
        CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
        IncrementalAlterConfigsRequest, MetadataRequest, MetadataResponse, TopicName as CodecName,
        create_partitions_request::CreatePartitionsTopic,
        create_topics_request::{CreatableTopic, CreatableTopicConfig},
        delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic},
        delete_topics_request::DeleteTopicState,
        incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig},
        metadata_request::MetadataRequestTopic,
        metadata_response::MetadataResponseTopic,
    },
    protocol::StrBytes,
};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{Address, Cluster, Error, Refusal, answer::judge, configs, link::Link};

/// Settings that a [`Topic`] shows.
const SHOWN: [&str; 3] = ["retention.ms", "retention.bytes", "cleanup.policy"];
/// Settings of so many topics are asked for in one request.
const BATCH: usize = 500;
/// How long a broker may take for what it does with a topic, as it is told.
const BROKER_TIME: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(10);

/// A topic as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its id on the cluster.
    pub name: String,
    /// Number of partitions.
    pub partitions: u32,
    /// Copies of each partition.
    pub replication_factor: u16,
    /// How long records are kept; nothing means for ever.
    pub retention_ms: Option<u64>,
    /// How many bytes of a partition are kept; nothing means all.
    pub retention_bytes: Option<u64>,
    /// `delete`, `compact` or both with a comma.
    pub cleanup_policy: String,
    /// Whether every partition has a leader just now.
    pub available: bool,
}

/// A topic that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Its id on the cluster.
    pub name: String,
    /// Number of partitions; nothing means as the cluster has it by default.
    pub partitions: Option<u32>,
    /// Copies of each partition; nothing means as the cluster has it by default.
    pub replication_factor: Option<u16>,
    /// Settings, by Kafka's names.
    pub settings: Vec<(String, String)>,
}

impl Cluster {
    /// All topics whose name begins with `prefix`, by name.
    pub async fn topics(&self, prefix: &str) -> Result<Vec<Topic>, Error> {
        let (answer, address) = self.ask("list topics", &metadata(None), 9..=12).await?;
        let found = answer.topics.into_iter().filter(|topic| name_of(topic).starts_with(prefix)).collect();
        self.describe_topics(found, &address).await
    }

    /// One topic, if it is there.
    pub async fn topic(&self, name: &str) -> Result<Option<Topic>, Error> {
        let (answer, address) = self.ask("look at a topic", &metadata(Some(name)), 9..=12).await?;
        Ok(self.describe_topics(answer.topics, &address).await?.pop())
    }

    /// Makes a topic and waits, as long as the settings allow, until every broker that answers knows it with its leaders.
    pub async fn create_topic(&self, new: &NewTopic) -> Result<(), Error> {
        let what = format!("create the topic {}", new.name);
        let settings = new.settings.iter().map(|(key, value)| {
            CreatableTopicConfig::default()
                .with_name(StrBytes::from_string(key.clone()))
                .with_value(Some(StrBytes::from_string(value.clone())))
        });
        let topic = CreatableTopic::default()
            .with_name(codec_name(&new.name))
            .with_num_partitions(new.partitions.map_or(-1, |count| i32::try_from(count).unwrap_or(i32::MAX)))
            .with_replication_factor(
                new.replication_factor.map_or(-1, |copies| i16::try_from(copies).unwrap_or(i16::MAX)),
            )
            .with_configs(settings.collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(broker_time());
        let partitions = self
            .patiently(|| async {
                let (answer, address) = self.order(&what, &request, 5..=7).await?;
                let mut partitions = 0;
                for topic in answer.topics {
                    judge(topic.error_code, topic.error_message.as_deref(), &what, &address, true)?;
                    partitions = topic.num_partitions;
                }
                Ok(partitions)
            })
            .await?;
        self.settle(&new.name, usize::try_from(partitions).unwrap_or_default()).await;
        Ok(())
    }

    /// Changes settings of a topic; no value means back to the cluster's default.
    pub async fn alter_topic(&self, name: &str, changes: &[(String, Option<String>)]) -> Result<(), Error> {
        const SET: i8 = 0;
        const DELETE: i8 = 1;
        let what = format!("change settings of the topic {name}");
        let change = |(key, value): &(String, Option<String>)| {
            AlterableConfig::default()
                .with_name(StrBytes::from_string(key.clone()))
                .with_config_operation(if value.is_some() { SET } else { DELETE })
                .with_value(value.clone().map(StrBytes::from_string))
        };
        let resource = AlterConfigsResource::default()
            .with_resource_type(configs::TOPIC)
            .with_resource_name(StrBytes::from_string(name.to_owned()))
            .with_configs(changes.iter().map(change).collect());
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        self.patiently(|| async {
            let (answer, address) = self.order(&what, &request, 0..=1).await?;
            let mut results = answer.responses.iter();
            results
                .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), &what, &address, true))
        })
        .await
    }

    /// Gives a topic more partitions, so that it has `total`, and waits as [`Cluster::create_topic`] does.
    pub async fn add_partitions(&self, name: &str, total: u32) -> Result<(), Error> {
        let what = format!("give the topic {name} {total} partitions");
        let topic = CreatePartitionsTopic::default()
            .with_name(codec_name(name))
            .with_count(i32::try_from(total).unwrap_or(i32::MAX))
            .with_assignments(None);
        let request = CreatePartitionsRequest::default().with_topics(vec![topic]).with_timeout_ms(broker_time());
        self.patiently(|| async {
            let (answer, address) = self.order(&what, &request, 0..=3).await?;
            let mut results = answer.results.iter();
            results
                .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), &what, &address, true))
        })
        .await?;
        self.settle(name, total as usize).await;
        Ok(())
    }

    /// Deletes a topic, and waits, as long as the settings allow, until every broker that answers has forgotten it.
    pub async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        let what = format!("delete the topic {name}");
        let request = DeleteTopicsRequest::default()
            .with_topics(vec![DeleteTopicState::default().with_name(Some(codec_name(name)))])
            .with_timeout_ms(broker_time());
        self.patiently(|| async {
            let (answer, address) = self.order(&what, &request, 6..=6).await?;
            let mut results = answer.responses.iter();
            results
                .try_for_each(|result| judge(result.error_code, result.error_message.as_deref(), &what, &address, true))
        })
        .await?;
        self.settle(name, 0).await;
        Ok(())
    }

    /// Deletes all topics whose name begins with `prefix`; how many were listed. By their ids: an order that arrives late deletes nothing
    /// that was made under the same name meanwhile. What is deleted may be listed for a moment longer.
    pub async fn delete_topics(&self, prefix: &str) -> Result<usize, Error> {
        let what = format!("delete the topics {prefix}…");
        let (listed, _) = self.ask("list topics", &metadata(None), 10..=12).await?;
        let topics: Vec<_> = listed.topics.iter().filter(|topic| name_of(topic).starts_with(prefix)).collect();
        for batch in topics.chunks(BATCH) {
            let states = batch.iter().map(|topic| DeleteTopicState::default().with_topic_id(topic.topic_id));
            let request = DeleteTopicsRequest::default().with_topics(states.collect()).with_timeout_ms(broker_time());
            self.patiently(|| async {
                let (answer, address) = self.order(&what, &request, 6..=6).await?;
                answer.responses.iter().try_for_each(|result| {
                    match judge(result.error_code, result.error_message.as_deref(), &what, &address, true) {
                        Err(Error::Refused { refusal: Refusal::NotFound, .. }) => Ok(()),
                        other => other,
                    }
                })
            })
            .await?;
        }
        Ok(topics.len())
    }

    /// Removes all records that the topic has now. Kafka refuses it for topics that are only compacted.
    pub async fn clean_topic(&self, name: &str) -> Result<(), Error> {
        /// Up to what every replica has.
        const END: i64 = -1;
        let what = format!("remove the records of the topic {name}");
        self.patiently(|| async {
            let (answer, address) = self.ask(&what, &metadata(Some(name)), 9..=12).await?;
            let mut by_leader: HashMap<i32, Vec<DeleteRecordsPartition>> = HashMap::new();
            for topic in &answer.topics {
                judge(topic.error_code, None, &what, &address, false)?;
                for partition in &topic.partitions {
                    judge(partition.error_code, None, &what, &address, false)?;
                    let end = DeleteRecordsPartition::default()
                        .with_partition_index(partition.partition_index)
                        .with_offset(END);
                    by_leader.entry(partition.leader_id.0).or_default().push(end);
                }
            }
            for (leader, partitions) in by_leader {
                let link = self.link(&broker_address(&answer, leader, &what)?);
                let topic = DeleteRecordsTopic::default().with_name(codec_name(name)).with_partitions(partitions);
                let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(broker_time());
                let mut connection = link.ready().await?;
                let answer = connection.order(&link, &what, &request, 0..=2).await?;
                link.rest(connection);
                let mut results = answer.topics.iter().flat_map(|topic| &topic.partitions);
                results.try_for_each(|result| judge(result.error_code, None, &what, &link.address, true))?;
            }
            Ok(())
        })
        .await
    }

    async fn describe_topics(&self, found: Vec<MetadataResponseTopic>, address: &Address) -> Result<Vec<Topic>, Error> {
        const WHAT: &str = "look at topics";
        let mut topics = Vec::with_capacity(found.len());
        for topic in &found {
            match judge(topic.error_code, None, WHAT, address, false) {
                // Temporary: some partition has no leader just now; what is known is told.
                Ok(()) | Err(Error::Temporary { .. }) => topics.push(described(topic)),
                Err(Error::Refused { refusal: Refusal::NotFound | Refusal::InvalidName, .. }) => {}
                Err(other) => return Err(other),
            }
        }
        for batch in topics.chunks_mut(BATCH) {
            let request = configs::request(configs::TOPIC, batch.iter().map(|topic| topic.name.as_str()), &SHOWN);
            let (answer, address) = self.ask(WHAT, &request, 1..=4).await?;
            let mut settings: HashMap<&str, _> =
                answer.results.iter().map(|result| (&*result.resource_name, result)).collect();
            for topic in batch {
                let Some(result) = settings.remove(topic.name.as_str()) else { continue };
                match judge(result.error_code, result.error_message.as_deref(), WHAT, &address, false) {
                    // Deleted meanwhile.
                    Ok(()) | Err(Error::Refused { refusal: Refusal::NotFound, .. }) => {}
                    Err(other) => return Err(other),
                }
                for config in &result.configs {
                    let value = config.value.as_deref().unwrap_or_default();
                    match &*config.name {
                        "retention.ms" => topic.retention_ms = value.parse().ok(),
                        "retention.bytes" => topic.retention_bytes = value.parse().ok(),
                        "cleanup.policy" => value.clone_into(&mut topic.cleanup_policy),
                        _ => {}
                    }
                }
            }
        }
        topics.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(topics)
    }

    /// Waits until every broker that answers knows `partitions` partitions of the topic, each with a leader. The topic is made in
    /// any case; a broker that is slow is no reason to say that it is not.
    async fn settle(&self, name: &str, partitions: usize) {
        let deadline = Instant::now() + self.settings().timeouts.settle;
        let Ok(Ok(description)) = timeout_at(deadline, self.describe()).await else { return };
        let asked = description.brokers.iter().map(|broker| async {
            let link = self.link(&broker.address);
            let _ = timeout_at(deadline, knows(&link, name, partitions)).await;
        });
        join_all(asked).await;
    }
}

/// Asks one broker until it knows so many partitions with leaders.
async fn knows(link: &Link, name: &str, partitions: usize) {
    let request = metadata(Some(name));
    while let Ok(answer) = link.ask("look at a topic", &request, 9..=12).await {
        let topic = answer.topics.first();
        let led =
            topic.map_or(0, |topic| topic.partitions.iter().filter(|partition| partition.leader_id.0 >= 0).count());
        let gone = topic.is_none_or(|topic| topic.partitions.is_empty());
        if (partitions == 0 && gone) || (partitions > 0 && led >= partitions) {
            return;
        }
        sleep(POLL).await;
    }
}

/// A question for one topic, or for all.
pub(crate) fn metadata(name: Option<&str>) -> MetadataRequest {
    let named = |name| MetadataRequestTopic::default().with_name(Some(codec_name(name)));
    MetadataRequest::default().with_topics(name.map(|name| vec![named(name)])).with_allow_auto_topic_creation(false)
}

pub(crate) fn codec_name(name: &str) -> CodecName {
    CodecName(StrBytes::from_string(name.to_owned()))
}

/// Where the broker `id` is, as an answer has it.
pub(crate) fn broker_address(answer: &MetadataResponse, id: i32, what: &str) -> Result<Address, Error> {
    let broker = answer.brokers.iter().find(|broker| broker.node_id.0 == id);
    let address = broker
        .and_then(|broker| Some(Address { host: broker.host.to_string(), port: u16::try_from(broker.port).ok()? }));
    address.ok_or_else(|| Error::Temporary { what: what.to_owned(), message: format!("broker {id} is away") })
}

fn name_of(topic: &MetadataResponseTopic) -> &str {
    topic.name.as_ref().map_or("", |name| name.as_str())
}

fn described(topic: &MetadataResponseTopic) -> Topic {
    let copies = topic.partitions.first().map_or(0, |partition| partition.replica_nodes.len());
    Topic {
        name: name_of(topic).to_owned(),
        partitions: u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX),
        replication_factor: u16::try_from(copies).unwrap_or(u16::MAX),
        retention_ms: None,
        retention_bytes: None,
        cleanup_policy: String::new(),
        available: topic.partitions.iter().all(|partition| partition.leader_id.0 >= 0),
    }
}

fn broker_time() -> i32 {
    i32::try_from(BROKER_TIME.as_millis()).unwrap_or(i32::MAX)
}
