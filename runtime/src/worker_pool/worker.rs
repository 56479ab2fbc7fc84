//! A worker: takes records, runs the handler, reports.

#![expect(
    clippy::disallowed_methods,
    reason = "this shell times each hand, and failed records wait from now on"
)]

use std::sync::Arc;

use weft_client::host;

use crate::attempt::{Attempts, Next};
use crate::crew::Crew;
use crate::stats::Counters;

use super::lanes::Outcome;
use super::pace::Pace;
use super::pool::{Pool, WorkerHand};

pub(super) struct Worker {
    index: usize,
    pool: Arc<Pool>,
    crew: Arc<Crew>,
    attempts: Attempts,
    counters: Arc<Counters>,
    hand: WorkerHand,
    pace: Pace,
}

impl Worker {
    pub(super) fn new(
        index: usize,
        pool: Arc<Pool>,
        crew: Arc<Crew>,
        attempts: Attempts,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            index,
            pool,
            crew,
            attempts,
            counters,
            hand: WorkerHand::default(),
            pace: Pace::default(),
        }
    }

    /// Works until the pool is closed.
    pub(super) fn run(mut self) {
        let (pool, index) = (Arc::clone(&self.pool), self.index);
        while pool.exchange(index, &mut self.hand, self.pace.limit()) {
            self.work();
        }
    }

    /// Handles one record, if there is one that may be taken; says whether there was.
    pub(super) fn work_once(&mut self) -> bool {
        let has_work = self.pool.try_exchange(self.index, &mut self.hand, 1);
        if has_work {
            self.work();
            // The report: nothing else would bring the hand back.
            self.pool.try_exchange(self.index, &mut self.hand, 0);
        }
        has_work
    }

    /// Handles what is in the hand.
    fn work(&mut self) {
        let began_at = host::now();
        let (mut started, mut handled, mut fenced) = (0, 0, 0);
        let mut is_all_finished = true;
        while let Some(portion) = self.pool.claim(self.index) {
            for index in self.hand.portion(portion) {
                let held = self.hand.record(index);
                let run = Arc::clone(held.run);
                if run.fence.is_closed() {
                    is_all_finished = false;
                    continue;
                }
                started += 1;
                let record = run.records.record_at(held.position);
                let next = self.attempts.attempt(&record, held.failures, &run.fence);
                let outcome = match next {
                    Next::Done => {
                        handled += 1;
                        fenced += u64::from(run.fence.is_closed());
                        Outcome::Finished
                    }
                    Next::Skip => Outcome::Finished,
                    Next::RetryAfter(delay) => Outcome::RetryAt(host::now() + delay),
                    Next::Stop(error) => {
                        self.crew.fail(error);
                        Outcome::Blocked
                    }
                    Next::Cancelled => Outcome::NotStarted,
                };
                self.hand.set(index, outcome);
                if outcome != Outcome::Finished {
                    is_all_finished = false;
                    // What follows in the lane waits for this record.
                    break;
                }
                if is_all_finished {
                    self.pool.finish(self.index, index);
                }
            }
        }
        self.counters.handled.add(handled);
        self.counters.fenced.add(fenced);
        self.pace
            .observe(started, host::now().saturating_duration_since(began_at));
    }
}
