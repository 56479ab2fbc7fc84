//! At least once: whatever was written is handled, and how often more than once is counted.

use std::collections::BTreeMap;

use weft_client::Offset;

use super::{Handled, Illegal, OffsetSet};

/// What became of the records of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Records handled at least once.
    pub records: u64,
    /// How many times a record was handled beyond its first time.
    pub duplicates: u64,
}

/// Judges that all records were handled, and no others. `ends` has the end offset of each
/// partition, all of which begin at 0.
///
/// # Errors
///
/// For a record that was never handled, and for one that was never written.
pub fn at_least_once<'a>(
    ends: &BTreeMap<i32, Offset>,
    handled: impl IntoIterator<Item = &'a Handled>,
) -> Result<Delivery, Illegal> {
    let mut sets: BTreeMap<i32, OffsetSet> = BTreeMap::new();
    let mut delivery = Delivery::default();
    for record in handled {
        let Handled {
            partition, offset, ..
        } = *record;
        if ends.get(&partition).is_none_or(|end| offset >= *end) {
            return Err(Illegal::because(format!(
                "offset {offset} of partition {partition} was handled but never written"
            )));
        }
        if sets.entry(partition).or_default().insert(offset) {
            delivery.records += 1;
        } else {
            delivery.duplicates += 1;
        }
    }
    for (partition, end) in ends {
        let set = sets.remove(partition).unwrap_or_default();
        if let Some(first) = set.first_missing(*end) {
            let lost = end.value() - i64::try_from(set.len()).unwrap_or(i64::MAX);
            return Err(Illegal::because(format!(
                "partition {partition} lost {lost} of {end} records, the first at offset {first}"
            )));
        }
    }
    Ok(delivery)
}

#[cfg(test)]
mod tests {
    use super::super::notation::{complaint, one_by_one};
    use super::*;

    fn three_records() -> BTreeMap<i32, Offset> {
        BTreeMap::from([(0, Offset::new(3)), (1, Offset::ZERO)])
    }

    #[test]
    fn duplicates_are_legal_and_counted() {
        for (offsets, duplicates) in [
            (&[0, 1, 2][..], 0),
            (&[2, 0, 1], 0),
            (&[0, 1, 0, 1, 2, 1], 3),
        ] {
            let delivery = at_least_once(&three_records(), &one_by_one(offsets)).unwrap();
            let expected = Delivery {
                records: 3,
                duplicates,
            };
            assert_eq!(delivery, expected, "{offsets:?}");
        }
    }

    #[test]
    fn a_lost_record_is_illegal_wherever_it_lies() {
        for (offsets, lost) in [
            (
                &[0, 1][..],
                "partition 0 lost 1 of 3 records, the first at offset 2",
            ),
            (
                &[0, 2, 2],
                "partition 0 lost 1 of 3 records, the first at offset 1",
            ),
            (
                &[],
                "partition 0 lost 3 of 3 records, the first at offset 0",
            ),
        ] {
            let judgement = at_least_once(&three_records(), &one_by_one(offsets));
            assert_eq!(complaint(judgement), lost, "{offsets:?}");
        }
    }

    #[test]
    fn a_record_that_nobody_wrote_is_illegal() {
        let judgement = at_least_once(&three_records(), &one_by_one(&[0, 1, 2, 3]));
        let expected = "offset 3 of partition 0 was handled but never written";
        assert_eq!(complaint(judgement), expected);
    }
}
