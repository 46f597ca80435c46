//! A Kafka connection made the way a Quix client makes it: from the answer of the librdkafka route and nothing else.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    indexmap::IndexMap,
    messages::{
        FetchRequest, FetchResponse, MetadataRequest, ProduceRequest, TopicName,
        fetch_request::{FetchPartition, FetchTopic},
        metadata_request::MetadataRequestTopic,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::StrBytes,
    records::{Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};
use serde_json::Value;
use twinkey_kafka_wire::{
    client::{Client, ClientError, SaslMechanism},
    scram::Mechanism,
    tls,
};

use crate::Api;

/// An authenticated connection to the broker.
pub struct Stream {
    /// The connection, for requests of other kinds.
    pub client: Client,
}

/// Address, principal, password and CA as the API gave them.
#[derive(Clone)]
pub struct Credentials {
    /// `host:port`.
    pub address: String,
    /// `sasl.username`.
    pub username: String,
    /// `sasl.password`.
    pub password: String,
    /// PEM.
    pub ca: String,
}

impl Credentials {
    /// Asks the API what `token` stands for.
    pub async fn of(api: &Api, workspace_id: &str, token: &str) -> Self {
        let body = api.get(&format!("/workspaces/{workspace_id}/broker/librdkafka"), token).await.ok();
        Self::from_librdkafka(&body)
    }

    /// Reads the answer of the librdkafka route.
    pub fn from_librdkafka(body: &Value) -> Self {
        let text = |key: &str| body[key].as_str().unwrap_or_else(|| panic!("{key} is missing")).to_owned();
        let ca = STANDARD.decode(text("ssl.ca.cert")).expect("base64");
        Self {
            address: text("bootstrap.servers"),
            username: text("sasl.username"),
            password: text("sasl.password"),
            ca: String::from_utf8(ca).expect("PEM is text"),
        }
    }

    /// Connects with TLS, without signing in.
    pub async fn connect(&self) -> Result<Client, ClientError> {
        let host = self.address.rsplit_once(':').expect("host:port").0;
        Client::connect(&*self.address, host, tls::client_config(&self.ca).expect("a CA")).await
    }

    /// Connects and signs in by SCRAM-SHA-256.
    pub async fn sign_in(&self) -> Result<Stream, ClientError> {
        let mut client = self.connect().await?;
        client.sign_in(SaslMechanism::Scram(Mechanism::Sha256), &self.username, &self.password).await?;
        Ok(Stream { client })
    }
}

impl Stream {
    /// Connects with an SDK token, as every client does.
    pub async fn open(api: &Api, workspace_id: &str, token: &str) -> Self {
        Credentials::of(api, workspace_id, token).await.sign_in().await.expect("a valid token signs in")
    }

    /// Appends one record to partition 0; the offset it got, or Kafka's error code.
    pub async fn produce(&mut self, topic: &str, value: &str) -> Result<Result<i64, i16>, ClientError> {
        let partition = PartitionProduceData::default().with_index(0).with_records(Some(batch(value)));
        let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![partition]);
        let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![topic]);
        let response = self.client.call(request, 9).await?;
        let partition = &response.responses[0].partition_responses[0];
        Ok(if partition.error_code == 0 { Ok(partition.base_offset) } else { Err(partition.error_code) })
    }

    /// Reads partition 0 from `offset`, waiting at most `max_wait_ms` for something: values, or Kafka's error code.
    pub async fn fetch(
        &mut self,
        topic: &str,
        offset: i64,
        max_wait_ms: i32,
    ) -> Result<Result<Vec<String>, i16>, ClientError> {
        self.fetch_as(fetch_request(topic, offset, max_wait_ms)).await
    }

    /// Reads the one partition that `request` names. Error 0: a quota has emptied the answer.
    pub async fn fetch_as(&mut self, request: FetchRequest) -> Result<Result<Vec<String>, i16>, ClientError> {
        let offset = request.topics[0].partitions[0].fetch_offset;
        let response = self.client.call(request, 11).await?;
        let partition = match response.responses.first() {
            Some(topic) if response.error_code == 0 => &topic.partitions[0],
            _ => return Ok(Err(response.error_code)),
        };
        if partition.error_code != 0 {
            return Ok(Err(partition.error_code));
        }
        Ok(Ok(values(partition.records.clone().unwrap_or_default(), offset)))
    }

    /// The node that leads partition 0, as the broker at the other end knows it, or Kafka's error code.
    pub async fn leader(&mut self, topic: &str) -> Result<Result<i32, i16>, ClientError> {
        let topic = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let response = self.client.call(MetadataRequest::default().with_topics(Some(vec![topic])), 9).await?;
        let topic = &response.topics[0];
        if topic.error_code != 0 {
            return Ok(Err(topic.error_code));
        }
        let partition = &topic.partitions[0];
        Ok(if partition.error_code == 0 { Ok(partition.leader_id.0) } else { Err(partition.error_code) })
    }

    /// All values of partition 0.
    pub async fn read_all(&mut self, topic: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let values = self.fetch(topic, all.len() as i64, 0).await.expect("connected").expect("may read");
            if values.is_empty() {
                return all;
            }
            all.extend(values);
        }
    }

    /// The error code that Metadata gives for a topic; 0 if it is there.
    pub async fn metadata_error(&mut self, topic: &str) -> i16 {
        let topic = MetadataRequestTopic::default().with_name(Some(name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![topic]));
        let response = self.client.call(request, 9).await.expect("connected");
        response.topics[0].error_code
    }
}

/// How many bytes of records an answer to a fetch has, in all its topics and partitions.
pub fn record_bytes(answer: &FetchResponse) -> usize {
    let partitions = answer.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.filter_map(|partition| Some(partition.records.as_ref()?.len())).sum()
}

/// A fetch of partition 0.
pub fn fetch_request(topic: &str, offset: i64, max_wait_ms: i32) -> FetchRequest {
    let partition =
        FetchPartition::default().with_partition(0).with_fetch_offset(offset).with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default().with_topic(name(topic)).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_max_wait_ms(max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(1 << 24)
        .with_topics(vec![topic])
}

pub(crate) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a producer's clock is its own; a record from 1970 would be past retention"
)]
fn batch(value: &str) -> Bytes {
    let timestamp = jiff::Timestamp::now().as_millisecond();
    let record = Record {
        transactional: false,
        delete_horizon: false,
        control: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: -1,
        timestamp,
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: IndexMap::new(),
    };
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, [&record], &options).expect("a record can be encoded");
    bytes.freeze()
}

fn values(mut records: Bytes, from: i64) -> Vec<String> {
    let sets = RecordBatchDecoder::decode_all(&mut records).expect("whole batches");
    let records = sets.into_iter().flat_map(|set| set.records);
    let wanted = records.filter(|record| record.offset >= from);
    wanted.map(|record| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned()).collect()
}
