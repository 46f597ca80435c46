//! Bytes compressed as clients of Kafka do it.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use lz4_flex::frame::FrameEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// The codecs, with their numbers in a batch's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    None = 0,
    /// gzip.
    Gzip = 1,
    /// Snappy in one block, as librdkafka writes it.
    Snappy = 2,
    /// A frame of LZ4.
    Lz4 = 3,
    /// A frame of zstd.
    Zstd = 4,
    /// Snappy in the blocks of Java's library; the same number as [`Codec::Snappy`].
    JavaSnappy = 102,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::None, Self::Gzip, Self::Snappy, Self::JavaSnappy, Self::Lz4, Self::Zstd];

    /// The number in a batch's attributes.
    pub fn number(self) -> i16 {
        self as i16 % 100
    }

    /// The compressed bytes.
    ///
    /// # Panics
    /// Never: writing to memory does not fail.
    pub fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).expect("to memory");
                encoder.finish().expect("to memory")
            }
            Self::Snappy => snap::raw::Encoder::new().compress_vec(bytes).expect("to memory"),
            Self::JavaSnappy => {
                let mut framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
                for block in bytes.chunks(32 << 10) {
                    let block = Self::Snappy.compress(block);
                    framed.extend((block.len() as u32).to_be_bytes());
                    framed.extend(block);
                }
                framed
            }
            Self::Lz4 => {
                let mut encoder = FrameEncoder::new(Vec::new());
                encoder.write_all(bytes).expect("to memory");
                encoder.finish().expect("to memory")
            }
            Self::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
        }
    }
}
