//! What the data plane hands over to be counted.

use super::bench::{Bench, reading, reading_with, tps};
use super::cluster::{Part, batch};
use crate::metrics::{Amount, Polled};

fn polled(bench: &mut Bench) -> Polled {
    let mut polled = Polled::default();
    bench.core.take_polled(&mut polled);
    polled
}

#[test]
fn lag_and_lead_are_told_right_after_a_part_of_an_answer_was_handed_out() {
    for (level, lag) in [("read_uncommitted", 998), ("read_committed", 988)] {
        let mut bench = reading_with(&[("isolation.level", level)], &[1]);
        bench.answer(1, vec![("t-0", Part::of(batch(0, 5)))]);
        bench.collected(2);
        let told = polled(&mut bench).standings;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].lag, Some(lag), "{level}");
        assert_eq!(told[0].lead, Some(2), "{level}");
        assert_eq!(told[0].replica, None);
        assert!(polled(&mut bench).standings.is_empty(), "told once");
    }
}

#[test]
fn an_answer_counts_once_when_all_of_it_was_handed_out_or_dropped() {
    let mut bench = reading(2);
    let parts = vec![
        ("t-0", Part::of(batch(0, 5))),
        ("t-1", Part::of(batch(0, 3))),
    ];
    bench.answer(1, parts);
    bench.collected(4);
    assert!(polled(&mut bench).consumed.is_empty());
    bench.collected(1);
    assert!(polled(&mut bench).consumed.is_empty(), "t-1 waits");
    bench.collected(1);
    // What was not handed out is not counted.
    bench.seek("t-1", 0);
    let consumed = polled(&mut bench).consumed;
    assert_eq!(consumed.len(), 1);
    let [(topic, Amount { records, bytes })] = &consumed[0].by_topic[..] else {
        panic!("{consumed:?}");
    };
    assert_eq!((topic.as_str(), *records), ("t", 6));
    assert!(*bytes >= 60, "{bytes} bytes of six records of ten");
}

#[test]
fn an_assignment_is_handed_over_when_it_has_changed() {
    let mut bench = reading(2);
    let told = bench.core.take_new_assignment();
    assert_eq!(told, Some(&tps(&["t-0", "t-1"])));
    assert_eq!(bench.core.take_new_assignment(), None);
    bench.core.revoke(&tps(&["t-0"]));
    assert_eq!(bench.core.take_new_assignment(), Some(&tps(&["t-1"])));
}
