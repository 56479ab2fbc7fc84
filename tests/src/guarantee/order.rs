//! Order: within a lane records are handled one after the other, ascending but for replays.

use std::collections::HashMap;

use super::{Handled, Illegal, Lane};

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
}
