//! Faults through frames: each property that they can be restricted by, each way to choose among
//! requests, each thing that they do.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::metadata_request::MetadataRequestTopic;
use weft_client::wire::messages::{
    HeartbeatRequest, ListGroupsRequest, MetadataRequest, TopicName,
};

use super::fetching::{TOPIC, append, bench, fetch, partitions, produce, sizes};
use super::versions::requests;
use super::*;

fn set(bench: &mut Bench, fault: Fault) -> FaultId {
    bench.cluster.faults.set(fault).unwrap()
}

fn counts(bench: &Bench, id: FaultId) -> (u64, u64) {
    let counts = bench.cluster.faults.counts(id).unwrap();
    (counts.matched, counts.hit)
}

fn list() -> ListGroupsRequest {
    ListGroupsRequest::default()
}

/// Sets a fault for ListGroups, and asks it once.
fn listed(action: FaultAction) -> (Bench, Wire, Vec<Output>) {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(&mut bench, Fault::new(ApiKey::ListGroups, action));
    let out = bench.send(wire, 5, list());
    (bench, wire, out)
}

fn code(wire: Wire, out: &[Output]) -> ErrorCode {
    match answer_to(wire, ApiKey::ListGroups, 5, out) {
        Some(Response::ListGroups(answer)) => ErrorCode(answer.error_code),
        other => panic!("{other:?}"),
    }
}

fn outcome(bench: &Bench) -> Outcome {
    let any = RequestFilter::any();
    let mut all = bench.cluster.request_log.find(&any, 0);
    all.next().expect("a request was received").outcome
}

const CODE: ErrorCode = ErrorCode::COORDINATOR_NOT_AVAILABLE;

#[test]
fn a_filter_chooses_by_each_property() {
    let mut bench = bench();
    for request in requests(&bench) {
        let version = newest(request.api_key());
        let wire = bench.connect(0);
        bench.send(wire, version, request);
    }
    let wire = bench.connect(1);
    bench.send(wire, 3, list());
    let check = |filter: RequestFilter, expected: &[ApiKey]| {
        let found = bench.cluster.request_log.find(&filter, 0);
        let found: Vec<ApiKey> = found.map(|request| request.api_key).collect();
        assert_eq!(found, expected, "{filter:?}");
    };
    let any = RequestFilter::any;
    let named = [
        ApiKey::Metadata,
        ApiKey::Produce,
        ApiKey::Fetch,
        ApiKey::ListOffsets,
        ApiKey::OffsetForLeaderEpoch,
        ApiKey::OffsetCommit,
        ApiKey::OffsetFetch,
        ApiKey::CreateTopics,
    ];
    check(RequestFilter::api(ApiKey::Fetch), &[ApiKey::Fetch]);
    check(any().versions(3..=3).broker(1), &[ApiKey::ListGroups]);
    check(any().versions(2..=2).broker(1), &[]);
    check(any().topic(TOPIC).versions(0..=99), &named);
    check(any().topic("other"), &[]);
    check(any().partition(TOPIC, 0), &named);
    // These name the topic as a whole, with all that is in it.
    let as_a_whole = [ApiKey::Metadata, ApiKey::CreateTopics];
    check(any().partition(TOPIC, 3), &as_a_whole);
    let about_groups = [
        ApiKey::FindCoordinator,
        ApiKey::JoinGroup,
        ApiKey::SyncGroup,
        ApiKey::Heartbeat,
        ApiKey::LeaveGroup,
        ApiKey::OffsetCommit,
        ApiKey::OffsetFetch,
        ApiKey::DescribeGroups,
    ];
    check(any().group("group"), &about_groups);
    check(any().group("other"), &[]);
    check(any().client_id("client").broker(1), &[ApiKey::ListGroups]);
    check(any().client_id(""), &[]);
}

#[test]
fn a_fault_hits_the_requests_whose_turn_it_is() {
    let check = |hits: Hits, expected: &[u64]| {
        let mut bench = bench();
        let fault = Fault::new(ApiKey::ListGroups, FaultAction::Answer(CODE)).hits(hits);
        set(&mut bench, fault);
        let wire = bench.connect(0);
        let mut hit = Vec::new();
        for number in 1..=10 {
            let out = bench.send(wire, 5, list());
            hit.extend((code(wire, &out) == CODE).then_some(number));
        }
        assert_eq!(hit, expected, "{hits:?}");
    };
    check(Hits::All, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    check(Hits::Nth(3), &[3]);
    check(Hits::First(2), &[1, 2]);
    check(Hits::Every(4), &[4, 8]);
    let half = |seed| Hits::Chance { percent: 50, seed };
    check(half(1), &[2, 4, 6, 7, 8, 9]);
    check(half(2), &[1, 2, 4, 5, 6, 9, 10]);
}

#[test]
fn a_fault_counts_what_it_met_and_can_be_lifted() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let fault = Fault::new(ApiKey::ListGroups, FaultAction::Answer(CODE)).hits(Hits::Every(2));
    let id = set(&mut bench, fault);
    for _ in 0..5 {
        bench.send(wire, 5, list());
    }
    assert_eq!(counts(&bench, id), (5, 2));

    let lifted = bench.cluster.faults.lift(id).unwrap();

    assert_eq!((lifted.matched, lifted.hit), (5, 2));
    let out = bench.send(wire, 5, list());
    assert_eq!(code(wire, &out), ErrorCode::NONE);
    assert_eq!(bench.cluster.faults.lift(id), None);
}

#[test]
fn faults_that_make_no_sense_or_are_too_many_are_refused() {
    let mut bench = bench();
    let mut refused = |hits, action| {
        let fault = Fault::new(RequestFilter::any(), action).hits(hits);
        bench.cluster.faults.set(fault).unwrap_err()
    };
    let cut = FaultAction::CutBefore;
    assert_eq!(refused(Hits::Nth(0), cut), FaultRefused::Zeroth);
    assert_eq!(refused(Hits::First(0), cut), FaultRefused::Zeroth);
    assert_eq!(refused(Hits::Every(0), cut), FaultRefused::Zeroth);
    for percent in [0, 101] {
        let chance = Hits::Chance { percent, seed: 1 };
        assert_eq!(refused(chance, cut), FaultRefused::Percent(percent));
    }
    let long = Duration::from_secs(24 * 60 * 60 + 1);
    let delay = FaultAction::DelayAfter(long);
    assert_eq!(refused(Hits::All, delay), FaultRefused::TooLong(long));

    let once = || Fault::new(ApiKey::ListGroups, cut).hits(Hits::First(1));
    for _ in 0..1_000 {
        set(&mut bench, once());
    }
    let refused = bench.cluster.faults.set(once());
    assert_eq!(refused, Err(FaultRefused::TooMany));
    let wire = bench.connect(0);
    bench.send(wire, 5, list());
    assert!(
        bench.cluster.faults.set(once()).is_ok(),
        "what is used up makes room"
    );
}

#[test]
fn faults_of_one_kind_follow_each_other_and_those_of_several_add_up() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let on = |action, hits| Fault::new(ApiKey::ListGroups, action).hits(hits);
    let delay = Duration::from_secs(1);
    set(&mut bench, on(FaultAction::Answer(CODE), Hits::First(1)));
    let second = ErrorCode::NOT_COORDINATOR;
    set(&mut bench, on(FaultAction::Answer(second), Hits::First(1)));
    set(
        &mut bench,
        on(FaultAction::DelayBefore(delay), Hits::First(1)),
    );

    assert_eq!(bench.send(wire, 5, list()), []);
    let out = bench.wait(delay);
    assert_eq!(code(wire, &out), CODE);
    let out = bench.send(wire, 5, list());
    assert_eq!(code(wire, &out), second);
    let out = bench.send(wire, 5, list());
    assert_eq!(code(wire, &out), ErrorCode::NONE);
}

#[test]
fn nothing_sees_a_request_behind_a_cut() {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(
        &mut bench,
        Fault::new(ApiKey::ListGroups, FaultAction::CutBefore),
    );
    let delay = FaultAction::DelayBefore(Duration::from_secs(1));
    let behind = set(&mut bench, Fault::new(ApiKey::ListGroups, delay));

    assert_eq!(bench.send(wire, 5, list()), [Output::Close(wire.id)]);

    assert_eq!(counts(&bench, behind), (0, 0));
}

#[test]
fn only_the_partition_that_a_fault_names_is_refused() {
    let mut bench = bench();
    append(&mut bench, 0, batch(1));
    append(&mut bench, 2, batch(1));
    let wire = bench.connect(0);
    let filter = RequestFilter::api(ApiKey::Fetch).partition(TOPIC, 0);
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    set(&mut bench, Fault::new(filter, FaultAction::Answer(code)));

    let request = fetch(&bench, &[(0, 0), (2, 0)]);
    let answered = partitions(bench.ask(wire, request));
    let codes: Vec<i16> = answered.iter().map(|answer| answer.error_code).collect();
    assert_eq!(codes, [code.0, 0]);
    let request = fetch(&bench, &[(2, 0)]);
    assert_eq!(sizes(bench.ask(wire, request)), [batch(1).len()]);
}

/// An incremental fetch names nothing, and is about what its session holds (KIP-227).
#[test]
fn a_fetch_in_a_session_is_about_what_the_session_holds() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let request = fetch(&bench, &[(0, 0), (2, 0)]).with_session_epoch(0);
    let Response::Fetch(opened) = bench.ask(wire, request) else {
        panic!("no answer to a fetch");
    };
    let filter = RequestFilter::api(ApiKey::Fetch).partition(TOPIC, 2);
    let code = ErrorCode::UNKNOWN_LEADER_EPOCH;
    let id = set(&mut bench, Fault::new(filter, FaultAction::Answer(code)));
    let mut request = fetch(&bench, &[]).with_session_epoch(1);
    request.session_id = opened.session_id;
    request.topics.clear();

    let Response::Fetch(answer) = bench.ask(wire, request) else {
        panic!("no answer to a fetch");
    };

    assert_eq!(counts(&bench, id), (1, 1));
    let told = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let told: Vec<_> = told
        .map(|told| (told.partition_index, told.error_code))
        .collect();
    assert_eq!(told, [(2, code.0)]);
    let filter = RequestFilter::any().partition(TOPIC, 0);
    assert_eq!(bench.cluster.request_log.find(&filter, 0).count(), 2);
}

#[test]
fn a_produce_that_is_refused_for_one_partition_appends_to_the_others() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let filter = RequestFilter::api(ApiKey::Produce).partition(TOPIC, 0);
    let fault = Fault::new(filter, FaultAction::Answer(ErrorCode::NOT_ENOUGH_REPLICAS));
    set(&mut bench, fault);
    let mut request = produce(&bench, 0, batch(1));
    let mut other = produce(&bench, 2, batch(1));
    let other = other.topic_data[0].partition_data.remove(0);
    request.topic_data[0].partition_data.push(other);

    let Response::Produce(answer) = bench.ask(wire, request) else {
        panic!("no answer to a produce");
    };

    let answers = &answer.responses[0].partition_responses;
    let codes: Vec<i16> = answers.iter().map(|answer| answer.error_code).collect();
    assert_eq!(codes, [ErrorCode::NOT_ENOUGH_REPLICAS.0, 0]);
    let end = |partition| bench.cluster.end_offset(TOPIC, partition).unwrap().value();
    assert_eq!((end(0), end(2)), (0, 1));
}

#[test]
fn a_topic_in_metadata_is_refused_as_a_whole_or_in_one_partition() {
    let metadata = |filter: RequestFilter| {
        let mut bench = bench();
        let wire = bench.connect(0);
        let action = FaultAction::Answer(ErrorCode::LEADER_NOT_AVAILABLE);
        set(&mut bench, Fault::new(filter, action));
        let topic = MetadataRequestTopic::default().with_name(Some(TopicName(string(TOPIC))));
        let request = MetadataRequest::default().with_topics(Some(vec![topic]));
        let Response::Metadata(mut answer) = bench.ask(wire, request) else {
            panic!("no metadata");
        };
        assert_eq!(answer.brokers.len(), 2);
        let topic = answer.topics.remove(0);
        let codes = topic
            .partitions
            .iter()
            .map(|partition| partition.error_code);
        (topic.error_code, codes.collect::<Vec<_>>())
    };
    let filter = || RequestFilter::api(ApiKey::Metadata);
    assert_eq!(metadata(filter().topic(TOPIC)), (5, vec![]));
    assert_eq!(
        metadata(filter().partition(TOPIC, 1)),
        (0, vec![0, 5, 0, 0])
    );
}

#[test]
fn a_refused_produce_without_acks_ends_the_connection() {
    let mut bench = bench();
    let wire = bench.connect(0);
    set(
        &mut bench,
        Fault::new(ApiKey::Produce, FaultAction::Answer(CODE)),
    );
    let request = produce(&bench, 0, batch(1)).with_acks(0);

    assert_eq!(bench.send(wire, 13, request), [Output::Close(wire.id)]);
}

#[test]
fn a_delay_before_serves_late_and_a_delay_after_answers_late() {
    let delay = Duration::from_millis(300);
    for (action, end_meanwhile) in [
        (FaultAction::DelayBefore(delay), 0),
        (FaultAction::DelayAfter(delay), 1),
    ] {
        let mut bench = bench();
        let wire = bench.connect(0);
        set(&mut bench, Fault::new(ApiKey::Produce, action));
        let request = produce(&bench, 0, batch(1));

        assert_eq!(bench.send(wire, 13, request), []);

        assert_eq!(bench.cluster.next_deadline(), Some(bench.now + delay));
        let end = bench.cluster.end_offset(TOPIC, 0).unwrap();
        assert_eq!(end.value(), end_meanwhile, "{action:?}");
        assert_eq!(bench.wait(delay / 2), []);
        let out = bench.wait(delay / 2);
        assert!(answer_to(wire, ApiKey::Produce, 13, &out).is_some());
        assert_eq!(outcome(&bench), Outcome::Answered);
    }
}

#[test]
fn what_is_swallowed_or_cut_is_served_only_if_the_fault_comes_after() {
    let cut = |wire: Wire| vec![Output::Close(wire.id)];
    let nothing = |_: Wire| vec![];
    let check = |action, expected: fn(Wire) -> Vec<Output>, end: i64, ended| {
        let mut bench = bench();
        let wire = bench.connect(0);
        set(&mut bench, Fault::new(ApiKey::Produce, action));
        let request = produce(&bench, 0, batch(1));
        let out = bench.send(wire, 13, request);
        assert_eq!(out, expected(wire), "{action:?}");
        let found = bench.cluster.end_offset(TOPIC, 0).unwrap().value();
        assert_eq!((found, outcome(&bench)), (end, ended), "{action:?}");
        assert_eq!(bench.cluster.next_deadline(), None);
    };
    check(FaultAction::Silence, nothing, 0, Outcome::Swallowed);
    check(FaultAction::LoseAnswer, nothing, 1, Outcome::Swallowed);
    check(FaultAction::CutBefore, cut, 0, Outcome::Cut);
    check(FaultAction::CutAfter, cut, 1, Outcome::Cut);
}

#[test]
fn half_a_frame_is_sent_and_then_the_connection_closes() {
    let mut whole = bench();
    let wire = whole.connect(0);
    let whole = whole.send(wire, 5, list());
    let [Output::Answer(_, whole)] = &whole[..] else {
        panic!("{whole:?}");
    };
    let whole = whole.concat();

    let (_, wire, out) = listed(FaultAction::HalfFrame);

    let [Output::Answer(_, half), close] = &out[..] else {
        panic!("{out:?}");
    };
    assert_eq!(half.concat(), whole[..whole.len() / 2]);
    assert_eq!(*close, Output::Close(wire.id));
}

#[test]
fn corruption_changes_as_many_bytes_as_ordered_and_the_same_ones_again() {
    let corrupt = |bytes, seed| {
        let mut bench = bench();
        append(&mut bench, 0, batch(20));
        let wire = bench.connect(0);
        if bytes > 0 {
            let action = FaultAction::Corrupt { bytes, seed };
            set(&mut bench, Fault::new(ApiKey::Fetch, action));
        }
        let request = fetch(&bench, &[(0, 0)]);
        let out = bench.send(wire, newest(ApiKey::Fetch), request);
        let [Output::Answer(_, chunks)] = &out[..] else {
            panic!("{out:?}");
        };
        chunks.concat()
    };
    let sound = corrupt(0, 0);
    let changed = |spoilt: &[u8]| {
        assert_eq!(spoilt[..4], sound[..4], "the length is left alone");
        spoilt.iter().zip(&sound).filter(|(a, b)| a != b).count()
    };
    for seed in 0..20 {
        assert!(changed(&corrupt(10_000, seed)) > sound.len() / 2);
    }
    assert_eq!(changed(&corrupt(1, 7)), 1);
    assert_eq!(changed(&corrupt(3, 7)), 3);
    assert_eq!(corrupt(3, 7), corrupt(3, 7));
    assert_ne!(corrupt(3, 7), corrupt(3, 8));
}

#[test]
fn a_throttled_client_is_told_so_and_then_not_read_from() {
    let time = Duration::from_secs(2);
    let (mut bench, wire, out) = listed(FaultAction::Throttle(time));
    let Some(Response::ListGroups(answer)) = answer_to(wire, ApiKey::ListGroups, 5, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(answer.throttle_time_ms, 2_000);
    let other = bench.connect(0);
    let heartbeat = HeartbeatRequest::default();
    let out = bench.send(other, 4, heartbeat.clone());
    assert!(answer_to(other, ApiKey::Heartbeat, 4, &out).is_some());

    assert_eq!(bench.send(wire, 4, heartbeat), []);

    assert_eq!(
        bench.cluster.requests(ApiKey::Heartbeat),
        1,
        "it is not read"
    );
    assert_eq!(bench.cluster.next_deadline(), Some(bench.now + time));
    let out = bench.wait(time);
    assert!(answer_to(wire, ApiKey::Heartbeat, 4, &out).is_some());
    assert_eq!(bench.cluster.next_deadline(), None);
}

#[test]
fn every_api_can_tell_that_it_throttles() {
    for request in requests(&bench()) {
        let mut bench = bench();
        let wire = bench.connect(0);
        let action = FaultAction::Throttle(Duration::from_millis(77));
        set(&mut bench, Fault::new(RequestFilter::any(), action));
        let refuse = FaultAction::Answer(ErrorCode::UNKNOWN_SERVER_ERROR);
        set(&mut bench, Fault::new(RequestFilter::any(), refuse));
        let (api_key, version) = (request.api_key(), newest(request.api_key()));
        let out = bench.send(wire, version, request);
        let answer = answer_to(wire, api_key, version, &out);
        let written = format!("{answer:?}");
        assert!(written.contains("throttle_time_ms: 77"), "{written}");
    }
}

#[test]
fn a_fetch_that_waited_is_throttled_as_well() {
    let mut bench = bench();
    let wire = bench.connect(0);
    let action = FaultAction::Throttle(Duration::from_millis(50));
    set(&mut bench, Fault::new(ApiKey::Fetch, action));
    let request = fetch(&bench, &[(0, 0)]).with_max_wait_ms(1_000);
    let version = newest(ApiKey::Fetch);
    assert_eq!(bench.send(wire, version, request), []);

    let out = append(&mut bench, 0, batch(1));

    let Some(Response::Fetch(answer)) = answer_to(wire, ApiKey::Fetch, version, &out) else {
        panic!("{out:?}");
    };
    assert_eq!(answer.throttle_time_ms, 50);
}

#[test]
fn the_log_tells_what_was_asked_and_how_it_ended() {
    let mut bench = bench();
    let wire = bench.connect(1);
    let id = set(
        &mut bench,
        Fault::new(ApiKey::Fetch, FaultAction::Answer(CODE)),
    );
    bench.now += Duration::from_secs(3);
    let received_at = bench.now;
    let request = fetch(&bench, &[(1, 0), (3, 0)]);
    bench.send(wire, 17, request);

    let found: Vec<_> = bench
        .cluster
        .request_log
        .find(&ApiKey::Fetch.into(), 0)
        .collect();

    let [request] = found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(request.topics(), [(TOPIC.into(), vec![1, 3])]);
    assert_eq!(request.groups(), []);
    assert_eq!((request.number, request.broker), (0, NodeId::new(1)));
    assert_eq!(
        (request.api_version, &request.client_id[..]),
        (17, "client")
    );
    assert_eq!(request.correlation_id, CorrelationId::new(5));
    assert_eq!(request.connection, wire.id.0);
    assert_eq!(
        (request.received_at, request.ended_at),
        (received_at, Some(received_at))
    );
    assert_eq!(
        (&request.faults[..], request.outcome),
        (&[id][..], Outcome::Refused(CODE))
    );
}

#[test]
fn the_log_forgets_the_oldest_and_says_how_many() {
    let mut bench = bench();
    let wire = bench.connect(0);
    for _ in 0..10_003 {
        bench.send(wire, 5, list());
    }
    let log = &bench.cluster.request_log;
    assert_eq!(log.forgotten(), 3);
    let any = RequestFilter::any();
    let mut left = log.find(&any, 0);
    assert_eq!(left.next().map(|request| request.number), Some(3));
    assert_eq!(left.count(), 9_999);
    assert_eq!(log.find(&any, 10_001).count(), 2);
    assert_eq!(log.count(ApiKey::ListGroups), 10_003);
}
