//! Compressed bytes as a stream that ends with an error where it grows too long.

use std::io::{self, Cursor, Read};

use flate2::read::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder;
use ruzstd::decoding::{FrameDecoder as ZstdDecoder, StreamingDecoder, errors::FrameDecoderError};

use super::Unreadable;

/// What Java's library writes in front of its blocks of Snappy, with the versions behind it.
const XERIAL: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// The records' bytes as they were before they were compressed with the codec of this number.
pub(super) fn stream(codec: i16, bytes: &[u8], limit: u64) -> Result<Bounded<'_>, Unreadable> {
    let inner: Box<dyn Read + Send + '_> = match codec {
        0 => Box::new(bytes),
        1 => Box::new(MultiGzDecoder::new(bytes)),
        2 => Box::new(Snappy::new(bytes, limit)?),
        3 => Box::new(FrameDecoder::new(bytes)),
        4 => Box::new(zstd(bytes, limit)?),
        _ => return Err(Unreadable::Codec),
    };
    Ok(Bounded { inner, limit, left: limit, exceeded: false })
}

/// A frame states how many bytes back it may refer to, which have to be kept: no more of them than there may be.
fn zstd(bytes: &[u8], limit: u64) -> Result<StreamingDecoder<&[u8], ZstdDecoder>, Unreadable> {
    StreamingDecoder::new_with_max_window_size(bytes, limit).map_err(|error| match error {
        FrameDecoderError::WindowSizeTooBig { .. } => Unreadable::TooLarge,
        _ => Unreadable::Damaged,
    })
}

/// Gives out so many bytes and no more.
pub(super) struct Bounded<'a> {
    inner: Box<dyn Read + Send + 'a>,
    limit: u64,
    left: u64,
    exceeded: bool,
}

impl Bounded<'_> {
    /// How many bytes it has given out.
    pub(super) fn given(&self) -> u64 {
        self.limit - self.left
    }

    /// What an error of this stream means.
    pub(super) fn reason(&self) -> Unreadable {
        if self.exceeded { Unreadable::TooLarge } else { Unreadable::Damaged }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            // At the end, or beyond the limit? Only one more byte can tell.
            let more = self.inner.read(&mut [0])?;
            self.exceeded = more > 0;
            return if self.exceeded { Err(io::Error::other("too long")) } else { Ok(0) };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// Snappy knows no streams: a block states its length and is decompressed as a whole. Java's library cuts what is long into
/// blocks of 32 KiB; librdkafka writes one.
struct Snappy<'a> {
    blocks: &'a [u8],
    framed: bool,
    block: Cursor<Vec<u8>>,
    limit: u64,
}

impl<'a> Snappy<'a> {
    fn new(bytes: &'a [u8], limit: u64) -> Result<Self, Unreadable> {
        let framed = bytes.starts_with(XERIAL);
        let blocks = if framed { bytes.get(XERIAL_HEADER..).ok_or(Unreadable::Damaged)? } else { bytes };
        let snappy = Self { blocks, framed, block: Cursor::default(), limit };
        if framed { Ok(snappy) } else { snappy.whole() }
    }

    /// Everything is one block.
    fn whole(mut self) -> Result<Self, Unreadable> {
        let length = snap::raw::decompress_len(self.blocks).map_err(|_| Unreadable::Damaged)?;
        if length as u64 > self.limit {
            return Err(Unreadable::TooLarge);
        }
        self.block = Cursor::new(self.decompress(self.blocks).map_err(|_| Unreadable::Damaged)?);
        Ok(self)
    }

    fn decompress(&self, block: &[u8]) -> io::Result<Vec<u8>> {
        let length = snap::raw::decompress_len(block)?;
        // The most that Snappy makes of its bytes; what claims more would have us take memory for nothing.
        if length as u64 > self.limit || length > block.len().saturating_mul(64) {
            return Err(io::Error::other("an impossible length"));
        }
        Ok(snap::raw::Decoder::new().decompress_vec(block)?)
    }

    /// The next block of Java's framing; `None` at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if !self.framed || self.blocks.is_empty() {
            return Ok(None);
        }
        let (length, rest) = self.blocks.split_at_checked(4).ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (block, rest) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.blocks = rest;
        self.decompress(block).map(Some)
    }
}

impl Read for Snappy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.block.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.next()? {
                Some(block) => self.block = Cursor::new(block),
                None => return Ok(0),
            }
        }
    }
}
