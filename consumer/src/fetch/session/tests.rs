use weft_client::wire::ErrorCode;
use weft_client::wire::messages::FetchResponse;
use weft_client::wire::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use weft_client::{LeaderEpoch, Offset, TopicId, TopicPartition};

use super::super::plan::AskedPartition;
use super::{FetchSession, SessionRequest, VoidAnswer};
use crate::position::Stamp;

/// `t-0@5` asks for that partition from that offset on. The id of the topic is its first letter,
/// and topics that begin with `x` have none.
fn wanted(texts: &[&str]) -> Vec<AskedPartition> {
    let mut all: Vec<AskedPartition> = texts.iter().map(|text| asked(text)).collect();
    all.sort_by(|one, other| one.topic_partition.cmp(&other.topic_partition));
    all
}

fn asked(text: &str) -> AskedPartition {
    let (name, offset) = text.split_once('@').unwrap();
    let (topic, number) = name.rsplit_once('-').unwrap();
    AskedPartition {
        topic_partition: TopicPartition::new(topic, number.parse().unwrap()),
        topic_id: id(topic),
        stamp: Stamp(1),
        offset: Offset::new(offset.parse().unwrap()),
        leader_epoch: None,
        last_answer: 0,
    }
}

fn id(topic: &str) -> TopicId {
    match topic.as_bytes()[0] {
        b'x' => TopicId::UNKNOWN,
        first => TopicId([first; 16]),
    }
}

/// `7/1: t-0@5 -u-0` is what a request says in epoch 1 of session 7, the forgotten last.
fn said(request: &SessionRequest) -> String {
    let mut text = format!("{}/{}:", request.id, request.epoch);
    for topic in &request.topics {
        for partition in &topic.partitions {
            let (name, offset) = (topic.topic.as_str(), partition.fetch_offset);
            text += &format!(" {name}-{}@{offset}", partition.partition);
        }
    }
    for topic in &request.forgotten {
        for partition in &topic.partitions {
            text += &format!(" -{}-{partition}", topic.topic.as_str());
        }
    }
    text
}

impl FetchSession {
    fn said(&mut self, texts: &[&str]) -> String {
        said(&self.ask(wanted(texts), 1))
    }

    fn told(&mut self, session: i32, names: &[&str]) -> Result<Vec<String>, VoidAnswer> {
        let answers = self.answered(response(session, names))?;
        let names = answers.iter();
        Ok(names
            .map(|answer| answer.asked.topic_partition.to_string())
            .collect())
    }
}

fn response(session: i32, names: &[&str]) -> FetchResponse {
    let topics = names.iter().map(|name| {
        let (topic, number) = name.rsplit_once('-').unwrap();
        let data = PartitionData::default().with_partition_index(number.parse().unwrap());
        let told = FetchableTopicResponse::default().with_partitions(vec![data]);
        if id(topic).is_unknown() {
            told.with_topic(weft_client::wire::StrBytes::from_string(topic.to_owned()).into())
        } else {
            told.with_topic_id(id(topic).into())
        }
    });
    FetchResponse::default()
        .with_session_id(session)
        .with_responses(topics.collect())
}

/// A session with these partitions that the broker has confirmed under number 7.
fn open(texts: &[&str]) -> FetchSession {
    let mut session = FetchSession::default();
    session.ask(wanted(texts), 1);
    let names: Vec<&str> = texts.iter().map(|t| t.split_once('@').unwrap().0).collect();
    session.told(7, &names).unwrap();
    session
}

const INCREMENTAL_VOID: VoidAnswer = VoidAnswer {
    is_metadata_stale: false,
    was_full: false,
};
const FULL_VOID: VoidAnswer = VoidAnswer {
    is_metadata_stale: false,
    was_full: true,
};

#[test]
fn requests_say_what_is_new_what_changed_and_what_is_forgotten() {
    let mut session = FetchSession::default();
    assert_eq!(session.said(&["t-0@1", "t-1@2"]), "0/0: t-0@1 t-1@2");
    assert_eq!(session.told(7, &["t-1", "t-0"]).unwrap(), ["t-1", "t-0"]);
    assert_eq!(session.said(&["t-0@1", "t-1@9"]), "7/1: t-1@9");
    assert_eq!(session.told(7, &["t-1"]).unwrap(), ["t-1"]);
    assert_eq!(session.said(&["t-0@1", "t-1@9"]), "7/2:");
    assert!(session.told(7, &[]).unwrap().is_empty());
    let next = session.said(&["t-0@3", "t-2@0", "u-0@0"]);
    assert_eq!(next, "7/3: t-2@0 u-0@0 t-0@3 -t-1");
    assert_eq!(session.told(7, &["u-0"]).unwrap(), ["u-0"]);
    assert_eq!(session.said(&[]), "7/4: -t-0 -t-2 -u-0");
}

#[test]
fn another_epoch_of_the_leader_is_a_change_and_another_stamp_is_none() {
    let mut session = open(&["t-0@1"]);
    let mut again = wanted(&["t-0@1"]);
    again[0].stamp = Stamp(9);
    assert_eq!(said(&session.ask(again.clone(), 1)), "7/1:");
    assert_eq!(session.partitions()[0].stamp, Stamp(9), "it is known here");
    session.told(7, &[]).unwrap();
    again[0].leader_epoch = Some(LeaderEpoch::new(4));
    assert_eq!(said(&session.ask(again, 1)), "7/2: t-0@1");
}

#[test]
fn a_full_request_begins_with_what_waits_longest() {
    let mut all = wanted(&["t-0@0", "t-1@0", "t-2@0", "u-0@0"]);
    all[0].last_answer = 5;
    all[2].last_answer = 3;
    let request = FetchSession::default().ask(all, 1);
    assert_eq!(said(&request), "0/0: t-1@0 u-0@0 t-2@0 t-0@0");
    assert_eq!(
        request.topics.len(),
        3,
        "neighbours of a topic share an entry"
    );
}

#[test]
fn epochs_begin_again_at_one() {
    let mut session = open(&["t-0@1"]);
    session.epoch = i32::MAX;
    assert_eq!(session.said(&["t-0@1"]), format!("7/{}:", i32::MAX));
    session.told(7, &[]).unwrap();
    assert_eq!(session.said(&["t-0@1"]), "7/1:");
}

#[test]
fn an_answer_to_a_full_request_tells_of_everything_once() {
    for names in [
        &["t-0"][..],
        &["t-0", "t-1", "t-2"],
        &["t-0", "t-0"],
        &["t-0", "u-1"],
        &["t-0", "x-1"],
        &[],
    ] {
        let mut session = FetchSession::default();
        session.said(&["t-0@1", "t-1@2"]);
        assert_eq!(session.told(7, names), Err(FULL_VOID), "{names:?}");
        assert_eq!(session.said(&["t-0@1"]), "0/0: t-0@1");
    }
}

#[test]
fn an_answer_within_a_session_tells_only_of_what_is_in_it() {
    for names in [&["t-1"][..], &["t-0", "t-0"], &["u-0"], &["x-0"]] {
        let mut session = open(&["t-0@1"]);
        session.said(&["t-0@1"]);
        assert_eq!(session.told(7, names), Err(INCREMENTAL_VOID), "{names:?}");
        assert_eq!(session.said(&["t-0@1"]), "7/0: t-0@1");
    }
}

#[test]
fn what_was_forgotten_is_not_in_the_session() {
    let mut session = open(&["t-0@1", "u-0@1"]);
    session.said(&["u-0@1"]);
    assert_eq!(session.told(7, &["t-0"]), Err(INCREMENTAL_VOID));
}

#[test]
fn an_answer_without_a_session_is_used_and_the_next_request_is_full() {
    let mut session = FetchSession::default();
    session.said(&["t-0@1"]);
    assert_eq!(session.told(0, &["t-0"]).unwrap(), ["t-0"]);
    assert_eq!(session.said(&["t-0@1"]), "0/0: t-0@1");

    let mut session = open(&["t-0@1"]);
    session.said(&["t-0@1"]);
    assert!(session.told(0, &[]).unwrap().is_empty());
    assert_eq!(session.said(&["t-0@1"]), "0/0: t-0@1");
}

#[test]
fn a_broker_that_throttles_may_answer_a_full_request_with_nothing() {
    let mut session = FetchSession::default();
    session.said(&["t-0@1"]);
    let throttled = response(0, &[]).with_throttle_time_ms(5);
    assert!(session.answered(throttled).unwrap().is_empty());
    assert_eq!(session.said(&["t-0@1"]), "0/0: t-0@1");
}

#[test]
fn errors_of_the_session_begin_another() {
    for (code, next, is_metadata_stale) in [
        (ErrorCode::FETCH_SESSION_ID_NOT_FOUND, "0/0: t-0@1", false),
        (ErrorCode::INVALID_FETCH_SESSION_EPOCH, "7/0: t-0@1", false),
        (ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR, "7/0: t-0@1", true),
        (ErrorCode::UNKNOWN_SERVER_ERROR, "7/0: t-0@1", false),
        (ErrorCode(12_345), "7/0: t-0@1", false),
    ] {
        let mut session = open(&["t-0@1"]);
        session.said(&["t-0@1"]);
        let refused = response(7, &["t-0"]).with_error_code(code.0);
        let void = VoidAnswer {
            is_metadata_stale,
            was_full: false,
        };
        assert_eq!(session.answered(refused).unwrap_err(), void, "{code}");
        assert_eq!(session.said(&["t-0@1"]), next, "{code}");
    }
}

#[test]
fn after_a_failure_the_old_session_is_closed_and_another_begun() {
    let mut session = open(&["t-0@1"]);
    session.said(&["t-0@5"]);
    session.failed();
    assert_eq!(session.said(&["t-0@5"]), "7/0: t-0@5");
    assert_eq!(session.told(8, &["t-0"]).unwrap(), ["t-0"]);
    assert_eq!(session.said(&["t-0@6"]), "8/1: t-0@6");
}

#[test]
fn a_topic_without_an_id_has_all_topics_go_by_name() {
    let mut session = open(&["t-0@1"]);
    assert_eq!(session.said(&["t-0@1", "x-0@0"]), "7/0: t-0@1 x-0@0");
    assert_eq!(session.told(8, &["t-0", "x-0"]).unwrap().len(), 2);
    assert_eq!(session.said(&["t-0@2", "x-0@0"]), "8/1: t-0@2");
    assert_eq!(session.told(8, &["x-0"]).unwrap(), ["x-0"]);
    assert_eq!(session.said(&["t-0@2"]), "8/0: t-0@2", "ids are used again");
}

#[test]
fn a_topic_with_another_id_begins_another_session() {
    let mut session = open(&["t-0@1", "u-0@1"]);
    let mut next = wanted(&["t-0@1", "u-0@1"]);
    next[0].topic_id = TopicId([9; 16]);
    let request = session.ask(next, 1);
    assert_eq!(said(&request), "7/0: t-0@1 u-0@1");
    assert_eq!(request.topics[0].topic_id.as_bytes(), &[9; 16]);
}

#[test]
fn closing_names_the_session_and_nothing_else() {
    assert_eq!(FetchSession::default().close(), None);
    let mut session = open(&["t-0@1"]);
    assert_eq!(
        session.close().map(|request| said(&request)).unwrap(),
        "7/-1:"
    );
    assert_eq!(session, FetchSession::default());
    let mut failed = open(&["t-0@1"]);
    failed.failed();
    assert_eq!(said(&failed.close().unwrap()), "7/-1:");
}
