//! A page of messages.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    ops::ControlFlow,
    time::Duration,
};

use tokio::task::spawn_blocking;
use twinkey_api::message::{Message, Messages};

use super::{
    merge::{First, Last, Tail},
    partition::{Place, Work, go_through},
    wanted::{Begin, Wanted},
};
use crate::{
    app::App,
    broker::{Batches, Ends, FetchError, Reader, TopicError},
};

/// Partitions that are asked for at a time.
const AT_ONCE: usize = 16;
/// What one page may cost, stored bytes and decompressed ones together.
const WORK: u64 = 512 << 20;
/// After so many rounds that brought nothing to anybody a partition is given up.
const EMPTY: u32 = 3;
/// How much further back each attempt goes when the last offsets hold fewer messages than are wanted, as after compaction.
const BACK: [i64; 3] = [1, 8, 64];

/// The page that is wanted.
pub async fn page(app: &App, topic: &str, wanted: Wanted) -> Result<Messages, TopicError> {
    let _place = app.messages.page().await;
    let mut reader = app.broker.reader(topic).await?;
    let (mut ends, mut notes) = reader.ends().await?;
    if let Some(partition) = wanted.partition {
        ends.retain(|known, _| *known == partition);
        if ends.is_empty() && notes.is_empty() {
            return Err(TopicError::UnknownPartition(partition));
        }
    }
    let (messages, next, complete) = if wanted.begin == Begin::Last {
        last(reader.as_mut(), &ends, &wanted, &mut notes).await?
    } else {
        let places = begin(reader.as_mut(), &ends, &wanted.begin, &mut notes).await?;
        first(reader.as_mut(), places, &wanted, &mut notes).await?
    };
    let end = complete && ends.iter().all(|(partition, ends)| next.get(partition).is_some_and(|it| *it >= ends.high));
    Ok(Messages { messages, next, end, notes: few(notes) })
}

/// Messages, where the next page begins, and whether nothing had to be left out.
type Found = (Vec<Message>, BTreeMap<i32, i64>, bool);

/// Where to begin in each partition.
pub(super) async fn begin(
    reader: &mut dyn Reader,
    ends: &BTreeMap<i32, Ends>,
    begin: &Begin,
    notes: &mut Vec<String>,
) -> Result<Vec<Place>, TopicError> {
    let partitions: Vec<i32> = ends.keys().copied().collect();
    let at = match begin {
        Begin::Time(time) => reader.offsets_at(*time, &partitions).await?,
        _ => BTreeMap::new(),
    };
    let mut places = Vec::with_capacity(ends.len());
    for (&partition, &Ends { low, high }) in ends {
        let (asked, since) = match begin {
            Begin::Beginning => (low, None),
            Begin::End | Begin::Last => (high, None),
            Begin::Offset(offset) => (*offset, None),
            // Where there is none, the next one that comes is the first.
            Begin::Time(time) => (at.get(&partition).copied().unwrap_or(high).max(low), Some(*time)),
            Begin::At(at) => match at.get(&partition) {
                Some(offset) => (*offset, None),
                None => continue,
            },
        };
        if asked < low {
            notes.push(deleted(partition, low));
        } else if asked > high {
            notes.push(format!("Partition {partition} ends at offset {high}, before the offset {asked}."));
        }
        places.push(Place { partition, next: asked.clamp(low, high), stop: high, since });
    }
    Ok(places)
}

/// The first messages from `places` on.
async fn first(
    reader: &mut dyn Reader,
    places: Vec<Place>,
    wanted: &Wanted,
    notes: &mut Vec<String>,
) -> Result<Found, TopicError> {
    let mut next: BTreeMap<_, _> = places.iter().map(|place| (place.partition, place.next)).collect();
    let mut first = First::new(wanted.limit);
    let mut work = Work(WORK);
    let (limits, mut todo) = (wanted.limits, Todo::new(places));
    while let Some(mut round) = todo.next_round(work) {
        let fetched = fetch(reader, &mut round, notes).await?;
        (first, work, round) = in_background(move || {
            for (index, batches) in &fetched {
                let waiting = &mut round[*index];
                let mut full = false;
                let take = |time, message| {
                    let flow = first.offer(time, message);
                    full = flow.is_break();
                    flow
                };
                waiting.notes.extend(go_through(batches, &mut waiting.place, limits, &mut work, take));
                waiting.done |= full;
            }
            (first, work, round)
        })
        .await?;
        next.extend(round.iter().map(|waiting| (waiting.place.partition, waiting.place.next)));
        todo.go_on(round, notes);
    }
    let complete = todo.is_empty();
    if !complete {
        notes.push("There is too much to look through at once; the next page goes on.".to_owned());
    }
    let (messages, left) = first.finish();
    let complete = complete && left.is_empty();
    next.extend(left);
    Ok((messages, next, complete))
}

/// The last messages of these partitions.
async fn last(
    reader: &mut dyn Reader,
    ends: &BTreeMap<i32, Ends>,
    wanted: &Wanted,
    notes: &mut Vec<String>,
) -> Result<Found, TopicError> {
    let next = ends.iter().map(|(partition, ends)| (*partition, ends.high)).collect();
    let (mut last, mut work, mut complete) = (Last::new(wanted.limit), Work(WORK), true);
    let ends: Vec<_> = ends.iter().map(|(partition, ends)| (*partition, *ends)).collect();
    for group in ends.chunks(AT_ONCE) {
        let mut missing = group.to_vec();
        for back in BACK {
            let reach = i64::try_from(wanted.limit).unwrap_or(i64::MAX).saturating_mul(back);
            let begins: BTreeMap<i32, i64> = missing
                .iter()
                .map(|(partition, ends)| (*partition, ends.high.saturating_sub(reach).max(ends.low)))
                .collect();
            let places = missing.iter().map(|(partition, ends)| Place {
                partition: *partition,
                next: begins[partition],
                stop: ends.high,
                since: None,
            });
            let (tails, all) = tails(reader, places.collect(), wanted, &mut work, notes).await?;
            complete &= all;
            for (partition, tail) in tails {
                let ends = group.iter().find(|(known, _)| *known == partition).map(|(_, ends)| *ends);
                let more = ends.is_some_and(|ends| begins[&partition] > ends.low);
                // The last attempt has to do.
                if tail.len() >= wanted.limit || !more || back == BACK[BACK.len() - 1] || work.is_over() {
                    missing.retain(|(known, _)| *known != partition);
                    last.add(tail);
                }
            }
            if missing.is_empty() || work.is_over() {
                break;
            }
        }
    }
    if !complete {
        notes.push("There is too much to look through at once; choose a partition or fewer messages.".to_owned());
    }
    Ok((last.finish(), next, complete))
}

/// The last messages of each of a few partitions, and whether all of them were read to their end.
async fn tails(
    reader: &mut dyn Reader,
    places: Vec<Place>,
    wanted: &Wanted,
    work: &mut Work,
    notes: &mut Vec<String>,
) -> Result<(BTreeMap<i32, Tail>, bool), TopicError> {
    let limit = wanted.limit;
    let mut tails: BTreeMap<i32, Tail> = places.iter().map(|place| (place.partition, Tail::new(limit))).collect();
    let (limits, mut todo) = (wanted.limits, Todo::new(places));
    while let Some(mut round) = todo.next_round(*work) {
        let fetched = fetch(reader, &mut round, notes).await?;
        let mut left = *work;
        (tails, left, round) = in_background(move || {
            for (index, batches) in &fetched {
                let waiting = &mut round[*index];
                let Some(tail) = tails.get_mut(&waiting.place.partition) else { continue };
                let take = |time, message| {
                    tail.push(time, message);
                    ControlFlow::Continue(())
                };
                waiting.notes.extend(go_through(batches, &mut waiting.place, limits, &mut left, take));
            }
            (tails, left, round)
        })
        .await?;
        *work = left;
        todo.go_on(round, notes);
    }
    Ok((tails, todo.is_empty()))
}

/// A partition that has more to read.
struct Waiting {
    place: Place,
    /// Nothing more of it is wanted.
    done: bool,
    /// Where it was before this round.
    before: i64,
    /// Rounds that brought nothing.
    empty: u32,
    notes: Vec<String>,
}

/// Partitions that have more to read, those that waited longest first.
struct Todo(VecDeque<Waiting>);

impl Todo {
    fn new(places: Vec<Place>) -> Self {
        let waiting = |place: Place| Waiting { before: place.next, place, done: false, empty: 0, notes: Vec::new() };
        Self(places.into_iter().filter(|place| !place.is_done()).map(waiting).collect())
    }

    fn next_round(&mut self, work: Work) -> Option<Vec<Waiting>> {
        let round = self.0.len().min(AT_ONCE);
        (round > 0 && !work.is_over()).then(|| self.0.drain(..round).collect())
    }

    /// Takes back what has more to give. Whoever got nothing, because others filled the answer, is the first to be asked next time: a
    /// broker gives a large batch only to the first one that is asked for. Where nobody got anything, that is counted.
    fn go_on(&mut self, round: Vec<Waiting>, notes: &mut Vec<String>) {
        let nothing = round.iter().all(|waiting| waiting.place.next == waiting.before && !waiting.done);
        for mut waiting in round.into_iter().rev() {
            notes.append(&mut waiting.notes);
            let next = waiting.place.next;
            if waiting.done || waiting.place.is_done() {
                continue;
            }
            if next != waiting.before {
                (waiting.before, waiting.empty) = (next, 0);
                self.0.push_back(waiting);
                continue;
            }
            waiting.empty += u32::from(nothing);
            if waiting.empty < EMPTY {
                self.0.push_front(waiting);
            } else {
                notes.push(format!("Partition {} gives nothing behind offset {next}.", waiting.place.partition));
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Batches for a round, with their index in it. Partitions whose leaders are silent are done with.
async fn fetch(
    reader: &mut dyn Reader,
    round: &mut [Waiting],
    notes: &mut Vec<String>,
) -> Result<Vec<(usize, Batches)>, TopicError> {
    let from: Vec<_> = round.iter().map(|waiting| (waiting.place.partition, waiting.place.next)).collect();
    let mut found = Vec::with_capacity(round.len());
    let fetched = reader.fetch(&from, Duration::ZERO).await?;
    for fetched in fetched {
        let Some(index) = round.iter().position(|waiting| waiting.place.partition == fetched.partition) else {
            continue;
        };
        let waiting = &mut round[index];
        match fetched.result {
            Ok(batches) => found.push((index, batches)),
            // Deleted since the ends were asked for.
            Err(FetchError::OutOfRange(Ends { low, .. })) if low > waiting.place.next => {
                notes.push(deleted(fetched.partition, low));
                waiting.place.next = low;
            }
            Err(FetchError::OutOfRange(_)) => waiting.done = true,
            Err(FetchError::Silent(sentence)) => {
                notes.push(sentence);
                waiting.done = true;
            }
        }
    }
    Ok(found)
}

/// Notes that a person can still read.
pub(super) fn few(mut notes: Vec<String>) -> Vec<String> {
    const NOTES: usize = 20;
    let mut said = HashSet::new();
    notes.retain(|note| said.insert(note.clone()));
    if notes.len() > NOTES {
        let more = notes.len() - NOTES;
        notes.truncate(NOTES);
        notes.push(format!("And {more} more like these."));
    }
    notes
}

/// The sentence about messages that are gone.
pub(super) fn deleted(partition: i32, low: i64) -> String {
    format!("Partition {partition} begins at offset {low}; what was before it has been deleted.")
}

/// Decompressing takes a thread that nobody else waits for.
pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TopicError> {
    let ended = spawn_blocking(work).await;
    ended.map_err(|_| TopicError::Storage("reading messages has failed".to_owned()))
}
