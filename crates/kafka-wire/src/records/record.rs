//! One record after the other, from a stream.

use std::io::{BufReader, Read};

use super::{Header, Limits, Unreadable, decompress::Bounded};

/// So much of a header's name is kept.
const NAME: usize = 1 << 10;

/// A record, or as much of it as was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its offset.
    pub offset: i64,
    /// Its time in milliseconds since 1970; -1 where there is none.
    pub timestamp: i64,
    /// Its key, if it has one.
    pub key: Option<Part>,
    /// Its value, if it has one.
    pub value: Option<Part>,
    /// Its headers, in their order; a name may come more than once.
    pub headers: Vec<RecordHeader>,
    /// How many headers there are beyond [`Limits::headers`].
    pub headers_left_out: u32,
    /// How many bytes key, value and headers have together.
    pub size: u64,
}

/// A header of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHeader {
    /// Its name.
    pub name: Part,
    /// Its value, if it has one.
    pub value: Option<Part>,
}

/// Bytes, or the beginning of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// How many there are.
    pub size: u64,
}

impl Part {
    /// Whether only the beginning was kept.
    pub fn is_cut(&self) -> bool {
        self.size > self.bytes.len() as u64
    }
}

/// The records of a batch. After an error nothing more comes.
pub struct Records<'a> {
    header: Header,
    stream: BufReader<Bounded<'a>>,
    limits: Limits,
    left: i32,
}

impl<'a> Records<'a> {
    pub(super) fn new(header: Header, stream: Bounded<'a>, limits: Limits) -> Self {
        Self { header, stream: BufReader::new(stream), limits, left: header.count }
    }

    /// How many bytes were decompressed so far.
    pub fn consumed(&self) -> u64 {
        self.stream.get_ref().given()
    }

    fn record(&mut self) -> Result<Record, Unreadable> {
        let length = self.varint()?;
        let length = u64::try_from(length).map_err(|_| Unreadable::Damaged)?;
        // Everything of this record lies within its length.
        let mut body = Body { left: length, from: self };
        body.skip(1)?;
        let timestamp_delta = body.varint()?;
        let offset_delta = body.varint()?;
        let Limits { part, header, headers: most, .. } = body.from.limits;
        let key = body.part(part)?;
        let value = body.part(part)?;
        let mut size = of(key.as_ref()) + of(value.as_ref());
        let mut headers = Vec::new();
        let mut headers_left_out = 0_u32;
        // Each takes bytes, so that a made-up number ends with them.
        for _ in 0..u32::try_from(body.varint()?).map_err(|_| Unreadable::Damaged)? {
            let name = body.part(NAME)?.ok_or(Unreadable::Damaged)?;
            let value = body.part(header)?;
            size += name.size + of(value.as_ref());
            if headers.len() < most {
                headers.push(RecordHeader { name, value });
            } else {
                headers_left_out = headers_left_out.saturating_add(1);
            }
        }
        if body.left != 0 {
            return Err(Unreadable::Damaged);
        }
        let header = &self.header;
        let timestamp = if header.is_log_append_time() {
            header.max_timestamp
        } else {
            header.base_timestamp.saturating_add(timestamp_delta)
        };
        let offset = header.base_offset.saturating_add(offset_delta);
        Ok(Record { offset, timestamp, key, value, headers, headers_left_out, size })
    }

    /// A zigzag number of at most ten bytes.
    fn varint(&mut self) -> Result<i64, Unreadable> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let mut byte = [0];
            self.exact(&mut byte)?;
            value |= u64::from(byte[0] & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte[0] & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Unreadable::Damaged)
    }

    fn exact(&mut self, buffer: &mut [u8]) -> Result<(), Unreadable> {
        self.stream.read_exact(buffer).map_err(|_| self.stream.get_ref().reason())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Unreadable> {
        let skipped = std::io::copy(&mut self.stream.by_ref().take(bytes), &mut std::io::sink());
        match skipped {
            Ok(skipped) if skipped == bytes => Ok(()),
            _ => Err(self.stream.get_ref().reason()),
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left <= 0 {
            return None;
        }
        let record = self.record();
        self.left = if record.is_ok() { self.left - 1 } else { 0 };
        Some(record)
    }
}

/// The bytes of one record.
struct Body<'r, 'a> {
    from: &'r mut Records<'a>,
    left: u64,
}

impl Body<'_, '_> {
    fn use_up(&mut self, bytes: u64) -> Result<(), Unreadable> {
        self.left = self.left.checked_sub(bytes).ok_or(Unreadable::Damaged)?;
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Unreadable> {
        self.use_up(bytes)?;
        self.from.skip(bytes)
    }

    fn varint(&mut self) -> Result<i64, Unreadable> {
        let number = self.from.varint()?;
        self.use_up(length_of(number))?;
        Ok(number)
    }

    /// Bytes with their length in front; -1 stands for none.
    fn part(&mut self, most: usize) -> Result<Option<Part>, Unreadable> {
        let size = match self.varint()? {
            -1 => return Ok(None),
            size => u64::try_from(size).map_err(|_| Unreadable::Damaged)?,
        };
        self.use_up(size)?;
        let kept = usize::try_from(size).unwrap_or(usize::MAX).min(most);
        let mut bytes = Vec::new();
        // It grows with what is there: nothing is taken for what is only claimed.
        let read = self.from.stream.by_ref().take(kept as u64).read_to_end(&mut bytes);
        if read.ok() != Some(kept) {
            return Err(self.from.stream.get_ref().reason());
        }
        self.from.skip(size - kept as u64)?;
        Ok(Some(Part { bytes, size }))
    }
}

fn of(part: Option<&Part>) -> u64 {
    part.map_or(0, |part| part.size)
}

/// How many bytes a number takes as a zigzag number.
fn length_of(number: i64) -> u64 {
    let zigzag = ((number << 1) ^ (number >> 63)) as u64;
    u64::from((64 - zigzag.leading_zeros()).max(1).div_ceil(7))
}
