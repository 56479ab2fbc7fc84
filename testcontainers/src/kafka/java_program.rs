//! Shell: runs the Java program in `java/JavaConsumer.java` against the jars of a Kafka version.
//!
//! It is compiled once per text and version into the cache; where there is no compiler, Java runs
//! the text itself. The program ends cleanly when its input ends, so it does not outlive this
//! process.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: waits for a process with a deadline"
)]
#![expect(
    clippy::disallowed_types,
    reason = "a shell: two threads read what a process prints"
)]

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::KafkaCluster;
use super::error::KafkaError;
use super::jars;
use super::java_lines::{JavaCommand, JavaRecord, text_hash};
use super::jvm::Jvm;
use super::prerequisites;
use super::properties::JvmRole;
use super::version::KafkaVersion;

/// A running Java client. Dropping it kills it; [`Self::stop`] ends it cleanly.
#[derive(Debug)]
pub struct JavaProgram {
    child: Child,
    /// Nothing once the program was told to end.
    input: Option<ChildStdin>,
    output: Receiver<String>,
    last_lines: LastLines,
}

/// What came of waiting for a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The program printed this.
    Printed(String),
    /// It printed nothing in time.
    Nothing,
    /// It has ended, and every line of it was seen.
    Ended,
}

impl JavaProgram {
    /// Starts the program with the clients of the cluster's version, against the cluster.
    ///
    /// # Errors
    ///
    /// As [`Self::start_with`].
    pub fn start(cluster: &KafkaCluster, command: &JavaCommand) -> Result<Self, KafkaError> {
        Self::start_with(cluster.version(), &cluster.bootstrap(), command)
    }

    /// Starts the program with the clients of `version` against any brokers.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Prerequisite`] or [`KafkaError::Download`] if something must be installed or
    /// cannot be fetched; [`KafkaError::JavaProgram`] if it does not compile.
    pub fn start_with(
        version: KafkaVersion,
        bootstrap: &str,
        command: &JavaCommand,
    ) -> Result<Self, KafkaError> {
        let mut child = Self::command(version, bootstrap, command)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| KafkaError::io("starting the Java program", source))?;
        let input = child.stdin.take();
        let (sender, output) = sync_channel(LINES_WAITING_MAX);
        let last_lines = LastLines::default();
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        read_lines(stdout, last_lines.clone(), Some(sender))?;
        read_lines(stderr, last_lines.clone(), None)?;
        Ok(Self {
            child,
            input,
            output,
            last_lines,
        })
    }

    /// The command line of the program, compiled and with its jars in place, for those who start
    /// it themselves.
    ///
    /// # Errors
    ///
    /// As [`Self::start_with`].
    pub fn command(
        version: KafkaVersion,
        bootstrap: &str,
        command: &JavaCommand,
    ) -> Result<Command, KafkaError> {
        prerequisites::check_java()?;
        let (jvm, main) = jvm_and_main(version)?;
        let words = command.arguments(bootstrap);
        let program: Vec<&str> = [main.as_str()]
            .into_iter()
            .chain(words.iter().map(String::as_str))
            .collect();
        let mut java = Command::new(prerequisites::java());
        java.args(jvm.arguments(JvmRole::Program, &program));
        Ok(java)
    }

    /// A command line on which Java compiles and runs a source file of one's own, with the clients
    /// of `version` and these words.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Prerequisite`] or [`KafkaError::Download`] if something must be installed or
    /// cannot be fetched.
    pub fn source(
        version: KafkaVersion,
        file: &Path,
        words: &[&str],
    ) -> Result<Command, KafkaError> {
        prerequisites::check_java()?;
        let file = file.to_string_lossy();
        let program = [&[file.as_ref()], words].concat();
        let mut java = Command::new(prerequisites::java());
        java.args(Jvm::of(version)?.arguments(JvmRole::Program, &program));
        Ok(java)
    }

    /// Waits for one line.
    pub fn next_line(&mut self, timeout: Duration) -> Line {
        match self.output.recv_timeout(timeout) {
            Ok(line) => Line::Printed(line),
            Err(RecvTimeoutError::Timeout) => Line::Nothing,
            Err(RecvTimeoutError::Disconnected) => Line::Ended,
        }
    }

    /// Waits for a line that begins with `prefix` and returns it; lines before it are passed over.
    ///
    /// # Errors
    ///
    /// [`KafkaError::JavaProgram`] if the program ends or `timeout` passes before.
    pub fn wait_for(&mut self, prefix: &str, timeout: Duration) -> Result<String, KafkaError> {
        let deadline_at = Instant::now() + timeout;
        loop {
            match self.next_line(deadline_at.saturating_duration_since(Instant::now())) {
                Line::Printed(line) if line.starts_with(prefix) => return Ok(line),
                Line::Printed(_) => {}
                Line::Nothing => return Err(self.error(format!("print {prefix} in {timeout:?}"))),
                Line::Ended => return Err(self.error(format!("print {prefix} before its end"))),
            }
        }
    }

    /// Hands a record to a program started with [`JavaCommand::Produce`].
    ///
    /// # Errors
    ///
    /// [`KafkaError::JavaProgram`] if it has ended.
    pub fn send(&mut self, record: &JavaRecord) -> Result<(), KafkaError> {
        self.tell(&record.line())
    }

    /// Hands a line to a program that reads some, such as one started with
    /// [`JavaCommand::Transact`].
    ///
    /// # Errors
    ///
    /// [`KafkaError::JavaProgram`] if it has ended.
    pub fn tell(&mut self, line: &str) -> Result<(), KafkaError> {
        let told = match &mut self.input {
            Some(input) => writeln!(input, "{line}"),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        told.map_err(|error| self.error(format!("take a line ({error})")))
    }

    /// Lets the program end cleanly and returns the lines not yet seen, the last of which is
    /// `CLOSED`.
    ///
    /// # Errors
    ///
    /// [`KafkaError::JavaProgram`] if it does not end within `timeout`, after which it is killed,
    /// or if it ends without `CLOSED`.
    pub fn stop(mut self, timeout: Duration) -> Result<Vec<String>, KafkaError> {
        drop(self.input.take());
        self.rest(timeout)
    }

    /// As [`Self::stop`] for a program that ends by itself: waits for the end without asking for
    /// it.
    ///
    /// # Errors
    ///
    /// As [`Self::stop`].
    pub fn finish(mut self, timeout: Duration) -> Result<Vec<String>, KafkaError> {
        self.rest(timeout)
    }

    /// Ends the program at once (SIGKILL), as a crash would.
    pub fn kill(mut self) {
        self.end();
    }

    /// The last lines of its standard output and standard error, for the text of a failing test.
    pub fn last_lines(&self) -> Vec<String> {
        self.last_lines.copy()
    }

    fn rest(&mut self, timeout: Duration) -> Result<Vec<String>, KafkaError> {
        let deadline_at = Instant::now() + timeout;
        let mut lines = Vec::new();
        loop {
            match self.next_line(deadline_at.saturating_duration_since(Instant::now())) {
                Line::Printed(line) => lines.push(line),
                Line::Nothing => return Err(self.error(format!("end within {timeout:?}"))),
                Line::Ended => break,
            }
        }
        if lines.last().is_some_and(|line| line == "CLOSED") {
            Ok(lines)
        } else {
            Err(self.error("end with CLOSED".into()))
        }
    }

    fn error(&self, expected: String) -> KafkaError {
        KafkaError::JavaProgram {
            expected,
            last_lines: self.last_lines.copy(),
        }
    }

    fn end(&mut self) {
        // Both fail only for a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for JavaProgram {
    fn drop(&mut self) {
        self.end();
    }
}

/// The last lines a program printed, whichever way.
#[derive(Clone, Debug, Default)]
struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn copy(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

fn read_lines(
    from: impl Read + Send + 'static,
    last_lines: LastLines,
    to: Option<SyncSender<String>>,
) -> Result<(), KafkaError> {
    let read = move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            last_lines.push(line.clone());
            // Once nobody listens any more, the pipe must still be emptied.
            let _ = to.as_ref().map(|to| to.send(line));
        }
    };
    thread::Builder::new()
        .name("java-output".into())
        .spawn(read)
        .map(drop)
        .map_err(|source| KafkaError::io("starting a thread for the program's output", source))
}

/// The JVM to start, and the class or the file to run in it.
fn jvm_and_main(version: KafkaVersion) -> Result<(Jvm, String), KafkaError> {
    let jvm = Jvm::of(version)?;
    let directory = jars::cache().join(format!("java-{version}-{:016x}", text_hash(SOURCE)));
    if !directory.exists() {
        jars::with_lock(&format!("java-{version}"), || {
            if directory.exists() {
                Ok(())
            } else {
                compile(&directory, jvm.class_path())
            }
        })?;
    }
    if directory.join("JavaConsumer.class").exists() {
        return Ok((jvm.with_classes(&directory), "JavaConsumer".to_owned()));
    }
    Ok((
        jvm,
        directory.join(SOURCE_FILE).to_string_lossy().into_owned(),
    ))
}

fn compile(directory: &Path, class_path: &str) -> Result<(), KafkaError> {
    jars::replace_directory(directory, |partial| {
        let file: PathBuf = partial.join(SOURCE_FILE);
        fs::write(&file, SOURCE)
            .map_err(|source| KafkaError::io(format!("writing {}", file.display()), source))?;
        let compiler = Command::new(prerequisites::java_compiler())
            .args(["-nowarn", "-cp", class_path, "-d"])
            .arg(partial)
            .arg(&file)
            .stdin(Stdio::null())
            .output();
        match compiler {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(KafkaError::JavaProgram {
                expected: "compile".into(),
                last_lines: String::from_utf8_lossy(&output.stderr)
                    .lines()
                    .take(LAST_LINES)
                    .map(str::to_owned)
                    .collect(),
            }),
            // A runtime without development tools compiles the text at each start instead.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(KafkaError::io("running javac", source)),
        }
    })
}

const SOURCE: &str = include_str!("../../java/JavaConsumer.java");

const SOURCE_FILE: &str = "JavaConsumer.java";

/// How many lines may wait to be seen before the program is held up.
const LINES_WAITING_MAX: usize = 100_000;

/// How many lines are kept for error texts.
const LAST_LINES: usize = 30;
