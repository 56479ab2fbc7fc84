//! The answers for the items of one request, such as the topics of a CreateTopics: which are done,
//! which have to be asked again, which failed, and the sentence that says so.

use std::fmt;

use super::call::{Outcome, Progress, Refusal};
use crate::error::Error;
use crate::ids::{Broker, TopicName};
use crate::wire::{Context, ErrorCode, Reaction, reaction};

/// What was asked of whom, for error texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Kafka's name of the API.
    pub(super) name: &'static str,
    /// Who answered.
    pub(super) broker: &'a Broker,
    /// In which context the codes of the answer are read.
    pub(super) context: Context,
}

/// The refusals among the answers for several items.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    again: Option<Refusal>,
    failed: Option<Error>,
    failed_topics: Vec<TopicName>,
}

impl Asked<'_> {
    /// Reads the code that answers for one item.
    pub(super) fn judge(
        &self,
        item: impl fmt::Display,
        code: i16,
        message: Option<&str>,
    ) -> Result<(), Refusal> {
        let code = ErrorCode(code);
        let reaction = reaction(self.context, code);
        if reaction == Reaction::Accept {
            return Ok(());
        }
        let (name, broker) = (self.name, self.broker);
        let mut text = format!("{name} for {item} was refused by {broker}: {code}");
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            text.push_str(": ");
            text.push_str(message);
        }
        Err(Refusal {
            reaction,
            error: Error::broker(code, text),
        })
    }
}

impl Refusals {
    /// Adds the refusal of an item that is not a topic.
    pub(super) fn add(&mut self, refusal: Refusal) {
        if is_final(refusal.reaction) {
            self.failed.get_or_insert(refusal.error);
        } else {
            self.again.get_or_insert(refusal);
        }
    }

    /// Adds the refusal of a topic. Returns whether it has to be asked for again.
    pub(super) fn add_topic(&mut self, topic: &TopicName, refusal: Refusal) -> bool {
        let is_final = is_final(refusal.reaction);
        if is_final {
            self.failed_topics.push(topic.clone());
        }
        self.add(refusal);
        !is_final
    }

    /// How far the call is: asked again while something may still succeed, then failed with the
    /// first failure and all topics that failed, otherwise done.
    pub(super) fn conclude<T>(&mut self, done: impl FnOnce() -> T) -> Outcome<T> {
        if let Some(refusal) = self.again.take() {
            return Err(refusal);
        }
        match self.failed.take() {
            Some(error) => Err(Refusal {
                reaction: Reaction::Fail,
                error: error.with_topics(std::mem::take(&mut self.failed_topics)),
            }),
            None => Ok(Progress::Done(done())),
        }
    }
}

fn is_final(reaction: Reaction) -> bool {
    !matches!(
        reaction,
        Reaction::Retry
            | Reaction::RefreshMetadata
            | Reaction::FindController
            | Reaction::FindCoordinator
            | Reaction::Rebootstrap
    )
}
