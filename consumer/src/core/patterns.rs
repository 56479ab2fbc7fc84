//! Subscriptions by pattern: which topics match, whenever brokers list all of them.
//!
//! As long as there is a pattern, metadata is asked for of all topics. A topic that is new joins
//! the subscription with the next answer, one that was deleted leaves it.

use std::collections::BTreeSet;

use weft_client::TopicName;
use weft_client::cluster::UpdateReason;
use weft_client::{Error, cluster::Topics};

use super::ConsumerCore;
use crate::subscription::{Subscription, TopicPattern};

impl ConsumerCore {
    /// Subscribes to all topics that match. Which these are is told by
    /// [`take_matched_topics`](Self::take_matched_topics) as soon as brokers have listed them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`](weft_client::ErrorKind::IllegalState) if topics or partitions
    /// were chosen instead; nothing changes then.
    pub(crate) fn subscribe_pattern(&mut self, pattern: TopicPattern) -> Result<(), Error> {
        self.subscription.replace(Subscription::Pattern {
            pattern,
            topics: None,
            is_news: false,
        })?;
        self.keep_wanted_only();
        let knew_all = *self.cluster.wanted_topics() == Topics::All && self.has_all_topics;
        self.want_topics();
        if knew_all {
            self.match_topics();
            self.cluster.request_update(UpdateReason::LeaderUnknown);
        }
        Ok(())
    }

    /// The topics that match the pattern, if there are others than those told last.
    #[inline]
    pub(crate) fn take_matched_topics(&mut self) -> Option<BTreeSet<TopicName>> {
        match &mut self.subscription {
            Subscription::Pattern {
                topics: Some(topics),
                is_news,
                ..
            } if *is_news => {
                *is_news = false;
                Some(topics.clone())
            }
            _ => None,
        }
    }

    /// Brokers have listed all topics.
    pub(super) fn all_topics_listed(&mut self) {
        self.has_all_topics = *self.cluster.wanted_topics() == Topics::All;
        if self.has_all_topics {
            self.match_topics();
        }
    }

    fn match_topics(&mut self) {
        let includes_internal = self.options.includes_internal_topics;
        if let Subscription::Pattern {
            pattern,
            topics,
            is_news,
        } = &mut self.subscription
        {
            let known = self.cluster.snapshot().topics();
            let matching: BTreeSet<TopicName> = known
                .filter(|(name, topic)| {
                    (includes_internal || !topic.is_internal) && pattern.matches(name)
                })
                .map(|(name, _)| name.clone())
                .collect();
            if topics.as_ref() != Some(&matching) {
                tracing::info!(topics = ?matching, "the topics that match the pattern");
                *topics = Some(matching);
                *is_news = true;
            }
        }
    }
}
