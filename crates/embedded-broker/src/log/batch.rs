//! Record batches of format 2 (KIP-98) as bytes, as far as the log looks at them.

pub(crate) use twinkey_kafka_wire::records::{
    CRC_START, HEADER_LEN, Header, LENGTH_PREFIX, LOG_APPEND_TIME, crc_matches,
};

/// Why a stored batch cannot be one: cut off, or not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Torn;

/// Reads the batch at the start of `bytes` and checks everything that a scan of a file relies on.
pub(crate) fn first_whole(bytes: &[u8]) -> Result<(Header, usize), Torn> {
    let header = Header::read(bytes).ok_or(Torn)?;
    let size = header.size().ok_or(Torn)?;
    let whole = bytes.get(..size).ok_or(Torn)?;
    let sound = header.magic == 2 && header.last_offset_delta >= 0 && crc_matches(&header, whole);
    if sound { Ok((header, size)) } else { Err(Torn) }
}

/// The header of a client's batch as it is stored: offset and epoch are the broker's, the rest stays as it came but for
/// the time where the broker's clock dates the records (then the checksum is made anew).
pub(crate) fn stored_header(
    bytes: &[u8],
    base_offset: i64,
    leader_epoch: i32,
    log_append_time: Option<i64>,
) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    header.copy_from_slice(&bytes[..HEADER_LEN]);
    header[..8].copy_from_slice(&base_offset.to_be_bytes());
    header[12..16].copy_from_slice(&leader_epoch.to_be_bytes());
    if let Some(time) = log_append_time {
        let attributes = i16::from_be_bytes([header[21], header[22]]) | LOG_APPEND_TIME;
        header[21..23].copy_from_slice(&attributes.to_be_bytes());
        header[35..43].copy_from_slice(&time.to_be_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header[CRC_START..]), &bytes[HEADER_LEN..]);
        header[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    header
}

/// One record of an uncompressed batch, as far as the broker looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) offset_delta: i64,
    pub(crate) timestamp_delta: i64,
    pub(crate) has_key: bool,
}

/// The records of an uncompressed batch, from the bytes behind its header. Ends with an error where they are malformed.
pub(crate) fn records(bytes: &[u8]) -> impl Iterator<Item = Result<Record, Torn>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = record(&mut rest);
        if record.is_err() {
            rest = &[];
        }
        Some(record)
    })
}

fn record(rest: &mut &[u8]) -> Result<Record, Torn> {
    let length = usize::try_from(varint(rest)?).map_err(|_| Torn)?;
    let mut body = rest.get(..length).ok_or(Torn)?;
    *rest = &rest[length..];
    let body = &mut body;
    take(body, 1)?;
    let timestamp_delta = varint(body)?;
    let offset_delta = varint(body)?;
    let has_key = sized(body)?;
    sized(body)?;
    let headers = varint(body)?;
    // Each header takes bytes, so that a made-up count ends with the bytes.
    for _ in 0..u32::try_from(headers).map_err(|_| Torn)? {
        if !sized(body)? {
            return Err(Torn);
        }
        sized(body)?;
    }
    if body.is_empty() { Ok(Record { offset_delta, timestamp_delta, has_key }) } else { Err(Torn) }
}

/// Skips bytes with their length in front; says whether there were any (a length of -1 is null).
fn sized(bytes: &mut &[u8]) -> Result<bool, Torn> {
    match varint(bytes)? {
        -1 => Ok(false),
        length => take(bytes, usize::try_from(length).map_err(|_| Torn)?).map(|()| true),
    }
}

fn take(bytes: &mut &[u8], length: usize) -> Result<(), Torn> {
    *bytes = bytes.get(length..).ok_or(Torn)?;
    Ok(())
}

/// A zigzag number of at most ten bytes.
fn varint(bytes: &mut &[u8]) -> Result<i64, Torn> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(Torn)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    Err(Torn)
}
