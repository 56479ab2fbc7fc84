//! From a stream of bytes to frames, with as few copies as the operating system allows.
//!
//! What comes first is read into a scratch buffer shared by all connections: it holds whole small
//! answers, so that they take one system call. The rest of a large frame goes from the socket into
//! its final place.

use bytes::Bytes;

use super::buffer_pool::{BufferPool, FrameBuffer};
use crate::connection::MissingBytes;
use crate::wire::{FrameError, FrameSplitter};

/// The size of the scratch buffer: at most so much of a large frame is copied.
pub(super) const SCRATCH_BYTES: usize = 16 * 1024;

/// The frame boundaries of one connection.
#[derive(Debug)]
pub(super) struct FrameReader {
    splitter: FrameSplitter,
    body: Option<FrameBuffer>,
    pool: BufferPool,
}

impl FrameReader {
    pub(super) fn new(frame_bytes_max: usize, pool: BufferPool) -> Self {
        Self {
            splitter: FrameSplitter::new(frame_bytes_max),
            body: None,
            pool,
        }
    }

    /// Where the next bytes of the stream belong, if that is inside a frame; report them with
    /// [`advance`](Self::advance). Otherwise they go to the scratch buffer and then to
    /// [`feed`](Self::feed).
    pub(super) fn unfilled(&mut self) -> Option<&mut [u8]> {
        self.body.as_mut().map(FrameBuffer::unfilled)
    }

    /// Notes that the first `bytes` bytes of [`unfilled`](Self::unfilled) are there. Returns the
    /// frame if that completes it.
    pub(super) fn advance(&mut self, bytes: usize) -> Option<Bytes> {
        self.body.as_mut()?.advance(bytes);
        self.take_complete()
    }

    /// Takes in bytes that were read into the scratch buffer; appends complete frames to `frames`.
    ///
    /// # Errors
    ///
    /// If the stream is not made of frames. Frames before that point are in `frames`.
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        frames: &mut Vec<Bytes>,
    ) -> Result<(), FrameError> {
        while !input.is_empty() {
            if let Some(body) = &mut self.body {
                body.copy_from(&mut input);
                frames.extend(self.take_complete());
            } else if let Some(size) = self.splitter.feed(&mut input)? {
                if let Some((frame, rest)) = input.split_at_checked(size) {
                    frames.push(Bytes::copy_from_slice(frame));
                    input = rest;
                } else {
                    self.body = Some(self.pool.frame_buffer(size));
                }
            }
        }
        Ok(())
    }

    /// What is missing if the stream ends here.
    pub(super) fn missing(&self) -> MissingBytes {
        match &self.body {
            Some(body) => MissingBytes::Frame {
                received: body.filled(),
                announced: body.size(),
            },
            None if self.splitter.is_inside_length() => MissingBytes::Length,
            None => MissingBytes::None,
        }
    }

    fn take_complete(&mut self) -> Option<Bytes> {
        self.body
            .take_if(|body| body.is_complete())
            .map(FrameBuffer::freeze)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> FrameReader {
        FrameReader::new(10_000_000, BufferPool::default())
    }

    fn stream(sizes: &[usize]) -> Vec<u8> {
        let mut stream = Vec::new();
        for size in sizes {
            stream.extend(i32::try_from(*size).unwrap().to_be_bytes());
            stream.extend((0..*size).map(|place| place as u8));
        }
        stream
    }

    #[test]
    fn frames_come_out_the_same_however_the_stream_is_cut() {
        let sizes = [0, 1, 5, 16_384, 3, 100_000, 0];
        let stream = stream(&sizes);
        for piece in [1, 2, 3, 7, 1000, 16_384, stream.len()] {
            let mut reader = reader();
            let mut frames = Vec::new();
            for (number, mut chunk) in stream.chunks(piece).enumerate() {
                // Every other piece arrives "directly", as far as it fits.
                if number % 2 == 1
                    && let Some(unfilled) = reader.unfilled()
                {
                    let taken = unfilled.len().min(chunk.len());
                    unfilled[..taken].copy_from_slice(&chunk[..taken]);
                    frames.extend(reader.advance(taken));
                    chunk = &chunk[taken..];
                }
                reader.feed(chunk, &mut frames).unwrap();
            }
            let found: Vec<usize> = frames.iter().map(Bytes::len).collect();
            assert_eq!(found, sizes, "in pieces of {piece}");
            assert!(frames.iter().all(|frame| {
                let mut places = frame.iter().enumerate();
                places.all(|(place, byte)| *byte == place as u8)
            }));
            assert_eq!(reader.missing(), MissingBytes::None);
        }
    }

    #[test]
    fn the_end_of_the_stream_inside_a_frame_is_described() {
        let mut reader = reader();
        let mut frames = Vec::new();
        reader.feed(&[0, 0], &mut frames).unwrap();
        assert_eq!(reader.missing(), MissingBytes::Length);

        reader.feed(&[0, 9, 1], &mut frames).unwrap();

        let missing = MissingBytes::Frame {
            received: 1,
            announced: 9,
        };
        assert_eq!(reader.missing(), missing);
    }

    #[test]
    fn frames_before_garbage_are_delivered() {
        let mut reader = reader();
        let mut frames = Vec::new();

        let outcome = reader.feed(b"\0\0\0\x01aHTTP/1.1 400 Bad Request", &mut frames);

        assert_eq!(outcome, Err(FrameError::Http));
        assert_eq!(frames, [&b"a"[..]]);
    }
}
