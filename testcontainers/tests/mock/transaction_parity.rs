//! The part of the comparison with real brokers that is about producers and transactions: requests
//! that Weft's own client does not make, in whatever versions the broker knows. Run by `releases`.
//! All other APIs are compared by the differential test of the package `weft-tests`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::record::{BatchKind, Batches};
use weft_client::wire::messages::add_partitions_to_txn_request::AddPartitionsToTxnTransaction;
use weft_client::wire::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use weft_client::wire::messages::write_txn_markers_request::{
    WritableTxnMarker, WritableTxnMarkerTopic,
};
use weft_client::wire::messages::*;
use weft_client::wire::{
    ApiKey, ErrorCode, Request, RequestHead, Response, StrBytes, decode_exact_response,
    encode_exact_request,
};

use super::releases::announced;
use super::transaction_requests::*;

/// One connection, and what was asked and answered on it.
struct Talk {
    stream: TcpStream,
    /// The versions that the broker announces, by the number of the API.
    ranges: BTreeMap<i16, (i16, i16)>,
    told: Vec<(String, String)>,
}

impl Talk {
    fn exchange(&mut self, version: i16, request: impl Into<Request>) -> Response {
        let request = request.into();
        let api_key = request.api_key();
        let head = RequestHead {
            api_key,
            api_version: version,
            correlation_id: CorrelationId::new(5),
            client_id: Some(string("parity")),
        };
        let mut frame = BytesMut::new();
        encode_exact_request(&head, &request, &mut frame).unwrap();
        self.stream.write_all(&frame).unwrap();
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).unwrap();
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        let (_, response) = decode_exact_response(api_key, version, frame.into()).unwrap();
        response
    }

    /// Asks and tells. What the broker does not speak it is not asked.
    fn ask(&mut self, what: &str, version: i16, request: impl Into<Request>) -> Option<Response> {
        let request = request.into();
        if self.newest(request.api_key()) < version {
            return None;
        }
        let response = self.exchange(version, request);
        self.tell(&format!("{what} (v{version})"), &response);
        Some(response)
    }

    /// The newest version that the broker announces, -1 for none.
    fn newest(&self, api_key: ApiKey) -> i16 {
        let range = self.ranges.get(&(api_key as i16));
        range.map_or(-1, |(_, newest)| *newest)
    }

    fn tell(&mut self, what: &str, response: &Response) {
        let mut response = response.clone();
        let mut batches = Vec::new();
        if let Response::Fetch(fetched) = &mut response {
            let partition = &mut fetched.responses[0].partitions[0];
            batches = shown(partition.records.take().unwrap_or_default());
        }
        let mut text = format!("{response:?} {batches:?}");
        for field in DIFFERENT {
            text = redacted(&text, field);
        }
        self.told.push((what.to_owned(), text));
    }

    /// Initializes a producer, as often as it must be asked.
    fn init(&mut self, id: &'static str) -> Producer {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let request = init(id).with_producer_id((-1).into());
            let version = self.newest(ApiKey::InitProducerId).min(5);
            let Response::InitProducerId(response) = self.exchange(version, request) else {
                panic!("another answer");
            };
            match ErrorCode(response.error_code) {
                ErrorCode::NONE => {
                    return Producer {
                        id: response.producer_id.0,
                        epoch: response.producer_epoch,
                    };
                }
                error => assert!(Instant::now() < give_up_at, "{error}"),
            }
        }
    }

    /// Looks for the coordinator of the group until it is there.
    fn find_group(&mut self) {
        let give_up_at = Instant::now() + PATIENCE;
        let find = FindCoordinatorRequest::default().with_key(string(GROUP));
        self.exchange(3, find);
        loop {
            let Response::OffsetFetch(response) = self.exchange(8, offsets(true)) else {
                panic!("another answer");
            };
            let code = ErrorCode(response.groups[0].error_code);
            if code == ErrorCode::NONE {
                return;
            }
            assert!(Instant::now() < give_up_at, "{code}");
        }
    }

    /// Waits until a transaction is complete: a real broker does that after it said so.
    fn settle(&mut self, id: &'static str) {
        let give_up_at = Instant::now() + PATIENCE;
        loop {
            let Response::DescribeTransactions(response) = self.exchange(0, describe(id)) else {
                panic!("another answer");
            };
            let state = response.transaction_states[0].transaction_state.clone();
            if !state.starts_with("Prepare") {
                return;
            }
            assert!(Instant::now() < give_up_at, "{state}");
        }
    }

    fn end(
        &mut self,
        what: &str,
        version: i16,
        id: &'static str,
        end: (Producer, bool),
    ) -> Producer {
        let (producer, committed) = end;
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional_id(id))
            .with_producer_id(producer.id.into())
            .with_producer_epoch(producer.epoch)
            .with_committed(committed);
        let Some(Response::EndTxn(response)) = self.ask(what, version, request) else {
            return producer;
        };
        self.settle(id);
        if version < 5 || response.error_code != 0 {
            return producer;
        }
        Producer {
            id: response.producer_id.0,
            epoch: response.producer_epoch,
        }
    }
}

/// `text` with the values of `field` taken out.
fn redacted(text: &str, field: &str) -> String {
    let name = format!(" {field}: ");
    let mut pieces = text.split(&name);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let value = if piece.starts_with("Some(\"") {
            piece.find("\")").map_or(0, |end| end + 2)
        } else {
            piece.find([',', '}']).unwrap_or(piece.len())
        };
        out += &format!("{name}*{}", &piece[value..]);
    }
    out
}

/// What a reader can tell batches apart by, but for the times of markers.
fn shown(records: Bytes) -> Vec<String> {
    let batches = Batches::new(records);
    batches
        .map(|batch| {
            let batch = batch.unwrap();
            let header = batch.header();
            let producer = header.producer().unwrap();
            format!(
                "{} records from {} on in epoch {} from sequence {} on, transactional {}, \
                 control {}",
                header.record_count(),
                header.base_offset(),
                producer.epoch,
                producer.base_sequence,
                header.is_transactional(),
                header.is_control()
            )
        })
        .collect()
}

fn beginnings(talk: &mut Talk) {
    let nobody = |request: InitProducerIdRequest| request.with_producer_id((-1).into());
    // A real broker has no coordinator before somebody looks for one.
    let find = FindCoordinatorRequest::default()
        .with_key_type(1)
        .with_key(string("first"));
    talk.exchange(3, find);
    talk.init("first");
    talk.ask("an empty transactional id", 5, nobody(init("")));
    for timeout in [0, -1, 900_001] {
        let request = nobody(init("other")).with_transaction_timeout_ms(timeout);
        talk.ask(&format!("a timeout of {timeout}"), 5, request);
    }
    let half = init("other").with_producer_id(7.into());
    talk.ask("an id without an epoch", 5, half);
    let stranger = init("other")
        .with_producer_id(777.into())
        .with_producer_epoch(3);
    talk.ask("a new transactional id of a producer", 5, stranger.clone());
    talk.ask("the same once more", 5, stranger.clone());
    talk.ask("in words of before KIP-588", 3, stranger);
    let producer = talk.init("first");
    let current = |producer: Producer| {
        init("first")
            .with_producer_id(producer.id.into())
            .with_producer_epoch(producer.epoch)
    };
    talk.ask("a bump", 5, current(producer));
    talk.ask("the same bump again", 5, current(producer));
    let newer = Producer {
        epoch: producer.epoch + 5,
        ..producer
    };
    talk.ask("a bump from the future", 4, current(newer));
    let idempotent = InitProducerIdRequest::default()
        .with_transactional_id(None)
        .with_producer_id(77.into())
        .with_producer_epoch(5);
    talk.ask(
        "an idempotent producer that has lost its way",
        5,
        idempotent,
    );
}

fn sequences(talk: &mut Talk) {
    let producer = Producer {
        id: 12_345,
        epoch: 2,
    };
    let other = |epoch| Producer { epoch, ..producer };
    let plain = BatchKind::Plain;
    for (what, producer, sequence) in [
        ("an unknown producer in the middle", producer, 6),
        ("its next batch", producer, 8),
        ("the same batch again", producer, 8),
        ("the one before again", producer, 6),
        ("a part of a batch", producer, 9),
        ("a gap", producer, 12),
        ("an older epoch", other(1), 10),
        ("a newer epoch in the middle", other(3), 10),
        ("a newer epoch", other(3), 0),
        ("a batch of the epoch before", producer, 8),
        ("no sequence", producer, -1),
    ] {
        let records = records(producer, sequence, plain);
        talk.ask(what, 9, produce(None, 1, records));
    }
}

fn older_rules(talk: &mut Talk) {
    let id = "older";
    let producer = talk.init(id);
    let write = |talk: &mut Talk, what: &str, version, id, producer, sequence| {
        let records = records(producer, sequence, BatchKind::Transactional);
        talk.ask(what, version, produce(id, 0, records));
    };
    for version in [9, 10, 11] {
        write(
            talk,
            "a partition that was not added",
            version,
            Some(id),
            producer,
            0,
        );
    }
    write(talk, "no transactional id", 9, None, producer, 0);
    write(
        talk,
        "an unknown transactional id",
        9,
        Some("nobody"),
        producer,
        0,
    );
    let fenced = Producer {
        epoch: producer.epoch + 1,
        ..producer
    };
    let stranger = Producer {
        id: 999_999,
        ..producer
    };
    for version in [0, 1, 2, 3] {
        talk.ask("adding in a wrong epoch", version, add(id, fenced, &[0]));
    }
    talk.ask("adding for another producer", 3, add(id, stranger, &[0]));
    talk.ask("adding to nothing", 3, add("nobody", producer, &[0]));
    talk.ask(
        "adding with what does not exist",
        3,
        add(id, producer, &[9, 0]),
    );
    for version in [0, 3] {
        talk.ask("adding", version, add(id, producer, &[0]));
    }
    write(talk, "a wrong epoch", 9, Some(id), fenced, 0);
    write(talk, "the first batch", 9, Some(id), producer, 0);
    write(talk, "the second batch", 11, Some(id), producer, 2);
    let outside = records(producer, 4, BatchKind::Plain);
    talk.ask(
        "a batch outside of the transaction",
        9,
        produce(None, 0, outside),
    );
    readers(talk, "of an open transaction");
    for isolation_level in [0, 1] {
        // Not later: markers of the same millisecond would count as one time.
        let what = format!("reader {isolation_level} looks for the latest time");
        talk.ask(&what, 8, list_offsets(-3, isolation_level));
    }
    for (what, version, producer) in [
        ("ending in a wrong epoch", 1, fenced),
        ("ending in a wrong epoch", 2, fenced),
        ("ending another's", 4, stranger),
    ] {
        talk.end(what, version, id, (producer, true));
    }
    talk.end("an abort", 4, id, (producer, false));
    readers(talk, "of an aborted transaction");
    talk.end("the abort again", 3, id, (producer, false));
    talk.end("a commit after it", 3, id, (producer, true));
    talk.ask("adding to the next", 3, add(id, producer, &[0]));
    write(talk, "the third batch", 9, Some(id), producer, 4);
    talk.end("a commit", 4, id, (producer, true));
    talk.end("an abort after it", 4, id, (producer, false));
    readers(talk, "of a committed transaction");
}

fn newer_rules(talk: &mut Talk) {
    let id = "newer";
    let producer = talk.init(id);
    let write = |talk: &mut Talk, what: &str, producer, sequence| {
        let records = records(producer, sequence, BatchKind::Transactional);
        talk.ask(what, 12, produce(Some(id), 0, records));
    };
    talk.end("a commit of nothing", 5, id, (producer, true));
    let producer = talk.end("an abort of nothing", 5, id, (producer, false));
    write(talk, "a first batch in the middle", producer, 4);
    write(talk, "a first batch", producer, 0);
    write(talk, "a second batch", producer, 2);
    let old = producer;
    let producer = talk.end("a commit", 5, id, (producer, true));
    talk.end("the commit again", 5, id, (old, true));
    talk.end("an abort instead", 5, id, (old, false));
    talk.end("a commit of nothing afterwards", 5, id, (producer, true));
    write(talk, "a batch of the epoch before", old, 4);
    write(talk, "a batch that goes on", producer, 4);
    write(talk, "a batch that begins anew", producer, 0);
    let old = producer;
    let producer = talk.end("an abort", 5, id, (producer, false));
    talk.end("the abort again", 5, id, (old, false));
    let before = Producer {
        epoch: old.epoch - 1,
        ..old
    };
    talk.end("an abort of long ago", 5, id, (before, false));
    talk.end("in words of before KIP-890", 4, id, (old, false));
    write(talk, "a batch in a new transaction", producer, 0);
    let begun = init(id).with_producer_id((-1).into());
    talk.ask("another life during a transaction", 5, begun);
    talk.settle(id);
    let second = talk.init(id);
    write(talk, "a batch of the fenced one", producer, 2);
    talk.end("a commit of the fenced one", 5, id, (producer, true));
    write(talk, "a batch of the new life", second, 0);
    talk.end("its commit", 5, id, (second, true));
    readers(talk, "in the end");
}

fn readers(talk: &mut Talk, what: &str) {
    for isolation_level in [0, 1] {
        for offset in [0, 3, 5] {
            let what = format!("reader {isolation_level} {what} from {offset}");
            talk.ask(&what, 12, fetch(offset, isolation_level));
        }
        for timestamp in [-1, -2, 1_700_000_000_000] {
            let what = format!("reader {isolation_level} {what} looks for {timestamp}");
            talk.ask(&what, 8, list_offsets(timestamp, isolation_level));
        }
    }
    let producers = DescribeProducersRequest::default().with_topics(vec![
        describe_producers_request::TopicRequest::default()
            .with_name(topic())
            .with_partition_indexes(vec![0, 9]),
    ]);
    let Response::DescribeProducers(mut response) = talk.exchange(0, producers) else {
        panic!("another answer");
    };
    // A broker keeps producers in no order, and markers have the time when they were written.
    let producers = &mut response.topics[0].partitions[0].active_producers;
    producers.sort_by_key(|producer| producer.producer_id.0);
    talk.tell(&format!("producers {what}"), &response.into());
}

fn offsets_in_transactions(talk: &mut Talk) {
    let id = "offsets";
    let producer = talk.init(id);
    talk.find_group();
    for version in [2, 3, 4] {
        talk.ask(
            "a group that was not added",
            version,
            commit(id, producer, 3),
        );
    }
    let fenced = Producer {
        epoch: producer.epoch + 1,
        ..producer
    };
    for version in [3, 5] {
        talk.ask("a wrong epoch", version, commit(id, fenced, 3));
    }
    talk.ask("nobody's transaction", 5, commit("nobody", producer, 3));
    let member = commit(id, producer, 3).with_generation_id(4);
    talk.ask("a generation of no group", 5, member);
    let mut unknown = commit(id, producer, 3);
    unknown.topics[0].partitions[0].partition_index = 9;
    talk.ask("a partition that does not exist", 5, unknown);
    let mut long = commit(id, producer, 3);
    let metadata = StrBytes::from_string("x".repeat(5000));
    long.topics[0].partitions[0].committed_metadata = Some(metadata);
    talk.ask("too much metadata", 5, long);
    talk.ask("an offset", 5, commit(id, producer, 3));
    let member = commit(id, producer, 3)
        .with_generation_id(4)
        .with_member_id(string("stranger"));
    talk.ask("a member of no group", 5, member);
    for require_stable in [false, true] {
        let what = format!("the offset while it is open, stable {require_stable}");
        talk.ask(&what, 8, offsets(require_stable));
    }
    let producer = talk.end("a commit with an offset", 5, id, (producer, true));
    talk.ask("the committed offset", 8, offsets(true));
    talk.ask("another offset", 5, commit(id, producer, 8));
    talk.end("an abort with an offset", 5, id, (producer, false));
    talk.ask("the offset after an abort", 8, offsets(true));
}

fn watching(talk: &mut Talk) {
    let id = "watched";
    let producer = talk.init(id);
    let transaction = |verify_only| {
        AddPartitionsToTxnTransaction::default()
            .with_transactional_id(transactional_id(id))
            .with_producer_id(producer.id.into())
            .with_producer_epoch(producer.epoch)
            .with_verify_only(verify_only)
            .with_topics(added(&[1]))
    };
    for (what, verify_only) in [("ask", true), ("add", false), ("ask again", true)] {
        let request = AddPartitionsToTxnRequest::default();
        let request = request.with_transactions(vec![transaction(verify_only)]);
        talk.ask(&format!("brokers {what}"), 4, request);
    }
    talk.ask("an open transaction", 0, describe(id));
    let offsets = AddOffsetsToTxnRequest::default()
        .with_transactional_id(transactional_id(id))
        .with_producer_id(producer.id.into())
        .with_producer_epoch(producer.epoch)
        .with_group_id(GroupId(string(GROUP)));
    talk.ask("adding offsets", 3, offsets);
    for id in ["nobody", ""] {
        talk.ask("a transaction that is none", 0, describe(id));
    }
    let listed = || {
        ListTransactionsRequest::default()
            .with_duration_filter(-1)
            .with_transactional_id_pattern(Some(string("watch.*")))
    };
    talk.ask("transactions of a name", 2, listed());
    let states = listed().with_state_filters(vec![string("Ongoing"), string("Asleep")]);
    talk.ask("transactions by state", 2, states);
    let producers = listed().with_producer_id_filters(vec![123_456.into()]);
    talk.ask("transactions by producer", 2, producers);
    let unreadable = listed().with_transactional_id_pattern(Some(string("(")));
    talk.ask("transactions of a name that is no pattern", 2, unreadable);
    let marker = |partition, epoch| {
        WriteTxnMarkersRequest::default().with_markers(vec![
            WritableTxnMarker::default()
                .with_producer_id(producer.id.into())
                .with_producer_epoch(epoch)
                .with_topics(vec![
                    WritableTxnMarkerTopic::default()
                        .with_name(topic())
                        .with_partition_indexes(vec![partition]),
                ]),
        ])
    };
    let written = records(producer, 0, BatchKind::Transactional);
    talk.ask("a batch", 12, produce(Some(id), 1, written));
    talk.ask("a marker for nothing", 1, marker(9, 0));
    talk.ask(
        "a marker of a later epoch",
        1,
        marker(1, producer.epoch + 2),
    );
    talk.ask("a marker of an older epoch", 1, marker(1, producer.epoch));
    let written = records(producer, 2, BatchKind::Transactional);
    talk.ask(
        "a batch after the marker",
        12,
        produce(Some(id), 1, written),
    );
}

/// What the broker at this address answers.
pub(crate) fn told_by(address: &str) -> Vec<(String, String)> {
    let ranges = announced(address);
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut talk = Talk {
        stream,
        ranges,
        told: Vec::new(),
    };
    let create = CreateTopicsRequest::default()
        .with_timeout_ms(10_000)
        .with_topics(vec![
            CreatableTopic::default()
                .with_name(topic())
                .with_num_partitions(2)
                .with_replication_factor(1)
                // Markers are much later than the records, and a fetch reads one segment only.
                .with_configs(vec![
                    CreatableTopicConfig::default()
                        .with_name(string("segment.ms"))
                        .with_value(Some(string("9223372036854775807"))),
                ]),
        ]);
    talk.exchange(5, create);
    beginnings(&mut talk);
    sequences(&mut talk);
    if talk.newest(ApiKey::DescribeTransactions) < 0 {
        // When such a broker has ended a transaction, nobody can tell.
        return talk.told;
    }
    older_rules(&mut talk);
    if talk.newest(ApiKey::EndTxn) >= 5 {
        newer_rules(&mut talk);
    }
    offsets_in_transactions(&mut talk);
    watching(&mut talk);
    talk.told
}

/// Fields that differ between clusters, or say something in words.
const DIFFERENT: [&str; 7] = [
    "timestamp",
    "producer_id",
    "throttle_time_ms",
    "error_message",
    "last_timestamp",
    "transaction_start_time_ms",
    "log_append_time_ms",
];

const PATIENCE: Duration = Duration::from_secs(60);
