//! Fetch, without sessions.

use weft_client::wire::ApiKey;
use weft_client::wire::messages::FetchRequest;
use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic};

use super::super::case::{At, Case, Step, ask};
use super::records::{batch, produce};
use super::{case, topic};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "fetching",
            &[ApiKey::Fetch],
            vec![topic("topic", 2), filled(), fetching(), refused()],
        ),
        case(
            "fetch sessions",
            &[ApiKey::Fetch],
            vec![topic("topic", 2), filled(), sessions()],
        ),
        case(
            "limits of fetches",
            &[],
            vec![topic("topic", 2), filled(), limits()],
        ),
    ]
}

fn filled() -> Vec<Step> {
    let fill = |partition, times: &'static [i64]| {
        move |at: &At<'_>| produce(at, "topic", &[(partition, Some(batch(times)))])
    };
    vec![
        ask("three records", fill(0, &[1_000, 3_000, 2_000])),
        ask("two more", fill(0, &[4_000, 5_000])),
        ask("one elsewhere", fill(1, &[6_000])),
    ]
}

fn fetch(at: &At<'_>, name: &str, asked: &[(i32, i64)]) -> FetchRequest {
    let partitions = asked.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
            .with_current_leader_epoch(-1)
            .with_partition_max_bytes(1 << 20)
    });
    let topic = match at.version(ApiKey::Fetch) {
        BY_ID.. => FetchTopic::default().with_topic_id(at.topic_id(name)),
        _ => FetchTopic::default().with_topic(at.topic(name)),
    };
    FetchRequest::default()
        .with_max_wait_ms(1)
        .with_min_bytes(1)
        .with_max_bytes(1 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic.with_partitions(partitions.collect())])
}

fn fetching() -> Vec<Step> {
    let mut steps = Vec::new();
    for (what, partition, offset) in [
        ("from the beginning", 0, 0),
        ("from within a batch", 0, 1),
        ("the second batch", 0, 3),
        ("at the end", 0, 5),
        ("behind the end", 0, 6),
        ("far behind the end", 0, i64::MAX),
        ("the other partition", 1, 0),
    ] {
        steps.push(ask(what, move |at| {
            fetch(at, "topic", &[(partition, offset)])
        }));
    }
    steps.push(ask("both partitions", |at| {
        fetch(at, "topic", &[(1, 0), (0, 0)])
    }));
    steps.push(ask("a partition and none", |at| {
        fetch(at, "topic", &[(0, 0), (9, 0)])
    }));
    steps.push(ask("a topic and none", |at| {
        let mut request = fetch(at, "topic", &[(0, 0)]);
        request.topics.extend(fetch(at, "none", &[(0, 0)]).topics);
        request
    }));
    steps.push(ask("a partition twice", |at| {
        fetch(at, "topic", &[(0, 0), (9, 0), (0, 3), (9, 0)])
    }));
    steps.push(ask("a topic twice", |at| {
        let mut request = fetch(at, "topic", &[(0, 0)]);
        for name in ["none", "topic", "none"] {
            request.topics.extend(fetch(at, name, &[(1, 0)]).topics);
        }
        request
    }));
    steps.push(ask("no topics", |at| {
        fetch(at, "topic", &[]).with_topics(Vec::new())
    }));
    steps.push(ask("no partitions", |at| fetch(at, "topic", &[])));
    steps.push(ask("committed records", |at| {
        fetch(at, "topic", &[(0, 0)]).with_isolation_level(1)
    }));
    steps.push(ask("isolation of no kind", |at| {
        fetch(at, "topic", &[(0, 0)]).with_isolation_level(7)
    }));
    for epoch in [0, 5, -5] {
        steps.push(ask(format!("seen from epoch {epoch}"), move |at| {
            let mut request = fetch(at, "topic", &[(0, 0)]);
            request.topics[0].partitions[0].current_leader_epoch = epoch;
            request
        }));
    }
    for (epoch, offset) in [(0, 5), (0, 9), (3, 5)] {
        let what = format!("at {offset} after records of epoch {epoch}");
        steps.push(ask(what, move |at| {
            let mut request = fetch(at, "topic", &[(0, offset)]);
            request.topics[0].partitions[0].last_fetched_epoch = epoch;
            request
        }));
    }
    steps
}

fn refused() -> Vec<Step> {
    vec![
        ask("of no topic", |at| fetch(at, "none", &[(0, 0)])),
        ask("of no partition", |at| fetch(at, "topic", &[(9, 0)])),
        ask("of a negative partition", |at| {
            fetch(at, "topic", &[(-1, 0)])
        }),
        ask("in no session", |at| {
            let request = fetch(at, "topic", &[(0, 0)]);
            request.with_session_id(5).with_session_epoch(3)
        }),
        ask("closing no session", |at| {
            let request = fetch(at, "topic", &[(0, 0)]);
            request.with_session_id(5).with_session_epoch(-1)
        }),
    ]
}

fn sessions() -> Vec<Step> {
    let next = |at: &At<'_>, epoch, asked: &[(i32, i64)]| {
        let request = fetch(at, "topic", asked).with_session_epoch(epoch);
        match at.version(ApiKey::Fetch) {
            7.. => request.with_session_id(at.session()),
            _ => request,
        }
    };
    vec![
        ask("a new session", |at| {
            let request = fetch(at, "topic", &[(0, 0), (1, 0)]);
            request.with_session_epoch(0)
        }),
        ask("both have moved", move |at| next(at, 1, &[(0, 5), (1, 1)])),
        ask("an epoch too far", move |at| next(at, 3, &[(0, 0)])),
        ask("one goes back", move |at| next(at, 2, &[(0, 3)])),
        ask("nothing new", move |at| {
            next(at, 3, &[]).with_topics(Vec::new())
        }),
        ask("one that does not exist", move |at| next(at, 4, &[(9, 0)])),
        ask("its end", move |at| {
            next(at, -1, &[]).with_topics(Vec::new())
        }),
        ask("after its end", move |at| next(at, 5, &[(0, 0)])),
    ]
}

fn limits() -> Vec<Step> {
    let mut steps = Vec::new();
    for (what, all, each) in [
        ("one byte in all", 1, 1 << 20),
        ("one byte each", 1 << 20, 1),
        ("one byte and one byte", 1, 1),
        ("nothing each", 1 << 20, 0),
        ("nothing in all", 0, 1 << 20),
        ("less than nothing", -1, -1),
        ("a batch and a half", 130, 1 << 20),
        ("a batch and a half each", 1 << 20, 130),
    ] {
        steps.push(ask(what, move |at| {
            let mut request = fetch(at, "topic", &[(0, 0), (1, 0)]).with_max_bytes(all);
            for partition in &mut request.topics[0].partitions {
                partition.partition_max_bytes = each;
            }
            request
        }));
    }
    for (what, min, wait) in [
        ("more than there is, a moment long", 1 << 20, 30),
        ("more than there is, and no wait", 1 << 20, 0),
        ("a negative wait", 1 << 20, -1),
        ("nothing at least", 0, 10_000),
        ("less than nothing at least", -1, 10_000),
    ] {
        steps.push(ask(what, move |at| {
            let request = fetch(at, "topic", &[(0, 5), (1, 0)]);
            request.with_min_bytes(min).with_max_wait_ms(wait)
        }));
    }
    steps
}

/// The first version that names topics by their id.
const BY_ID: i16 = 13;
