//! Shell: a client of somebody else as a member of a group, which writes down what it reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weft_client::Offset;

use super::program::{LastWords, Said};
use super::{LineProgram, OutsideClient, Place};
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{Instance, Lane};
use crate::recorder::Recorder;
use crate::wait::PATIENCE;

/// A running member. Dropping it lets it go on until the process of the test ends.
#[derive(Debug)]
pub struct OutsideMember {
    thread: JoinHandle<Result<(), Failure>>,
    is_over: Arc<AtomicBool>,
    last_words: LastWords,
}

impl OutsideMember {
    /// Starts a member that writes every record which it shows into `recorder` as `instance`.
    ///
    /// # Errors
    ///
    /// If its program does not start.
    pub fn start(
        cluster: &Cluster,
        client: OutsideClient,
        place: Place<'_>,
        (recorder, instance): (Arc<Recorder>, Instance),
    ) -> Result<Self, Failure> {
        let program = client.start_member(cluster, place)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let last_words = program.last_words();
        let listen = {
            let is_over = Arc::clone(&is_over);
            move || listen(client, program, &recorder, instance, &is_over)
        };
        let name = format!("{client} {}", place.client_id);
        let thread = thread::Builder::new().name(name).spawn(listen)?;
        Ok(Self {
            thread,
            is_over,
            last_words,
        })
    }

    /// Whether its program has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// What its program said last, for the text of a failure.
    pub fn last_words(&self) -> String {
        self.last_words.text()
    }

    /// Ends it as its users would, so that it commits and leaves.
    ///
    /// # Errors
    ///
    /// If it does not end, or had ended before.
    pub fn close(self) -> Result<(), Failure> {
        self.is_over.store(true, Ordering::SeqCst);
        let ended = self.thread.join();
        ended.map_err(|_| Failure::because("the listener panicked"))?
    }
}

fn listen(
    client: OutsideClient,
    program: LineProgram,
    recorder: &Recorder,
    instance: Instance,
    is_over: &AtomicBool,
) -> Result<(), Failure> {
    while !is_over.load(Ordering::SeqCst) {
        match program.next_line(LISTEN_TIMEOUT) {
            Said::Line(line) => write_down(&line, recorder, instance)?,
            Said::Nothing => {}
            Said::Ended => return Err(program.failed("ended by itself")),
        }
    }
    if client == OutsideClient::Kcat {
        // The others end with their input, which a member of kcat does not read.
        program.terminate()?;
    }
    let rest = program.end(PATIENCE)?;
    for line in &rest {
        write_down(line, recorder, instance)?;
    }
    let is_closed = rest.last().is_some_and(|line| line == b"CLOSED");
    ensure!(
        is_closed || client == OutsideClient::Kcat,
        "{client} ended without closing its consumer"
    );
    Ok(())
}

/// Understands `RECORD topic partition offset key`, and passes over other lines.
fn write_down(line: &[u8], recorder: &Recorder, instance: Instance) -> Result<(), Failure> {
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split(' ').collect();
    let ["RECORD", _, partition, offset, _] = words[..] else {
        ensure!(!line.starts_with("RECORD"), "a line {line:?}");
        return Ok(());
    };
    let place = (partition.parse()?, Offset::new(offset.parse()?));
    recorder.finish(instance, place, Lane::PARTITION, recorder.tick());
    Ok(())
}

/// How long a wait for a line may hold up the end.
const LISTEN_TIMEOUT: Duration = Duration::from_millis(20);
