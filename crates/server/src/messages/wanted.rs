//! Which messages are wanted: the query, checked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use twinkey_api::message::MessagesQuery;
use twinkey_kafka_wire::records::Limits;

use crate::error::ApiError;

/// The most messages of a page.
const PAGE: u32 = 500;
/// Messages of a page that does not say.
const PAGE_DEFAULT: u32 = 50;
/// The most bytes of a key or value.
const PART: u32 = 1 << 20;
/// Bytes of a key or value, where it is not said.
const PART_DEFAULT: u32 = 4096;
/// The most bytes of a header's value: there can be many of them.
const HEADER: u32 = 1 << 14;
/// Headers of a message that are shown.
const HEADERS: usize = 64;
/// A batch that has more bytes than this when it is decompressed is not read to its end.
const BATCH: u64 = 64 << 20;
/// The most partitions that a cursor names.
const PLACES: usize = 10_000;

/// Which messages are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Only of this partition.
    pub partition: Option<i32>,
    /// From where.
    pub begin: Begin,
    /// How many.
    pub limit: usize,
    /// How much of each.
    pub limits: Limits,
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// With the first one that there is.
    Beginning,
    /// With the next one that comes.
    End,
    /// At this offset of every partition.
    Offset(i64),
    /// With those that are not older than this, in milliseconds since 1970.
    Time(i64),
    /// With the last ones, as many as are wanted.
    Last,
    /// At these offsets; partitions that are not named are not read.
    At(BTreeMap<i32, i64>),
}

impl Wanted {
    /// Checks a query.
    pub fn of(query: &MessagesQuery) -> Result<Self, ApiError> {
        let invalid = |message: String| Err(ApiError::bad_request("InvalidQuery", message));
        let mut limit = query.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE).contains(&limit) {
            return invalid(format!("limit must be 1 to {PAGE}"));
        }
        let part = parts(query.max_bytes, PART)?;
        let begin = match (&query.at, query.from.as_deref()) {
            (Some(_), Some(_)) => return invalid("give from or at, not both".to_owned()),
            (Some(at), None) => Begin::At(places(at)?),
            (None, None) => Begin::Last,
            (None, Some(from)) => match begin(from) {
                Some((begin, None)) => begin,
                Some((begin, Some(last))) if (1..=PAGE).contains(&last) => {
                    limit = query.limit.map_or(last, |limit| limit.min(last));
                    begin
                }
                _ => {
                    return invalid(format!(
                        "from must be beginning, end, offset:N, time: with a time such as 2026-11-26T12:00:00Z, or -N with N \
                         from 1 to {PAGE}"
                    ));
                }
            },
        };
        Ok(Self { partition: query.partition, begin, limit: limit as usize, limits: part })
    }
}

/// How much of each message is wanted.
pub fn parts(max_bytes: Option<u32>, most: u32) -> Result<Limits, ApiError> {
    let part = max_bytes.unwrap_or(PART_DEFAULT);
    if part > most {
        return Err(ApiError::bad_request("InvalidQuery", format!("maxBytes must be 0 to {most}")));
    }
    Ok(Limits { part: part as usize, header: part.min(HEADER) as usize, headers: HEADERS, batch: BATCH })
}

/// What `from` says, and how many if it says that.
fn begin(from: &str) -> Option<(Begin, Option<u32>)> {
    if let Some(last) = from.strip_prefix('-') {
        return Some((Begin::Last, Some(last.parse().ok()?)));
    }
    let begin = match from.split_once(':') {
        None if from == "beginning" => Begin::Beginning,
        None if from == "end" => Begin::End,
        Some(("offset", offset)) => Begin::Offset(offset.parse().ok().filter(|offset| *offset >= 0)?),
        Some(("time", time)) => Begin::Time(time.parse::<Timestamp>().ok()?.as_millisecond()),
        _ => return None,
    };
    Some((begin, None))
}

/// A cursor such as `0:123,1:456`.
pub fn places(at: &str) -> Result<BTreeMap<i32, i64>, ApiError> {
    let place = |place: &str| {
        let (partition, offset) = place.split_once(':')?;
        let (partition, offset): (i32, i64) = (partition.parse().ok()?, offset.parse().ok()?);
        (partition >= 0 && offset >= 0).then_some((partition, offset))
    };
    let places: Option<BTreeMap<_, _>> = at.split(',').take(PLACES + 1).map(place).collect();
    places.filter(|places| places.len() <= PLACES).ok_or_else(|| {
        ApiError::bad_request(
            "InvalidQuery",
            "at must be partitions and offsets, such as 0:123,1:456: pass on what next had",
        )
    })
}

/// The same as text.
pub fn cursor(places: &BTreeMap<i32, i64>) -> String {
    let places: Vec<_> = places.iter().map(|(partition, offset)| format!("{partition}:{offset}")).collect();
    places.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(from: &str) -> Result<Wanted, ApiError> {
        Wanted::of(&MessagesQuery { from: Some(from.to_owned()), ..MessagesQuery::default() })
    }

    #[test]
    fn a_query_says_where_to_begin() {
        let begins = |text: &str| from(text).map(|wanted| (wanted.begin, wanted.limit)).expect(text);
        assert_eq!(begins("beginning"), (Begin::Beginning, 50));
        assert_eq!(begins("end"), (Begin::End, 50));
        assert_eq!(begins("offset:17"), (Begin::Offset(17), 50));
        assert_eq!(begins("time:1970-01-01T00:00:01Z"), (Begin::Time(1000), 50));
        assert_eq!(begins("-200"), (Begin::Last, 200));
        let few = MessagesQuery { from: Some("-200".into()), limit: Some(7), ..MessagesQuery::default() };
        assert_eq!(Wanted::of(&few).expect("valid").limit, 7);
        for wrong in ["", "start", "offset:-1", "offset:", "time:yesterday", "-0", "-501", "--5", "-", "0:1"] {
            assert!(from(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let places = places("0:123,7:0").expect("valid");
        assert_eq!(places, BTreeMap::from([(0, 123), (7, 0)]));
        assert_eq!(cursor(&places), "0:123,7:0");
        for wrong in ["", "0", "0:", ":1", "-1:1", "0:-1", "0:1,", "0:1;1:1"] {
            assert!(super::places(wrong).is_err(), "{wrong}");
        }
        let query = MessagesQuery { at: Some("0:1".into()), from: Some("end".into()), ..MessagesQuery::default() };
        assert!(Wanted::of(&query).is_err(), "both");
    }
}
