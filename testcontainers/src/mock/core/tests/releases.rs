//! What brokers that pretend to be a release announce, serve and refuse.

use weft_client::wire::ErrorCode;
use weft_client::wire::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};

use super::*;

fn bench(release: KafkaRelease) -> Bench {
    let mut bench = Bench::new(1);
    bench.cluster.options.release = release;
    bench
}

fn announced(bench: &mut Bench, wire: Wire, version: i16) -> ApiVersionsResponse {
    let request = ApiVersionsRequest::default();
    let Response::ApiVersions(answer) = bench.ask_in(wire, version, request) else {
        panic!("another answer");
    };
    answer
}

#[test]
fn a_release_announces_its_own_versions() {
    let range = |release: KafkaRelease, asked: ApiKey| {
        let mut bench = bench(release);
        let wire = bench.connect(0);
        let mut ranges = announced(&mut bench, wire, 0).api_keys.into_iter();
        let range = ranges.find(|range| range.api_key == asked as i16);
        range.map(|range| (range.min_version, range.max_version))
    };

    assert_eq!(range(KafkaRelease::V2_1, ApiKey::JoinGroup), Some((0, 3)));
    assert_eq!(range(KafkaRelease::V2_2, ApiKey::JoinGroup), Some((0, 4)));
    assert_eq!(range(KafkaRelease::V3_9, ApiKey::Fetch), Some((4, 17)));
    assert_eq!(range(KafkaRelease::V2_7, ApiKey::DescribeCluster), None);
    assert_eq!(range(KafkaRelease::V2_8, ApiKey::Produce), Some((0, 9)));
    assert_eq!(range(KafkaRelease::V4_0, ApiKey::Produce), Some((0, 12)));
    let newest = schema_versions(ApiKey::Metadata);
    assert_eq!(
        range(KafkaRelease::Newest, ApiKey::Metadata),
        Some((*newest.start(), *newest.end()))
    );
}

#[test]
fn a_version_that_the_release_does_not_know_ends_the_connection() {
    for (version, is_served) in [(11, true), (12, false)] {
        let mut bench = bench(KafkaRelease::V2_8);
        let wire = bench.connect(0);

        let out = bench.send(wire, version, MetadataRequest::default());

        assert_eq!(out != [Output::Close(wire.id)], is_served, "v{version}");
        assert_eq!(bench.cluster.violations().is_empty(), is_served);
    }
}

#[test]
fn a_refusal_of_api_versions_says_since_2_4_which_versions_would_do() {
    for (release, asked, expected) in [
        (KafkaRelease::V2_3, 3, vec![]),
        (KafkaRelease::V2_4, 4, vec![(18, 0, 3)]),
    ] {
        let mut bench = bench(release);
        let wire = bench.connect(0);

        let answer = announced(&mut bench, wire, asked);

        assert_eq!(ErrorCode(answer.error_code), ErrorCode::UNSUPPORTED_VERSION);
        let ranges = answer.api_keys.iter();
        let ranges = ranges.map(|range| (range.api_key, range.min_version, range.max_version));
        assert_eq!(ranges.collect::<Vec<_>>(), expected, "{release}");
    }
}

#[test]
fn transactions_that_bump_the_epoch_are_announced_as_a_feature_from_4_0_on() {
    for (release, version, finalized, supported) in [
        (KafkaRelease::V3_9, 3, vec![], vec![]),
        (KafkaRelease::V4_0, 3, vec![2], vec![]),
        (KafkaRelease::V4_0, 4, vec![2], vec![(0, 2)]),
        (KafkaRelease::Newest, 4, vec![2], vec![(0, 2)]),
    ] {
        let mut bench = bench(release);
        let wire = bench.connect(0);

        let answer = announced(&mut bench, wire, version);

        let levels = answer.finalized_features.iter();
        let levels: Vec<_> = levels.map(|feature| feature.max_version_level).collect();
        let ranges = answer.supported_features.iter();
        let ranges = ranges.map(|feature| (feature.min_version, feature.max_version));
        assert_eq!(levels, finalized, "{release} v{version}");
        assert_eq!(
            ranges.collect::<Vec<_>>(),
            supported,
            "{release} v{version}"
        );
    }
}
