//! What the user asked to read. Which partitions that comes to is decided elsewhere.

mod pattern;

use std::collections::BTreeSet;

use weft_client::{Error, ErrorKind, TopicName};

pub(crate) use pattern::TopicPattern;

/// What the user asked to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// Nothing.
    #[default]
    None,
    /// These topics, shared with the other members of the group.
    Topics(BTreeSet<TopicName>),
    /// The topics that match, shared with the other members of the group.
    Pattern {
        /// What names have to match.
        pattern: TopicPattern,
        /// The topics that matched last; `None` before all topics were known.
        topics: Option<BTreeSet<TopicName>>,
        /// The group has not been told of them.
        is_news: bool,
    },
    /// Partitions that the user chose.
    Manual,
}

impl Subscription {
    /// The topics subscribed to, those that match so far; none for chosen partitions.
    pub(crate) fn topics(&self) -> BTreeSet<TopicName> {
        match self {
            Self::Topics(topics) => topics.clone(),
            Self::Pattern { topics, .. } => topics.clone().unwrap_or_default(),
            Self::None | Self::Manual => BTreeSet::new(),
        }
    }

    /// Whether the group decides what is read.
    pub(crate) fn is_of_group(&self) -> bool {
        matches!(self, Self::Topics(_) | Self::Pattern { .. })
    }

    /// Whether a topic matched once and is not among the topics of the cluster any more.
    pub(crate) fn has_lost(&self, topic: &TopicName) -> bool {
        match self {
            Self::Pattern {
                topics: Some(topics),
                ..
            } => !topics.contains(topic),
            _ => false,
        }
    }

    /// Whether it allows for partitions of this topic. The group's leader may know of a matching
    /// topic before this consumer does.
    pub(crate) fn includes(&self, topic: &TopicName) -> bool {
        match self {
            Self::Topics(topics) => topics.contains(topic),
            Self::Pattern { pattern, .. } => pattern.matches(topic),
            Self::None | Self::Manual => true,
        }
    }

    /// Replaces a subscription by another of the same kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if the kind would change without `unsubscribe` in between.
    pub(crate) fn replace(&mut self, next: Self) -> Result<(), Error> {
        let is_none = |kind: &Self| *kind == Self::None;
        let is_same = std::mem::discriminant(self) == std::mem::discriminant(&next);
        if !is_same && !is_none(self) && !is_none(&next) {
            return Err(Error::new(
                ErrorKind::IllegalState,
                "subscribing to topics, subscribing to a pattern and choosing partitions exclude \
                 each other: call unsubscribe in between",
            ));
        }
        *self = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Subscription {
        Subscription::Pattern {
            pattern: TopicPattern::parse(text).unwrap(),
            topics: None,
            is_news: false,
        }
    }

    #[test]
    fn the_kind_changes_only_through_nothing() {
        let kinds = [
            Subscription::Topics(BTreeSet::from(["t".into()])),
            pattern("t.*"),
            Subscription::Manual,
        ];
        for (index, before) in kinds.iter().enumerate() {
            for (other, after) in kinds.iter().enumerate() {
                let mut subscription = before.clone();
                let replaced = subscription.replace(after.clone());
                if index == other {
                    replaced.unwrap();
                    continue;
                }
                assert_eq!(replaced.unwrap_err().kind(), ErrorKind::IllegalState);
                assert_eq!(subscription, *before);
                subscription.replace(Subscription::None).unwrap();
                subscription.replace(after.clone()).unwrap();
            }
        }
    }

    #[test]
    fn what_was_not_subscribed_to_is_not_included() {
        let topics = Subscription::Topics(BTreeSet::from(["t".into()]));
        assert!(topics.includes(&"t".into()) && !topics.includes(&"u".into()));
        let pattern = pattern("t.*");
        assert!(pattern.includes(&"tu".into()) && !pattern.includes(&"u".into()));
        assert!(Subscription::Manual.includes(&"u".into()));
    }
}
