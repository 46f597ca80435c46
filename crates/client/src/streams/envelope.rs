//! The envelope of every message, and the fragments of those that are too large for one.
//!
//! An envelope is JSON: the codec, the kind, the value, and at which bytes of the whole the value begins and ends (so that a
//! reader can take it out without reading the rest). A fragment is `<`, the message's number, `/`, the fragment's number, `/`,
//! the last fragment's number, `>`, and then the bytes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

use super::{EndMessage, EventData, StreamContent, data::Table};
use crate::Error;

/// What 0.5.7 puts into one fragment, its head included.
const FRAGMENT: usize = 998_988;
const HEAD: usize = 10;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "C", borrow)]
    codec: Cow<'a, str>,
    #[serde(rename = "K", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "V", borrow)]
    value: &'a RawValue,
}

/// Wraps a value.
pub(super) fn wrap(kind: &str, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = format!(r#"{{"C":"JT","K":"{kind}","V":"#).into_bytes();
    let start = bytes.len();
    serde_json::to_writer(&mut bytes, value).map_err(|error| bad(error.to_string()))?;
    let end = bytes.len();
    bytes.extend_from_slice(format!(r#","S":{start},"E":{end}}}"#).as_bytes());
    Ok(bytes)
}

/// Reads a whole message.
pub(super) fn unwrap(bytes: &[u8]) -> Result<StreamContent, Error> {
    if bytes.first() == Some(&1) {
        return Err(bad("it was written with the Protobuf codec; set CodecType.Json in the program that writes"));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    if envelope.codec != "JT" {
        return Err(bad(format!(
            "it was written with the codec '{}'; set CodecType.Json in the program that writes",
            envelope.codec
        )));
    }
    let value = envelope.value.get();
    Ok(match &*envelope.kind {
        "StreamProperties" => StreamContent::Properties(read(value)?),
        "ParameterData" | "TimeseriesData" => StreamContent::Timeseries(read::<Table>(value)?.rows()),
        "ParameterDefinitions" => StreamContent::ParameterDefinitions(read(value)?),
        "EventData[]" => StreamContent::Events(read(value)?),
        "EventData" => StreamContent::Events(vec![read::<EventData>(value)?]),
        "EventDefinitions" => StreamContent::EventDefinitions(read(value)?),
        "StreamEnd" => StreamContent::End(read::<EndMessage>(value)?.stream_end_type),
        other => StreamContent::Other(other.to_owned(), value.to_owned()),
    })
}

fn read<'a, T: Deserialize<'a>>(value: &'a str) -> Result<T, Error> {
    serde_json::from_str(value).map_err(|error| bad(error.to_string()))
}

fn bad(reason: impl Into<String>) -> Error {
    Error::Format { what: "a message of a stream", reason: reason.into() }
}

/// Cuts a message up if it is too large for one. `number` tells it from others of the same stream.
pub(super) fn split(bytes: Vec<u8>, number: i32) -> Result<Vec<Vec<u8>>, Error> {
    if bytes.len() <= FRAGMENT {
        return Ok(vec![bytes]);
    }
    let pieces: Vec<_> = bytes.chunks(FRAGMENT - HEAD).collect();
    let last = u8::try_from(pieces.len() - 1).map_err(|_| Error::MessageTooLarge { size: bytes.len() })?;
    let fragment = |(index, piece): (u8, &&[u8])| {
        let mut fragment = Vec::with_capacity(HEAD + piece.len());
        fragment.push(b'<');
        fragment.extend_from_slice(&number.to_le_bytes());
        fragment.extend_from_slice(&[b'/', index, b'/', last, b'>']);
        fragment.extend_from_slice(piece);
        fragment
    };
    Ok((0..=last).zip(&pieces).map(fragment).collect())
}

/// The head of a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) number: i32,
    pub(super) index: u8,
    pub(super) last: u8,
}

/// Head and bytes of a fragment, if this is one.
pub(super) fn fragment(bytes: &[u8]) -> Option<(Fragment, &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    match head {
        [b'<', a, b, c, d, b'/', index, b'/', last, b'>'] => {
            let number = i32::from_le_bytes([*a, *b, *c, *d]);
            Some((Fragment { number, index: *index, last: *last }, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Row, StreamEnd, StreamProperties, Value};

    /// Taken from quixstreams 0.5.7.
    const DATA: &str = r#"{"C":"JT","K":"ParameterData","V":{"Timestamps":[1700000000123456789,1700000000123456790,1700000000123456800],"NumericValues":{"num":[1.5,2.0,null]},"StringValues":{"text":["hi","é","only"]},"BinaryValues":{"bin":["AAH/",null,null]},"TagValues":{"tag":["v",null,null]}},"S":34,"E":270}"#;

    fn rows() -> Vec<Row> {
        vec![
            Row::at(1_700_000_000_123_456_789)
                .with("num", 1.5)
                .with("text", "hi")
                .with("bin", vec![0, 1, 255])
                .tag("tag", "v"),
            Row::at(1_700_000_000_123_456_790).with("num", 2).with("text", "é"),
            Row::at(1_700_000_000_123_456_800).with("text", "only"),
        ]
    }

    #[test]
    fn time_series_are_what_the_original_client_writes_to_the_byte() {
        assert_eq!(String::from_utf8(wrap("ParameterData", &Table::of(&rows())).unwrap()).unwrap(), DATA);
        assert_eq!(unwrap(DATA.as_bytes()).unwrap(), StreamContent::Timeseries(rows()));
    }

    #[test]
    fn the_other_kinds_are_too() {
        let properties = r#"{"C":"JT","K":"StreamProperties","V":{"Name":"My stream","Location":"/a/b","Metadata":{"m":"1"},"Parents":["par-1"],"TimeOfRecording":"2024-01-02T03:04:05.678901"},"S":37,"E":163}"#;
        let StreamContent::Properties(read) = unwrap(properties.as_bytes()).unwrap() else { panic!("other kind") };
        assert_eq!(String::from_utf8(wrap("StreamProperties", &read).unwrap()).unwrap(), properties);
        assert_eq!(read.metadata["m"], "1");
        let events = r#"{"C":"JT","K":"EventData[]","V":[{"Timestamp":1700000000323456789,"Tags":{"t":"x"},"Id":"ev","Value":"value1"}],"S":32,"E":111}"#;
        let StreamContent::Events(read) = unwrap(events.as_bytes()).unwrap() else { panic!("other kind") };
        assert_eq!(String::from_utf8(wrap("EventData[]", &read).unwrap()).unwrap(), events);
        let definitions = r#"{"C":"JT","K":"ParameterDefinitions","V":{"ParameterGroups":[{"Name":"eng","ChildGroups":[],"Parameters":[{"Id":"rpm"}]}],"Parameters":[{"Id":"num","Name":"Number","Description":"a number","MinimumValue":-1.5,"MaximumValue":10.0,"Unit":"kg","Format":"{0}","CustomProperties":"x"}]},"S":41,"E":281}"#;
        let StreamContent::ParameterDefinitions(read) = unwrap(definitions.as_bytes()).unwrap() else {
            panic!("other kind")
        };
        assert_eq!(String::from_utf8(wrap("ParameterDefinitions", &read).unwrap()).unwrap(), definitions);
        for (end, text) in [
            (StreamEnd::Closed, r#"{"C":"JT","K":"StreamEnd","V":{},"S":30,"E":32}"#),
            (StreamEnd::Aborted, r#"{"C":"JT","K":"StreamEnd","V":{"StreamEndType":"Aborted"},"S":30,"E":57}"#),
        ] {
            assert_eq!(wrap("StreamEnd", &EndMessage { stream_end_type: end }).unwrap(), text.as_bytes());
            assert_eq!(unwrap(text.as_bytes()).unwrap(), StreamContent::End(end));
        }
        let empty = wrap("StreamProperties", &StreamProperties::default()).unwrap();
        assert_eq!(empty, br#"{"C":"JT","K":"StreamProperties","V":{"Metadata":{},"Parents":[]},"S":37,"E":65}"#);
    }

    #[test]
    fn odd_values_and_an_epoch() {
        let odd = vec![Row::at(1).with("a", f64::NAN).with("b", f64::NEG_INFINITY).with("c", 1e300)];
        let StreamContent::Timeseries(read) = unwrap(&wrap("ParameterData", &Table::of(&odd)).unwrap()).unwrap() else {
            panic!("other kind")
        };
        assert!(matches!(read[0].values["a"], Value::Number(number) if number.is_nan()));
        assert_eq!((&read[0].values["b"], &read[0].values["c"]), (&odd[0].values["b"], &odd[0].values["c"]));
        let epoch = r#"{"C":"JT","K":"ParameterData","V":{"Epoch":1000,"Timestamps":[1,2]},"S":0,"E":0}"#;
        assert_eq!(unwrap(epoch.as_bytes()).unwrap(), StreamContent::Timeseries(vec![Row::at(1001), Row::at(1002)]));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (bytes, part) in [
            (&b"\x01\x05PB-Pd"[..], "Protobuf"),
            (br#"{"C":"JT-PaDa-1","K":"ParameterData","V":{}}"#, "JT-PaDa-1"),
            (b"hello", "expected value"),
            (br#"{"C":"JT","K":"EventData[]","V":{}}"#, "invalid type"),
            (b"", "EOF"),
        ] {
            let error = unwrap(bytes).expect_err("unreadable").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn large_messages_go_in_fragments_as_the_original_client_cuts_them() {
        let bytes: Vec<u8> = (0..3_000_163_u32).map(|n| n as u8).collect();
        let fragments = split(bytes.clone(), 2).unwrap();
        let lengths: Vec<_> = fragments.iter().map(Vec::len).collect();
        assert_eq!(lengths, [998_988, 998_988, 998_988, 3_239]);
        assert_eq!(fragments[1][..10], *b"<\x02\x00\x00\x00/\x01/\x03>");
        let joined: Vec<u8> = fragments.iter().flat_map(|it| fragment(it).expect("a fragment").1.to_vec()).collect();
        assert_eq!(joined, bytes);
        assert_eq!(split(b"small".to_vec(), 2).unwrap(), [b"small"]);
        assert_eq!(fragment(b"<html></html>"), None);
    }
}
