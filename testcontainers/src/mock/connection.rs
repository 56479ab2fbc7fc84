//! Shell: one TCP connection of a client. It cuts the stream into frames and writes answers; which
//! frame is served when, it is told.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: it owns the socket of a connection"
)]

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};

use bytes::{Buf, Bytes, BytesMut};
use mio::net::TcpStream;
use weft_client::wire::FrameSplitter;

/// A connection serves one request at a time, as a broker does: the next frame is handed out only
/// once the answer to the last one is written. So what waits in it is at most one answer, and of
/// its input one frame and one read more.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    splitter: FrameSplitter,
    /// Bytes that were read and are not handed out yet.
    input: BytesMut,
    /// The length of the frame that `input` begins with, once it is known.
    frame_size: Option<usize>,
    /// The answer, as far as it is not written yet.
    output: VecDeque<Bytes>,
    /// The bytes of the answer that are its own, until all of it is written: records are shared
    /// with their log.
    answer_bytes: usize,
    /// The bytes of the frame that is being served.
    served_bytes: usize,
    /// Whether the last frame is still to be answered, or its answer to be written.
    is_busy: bool,
    can_read: bool,
    can_write: bool,
    has_ended: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            splitter: FrameSplitter::default(),
            input: BytesMut::new(),
            frame_size: None,
            output: VecDeque::new(),
            answer_bytes: 0,
            served_bytes: 0,
            is_busy: false,
            can_read: true,
            can_write: true,
            has_ended: false,
        }
    }

    pub(super) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Takes note of what the socket is ready for.
    pub(super) fn set_ready(&mut self, can_read: bool, can_write: bool) {
        self.can_read |= can_read;
        self.can_write |= can_write;
    }

    /// Reads what there is, until a whole frame is there.
    ///
    /// # Errors
    ///
    /// If the connection is of no use any more: broken, or out of step.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> io::Result<()> {
        while self.can_read && !self.has_frame()? {
            match self.stream.read(scratch) {
                Ok(0) => {
                    self.has_ended = true;
                    self.can_read = false;
                }
                Ok(read) => self.input.extend_from_slice(&scratch[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.can_read = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the client has gone and left nothing to be served: what it sent before is served,
    /// but nobody waits for an answer that takes its time.
    pub(super) fn is_abandoned(&mut self) -> bool {
        self.has_ended && (self.is_busy || !self.has_frame().unwrap_or_default())
    }

    /// The next frame, without its length, if the connection is free for it. It is busy then.
    ///
    /// # Errors
    ///
    /// As [`Self::read`].
    pub(super) fn take_frame(&mut self) -> io::Result<Option<Bytes>> {
        if self.is_busy || !self.has_frame()? {
            return Ok(None);
        }
        let size = self.frame_size.take().unwrap_or_default();
        self.is_busy = true;
        self.served_bytes = size;
        Ok(Some(self.input.split_to(size).freeze()))
    }

    /// Takes over the answer to the last frame; without any bytes there is none.
    pub(super) fn answer(&mut self, chunks: Vec<Bytes>) {
        self.served_bytes = 0;
        let own = chunks.iter().filter(|chunk| chunk.is_unique());
        self.answer_bytes = own.map(Bytes::len).sum();
        self.output.extend(chunks);
    }

    /// Writes what can be written. Says whether the next frame may be served: all is written.
    ///
    /// # Errors
    ///
    /// If the connection is broken.
    pub(super) fn write(&mut self) -> io::Result<bool> {
        while self.can_write && !self.output.is_empty() {
            let slices: Vec<IoSlice<'_>> = self
                .output
                .iter()
                .take(SLICES_MAX)
                .map(|chunk| IoSlice::new(chunk))
                .collect();
            match self.stream.write_vectored(&slices) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => self.drop_written(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.can_write = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.output.is_empty() {
            self.is_busy = false;
            self.answer_bytes = 0;
        }
        Ok(!self.is_busy)
    }

    /// How many bytes it keeps in memory: its input, the frame that is being served, and what of
    /// the answer nobody else keeps.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.input.len() + self.served_bytes + self.answer_bytes
    }

    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    fn drop_written(&mut self, mut written: usize) {
        while let Some(first) = self.output.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.output.pop_front();
        }
    }

    fn has_frame(&mut self) -> io::Result<bool> {
        while self.frame_size.is_none() && !self.input.is_empty() {
            let mut bytes = &self.input[..];
            let size = self.splitter.feed(&mut bytes);
            let taken = self.input.len() - bytes.len();
            self.input.advance(taken);
            self.frame_size =
                size.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
        Ok(self.frame_size.is_some_and(|size| self.input.len() >= size))
    }
}

/// How many slices are handed to the kernel at once.
const SLICES_MAX: usize = 256;
