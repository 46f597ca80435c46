//! The use of tokens over time: what a flush adds to the table, and what is read from it.
//!
//! Each token has a row for each minute, kept for two days, and one for each hour, kept for ninety. So there are never more than
//! 5,040 of one token. Of the minutes only [`DETAILED_MAX`] tokens of a server have rows in an hour, those that came first; the hours
//! of all others are in their place.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use twinkey_api::{
    WorkspaceId,
    timeline::{RotationKind, RotationMark, TokenTimeline, UsagePoint, UsageTimeline},
};

use super::report;
use crate::{
    app::App,
    db::{
        self,
        usage_points::{HOUR, MINUTE, Model},
    },
    error::ApiError,
    registry::Pair,
};

/// How long minutes are kept.
pub const MINUTES_KEPT: SignedDuration = SignedDuration::from_hours(48);
/// How long hours are kept.
pub const HOURS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Tokens that have rows for their minutes, for each server and hour.
const DETAILED_MAX: usize = 5_000;
/// Rotations in one answer.
const ROTATIONS_MAX: u64 = 200;

/// What one flush tells the next: which tokens have which rows.
#[derive(Default)]
pub struct Written {
    minute: i64,
    hour: i64,
    /// The most connections of each token that are stored for this minute.
    connections: HashMap<String, u64>,
    detailed: HashSet<String>,
}

/// What is to be added for one token.
#[derive(Debug, Clone, Default)]
pub struct Added {
    /// Whose it is.
    pub workspace_id: String,
    /// Requests that were answered.
    pub requests: i64,
    /// Bytes back and forth.
    pub bytes: i64,
    /// Uses that were refused.
    pub refused: i64,
}

/// The open connections of each token, and whose it is; `None`: nobody can tell.
pub type Connections = Option<HashMap<String, (String, u64)>>;

/// The connections that are open at this moment.
pub fn connections(app: &App) -> Connections {
    if app.broker.kafka().is_some() {
        return None;
    }
    let mut open: HashMap<String, (String, u64)> = HashMap::new();
    for connection in app.broker.connections() {
        if let Some(token) = app.registry.find_by_principal(&connection.principal) {
            open.entry(token.id.clone()).or_insert_with(|| (token.workspace_id.to_string(), 0)).1 += 1;
        }
    }
    Some(open)
}

impl Written {
    /// Begins a flush.
    pub fn begin(&mut self, now: Timestamp) {
        let (minute, hour) = (floor(now, MINUTE), floor(now, HOUR));
        if minute != self.minute {
            self.connections.clear();
        }
        if hour != self.hour {
            self.detailed.clear();
        }
        (self.minute, self.hour) = (minute, hour);
    }

    /// Tokens of which nothing is to be added but that more connections are open than is stored.
    pub fn more_connections(&self, connections: &Connections) -> BTreeMap<String, Added> {
        let open = connections.iter().flatten();
        let more = open.filter(|(id, (_, count))| self.connections.get(*id).is_none_or(|stored| count > stored));
        let more = more.map(|(id, (workspace_id, _))| {
            (id.clone(), Added { workspace_id: workspace_id.clone(), ..Added::default() })
        });
        more.collect()
    }

    /// The rows of what is to be added.
    pub fn rows(&mut self, added: BTreeMap<String, Added>, connections: &Connections) -> Vec<Model> {
        let mut rows = Vec::new();
        for (token_id, Added { workspace_id, requests, bytes, refused }) in added {
            let open = connections.as_ref().map(|open| open.get(&token_id).map_or(0, |(_, count)| *count));
            if let Some(open) = open {
                let stored = self.connections.entry(token_id.clone()).or_default();
                *stored = open.max(*stored);
            }
            let row = |step: i64, at: i64| Model {
                token_id: token_id.clone(),
                step,
                at,
                workspace_id: workspace_id.clone(),
                requests,
                bytes,
                refused,
                connections: open.map(|open| open as i64),
            };
            if self.detailed.len() < DETAILED_MAX || self.detailed.contains(&token_id) {
                self.detailed.insert(token_id.clone());
                rows.push(row(MINUTE, self.minute));
            }
            rows.push(row(HOUR, self.hour));
        }
        rows
    }
}

/// The timeline of a workspace's tokens.
pub async fn timeline(
    app: &App,
    workspace_id: &WorkspaceId,
    pair: &Pair,
    hours: u32,
) -> Result<UsageTimeline, ApiError> {
    report::store_what_is_counted(app).await;
    let now = app.now();
    let step = step(hours);
    let from = floor(now - SignedDuration::from_hours(hours.into()), step);
    let mut subjects = report::valid(pair).to_vec();
    subjects.extend(report::dead(app, workspace_id, now).await?);
    let ids: Vec<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
    let hourly = db::usage_points::list(&*app.db, &ids, HOUR, floor(db::timestamp(from), HOUR)).await?;
    let detailed = if step < HOUR { db::usage_points::list(&*app.db, &ids, MINUTE, from).await? } else { Vec::new() };
    let mut points: HashMap<String, BTreeMap<i64, UsagePoint>> = HashMap::new();
    let known: HashSet<_> = detailed.iter().map(|row| (row.token_id.clone(), hour_of(row.at))).collect();
    let hourly = hourly.into_iter().filter(|row| !known.contains(&(row.token_id.clone(), row.at)));
    for row in hourly.chain(detailed) {
        let at = floor(db::timestamp(row.at), step).max(from);
        add(points.entry(row.token_id.clone()).or_default(), at, &row);
    }
    let tokens = subjects.into_iter().map(|subject| TokenTimeline {
        points: points.remove(&subject.id).unwrap_or_default().into_values().collect(),
        id: subject.id,
        label: subject.label.to_owned(),
        masked: subject.masked,
        deactivated_at: subject.deactivated_at,
    });
    Ok(UsageTimeline {
        workspace_id: workspace_id.to_string(),
        from: db::timestamp(from),
        to: db::timestamp(now.as_millisecond()),
        step_seconds: step as u32,
        tokens: tokens.collect(),
        rotations: rotations(app, workspace_id, from).await?,
    })
}

/// How long a step is in seconds, so that there are about 300 of them.
fn step(hours: u32) -> i64 {
    match hours {
        0..=6 => MINUTE,
        7..=24 => 5 * MINUTE,
        25..=48 => 10 * MINUTE,
        49..=360 => HOUR,
        _ => 6 * HOUR,
    }
}

fn add(points: &mut BTreeMap<i64, UsagePoint>, at: i64, row: &Model) {
    let empty = || UsagePoint { at: db::timestamp(at), requests: 0, bytes: 0, refused: 0, connections: None };
    let point = points.entry(at).or_insert_with(empty);
    point.requests += row.requests.unsigned_abs();
    point.bytes += row.bytes.unsigned_abs();
    point.refused += row.refused.unsigned_abs();
    point.connections = point.connections.max(row.connections.map(i64::unsigned_abs));
}

/// The beginning of the step of this length, in milliseconds.
fn floor(at: Timestamp, step: i64) -> i64 {
    let milliseconds = at.as_millisecond();
    milliseconds - milliseconds.rem_euclid(step * 1000)
}

fn hour_of(at: i64) -> i64 {
    floor(db::timestamp(at), HOUR)
}

/// From the audit log, where every rotation is.
async fn rotations(app: &App, workspace_id: &WorkspaceId, from: i64) -> Result<Vec<RotationMark>, ApiError> {
    let actions = RotationKind::ALL.map(action);
    let records = db::audit::list_newest(&*app.db, workspace_id.as_str(), &actions, from, ROTATIONS_MAX).await?;
    let marks = records.into_iter().rev().filter_map(|record| {
        let detail: Value = serde_json::from_str(&record.detail).ok()?;
        let kind = RotationKind::ALL.into_iter().find(|kind| action(*kind) == record.action)?;
        Some(RotationMark { at: record.at, generation: detail["generation"].as_i64()?, kind })
    });
    Ok(marks.collect())
}

/// What the audit log calls it.
pub const fn action(kind: RotationKind) -> &'static str {
    match kind {
        RotationKind::Normal => "token.rotated",
        RotationKind::Emergency => "token.emergency_rotated",
        RotationKind::Undo => "token.rotation_undone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).expect("in range")
    }

    fn used(token: &str, requests: i64) -> BTreeMap<String, Added> {
        [(token.to_owned(), Added { requests, ..Added::default() })].into()
    }

    #[test]
    fn b1_each_use_is_in_its_minute_and_in_its_hour() {
        let mut written = Written::default();
        written.begin(at(125) + SignedDuration::from_secs(59));
        let rows = written.rows(used("a", 3), &None);
        let seen: Vec<_> = rows.iter().map(|row| (row.step, row.at, row.requests, row.connections)).collect();
        assert_eq!(seen, [(MINUTE, 125 * 60_000, 3, None), (HOUR, 120 * 60_000, 3, None)]);
    }

    #[test]
    fn b1_connections_that_are_silent_are_written_once_a_minute() {
        let open = |count| Some(HashMap::from([("a".to_owned(), ("w".to_owned(), count))]));
        let mut written = Written::default();
        let mut write = |minute, count| {
            written.begin(at(minute));
            let more = written.more_connections(&open(count));
            written.rows(more, &open(count)).iter().map(|row| row.connections).collect::<Vec<_>>()
        };
        assert_eq!(write(1, 2), [Some(2), Some(2)]);
        assert!(write(1, 2).is_empty() && write(1, 1).is_empty(), "the most is stored already");
        assert_eq!(write(1, 3), [Some(3), Some(3)]);
        assert_eq!(write(2, 1), [Some(1), Some(1)]);
    }

    #[test]
    fn b1_so_many_tokens_have_minutes_and_all_have_hours() {
        let mut written = Written::default();
        written.begin(at(1));
        for number in 0..DETAILED_MAX {
            assert_eq!(written.rows(used(&number.to_string(), 1), &None).len(), 2);
        }
        assert_eq!(written.rows(used("further", 1), &None).len(), 1);
        assert_eq!(written.rows(used("0", 1), &None).len(), 2, "those that have them go on");
        written.begin(at(61));
        assert_eq!(written.rows(used("further", 1), &None).len(), 2, "another hour");
    }

    #[test]
    fn there_are_never_too_many_steps() {
        for hours in 1..=twinkey_api::timeline::HOURS_MAX {
            assert!(i64::from(hours) * 3600 / step(hours) <= 360, "{hours}");
            assert!(step(hours) >= HOUR || i64::from(hours) <= MINUTES_KEPT.as_hours(), "{hours}");
        }
    }
}
