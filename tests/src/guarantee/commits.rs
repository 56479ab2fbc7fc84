//! Commits: they never go back, never pass unfinished records, and are where replays begin.

use std::collections::BTreeMap;

use weft_client::Offset;

use super::{CommitSeen, Handled, Illegal, Tick};

/// Judges that what is committed for a partition never goes back.
///
/// # Errors
///
/// For an offset that was seen after a larger one.
pub fn no_regress(seen: &[CommitSeen]) -> Result<(), Illegal> {
    for (partition, looks) in by_partition(seen) {
        for pair in looks.windows(2) {
            // Two questions that overlap may be answered in any order.
            let is_later = pair[1].asked > pair[0].answered;
            if is_later && pair[1].committed < pair[0].committed {
                return Err(Illegal::because(format!(
                    "partition {partition}: the committed offset went back from {} to {}",
                    pair[0].committed, pair[1].committed
                )));
            }
        }
    }
    Ok(())
}

/// Judges that only finished records were committed: all records before a committed offset had been
/// handled to the end when it was seen.
///
/// # Errors
///
/// For a committed offset behind a record that was not finished.
pub fn committed_is_finished<'a>(
    seen: &[CommitSeen],
    handled: impl IntoIterator<Item = &'a Handled>,
) -> Result<(), Illegal> {
    let finished = first_ends(handled);
    for (partition, looks) in by_partition(seen) {
        let ends = finished.get(&partition).map_or(&[][..], Vec::as_slice);
        // All offsets before `frontier` were finished at `finished_at`.
        let (mut frontier, mut finished_at) = (0, Tick(0));
        let mut looks = looks;
        looks.sort_unstable_by_key(|look| look.committed);
        for look in looks {
            while frontier < place(look.committed) {
                match ends.get(frontier) {
                    Some(Some(end)) => finished_at = finished_at.max(*end),
                    _ => return Err(unfinished(&look, frontier)),
                }
                frontier += 1;
            }
            if finished_at > look.answered {
                return Err(Illegal::because(format!(
                    "partition {partition}: {} was committed before all records below it were \
                     finished",
                    look.committed
                )));
            }
        }
    }
    Ok(())
}

/// Judges that nothing was handled again that had been committed before it started.
///
/// # Errors
///
/// For a record that was handled although a later offset was committed already.
pub fn committed_is_not_replayed<'a>(
    seen: &[CommitSeen],
    handled: impl IntoIterator<Item = &'a Handled>,
) -> Result<(), Illegal> {
    let looks = by_partition(seen);
    for record in handled {
        let looks = looks.get(&record.partition).map_or(&[][..], Vec::as_slice);
        let before = looks.partition_point(|look| look.answered < record.started);
        if let Some(last) = before.checked_sub(1).map(|last| looks[last])
            && record.offset < last.committed
        {
            return Err(Illegal::because(format!(
                "partition {}: offset {} was handled although {} had been committed",
                record.partition, record.offset, last.committed
            )));
        }
    }
    Ok(())
}

/// The looks at each partition, in the order of their answers.
fn by_partition(seen: &[CommitSeen]) -> BTreeMap<i32, Vec<CommitSeen>> {
    let mut partitions: BTreeMap<i32, Vec<CommitSeen>> = BTreeMap::new();
    for look in seen {
        partitions.entry(look.partition).or_default().push(*look);
    }
    for looks in partitions.values_mut() {
        looks.sort_by_key(|look| look.answered);
    }
    partitions
}

/// When each record was finished for the first time, by partition; the index is the offset.
fn first_ends<'a>(
    handled: impl IntoIterator<Item = &'a Handled>,
) -> BTreeMap<i32, Vec<Option<Tick>>> {
    let mut partitions: BTreeMap<i32, Vec<Option<Tick>>> = BTreeMap::new();
    for record in handled {
        let partition = partitions.entry(record.partition).or_default();
        let place = place(record.offset);
        if place >= partition.len() {
            partition.resize(place + 1, None);
        }
        let end = partition[place].get_or_insert(record.ended);
        *end = record.ended.min(*end);
    }
    partitions
}

fn place(offset: Offset) -> usize {
    usize::try_from(offset.value()).expect("records have offsets from 0 on")
}

fn unfinished(look: &CommitSeen, offset: usize) -> Illegal {
    Illegal::because(format!(
        "partition {}: {} was committed, but offset {offset} was never finished",
        look.partition, look.committed
    ))
}

#[cfg(test)]
mod tests {
    use super::super::notation::{complaint, handled, one_by_one, seen};
    use super::*;

    #[test]
    fn a_committed_offset_may_stay_and_grow() {
        let looks = [seen(0, 0, 1), seen(5, 2, 3), seen(5, 4, 5), seen(9, 6, 7)];
        assert_eq!(no_regress(&looks), Ok(()));
        let mut other_partition = seen(1, 8, 9);
        other_partition.partition = 1;
        assert_eq!(no_regress(&[seen(9, 6, 7), other_partition]), Ok(()));
    }

    #[test]
    fn a_committed_offset_that_goes_back_is_illegal_unless_the_questions_overlap() {
        let back = no_regress(&[seen(5, 0, 1), seen(4, 2, 3)]);
        let expected = "partition 0: the committed offset went back from 5 to 4";
        assert_eq!(complaint(back), expected);
        assert_eq!(no_regress(&[seen(5, 0, 2), seen(4, 1, 3)]), Ok(()));
    }

    #[test]
    fn committing_the_finished_prefix_is_legal() {
        // Offset 0 ends at 1, offset 2 at 3, offset 1 at 5.
        let records = one_by_one(&[0, 2, 1]);
        let looks = [seen(0, 0, 0), seen(1, 1, 2), seen(1, 3, 4), seen(3, 6, 7)];
        assert_eq!(committed_is_finished(&looks, &records), Ok(()));
    }

    #[test]
    fn committing_past_an_unfinished_record_is_illegal() {
        let records = one_by_one(&[0, 2, 1]);
        let early = committed_is_finished(&[seen(3, 3, 4)], &records);
        let expected = "partition 0: 3 was committed before all records below it were finished";
        assert_eq!(complaint(early), expected);
        let never = committed_is_finished(&[seen(4, 8, 9)], &records);
        let expected = "partition 0: 4 was committed, but offset 3 was never finished";
        assert_eq!(complaint(never), expected);
        let gap = committed_is_finished(&[seen(2, 8, 9)], &one_by_one(&[0, 2]));
        let expected = "partition 0: 2 was committed, but offset 1 was never finished";
        assert_eq!(complaint(gap), expected);
    }

    #[test]
    fn a_second_handling_does_not_unfinish_a_record() {
        let records = [handled(1, 0, 0, 1), handled(2, 0, 5, 9)];
        assert_eq!(committed_is_finished(&[seen(1, 2, 3)], &records), Ok(()));
    }

    #[test]
    fn replays_from_the_committed_offset_on_are_legal() {
        let records = [
            handled(1, 0, 0, 1),
            handled(1, 1, 2, 3),
            handled(2, 1, 6, 7),
        ];
        assert_eq!(
            committed_is_not_replayed(&[seen(1, 4, 5)], &records),
            Ok(())
        );
        // What is not known to be committed when the record starts says nothing about it.
        assert_eq!(
            committed_is_not_replayed(&[seen(2, 4, 6)], &records),
            Ok(())
        );
    }

    #[test]
    fn replaying_what_was_committed_is_illegal() {
        let records = [
            handled(1, 0, 0, 1),
            handled(1, 1, 2, 3),
            handled(2, 1, 6, 7),
        ];
        let replayed = committed_is_not_replayed(&[seen(2, 4, 5)], &records);
        let expected = "partition 0: offset 1 was handled although 2 had been committed";
        assert_eq!(complaint(replayed), expected);
    }
}
