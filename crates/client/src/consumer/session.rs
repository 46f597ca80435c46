//! One librdkafka consumer with the credentials of one token.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{Consumer as _, StreamConsumer},
    error::KafkaError,
};
use tokio::sync::{broadcast, mpsc::UnboundedReceiver};

use super::{
    Start,
    context::{Context, Positions, lock},
};
use crate::{
    Error, Event, Received,
    client::Shared,
    credentials::Connection,
    session::{Notice, Reporter, decide, first_contact},
};

/// One librdkafka consumer.
pub(super) struct Session {
    pub(super) native: Arc<StreamConsumer<Context>>,
    pub(super) reporter: Arc<Reporter>,
    pub(super) notices: UnboundedReceiver<Notice>,
    pub(super) connection: Arc<Connection>,
}

impl Session {
    pub(super) fn new(
        config: &ClientConfig,
        connection: Arc<Connection>,
        topic: &str,
        positions: &Arc<Mutex<Positions>>,
        events: &broadcast::Sender<Event>,
    ) -> Result<Self, Error> {
        let (reporter, notices) = Reporter::new(Arc::clone(&connection));
        let reporter = Arc::new(reporter);
        let session = {
            let mut positions = lock(positions);
            positions.session += 1;
            positions.assigned.clear();
            positions.ended.clear();
            positions.session
        };
        let context = Context {
            session,
            reporter: Arc::clone(&reporter),
            positions: Arc::clone(positions),
            events: events.clone(),
            topic: topic.to_owned(),
        };
        let native: StreamConsumer<Context> =
            config.create_with_context(context).map_err(|error| Error::kafka("making a consumer", error))?;
        Ok(Self { native: Arc::new(native), reporter, notices, connection })
    }

    /// Waits until the broker has accepted the credentials and knows the topic. A message that comes meanwhile is answered.
    pub(super) async fn contact(&mut self, client: &Shared, topic: &str) -> Result<Option<Received>, Error> {
        let (asked, name) = (Arc::clone(&self.native), topic.to_owned());
        let ask = move |limit| asked.client().fetch_metadata(Some(&name), limit);
        let answer = first_contact(topic, client.settings.connect_timeout, &self.reporter, ask);
        tokio::pin!(answer);
        let mut first = None;
        loop {
            tokio::select! {
                outcome = &mut answer => return outcome.map(|()| first),
                // librdkafka tells of errors only while it is asked for messages.
                message = self.native.recv(), if first.is_none() => {
                    first = message.ok().map(|message| Received { message: message.detach() });
                }
                Some(notice) = self.notices.recv() => {
                    decide(client, &self.reporter, self.connection.epoch, notice).await?;
                }
            }
        }
    }

    /// Begins to read all partitions, without a group: each from where the consumer was, else from `start`.
    pub(super) async fn assign_all(
        &self,
        topic: &str,
        start: Start,
        positions: &Arc<Mutex<Positions>>,
        limit: Duration,
    ) -> Result<(), Error> {
        let (native, positions, name) = (Arc::clone(&self.native), Arc::clone(positions), topic.to_owned());
        let assigned = tokio::task::spawn_blocking(move || {
            let metadata = native.client().fetch_metadata(Some(&name), limit)?;
            let found = metadata.topics().iter().find(|it| it.name() == name);
            let partitions: Vec<i32> = found
                .map(|it| it.partitions().iter().map(rdkafka::metadata::MetadataPartition::id).collect())
                .unwrap_or_default();
            let mut list = starts(&native, &name, &partitions, start, limit)?;
            let mut positions = lock(&positions);
            positions.assigned = partitions.into_iter().collect();
            for (partition, offset) in &positions.done {
                list.set_partition_offset(&name, *partition, Offset::Offset(*offset))?;
            }
            native.assign(&list)
        });
        assigned.await.map_err(|_| Error::Closed)?.map_err(|error| Error::kafka("reading all partitions", error))
    }
}

/// Where to begin in each partition.
fn starts(
    native: &StreamConsumer<Context>,
    topic: &str,
    partitions: &[i32],
    start: Start,
    limit: Duration,
) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    let offset = match start {
        Start::Earliest => Offset::Beginning,
        Start::Latest => Offset::End,
        Start::Offset(offset) => Offset::Offset(offset),
        Start::FromEnd(count) => Offset::OffsetTail(count),
        Start::Time(milliseconds) => Offset::Offset(milliseconds),
    };
    for partition in partitions {
        list.add_partition_offset(topic, *partition, offset)?;
    }
    match start {
        // The list carries times to the broker and comes back with offsets, or with the end where nothing is that young.
        Start::Time(_) => native.offsets_for_times(list, limit),
        _ => Ok(list),
    }
}
