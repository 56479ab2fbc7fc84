//! Scripts: what can be read, that what is printed reads the same, and what errors say.

use std::time::Duration;

use weft_client::wire::{ApiKey, ErrorCode};
use weft_client::{NodeId, Offset};

use super::super::core::{Fault, FaultAction, FaultId, Hits, Order, RequestFilter};
use super::*;

fn order(line: &str) -> Order {
    let mut script = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert_eq!(script.statements.len(), 1, "{line}");
    script.statements.remove(0).order
}

/// A line is read as this order, and the order is printed as that line.
#[expect(clippy::needless_pass_by_value, reason = "tables read better so")]
fn check(line: &str, expected: Order) {
    assert_eq!(order(line), expected);
    assert_eq!(expected.to_string(), line);
}

fn fault(filter: impl Into<RequestFilter>, hits: Hits, action: FaultAction) -> Order {
    Order::SetFault(Fault::new(filter, action).hits(hits))
}

fn broker(id: i32) -> NodeId {
    NodeId::new(id)
}

#[test]
fn every_order_is_read_and_printed() {
    check("kill 2", Order::Kill(broker(2)));
    check("restart 2", Order::Restart(broker(2)));
    check("freeze 0", Order::Freeze(broker(0)));
    check("thaw 0", Order::Thaw(broker(0)));
    let client_id = "shop".to_owned();
    let isolated = Order::Isolate {
        broker: broker(1),
        client_id: client_id.clone(),
    };
    check("isolate 1 client=shop", isolated);
    let healed = Order::Heal {
        broker: broker(1),
        client_id,
    };
    check("heal 1 client=shop", healed);
    let moved = Order::MoveLeader {
        topic: "orders".into(),
        partition: 3,
        to: broker(2),
    };
    check("move-leader orders/3 2", moved);
    let truncated = Order::Truncate {
        topic: "orders".into(),
        partition: 3,
        offset: Offset::new(17),
    };
    check("truncate orders/3 17", truncated);
    let moved = Order::MoveCoordinator {
        group: "g".into(),
        to: broker(2),
    };
    check("move-coordinator group=g 2", moved);
    let moved = Order::MoveTransactionCoordinator {
        transactional_id: "t".to_owned(),
        to: broker(2),
    };
    check("move-coordinator transaction=t 2", moved);
    let loading = Order::LoadCoordinator {
        group: "g".into(),
        time: Duration::from_millis(1_500),
    };
    check("load-coordinator group=g 1500ms", loading);
    let expired = Order::ExpireMember {
        group: "g".into(),
        member: "m".into(),
    };
    check("expire group=g member=m", expired);
    let evicted = Order::EvictStatic {
        group: "g".into(),
        instance: "i".into(),
    };
    check("evict group=g instance=i", evicted);
    check("rebalance group=g", Order::Rebalance { group: "g".into() });
    check("lift 3", Order::LiftFault(FaultId(3)));
}

#[test]
fn every_restriction_of_a_fault_is_read_and_printed() {
    let cut = FaultAction::CutBefore;
    let check =
        |text: &str, filter, hits| check(&format!("on {text} cut"), fault(filter, hits, cut));
    let fetch = || RequestFilter::api(ApiKey::Fetch);
    check("any", RequestFilter::any(), Hits::All);
    check("fetch", fetch(), Hits::All);
    check("offset-commit", ApiKey::OffsetCommit.into(), Hits::All);
    check("fetch version=0-3", fetch().versions(0..=3), Hits::All);
    check("fetch broker=2", fetch().broker(2), Hits::All);
    check("fetch topic=orders", fetch().topic("orders"), Hits::All);
    check(
        "fetch topic=orders/7",
        fetch().partition("orders", 7),
        Hits::All,
    );
    check(
        "heartbeat group=g",
        RequestFilter::api(ApiKey::Heartbeat).group("g"),
        Hits::All,
    );
    check(
        "end-txn transaction=t",
        RequestFilter::api(ApiKey::EndTxn).transactional_id("t"),
        Hits::All,
    );
    check("fetch client=shop", fetch().client_id("shop"), Hits::All);
    check("fetch nth=3", fetch(), Hits::Nth(3));
    check("fetch first=2", fetch(), Hits::First(2));
    check("fetch every=10", fetch(), Hits::Every(10));
    let chance = Hits::Chance {
        percent: 25,
        seed: 7,
    };
    check("fetch chance=25% seed=7", fetch(), chance);
    let all = fetch()
        .versions(4..=17)
        .broker(1)
        .partition("t", 0)
        .group("g")
        .transactional_id("t")
        .client_id("c");
    check(
        "fetch version=4-17 broker=1 topic=t/0 group=g transaction=t client=c nth=2",
        all,
        Hits::Nth(2),
    );
}

#[test]
fn every_action_of_a_fault_is_read_and_printed() {
    let check = |text: &str, action| {
        check(
            &format!("on any {text}"),
            fault(RequestFilter::any(), Hits::All, action),
        );
    };
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    check("answer NOT_LEADER_OR_FOLLOWER", FaultAction::Answer(code));
    check(
        "answer UNKNOWN_SERVER_ERROR",
        FaultAction::Answer(ErrorCode(-1)),
    );
    check("answer 999", FaultAction::Answer(ErrorCode(999)));
    check(
        "delay 200ms",
        FaultAction::DelayBefore(Duration::from_millis(200)),
    );
    check(
        "delay-after 2s",
        FaultAction::DelayAfter(Duration::from_secs(2)),
    );
    check("silence", FaultAction::Silence);
    check("lose-answer", FaultAction::LoseAnswer);
    check("cut", FaultAction::CutBefore);
    check("cut-after", FaultAction::CutAfter);
    check("half-frame", FaultAction::HalfFrame);
    check(
        "corrupt 3 seed=9",
        FaultAction::Corrupt { bytes: 3, seed: 9 },
    );
    check(
        "throttle 24h",
        FaultAction::Throttle(Duration::from_secs(24 * 3_600)),
    );
}

#[test]
fn every_api_can_be_named() {
    for api_key in ApiKey::iter() {
        let named = fault(api_key, Hits::All, FaultAction::Silence);
        assert_eq!(order(&named.to_string()), named);
        let spelt = format!("on {api_key:?} silence");
        assert_eq!(order(&spelt), named);
    }
}

#[test]
fn names_of_any_kind_survive_printing() {
    for name in [
        "", " ", "a b", "#", "a#b", "=", "a=b", "\"", "\\", "a\\b", "\n\r\t", "ä/ß", "\u{2028}",
    ] {
        for order_of in [
            Order::Rebalance { group: name.into() },
            Order::MoveTransactionCoordinator {
                transactional_id: name.to_owned(),
                to: broker(0),
            },
            fault(
                RequestFilter::any()
                    .group(name)
                    .transactional_id(name)
                    .client_id(name),
                Hits::All,
                FaultAction::Silence,
            ),
        ] {
            let line = order_of.to_string();
            assert_eq!(order(&line), order_of, "{line}");
        }
    }
}

#[test]
fn times_are_printed_in_the_unit_that_fits() {
    for (text, nanoseconds) in [
        ("0ms", 0),
        ("1ns", 1),
        ("1500us", 1_500_000),
        ("90s", 90_000_000_000),
        ("2m", 120_000_000_000),
        ("1h", 3_600_000_000_000),
    ] {
        let delay = FaultAction::DelayBefore(Duration::from_nanos(nanoseconds));
        let line = format!("on any delay {text}");
        assert_eq!(order(&line), fault(RequestFilter::any(), Hits::All, delay));
        let printed = order(&line).to_string();
        assert_eq!(order(&printed), order(&line));
    }
}

#[test]
fn a_script_is_read_line_by_line_and_printed_without_what_is_for_people() {
    let text = "# first\n\n  kill 1   # a broker\nafter 1500ms restart 1\r\nafter 1m on any cut\n";

    let script = parse(text).unwrap();

    let lines: Vec<usize> = script
        .statements()
        .iter()
        .map(|statement| statement.line)
        .collect();
    assert_eq!(lines, [3, 4, 5]);
    let printed = script.to_string();
    assert_eq!(
        printed,
        "kill 1\nafter 1500ms restart 1\nafter 1m on any cut\n"
    );
    let again: Vec<Order> = parse(&printed)
        .unwrap()
        .statements
        .into_iter()
        .map(|s| s.order)
        .collect();
    let orders: Vec<Order> = script.statements.into_iter().map(|s| s.order).collect();
    assert_eq!(again, orders);
}

#[test]
fn an_error_says_where_it_is_and_what_could_stand_there() {
    let check = |text: &str, line, column, found: &str, expected: &str| {
        let error = parse(text).unwrap_err();
        let position = (error.line, error.column, error.found.as_str());
        assert_eq!(position, (line, column, found), "{text}: {error}");
        assert!(error.expected.contains(expected), "{text}: {error}");
    };
    check("kill 1\n explode 1", 2, 2, "explode", "kill, restart");
    check("kill", 1, 5, "", "the id of a broker");
    check("kill one", 1, 6, "one", "the id of a broker");
    check("kill 1 2", 1, 8, "2", "the end of the line");
    check("after kill 1", 1, 7, "kill", "such as 5s");
    check("after 5 kill 1", 1, 7, "5", "such as 5s");
    check("after 1000h kill 1", 1, 7, "1000h", "at most 720h");
    check(
        "after 99999999999999999999h kill 1",
        1,
        7,
        "99999999999999999999h",
        "such as 5s",
    );
    check("move-leader orders 1", 1, 13, "orders", "such as orders/0");
    check("truncate orders/x 1", 1, 10, "orders/x", "such as orders/0");
    check("expire member=m", 1, 8, "member=m", "group=...");
    check("expire group=g", 1, 15, "", "member=...");
    check("on", 1, 3, "", "an API such as fetch");
    check("on fetsch cut", 1, 4, "fetsch", "an API such as fetch");
    check("on fetch color=red cut", 1, 10, "color", "topic=");
    check("on fetch nth=0 cut", 1, 14, "0", "from 1 on");
    check("on fetch version=a cut", 1, 18, "a", "0-3");
    check("on fetch topic=o/x cut", 1, 16, "o/x", "orders/0");
    check(
        "on fetch chance=0% seed=1 cut",
        1,
        17,
        "0%",
        "from 1% to 100%",
    );
    check("on fetch chance=5% cut", 1, 20, "cut", "seed=...");
    check("on fetch topic=o", 1, 17, "", "answer, delay");
    check("on fetch explode", 1, 10, "explode", "answer, delay");
    check("on fetch answer NO", 1, 17, "NO", "NOT_LEADER_OR_FOLLOWER");
    check("on fetch delay 25h", 1, 16, "25h", "at most 24h");
    check("on fetch corrupt 1", 1, 19, "", "seed=...");
    check("rebalance group=\"a b", 1, 11, "group=a b", "closing quote");
    check(r#"rebalance group="\x""#, 1, 18, "\\", r"\n");
    let many = "\n".repeat(10_000) + "kill 1";
    check(&many, 10_001, 1, "more", "ten thousand lines");
    let long = " ".repeat(1_001);
    check(&long, 1, 1_001, "more", "a thousand characters");
}

#[test]
fn words_in_any_order_never_panic_and_what_can_be_read_survives_printing() {
    const HEADS: &str =
        "kill|after 5s|on fetch|on any|after 0ms on any|isolate|truncate o/0|lift|#|";
    const MIDDLES: &str = "topic=o|topic=/|topic=\"a b\"/1|version=3-1|broker=2|nth=1|client=a|1|\
                           -1|group=\"\\n\"|chance=50%|seed=3|color=|\"|\\|=|\u{85}|\
                           every=2|client=|";
    const TAILS: &str = "cut|answer NONE|answer -7|delay 1ms|delay|corrupt 1 seed=2|silence|7||";
    let [heads, middles, tails] =
        [HEADS, MIDDLES, TAILS].map(|words| words.split('|').collect::<Vec<_>>());
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides as u64) as usize
    };
    let mut read = 0;
    for _ in 0..5_000 {
        let mut words = vec![heads[roll(heads.len())]];
        for _ in 0..roll(4) {
            words.push(middles[roll(middles.len())]);
        }
        words.push(tails[roll(tails.len())]);
        let line = words.join(" ");
        let Ok(script) = parse(&line) else {
            continue;
        };
        read += script.statements.len();
        let printed = script.to_string();
        assert_eq!(parse(&printed).as_ref(), Ok(&script), "{line}");
    }
    assert!(read > 300, "only {read} lines could be read");
}

#[test]
fn lines_are_due_in_the_order_of_their_times() {
    #[expect(clippy::disallowed_methods, reason = "any time will do as the first")]
    let began_at = std::time::Instant::now();
    let script = parse("after 2s kill 2\nkill 0\nafter 1s kill 1\nafter 2s kill 3").unwrap();
    let mut run = ScriptRun::new(script, began_at);
    let mut due = |seconds| {
        let now = began_at + Duration::from_secs(seconds);
        let due = std::iter::from_fn(|| run.take_due(now));
        let due: Vec<String> = due.map(|statement| statement.order.to_string()).collect();
        (due, run.next_deadline().map(|at| (at - began_at).as_secs()))
    };
    assert_eq!(due(0), (vec!["kill 0".to_owned()], Some(1)));
    assert_eq!(due(0), (vec![], Some(1)));
    let expected = ["kill 1", "kill 2", "kill 3"].map(str::to_owned).to_vec();
    assert_eq!(due(2), (expected, None));
}
