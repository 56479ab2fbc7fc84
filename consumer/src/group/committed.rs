//! Reads committed offsets, with retries until the consumer's deadline.
//!
//! It needs no membership, and only counts what is stable: offsets of a transaction that is not
//! decided yet are waited for (KIP-447).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use weft_client::net::{Lane, RequestError, RequestToken};
use weft_client::wire::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use weft_client::wire::messages::offset_fetch_response::OffsetFetchResponseGroup;
use weft_client::wire::messages::{OffsetFetchRequest, OffsetFetchResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, Request, reaction};
use weft_client::{
    Error, ErrorKind, LeaderEpoch, Offset, OffsetAndMetadata, TopicName, TopicPartition,
};

use super::core::{GroupCore, Turn};
use super::failure;
use super::membership::State;
use super::requests::{Outstanding, Purpose};
use crate::lane::{CommandId, GroupResult};

/// What is committed, by partition.
type Committed = BTreeMap<TopicPartition, Option<OffsetAndMetadata>>;

/// The questions that wait for an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Questions {
    waiting: Vec<Question>,
}

#[derive(Clone, Debug)]
struct Question {
    id: CommandId,
    partitions: BTreeSet<TopicPartition>,
    retry_until: Instant,
    /// It has not had its chance to be asked, which it gets however little time it is given.
    is_new: bool,
    failures: u32,
    try_at: Option<Instant>,
    wire: Option<RequestToken>,
    last_error: Option<Error>,
}

impl Questions {
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}

impl GroupCore {
    pub(super) fn ask_committed(
        &mut self,
        turn: &mut Turn<'_>,
        id: CommandId,
        partitions: BTreeSet<TopicPartition>,
        retry_until: Instant,
    ) {
        if partitions.is_empty() {
            let result = Ok(Committed::new());
            turn.result(GroupResult::Fetched { id, result });
            return;
        }
        if self.questions.waiting.len() >= QUESTIONS_MAX {
            let text = format!("{QUESTIONS_MAX} questions wait for the coordinator already");
            let error = self.question_error(Error::new(ErrorKind::BufferExhausted, text));
            let result = Err(error);
            turn.result(GroupResult::Fetched { id, result });
            return;
        }
        self.questions.waiting.push(Question {
            id,
            partitions,
            retry_until,
            is_new: true,
            failures: 0,
            try_at: None,
            wire: None,
            last_error: None,
        });
    }

    pub(super) fn send_questions(&mut self, turn: &mut Turn<'_>) {
        if !self.coordinator.is_known() {
            return;
        }
        // The coordinator reads nothing behind a join on the same connection before it has answered
        // that, which may take as long as the slowest member.
        let lane = match self.member.state {
            State::Joining(_) | State::Syncing(..) => Lane::General,
            State::Unjoined | State::Assigning(_) | State::Stable => Lane::Coordinator,
        };
        for place in 0..self.questions.waiting.len() {
            let question = &self.questions.waiting[place];
            let is_early = question.try_at.is_some_and(|at| at > turn.now);
            if question.wire.is_some() || is_early {
                continue;
            }
            let request = Request::from(self.question_request(&question.partitions));
            let token = self.send_to_coordinator(turn, Purpose::Committed, lane, request);
            self.questions.waiting[place].wire = token;
        }
    }

    fn question_request(&self, partitions: &BTreeSet<TopicPartition>) -> OffsetFetchRequest {
        let mut topics: BTreeMap<&TopicName, Vec<i32>> = BTreeMap::new();
        for partition in partitions {
            let numbers = topics.entry(partition.topic()).or_default();
            numbers.push(partition.partition());
        }
        let topics = topics.into_iter().map(|(name, numbers)| {
            OffsetFetchRequestTopics::default()
                .with_name(name.into())
                .with_partition_indexes(numbers)
        });
        let group = OffsetFetchRequestGroup::default()
            .with_group_id((&self.settings.group_id).into())
            .with_topics(Some(topics.collect()));
        OffsetFetchRequest::default()
            .with_groups(vec![group])
            .with_require_stable(true)
    }

    pub(super) fn committed_answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        response: &OffsetFetchResponse,
    ) {
        let Some(question) = self.take_question(token) else {
            return;
        };
        let verdict = match &response.groups[..] {
            [group] => judge(&question.partitions, group),
            groups => {
                let text = format!("{} groups in the answer for one", groups.len());
                Verdict::Refused(Error::new(ErrorKind::MalformedResponse, text))
            }
        };
        match verdict {
            Verdict::Known(offsets) => {
                self.coordinator.confirmed();
                let id = question.id;
                let result = Ok(offsets);
                turn.result(GroupResult::Fetched { id, result });
            }
            Verdict::Refused(error) => self.end_question(turn, &question, error),
            Verdict::Code(reaction, code, partition) => {
                let mut error = failure::of_code(&self.settings, code);
                if let Some(partition) = partition {
                    error = error.with_topic_partition(partition);
                }
                match reaction {
                    Reaction::Retry => self.retry_question(turn, question, error),
                    Reaction::FindCoordinator => {
                        self.coordinator_lost(turn, request.tenure, error.clone());
                        self.retry_question(turn, question, error);
                    }
                    _ => self.end_question(turn, &question, error),
                }
            }
        }
    }

    pub(super) fn committed_unanswered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        error: RequestError,
    ) {
        let Some(question) = self.take_question(token) else {
            return;
        };
        let is_final = !error.is_retriable();
        let error = Error::from(error);
        if is_final {
            self.end_question(turn, &question, error);
        } else {
            self.retry_question(turn, question, error);
        }
    }

    fn retry_question(&mut self, turn: &mut Turn<'_>, mut question: Question, error: Error) {
        question.try_at = turn.now.checked_add(self.backoff(question.failures));
        question.failures = question.failures.saturating_add(1);
        question.wire = None;
        question.last_error = Some(error);
        self.questions.waiting.push(question);
    }

    fn take_question(&mut self, token: RequestToken) -> Option<Question> {
        let waiting = &mut self.questions.waiting;
        let place = waiting
            .iter()
            .position(|question| question.wire == Some(token))?;
        Some(waiting.remove(place))
    }

    fn end_question(&self, turn: &mut Turn<'_>, question: &Question, error: Error) {
        let id = question.id;
        let result = Err(self.question_error(error));
        turn.result(GroupResult::Fetched { id, result });
    }

    /// Answers questions whose time is over. One that has no time at all is asked once, and the
    /// next turn answers it.
    pub(super) fn expire_questions(&mut self, turn: &mut Turn<'_>) {
        for mut question in std::mem::take(&mut self.questions.waiting) {
            let is_new = std::mem::take(&mut question.is_new);
            if is_new || question.retry_until > turn.now {
                self.questions.waiting.push(question);
                continue;
            }
            let cause = question.last_error.as_ref();
            let cause = cause.or_else(|| self.coordinator.last_error());
            let text = "the time for it is over";
            let error = failure::caused_by(ErrorKind::Timeout, text, cause);
            self.end_question(turn, &question, error);
        }
    }

    /// Fails everything that is asked.
    pub(super) fn fail_questions(&mut self, turn: &mut Turn<'_>, error: &Error) {
        for question in std::mem::take(&mut self.questions.waiting) {
            self.end_question(turn, &question, error.clone());
        }
    }

    /// When a question is to be asked again, or its time is over.
    pub(super) fn question_deadline(&self) -> Option<Instant> {
        let waiting = &self.questions.waiting;
        let unsent = waiting.iter().filter(|question| question.wire.is_none());
        let try_at = unsent.filter_map(|question| question.try_at).min();
        let try_at = try_at.filter(|_| self.coordinator.is_known());
        let over_at = waiting.iter().map(|question| question.retry_until).min();
        try_at.into_iter().chain(over_at).min()
    }

    fn question_error(&self, error: Error) -> Error {
        let what = "fetching committed offsets";
        let broker = self.coordinator.broker();
        error.with_context(failure::context(what, &self.settings.group_id, broker))
    }
}

/// What a response says about a question.
enum Verdict {
    Known(Committed),
    /// The first decisive code, of the group or of one partition.
    Code(Reaction, ErrorCode, Option<TopicPartition>),
    Refused(Error),
}

fn judge(asked: &BTreeSet<TopicPartition>, group: &OffsetFetchResponseGroup) -> Verdict {
    let code = ErrorCode(group.error_code);
    let whole = reaction(Context::OffsetFetch, code);
    if whole != Reaction::Accept {
        return Verdict::Code(whole, code, None);
    }
    let nothing = asked.iter().map(|partition| (partition.clone(), None));
    let mut offsets: Committed = nothing.collect();
    let mut refused_topics = BTreeSet::new();
    for topic in &group.topics {
        for answer in &topic.partitions {
            let partition = TopicPartition::new(&topic.name, answer.partition_index);
            let code = ErrorCode(answer.error_code);
            match reaction(Context::OffsetFetchPartition, code) {
                Reaction::Accept => {}
                Reaction::FailTopic => {
                    refused_topics.insert(partition.topic().clone());
                    continue;
                }
                reaction => return Verdict::Code(reaction, code, Some(partition)),
            }
            let Some(known) = offsets.get_mut(&partition) else {
                continue;
            };
            if answer.committed_offset >= 0 {
                let metadata = answer.metadata.as_deref().unwrap_or_default();
                *known = Some(OffsetAndMetadata {
                    offset: Offset::new(answer.committed_offset),
                    leader_epoch: LeaderEpoch::from_wire(answer.committed_leader_epoch),
                    metadata: metadata.to_owned(),
                });
            }
        }
    }
    if refused_topics.is_empty() {
        return Verdict::Known(offsets);
    }
    let text = "not allowed to read the committed offsets of the topic";
    let error = Error::new(ErrorKind::TopicAuthorization, text);
    Verdict::Refused(error.with_topics(refused_topics))
}

/// Questions that may wait for the coordinator.
const QUESTIONS_MAX: usize = 1024;
