//! Fetch sessions (KIP-227): what they leave out, when they end, and who gets one.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::fetch_request::ForgottenTopic;
use weft_client::wire::messages::{FetchRequest, FetchResponse};

use super::fetching::{TOPIC, append, bench, fetch};
use super::*;

/// Partitions of the answer, each with the size of its records.
type Told = Vec<(i32, usize)>;

fn ask(bench: &mut Bench, wire: Wire, request: FetchRequest) -> FetchResponse {
    match bench.ask(wire, request) {
        Response::Fetch(response) => response,
        other => panic!("{other:?}"),
    }
}

fn told(response: &FetchResponse) -> Told {
    let topics = response.responses.iter();
    let partitions = topics.flat_map(|topic| &topic.partitions);
    partitions
        .map(|partition| {
            let size = partition.records.as_ref().map_or(0, Bytes::len);
            (partition.partition_index, size)
        })
        .collect()
}

/// Opens a session for these partitions and returns its id, 0 if there is none.
fn open(bench: &mut Bench, wire: Wire, partitions: &[(i32, i64)]) -> i32 {
    let request = fetch(bench, partitions).with_session_epoch(0);
    let response = ask(bench, wire, request);
    assert_eq!(response.error_code, 0);
    assert_eq!(told(&response).len(), partitions.len(), "all are told");
    response.session_id
}

fn next(bench: &Bench, id: i32, epoch: i32, partitions: &[(i32, i64)]) -> FetchRequest {
    let mut request = fetch(bench, partitions)
        .with_session_id(id)
        .with_session_epoch(epoch);
    request.topics.retain(|topic| !topic.partitions.is_empty());
    request
}

fn error(bench: &mut Bench, wire: Wire, request: FetchRequest) -> ErrorCode {
    let response = ask(bench, wire, request);
    assert_eq!(told(&response), []);
    ErrorCode(response.error_code)
}

#[test]
fn an_incremental_fetch_is_told_what_changed_and_nothing_else() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let id = open(&mut bench, wire, &[(0, 0), (2, 0)]);
    assert!(id > 0);
    let size = batch(1).len();

    let request = next(&bench, id, 1, &[]);
    let response = ask(&mut bench, wire, request);
    assert_eq!((response.session_id, told(&response)), (id, vec![]));

    append(&mut bench, 2, batch(1));
    let request = next(&bench, id, 2, &[]);
    assert_eq!(told(&ask(&mut bench, wire, request)), [(2, size)]);

    let request = next(&bench, id, 3, &[(2, 1)]);
    assert_eq!(told(&ask(&mut bench, wire, request)), []);

    bench
        .cluster
        .delete_records_before(TOPIC, 2, weft_client::Offset::new(1))
        .unwrap();
    let request = next(&bench, id, 4, &[]);
    assert_eq!(
        told(&ask(&mut bench, wire, request)),
        [(2, 0)],
        "it begins later"
    );
}

#[test]
fn a_waiting_incremental_fetch_is_answered_with_what_has_come() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let id = open(&mut bench, wire, &[(0, 0), (2, 0)]);
    let waiting = next(&bench, id, 1, &[]).with_max_wait_ms(500);
    let version = newest(ApiKey::Fetch);

    assert_eq!(bench.send(wire, version, waiting), []);
    let out = append(&mut bench, 2, batch(1));

    let Some(Response::Fetch(answer)) = answer_to(wire, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(told(&answer), [(2, batch(1).len())]);
}

#[test]
fn an_error_is_told_each_time_and_its_end_once() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let id = open(&mut bench, wire, &[(0, 9), (2, 0)]);

    for epoch in [1, 2] {
        let request = next(&bench, id, epoch, &[]);
        assert_eq!(told(&ask(&mut bench, wire, request)), [(0, 0)]);
    }
    for (epoch, expected) in [(3, vec![(0, 0)]), (4, vec![])] {
        let request = next(&bench, id, epoch, &[(0, 0)]);
        assert_eq!(told(&ask(&mut bench, wire, request)), expected, "{epoch}");
    }
}

#[test]
fn partitions_that_got_records_wait_for_the_others_to_have_their_turn() {
    let mut bench = bench();
    let wire = bench.connect(0);
    for partition in [0, 2] {
        append(&mut bench, partition, batch(1));
    }
    let id = open(&mut bench, wire, &[(0, 0), (2, 0)]);
    let size = batch(1).len();

    for (epoch, expected) in [(1, 0), (2, 2), (3, 0), (4, 2)] {
        let request = next(&bench, id, epoch, &[]).with_max_bytes(1);
        let response = ask(&mut bench, wire, request);
        assert_eq!(told(&response), [(expected, size)], "{epoch}");
    }
}

#[test]
fn partitions_come_and_go_and_the_last_takes_the_session_with_it() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let id = open(&mut bench, wire, &[(0, 0)]);
    append(&mut bench, 2, batch(1));
    let size = batch(1).len();
    let forget = |bench: &Bench, epoch: i32, partitions: &[i32]| {
        let mut request = next(bench, id, epoch, &[]);
        let topic = fetch(bench, &[]).topics.remove(0);
        let forgotten = ForgottenTopic::default()
            .with_topic_id(topic.topic_id)
            .with_partitions(partitions.to_vec());
        request.forgotten_topics_data = vec![forgotten];
        request
    };

    let request = next(&bench, id, 1, &[(2, 0)]);
    assert_eq!(told(&ask(&mut bench, wire, request)), [(2, size)]);
    append(&mut bench, 0, batch(1));
    let request = forget(&bench, 2, &[2, 77]);
    assert_eq!(told(&ask(&mut bench, wire, request)), [(0, size)]);
    let request = forget(&bench, 3, &[0]);
    let response = ask(&mut bench, wire, request);
    assert_eq!((response.session_id, told(&response)), (0, vec![]));
    let request = next(&bench, id, 4, &[]);
    assert_eq!(
        error(&mut bench, wire, request),
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND
    );
}

#[test]
fn a_request_out_of_step_with_its_session_is_refused() {
    let mut bench = bench();
    let (wire, elsewhere) = (bench.connect(0), bench.connect(1));
    let id = open(&mut bench, wire, &[(0, 0)]);

    for (id, epoch, expected) in [
        (id + 1, 1, ErrorCode::FETCH_SESSION_ID_NOT_FOUND),
        (id, 2, ErrorCode::INVALID_FETCH_SESSION_EPOCH),
        (id, -7, ErrorCode::INVALID_FETCH_SESSION_EPOCH),
    ] {
        let request = next(&bench, id, epoch, &[]);
        assert_eq!(error(&mut bench, wire, request), expected);
    }
    let request = next(&bench, id, 1, &[]);
    assert_eq!(
        error(&mut bench, elsewhere, request.clone()),
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
        "it is another broker's"
    );
    let Response::Fetch(response) = bench.ask_in(wire, 12, request) else {
        panic!("another answer");
    };
    assert_eq!(
        ErrorCode(response.error_code),
        ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
        "it names topics by their id"
    );
}

#[test]
fn a_session_ends_with_a_full_request_or_with_its_broker() {
    let mut bench = bench();
    let wire = bench.connect(0);
    for epoch in [0, -1] {
        let id = open(&mut bench, wire, &[(0, 0)]);
        let request = fetch(&bench, &[(0, 0)])
            .with_session_id(id)
            .with_session_epoch(epoch);
        let response = ask(&mut bench, wire, request);
        assert_eq!(response.session_id > 0, epoch == 0, "opened again");
        let request = next(&bench, id, 1, &[]);
        let refused = error(&mut bench, wire, request);
        assert_eq!(refused, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    }
    let id = open(&mut bench, wire, &[(0, 0)]);
    bench.feed(Input::Kill(NodeId::new(0)));
    bench.feed(Input::Restart(NodeId::new(0)));
    let wire = bench.connect(0);
    let request = next(&bench, id, 1, &[]);
    assert_eq!(
        error(&mut bench, wire, request),
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND
    );
}

#[test]
fn a_request_that_overtakes_a_waiting_one_invalidates_it() {
    let mut bench = bench();
    let (first, second) = (bench.connect(0), bench.connect(0));
    let id = open(&mut bench, first, &[(0, 0)]);
    let version = newest(ApiKey::Fetch);
    let waiting = next(&bench, id, 1, &[]).with_max_wait_ms(500);
    assert_eq!(bench.send(first, version, waiting), []);
    let overtaking = next(&bench, id, 2, &[]);
    assert_eq!(told(&ask(&mut bench, second, overtaking)), []);

    let out = bench.wait(Duration::from_millis(500));

    let Some(Response::Fetch(answer)) = answer_to(first, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(
        (ErrorCode(answer.error_code), answer.session_id),
        (ErrorCode::INVALID_FETCH_SESSION_EPOCH, id)
    );
}

#[test]
fn without_a_place_there_is_no_session_until_one_was_idle_for_two_minutes() {
    let mut bench = bench();
    bench.cluster.options.fetch_sessions_max = 1;
    let (wire, other) = (bench.connect(0), bench.connect(1));
    let first = open(&mut bench, wire, &[(0, 0)]);

    assert_eq!(open(&mut bench, wire, &[(0, 0), (2, 0)]), 0);
    assert!(open(&mut bench, other, &[(1, 0)]) > 0, "another broker");
    bench.wait(Duration::from_secs(121));
    let second = open(&mut bench, wire, &[(0, 0)]);
    assert!(second > first);
    let request = next(&bench, first, 1, &[]);
    let refused = error(&mut bench, wire, request);
    assert_eq!(refused, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
}

#[test]
fn a_larger_session_takes_the_place_of_a_smaller_one_of_some_age() {
    let mut bench = bench();
    bench.cluster.options.fetch_sessions_max = 1;
    let wire = bench.connect(0);
    let first = open(&mut bench, wire, &[(0, 0)]);
    for epoch in [1, 2] {
        bench.wait(Duration::from_secs(61));
        let request = next(&bench, first, epoch, &[]);
        assert_eq!(told(&ask(&mut bench, wire, request)), []);
    }

    assert_eq!(open(&mut bench, wire, &[(2, 0)]), 0, "no larger");
    assert!(open(&mut bench, wire, &[(0, 0), (2, 0)]) > first);
}

#[test]
fn nobody_waits_for_topics_that_nobody_knows_unless_there_are_others() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let version = newest(ApiKey::Fetch);
    let mut request = fetch(&bench, &[(0, 0), (77, 0)]).with_max_wait_ms(500);
    let mut unknown = request.topics[0].clone();
    unknown.topic_id = uuid::Uuid::from_u128(7);
    unknown.partitions.truncate(1);
    request.topics.insert(0, unknown.clone());

    assert_eq!(bench.send(wire, version, request.clone()), []);
    let out = bench.wait(Duration::from_millis(500));
    let Some(Response::Fetch(answer)) = answer_to(wire, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(answer.responses[1].topic_id, unknown.topic_id, "it is last");
    request.topics = vec![unknown];
    assert_eq!(told(&ask(&mut bench, wire, request)), [(0, 0)]);
}

#[test]
fn a_waiting_fetch_is_answered_when_one_of_its_topics_goes() {
    let mut bench = bench();
    bench.cluster.create_topic("other", 1).unwrap();
    let wire = bench.connect(0);
    let mut waiting = fetch(&bench, &[(0, 0)]).with_max_wait_ms(500);
    let mut other = waiting.topics[0].clone();
    let id = bench.cluster.topics.by_name("other").unwrap().id;
    other.topic_id = uuid::Uuid::from_bytes(id.0);
    waiting.topics.push(other);
    let version = newest(ApiKey::Fetch);
    assert_eq!(bench.send(wire, version, waiting), []);

    bench.cluster.topics.delete("other");
    let out = bench.feed(Input::Tick);

    let Some(Response::Fetch(answer)) = answer_to(wire, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    let error = answer.responses[1].partitions[0].error_code;
    assert_eq!(ErrorCode(error), ErrorCode::UNKNOWN_TOPIC_ID);
}

#[test]
fn before_3_0_partitions_wait_for_their_turn_also_if_they_were_told_without_records() {
    for (release, expected) in [
        (KafkaRelease::V2_8, [0, 0, 2]),
        (KafkaRelease::V3_0, [0, 2, 0]),
    ] {
        let mut bench = bench();
        bench.cluster.options.release = release;
        let wire = bench.connect(0);
        let fetched = |bench: &mut Bench, request: FetchRequest| {
            let Response::Fetch(response) = bench.ask_in(wire, 12, request) else {
                panic!("another answer");
            };
            response
        };
        let request = fetch(&bench, &[(0, 0), (2, 0)]).with_session_epoch(0);
        let id = fetched(&mut bench, request).session_id;
        for partition in [0, 2] {
            append(&mut bench, partition, batch(1));
        }

        let served = [1, 2, 3].map(|epoch| {
            let request = next(&bench, id, epoch, &[]).with_max_bytes(1);
            let told = told(&fetched(&mut bench, request));
            let mut served = told.iter().filter(|(_, size)| *size > 0);
            served.next().map(|(partition, _)| *partition)
        });

        assert_eq!(served, expected.map(Some), "{release}");
    }
}
