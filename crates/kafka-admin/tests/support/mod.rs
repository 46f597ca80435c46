//! What the tests share: a cluster's administrator, principals, and a client that speaks as them.

use std::time::Duration;

use bytes::BytesMut;
use kafka_protocol::{
    indexmap::IndexMap,
    messages::{
        FetchRequest, ProduceRequest, ProducerId, TopicName, TransactionalId,
        fetch_request::{FetchPartition, FetchTopic},
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
    records::{Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};
use twinkey_kafka_admin::{
    Account, Address, Cluster, Mechanism, Password, SaslMechanism, Settings, Trust, principals::Principal,
    topics::NewTopic,
};
use twinkey_kafka_wire::{
    client::{Client, ClientError},
    tls,
};
use twinkey_testbed::kafka::Kafka;

/// A bound for things that take milliseconds when all is well.
pub const SOON: Duration = Duration::from_secs(30);
/// The password of every [`principal`].
const PASSWORD: &str = "secret of a token";

pub fn settings(kafka: &Kafka) -> Settings {
    let account = Account {
        user: kafka.user().to_owned(),
        password: Password::new(kafka.password()),
        mechanism: SaslMechanism::Scram(Mechanism::Sha512),
    };
    let trust = Trust::authorities(kafka.authorities()).unwrap();
    Settings::new(Address::list(kafka.bootstrap()).unwrap(), account, trust)
}

pub fn admin(kafka: &Kafka) -> Cluster {
    Cluster::new(settings(kafka))
}

/// A name that no other test uses.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff)
}

pub fn principal(workspace: &str) -> Principal {
    Principal {
        name: unique("tk-"),
        password: Password::new(PASSWORD),
        workspace: workspace.to_owned(),
        any_transactional_id: false,
    }
}

/// A connection to one node, signed in as the principal.
pub async fn sign_in(kafka: &Kafka, node: usize, user: &str, mechanism: Mechanism) -> Result<Client, ClientError> {
    let tls = tls::client_config(kafka.authorities()).unwrap();
    let mut client = Client::connect(kafka.address(node), "localhost", tls).await?;
    client.sign_in(SaslMechanism::Scram(mechanism), user, PASSWORD).await?;
    Ok(client)
}

/// A topic of one partition that the workspace owns.
pub async fn topic(cluster: &Cluster, workspace: &str) -> String {
    let name = format!("{workspace}-topic");
    let new = NewTopic { name: name.clone(), partitions: Some(1), replication_factor: None, settings: Vec::new() };
    cluster.create_topic(&new).await.unwrap();
    name
}

/// Appends one record to partition 0; Kafka's error code, 0 if it was taken.
pub async fn produce(client: &mut Client, topic: &str, value: &str) -> Result<i16, ClientError> {
    produce_as(client, topic, value, None).await
}

/// Appends one record within a transaction, or outside of one.
pub async fn produce_as(
    client: &mut Client,
    topic: &str,
    value: &str,
    transaction: Option<(&str, ProducerId, i16, i32)>,
) -> Result<i16, ClientError> {
    let (id, producer, epoch, sequence) = transaction.unwrap_or(("", ProducerId(-1), -1, -1));
    let record = Record {
        transactional: transaction.is_some(),
        delete_horizon: false,
        control: false,
        partition_leader_epoch: -1,
        producer_id: producer.0,
        producer_epoch: epoch,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence,
        timestamp: now(),
        key: None,
        value: Some(value.to_owned().into()),
        headers: IndexMap::new(),
    };
    let mut batch = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut batch, [&record], &options).unwrap();
    let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch.freeze()));
    let data = TopicProduceData::default().with_name(codec_name(topic)).with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_transactional_id(transaction.map(|_| transactional_id(id)))
        .with_acks(-1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![data]);
    let answer = client.call(request, 9).await?;
    Ok(answer.responses[0].partition_responses[0].error_code)
}

#[expect(clippy::disallowed_methods, reason = "a producer's clock is its own; an old record would be past retention")]
fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Reads partition 0 from `offset`: the records' values, or Kafka's error code.
pub async fn fetch(
    client: &mut Client,
    topic: &str,
    offset: i64,
    max_wait: Duration,
    committed: bool,
) -> Result<Result<Vec<String>, i16>, ClientError> {
    let partition =
        FetchPartition::default().with_partition(0).with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
    let wanted = FetchTopic::default().with_topic(codec_name(topic)).with_partitions(vec![partition]);
    let request = FetchRequest::default()
        .with_max_wait_ms(max_wait.as_millis() as i32)
        .with_min_bytes(1)
        .with_max_bytes(1 << 24)
        .with_isolation_level(i8::from(committed))
        .with_topics(vec![wanted]);
    let answer = client.call(request, 11).await?;
    // A throttled answer names no partitions.
    let Some(partition) = answer.responses.first().and_then(|topic| topic.partitions.first()) else {
        return Ok(Ok(Vec::new()));
    };
    if partition.error_code != 0 {
        return Ok(Err(partition.error_code));
    }
    let mut bytes = partition.records.clone().unwrap_or_default();
    let sets = RecordBatchDecoder::decode_all(&mut bytes).unwrap();
    let records = sets.into_iter().flat_map(|set| set.records).filter(|record| !record.control);
    let values = records.map(|record| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned());
    Ok(Ok(values.collect()))
}

pub fn codec_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

pub fn transactional_id(id: &str) -> TransactionalId {
    TransactionalId(StrBytes::from_string(id.to_owned()))
}
