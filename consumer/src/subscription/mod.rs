//! What the user asked to read. Which partitions that comes to is decided elsewhere.

use std::collections::BTreeSet;

use weft_client::{Error, ErrorKind, TopicName};

/// What the user asked to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// Nothing.
    #[default]
    None,
    /// These topics, shared with the other members of the group.
    Topics(BTreeSet<TopicName>),
    /// Partitions that the user chose.
    Manual,
}

impl Subscription {
    /// The topics subscribed to; none for chosen partitions.
    pub(crate) fn topics(&self) -> BTreeSet<TopicName> {
        match self {
            Self::Topics(topics) => topics.clone(),
            Self::None | Self::Manual => BTreeSet::new(),
        }
    }

    /// Whether it allows for partitions of this topic. Only topics can say no.
    pub(crate) fn includes(&self, topic: &TopicName) -> bool {
        match self {
            Self::Topics(topics) => topics.contains(topic),
            Self::None | Self::Manual => true,
        }
    }

    /// Replaces a subscription by another of the same kind.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::IllegalState`] if the kind would change without `unsubscribe` in between.
    pub(crate) fn replace(&mut self, next: Self) -> Result<(), Error> {
        match (&*self, &next) {
            (Self::Topics(_), Self::Manual) | (Self::Manual, Self::Topics(_)) => Err(Error::new(
                ErrorKind::IllegalState,
                "subscribing to topics and choosing partitions exclude each other: call \
                 unsubscribe in between",
            )),
            _ => {
                *self = next;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_changes_only_through_nothing() {
        let topics = Subscription::Topics(BTreeSet::from(["t".into()]));
        let mut subscription = Subscription::None;
        subscription.replace(topics.clone()).unwrap();
        let refused = subscription.replace(Subscription::Manual).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::IllegalState);
        assert_eq!(subscription, topics);
        subscription.replace(Subscription::None).unwrap();
        subscription.replace(Subscription::Manual).unwrap();
        assert!(subscription.replace(topics).is_err());
    }
}
