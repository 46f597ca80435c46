//! Messages as they come.
//!
//! What a person can follow is sent and the rest is counted. The right to read is proved again every few seconds, by the same
//! extractor that proved it at first; a stream ends with it, with its topic, and with the server, whose end it must not hold up.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::IntoResponse,
};
use tokio::time::{Instant, sleep_until};
use twinkey_api::message::{LiveEnd, LiveEndCode, LiveMessages};
use twinkey_kafka_wire::records::Limits;

use super::{
    Streaming,
    merge::{Last, Tail},
    page::{deleted, few, in_background},
    partition::{Place, Work, go_through},
    wanted::cursor,
};
use crate::{
    app::App,
    broker::{Batches, Ends, FetchError, Reader, TopicError},
    error::ApiError,
    extract::{Manage, workspace::Viewer},
};

/// How long a stream goes on before its reader has to come back.
const LONGEST: Duration = Duration::from_mins(15);
/// How often the right to read is proved, and looked whether there are new partitions.
const PROVE_EVERY: Duration = Duration::from_secs(5);
/// The shortest time between two events.
const PACE: Duration = Duration::from_millis(100);
/// How long one look waits for messages: within it the other ends of a stream are noticed.
const WAIT: Duration = Duration::from_secs(2);
/// So many messages a second are sent, and so many at once after a pause.
const A_SECOND: u64 = 200;
/// Who is further behind than this does not catch up message by message.
const BEHIND: i64 = 5_000;
/// What one event may cost, stored bytes and decompressed ones together.
const WORK: u64 = 32 << 20;
/// A live stream reads at most so many partitions.
const PARTITIONS: usize = 1_000;

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

/// What a live stream says next.
pub enum Said {
    /// Messages, and where to go on behind them.
    Messages(LiveMessages, String),
    /// Nothing more.
    End(LiveEnd),
}

/// A live stream.
pub struct Live {
    app: Arc<App>,
    parts: Parts,
    reader: Box<dyn Reader>,
    partition: Option<i32>,
    limits: Limits,
    places: BTreeMap<i32, i64>,
    begun: Instant,
    proved: Instant,
    looked: Instant,
    allowance: u64,
    greeted: bool,
    noted: BTreeSet<String>,
    _place: Streaming,
}

impl Live {
    /// Begins. `parts` are of the request whose right is proved again and again.
    pub async fn begin(app: Arc<App>, parts: Parts, watched: Watched, place: Streaming) -> Result<Self, TopicError> {
        let mut reader = app.broker.reader(&watched.topic).await?;
        let (ends, notes) = reader.ends().await?;
        let now = Instant::now();
        let mut live = Self {
            app,
            parts,
            reader,
            partition: watched.partition,
            limits: watched.limits,
            places: watched.at,
            begun: now,
            proved: now,
            looked: now,
            allowance: A_SECOND,
            greeted: false,
            noted: BTreeSet::new(),
            _place: place,
        };
        if let Some(partition) = live.partition.filter(|it| !ends.contains_key(it) && notes.is_empty()) {
            return Err(TopicError::UnknownPartition(partition));
        }
        live.places.retain(|partition, _| ends.contains_key(partition));
        live.add_partitions(&ends, |ends| ends.high);
        if live.places.len() > PARTITIONS {
            return Err(TopicError::Invalid(format!(
                "The topic has more than {PARTITIONS} partitions; choose one of them to watch it live."
            )));
        }
        Ok(live)
    }

    /// What comes next. May be dropped at any time.
    pub async fn next(&mut self) -> Said {
        if !self.greeted {
            // So that a browser knows where to go on before the first message has come.
            self.greeted = true;
            let nothing = LiveMessages { messages: Vec::new(), skipped: 0, notes: Vec::new() };
            return Said::Messages(nothing, cursor(&self.places));
        }
        let app = self.app.clone();
        let draining = app.lifecycle.stopping();
        tokio::select! {
            biased;
            () = draining => end(LiveEndCode::ServerStops, "The server stops; come back in a moment"),
            () = sleep_until(self.begun + LONGEST) => end(LiveEndCode::TimeIsUp, "Come back to go on"),
            said = self.wait() => said,
        }
    }

    /// Looks until there is something to say.
    async fn wait(&mut self) -> Said {
        loop {
            if self.proved.elapsed() >= PROVE_EVERY {
                if let Err(end) = self.prove().await {
                    return Said::End(end);
                }
                self.proved = Instant::now();
            }
            // Whoever has messages waiting, or a broker that is away, does not come round more often than this.
            sleep_until(self.looked + PACE).await;
            let now = Instant::now();
            let earned =
                u64::try_from((now - self.looked).as_millis()).unwrap_or(u64::MAX).saturating_mul(A_SECOND) / 1000;
            self.allowance = self.allowance.saturating_add(earned).min(A_SECOND);
            self.looked = now;
            match self.look().await {
                Ok(found) if found.messages.is_empty() && found.skipped == 0 && found.notes.is_empty() => {}
                Ok(found) => {
                    self.allowance = self.allowance.saturating_sub(found.messages.len() as u64);
                    return Said::Messages(found, cursor(&self.places));
                }
                Err(error) => return Said::End(ended(&error)),
            }
        }
    }

    /// Whether the caller may still read, and whether the topic has grown.
    async fn prove(&mut self) -> Result<(), LiveEnd> {
        let proved = Manage::<Viewer>::from_request_parts(&mut self.parts.clone(), &self.app).await;
        if let Err(refusal) = proved {
            return Err(no_longer(refusal));
        }
        let (ends, _) = self.reader.ends().await.map_err(|error| ended(&error))?;
        self.add_partitions(&ends, |ends| ends.low);
        Ok(())
    }

    fn add_partitions(&mut self, ends: &BTreeMap<i32, Ends>, at: impl Fn(&Ends) -> i64) {
        let wanted = ends.iter().filter(|(partition, _)| self.partition.is_none_or(|only| only == **partition));
        for (partition, ends) in wanted {
            self.places.entry(*partition).or_insert_with(|| at(ends));
        }
    }

    /// What has come since the last look; waits for it for a while.
    async fn look(&mut self) -> Result<LiveMessages, TopicError> {
        let from: Vec<_> = self.places.iter().map(|(partition, next)| (*partition, *next)).collect();
        let fetched = self.reader.fetch(&from, WAIT).await?;
        let (mut notes, mut skipped, mut found) = (Vec::new(), 0_u64, Vec::new());
        for fetched in fetched {
            let Some(next) = self.places.get_mut(&fetched.partition) else { continue };
            match fetched.result {
                Ok(batches) if batches.high.saturating_sub(*next) > BEHIND => {
                    let nearer = batches.high - A_SECOND as i64;
                    skipped += u64::try_from(nearer - *next).unwrap_or_default();
                    *next = nearer;
                }
                Ok(batches) if !batches.bytes.is_empty() => {
                    let place = Place { partition: fetched.partition, next: *next, stop: batches.high, since: None };
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
        let (read, places, more, messages) = read(found, self.limits, self.allowance).await?;
        skipped += read - messages.len() as u64;
        self.places.extend(places);
        notes.extend(more);
        // What is wrong stays wrong for a while: it is said once.
        notes.retain(|note| self.noted.len() < 1_000 && self.noted.insert(note.clone()));
        Ok(LiveMessages { messages, skipped, notes: few(notes) })
    }
}

type Read = (u64, Vec<(i32, i64)>, Vec<String>, Vec<twinkey_api::message::Message>);

/// Goes through what was fetched: how many messages there were, where to go on, notes, and the newest messages.
async fn read(found: Vec<(Place, Batches)>, limits: Limits, allowance: u64) -> Result<Read, TopicError> {
    if found.is_empty() {
        return Ok((0, Vec::new(), Vec::new(), Vec::new()));
    }
    let most = usize::try_from(allowance).unwrap_or(usize::MAX);
    in_background(move || {
        let (mut count, mut places, mut notes) = (0_u64, Vec::new(), Vec::new());
        let (mut last, mut work) = (Last::new(most), Work(WORK));
        for (mut place, batches) in found {
            let mut tail = Tail::new(most);
            let take = |time, message| {
                count += 1;
                tail.push(time, message);
                ControlFlow::Continue(())
            };
            notes.extend(go_through(&batches, &mut place, limits, &mut work, take));
            places.push((place.partition, place.next));
            last.add(tail);
        }
        (count, places, notes, last.finish())
    })
    .await
}

/// Why the right to read is not proved.
fn no_longer(refusal: ApiError) -> LiveEnd {
    let sentence = refusal.to_string();
    let status = refusal.into_response().status();
    let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
    if refused {
        LiveEnd { code: LiveEndCode::NotAllowed, sentence: format!("You may not read this topic any more: {sentence}") }
    } else {
        LiveEnd { code: LiveEndCode::Unavailable, sentence }
    }
}

fn ended(error: &TopicError) -> LiveEnd {
    match error {
        TopicError::Unknown => {
            LiveEnd { code: LiveEndCode::TopicDeleted, sentence: "The topic was deleted".to_owned() }
        }
        other => LiveEnd { code: LiveEndCode::Unavailable, sentence: other.to_string() },
    }
}

fn end(code: LiveEndCode, sentence: &str) -> Said {
    Said::End(LiveEnd { code, sentence: sentence.to_owned() })
}
