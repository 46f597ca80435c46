//! Fetch: reads record batches, and waits for them (long poll) without sessions (KIP-227: session id 0).

use std::{sync::Arc, time::Duration};

use futures::future::select_all;
use kafka_protocol::{
    ResponseError,
    messages::{
        FetchRequest, FetchResponse,
        fetch_request::{FetchPartition, FetchTopic},
        fetch_response::{FetchableTopicResponse, PartitionData},
    },
};
use tokio::{sync::watch, time::Instant};

use super::{Context, partitions};
use crate::log::{Partition, Read};

/// The newest version to advertise. From 13 on topics have ids instead of names (KIP-516); 18 is for replicas.
pub(crate) const NEWEST: i16 = 17;

/// The longest that a fetch waits, whatever it asks for.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// The most bytes of records in one answer, but for a first batch that is larger by itself.
const MAX_BYTES: usize = 16 << 20;
/// The most partitions in one request.
const MAX_PARTITIONS: usize = 20_000;

/// One partition that is asked for.
struct Wanted {
    partition: Result<Arc<Partition>, ResponseError>,
    offset: i64,
    max_bytes: usize,
}

/// Answers at once if there are `min_bytes` to read or something is wrong, else when there are, or after `max_wait`.
pub(crate) async fn handle(ctx: &Context, version: i16, request: FetchRequest) -> FetchResponse {
    if let Some(error) = refuse(&request) {
        return FetchResponse::default().with_error_code(error.code());
    }
    let wanted: Vec<Vec<Wanted>> = request.topics.iter().map(|topic| resolve(ctx, version, topic)).collect();
    let limit = bounded(request.max_bytes).min(MAX_BYTES);
    let min_bytes = bounded(request.min_bytes).min(limit) as u64;
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)).min(MAX_WAIT);
    wait_for(wanted.iter().flatten(), min_bytes, Instant::now() + wait).await;
    let read_committed = request.isolation_level == 1;
    let mut left = limit;
    let mut nothing_yet = true;
    let mut responses = Vec::with_capacity(request.topics.len());
    for (topic, wanted) in request.topics.into_iter().zip(wanted) {
        let mut answers = Vec::with_capacity(wanted.len());
        for (asked, wanted) in topic.partitions.iter().zip(wanted) {
            let result = wanted.partition.and_then(|partition| {
                let read = partition.read(wanted.offset, wanted.max_bytes.min(left), nothing_yet);
                read.map_err(|error| partitions::read_error(&error))
            });
            if let Ok(read) = &result
                && !read.records.is_empty()
            {
                nothing_yet = false;
                left = left.saturating_sub(read.records.len());
            }
            answers.push(answer(asked, result, read_committed));
        }
        // Each version has the name or the id; the codec sends the one that it should.
        let response = FetchableTopicResponse::default().with_partitions(answers);
        responses.push(if version >= 13 {
            response.with_topic_id(topic.topic_id)
        } else {
            response.with_topic(topic.topic)
        });
    }
    FetchResponse::default().with_responses(responses)
}

fn bounded(bytes: i32) -> usize {
    usize::try_from(bytes).unwrap_or(0)
}

/// What is wrong with the request as a whole.
fn refuse(request: &FetchRequest) -> Option<ResponseError> {
    if request.session_id != 0 {
        return Some(ResponseError::FetchSessionIdNotFound);
    }
    if request.session_epoch > 0 {
        return Some(ResponseError::InvalidFetchSessionEpoch);
    }
    let partitions: usize = request.topics.iter().map(|topic| topic.partitions.len()).sum();
    (partitions > MAX_PARTITIONS).then_some(ResponseError::InvalidRequest)
}

fn resolve(ctx: &Context, version: i16, topic: &FetchTopic) -> Vec<Wanted> {
    // An id of another workspace's topic is answered like one that does not exist.
    let by_id = || ctx.broker.topics.get_by_id(topic.topic_id).filter(|topic| ctx.session.scope.contains(&topic.name));
    let found = if version >= 13 { Some(by_id()) } else { None };
    let partition = |asked: &FetchPartition| {
        let partition = match &found {
            None => partitions::find(ctx, &topic.topic, asked.partition),
            Some(None) => Err(ResponseError::UnknownTopicId),
            Some(Some(topic)) => topic.partition(asked.partition).ok_or(ResponseError::UnknownTopicOrPartition),
        }?;
        partitions::check_epoch(asked.current_leader_epoch)?;
        Ok(partition)
    };
    let wanted = |asked: &FetchPartition| Wanted {
        partition: partition(asked),
        offset: asked.fetch_offset,
        max_bytes: bounded(asked.partition_max_bytes),
    };
    topic.partitions.iter().map(wanted).collect()
}

/// Returns when there is enough to read, or something wrong to tell, or the time has come.
async fn wait_for<'a>(wanted: impl Iterator<Item = &'a Wanted> + Clone, min_bytes: u64, deadline: Instant) {
    // Subscribed before the first look, so that nothing that comes in between is missed.
    let subscribe = |wanted: &Wanted| Some(wanted.partition.as_ref().ok()?.subscribe());
    let mut watches: Vec<watch::Receiver<i64>> = wanted.clone().filter_map(subscribe).collect();
    while !watches.is_empty() && !is_enough(wanted.clone(), min_bytes) {
        let changes = watches.iter_mut().map(|watch| Box::pin(watch.changed()));
        if tokio::time::timeout_at(deadline, select_all(changes)).await.is_err() {
            return;
        }
    }
}

fn is_enough<'a>(wanted: impl Iterator<Item = &'a Wanted>, min_bytes: u64) -> bool {
    let mut bytes = 0;
    for wanted in wanted {
        let Ok(available) = wanted.partition.as_ref().map(|partition| partition.available(wanted.offset)) else {
            return true;
        };
        match available {
            Ok(available) => bytes += available.min(wanted.max_bytes as u64),
            Err(_) => return true,
        }
    }
    bytes >= min_bytes
}

fn answer(asked: &FetchPartition, result: Result<Read, ResponseError>, read_committed: bool) -> PartitionData {
    let answer = PartitionData::default().with_partition_index(asked.partition);
    match result {
        // Without transactions everything is stable, and none was aborted.
        Ok(read) => answer
            .with_high_watermark(read.high_watermark)
            .with_last_stable_offset(read.high_watermark)
            .with_log_start_offset(read.log_start_offset)
            .with_aborted_transactions(read_committed.then(Vec::new))
            .with_records(Some(read.records)),
        Err(error) => answer
            .with_error_code(error.code())
            .with_high_watermark(-1)
            .with_aborted_transactions(read_committed.then(Vec::new)),
    }
}
