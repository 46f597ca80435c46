//! Records as messages of the API.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use twinkey_api::message::{Content, Message, MessageHeader, TimestampType};
use twinkey_kafka_wire::records::{Part, Record};

/// The record as it is shown.
pub(super) fn message(partition: i32, by_broker: bool, record: Record) -> Message {
    let headers = record.headers.into_iter().map(|header| MessageHeader {
        name: String::from_utf8_lossy(&header.name.bytes).into_owned(),
        value: header.value.map(content),
    });
    Message {
        partition,
        offset: record.offset,
        // A time that no calendar has is as good as none.
        timestamp: Timestamp::from_millisecond(record.timestamp).ok().filter(|_| record.timestamp >= 0),
        timestamp_type: if by_broker { TimestampType::LogAppendTime } else { TimestampType::CreateTime },
        headers: headers.collect(),
        headers_left_out: record.headers_left_out,
        key: record.key.map(content),
        value: record.value.map(content),
        size: record.size,
    }
}

fn content(part: Part) -> Content {
    let (truncated, size) = (part.is_cut(), part.size);
    let text = text(part.bytes, truncated);
    let (text, base64) = match text {
        Ok(text) => (Some(text), None),
        Err(bytes) => (None, Some(STANDARD.encode(bytes))),
    };
    Content { text, base64, truncated, size: truncated.then_some(size) }
}

/// The bytes as text. Where they were cut off, that may have been inside of a character, which goes then.
fn text(bytes: Vec<u8>, cut: bool) -> Result<String, Vec<u8>> {
    String::from_utf8(bytes).or_else(|error| {
        let (whole, broken) = (error.utf8_error().valid_up_to(), error.utf8_error().error_len().is_some());
        let mut bytes = error.into_bytes();
        if cut && !broken {
            bytes.truncate(whole);
            return Ok(String::from_utf8(bytes).expect("valid up to there"));
        }
        Err(bytes)
    })
}

/// About how much memory a message takes.
pub(super) fn weight(message: &Message) -> usize {
    /// The rest of it, and the rest of a header.
    const FRAME: usize = 200;
    let of = |content: &Option<Content>| {
        let content = content.as_ref();
        content.map_or(0, |it| it.text.as_ref().map_or(0, String::len) + it.base64.as_ref().map_or(0, String::len))
    };
    let headers = message.headers.iter().map(|header| FRAME + header.name.len() + of(&header.value));
    FRAME + of(&message.key) + of(&message.value) + headers.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], size: u64) -> Content {
        content(Part { bytes: bytes.to_vec(), size })
    }

    #[test]
    fn text_is_text_and_bytes_are_base64() {
        let text = |text: &str| Content { text: Some(text.into()), ..Content::default() };
        assert_eq!(shown("grüße\0".as_bytes(), 8), text("grüße\0"));
        assert_eq!(shown(b"", 0), text(""));
        let bytes = Content { base64: Some("/wA=".into()), ..Content::default() };
        assert_eq!(shown(&[0xff, 0], 2), bytes);
        // A character that was not finished by its producer is no text.
        assert_eq!(shown(&[b'a', 0xc3], 2).text, None);
    }

    #[test]
    fn what_was_cut_off_says_so_and_ends_with_a_whole_character() {
        let cut = Content { text: Some("gr".into()), truncated: true, size: Some(100), ..Content::default() };
        assert_eq!(shown(&[b'g', b'r', 0xc3], 100), cut);
        let bytes = Content { base64: Some("/8M=".into()), truncated: true, size: Some(100), ..Content::default() };
        assert_eq!(shown(&[0xff, 0xc3], 100), bytes);
    }
}
