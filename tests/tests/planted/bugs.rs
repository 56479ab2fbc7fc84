//! The bugs.

/// One changed place, and what it breaks.
pub(crate) struct Bug {
    pub(crate) name: &'static str,
    /// What a user would notice.
    pub(crate) breaks: &'static str,
    pub(crate) file: &'static str,
    /// What stands there once, and only once.
    sound: &'static str,
    broken: &'static str,
}

impl Bug {
    /// The text of the file with the bug in it.
    pub(crate) fn planted(&self, source: &str) -> Result<String, String> {
        match source.matches(self.sound).count() {
            1 => Ok(source.replace(self.sound, self.broken)),
            0 => Err(format!(
                "{} does not contain `{}` any more",
                self.file, self.sound
            )),
            many => Err(format!(
                "{} contains `{}` {many} times",
                self.file, self.sound
            )),
        }
    }
}

pub(crate) const BUGS: &[Bug] = &[
    Bug {
        name: "commit_ahead_of_the_first_unfinished_record",
        breaks: "records that were never handled are committed",
        file: "runtime/src/ledger/mod.rs",
        sound: "Some(run) if head < self.finished.tail() => {",
        broken: "Some(run) if head + 1 < self.finished.tail() => {",
    },
    Bug {
        name: "one_record_too_far",
        breaks: "the last record of a partition before a commit is never handled",
        file: "runtime/src/ledger/mod.rs",
        sound: "Offset::new(run.offset + (sequence - run.sequence) as i64)",
        broken: "Offset::new(run.offset + (sequence - run.sequence) as i64 + 1)",
    },
    Bug {
        name: "stale_answer_is_taken",
        breaks: "records of an earlier life of a position are handed out",
        file: "consumer/src/core/fetching.rs",
        sound: concat!(
            "partition.stamp() == answer.asked.stamp\n",
            "                        && partition.fetch_offset() == answer.asked.offset",
        ),
        broken: "partition.stamp() >= answer.asked.stamp",
    },
    Bug {
        name: "position_runs_ahead_of_a_short_poll",
        breaks: "records beyond max.poll.records are skipped",
        file: "consumer/src/core/collect.rs",
        sound: "partition.advance(position, epoch);",
        broken: "partition.advance(partition.fetch_offset().max(position), epoch);",
    },
    Bug {
        name: "a_lane_in_two_hands",
        breaks: "records of one key are handled at once",
        file: "runtime/src/worker_pool/lanes/mod.rs",
        sound: "if lane.state == LaneState::Idle {\n                lane.state = LaneState::Ready;",
        broken: concat!(
            "if lane.state != LaneState::Ready {\n",
            "                lane.state = LaneState::Ready;",
        ),
    },
    Bug {
        name: "a_failed_portion_comes_back_in_reverse",
        breaks: "the order of a key after a failure",
        file: "runtime/src/worker_pool/lanes/mod.rs",
        sound: "for (task, outcome) in rest.iter().rev() {",
        broken: "for (task, outcome) in rest.iter() {",
    },
    Bug {
        name: "a_fenced_assignment_keeps_its_records",
        breaks: "records of partitions that were lost stay with the workers",
        file: "runtime/src/worker_pool/lanes/drain.rs",
        sound: "        self.drain_below(slot, Sequence(0));\n",
        broken: "",
    },
    Bug {
        name: "a_failed_commit_counts_as_sent",
        breaks: "what was handled is not committed",
        file: "runtime/src/commit.rs",
        sound: "progress.sent = progress.acknowledged;",
        broken: "",
    },
    Bug {
        name: "a_rebalance_is_not_noticed",
        breaks: "the member is thrown out, because it does not come to the next generation",
        file: "consumer/src/group/heartbeat.rs",
        sound: "if matches!(self.member.state, State::Stable) {",
        broken: "if matches!(self.member.state, State::Unjoined) {",
    },
    Bug {
        name: "a_disowned_member_keeps_its_partitions",
        breaks: "partitions are owned twice",
        file: "consumer/src/group/join.rs",
        sound: concat!(
            "        self.reset_membership(turn, member_id);\n",
            "        self.hand_over_loss(turn, Loss::OfPartitions);",
        ),
        broken: "        self.reset_membership(turn, member_id);",
    },
    Bug {
        name: "a_revoked_partition_is_still_read",
        breaks: "partitions are read beside their new owner",
        file: "consumer/src/core/assignment.rs",
        sound: concat!(
            "            self.assignment.remove(partition);\n",
            "            self.partitions.remove(partition);",
        ),
        broken: "            self.assignment.remove(partition);",
    },
    Bug {
        name: "a_committed_offset_is_passed_over",
        breaks: "reading begins one record behind what was committed",
        file: "consumer/src/core/offsets.rs",
        sound: "        offset: place.offset,\n        leader_epoch: place.leader_epoch,",
        broken: "        offset: place.offset.next(),\n        leader_epoch: place.leader_epoch,",
    },
    Bug {
        name: "a_committed_offset_is_forgotten",
        breaks: "a partition that is taken over is read from its beginning",
        file: "consumer/src/core/offsets.rs",
        sound: "(Some(committed), _) => {",
        broken: concat!(
            "(Some(_), Some(to)) => partition.set(Position::AwaitingReset(to), stamp),\n",
            "                (Some(committed), None) => {",
        ),
    },
    Bug {
        name: "the_range_assignor_gives_a_partition_twice",
        breaks: "partitions are owned twice",
        file: "consumer/src/assign/range.rs",
        sound: concat!(
            "        self.unassigned.remove(&number);\n",
            "        self.shares[reader].insert(number);",
        ),
        broken: "        self.shares[reader].insert(number);",
    },
    Bug {
        name: "a_join_does_not_wait_for_the_answer",
        breaks: "a joining member still owns what it should give up",
        file: "consumer/src/group/join.rs",
        sound: "        if self.handover.is_pending() || self.commits.is_on_the_wire() {",
        broken: "        if self.commits.is_on_the_wire() {",
    },
    Bug {
        name: "aborted_records_are_handed_out",
        breaks: "records of aborted transactions are handled",
        file: "consumer/src/fetch/completed.rs",
        sound: "return Ok(header.is_transactional() && aborted.is_open(producer.id));",
        broken: "return Ok(header.is_transactional() && aborted.is_open(-1 - producer.id));",
    },
    Bug {
        name: "an_abort_never_ends",
        breaks: "what a producer commits after an abort is never handled",
        file: "consumer/src/fetch/completed.rs",
        sound: "            aborted.end(producer.id);\n",
        broken: "",
    },
    Bug {
        name: "one_thread_commits_ahead",
        breaks: "a record that was never handled is committed",
        file: "runtime/src/per_thread/progress.rs",
        sound: "            owned.next = Some(next);",
        broken: concat!(
            "            let offset = next.offset.next();\n",
            "            owned.next = Some(OffsetAndMetadata { offset, ..next });",
        ),
    },
];
