//! The public methods of the administrator: each puts a question together and has it run.

use std::collections::BTreeMap;

use super::blocking::Blocking;
use super::describe::{DescribeTopics, TopicDescription};
use super::groups::{
    CommittedOffsets, DeleteGroup, DescribeGroup, DescribeNodes, GroupDescription, GroupListing,
    ListGroups,
};
use super::offsets::{ListOffsets, OffsetSpec};
use super::topics::{CreatePartitions, CreateTopics, DeleteTopics, NewTopic};
use crate::cluster::Topics;
use crate::config::ClientConfig;
use crate::error::Error;
#[cfg(doc)]
use crate::error::ErrorKind;
use crate::ids::{GroupId, Offset, OffsetAndMetadata, TopicName, TopicPartition};
use crate::net::resolve_bootstrap;

/// A client for the administration of a cluster. Every method blocks, at most for
/// `default.api.timeout.ms`, and retries meanwhile what may still succeed.
///
/// It has no thread of its own: connections rest between calls, and a broker that closes one
/// costs the next call a retry. It belongs to one thread at a time.
///
/// # Errors
///
/// Each method fails with the kind that stands for a broker's refusal, or, when its time is over,
/// with the last failure in the text: [`ErrorKind::Disconnected`] where no connection came about,
/// [`ErrorKind::MalformedResponse`] where the other end is no broker, and [`ErrorKind::Timeout`]
/// otherwise. Texts name the API and the broker.
///
/// A request whose connection is lost is sent again, as Kafka's own client does, so that what was
/// carried out before may be refused as done already.
///
/// # Examples
///
/// ```no_run
/// use weft_client::ClientConfig;
/// use weft_client::admin::{Admin, NewTopic};
///
/// let config = ClientConfig::builder().bootstrap_servers("localhost:9092").build()?;
/// let mut admin = Admin::new(config)?;
/// admin.create_topic(&NewTopic::new("orders", 6).config("retention.ms", "3600000"))?;
/// # Ok::<(), weft_client::Error>(())
/// ```
#[derive(Debug)]
pub struct Admin {
    blocking: Blocking,
}

impl Admin {
    /// A client without connections. It never makes brokers create a topic by asking for it.
    ///
    /// Looks up the names in `bootstrap.servers` first, as [`resolve_bootstrap`] does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if none of these names has an address; [`ErrorKind::Io`] if the
    /// operating system refuses the means to wait for sockets.
    pub fn new(mut config: ClientConfig) -> Result<Self, Error> {
        config.allow_auto_create_topics = false;
        let blocking = Blocking::new(&resolve_bootstrap(config)?)?;
        Ok(Self { blocking })
    }

    /// Creates a topic, and waits until the broker that was asked knows leaders for all of its
    /// partitions.
    ///
    /// # Errors
    ///
    /// See [`Admin`].
    pub fn create_topic(&mut self, topic: &NewTopic) -> Result<(), Error> {
        self.create_topics(std::slice::from_ref(topic))
    }

    /// Creates topics as [`create_topic`](Self::create_topic) does. Where some are refused, the
    /// others are created all the same.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. [`Error::topics`] lists what was refused.
    pub fn create_topics(&mut self, topics: &[NewTopic]) -> Result<(), Error> {
        if topics.is_empty() {
            return Ok(());
        }
        let deadline = self.blocking.deadline();
        let node = self.blocking.run(CreateTopics::new(topics), deadline)?;
        // How many partitions there are by default only the broker knows.
        let wanted = topics
            .iter()
            .map(|topic| (topic.name().clone(), topic.least_partitions()));
        self.blocking
            .run(DescribeTopics::led(node, wanted), deadline)?;
        Ok(())
    }

    /// Gives a topic more partitions, `total` in all, and waits as
    /// [`create_topic`](Self::create_topic) does.
    ///
    /// # Errors
    ///
    /// See [`Admin`].
    pub fn create_partitions(&mut self, topic: &TopicName, total: i32) -> Result<(), Error> {
        let deadline = self.blocking.deadline();
        let question = CreatePartitions::new(topic.clone(), total);
        let node = self.blocking.run(question, deadline)?;
        let wanted = [(topic.clone(), usize::try_from(total).unwrap_or(0))];
        self.blocking
            .run(DescribeTopics::led(node, wanted), deadline)?;
        Ok(())
    }

    /// Deletes topics. Brokers may show them for a moment longer.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. [`Error::topics`] lists what was refused; the others are deleted all the
    /// same.
    pub fn delete_topics(&mut self, topics: &[TopicName]) -> Result<(), Error> {
        if topics.is_empty() {
            return Ok(());
        }
        let deadline = self.blocking.deadline();
        self.blocking.run(DeleteTopics::new(topics), deadline)
    }

    /// Describes topics, as one broker knows them.
    ///
    /// # Errors
    ///
    /// See [`Admin`]; [`ErrorKind::UnknownTopicOrPartition`] with the topics that do not exist.
    pub fn describe_topics(
        &mut self,
        topics: &[TopicName],
    ) -> Result<BTreeMap<TopicName, TopicDescription>, Error> {
        if topics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let deadline = self.blocking.deadline();
        self.blocking.run(DescribeTopics::of(topics), deadline)
    }

    /// Describes all topics that one broker shows us, internal ones included.
    ///
    /// # Errors
    ///
    /// See [`Admin`].
    pub fn list_topics(&mut self) -> Result<BTreeMap<TopicName, TopicDescription>, Error> {
        let deadline = self.blocking.deadline();
        self.blocking.run(DescribeTopics::all(), deadline)
    }

    /// Describes groups of the classic protocol, each as its coordinator knows it.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. Brokers before 4.0 describe a group that does not exist as
    /// [`Dead`](super::GroupState::Dead), newer ones refuse (KIP-1043).
    pub fn describe_groups(
        &mut self,
        groups: &[GroupId],
    ) -> Result<BTreeMap<GroupId, GroupDescription>, Error> {
        let deadline = self.blocking.deadline();
        let describe = |group: &GroupId| {
            let described = self.blocking.run(DescribeGroup(group.clone()), deadline)?;
            Ok((group.clone(), described))
        };
        groups.iter().map(describe).collect()
    }

    /// Lists the groups of all brokers, in the order of their names.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. One broker that cannot be reached fails the call, since only that broker
    /// knows its groups.
    pub fn list_groups(&mut self) -> Result<Vec<GroupListing>, Error> {
        let deadline = self.blocking.deadline();
        let mut listed = Vec::new();
        for node in self.blocking.run(DescribeNodes, deadline)? {
            listed.extend(self.blocking.run(ListGroups(node), deadline)?);
        }
        listed.sort_by(|a: &GroupListing, b| a.group.cmp(&b.group));
        listed.dedup_by(|a, b| a.group == b.group);
        Ok(listed)
    }

    /// Deletes groups without members, and what they committed.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. The first refusal ends the call; groups named before it are deleted.
    pub fn delete_groups(&mut self, groups: &[GroupId]) -> Result<(), Error> {
        let deadline = self.blocking.deadline();
        groups
            .iter()
            .try_for_each(|group| self.blocking.run(DeleteGroup(group.clone()), deadline))
    }

    /// What a group committed for some partitions; `None` where it committed nothing.
    ///
    /// # Errors
    ///
    /// See [`Admin`].
    pub fn committed_offsets(
        &mut self,
        group: &GroupId,
        partitions: &[TopicPartition],
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>, Error> {
        let deadline = self.blocking.deadline();
        let question = CommittedOffsets::new(group.clone(), partitions);
        self.blocking.run(question, deadline)
    }

    /// Looks offsets up at the partitions' leaders. Partitions without a record at or after a
    /// time are left out.
    ///
    /// # Errors
    ///
    /// See [`Admin`]. A topic that does not exist is waited for until the time is over.
    pub fn offsets(
        &mut self,
        partitions: &[TopicPartition],
        spec: OffsetSpec,
    ) -> Result<BTreeMap<TopicPartition, Offset>, Error> {
        if partitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        let deadline = self.blocking.deadline();
        let topics = partitions.iter().map(|partition| partition.topic().clone());
        self.blocking.set_topics(Topics::Named(topics.collect()));
        let question = ListOffsets::new(partitions, spec);
        self.blocking.run(question, deadline)
    }
}
