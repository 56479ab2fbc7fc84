use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_request::{FetchTopic, ForgottenTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    ApiVersionsResponse, FetchRequest, HeartbeatRequest, ListOffsetsRequest, MetadataRequest,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::*;
use crate::wire::specimen;

fn response(ranges: &[(ApiKey, RangeInclusive<i16>)]) -> ApiVersionsResponse {
    let api_keys = ranges.iter().map(|(api_key, range)| {
        ApiVersion::default()
            .with_api_key(*api_key as i16)
            .with_min_version(*range.start())
            .with_max_version(*range.end())
    });
    ApiVersionsResponse::default().with_api_keys(api_keys.collect())
}

fn broker(api_key: ApiKey, range: RangeInclusive<i16>) -> BrokerVersions {
    BrokerVersions::from_response(&response(&[(api_key, range)]))
}

fn topic(name: &'static str, id: u128) -> FetchTopic {
    FetchTopic::default()
        .with_topic(TopicName(StrBytes::from_static_str(name)))
        .with_topic_id(Uuid::from_u128(id))
}

#[test]
fn what_weft_speaks_is_within_what_the_schemas_know() {
    for api_key in specimen::apis() {
        let (ours, schemas) = (ours(api_key), schema_versions(api_key));
        let is_within =
            ours.is_empty() || schemas.contains(ours.start()) && schemas.contains(ours.end());
        assert!(is_within, "{api_key:?}: {ours:?} is not within {schemas:?}");
    }
    let spoken = specimen::apis().filter(|api_key| !ours(*api_key).is_empty());
    assert_eq!(spoken.count(), 21);
    assert_eq!(specimen::apis().count(), 36);
    assert!(ours(ApiKey::ShareFetch).is_empty());
    assert!(schema_versions(ApiKey::ShareFetch).is_empty());
}

#[test]
fn the_newest_common_version_is_spoken() {
    let heartbeat = Request::from(HeartbeatRequest::default());

    for (range, expected) in [(0..=3, 3), (0..=4, 4), (2..=99, 4), (4..=4, 4)] {
        let versions = broker(ApiKey::Heartbeat, range.clone());
        assert_eq!(versions.negotiate(&heartbeat), Ok(expected), "{range:?}");
        assert_eq!(versions.latest(ApiKey::Heartbeat), Some(expected));
    }
}

#[test]
fn a_broker_without_a_common_version_is_refused_with_both_ranges() {
    let heartbeat = Request::from(HeartbeatRequest::default());
    let too_new = broker(ApiKey::Heartbeat, 7..=9).negotiate(&heartbeat);
    let unknown = BrokerVersions::default().negotiate(&heartbeat);

    assert_eq!(
        too_new.unwrap_err().to_string(),
        "this client needs Heartbeat v0 to v4, the broker speaks v7 to v9"
    );
    assert_eq!(
        unknown.unwrap_err().to_string(),
        "this client needs Heartbeat v0 to v4, which the broker does not know"
    );
    assert_eq!(BrokerVersions::default().latest(ApiKey::Heartbeat), None);
}

#[test]
fn a_reversed_range_counts_as_no_version() {
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a peer may announce such a range"
    )]
    let versions = broker(ApiKey::Heartbeat, 3..=1);

    assert_eq!(versions.latest(ApiKey::Heartbeat), None);
    assert!(
        versions
            .negotiate(&Request::from(HeartbeatRequest::default()))
            .is_err()
    );
}

#[test]
fn a_fetch_stays_below_version_13_until_every_topic_id_is_known() {
    let versions = broker(ApiKey::Fetch, 4..=18);
    let negotiated = |topics: Vec<FetchTopic>, forgotten: Vec<ForgottenTopic>| {
        let request = FetchRequest::default()
            .with_topics(topics)
            .with_forgotten_topics_data(forgotten);
        versions.negotiate(&request.into())
    };
    let forgotten = ForgottenTopic::default().with_topic(TopicName(StrBytes::from("b".to_owned())));

    assert_eq!(negotiated(vec![], vec![]), Ok(18));
    assert_eq!(negotiated(vec![topic("a", 1)], vec![]), Ok(18));
    assert_eq!(
        negotiated(vec![topic("a", 1), topic("b", 0)], vec![]),
        Ok(12)
    );
    assert_eq!(negotiated(vec![topic("a", 1)], vec![forgotten]), Ok(12));
}

#[test]
fn a_fetch_of_a_topic_without_name_and_without_id_is_refused() {
    let request = FetchRequest::default().with_topics(vec![topic("", 0)]);

    assert!(
        broker(ApiKey::Fetch, 4..=18)
            .negotiate(&request.into())
            .is_err()
    );
}

#[test]
fn what_the_request_needs_and_the_broker_lacks_is_named() {
    let by_id = MetadataRequestTopic::default()
        .with_name(None)
        .with_topic_id(Uuid::from_u128(1));
    let metadata = MetadataRequest::default().with_topics(Some(vec![by_id]));
    let fenced = HeartbeatRequest::default()
        .with_group_instance_id(Some(StrBytes::from_static_str("worker-1")));
    let committed = ListOffsetsRequest::default().with_isolation_level(1);
    let refused = |request: Request, range| {
        broker(request.api_key(), range)
            .negotiate(&request)
            .unwrap_err()
            .to_string()
    };

    assert_eq!(
        refused(metadata.into(), 0..=11),
        "asking for topics by id (KIP-516) needs Metadata v12 to v13, \
         the broker speaks v0 to v11"
    );
    assert_eq!(
        refused(fenced.into(), 0..=2),
        "group.instance.id (KIP-345) needs Heartbeat v3 to v4, the broker speaks v0 to v2"
    );
    assert_eq!(
        refused(committed.into(), 1..=1),
        "isolation.level=read_committed (KIP-98) needs ListOffsets v2 to v10, \
         the broker speaks v1"
    );
}

#[test]
fn a_refused_version_of_api_versions_is_asked_again_in_an_older_one() {
    let refusal = |ranges: &[(ApiKey, RangeInclusive<i16>)]| {
        response(ranges).with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
    };
    let again = BrokerVersions::version_to_ask_again;

    assert_eq!(again(&refusal(&[]), 4), Some(0));
    assert_eq!(again(&refusal(&[(ApiKey::ApiVersions, 0..=2)]), 4), Some(2));
    assert_eq!(again(&refusal(&[(ApiKey::ApiVersions, 0..=9)]), 4), Some(3));
    assert_eq!(again(&refusal(&[]), 0), None);
    assert_eq!(again(&response(&[(ApiKey::ApiVersions, 0..=2)]), 4), None);
}
