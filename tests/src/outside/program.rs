//! Shell: a program of somebody else that speaks in lines, and how it is ended.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: threads read what a process prints, and it is waited for with a deadline"
)]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::ensure;
use crate::failure::Failure;
use crate::wait::{self, Look, PATIENCE};

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct LineProgram {
    name: String,
    child: Child,
    /// Nothing once the program was told to end.
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    last_words: LastWords,
}

/// What came of waiting for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The program printed this.
    Line(Vec<u8>),
    /// It printed nothing in time.
    Nothing,
    /// It has closed its output, and every line of it was seen.
    Ended,
}

impl LineProgram {
    /// Starts a program.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(mut command: Command) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let spawned = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|error| Failure::from(error).during(&name))?;
        let input = child.stdin.take();
        let (sender, output) = sync_channel(LINES_WAITING_MAX);
        let last_words = LastWords::default();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        read_lines(stdout, last_words.clone(), Some(sender))?;
        read_lines(stderr, last_words.clone(), None)?;
        Ok(Self {
            name,
            child,
            input,
            output,
            last_words,
        })
    }

    /// Writes to its standard input.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let input = self.input.as_mut().expect("it was not told to end yet");
        let sent = input.write_all(bytes).and_then(|()| input.flush());
        sent.map_err(|error| self.failed(&format!("does not listen: {error}")))
    }

    /// Waits for one line of its standard output.
    pub fn next_line(&self, timeout: Duration) -> Said {
        match self.output.recv_timeout(timeout) {
            Ok(line) => Said::Line(line),
            Err(RecvTimeoutError::Timeout) => Said::Nothing,
            Err(RecvTimeoutError::Disconnected) => Said::Ended,
        }
    }

    /// Closes its standard input, by which it is told to end, and then as [`Self::finish`].
    ///
    /// # Errors
    ///
    /// As [`Self::finish`].
    pub fn end(mut self, timeout: Duration) -> Result<Vec<Vec<u8>>, Failure> {
        drop(self.input.take());
        self.finish(timeout)
    }

    /// Waits until it ends, and returns the lines not yet seen.
    ///
    /// # Errors
    ///
    /// If it does not end within `timeout`, or ends with a complaint.
    pub fn finish(mut self, timeout: Duration) -> Result<Vec<Vec<u8>>, Failure> {
        let deadline_at = Instant::now() + timeout;
        let mut lines = Vec::new();
        loop {
            match self.next_line(deadline_at.saturating_duration_since(Instant::now())) {
                Said::Line(line) => lines.push(line),
                Said::Nothing => return Err(self.failed(&format!("goes on after {timeout:?}"))),
                Said::Ended => break,
            }
        }
        wait::until("the end of a program", timeout, || {
            let status = self.child.try_wait()?;
            let Some(status) = status else {
                return Ok(Look::NotYet("it runs".to_owned()));
            };
            let complaint = || self.failed(&format!("ended with {status}"));
            status
                .success()
                .then_some(Look::Seen(()))
                .ok_or_else(complaint)
        })?;
        Ok(lines)
    }

    /// Ends it at once (SIGKILL), as a crash would, and returns the lines not yet seen.
    ///
    /// # Errors
    ///
    /// If it cannot be done, or it had ended before.
    pub fn kill(mut self) -> Result<Vec<Vec<u8>>, Failure> {
        let has_ended = self.child.try_wait()?.is_some();
        ensure!(!has_ended, "{} had ended before", self.name);
        self.child.kill()?;
        let mut lines = Vec::new();
        loop {
            match self.next_line(PATIENCE) {
                Said::Line(line) => lines.push(line),
                Said::Nothing => return Err(self.failed("lives on")),
                Said::Ended => return Ok(lines),
            }
        }
    }

    /// Asks it to end (SIGTERM), as a service manager does.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn terminate(&self) -> Result<(), Failure> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status()?;
        ensure!(status.success(), "kill ended with {status}");
        Ok(())
    }

    /// What it said last, now and later.
    pub fn last_words(&self) -> LastWords {
        self.last_words.clone()
    }

    /// That it did something wrong, with the last that it said.
    #[track_caller]
    pub fn failed(&self, what: &str) -> Failure {
        Failure::because(format!("{} {what}; {}", self.name, self.last_words.text()))
    }
}

impl Drop for LineProgram {
    fn drop(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines that a program printed, whichever way, but for records.
#[derive(Clone, Debug, Default)]
pub struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    fn push(&self, line: &[u8]) {
        if line.starts_with(b"RECORD ") {
            // Of these there are many, and tests write them down themselves.
            return;
        }
        let line = &line[..line.len().min(LAST_LINE_BYTES)];
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(line).into_owned());
    }

    /// The lines, for the text of a failure.
    pub fn text(&self) -> String {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        format!("its last lines are {:#?}", lines.make_contiguous())
    }
}

fn read_lines(
    from: impl Read + Send + 'static,
    last_words: LastWords,
    to: Option<SyncSender<Vec<u8>>>,
) -> Result<(), Failure> {
    let read = move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            last_words.push(&line);
            // Once nobody listens any more, the pipe must still be emptied.
            let _ = to.as_ref().map(|to| to.send(line));
        }
    };
    let spawned = thread::Builder::new().name("output".into()).spawn(read);
    Ok(spawned.map(drop)?)
}

/// How many lines may wait to be seen before the program is held up.
const LINES_WAITING_MAX: usize = 100_000;

/// How many lines are kept for the texts of failures.
const LAST_LINES: usize = 30;

/// How much of each is kept.
const LAST_LINE_BYTES: usize = 300;
