//! Commits offsets: in the order in which the consumer asks, stamped with the generation that the
//! member holds, with a retry where the consumer wants one.
//!
//! Nothing is held while a join or sync is outstanding: a held commit would let `commit_sync` wait
//! for a failure. And nothing is sent again under another identity than before.

mod messages;

use std::collections::VecDeque;
use std::time::Instant;

use weft_client::net::{Lane, RequestError, RequestToken};
use weft_client::wire::messages::OffsetCommitResponse;
use weft_client::wire::{ErrorCode, Membership as Remains, Reaction, Request};
use weft_client::{Error, ErrorKind};

use self::messages::{Verdict, judge};
use super::core::{GroupCore, Turn};
use super::failure;
use super::membership::Identity;
use super::requests::{Outstanding, Purpose};
use crate::lane::{CommandId, GroupResult, Offsets};

/// The commits that were asked for, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Commits {
    queue: VecDeque<Commit>,
}

#[derive(Clone, Debug)]
struct Commit {
    id: CommandId,
    offsets: Offsets,
    retry_until: Option<Instant>,
    /// It has not had its chance to be sent, which it gets however little time it is given.
    is_new: bool,
    failures: u32,
    try_at: Option<Instant>,
    wire: Option<RequestToken>,
    /// The consumer has its result; what is on the wire is only waited for.
    is_answered: bool,
    last_error: Option<Error>,
}

impl Commits {
    /// Whether the consumer waits for a result.
    pub(super) fn is_waiting(&self) -> bool {
        self.queue.iter().any(|commit| !commit.is_answered)
    }

    pub(super) fn is_on_the_wire(&self) -> bool {
        self.queue.iter().any(|commit| commit.wire.is_some())
    }

    /// The next commit that may be sent, by its place. One that is retried holds back those behind
    /// it, lest an old offset overwrites a newer one.
    fn next_to_send(&self) -> Option<usize> {
        for (place, commit) in self.queue.iter().enumerate() {
            let is_retried = commit.retry_until.is_some() && !commit.is_answered;
            if commit.wire.is_none() && !commit.is_answered {
                return Some(place);
            }
            if is_retried {
                return None;
            }
        }
        None
    }
}

impl GroupCore {
    pub(super) fn commit(
        &mut self,
        turn: &mut Turn<'_>,
        id: CommandId,
        offsets: Offsets,
        retry_until: Option<Instant>,
    ) {
        let refusal = if self.commits.queue.len() >= COMMITS_MAX {
            let text = format!("{COMMITS_MAX} commits wait for the coordinator already");
            Some(Error::new(ErrorKind::RetriableCommitFailed, text))
        } else {
            self.commit_refusal()
        };
        if offsets.is_empty() || refusal.is_some() {
            let result = refusal.map_or(Ok(()), |error| Err(self.commit_error(error)));
            turn.result(GroupResult::Committed { id, result });
            return;
        }
        self.commits.queue.push_back(Commit {
            id,
            offsets,
            retry_until,
            is_new: true,
            failures: 0,
            try_at: None,
            wire: None,
            is_answered: false,
            last_error: None,
        });
    }

    /// Why a commit cannot be sent now, if it cannot.
    fn commit_refusal(&self) -> Option<Error> {
        let member = &self.member;
        // Without a subscription nobody is a member, and offsets are committed for no generation.
        member.subscription.as_ref()?;
        if let Some(fenced) = &member.fenced {
            return Some(fenced.clone());
        }
        if member.is_rebalancing() {
            let text = "the group is rebalancing: poll, then commit again";
            return Some(Error::new(ErrorKind::RebalanceInProgress, text));
        }
        let text = "the consumer is not a member of the group now; its partitions may have been \
                    given to others, because it did not poll in time or was taken for dead";
        let is_member = member.identity.is_in_generation();
        (!is_member).then(|| Error::new(ErrorKind::CommitFailed, text))
    }

    /// Sends what may be sent.
    pub(super) fn send_commits(&mut self, turn: &mut Turn<'_>) {
        while let Some(place) = self.commits.next_to_send() {
            let commit = &self.commits.queue[place];
            let is_early = commit.try_at.is_some_and(|at| at > turn.now);
            if is_early || !self.coordinator.is_known() {
                return;
            }
            let request = Request::from(self.commit_request(&commit.offsets));
            let token = self.send_to_coordinator(turn, Purpose::Commit, Lane::Coordinator, request);
            self.commits.queue[place].wire = token;
        }
    }

    pub(super) fn commit_answered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        response: &OffsetCommitResponse,
    ) {
        let Some(commit) = self.take_commit(token) else {
            return;
        };
        match judge(&commit.offsets, response) {
            Verdict::Done => {
                self.coordinator.confirmed();
                self.end_commit(turn, &commit, Ok(()));
            }
            Verdict::Refused(error) => self.end_commit(turn, &commit, Err(error)),
            Verdict::Code(reaction, code, partition) => {
                let error = failure::of_code(&self.settings, code).with_topic_partition(partition);
                self.commit_refused(turn, commit, request, reaction, error);
            }
        }
    }

    fn commit_refused(
        &mut self,
        turn: &mut Turn<'_>,
        commit: Commit,
        request: &Outstanding,
        reaction: Reaction,
        error: Error,
    ) {
        let failed =
            |kind: ErrorKind| failure::caused_by(kind, "the commit was refused", Some(&error));
        match reaction {
            Reaction::Retry => self.retry_commit(turn, commit, &request.sent_as, error),
            Reaction::FindCoordinator => {
                self.coordinator_lost(turn, request.tenure, error.clone());
                self.retry_commit(turn, commit, &request.sent_as, error);
            }
            Reaction::Rejoin(Remains::KeepGeneration) => {
                let reason = "offset commit failed since group is already rebalancing";
                if self.member.identity.is_in_generation() {
                    self.member.rejoin_because(reason);
                }
                let error = failed(ErrorKind::RebalanceInProgress);
                self.end_commit(turn, &commit, Err(error));
            }
            Reaction::Rejoin(remains) => {
                let error = failed(ErrorKind::CommitFailed);
                self.end_commit(turn, &commit, Err(error));
                self.disowned(turn, &request.sent_as, remains);
            }
            Reaction::Fenced if self.member.identity == request.sent_as => {
                self.end_commit(turn, &commit, Err(error));
                // Not the commit's error: that one is a partition's, and goes with the partitions.
                let code = ErrorCode::FENCED_INSTANCE_ID;
                let context = self.commit_context();
                let error = failure::of_code(&self.settings, code).with_context(context);
                self.fenced(turn, error);
            }
            Reaction::Fenced => {
                let error = failed(ErrorKind::CommitFailed);
                self.end_commit(turn, &commit, Err(error));
            }
            _ => self.end_commit(turn, &commit, Err(error)),
        }
    }

    pub(super) fn commit_unanswered(
        &mut self,
        turn: &mut Turn<'_>,
        token: RequestToken,
        request: &Outstanding,
        error: RequestError,
    ) {
        let Some(commit) = self.take_commit(token) else {
            return;
        };
        let is_final = !error.is_retriable();
        let error = Error::from(error);
        if is_final {
            self.end_commit(turn, &commit, Err(error));
        } else {
            self.retry_commit(turn, commit, &request.sent_as, error);
        }
    }

    /// Puts a commit back to its place, to be tried again, if the consumer still waits for it and
    /// the member still is who it was.
    fn retry_commit(
        &mut self,
        turn: &mut Turn<'_>,
        mut commit: Commit,
        sent_as: &Identity,
        error: Error,
    ) {
        let refusal = self.commit_refusal();
        let is_same = self.member.identity == *sent_as;
        let refusal = refusal.or_else(|| (!is_same).then(has_changed));
        if commit.is_answered {
            return;
        }
        if let Some(refusal) = refusal {
            self.end_commit(turn, &commit, Err(refusal));
        } else if commit.retry_until.is_none() {
            let text = "the commit has one try, and may be made again";
            let kind = ErrorKind::RetriableCommitFailed;
            let error = failure::caused_by(kind, text, Some(&error));
            self.end_commit(turn, &commit, Err(error));
        } else {
            commit.try_at = turn.now.checked_add(self.backoff(commit.failures));
            commit.failures = commit.failures.saturating_add(1);
            commit.wire = None;
            commit.last_error = Some(error);
            let queue = &mut self.commits.queue;
            let place = queue.partition_point(|other| other.id < commit.id);
            queue.insert(place, commit);
        }
    }

    fn take_commit(&mut self, token: RequestToken) -> Option<Commit> {
        let mut queue = self.commits.queue.iter();
        let place = queue.position(|commit| commit.wire == Some(token))?;
        self.commits.queue.remove(place)
    }

    fn end_commit(&self, turn: &mut Turn<'_>, commit: &Commit, result: Result<(), Error>) {
        if !commit.is_answered {
            let result = result.map_err(|error| self.commit_error(error));
            let id = commit.id;
            turn.result(GroupResult::Committed { id, result });
        }
    }

    /// Answers commits whose time is over. One that has no time at all goes out once and is
    /// answered by the next turn, as Java's consumer sends it once and looks for the answer once.
    pub(super) fn expire_commits(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let is_over = |commit: &Commit| {
            let is_late = commit.retry_until.is_some_and(|until| until <= now);
            is_late && !commit.is_new
        };
        let mut queue = self.commits.queue.iter();
        if queue.any(|commit| is_over(commit) && !commit.is_answered) {
            self.fail_commits(turn, is_over, |core, commit| {
                let cause = commit
                    .last_error
                    .as_ref()
                    .or_else(|| core.coordinator.last_error());
                failure::caused_by(ErrorKind::Timeout, "the time for it is over", cause)
            });
        }
        for commit in &mut self.commits.queue {
            commit.is_new = false;
        }
    }

    /// No coordinator was found at once: commits with one try end here.
    pub(super) fn fail_single_commits(&mut self, turn: &mut Turn<'_>, cause: &Error) {
        self.fail_commits(
            turn,
            |commit| commit.wire.is_none() && commit.retry_until.is_none(),
            |_, _| {
                let text = "no coordinator was found";
                failure::caused_by(ErrorKind::RetriableCommitFailed, text, Some(cause))
            },
        );
    }

    /// Fails what is not on the wire.
    pub(super) fn fail_waiting_commits(&mut self, turn: &mut Turn<'_>, error: &Error) {
        self.fail_commits(turn, |commit| commit.wire.is_none(), |_, _| error.clone());
    }

    /// Fails everything, also what the coordinator may still carry out.
    pub(super) fn fail_all_commits(&mut self, turn: &mut Turn<'_>, error: &Error) {
        self.fail_commits(turn, |_| true, |_, _| error.clone());
    }

    fn fail_commits(
        &mut self,
        turn: &mut Turn<'_>,
        which: impl Fn(&Commit) -> bool,
        error: impl Fn(&Self, &Commit) -> Error,
    ) {
        for mut commit in std::mem::take(&mut self.commits.queue) {
            if which(&commit) {
                self.end_commit(turn, &commit, Err(error(self, &commit)));
                commit.is_answered = true;
            }
            if !commit.is_answered || commit.wire.is_some() {
                self.commits.queue.push_back(commit);
            }
        }
    }

    /// When a commit is to be tried again, or its time is over.
    pub(super) fn commit_deadline(&self) -> Option<Instant> {
        let queue = &self.commits.queue;
        let next = self.commits.next_to_send().map(|place| &queue[place]);
        let try_at = next.and_then(|commit| commit.try_at);
        let waiting = queue.iter().filter(|commit| !commit.is_answered);
        let over_at = waiting.filter_map(|commit| commit.retry_until).min();
        let try_at = try_at.filter(|_| self.coordinator.is_known());
        try_at.into_iter().chain(over_at).min()
    }

    fn commit_context(&self) -> String {
        let broker = self.coordinator.broker();
        failure::context("committing offsets", &self.settings.group_id, broker)
    }

    fn commit_error(&self, error: Error) -> Error {
        error.with_context(self.commit_context())
    }
}

fn has_changed() -> Error {
    let text = "the member left its generation before the coordinator answered";
    Error::new(ErrorKind::CommitFailed, text)
}

/// Commits that may wait for the coordinator.
const COMMITS_MAX: usize = 1024;
