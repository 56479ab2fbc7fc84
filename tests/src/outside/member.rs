//! Shell: a program that is a member of a group, and which writes down what it reads and tells.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: a scenario looks at what a member's listener writes down"
)]

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use weft_client::Offset;

use super::program::{LastWords, Said};
use super::{LineProgram, MemberKind, OutsideClient, Place, Story};
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{Instance, Lane};
use crate::recorder::Recorder;
use crate::wait::PATIENCE;

/// A running member. Dropping it lets it go on until the process of the test ends.
#[derive(Debug)]
pub struct OutsideMember {
    kind: MemberKind,
    thread: JoinHandle<Result<(), Failure>>,
    shared: Arc<Shared>,
    last_words: LastWords,
}

#[derive(Debug, Default)]
struct Shared {
    /// One of [`RUN`], [`CLOSE`] and [`KILL`].
    order: AtomicU8,
    story: Mutex<Story>,
}

impl OutsideMember {
    /// Starts a member that writes every record which it shows into `recorder` as `instance`.
    ///
    /// # Errors
    ///
    /// If its program does not start.
    pub fn start(
        cluster: &Cluster,
        kind: MemberKind,
        place: Place<'_>,
        (recorder, instance): (Arc<Recorder>, Instance),
    ) -> Result<Self, Failure> {
        let program = kind.start_member(cluster, place)?;
        let shared = Arc::new(Shared::default());
        let last_words = program.last_words();
        let listener = Listener {
            kind,
            recorder,
            instance,
            shared: Arc::clone(&shared),
        };
        let name = format!("{kind} {}", place.client_id);
        let listen = move || listener.listen(program);
        let thread = thread::Builder::new().name(name).spawn(listen)?;
        Ok(Self {
            kind,
            thread,
            shared,
            last_words,
        })
    }

    /// Whose client it is.
    pub fn kind(&self) -> MemberKind {
        self.kind
    }

    /// Whether its program has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// What it has told so far.
    pub fn story(&self) -> Story {
        lock(&self.shared.story).clone()
    }

    /// What its program said last, for the text of a failure.
    pub fn last_words(&self) -> String {
        self.last_words.text()
    }

    /// Ends it as its users would, so that it commits and leaves, and returns what it told.
    ///
    /// # Errors
    ///
    /// If it does not end, or had ended before.
    pub fn close(self) -> Result<Story, Failure> {
        self.end(CLOSE)
    }

    /// Ends it at once (SIGKILL), as a crash would, and returns what it told.
    ///
    /// # Errors
    ///
    /// If it cannot be done, or it had ended before.
    pub fn kill(self) -> Result<Story, Failure> {
        self.end(KILL)
    }

    fn end(self, order: u8) -> Result<Story, Failure> {
        self.shared.order.store(order, Ordering::SeqCst);
        let ended = self.thread.join();
        ended.map_err(|_| Failure::because("the listener panicked"))??;
        Ok(lock(&self.shared.story).clone())
    }
}

struct Listener {
    kind: MemberKind,
    recorder: Arc<Recorder>,
    instance: Instance,
    shared: Arc<Shared>,
}

impl Listener {
    fn listen(&self, program: LineProgram) -> Result<(), Failure> {
        while self.shared.order.load(Ordering::SeqCst) == RUN {
            match program.next_line(LISTEN_TIMEOUT) {
                Said::Line(line) => self.write_down(&line)?,
                Said::Nothing => {}
                Said::Ended => return Err(program.failed("ended by itself")),
            }
        }
        let is_killed = self.shared.order.load(Ordering::SeqCst) == KILL;
        let is_kcat = self.kind == MemberKind::Outside(OutsideClient::Kcat);
        if is_kcat && !is_killed {
            // The others end with their input, which a member of kcat does not read.
            program.terminate()?;
        }
        let rest = if is_killed {
            program.kill()?
        } else {
            program.end(PATIENCE)?
        };
        for line in &rest {
            self.write_down(line)?;
        }
        let is_closed = rest.last().is_some_and(|line| line == b"CLOSED");
        ensure!(
            is_closed || is_kcat || is_killed,
            "{} ended without closing its consumer",
            self.kind
        );
        Ok(())
    }

    /// Understands `RECORD topic partition offset key`, and leaves other lines to the story.
    fn write_down(&self, line: &[u8]) -> Result<(), Failure> {
        let line = String::from_utf8_lossy(line);
        let words: Vec<&str> = line.split(' ').collect();
        let ["RECORD", _, partition, offset, _] = words[..] else {
            // What a killed program said last may be half a line.
            let is_whole = !line.starts_with("RECORD");
            let is_killed = self.shared.order.load(Ordering::SeqCst) == KILL;
            ensure!(is_whole || is_killed, "a line {line:?}");
            return lock(&self.shared.story).hear(&line);
        };
        let place = (partition.parse()?, Offset::new(offset.parse()?));
        let started = self.recorder.tick();
        self.recorder
            .finish(self.instance, place, Lane::PARTITION, started);
        Ok(())
    }
}

fn lock(story: &Mutex<Story>) -> std::sync::MutexGuard<'_, Story> {
    story.lock().unwrap_or_else(PoisonError::into_inner)
}

const RUN: u8 = 0;
const CLOSE: u8 = 1;
const KILL: u8 = 2;

/// How long a wait for a line may hold up the end.
const LISTEN_TIMEOUT: Duration = Duration::from_millis(20);
