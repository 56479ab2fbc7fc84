//! ApiVersions, and bytes that are no request: what is answered, and what ends a connection.

use bytes::{BufMut as _, Bytes};
use weft_client::wire::ApiKey;
use weft_client::wire::messages::{ApiVersionsRequest, MetadataRequest};

use super::super::case::{At, Case, Step, ask, frame, raw};
use super::super::question::{Question, head};
use super::{case, text};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("versions", &[ApiKey::ApiVersions], vec![versions()]),
        case("odd frames", &[], vec![odd_heads(), odd_bodies()]),
        case("odd lengths", &[], vec![odd_lengths()]),
    ]
}

fn versions() -> Vec<Step> {
    vec![
        ask("versions", |at| {
            let request = ApiVersionsRequest::default();
            match at.version(ApiKey::ApiVersions) {
                3.. => request
                    .with_client_software_name(text("differential"))
                    .with_client_software_version(text("1.0")),
                _ => request,
            }
        }),
        ask("versions for a client without a name", |_| {
            ApiVersionsRequest::default()
        }),
        ask("versions for a client with a bad name", |_| {
            ApiVersionsRequest::default()
                .with_client_software_name(text("no name!"))
                .with_client_software_version(text("1.0"))
        }),
    ]
}

fn odd_heads() -> Vec<Step> {
    let only = |api: i16, version: i16| {
        move |_: &At<'_>| {
            let mut frame = head(ApiKey::Metadata, 0, 3).to_vec();
            frame[..2].copy_from_slice(&api.to_be_bytes());
            frame[2..4].copy_from_slice(&version.to_be_bytes());
            if (api, version) == (18, 99) {
                // The header of a version to come has tagged fields.
                frame.push(0);
            }
            Bytes::from(frame)
        }
    };
    let mut steps = Vec::new();
    for (api, version) in [
        (18, 99),
        (18, -1),
        (3, 99),
        (3, -1),
        (0, 0),
        (1, 3),
        (999, 0),
        (-1, 0),
    ] {
        let what = format!("version {version} of API {api}");
        steps.push(frame(what, only(api, version)));
    }
    steps.push(frame("half a head", |_| Bytes::from_static(&[0, 3, 0])));
    steps.push(frame("an empty frame", |_| Bytes::new()));
    steps.push(frame("a client id longer than the frame", |_| {
        let mut frame = head(ApiKey::Metadata, 0, 3).to_vec();
        frame[8..10].copy_from_slice(&i16::MAX.to_be_bytes());
        frame.into()
    }));
    steps
}

fn odd_bodies() -> Vec<Step> {
    let metadata = |version| {
        let question = Question::from(MetadataRequest::default().with_topics(Some(Vec::new())));
        let frame = question.frame(version, 3);
        frame.expect("no topics can be said in any version")
    };
    vec![
        frame("half a body", move |_| {
            let frame = metadata(4);
            frame.slice(..frame.len() - 2)
        }),
        frame("a list longer than the frame", |_| {
            let mut frame = head(ApiKey::Metadata, 1, 3);
            frame.put_i32(i32::MAX);
            frame.freeze()
        }),
        frame("a list of a negative length", |_| {
            let mut frame = head(ApiKey::Metadata, 1, 3);
            frame.put_i32(-2);
            frame.freeze()
        }),
        frame("a compact list longer than the frame", |_| {
            let mut frame = head(ApiKey::Metadata, 9, 3);
            frame.put_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
            frame.freeze()
        }),
        frame("a number without an end", |_| {
            let mut frame = head(ApiKey::Metadata, 9, 3);
            frame.put_slice(&[0xff; 12]);
            frame.freeze()
        }),
    ]
}

fn odd_lengths() -> Vec<Step> {
    vec![
        raw("a negative length", &[0xff; 4]),
        raw("a length beyond all limits", &[0x7f, 0xff, 0xff, 0xff]),
        raw("what a browser says", b"GET / HTTP/1.1\r\n\r\n"),
    ]
}
