//! Order: within a lane records are handled one after the other, ascending but for replays.

use std::collections::{BTreeMap, HashMap};

use weft_client::Offset;

use super::{Handled, Illegal, Lane, Tick};

/// Judges that the records of each lane were handled in the order of their offsets, one at a time.
///
/// A lane may step back to a record that was handled before, as a restart does, and must then pass
/// everything behind it again: `1 2 3 | 2 3 4` is legal, `1 3 2` and `1 2 3 | 1 3` are not. That
/// nothing is left out altogether is the business of [`at_least_once`](super::at_least_once), and
/// how far back a replay may go that of
/// [`committed_is_not_replayed`](super::committed_is_not_replayed).
///
/// # Errors
///
/// For a record that was handled before an earlier one of its lane, or while the same instance was
/// still handling the one before it.
pub fn order_per_lane<'a>(handled: impl IntoIterator<Item = &'a Handled>) -> Result<(), Illegal> {
    for ((partition, lane), mut records) in lanes(handled) {
        records.sort_unstable_by_key(|record| (record.started, record.offset));
        let mut offsets: Vec<_> = records.iter().map(|record| record.offset).collect();
        offsets.sort_unstable();
        offsets.dedup();
        let mut next = 0;
        for (index, record) in records.iter().enumerate() {
            let place = offsets.partition_point(|offset| *offset < record.offset);
            if place > next {
                return Err(Illegal::because(format!(
                    "lane {} of partition {partition}: offset {} was handled before offset {}",
                    lane.0, record.offset, offsets[next]
                )));
            }
            next = place + 1;
            let previous = index.checked_sub(1).map(|index| records[index]);
            if let Some(previous) = previous
                && previous.instance == record.instance
                && previous.ended > record.started
            {
                return Err(Illegal::because(format!(
                    "lane {} of partition {partition}: offset {} was handled during offset {}",
                    lane.0, record.offset, previous.offset
                )));
            }
        }
    }
    Ok(())
}

/// Judges that records of a lane were begun for the first time in the order of their offsets, each
/// after all before it had been finished by somebody.
///
/// Whatever instances come, go, crash, or hold a lane for longer than they may: this holds as long
/// as each of them begins where others have committed, commits what is finished, and keeps its own
/// order.
///
/// # Errors
///
/// For a record that was begun before an earlier one of its lane was finished.
pub fn first_times_in_order<'a>(
    handled: impl IntoIterator<Item = &'a Handled>,
) -> Result<(), Illegal> {
    for ((partition, lane), records) in lanes(handled) {
        let mut firsts: BTreeMap<Offset, (Tick, Tick)> = BTreeMap::new();
        for record in records {
            let first = firsts
                .entry(record.offset)
                .or_insert((record.started, record.ended));
            first.0 = first.0.min(record.started);
            first.1 = first.1.min(record.ended);
        }
        let mut latest: Option<(Offset, Tick)> = None;
        for (offset, (started, ended)) in firsts {
            if let Some((earlier, finished)) = latest
                && started < finished
            {
                return Err(Illegal::because(format!(
                    "lane {} of partition {partition}: offset {offset} was begun before offset \
                     {earlier} was finished",
                    lane.0
                )));
            }
            if latest.is_none_or(|(_, finished)| ended > finished) {
                latest = Some((offset, ended));
            }
        }
    }
    Ok(())
}

/// What was handled, by lane.
pub(super) fn lanes<'a>(
    handled: impl IntoIterator<Item = &'a Handled>,
) -> HashMap<(i32, Lane), Vec<&'a Handled>> {
    let mut lanes: HashMap<_, Vec<_>> = HashMap::new();
    for record in handled {
        let lane = lanes.entry((record.partition, record.lane)).or_default();
        lane.push(record);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::super::notation::{complaint, handled, one_by_one};
    use super::*;

    #[test]
    fn ascending_offsets_and_whole_replays_are_legal() {
        for offsets in [
            &[][..],
            &[4],
            &[0, 1, 2],
            &[0, 5, 9],
            &[1, 2, 3, 2, 3, 4],
            &[1, 2, 3, 1, 2, 1, 2, 3],
            &[1, 1, 2],
        ] {
            assert_eq!(order_per_lane(&one_by_one(offsets)), Ok(()), "{offsets:?}");
        }
    }

    #[test]
    fn overtaking_is_illegal_also_in_a_replay() {
        for (offsets, overtaking) in [
            (&[1, 3, 2][..], "offset 3 was handled before offset 2"),
            (&[2, 1], "offset 2 was handled before offset 1"),
            (&[1, 2, 3, 1, 3], "offset 3 was handled before offset 2"),
        ] {
            let complaint = complaint(order_per_lane(&one_by_one(offsets)));
            assert!(complaint.ends_with(overtaking), "{offsets:?}: {complaint}");
        }
    }

    #[test]
    fn lanes_do_not_wait_for_each_other() {
        let mut other = handled(1, 0, 2, 3);
        other.lane = Lane(1);
        assert_eq!(order_per_lane(&[handled(1, 1, 0, 9), other]), Ok(()));
        let mut other = handled(1, 0, 2, 3);
        other.partition = 1;
        assert_eq!(order_per_lane(&[handled(1, 1, 0, 9), other]), Ok(()));
    }

    #[test]
    fn two_records_of_a_lane_at_once_are_illegal() {
        let at_once = [handled(1, 0, 0, 5), handled(1, 1, 4, 6)];
        let complaint = complaint(order_per_lane(&at_once));
        assert!(
            complaint.ends_with("offset 1 was handled during offset 0"),
            "{complaint}"
        );
        // Between two instances that is judged by `no_overlap`, which knows of rebalances.
        let at_once = [handled(1, 0, 0, 5), handled(2, 0, 4, 6)];
        assert_eq!(order_per_lane(&at_once), Ok(()));
    }

    #[test]
    fn first_times_may_be_shared_by_instances_and_repeated() {
        let records = [
            handled(1, 0, 0, 1),
            handled(1, 1, 2, 3),
            handled(2, 1, 4, 5),
            handled(2, 2, 6, 7),
            // The first instance does not know that it has lost the partition.
            handled(1, 2, 8, 9),
        ];
        assert_eq!(first_times_in_order(&records), Ok(()));
    }

    #[test]
    fn a_record_that_is_begun_before_an_earlier_one_is_finished_is_illegal() {
        let begun = [handled(1, 0, 0, 5), handled(2, 1, 4, 6)];
        let complaint = complaint(first_times_in_order(&begun));
        assert!(
            complaint.ends_with("offset 1 was begun before offset 0 was finished"),
            "{complaint}"
        );
    }
}
