//! Reads a topic from beginning to end, in one of two ways that send the same fetches: `poll` with
//! the consumer, `raw` with nothing but the floor under it.

mod polled;
mod raw;
mod topic;

use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind};
use weft_consumer::ConsumerConfig;

use crate::cpu::CpuUsage;
pub use topic::Topic;

/// How a topic is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By the consumer; every record is looked at.
    Poll,
    /// The same fetches, the checksum of every batch, and nothing decoded.
    Raw,
}

/// What is looked at of every record, in mode poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// The key too.
    pub key: bool,
    /// The headers too.
    pub headers: bool,
}

/// What one drain came to.
#[derive(Clone, Debug)]
pub struct Drained {
    /// Records read; in mode raw as the headers of the batches count them.
    pub records: u64,
    /// Bytes received, frames included.
    pub bytes: u64,
    /// Answers to fetches.
    pub fetches: u64,
    /// From the first fetch to the last record.
    pub wall: Duration,
    /// Processor time of the process in that time.
    pub cpu: CpuUsage,
}

/// Reads the topic that the configuration's brokers have under this name.
///
/// # Errors
///
/// If the topic does not exist, a broker cannot be reached, or nothing comes for
/// `default.api.timeout.ms`. The text names the address.
pub fn drain(
    config: &ConsumerConfig,
    topic: &str,
    mode: Mode,
    looks: Looks,
) -> Result<Drained, Error> {
    let topic = Topic::find(config, topic)?;
    match mode {
        Mode::Poll => polled::drain(config, &topic, looks),
        Mode::Raw => raw::drain(config, &topic),
    }
}

/// Measures from the moment at which it is made.
struct Meter {
    began_at: Instant,
    cpu: CpuUsage,
}

impl Meter {
    #[expect(clippy::disallowed_methods, reason = "measures")]
    fn start() -> Result<Self, Error> {
        Ok(Self {
            began_at: Instant::now(),
            cpu: usage()?,
        })
    }

    fn stop(&self) -> Result<(Duration, CpuUsage), Error> {
        Ok((self.began_at.elapsed(), usage()?.since(&self.cpu)))
    }
}

fn usage() -> Result<CpuUsage, Error> {
    CpuUsage::of_process().map_err(|error| {
        let text = "the operating system does not tell processor time";
        Error::new(ErrorKind::Io, text).with_source(error)
    })
}

fn nothing_came(timeout: Duration, missing: &str, last: Option<String>) -> Error {
    let mut text = format!(
        "nothing came for {} ms while {missing} was missing",
        timeout.as_millis()
    );
    if let Some(last) = last {
        text = format!("{text}; the last failure: {last}");
    }
    Error::new(ErrorKind::Timeout, text)
}
