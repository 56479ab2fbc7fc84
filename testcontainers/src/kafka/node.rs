//! Shell: one broker of a cluster, which can be killed, restarted and paused.

#![expect(
    clippy::disallowed_types,
    reason = "a shell: tests hurt shared nodes from any thread"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::directory::PRINTED_LOG_LINES;
use super::error::KafkaError;
use super::supervised::{Signal, SupervisedJvm, last_log_lines, log_length};

/// One node of a [`KafkaCluster`](super::KafkaCluster).
#[derive(Debug)]
pub struct KafkaNode {
    id: i32,
    port: u16,
    directory: PathBuf,
    java: PathBuf,
    arguments: Vec<String>,
    process: Mutex<Process>,
}

#[derive(Debug)]
struct Process {
    /// Nothing while the node is down by the test's own will.
    jvm: Option<SupervisedJvm>,
    /// Where in the log the present process began to write.
    log_start: u64,
    /// None at the first start: what fails then is better tried with other ports.
    relaunches_left: u32,
}

/// Whether a node should answer, and if not, why.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NodeCondition {
    Running,
    KilledByTest,
    /// It ended by itself; a new process has been started in its place.
    Relaunched,
    /// It ended by itself, for a reason that will not pass.
    Exited,
}

impl KafkaNode {
    pub(super) fn start(
        id: i32,
        port: u16,
        directory: PathBuf,
        java: PathBuf,
        arguments: Vec<String>,
    ) -> Result<Self, KafkaError> {
        let jvm = SupervisedJvm::start(&java, &arguments, &directory)?;
        let process = Mutex::new(Process {
            jvm: Some(jvm),
            log_start: 0,
            relaunches_left: 0,
        });
        Ok(Self {
            id,
            port,
            directory,
            java,
            arguments,
            process,
        })
    }

    /// The node id, the same as its index.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// The port on 127.0.0.1 where it listens for clients itself, past its proxy if it has one. It
    /// stays the same over restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the node at once (SIGKILL), as a crash would. It stays down until [`Self::restart`].
    ///
    /// # Errors
    ///
    /// [`KafkaError::Io`] if the signal could not be sent.
    pub fn kill(&self) -> Result<(), KafkaError> {
        match self.process().jvm.take() {
            Some(mut jvm) => jvm.signal(Signal::Kill),
            None => Ok(()),
        }
    }

    /// Starts the node again with its data and its ports, after killing it if it still runs.
    /// Returns at once; [`KafkaCluster::wait_ready`](super::KafkaCluster::wait_ready) tells when it
    /// is back.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Io`] if the process could not be started.
    pub fn restart(&self) -> Result<(), KafkaError> {
        self.kill()?;
        let mut process = self.process();
        process.relaunches_left = RELAUNCHES_MAX;
        self.launch(&mut process)
    }

    /// Freezes the node (SIGSTOP): its connections stay open and nothing is answered.
    ///
    /// # Errors
    ///
    /// [`KafkaError::Io`] if the signal could not be sent.
    pub fn pause(&self) -> Result<(), KafkaError> {
        self.signal(Signal::Stop)
    }

    /// Lets a paused node go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// [`KafkaError::Io`] if the signal could not be sent.
    pub fn resume(&self) -> Result<(), KafkaError> {
        self.signal(Signal::Continue)
    }

    /// Asks the node to end cleanly (SIGTERM), and does not wait for it.
    pub(super) fn terminate(&self) -> Result<(), KafkaError> {
        self.signal(Signal::Terminate)
    }

    /// The last lines the node has logged, oldest first, at most `count`.
    pub fn last_log_lines(&self, count: usize) -> Vec<String> {
        last_log_lines(&self.directory, 0, count)
    }

    /// The memory the node's process holds now, in bytes; nothing if it is down or the system does
    /// not tell.
    pub fn resident_bytes(&self) -> Option<u64> {
        let process_id = self.process().jvm.as_ref()?.process_id();
        let status = fs::read_to_string(format!("/proc/{process_id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// What the node's present process has logged last.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let log_start = self.process().log_start;
        last_log_lines(&self.directory, log_start, PRINTED_LOG_LINES)
    }

    /// Looks after the process: one that ended by itself for a reason that passes is started anew.
    pub(super) fn condition(&self) -> Result<NodeCondition, KafkaError> {
        let mut process = self.process();
        let Some(jvm) = process.jvm.as_mut() else {
            return Ok(NodeCondition::KilledByTest);
        };
        if !jvm.has_exited() {
            return Ok(NodeCondition::Running);
        }
        let log = last_log_lines(&self.directory, process.log_start, usize::MAX);
        if !is_passing(&log) || process.relaunches_left == 0 {
            return Ok(NodeCondition::Exited);
        }
        process.relaunches_left -= 1;
        self.launch(&mut process)?;
        Ok(NodeCondition::Relaunched)
    }

    fn launch(&self, process: &mut Process) -> Result<(), KafkaError> {
        process.log_start = log_length(&self.directory);
        process.jvm = Some(SupervisedJvm::start(
            &self.java,
            &self.arguments,
            &self.directory,
        )?);
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<(), KafkaError> {
        self.process()
            .jvm
            .as_mut()
            .map_or(Ok(()), |jvm| jvm.signal(signal))
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        // The state is whole at every point where a panic could strike.
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a node that logged this before it ended may succeed when it is started again: ZooKeeper
/// still holds the killed process for alive, or a client's connection happens to use its port.
fn is_passing(log: &[String]) -> bool {
    let signs = [
        "NodeExistsException",
        "KeeperErrorCode = NodeExists",
        "Address already in use",
    ];
    log.iter()
        .any(|line| signs.iter().any(|sign| line.contains(sign)))
}

/// How often a node is started anew by itself; the session of a killed one ends within two starts.
const RELAUNCHES_MAX: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_with_time_is_worth_another_start() {
        let passing = |line: &str| is_passing(&["INFO starting".into(), line.into()]);
        assert!(passing(
            "KeeperException$NodeExistsException: KeeperErrorCode = NodeExists"
        ));
        assert!(passing("java.net.BindException: Address already in use"));
        assert!(!passing("Invalid value for configuration node.id"));
    }
}
