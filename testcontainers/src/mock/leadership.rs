//! The part of the handle that moves leaders and lets logs lose records.

use weft_client::{LeaderEpoch, NodeId, Offset};

use super::cluster::MockCluster;
use super::error::MockError;

/// Leaders, and what is lost with them.
impl MockCluster {
    /// Lets another replica lead a partition, in the next leader epoch. Nothing changes if it leads
    /// already. Clients hear of it as on a real cluster: a request with the old epoch gets
    /// FENCED_LEADER_EPOCH, and one without NOT_LEADER_OR_FOLLOWER where only a leader may answer.
    ///
    /// ```
    /// use weft_testcontainers::mock::MockCluster;
    ///
    /// let cluster = MockCluster::builder().brokers(2).topic("orders", 1).start()?;
    /// cluster.move_leader("orders", 0, 1)?;
    /// assert_eq!(cluster.leader("orders", 0).map(|id| id.value()), Some(1));
    /// # Ok::<(), weft_testcontainers::mock::MockError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] if there is no such partition, or if the broker has no replica of it
    /// or is dead.
    pub fn move_leader(
        &self,
        topic: &str,
        partition: i32,
        to: impl Into<NodeId>,
    ) -> Result<(), MockError> {
        let (name, to) = (topic.to_owned(), to.into());
        let moved = self.ask(move |server| {
            let (cluster, outputs) = (&mut server.cluster, &mut server.outputs);
            cluster.move_leader(server.time.now(), &name, partition, to, outputs)
        });
        moved.map_err(|code| MockError::Refused {
            what: format!("moving the leader of {topic}-{partition} to broker {to}"),
            code,
        })
    }

    /// Cuts a log off at `offset`, which is that of the next record then, and begins a leader epoch
    /// there: what clients see when a replica that lacks the last records is elected. The leader
    /// stays. Returns the new epoch.
    ///
    /// A batch that begins before `offset` and ends behind it is lost as a whole.
    ///
    /// # Errors
    ///
    /// [`MockError::Refused`] if there is no such partition, or if `offset` is outside of its log.
    pub fn truncate(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<LeaderEpoch, MockError> {
        let name = topic.to_owned();
        let truncated = self.ask(move |server| {
            let (cluster, outputs) = (&mut server.cluster, &mut server.outputs);
            cluster.truncate(
                server.time.now(),
                &name,
                partition,
                Offset::new(offset),
                outputs,
            )
        });
        truncated.map_err(|code| MockError::Refused {
            what: format!("cutting off {topic}-{partition} at {offset}"),
            code,
        })
    }
}
