//! Messages as they come.
//!
//! What a person can follow is sent and the rest is counted. How long a stream lasts, and the right to it, is [`crate::live`]'s
//! matter; here it ends with its topic. Everything may be dropped wherever it waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    time::Duration,
};

use axum::response::sse::Event;
use tokio::time::{Instant, sleep_until};
use twinkey_api::{
    live::{EndReason, StreamEnd},
    message::{LiveMessages, Message},
};
use twinkey_kafka_wire::records::Limits;

use super::{
    merge::{Last, Tail},
    page::{deleted, few, in_background},
    partition::{Place, Work, go_through},
    wanted::cursor,
};
use crate::{
    app::App,
    broker::{Batches, Ends, FetchError, Reader, TopicError},
    live::{self, Events},
};

/// The shortest time between two events.
const PACE: Duration = Duration::from_millis(100);
/// How long one look waits for messages.
const WAIT: Duration = Duration::from_secs(5);
/// How often it is looked whether there are new partitions.
const GROWTH_EVERY: Duration = Duration::from_secs(10);
/// So many messages a second are sent, and so many at once after a pause.
const A_SECOND: u64 = 200;
/// Who is further behind than this does not catch up message by message.
const BEHIND: i64 = 5_000;
/// What one event may cost, stored bytes and decompressed ones together.
const WORK: u64 = 32 << 20;
/// A live stream reads at most so many partitions.
const PARTITIONS: usize = 1_000;
/// So many sentences are remembered, so that each is said once.
const NOTED: usize = 1_000;

/// What a live stream shows.
pub struct Watched {
    /// The topic's full name.
    pub topic: String,
    /// Only this partition.
    pub partition: Option<i32>,
    /// Where to begin; at the end where nothing is said.
    pub at: BTreeMap<i32, i64>,
    /// How much of each message.
    pub limits: Limits,
}

/// The messages of a topic as events, from now on.
pub async fn events(app: &App, watched: Watched) -> Result<Events, TopicError> {
    let watching = Watching::begin(app, watched).await?;
    Ok(Box::pin(futures::stream::unfold(Some(watching), |watching| async {
        let mut watching = watching?;
        match watching.next().await {
            Ok((messages, cursor)) => {
                let event = Event::default().event("messages").id(cursor).json_data(messages);
                Some((event.map_err(|_| end(&TopicError::Unknown)), Some(watching)))
            }
            Err(error) => Some((Err(end(&error)), None)),
        }
    })))
}

/// Somebody who watches a topic.
struct Watching {
    reader: Box<dyn Reader>,
    partition: Option<i32>,
    limits: Limits,
    /// The next offset to read in each partition.
    places: BTreeMap<i32, i64>,
    looked: Instant,
    grown: Instant,
    looks: usize,
    allowance: u64,
    greeted: bool,
    noted: BTreeSet<String>,
}

impl Watching {
    async fn begin(app: &App, watched: Watched) -> Result<Self, TopicError> {
        let mut reader = app.broker.reader(&watched.topic).await?;
        let (ends, notes) = reader.ends().await?;
        if let Some(partition) = watched.partition.filter(|it| !ends.contains_key(it) && notes.is_empty()) {
            return Err(TopicError::UnknownPartition(partition));
        }
        let now = Instant::now();
        let mut watching = Self {
            reader,
            partition: watched.partition,
            limits: watched.limits,
            places: watched.at,
            looked: now,
            grown: now,
            looks: 0,
            allowance: A_SECOND,
            greeted: false,
            noted: BTreeSet::new(),
        };
        watching.places.retain(|partition, _| watched.partition.is_none_or(|only| only == *partition));
        watching.add_partitions(&ends, |ends| ends.high);
        if watching.places.len() > PARTITIONS {
            return Err(TopicError::Invalid(format!(
                "The topic has more than {PARTITIONS} partitions; choose one of them to watch it live."
            )));
        }
        Ok(watching)
    }

    /// What comes next, and where to go on behind it.
    async fn next(&mut self) -> Result<(LiveMessages, String), TopicError> {
        if !self.greeted {
            // So that a browser knows where to go on before the first message has come.
            self.greeted = true;
            return Ok((LiveMessages { messages: Vec::new(), skipped: 0, notes: Vec::new() }, cursor(&self.places)));
        }
        loop {
            // Whoever has messages waiting, or a broker that is away, does not come round more often than this.
            sleep_until(self.looked + PACE).await;
            let now = Instant::now();
            let pause = u64::try_from((now - self.looked).as_millis()).unwrap_or(u64::MAX);
            self.allowance = self.allowance.saturating_add(pause.saturating_mul(A_SECOND) / 1000).min(A_SECOND);
            self.looked = now;
            if self.grown.elapsed() >= GROWTH_EVERY {
                let (ends, _) = self.reader.ends().await?;
                self.add_partitions(&ends, |ends| ends.low);
                self.grown = now;
            }
            let found = self.look().await?;
            if !found.messages.is_empty() || found.skipped > 0 || !found.notes.is_empty() {
                self.allowance = self.allowance.saturating_sub(found.messages.len() as u64);
                return Ok((found, cursor(&self.places)));
            }
        }
    }

    fn add_partitions(&mut self, ends: &BTreeMap<i32, Ends>, at: impl Fn(&Ends) -> i64) {
        let wanted = ends.iter().filter(|(partition, _)| self.partition.is_none_or(|only| only == **partition));
        for (partition, ends) in wanted {
            self.places.entry(*partition).or_insert_with(|| at(ends));
        }
    }

    /// What has come since the last look; waits for it for a while.
    async fn look(&mut self) -> Result<LiveMessages, TopicError> {
        let mut from: Vec<_> = self.places.iter().map(|(partition, next)| (*partition, *next)).collect();
        // One answer does not hold everything of busy partitions: each has its turn to be the first.
        if let Some(turn) = self.looks.checked_rem(from.len()) {
            from.rotate_left(turn);
        }
        self.looks = self.looks.wrapping_add(1);
        let fetched = self.reader.fetch(&from, WAIT).await?;
        let (mut notes, mut skipped, mut found) = (Vec::new(), 0_u64, Vec::new());
        for fetched in fetched {
            let Some(next) = self.places.get_mut(&fetched.partition) else { continue };
            match fetched.result {
                Ok(batches) if batches.ends.high.saturating_sub(*next) > BEHIND => {
                    let nearer = batches.ends.high - A_SECOND as i64;
                    skipped += u64::try_from(nearer - *next).unwrap_or_default();
                    *next = nearer;
                }
                Ok(batches) if !batches.bytes.is_empty() => {
                    let place =
                        Place { partition: fetched.partition, next: *next, stop: batches.ends.high, since: None };
                    found.push((place, batches));
                }
                Ok(_) => {}
                Err(FetchError::OutOfRange(Ends { low, high })) => {
                    if *next < low {
                        notes.push(deleted(fetched.partition, low));
                    }
                    *next = (*next).clamp(low, high.max(low));
                }
                Err(FetchError::Silent(sentence)) => notes.push(sentence),
            }
        }
        let read = read(found, self.limits, self.allowance).await?;
        skipped += read.count - read.newest.len() as u64;
        self.places.extend(read.places);
        notes.extend(read.notes);
        // What is wrong stays wrong for a while.
        notes.retain(|note| self.noted.len() < NOTED && self.noted.insert(note.clone()));
        Ok(LiveMessages { messages: read.newest, skipped, notes: few(notes) })
    }
}

/// What going through batches has given.
#[derive(Default)]
struct Found {
    /// How many messages there were.
    count: u64,
    /// As many of the newest as may be sent.
    newest: Vec<Message>,
    places: Vec<(i32, i64)>,
    notes: Vec<String>,
}

async fn read(batches: Vec<(Place, Batches)>, limits: Limits, allowance: u64) -> Result<Found, TopicError> {
    if batches.is_empty() {
        return Ok(Found::default());
    }
    let most = usize::try_from(allowance).unwrap_or(usize::MAX);
    in_background(move || {
        let mut found = Found::default();
        let (mut last, mut work) = (Last::new(most), Work(WORK));
        for (mut place, batches) in batches {
            let mut tail = Tail::new(most);
            let take = |time, message| {
                found.count += 1;
                tail.push(time, message);
                ControlFlow::Continue(())
            };
            let notes = go_through(&batches, &mut place, limits, &mut work, take);
            found.notes.extend(notes);
            found.places.push((place.partition, place.next));
            last.add(tail);
        }
        found.newest = last.finish();
        found
    })
    .await
}

/// The end of a stream that cannot go on.
fn end(error: &TopicError) -> StreamEnd {
    match error {
        TopicError::Unknown => live::end(EndReason::Gone, "The topic was deleted", false),
        TopicError::Broker(error) => live::end(EndReason::Failed, error.to_string(), true),
        other => {
            tracing::warn!(error = %other, "a live stream of messages ends");
            live::end(EndReason::Failed, "The topic cannot be read at the moment; the server's log says why", true)
        }
    }
}
