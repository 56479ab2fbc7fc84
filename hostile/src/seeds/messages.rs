//! Specimens of every message, dressed as the inputs of the targets that take messages.

use weft_client::wire::specimen::{self, Direction, Filling, Specimen};
use weft_client::wire::{ApiKey, ours, schema_versions};

/// Each response that a client decodes, behind the bytes that name it.
pub(super) fn responses() -> Vec<Vec<u8>> {
    let spoken = |specimen: &Specimen| ours(specimen.api_key).contains(&specimen.version);
    specimens()
        .filter(|specimen| specimen.direction == Direction::Response)
        .filter(spoken)
        .map(|specimen| {
            let first = *ours(specimen.api_key).start();
            named(&specimen, first, &specimen.frame)
        })
        .collect()
}

/// Each request, as it comes to a broker, without its length.
pub(super) fn requests() -> Vec<Vec<u8>> {
    specimens()
        .filter(|specimen| specimen.direction == Direction::Request)
        .map(|specimen| specimen.frame.to_vec())
        .collect()
}

/// Each message, behind the byte that says which direction it has.
pub(super) fn both_directions() -> Vec<Vec<u8>> {
    specimens()
        .map(|specimen| match specimen.direction {
            Direction::Request => [&[1], &specimen.frame[..]].concat(),
            Direction::Response => {
                let first = *schema_versions(specimen.api_key).start();
                [&[0], &named(&specimen, first, &specimen.frame)[..]].concat()
            }
        })
        .collect()
}

/// Streams of a few frames, a cut one last, with a limit and the sizes of pieces in front.
pub(super) fn frames() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let few: Vec<Specimen> = specimens().step_by(40).collect();
    for (number, three) in few.chunks(3).enumerate() {
        let mut input = vec![0xff, 0xff, 0, 2, number as u8, 2];
        for specimen in three {
            input.extend((specimen.frame.len() as u32).to_be_bytes());
            input.extend_from_slice(&specimen.frame);
        }
        input.extend([0, 0, 0, 9, 1]);
        all.push(input);
    }
    for garbage in [
        &b"HTTP/1.1 400 Bad Request"[..],
        b"\x15\x03\x03\0",
        b"\xff\xff\xff\xff",
    ] {
        all.push([&[0, 100, 0, 0], garbage].concat());
    }
    all
}

/// A connection that opens, agrees on versions, and gets one answer; and others that do not.
pub(super) fn conversations() -> Vec<Vec<u8>> {
    let versions = |version| {
        let all = specimens();
        let mut answers = all.filter(move |specimen: &Specimen| {
            specimen.api_key == ApiKey::ApiVersions
                && specimen.version == version
                && specimen.direction == Direction::Response
        });
        answers.next().map(|specimen| specimen.frame.to_vec())
    };
    let mut all = Vec::new();
    let opening = [7, 0, 0, 200, 4, 0, 2, 5];
    for answer in (0..=4).filter_map(versions) {
        // Without its correlation id, which the machine chose, and without an error.
        let mut body = answer[4..].to_vec();
        body[..2].fill(0);
        let mut input = opening.to_vec();
        input.extend(answered(&body));
        input.extend([0, 0, 200, 7, 255, 0, 2, 100]);
        input.extend(answered(&[0; 20]));
        all.push(input);
        // The broker does not know the version and lists what it does know.
        body[..2].copy_from_slice(&35_i16.to_be_bytes());
        let mut input = opening.to_vec();
        input.extend(answered(&body));
        input.extend(answered(&body));
        input.extend([11, 255, 255, 11, 255, 255]);
        all.push(input);
    }
    all.push([&opening[..], &[6, 6, 11, 1, 0, 10, 0, 0, 200]].concat());
    all
}

/// The step that answers the oldest request with this body.
fn answered(body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    [&[8, 0], &length[..], body].concat()
}

fn named(specimen: &Specimen, first_version: i16, frame: &[u8]) -> Vec<u8> {
    let api_key = specimen.api_key as i16 as u8;
    let version = (specimen.version - first_version) as u8;
    [&[api_key, version], frame].concat()
}

fn specimens() -> impl Iterator<Item = Specimen> {
    let plain = Filling {
        elements: 1,
        unknown_tags: 0,
    };
    let dense = Filling {
        elements: 2,
        unknown_tags: 1,
    };
    specimen::all(plain).chain(specimen::all(dense))
}
