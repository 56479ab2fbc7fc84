//! What all faults together do to one request.

use std::time::Duration;

use weft_client::TopicName;
use weft_client::wire::ErrorCode;

use super::filter::RequestFilter;
use super::rule::{FaultAction, FaultId};

/// See the module's text. The default is that nothing happens to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Who hit it, in the order in which they were set.
    pub(crate) faults: Vec<FaultId>,
    pub(crate) delay_before: Option<Duration>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) delay_after: Option<Duration>,
    pub(crate) ending: Option<Ending>,
    /// How many bytes, and the seed.
    pub(crate) corruption: Option<(u32, u64)>,
    pub(crate) throttle: Option<Duration>,
}

/// What is done instead of serving the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Refuse(Refusal),
    Silence,
    Cut,
}

/// An error that the request is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    /// The only topic that is refused, and perhaps the only partition.
    pub(crate) topic: Option<TopicName>,
    pub(crate) partition: Option<i32>,
}

/// What is done instead of sending the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Lose,
    Cut,
    Half,
}

impl Fate {
    /// Whether `action` does something to the request that nothing else does already.
    pub(crate) fn has_place_for(&self, action: FaultAction) -> bool {
        if matches!(self.verdict, Some(Verdict::Silence | Verdict::Cut)) {
            return false;
        }
        match action {
            FaultAction::Answer(_) | FaultAction::Silence | FaultAction::CutBefore => {
                self.verdict.is_none()
            }
            FaultAction::DelayBefore(_) => self.delay_before.is_none(),
            FaultAction::DelayAfter(_) => self.delay_after.is_none(),
            FaultAction::LoseAnswer | FaultAction::CutAfter | FaultAction::HalfFrame => {
                self.ending.is_none()
            }
            FaultAction::Corrupt { .. } => self.corruption.is_none(),
            FaultAction::Throttle(_) => self.throttle.is_none(),
        }
    }

    /// Takes on what a fault with this filter does.
    pub(crate) fn suffer(&mut self, id: FaultId, filter: &RequestFilter, action: FaultAction) {
        self.faults.push(id);
        match action {
            FaultAction::Answer(code) => {
                self.verdict = Some(Verdict::Refuse(Refusal {
                    code,
                    topic: filter.topic.clone(),
                    partition: filter.partition,
                }));
            }
            FaultAction::Silence => self.verdict = Some(Verdict::Silence),
            FaultAction::CutBefore => self.verdict = Some(Verdict::Cut),
            FaultAction::DelayBefore(delay) => self.delay_before = Some(delay),
            FaultAction::DelayAfter(delay) => self.delay_after = Some(delay),
            FaultAction::LoseAnswer => self.ending = Some(Ending::Lose),
            FaultAction::CutAfter => self.ending = Some(Ending::Cut),
            FaultAction::HalfFrame => self.ending = Some(Ending::Half),
            FaultAction::Corrupt { bytes, seed } => self.corruption = Some((bytes, seed)),
            FaultAction::Throttle(time) => self.throttle = Some(time),
        }
    }

    /// The code with which this topic is refused as a whole.
    pub(crate) fn refuses_topic(&self, topic: &str) -> Option<ErrorCode> {
        let refusal = self.refusal_of(topic)?;
        refusal.partition.is_none().then_some(refusal.code)
    }

    /// The code with which this partition is refused.
    pub(crate) fn refuses_partition(&self, topic: &str, partition: i32) -> Option<ErrorCode> {
        let refusal = self.refusal_of(topic)?;
        let is_meant = refusal.partition.is_none_or(|refused| refused == partition);
        is_meant.then_some(refusal.code)
    }

    fn refusal_of(&self, topic: &str) -> Option<&Refusal> {
        let Some(Verdict::Refuse(refusal)) = &self.verdict else {
            return None;
        };
        let is_meant = |refused: &TopicName| refused.as_str() == topic;
        refusal
            .topic
            .as_ref()
            .is_none_or(is_meant)
            .then_some(refusal)
    }
}
