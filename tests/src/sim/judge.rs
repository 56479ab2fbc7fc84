//! Judges a whole history, and what clients send while it happens.

use std::collections::BTreeSet;

use bytes::Bytes;
use kafka_protocol::messages::ConsumerProtocolAssignment;
use kafka_protocol::protocol::Decodable;
use weft_client::wire::{ApiKey, Request, decode_request};
use weft_client::{MemberId, Offset};

use super::GROUP;
use super::history::partition_of;
use super::inner::Inner;
use super::plan::Kind;
use crate::guarantee::{
    CommitSeen, Illegal, at_least_once, committed_is_finished, committed_is_not_replayed,
    first_times_in_order, no_overlap, no_regress, order_per_lane,
};

impl Inner {
    /// Takes note of a commit that the coordinator has accepted.
    pub(super) fn committed(&mut self, number: i32, offset: Offset) {
        let (now, tick) = (self.now, self.history.tick());
        self.history.committed.insert(number, offset);
        self.history.commits.push(CommitSeen {
            partition: number,
            committed: offset,
            asked: tick,
            answered: tick,
        });
        self.history.progressed_at = now;
        let (topic, partition) = partition_of(number);
        self.history
            .note(now, || format!("committed {topic}-{partition}@{offset}"));
    }

    /// Takes note of a request that a broker is about to serve.
    pub(super) fn observe(&mut self, process: usize, frame: &Bytes) {
        let &[high, low, ..] = &frame[..] else { return };
        let api_key = i16::from_be_bytes([high, low]);
        let state = self.cluster.group_state(GROUP);
        let (now, kind) = (self.now, ApiKey::try_from(api_key));
        self.history.mark(now, u64::from(api_key.unsigned_abs()));
        let Ok(kind) = kind else { return };
        if is_of_groups(kind) {
            let state = state.map_or_else(|| "no group".to_owned(), |state| format!("{state:?}"));
            self.coverage
                .count("group state x request", &format!("{state} x {kind:?}"));
        }
        self.history
            .note(now, || match decode_request(frame.clone()) {
                Ok((head, request)) => {
                    format!(
                        "p{process} -> {kind:?} v{} {}",
                        head.api_version,
                        brief(&request)
                    )
                }
                Err(error) => format!("p{process} -> {kind:?}: {error}"),
            });
        if kind == ApiKey::Heartbeat
            && let Ok((_, Request::Heartbeat(request))) = decode_request(frame.clone())
        {
            self.last_member = Some(MemberId::from(request.member_id.as_str()));
        }
        if kind == ApiKey::SyncGroup
            && let Ok((_, Request::SyncGroup(request))) = decode_request(frame.clone())
        {
            let mut owned = BTreeSet::new();
            for assignment in &request.assignments {
                let mut bytes = assignment.assignment.slice(2..);
                let Ok(given) = ConsumerProtocolAssignment::decode(&mut bytes, 0) else {
                    continue;
                };
                for topic in given.assigned_partitions {
                    for partition in topic.partitions {
                        if !owned.insert((topic.topic.to_string(), partition)) {
                            let text = format!("{}-{partition} is given to two", *topic.topic);
                            self.complain("one owner per generation", &text);
                        }
                    }
                }
            }
        }
    }

    /// Judges everything that happened.
    pub(super) fn judge(&mut self) {
        let history = &self.history;
        let (handled, commits) = (&history.handled, &history.commits);
        let all = history.handled_or_nothing();
        // A commit that was still on its way when a program went back may be overtaken by smaller
        // ones: commits go back where the user does.
        let seen = commits.iter().copied();
        let straight: Vec<CommitSeen> = seen
            .filter(|seen| !history.rewound.contains(&seen.partition))
            .collect();
        let mut found: Vec<(&'static str, Result<(), Illegal>)> = vec![
            (
                "at least once",
                at_least_once(&history.ends, &all).map(drop),
            ),
            ("commits never go back", no_regress(&straight)),
            (
                "commits never pass what is unfinished",
                committed_is_finished(commits, &all),
            ),
        ];
        let pools = self.plan.members.iter();
        let has_pool = pools
            .clone()
            .any(|member| matches!(member.kind, Kind::WorkerPool(..)));
        let is_ordered = !has_pool || self.plan.ordering != weft_runtime::route::Ordering::None;
        if is_ordered {
            found.push(("order of a key", first_times_in_order(handled)));
        }
        if self.plan.is_calm {
            found.push((
                "nothing committed is repeated",
                committed_is_not_replayed(commits, handled),
            ));
            if is_ordered {
                found.push(("order of a key, one at a time", order_per_lane(handled)));
                found.push(("one instance per key", no_overlap(handled, &[])));
            }
        }
        for (guarantee, judgement) in found {
            if let Err(illegal) = judgement {
                self.complain(guarantee, &illegal.to_string());
            }
        }
        let violations = self.cluster.violations().to_vec();
        for violation in violations {
            self.complain("the protocol", &violation);
        }
    }
}

fn is_of_groups(api_key: ApiKey) -> bool {
    matches!(
        api_key,
        ApiKey::JoinGroup
            | ApiKey::SyncGroup
            | ApiKey::Heartbeat
            | ApiKey::LeaveGroup
            | ApiKey::OffsetCommit
            | ApiKey::OffsetFetch
    )
}

/// What of a request helps to read a history.
fn brief(request: &Request) -> String {
    match request {
        Request::JoinGroup(join) => {
            format!("member {:?} {:?}", &*join.member_id, join.group_instance_id)
        }
        Request::SyncGroup(sync) => format!(
            "member {:?} generation {} ({} assignments)",
            &*sync.member_id,
            sync.generation_id,
            sync.assignments.len()
        ),
        Request::Heartbeat(beat) => {
            format!(
                "member {:?} generation {}",
                &*beat.member_id, beat.generation_id
            )
        }
        Request::OffsetCommit(commit) => {
            let offsets = commit.topics.iter().flat_map(|topic| {
                let partitions = topic.partitions.iter();
                partitions.map(|partition| {
                    let (index, offset) = (partition.partition_index, partition.committed_offset);
                    format!("{}-{index}@{offset}", *topic.name)
                })
            });
            let offsets: Vec<String> = offsets.collect();
            format!(
                "generation {}: {}",
                commit.generation_id_or_member_epoch,
                offsets.join(" ")
            )
        }
        _ => String::new(),
    }
}
