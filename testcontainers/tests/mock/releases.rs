//! The versions that pretended releases announce, and what they answer to producers, beside what
//! the real ones do.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bytes::{Bytes, BytesMut};
use weft_client::CorrelationId;
use weft_client::wire::messages::ApiVersionsRequest;
use weft_client::wire::{
    ApiKey, RequestHead, Response, decode_response, encode_request, schema_versions,
};
use weft_testcontainers::kafka::{KafkaCluster, KafkaVersion};
use weft_testcontainers::mock::{KafkaRelease, MockCluster};

use super::transaction_parity::told_by;

/// What the broker at this address announces, by the number of the API.
pub(crate) fn announced(address: &str) -> BTreeMap<i16, (i16, i16)> {
    let head = RequestHead {
        api_key: ApiKey::ApiVersions,
        api_version: 0,
        correlation_id: CorrelationId::new(1),
        client_id: None,
    };
    let mut request = BytesMut::new();
    encode_request(&head, &ApiVersionsRequest::default().into(), &mut request).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&request).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut frame = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut frame).unwrap();
    let decoded = decode_response(ApiKey::ApiVersions, 0, Bytes::from(frame));
    let Ok((_, Response::ApiVersions(response))) = decoded else {
        panic!("no answer to ApiVersions: {decoded:?}");
    };
    let ranges = response.api_keys.iter();
    ranges
        .map(|range| (range.api_key, (range.min_version, range.max_version)))
        .collect()
}

fn mock(release: KafkaRelease) -> BTreeMap<i16, (i16, i16)> {
    let cluster = MockCluster::builder().release(release).start().unwrap();
    announced(&cluster.bootstrap())
}

/// What the mock has to announce of an API, going by the real broker. Produce is announced from
/// version 0 on by everyone, whatever is served.
fn expected(real: &BTreeMap<i16, (i16, i16)>, api_key: ApiKey) -> Option<(i16, i16)> {
    let (first, last) = real.get(&(api_key as i16))?;
    let schema = schema_versions(api_key);
    let lowest = if api_key == ApiKey::Produce {
        *first
    } else {
        *first.max(schema.start())
    };
    let highest = *last.min(schema.end());
    (lowest <= highest).then_some((lowest, highest))
}

#[test]
fn pretended_releases_announce_and_answer_what_the_real_ones_do() {
    if !super::java::has_java() {
        return;
    }
    let spoken = mock(KafkaRelease::Newest);
    for (version, release) in [
        (KafkaVersion::V2_8_2, KafkaRelease::V2_8),
        (KafkaVersion::V3_9_1, KafkaRelease::V3_9),
        (KafkaVersion::V4_4_0, KafkaRelease::V4_4),
    ] {
        let cluster = KafkaCluster::builder().version(version).start().unwrap();
        let real = announced(&cluster.bootstrap());
        let told_by_real = told_by(&cluster.bootstrap());
        drop(cluster);
        let pretended = mock(release);
        let mut compared = 0;
        for api_key in ApiKey::iter().filter(|key| spoken.contains_key(&(*key as i16))) {
            let range = pretended.get(&(api_key as i16)).copied();
            assert_eq!(range, expected(&real, api_key), "{release}: {api_key:?}");
            compared += 1;
        }
        println!("Kafka {version}: the ranges of {compared} APIs are the same");
        let cluster = MockCluster::builder().release(release).start().unwrap();
        let told_by_mock = told_by(&cluster.bootstrap());
        for (mock, real) in told_by_mock.iter().zip(&told_by_real) {
            assert_eq!(mock, real, "{release}");
        }
        assert_eq!(told_by_mock.len(), told_by_real.len());
        println!("and so are {} answers to producers", told_by_real.len());
    }
}
