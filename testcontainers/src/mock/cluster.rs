//! The handle that tests hold: each method asks the thread of the cluster and waits for its answer.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: tries again to open a port that is taken for the moment"
)]

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::Waker;
use weft_client::wire::ApiKey;
use weft_client::{Broker, NodeId, Offset, OffsetAndMetadata};

use super::builder::MockClusterBuilder;
use super::core::{AppendError, GroupState, Input};
use super::directory::Recovery;
use super::error::MockError;
use super::server::{Command, Running, Server};

/// A running mock cluster. Any thread may use it.
///
/// Methods wait for the thread of the cluster, which never waits for anything but sockets; they
/// return within microseconds unless it is busy with requests.
///
/// Dropping it closes all ports and connections and ends its thread.
///
/// # Panics
///
/// Every method panics if the thread of the cluster has panicked, which is a fault of the mock.
#[derive(Debug)]
pub struct MockCluster {
    brokers: Vec<Broker>,
    commands: Sender<Command>,
    waker: Waker,
    /// Nothing once it was joined.
    thread: Option<JoinHandle<()>>,
    recovery: Option<Recovery>,
}

impl MockCluster {
    /// One broker and no topics, unless the builder is told otherwise.
    pub fn builder() -> MockClusterBuilder {
        MockClusterBuilder::new()
    }

    pub(super) fn new(running: Running) -> Self {
        Self {
            brokers: running.brokers,
            commands: running.commands,
            waker: running.waker,
            thread: Some(running.thread),
            recovery: running.recovery,
        }
    }

    /// The addresses of all brokers, for `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self
            .brokers
            .iter()
            .map(|broker| {
                let Broker { host, port, .. } = broker;
                if host.contains(':') {
                    format!("[{host}]:{port}")
                } else {
                    format!("{host}:{port}")
                }
            })
            .collect();
        addresses.join(",")
    }

    /// All brokers, dead ones as well.
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// What the cluster found in its directory when it started. `None` if it has none.
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recovery.as_ref()
    }

    /// Why the cluster died, if it did: it could not write its directory.
    pub fn failure(&self) -> Option<String> {
        self.ask(|server| server.failure().map(str::to_owned))
    }

    /// Creates a topic. Every broker has a replica of each partition, and they lead in turn.
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] if the name or the number is not allowed, or the topic exists.
    pub fn create_topic(&self, name: &str, partitions: usize) -> Result<(), MockError> {
        let topic = name.to_owned();
        let created = self.ask(move |server| server.cluster.create_topic(&topic, partitions));
        created.map_err(|code| MockError::Refused {
            what: format!("topic {name} with {partitions} partitions"),
            code,
        })
    }

    /// Appends batches as they are in the `records` field of a produce request, without the
    /// network, and returns the offset of the first record. The batches get the next offsets.
    ///
    /// The checksums are checked; the records are not. Batches that carry the right offsets and the
    /// leader epoch already are kept without a copy.
    ///
    /// # Errors
    ///
    /// [`MockError::UnknownPartition`]; [`MockError::Records`] or [`MockError::NoBatch`] if the
    /// bytes are not whole batches of magic 2, in which case nothing is appended.
    pub fn append(&self, topic: &str, partition: i32, records: Bytes) -> Result<i64, MockError> {
        let name = topic.to_owned();
        let appended = self.ask(move |server| {
            let (cluster, outputs) = (&mut server.cluster, &mut server.outputs);
            cluster.append(server.time.now(), &name, partition, records, outputs)
        });
        appended.map(Offset::value).map_err(|error| match error {
            AppendError::UnknownPartition => MockError::UnknownPartition {
                topic: topic.to_owned(),
                partition,
            },
            AppendError::Records(error) => MockError::Records(error),
            AppendError::Remainder => MockError::NoBatch {
                what: "they do not end with a whole batch",
            },
            AppendError::Full => MockError::Refused {
                what: format!("records for {topic}-{partition} beyond the limit of all records"),
                code: weft_client::wire::ErrorCode::POLICY_VIOLATION,
            },
            AppendError::OldFormat => MockError::NoBatch {
                what: "they are not of magic 2",
            },
        })
    }

    /// Forgets the records before `offset`, as retention does: the log begins there.
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] if there is no such partition, or if `offset` is behind its end.
    pub fn delete_records_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), MockError> {
        let name = topic.to_owned();
        let offset = Offset::new(offset);
        let deleted = self.ask(move |server| {
            let cluster = &mut server.cluster;
            cluster.delete_records_before(&name, partition, offset)
        });
        deleted.map_err(|code| MockError::Refused {
            what: format!("deleting the records of {topic}-{partition} before {offset}"),
            code,
        })
    }

    /// The offset of the next record. `None` if there is no such partition.
    pub fn end_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        let name = topic.to_owned();
        let end = self.ask(move |server| server.cluster.end_offset(&name, partition));
        end.map(Offset::value)
    }

    /// The broker that leads a partition. `None` if nobody does, or there is no such partition.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<NodeId> {
        let name = topic.to_owned();
        self.ask(move |server| server.cluster.leader(&name, partition))
    }

    /// The broker that answers for a group, whether or not the group exists.
    pub fn coordinator(&self, group: &str) -> Option<NodeId> {
        let group = group.to_owned();
        self.ask(move |server| server.cluster.coordinator(&group))
    }

    /// The offset that a group has committed for a partition.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let committed = self.committed_with_metadata(group, topic, partition)?;
        Some(committed.offset.value())
    }

    /// As [`Self::committed`], with what was committed beside the offset.
    pub fn committed_with_metadata(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Option<OffsetAndMetadata> {
        let (group, topic) = (group.to_owned(), topic.to_owned());
        self.ask(move |server| {
            let committed = server.cluster.committed(&group, &topic, partition);
            committed.cloned()
        })
    }

    /// Where a group stands. `None` if there is no such group.
    pub fn group_state(&self, group: &str) -> Option<GroupState> {
        let group = group.to_owned();
        self.ask(move |server| server.cluster.group_state(&group))
    }

    /// Kills a broker: its port closes, its connections are cut, and a live broker leads its
    /// partitions in the next leader epoch and answers for its groups. Its data is not lost. Does
    /// nothing if it is dead.
    ///
    /// # Errors
    ///
    /// [`MockError::UnknownBroker`]
    pub fn kill_broker(&self, id: impl Into<NodeId>) -> Result<(), MockError> {
        let id = id.into();
        self.check_broker(id)?;
        self.ask(move |server| {
            let (cluster, outputs) = (&mut server.cluster, &mut server.outputs);
            cluster.handle(server.time.now(), Input::Kill(id), outputs);
        });
        Ok(())
    }

    /// Brings a broker back at the port it had. It leads what nobody else could lead in between.
    /// Does nothing if it lives.
    ///
    /// Tries for five seconds if another program has taken the port meanwhile.
    ///
    /// # Errors
    ///
    /// [`MockError::UnknownBroker`]; [`MockError::Io`] if the port stays taken.
    pub fn restart_broker(&self, id: impl Into<NodeId>) -> Result<(), MockError> {
        let id = id.into();
        self.check_broker(id)?;
        let give_up_at = Instant::now() + RESTART_TIMEOUT;
        loop {
            let restarted = self.ask(move |server| {
                if !server.cluster.is_alive(id) {
                    server.listen(id)?;
                    let (cluster, outputs) = (&mut server.cluster, &mut server.outputs);
                    cluster.handle(server.time.now(), Input::Restart(id), outputs);
                }
                Ok(())
            });
            match restarted {
                Ok(()) => return Ok(()),
                Err(_) if Instant::now() < give_up_at => thread::sleep(RESTART_INTERVAL),
                Err(error) => return Err(error),
            }
        }
    }

    /// How many requests of an API have arrived so far.
    pub fn requests(&self, api_key: ApiKey) -> usize {
        self.ask(move |server| server.cluster.requests(api_key))
    }

    /// What clients did that a correct client never does, in the order in which it happened. The
    /// first thousand are kept.
    pub fn violations(&self) -> Vec<String> {
        self.ask(|server| server.cluster.violations().to_vec())
    }

    fn check_broker(&self, id: NodeId) -> Result<(), MockError> {
        if self.brokers.iter().any(|broker| broker.id == id) {
            Ok(())
        } else {
            Err(MockError::UnknownBroker(id))
        }
    }

    /// Runs `question` on the thread of the cluster, and what follows from it, then returns.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Server) -> T + Send + 'static,
    ) -> T {
        let (reply, replies) = channel();
        let run = move |server: &mut Server| {
            let answer = question(server);
            server.work();
            // Nobody may be left to hear it.
            let _ = reply.send(answer);
        };
        let sent = self.commands.send(Command::Run(Box::new(run)));
        let woken = self.waker.wake();
        match (sent, woken, replies.recv()) {
            (Ok(()), Ok(()), Ok(answer)) => answer,
            _ => panic!("the thread of the mock cluster has panicked; its message is above"),
        }
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        // Both fail only if the thread has ended already.
        let _ = self.commands.send(Command::Stop);
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the mock cluster has panicked");
        }
    }
}

/// How long a port that is taken is waited for.
const RESTART_TIMEOUT: Duration = Duration::from_secs(5);

const RESTART_INTERVAL: Duration = Duration::from_millis(20);
