//! Frames: a length of four bytes, big endian, and as many bytes of payload.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const PREFIX: usize = 4;
/// How much room is made at a time. Small, because the length that a peer claims is no reason to take memory.
const STEP: usize = 8 * 1024;

/// Why no frame could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer claims a negative length.
    #[error("the frame claims a negative length ({0})")]
    Negative(i32),
    /// The peer claims more than the limit.
    #[error("the frame claims {claimed} bytes, the limit is {limit}")]
    TooLarge {
        /// What the peer claims, in bytes.
        claimed: usize,
        /// What is allowed, in bytes.
        limit: usize,
    },
    /// The connection ended inside a frame.
    #[error("the connection ended inside a frame")]
    Torn,
    /// The stream failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Takes frames out of a stream. What has arrived of a frame is kept here, so that [`FrameReader::next`] can be
/// cancelled and called again without loss.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    limit: usize,
}

impl FrameReader {
    /// A reader that refuses frames of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::new(), limit }
    }

    /// Changes the limit for the frames that follow.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The next frame without its length, or `None` if the stream ended between two frames. Cancel-safe.
    ///
    /// Memory grows with the bytes that have arrived, never with the length that is claimed.
    pub async fn next<S>(&mut self, stream: &mut S) -> Result<Option<Bytes>, FrameError>
    where
        S: AsyncRead + Unpin,
    {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(Some(frame));
            }
            // Growing by what is already there keeps the number of copies small for large frames.
            self.buffer.reserve(STEP.max(self.buffer.len()));
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(FrameError::Torn) };
            }
        }
    }

    /// A whole frame out of what has arrived, if there is one.
    fn take(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(prefix) = self.buffer.first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let claimed = i32::from_be_bytes(*prefix);
        let length = usize::try_from(claimed).map_err(|_| FrameError::Negative(claimed))?;
        if length > self.limit {
            return Err(FrameError::TooLarge { claimed: length, limit: self.limit });
        }
        if self.buffer.len() < PREFIX + length {
            return Ok(None);
        }
        self.buffer.advance(PREFIX);
        let frame = self.buffer.split_to(length).freeze();
        if self.buffer.is_empty() {
            // A fresh buffer next time: the frame's memory must not live on in an idle connection.
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }
}

/// Writes one frame and flushes it.
pub async fn write<S: AsyncWrite + Unpin>(stream: &mut S, payload: &[u8]) -> io::Result<()> {
    let length = i32::try_from(payload.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a frame holds at most 2 GiB"))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(payload).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(input: &[u8], limit: usize) -> (Vec<Bytes>, Result<(), FrameError>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (mut stream, mut reader, mut frames) = (input, FrameReader::new(limit), Vec::new());
            loop {
                match reader.next(&mut stream).await {
                    Ok(Some(frame)) => frames.push(frame),
                    Ok(None) => return (frames, Ok(())),
                    Err(error) => return (frames, Err(error)),
                }
            }
        })
    }

    #[test]
    fn a_claimed_length_is_refused_before_memory_is_taken() {
        assert!(matches!(read_all(&[0xff; 4], 100).1, Err(FrameError::Negative(-1))));
        let huge = i32::MAX.to_be_bytes();
        assert!(matches!(read_all(&huge, 100).1, Err(FrameError::TooLarge { limit: 100, .. })));
        assert!(matches!(read_all(&huge, usize::MAX).1, Err(FrameError::Torn)));
    }

    #[test]
    fn memory_follows_what_arrived() {
        let mut input = (1i32 << 30).to_be_bytes().to_vec();
        input.extend([7; 100]);
        let mut reader = FrameReader::new(usize::MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(reader.next(&mut input.as_slice()));
        assert!(matches!(result, Err(FrameError::Torn)));
        assert!(reader.buffer.capacity() <= 4 * STEP, "{}", reader.buffer.capacity());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut wire = Vec::new();
            for frame in &frames {
                runtime.block_on(write(&mut wire, frame)).unwrap();
            }
            let (read, end) = read_all(&wire, 300);
            prop_assert!(end.is_ok());
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn arbitrary_bytes_never_panic(input in prop::collection::vec(any::<u8>(), 0..200), limit in 0usize..1000) {
            let _ = read_all(&input, limit);
        }
    }
}
