//! One socket with what is half read from it and what is not yet written to it.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::counters::NetworkCounters;
use super::frame_reader::FrameReader;
use super::poller::{Poller, Readiness};
use super::socket::Stream;
use crate::connection::CloseReason;

/// Frames that go out with one system call.
const SLICES_MAX: usize = 16;

/// A socket, from the beginning of the attempt to connect it.
#[derive(Debug)]
pub(super) struct Transport {
    stream: Stream,
    address: SocketAddr,
    reader: FrameReader,
    unwritten: VecDeque<Bytes>,
    is_connecting: bool,
    is_write_blocked: bool,
    is_read_closed: bool,
    /// Why nothing can be written any more. What the peer sent before that is read first.
    write_failure: Option<Arc<str>>,
}

/// How one read ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ReadOutcome {
    /// There may be more.
    More,
    /// There is no more; readiness will tell when there is.
    Blocked,
    /// There will never be more.
    Lost(CloseReason),
}

/// What readiness means for a socket that was connecting.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ConnectProgress {
    /// Nothing; it was connected before, or is still connecting.
    Unchanged,
    /// It is connected now.
    Connected,
    /// It cannot be connected.
    Failed(Arc<str>),
}

impl Transport {
    pub(super) fn new(stream: Stream, address: SocketAddr, reader: FrameReader) -> Self {
        Self {
            stream,
            address,
            reader,
            unwritten: VecDeque::new(),
            is_connecting: true,
            is_write_blocked: false,
            is_read_closed: false,
            write_failure: None,
        }
    }

    pub(super) fn deregister(&mut self, poller: &Poller) {
        self.stream.deregister(poller);
    }

    /// Takes note of what the socket is ready for.
    pub(super) fn note(&mut self, readiness: Readiness) -> ConnectProgress {
        self.is_read_closed |= readiness.is_read_closed;
        if readiness.is_writable {
            self.is_write_blocked = false;
        }
        if !self.is_connecting {
            return ConnectProgress::Unchanged;
        }
        match self.stream.connect_outcome() {
            None => ConnectProgress::Unchanged,
            Some(Ok(())) => {
                self.is_connecting = false;
                ConnectProgress::Connected
            }
            Some(Err(error)) => ConnectProgress::Failed(error.to_string().into()),
        }
    }

    /// Whether a write has a chance.
    pub(super) fn can_write(&self) -> bool {
        !self.unwritten.is_empty() && !self.is_write_blocked && !self.is_connecting
    }

    /// Queues bytes behind those that are not written yet.
    pub(super) fn queue(&mut self, bytes: Bytes) {
        if self.write_failure.is_none() {
            self.unwritten.push_back(bytes);
        }
    }

    /// Why nothing can be written any more, if so.
    pub(super) fn write_failure(&self) -> Option<CloseReason> {
        let detail = Arc::clone(self.write_failure.as_ref()?);
        Some(CloseReason::Broken(self.address, detail))
    }

    /// Reads once; appends the frames that this completes to `frames`.
    pub(super) fn read_once(
        &mut self,
        scratch: &mut [u8],
        frames: &mut Vec<Bytes>,
        counters: &mut NetworkCounters,
    ) -> ReadOutcome {
        if self.is_connecting {
            return ReadOutcome::Blocked;
        }
        counters.reads += 1;
        let (outcome, capacity) = match self.reader.unfilled() {
            Some(unfilled) => {
                let outcome = self.stream.read(unfilled);
                let capacity = unfilled.len();
                if let Ok(bytes) = outcome {
                    frames.extend(self.reader.advance(bytes));
                }
                (outcome, capacity)
            }
            None => {
                let outcome = self.stream.read(scratch);
                if let Ok(bytes) = outcome
                    && let Err(error) = self.reader.feed(&scratch[..bytes], frames)
                {
                    let detail = error.to_string().into();
                    return ReadOutcome::Lost(CloseReason::NotAFrame(self.address, detail));
                }
                (outcome, scratch.len())
            }
        };
        match outcome {
            Ok(0) => {
                let missing = self.reader.missing();
                ReadOutcome::Lost(CloseReason::ClosedByPeer(self.address, missing))
            }
            Ok(bytes) => {
                counters.bytes_read += bytes as u64;
                self.after_read(bytes < capacity)
            }
            Err(error) => self.after_error(&error),
        }
    }

    /// A read that did not fill its buffer emptied the socket, so that the next edge is a new one.
    /// Not so on Windows, and not where the end of the stream was announced together with the data.
    fn after_read(&self, is_short: bool) -> ReadOutcome {
        if is_short && cfg!(unix) && !self.is_read_closed {
            ReadOutcome::Blocked
        } else {
            ReadOutcome::More
        }
    }

    fn after_error(&self, error: &io::Error) -> ReadOutcome {
        match error.kind() {
            io::ErrorKind::WouldBlock => ReadOutcome::Blocked,
            io::ErrorKind::Interrupted => ReadOutcome::More,
            _ => ReadOutcome::Lost(CloseReason::Broken(
                self.address,
                format!("reading: {error}").into(),
            )),
        }
    }

    /// Writes what the operating system takes; returns how many bytes that were.
    pub(super) fn write(&mut self, counters: &mut NetworkCounters) -> usize {
        let mut written = 0;
        while self.can_write() {
            counters.writes += 1;
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            for (slice, bytes) in slices.iter_mut().zip(&self.unwritten) {
                *slice = IoSlice::new(bytes);
            }
            let count = self.unwritten.len().min(SLICES_MAX);
            match self.stream.write_vectored(&slices[..count]) {
                Ok(0) => self.fail_writing("writing: the socket takes no more bytes".into()),
                Ok(bytes) => {
                    written += bytes;
                    self.forget_written(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_write_blocked = true;
                }
                Err(error) => self.fail_writing(format!("writing: {error}").into()),
            }
        }
        counters.bytes_written += written as u64;
        written
    }

    fn fail_writing(&mut self, detail: Arc<str>) {
        self.write_failure = Some(detail);
        self.unwritten.clear();
    }

    fn forget_written(&mut self, mut bytes: usize) {
        while let Some(first) = self.unwritten.front_mut() {
            if bytes < first.len() {
                first.advance(bytes);
                return;
            }
            bytes -= first.len();
            self.unwritten.pop_front();
        }
    }
}
