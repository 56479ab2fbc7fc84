use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, MetadataRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::*;
use crate::wire::server::{decode_request, encode_response};
use crate::wire::{ErrorCode, UnsupportedRequest};

fn head(api_key: ApiKey, api_version: i16) -> RequestHead {
    RequestHead {
        api_key,
        api_version,
        correlation_id: CorrelationId::new(0x0102_0304),
        client_id: Some(StrBytes::from_static_str("weft")),
    }
}

fn response_frame(head: &RequestHead, response: impl Into<Response>) -> Bytes {
    let mut out = BytesMut::new();
    encode_response(head, &response.into(), &mut out).unwrap();
    out.freeze().slice(LENGTH_PREFIX..)
}

fn malformation<T: std::fmt::Debug>(result: Result<T, WireError>) -> Malformation {
    match result {
        Err(WireError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_length_header_and_body() {
    let request = Request::from(HeartbeatRequest::default().with_generation_id(5));
    let mut out = BytesMut::from(&b"before"[..]);

    encode_request(&head(ApiKey::Heartbeat, 0), &request, &mut out).unwrap();
    encode_request(&head(ApiKey::Heartbeat, 4), &request, &mut out).unwrap();

    let classic = b"\0\0\0\x16\0\x0c\0\0\x01\x02\x03\x04\0\x04weft\0\0\0\0\0\x05\0\0";
    let flexible = b"\0\0\0\x17\0\x0c\0\x04\x01\x02\x03\x04\0\x04weft\0\x01\0\0\0\x05\x01\0\0";
    assert_eq!(out, [&b"before"[..], classic, flexible].concat());
}

#[test]
fn a_request_that_does_not_fit_leaves_the_buffer_as_it_was() {
    let too_long = StrBytes::from_string("x".repeat(40_000));
    let protocol = JoinGroupRequestProtocol::default().with_name(too_long.clone());
    let join = Request::from(JoinGroupRequest::default().with_protocols(vec![protocol]));
    let static_member = Request::from(
        HeartbeatRequest::default().with_group_instance_id(Some(StrBytes::from_static_str("a"))),
    );
    let nameless = RequestHead {
        client_id: Some(too_long),
        ..head(ApiKey::Heartbeat, 4)
    };
    let heartbeat = Request::from(HeartbeatRequest::default());
    let mut out = BytesMut::from(&b"before"[..]);

    let too_long = encode_request(&head(ApiKey::JoinGroup, 5), &join, &mut out);
    let too_old = encode_request(&head(ApiKey::Heartbeat, 2), &static_member, &mut out);
    let too_new = encode_request(&head(ApiKey::Heartbeat, 9), &heartbeat, &mut out);
    let client_id = encode_request(&nameless, &heartbeat, &mut out);

    assert_eq!(out, &b"before"[..]);
    assert!(matches!(too_long, Err(WireError::Unencodable { .. })));
    assert!(matches!(too_old, Err(WireError::Unsupported { .. })));
    assert!(matches!(too_new, Err(WireError::Unsupported { .. })));
    assert_eq!(
        client_id.unwrap_err().to_string(),
        "Heartbeat v4 cannot be written: a client id of 40000 bytes"
    );
}

#[test]
#[should_panic(expected = "the head must announce the request that follows it")]
fn a_head_of_another_api_is_a_mistake_of_the_caller() {
    let request = Request::from(HeartbeatRequest::default());

    let _ = encode_request(&head(ApiKey::Fetch, 4), &request, &mut BytesMut::new());
}

#[test]
fn the_correlation_id_comes_back() {
    for version in 0..=4 {
        let frame = response_frame(
            &head(ApiKey::Heartbeat, version),
            HeartbeatResponse::default(),
        );

        let (correlation_id, response) =
            decode_response(ApiKey::Heartbeat, version, frame).unwrap();

        assert_eq!(correlation_id, CorrelationId::new(0x0102_0304));
        assert_eq!(response, HeartbeatResponse::default().into());
    }
}

#[test]
fn bytes_after_the_end_of_a_message_are_refused() {
    let frame = response_frame(&head(ApiKey::Heartbeat, 4), HeartbeatResponse::default());
    let longer = Bytes::from([&frame[..], &[0; 7]].concat());

    assert_eq!(
        malformation(decode_response(ApiKey::Heartbeat, 4, longer)),
        Malformation::TrailingBytes(7)
    );
}

#[test]
fn a_version_or_an_api_that_is_not_spoken_is_refused() {
    let frame = response_frame(&head(ApiKey::Heartbeat, 4), HeartbeatResponse::default());

    for version in [-1, 5, 99] {
        assert_eq!(
            malformation(decode_response(ApiKey::Heartbeat, version, frame.clone())),
            Malformation::Schema("only v0 to v4 are known".to_owned())
        );
    }
    assert!(decode_response(ApiKey::ShareFetch, 1, frame).is_err());
}

#[test]
fn records_are_a_slice_of_the_frame() {
    let partition = PartitionData::default().with_records(Some(Bytes::from_static(b"records")));
    let topic = FetchableTopicResponse::default().with_partitions(vec![partition]);
    let response = FetchResponse::default().with_responses(vec![topic]);
    let frame = response_frame(&head(ApiKey::Fetch, 13), response);
    let range = frame.as_ptr_range();

    let (_, response) = decode_response(ApiKey::Fetch, 13, frame.clone()).unwrap();

    let Response::Fetch(response) = response else {
        panic!("{response:?}");
    };
    let records = response.responses[0].partitions[0]
        .records
        .as_ref()
        .unwrap();
    assert_eq!(records, &Bytes::from_static(b"records"));
    assert!(range.contains(&records.as_ptr()));
}

#[test]
fn a_refusal_of_api_versions_is_read_in_version_0() {
    let api = ApiVersion::default()
        .with_api_key(ApiKey::ApiVersions as i16)
        .with_max_version(2);
    let refusal = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
        .with_api_keys(vec![api]);
    let frame = response_frame(&head(ApiKey::ApiVersions, 0), refusal.clone());

    let (_, response) = decode_response(ApiKey::ApiVersions, 4, frame).unwrap();

    assert_eq!(response, refusal.into());
}

#[test]
fn the_header_of_an_api_versions_response_never_has_tagged_fields() {
    let frame = response_frame(
        &head(ApiKey::ApiVersions, 3),
        ApiVersionsResponse::default(),
    );

    assert_eq!(&frame[..], b"\x01\x02\x03\x04\0\0\x01\0\0\0\0\0");
}

#[test]
fn a_broker_can_tell_a_request_that_it_does_not_know() {
    let mut out = BytesMut::new();
    let request = ApiVersionsRequest::default();
    encode_request(&head(ApiKey::ApiVersions, 0), &request.into(), &mut out).unwrap();
    let mut future = out.split_off(LENGTH_PREFIX);
    future[3] = 77;
    let mut foreign = future.clone();
    foreign[1] = 200;

    let unknown = |frame: BytesMut| match decode_request(frame.freeze()) {
        Err(WireError::UnknownRequest(head)) => head,
        other => panic!("{other:?}"),
    };

    let expected = UnsupportedRequest {
        api_key: ApiKey::ApiVersions as i16,
        api_version: 77,
        correlation_id: CorrelationId::new(0x0102_0304),
        client_id: Some(StrBytes::from_static_str("weft")),
    };
    assert_eq!(unknown(future), expected);
    assert_eq!(
        unknown(foreign),
        UnsupportedRequest {
            api_key: 200,
            ..expected
        }
    );
}

#[test]
fn a_request_shorter_than_its_header_is_refused() {
    let mut out = BytesMut::new();
    let request = MetadataRequest::default();
    encode_request(&head(ApiKey::Metadata, 9), &request.into(), &mut out).unwrap();
    let frame = out.freeze().slice(LENGTH_PREFIX..);

    for end in 0..10 {
        assert_eq!(
            malformation(decode_request(frame.slice(..end))),
            Malformation::Truncated,
            "after {end} bytes"
        );
    }
}
