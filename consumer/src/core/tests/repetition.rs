use weft_client::backoff::Random;
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::{ApiKey, Response};

use super::bench::{Bench, reading, reading_with, tp, tps};
use super::cluster::{Part, batch, large};

type Change = fn(&mut Bench);

/// How often all partitions were gone through since `work` began.
fn plans(bench: &mut Bench, work: impl FnOnce(&mut Bench)) -> u64 {
    bench.run();
    let before = bench.core.plans;
    work(bench);
    bench.run();
    bench.core.plans - before
}

#[test]
fn answers_with_nothing_new_are_followed_by_the_same_fetch_without_a_look_at_the_partitions() {
    let mut bench = reading(3);
    bench.answer(1, vec![]);
    let count = plans(&mut bench, |bench| {
        for epoch in 1..20 {
            bench.pass(500);
            let request = bench.fetch_request(1);
            assert_eq!((request.session_id, request.session_epoch), (101, epoch));
            assert!(request.topics.is_empty() && request.forgotten_topics_data.is_empty());
            assert_eq!(request.max_bytes, 3 * 1_048_576);
            assert_eq!(bench.fetches(), ["1: t-0@0 t-1@0 t-2@0"]);
            bench.answer(1, vec![]);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn brokers_that_answer_in_turn_are_both_asked_without_a_look_at_the_partitions() {
    let mut bench = reading_with(&[], &[1, 2]);
    bench.answer(1, vec![]);
    bench.answer(2, vec![]);
    bench.answer(1, vec![]);
    let count = plans(&mut bench, |bench| {
        for round in 0..10 {
            bench.answer(1 + round % 2, vec![]);
            assert_eq!(bench.fetches(), ["1: t-0@0", "2: t-1@0"]);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn records_of_one_broker_leave_the_others_as_planned() {
    let mut bench = reading_with(&[], &[1, 2]);
    bench.answer(1, vec![]);
    bench.answer(2, vec![]);
    bench.answer(2, vec![("t-1", Part::of(batch(0, 1)))]);
    assert_eq!(bench.collected(500), ["t-1@0"]);
    assert_eq!(plans(&mut bench, |bench| bench.answer(1, vec![])), 0);
    assert_eq!(bench.fetches(), ["1: t-0@0", "2: t-1@1"]);
}

#[test]
fn a_broker_without_sessions_is_told_everything_again() {
    let mut bench = reading(2);
    bench.has_sessions = false;
    for _ in 0..3 {
        bench.answer(1, vec![]);
        assert_eq!(bench.fetch_request(1).topics[0].partitions.len(), 2);
    }
}

#[test]
fn a_broker_that_throttled_the_first_fetch_is_told_everything_again() {
    let mut bench = reading(2);
    let sent = bench.take(ApiKey::Fetch, 1);
    let throttled = FetchResponse::default().with_throttle_time_ms(5);
    bench.respond(&sent, Response::Fetch(throttled));
    assert_eq!(bench.fetch_request(1).topics[0].partitions.len(), 2);
}

#[test]
fn what_changed_while_a_fetch_was_on_its_way_is_in_the_next_one() {
    let changes: [(&str, Change, &str); 5] = [
        ("seek", |it| it.seek("t-0", 7), "1: t-0@7 t-1@0"),
        (
            "pause",
            |it| it.core.pause(&tps(&["t-0"])).unwrap(),
            "1: t-1@0",
        ),
        (
            "revocation",
            |it| it.core.mark_pending_revocation(&tps(&["t-0"])),
            "1: t-1@0",
        ),
        (
            "assignment",
            |it| it.core.assign(&tps(&["t-1"])).unwrap(),
            "1: t-1@0",
        ),
        ("nothing", |_| {}, "1: t-0@0 t-1@0"),
    ];
    for (what, change, expected) in changes {
        let mut bench = reading(2);
        bench.answer(1, vec![]);
        bench.answer(1, vec![]);
        bench.run();
        change(&mut bench);
        bench.run();
        bench.answer(1, vec![]);
        assert_eq!(bench.fetches(), [expected], "{what}");
    }
}

#[test]
fn a_pause_that_ended_before_the_answer_changes_nothing() {
    let mut bench = reading(2);
    bench.answer(1, vec![]);
    bench.run();
    bench.core.pause(&tps(&["t-0"])).unwrap();
    bench.run();
    bench.core.resume(&tps(&["t-0"])).unwrap();
    assert_eq!(plans(&mut bench, |bench| bench.answer(1, vec![])), 0);
    assert_eq!(bench.fetches(), ["1: t-0@0 t-1@0"]);
}

#[test]
fn the_end_of_a_replicas_term_is_a_deadline() {
    let rack = [("client.rack", "b"), ("metadata.max.age.ms", "1000")];
    let mut bench = reading_with(&rack, &[1]);
    bench.answer(1, vec![("t-0", Part::preferring(2))]);
    bench.answer(2, vec![]);
    bench.run();
    bench.has_metadata = false;
    bench.pass(1_000);
    bench.answer(2, vec![]);
    assert_eq!(bench.fetches(), ["1: t-0@0"]);
}

#[test]
fn room_that_an_empty_answer_makes_goes_to_a_broker_that_had_none() {
    let limit = [("fetch.max.bytes", "1000"), ("max.poll.records", "1")];
    let mut bench = reading_with(&limit, &[1, 2]);
    bench.answer(1, vec![]);
    bench.answer(2, vec![]);
    bench.answer(1, vec![("t-0", Part::of(large(0, 1_900)))]);
    bench.run();
    assert_eq!(bench.fetches(), ["2: t-1@0"], "no room for more of node 1");
    assert_eq!(plans(&mut bench, |bench| bench.answer(2, vec![])), 1);
    assert_eq!(bench.collected(1), ["t-0@0"]);
    assert_eq!(bench.fetches(), ["1: t-0@1", "2: t-1@0"]);
}

/// Whatever happens in whatever order, a fetch that is sent again asks for all that there is to ask
/// for: the data plane asserts that itself, with a look at all partitions.
#[test]
fn no_order_of_events_leaves_a_fetch_sent_again_behind_the_plan() {
    let mut repeated = 0;
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let properties = [
            ("client.rack", "b"),
            ("fetch.max.bytes", "2000"),
            ("metadata.max.age.ms", "3000"),
        ];
        let mut bench = reading_with(&properties, &[1, 2, 1, 3]);
        let mut appended = [0; 4];
        for _ in 0..80 {
            repeated += step(&mut bench, &mut random, &mut appended);
        }
    }
    assert!(repeated > 2_000, "only {repeated} fetches were sent again");
}

/// Lets something happen; counts fetches that left without a plan.
fn step(bench: &mut Bench, random: &mut Random, appended: &mut [i64; 4]) -> u64 {
    let mut draw = |below: u64| random.next_u64() % below;
    let (number, node) = (draw(4), draw(3) as i32 + 1);
    let name = format!("t-{number}");
    let on_the_wire = bench.fetches();
    let is_asked = on_the_wire
        .iter()
        .any(|it| it.starts_with(&format!("{node}: ")));
    let before = bench.core.plans;
    match draw(16) {
        0 => bench.core.pause(&tps(&[&name])).unwrap(),
        1 => bench.core.resume(&tps(&[&name])).unwrap(),
        2 => bench.seek(&name, appended[number as usize]),
        3 => drop(bench.core.current_lag(&tp(&name))),
        4 => drop(bench.collect(draw(3) as u32 + 1)),
        5 => bench.pass(draw(2_000)),
        6 if draw(4) == 0 => {
            let leaders = [1, 2, 3, draw(3) as i32 + 1];
            bench.topology.lead("t", &leaders);
            bench.refresh_metadata();
        }
        7 if is_asked && draw(4) == 0 => bench.fail(ApiKey::Fetch, node),
        8 | 9 if is_asked => {
            let line = on_the_wire
                .iter()
                .find(|it| it.starts_with(&format!("{node}: ")));
            let wanted = line.and_then(|line| line.split_once(": ")).map(|it| it.1);
            let Some((name, offset)) = wanted.and_then(|it| it.split(' ').next()?.split_once('@'))
            else {
                return 0;
            };
            let offset: i64 = offset.parse().unwrap();
            let part = match draw(3) {
                0 => Part::preferring(draw(3) as i32 + 1),
                _ => Part::of(large(offset, 300)),
            };
            bench.answer(node, vec![(name, part)]);
            appended[tp(name).partition() as usize] = offset + 1;
        }
        _ if is_asked => {
            bench.answer(node, vec![]);
            bench.run();
            return u64::from(bench.core.plans == before);
        }
        _ => {}
    }
    0
}
