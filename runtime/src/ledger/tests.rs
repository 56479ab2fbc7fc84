//! What the ledger says of orders that were thought of, and of those that were not.

use weft_client::backoff::Random;

use super::*;

const EPOCH: AssignmentEpoch = AssignmentEpoch(7);

fn leader(epoch: i32) -> Option<LeaderEpoch> {
    LeaderEpoch::from_wire(epoch)
}

fn ledger(offsets: &[i64]) -> Ledger {
    let mut ledger = Ledger::new(EPOCH);
    for offset in offsets {
        ledger.register(Offset::new(*offset), leader(0));
    }
    ledger
}

fn finish(ledger: &mut Ledger, sequences: &[u64]) -> i64 {
    for sequence in sequences {
        assert_eq!(ledger.finish(EPOCH, Sequence(*sequence)), Finish::Counted);
    }
    frontier(ledger)
}

fn frontier(ledger: &Ledger) -> i64 {
    ledger.frontier().unwrap().offset.value()
}

fn reach(ledger: &mut Ledger, offset: i64) {
    ledger.reach(&OffsetAndMetadata::new(Offset::new(offset)));
}

#[test]
fn nothing_is_committed_before_a_position_is_known() {
    let mut ledger = Ledger::new(EPOCH);
    assert_eq!(ledger.frontier(), None);
    assert_eq!(ledger.checkpoint(), None);
    reach(&mut ledger, 12);
    assert_eq!(frontier(&ledger), 12, "a poll may pass over markers alone");
}

#[test]
fn completions_in_reverse_order_move_the_frontier_only_with_the_head() {
    let mut ledger = ledger(&(100..300).collect::<Vec<_>>());
    for sequence in (1..200).rev() {
        assert_eq!(finish(&mut ledger, &[sequence]), 100);
    }
    assert_eq!(ledger.span(), 200);
    assert_eq!(finish(&mut ledger, &[0]), 300);
    assert_eq!((ledger.span(), ledger.unfinished()), (0, 0));
}

#[test]
fn gaps_left_by_compaction_are_not_waited_for() {
    let mut ledger = ledger(&[0, 7, 8, 5_000]);
    assert_eq!(finish(&mut ledger, &[2, 0]), 7);
    assert_eq!(finish(&mut ledger, &[1]), 5_000);
    assert_eq!(finish(&mut ledger, &[3]), 5_001);
}

#[test]
fn a_gap_at_the_end_is_passed_once_all_before_it_is_finished() {
    let mut ledger = ledger(&[0, 2, 4]);
    reach(&mut ledger, 6);
    assert_eq!(finish(&mut ledger, &[0, 2]), 2);
    assert_eq!(finish(&mut ledger, &[1]), 6, "the marker at 5 is passed");
}

#[test]
fn a_record_that_directly_follows_a_gap_keeps_its_own_offset() {
    let mut ledger = ledger(&[0, 1]);
    reach(&mut ledger, 5);
    ledger.register(Offset::new(5), leader(0));
    assert_eq!(finish(&mut ledger, &[0, 1]), 5);
    assert_eq!(finish(&mut ledger, &[2]), 6);
}

#[test]
fn a_position_behind_the_known_one_changes_nothing() {
    let mut ledger = ledger(&[10]);
    reach(&mut ledger, 4);
    assert_eq!(ledger.position(), Some(Offset::new(11)));
}

#[test]
#[should_panic(expected = "offset 9 is registered behind position 11")]
fn a_jump_backwards_needs_a_new_ledger() {
    ledger(&[10]).register(Offset::new(9), None);
}

#[test]
fn completions_of_another_assignment_or_of_nothing_change_nothing() {
    let mut ledger = ledger(&[0, 1]);
    let before = ledger.clone();
    let other = AssignmentEpoch(6);
    assert_eq!(ledger.finish(other, Sequence(0)), Finish::Foreign);
    assert_eq!(ledger.finish(EPOCH, Sequence(2)), Finish::Foreign);
    assert_eq!(ledger, before);
    finish(&mut ledger, &[0]);
    assert_eq!(ledger.finish(EPOCH, Sequence(0)), Finish::Again);
    finish(&mut ledger, &[1]);
    assert_eq!(ledger.finish(EPOCH, Sequence(1)), Finish::Again);
}

#[test]
fn the_frontier_carries_the_epoch_of_the_record_before_it() {
    let mut ledger = Ledger::new(EPOCH);
    for (offset, epoch) in [(0, 3), (1, 3), (2, 4), (3, 4), (9, 5)] {
        ledger.register(Offset::new(offset), leader(epoch));
    }
    let mut seen = vec![ledger.frontier().unwrap()];
    for sequence in 0..5 {
        finish(&mut ledger, &[sequence]);
        seen.push(ledger.frontier().unwrap());
    }
    let seen: Vec<_> = seen
        .iter()
        .map(|at| (at.offset.value(), LeaderEpoch::to_wire(at.leader_epoch)))
        .collect();
    assert_eq!(seen, [(0, -1), (1, 3), (2, 3), (3, 4), (9, 4), (10, 5)]);
}

#[test]
fn the_checkpoint_lists_what_is_finished_beyond_the_frontier() {
    let mut ledger = ledger(&[10, 11, 12, 40, 41, 97]);
    finish(&mut ledger, &[0, 1, 3, 5]);
    let checkpoint = ledger.checkpoint().unwrap();
    assert_eq!(checkpoint.frontier.offset, Offset::new(12));
    let range = |from, to| Offset::new(from)..Offset::new(to);
    assert_eq!(checkpoint.finished_beyond, [range(40, 41), range(97, 98)]);
    assert_eq!(checkpoint.finished_beyond_count, 2);
}

/// What the ledger should say, kept in the simplest way.
#[derive(Default)]
struct Naive {
    records: Vec<(i64, i32, bool)>,
    position: i64,
    position_epoch: i32,
}

impl Naive {
    fn check(&self, ledger: &Ledger, context: &str) {
        let first = self.records.iter().position(|(_, _, finished)| !finished);
        let expected = match first {
            Some(0) => (self.records[0].0, -1),
            Some(index) => (self.records[index].0, self.records[index - 1].1),
            None => (self.position, self.position_epoch),
        };
        let checkpoint = ledger.checkpoint().unwrap();
        let found = &checkpoint.frontier;
        let found = (
            found.offset.value(),
            LeaderEpoch::to_wire(found.leader_epoch),
        );
        assert_eq!(found, expected, "{context}");

        let head = first.unwrap_or(self.records.len());
        let beyond: Vec<i64> = self.records[head..]
            .iter()
            .filter(|(_, _, finished)| *finished)
            .map(|(offset, _, _)| *offset)
            .collect();
        let listed: Vec<i64> = checkpoint
            .finished_beyond
            .iter()
            .flat_map(|range| range.start.value()..range.end.value())
            .collect();
        assert_eq!(listed, beyond, "{context}");
        assert_eq!(ledger.span(), (self.records.len() - head) as u64);
        let unfinished = self.records.iter().filter(|(_, _, done)| !done).count();
        assert_eq!(ledger.unfinished(), unfinished as u64, "{context}");
    }
}

/// One random history: batches with gaps and new leaders, completions anywhere in the window, and
/// now and then a report that is late or doubled.
fn run_history(seed: u64) {
    let mut random = Random::new(seed);
    let mut ledger = Ledger::new(EPOCH);
    let mut naive = Naive::default();
    let mut leader_epoch = 0;
    let window = 1 + random.below(300);
    let gap_share = random.below(10);
    for step in 0..200 {
        let open: Vec<usize> = (0..naive.records.len())
            .filter(|index| !naive.records[*index].2)
            .collect();
        if open.len() < window && random.below(3) == 0 {
            for _ in 0..=random.below(40) {
                if random.below(10) < gap_share {
                    naive.position += 1 + random.below(1_000) as i64;
                }
                let offset = Offset::new(naive.position);
                let sequence = ledger.register(offset, leader(leader_epoch));
                assert_eq!(sequence.0, naive.records.len() as u64);
                naive.records.push((naive.position, leader_epoch, false));
                (naive.position, naive.position_epoch) = (naive.position + 1, leader_epoch);
            }
            if random.below(4) == 0 {
                naive.position += 1 + random.below(3) as i64;
                ledger.reach(&OffsetAndMetadata {
                    leader_epoch: leader(leader_epoch),
                    ..Offset::new(naive.position).into()
                });
            }
            leader_epoch += i32::from(random.below(5) == 0);
        } else if !open.is_empty() {
            let index = open[random.below(open.len())];
            naive.records[index].2 = true;
            let counted = ledger.finish(EPOCH, Sequence(index as u64));
            assert_eq!(counted, Finish::Counted, "seed {seed}, step {step}");
            let doubled = ledger.finish(EPOCH, Sequence(index as u64));
            assert_eq!(doubled, Finish::Again, "seed {seed}, step {step}");
            let late = ledger.finish(AssignmentEpoch(1), Sequence(open[0] as u64));
            assert_eq!(late, Finish::Foreign, "seed {seed}, step {step}");
        }
        if !naive.records.is_empty() {
            naive.check(&ledger, &format!("seed {seed}, step {step}"));
        }
    }
}

#[test]
fn the_ledger_agrees_with_the_simplest_one_on_random_histories() {
    for seed in 0..60 {
        run_history(seed);
    }
}

#[test]
fn memory_is_bounded_by_the_window_and_not_by_the_history() {
    let mut ledger = Ledger::new(EPOCH);
    for offset in 0..100_000 {
        let sequence = ledger.register(Offset::new(offset * 2), leader(0));
        if sequence.0 >= 500 {
            finish(&mut ledger, &[sequence.0 - 500]);
        }
    }
    assert_eq!(ledger.span(), 500);
    assert!(ledger.runs.len() <= 501, "{} runs", ledger.runs.len());
}
