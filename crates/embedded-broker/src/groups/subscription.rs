//! The topics that a consumer's metadata names.

use std::collections::BTreeSet;

/// Reads the topics out of the metadata of a member whose protocol type is `consumer`.
///
/// All versions of that format begin as version 0 does: a version (2 bytes), then an array of topic names. Kafka reads no
/// more of it either. `None` if the bytes do not have that form.
pub(super) fn topics(metadata: &[u8]) -> Option<BTreeSet<&str>> {
    let (_version, rest) = metadata.split_first_chunk::<2>()?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let count = i32::from_be_bytes(*count);
    let mut topics = BTreeSet::new();
    // A claimed count takes no memory: the loop ends where the bytes end.
    for _ in 0..count {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (name, tail) = tail.split_at_checked(length)?;
        topics.insert(std::str::from_utf8(name).ok()?);
        rest = tail;
    }
    Some(topics)
}

/// Metadata as a consumer with these topics sends it.
#[cfg(test)]
pub(super) fn metadata(names: &[&str]) -> bytes::Bytes {
    let mut out = vec![0, 1];
    out.extend(i32::try_from(names.len()).expect("few names").to_be_bytes());
    for name in names {
        out.extend(i16::try_from(name.len()).expect("short names").to_be_bytes());
        out.extend(name.as_bytes());
    }
    out.extend((-1_i32).to_be_bytes()); // no user data
    out.into()
}

#[cfg(test)]
mod tests {
    use super::{metadata, topics};

    #[test]
    fn topics_are_read_and_cut_or_hostile_bytes_are_refused() {
        let bytes = metadata(&["a", "bc"]);
        assert_eq!(topics(&bytes).expect("valid").into_iter().collect::<Vec<_>>(), ["a", "bc"]);
        for length in 0..bytes.len() - 4 {
            assert_eq!(topics(&bytes[..length]), None, "{length}");
        }
        assert_eq!(topics(&[0, 0, 0x7f, 0xff, 0xff, 0xff]), None);
        assert_eq!(topics(&[0, 0, 0, 0, 0, 1, 0xff, 0xff]), None);
        assert_eq!(topics(&[0, 0, 0, 0, 0, 1, 0, 1, 0xff]), None);
    }
}
