//! The public methods that choose what is read, and that concern the group.

use std::collections::BTreeSet;

use weft_client::{Error, ErrorKind, TopicName, TopicPartition};

use super::Consumer;
use crate::access::Call;
use crate::lane::GroupMetadata;
use crate::listener::RebalanceListener;

impl Consumer {
    /// Reads these topics as a member of the group, in place of those subscribed to before. No
    /// topic at all is [`unsubscribe`](Self::unsubscribe). Joins in the next [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`; [`ErrorKind::IllegalArgument`] for a
    /// blank name; [`ErrorKind::IllegalState`] if partitions were chosen with
    /// [`assign`](Self::assign) or topics by a pattern, and without an assignor.
    ///
    /// # Panics
    ///
    /// If another thread is inside this consumer, like all methods but [`wakeup`](Self::wakeup).
    pub fn subscribe<T: Into<TopicName>>(
        &self,
        topics: impl IntoIterator<Item = T>,
    ) -> Result<(), Error> {
        let topics = topics.into_iter().map(Into::into).collect();
        self.enter(Call::Subscribe)?.subscribe(topics, None)
    }

    /// As [`subscribe`](Self::subscribe); the listener is told when partitions come and go, in
    /// place of an earlier one. Subscribing without a listener keeps it.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Examples
    ///
    /// Saving what was processed before the partitions go to somebody else:
    ///
    /// ```no_run
    /// use weft_client::TopicPartition;
    /// use weft_consumer::{CallbackError, Consumer, RebalanceConsumer, RebalanceListener};
    ///
    /// struct CommitFirst;
    ///
    /// impl RebalanceListener for CommitFirst {
    ///     fn on_partitions_revoked(
    ///         &mut self,
    ///         consumer: &RebalanceConsumer<'_>,
    ///         _: &[TopicPartition],
    ///     ) -> Result<(), CallbackError> {
    ///         Ok(consumer.commit_sync()?)
    ///     }
    ///
    ///     fn on_partitions_assigned(
    ///         &mut self,
    ///         consumer: &RebalanceConsumer<'_>,
    ///         partitions: &[TopicPartition],
    ///     ) -> Result<(), CallbackError> {
    ///         for partition in partitions {
    ///             println!("{partition} goes on at {}", consumer.position(partition)?);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// let consumer = Consumer::new(config)?;
    /// consumer.subscribe_with_listener(["orders"], CommitFirst)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_with_listener<T: Into<TopicName>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        listener: impl RebalanceListener + 'static,
    ) -> Result<(), Error> {
        let topics = topics.into_iter().map(Into::into).collect();
        self.enter(Call::Subscribe)?
            .subscribe(topics, Some(Box::new(listener)))
    }

    /// Reads all topics whose names match a regular expression as a whole, as a member of the
    /// group, in place of what was subscribed to before.
    ///
    /// Brokers are asked for all topics, and asked again every `metadata.max.age.ms`; a new topic
    /// that matches is read from then on, one that was deleted is not any more. The member joins
    /// once they have been listed, even if none matches. Topics that brokers keep for themselves
    /// are passed over unless `exclude.internal.topics` is false.
    ///
    /// The syntax is that of the [`regex`](https://docs.rs/regex) crate without Unicode: classes
    /// such as `\w` and cases are those of ASCII, as in Java. It differs from Java's in having
    /// neither look-around nor backreferences; in return, matching takes time linear in the length
    /// of the name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalArgument`] if the pattern is empty, cannot be read or is too large;
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`; [`ErrorKind::IllegalState`] without an
    /// assignor, or if topics or partitions were chosen by name.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), weft_client::Error> {
    /// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
    /// # let consumer = weft_consumer::Consumer::new(config)?;
    /// consumer.subscribe_pattern("orders-(eu|us)-[0-9]+")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_pattern(&self, pattern: &str) -> Result<(), Error> {
        self.enter(Call::SubscribePattern)?
            .subscribe_pattern(pattern, None)
    }

    /// As [`subscribe_pattern`](Self::subscribe_pattern); the listener is told when partitions come
    /// and go, in place of an earlier one.
    ///
    /// # Errors
    ///
    /// As [`subscribe_pattern`](Self::subscribe_pattern).
    pub fn subscribe_pattern_with_listener(
        &self,
        pattern: &str,
        listener: impl RebalanceListener + 'static,
    ) -> Result<(), Error> {
        self.enter(Call::SubscribePattern)?
            .subscribe_pattern(pattern, Some(Box::new(listener)))
    }

    /// A pattern for the broker to match (Java's `SubscriptionPattern`), which only
    /// `group.protocol=consumer` has (KIP-848). As with Java's consumer under the classic protocol,
    /// this always fails; use [`subscribe_pattern`](Self::subscribe_pattern).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalArgument`] if the pattern is empty, otherwise
    /// [`ErrorKind::UnsupportedOperation`].
    pub fn subscribe_broker_pattern(&self, pattern: &str) -> Result<(), Error> {
        self.enter(Call::SubscribePattern)?;
        if pattern.is_empty() {
            let text = "a pattern of topics must not be empty";
            return Err(Error::new(ErrorKind::IllegalArgument, text));
        }
        let text = "patterns that brokers match need group.protocol=consumer, which is not \
                    supported so far: use subscribe_pattern";
        Err(Error::new(ErrorKind::UnsupportedOperation, text))
    }

    /// Who is told when partitions come and go, from the next rebalance on: this listener in place
    /// of any earlier one, or nobody. [`unsubscribe`](Self::unsubscribe) forgets it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn set_rebalance_listener(
        &self,
        listener: Option<Box<dyn RebalanceListener>>,
    ) -> Result<(), Error> {
        self.enter(Call::SetRebalanceListener)?
            .set_listener(listener);
        Ok(())
    }

    /// Reads these partitions, whatever the group does, in place of those assigned before.
    /// Partitions that stay keep their positions and pauses. No partition at all is
    /// [`unsubscribe`](Self::unsubscribe). With auto commit, the positions so far are committed if
    /// that is due.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] while topics are subscribed to;
    /// [`ErrorKind::IllegalArgument`] for a partition of a topic with a blank name.
    pub fn assign(
        &self,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<(), Error> {
        let partitions = partitions.into_iter().collect();
        self.enter(Call::Assign)?.assign(&partitions)
    }

    /// Reads nothing any more: leaves the group, without committing, after
    /// [`RebalanceListener::on_partitions_revoked`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Callback`] if the listener failed; the consumer has left all the same.
    pub fn unsubscribe(&self) -> Result<(), Error> {
        self.enter(Call::Unsubscribe)?.unsubscribe()
    }

    /// The partitions that this consumer reads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close), like all methods.
    pub fn assignment(&self) -> Result<BTreeSet<TopicPartition>, Error> {
        Ok(self.enter(Call::Assignment)?.assignment())
    }

    /// The topics subscribed to; with a pattern those that match, as far as brokers have listed
    /// them. None for partitions that were chosen with [`assign`](Self::assign).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Closed`] after [`close`](Self::close).
    pub fn subscription(&self) -> Result<BTreeSet<TopicName>, Error> {
        Ok(self.enter(Call::Subscription)?.subscription())
    }

    /// Makes the group rebalance at the next [`poll`](Self::poll), unless it is doing so already.
    /// `reason` is for the broker's log (JoinGroup version 8, Kafka 3.2): empty stands for
    /// "rebalance enforced by user", and what is longer than 255 bytes is cut. Does not wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] without a `group.id`.
    pub fn enforce_rebalance(&self, reason: &str) -> Result<(), Error> {
        self.enter(Call::EnforceRebalance)?
            .enforce_rebalance(reason)
    }

    /// Who this consumer is in its group: generation -1 and no member id before the first join.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a `group.id`.
    pub fn group_metadata(&self) -> Result<GroupMetadata, Error> {
        self.enter(Call::GroupMetadata)?.group_metadata()
    }
}
