//! Batches as producers make them: any bytes, any codec, several records at a time.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ProduceRequest,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    records::{Compression, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};
use twinkey_testbed::compression::Codec;

use crate::kafka::{Stream, name};

/// A record to be sent.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<(&'static str, Option<Vec<u8>>)>,
    /// Its time, in milliseconds since 1970.
    pub timestamp: i64,
}

impl Sent {
    /// A record with a value and nothing else.
    pub fn value(value: impl Into<Vec<u8>>, timestamp: i64) -> Self {
        Self { value: Some(value.into()), timestamp, ..Self::default() }
    }
}

impl Stream {
    /// Appends records to a partition in one batch; the offset of the first one.
    pub async fn produce_batch(&mut self, topic: &str, partition: i32, records: &[Sent], codec: Codec) -> i64 {
        let batch = PartitionProduceData::default().with_index(partition).with_records(Some(batch(records, codec)));
        let data = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![batch]);
        let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![data]);
        let answer = self.client.call(request, 9).await.expect("connected");
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, 0, "{answer:?}");
        partition.base_offset
    }
}

/// The records as one batch.
pub fn batch(records: &[Sent], codec: Codec) -> Bytes {
    let records: Vec<_> = (0..).zip(records).map(|(offset, record)| encoded(offset, record)).collect();
    let compression = match codec.number() {
        0 => Compression::None,
        1 => Compression::Gzip,
        2 => Compression::Snappy,
        3 => Compression::Lz4,
        _ => Compression::Zstd,
    };
    let compress = |body: &mut BytesMut, into: &mut BytesMut, _: Compression| {
        into.put_slice(&codec.compress(body));
        Ok(())
    };
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression };
    RecordBatchEncoder::encode_with_custom_compression(&mut bytes, &records, &options, Some(compress))
        .expect("records can be encoded");
    bytes.freeze()
}

fn encoded(offset: i64, record: &Sent) -> kafka_protocol::records::Record {
    let headers = record.headers.iter().map(|(name, value)| ((*name).into(), value.clone().map(Into::into)));
    kafka_protocol::records::Record {
        transactional: false,
        delete_horizon: false,
        control: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: offset as i32 - 1,
        timestamp: record.timestamp,
        key: record.key.clone().map(Into::into),
        value: record.value.clone().map(Into::into),
        headers: headers.collect(),
    }
}
