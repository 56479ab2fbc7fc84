//! A copy of the data plane, for searches that go back to where they were. What its decompressor
//! keeps between batches makes no difference.

use weft_client::record::Decompressor;

use crate::core::ConsumerCore;

impl Clone for ConsumerCore {
    fn clone(&self) -> Self {
        Self {
            options: self.options.clone(),
            cluster: self.cluster.clone(),
            subscription: self.subscription.clone(),
            assignment: self.assignment.clone(),
            partitions: self.partitions.clone(),
            buffer: self.buffer.clone(),
            pending: self.pending.clone(),
            nodes: self.nodes.clone(),
            look_ups: self.look_ups.clone(),
            topic_questions: self.topic_questions.clone(),
            has_all_topics: self.has_all_topics,
            errors: self.errors.clone(),
            decompressor: Decompressor::default(),
            standings: self.standings.clone(),
            is_assignment_new: self.is_assignment_new,
            random: self.random.clone(),
            last_number: self.last_number,
            is_plan_stale: self.is_plan_stale,
            unchanged: self.unchanged.clone(),
            plans: self.plans,
            is_confirmation_due: self.is_confirmation_due,
            awaits_committed: self.awaits_committed,
            plan_at: self.plan_at,
            seen_version: self.seen_version,
            last_connection_error: self.last_connection_error.clone(),
            logged: self.logged.clone(),
            wall_time_ms: self.wall_time_ms,
        }
    }
}
