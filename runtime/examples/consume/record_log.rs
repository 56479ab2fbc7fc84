//! The handler: sleeps, writes a line per record, and remembers what it has seen.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a handler that measures and sleeps"
)]

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use weft_client::{Error, ErrorKind};
use weft_consumer::ConsumerRecord;
use weft_runtime::{Context, Handler, HandlerError};

use crate::options::Options;

/// What the handlers of all threads share.
pub(crate) struct Recording {
    clock: Clock,
    delay: Duration,
    log: Option<File>,
    seen: Option<Seen>,
    first_us: AtomicU64,
    last_us: AtomicU64,
    handled: AtomicU64,
}

/// Microseconds since 1970 that never go back: the time of the start, and a steady clock from
/// there.
struct Clock {
    started_at: Instant,
    start_us: u64,
}

impl Clock {
    fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started_at: Instant::now(),
            start_us: since_1970.map_or(0, |time| time.as_micros() as u64),
        }
    }

    fn us(&self) -> u64 {
        self.start_us + self.started_at.elapsed().as_micros() as u64
    }
}

impl Recording {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let open = |path: &PathBuf| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map_err(|error| {
                let text = format!("the log {} cannot be written", path.display());
                Error::new(ErrorKind::Io, text).with_source(error)
            })
        };
        let log = options.log.as_ref().map(open).transpose()?;
        Ok(Self {
            clock: Clock::new(),
            delay: Duration::from_micros(options.handler_us),
            seen: log.is_some().then(Seen::default),
            log,
            first_us: AtomicU64::new(u64::MAX),
            last_us: AtomicU64::new(0),
            handled: AtomicU64::new(0),
        })
    }

    /// The handler of one thread.
    pub(crate) fn handler(self: &Arc<Self>) -> RecordingHandler {
        RecordingHandler {
            recording: Arc::clone(self),
            line: Vec::new(),
            is_first: true,
        }
    }

    /// Records that were handled more than once by this process; unknown without a log.
    pub(crate) fn duplicates(&self) -> Option<u64> {
        self.seen
            .as_ref()
            .map(|seen| seen.again.load(Ordering::Relaxed))
    }

    /// Takes note of how many records are handled. Without a log nobody looks at the clock for
    /// each record, and the last time that this number changed is the best there is.
    pub(crate) fn observe(&self, handled: u64) {
        if self.handled.swap(handled, Ordering::Relaxed) != handled {
            self.last_us.fetch_max(self.clock.us(), Ordering::Relaxed);
        }
    }

    /// Seconds from the start of the first record to the end of the last one.
    pub(crate) fn seconds(&self) -> f64 {
        let (first, last) = (&self.first_us, &self.last_us);
        let us = last
            .load(Ordering::Relaxed)
            .saturating_sub(first.load(Ordering::Relaxed));
        us as f64 / 1e6
    }
}

pub(crate) struct RecordingHandler {
    recording: Arc<Recording>,
    line: Vec<u8>,
    is_first: bool,
}

impl Handler for RecordingHandler {
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        _context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        let recording = &*self.recording;
        let is_timed = self.is_first || recording.log.is_some();
        let start_us = if is_timed { recording.clock.us() } else { 0 };
        if self.is_first {
            self.is_first = false;
            recording.first_us.fetch_min(start_us, Ordering::Relaxed);
        }
        if !recording.delay.is_zero() {
            thread::sleep(recording.delay);
        }
        if let Some(log) = &recording.log {
            let end_us = recording.clock.us();
            self.line.clear();
            write_line(&mut self.line, start_us, end_us, record)?;
            // One write of a whole line: lines of several threads do not mix, and what was written
            // survives the process.
            (&*log).write_all(&self.line)?;
        }
        if let Some(seen) = &recording.seen {
            seen.note(record);
        }
        Ok(())
    }
}

fn write_line(
    line: &mut Vec<u8>,
    start_us: u64,
    end_us: u64,
    record: &ConsumerRecord<'_>,
) -> io::Result<()> {
    let (partition, offset) = (record.partition(), record.offset());
    write!(line, "{start_us} {end_us} {partition} {offset} ")?;
    match record.key() {
        None => line.push(b'-'),
        Some(key) => {
            for byte in key {
                match byte {
                    b' ' => line.extend_from_slice(b"\\x20"),
                    _ => write!(line, "{}", byte.escape_ascii())?,
                }
            }
        }
    }
    line.push(b'\n');
    Ok(())
}

/// Offsets in blocks of bits.
#[derive(Default)]
struct Seen {
    blocks: Mutex<HashMap<(i32, i64), [u64; BLOCK_WORDS]>>,
    again: AtomicU64,
}

const BLOCK_WORDS: usize = 16;
const BLOCK_BITS: i64 = 64 * BLOCK_WORDS as i64;

impl Seen {
    fn note(&self, record: &ConsumerRecord<'_>) {
        let offset = record.offset().value();
        let (block, bit) = (offset / BLOCK_BITS, (offset % BLOCK_BITS) as usize);
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let words = blocks.entry((record.partition(), block)).or_default();
        let (word, mask) = (bit / 64, 1 << (bit % 64));
        if words[word] & mask != 0 {
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        words[word] |= mask;
    }
}
