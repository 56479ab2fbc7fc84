//! No overlap: a lane is in the hands of one instance at a time.

use super::order::lanes;
use super::{Handled, Illegal, Tick};

/// A span of a history, both ends included, in which partitions change hands. An instance that is
/// late in giving them up may still handle records there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When the change began.
    pub from: Tick,
    /// When it was over.
    pub to: Tick,
}

/// Judges that no two instances handled records of one lane at the same time, but for moments that
/// lie within `windows` altogether.
///
/// # Errors
///
/// For two records of a lane that two instances handled at once.
pub fn no_overlap<'a>(
    handled: impl IntoIterator<Item = &'a Handled>,
    windows: &[Window],
) -> Result<(), Illegal> {
    for ((partition, lane), mut records) in lanes(handled) {
        records.sort_unstable_by_key(|record| record.started);
        // Of the records so far, the one that ended last, and the last one of another instance.
        let mut latest: Option<&Handled> = None;
        let mut latest_other: Option<&Handled> = None;
        for record in records {
            let foreign = match latest {
                Some(latest) if latest.instance != record.instance => Some(latest),
                Some(_) => latest_other,
                None => None,
            };
            if let Some(foreign) = foreign
                && foreign.ended > record.started
                && !is_within(windows, record.started, foreign.ended.min(record.ended))
            {
                return Err(Illegal::because(format!(
                    "lane {} of partition {partition}: offset {} and offset {} were handled \
                     by two instances at once",
                    lane.0, foreign.offset, record.offset
                )));
            }
            if latest.is_none_or(|latest| record.ended > latest.ended) {
                if latest.is_some_and(|latest| latest.instance != record.instance) {
                    latest_other = latest;
                }
                latest = Some(record);
            } else if latest.is_some_and(|latest| latest.instance != record.instance)
                && latest_other.is_none_or(|other| record.ended > other.ended)
            {
                latest_other = Some(record);
            }
        }
    }
    Ok(())
}

fn is_within(windows: &[Window], from: Tick, to: Tick) -> bool {
    windows
        .iter()
        .any(|window| window.from <= from && to <= window.to)
}

#[cfg(test)]
mod tests {
    use super::super::notation::{complaint, handled};
    use super::*;

    fn window(from: u64, to: u64) -> Window {
        Window {
            from: Tick(from),
            to: Tick(to),
        }
    }

    #[test]
    fn taking_turns_is_legal() {
        let turns = [
            handled(1, 0, 0, 1),
            handled(2, 1, 2, 3),
            handled(1, 2, 4, 5),
        ];
        assert_eq!(no_overlap(&turns, &[]), Ok(()));
    }

    #[test]
    fn one_instance_may_do_much_at_once() {
        let at_once = [handled(1, 0, 0, 9), handled(1, 1, 1, 8)];
        assert_eq!(no_overlap(&at_once, &[]), Ok(()));
    }

    #[test]
    fn two_instances_at_once_are_legal_in_a_window_only() {
        let at_once = [handled(1, 7, 0, 5), handled(2, 7, 3, 9)];
        assert_eq!(no_overlap(&at_once, &[window(2, 6)]), Ok(()));
        for windows in [&[][..], &[window(4, 6)], &[window(2, 4)]] {
            let complaint = complaint(no_overlap(&at_once, windows));
            assert!(
                complaint.contains("offset 7 and offset 7"),
                "{windows:?}: {complaint}"
            );
        }
    }

    #[test]
    fn a_record_of_ones_own_does_not_hide_a_foreign_one() {
        let hidden = [
            handled(1, 0, 0, 9),
            handled(2, 1, 1, 2),
            handled(2, 2, 3, 4),
        ];
        assert_eq!(no_overlap(&hidden, &[window(1, 4)]), Ok(()));
        assert!(no_overlap(&hidden, &[window(1, 2)]).is_err());
        let hidden_by_a_longer_one = [
            handled(1, 0, 0, 20),
            handled(2, 1, 5, 30),
            handled(2, 2, 10, 31),
        ];
        assert_eq!(
            no_overlap(&hidden_by_a_longer_one, &[window(5, 20)]),
            Ok(())
        );
        let windows = [window(5, 19), window(10, 19)];
        assert!(no_overlap(&hidden_by_a_longer_one, &windows).is_err());
    }
}
