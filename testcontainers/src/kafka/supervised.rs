//! Shell: a JVM that cannot outlive the process that started it.
//!
//! Each JVM is the child of a small `sh`, which reads signal names from a pipe held by this
//! process. When this process ends, for whatever reason, the kernel closes the pipe: `sh` then
//! kills the JVM and removes its files. Signals take the same way, so that a process id is never
//! used after the process it named is gone.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::error::KafkaError;

/// A signal the supervisor can pass on to the JVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Kill,
    /// Asks for a clean end.
    Terminate,
    Stop,
    Continue,
}

/// A running JVM and the shell that watches it.
#[derive(Debug)]
pub(super) struct SupervisedJvm {
    shell: Child,
    signals: ChildStdin,
    answers: BufReader<ChildStdout>,
    process_id: u32,
}

impl SupervisedJvm {
    /// Starts `java` with `arguments`, its output appended to `directory/LOG_FILE`. `directory` is
    /// removed if this process ends before the JVM does, unless `directory/../KEEP_FILE` exists.
    pub(super) fn start(
        java: &Path,
        arguments: &[String],
        directory: &Path,
    ) -> Result<Self, KafkaError> {
        let doing = || format!("starting a JVM in {}", directory.display());
        let mut shell = Command::new("sh")
            .args(["-c", SUPERVISOR, "weft-kafka"])
            .arg(directory)
            .arg(java)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own: an interrupt typed at the terminal is for the tests alone.
            .process_group(0)
            .spawn()
            .map_err(|source| KafkaError::io(doing(), source))?;
        let signals = shell.stdin.take().expect("standard input is piped");
        let answers = BufReader::new(shell.stdout.take().expect("standard output is piped"));
        let mut jvm = Self {
            shell,
            signals,
            answers,
            process_id: 0,
        };
        let answer = jvm
            .answer()
            .map_err(|source| KafkaError::io(doing(), source))?;
        jvm.process_id = answer
            .parse()
            .map_err(|_| KafkaError::io(doing(), io::Error::other("no process id from sh")))?;
        Ok(jvm)
    }

    /// The process id of the JVM itself. Use it for looking only, never for signals.
    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    pub(super) fn has_exited(&mut self) -> bool {
        // An error means that the shell was already waited for.
        !matches!(self.shell.try_wait(), Ok(None))
    }

    /// Passes `signal` on and returns once it is sent. A JVM that has exited is left alone.
    pub(super) fn signal(&mut self, signal: Signal) -> Result<(), KafkaError> {
        if self.has_exited() {
            return Ok(());
        }
        let name = match signal {
            Signal::Kill => "KILL",
            Signal::Terminate => "TERM",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        let sent = writeln!(self.signals, "{name}").and_then(|()| match signal {
            Signal::Kill => self.shell.wait().map(drop),
            Signal::Terminate | Signal::Stop | Signal::Continue => self.answer().map(drop),
        });
        match sent {
            Err(_) if self.has_exited() => Ok(()),
            sent => sent.map_err(|source| KafkaError::io(format!("sending SIG{name}"), source)),
        }
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for SupervisedJvm {
    fn drop(&mut self) {
        // Nothing can be done about a refusal here; the closed pipe kills the JVM in any case.
        let _ = self.signal(Signal::Kill);
    }
}

/// The last `count` lines that a JVM started in `directory` has logged, from byte `from` on.
pub(super) fn last_log_lines(directory: &Path, from: u64, count: usize) -> Vec<String> {
    let read = || -> io::Result<String> {
        let mut log = File::open(log_path(directory))?;
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(
            from.max(length.saturating_sub(LOG_TAIL_BYTES)),
        ))?;
        let mut bytes = Vec::new();
        log.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    // Without a log there is nothing to tell, and the caller has an error of its own to report.
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..]
        .iter()
        .map(|&line| line.to_owned())
        .collect()
}

/// How many bytes the log in `directory` has now.
pub(super) fn log_length(directory: &Path) -> u64 {
    fs::metadata(log_path(directory)).map_or(0, |metadata| metadata.len())
}

pub(super) fn log_path(directory: &Path) -> PathBuf {
    directory.join(LOG_FILE)
}

/// While this file lies beside the directories of the JVMs, none of them is removed.
pub(super) const KEEP_FILE: &str = "keep";

const LOG_FILE: &str = "jvm.log";

/// How far back from its end a log is read for its last lines.
const LOG_TAIL_BYTES: u64 = 64 * 1024;

/// Arguments: the directory, then the command. Prints the process id, then each signal it has sent.
///
/// The outer shell waits for the JVM, so that its exit ends the shell. The inner one waits for
/// words on the pipe; once the pipe is closed it may no longer be ended by the outer one, since it
/// still has to remove the files.
const SUPERVISOR: &str = r#"
directory=$1; shift
cluster=${directory%/*}
exec 3<&0
"$@" </dev/null >>"$directory/jvm.log" 2>&1 3<&- &
jvm=$!
echo "$jvm"
{
    while read -r signal <&3; do
        kill -s "$signal" "$jvm"
        echo "$signal"
    done
    trap '' TERM
    kill -s KILL "$jvm"
    if [ ! -e "$cluster/keep" ]; then
        rm -rf -- "$directory"
        rmdir -- "$cluster"
    fi
} &
reader=$!
exec 3<&- >&-
wait "$jvm"
kill -s TERM "$reader"
"#;

#[cfg(test)]
#[path = "supervised_tests.rs"]
mod tests;
