//! Which errors brokers answered with, for the coverage.

use bytes::Bytes;
use weft_client::wire::{ApiKey, ErrorCode, Response, decode_response};

use super::inner::Inner;

impl Inner {
    /// Takes note of an answer that is on its way, with its length.
    pub(super) fn observe_response(&mut self, (api_key, version): (i16, i16), frame: &Bytes) {
        let Ok(api_key) = ApiKey::try_from(api_key) else {
            return;
        };
        // Whole answers only; those that are spoilt are none.
        if frame.len() <= LENGTH_BYTES || api_key == ApiKey::ApiVersions {
            return;
        }
        let Ok((_, response)) = decode_response(api_key, version, frame.slice(LENGTH_BYTES..))
        else {
            return;
        };
        for code in errors(&response).into_iter().filter(|code| *code != 0) {
            let text = ErrorCode(code).to_string();
            let name = text.split(' ').next().unwrap_or_default();
            self.coverage
                .count("answer", &format!("{api_key:?} {name}"));
            let now = self.now;
            self.history
                .note(now, || format!("   {api_key:?} is answered with {name}"));
        }
    }
}

/// The error codes in an answer, zeros among them.
fn errors(response: &Response) -> Vec<i16> {
    match response {
        Response::Fetch(fetch) => {
            let partitions = fetch.responses.iter().flat_map(|topic| &topic.partitions);
            let codes = partitions.map(|partition| partition.error_code);
            codes.chain([fetch.error_code]).collect()
        }
        Response::ListOffsets(list) => {
            let partitions = list.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).collect()
        }
        Response::Metadata(metadata) => {
            let topics = metadata.topics.iter();
            let partitions = topics.clone().flat_map(|topic| &topic.partitions);
            let codes = partitions.map(|partition| partition.error_code);
            codes.chain(topics.map(|topic| topic.error_code)).collect()
        }
        Response::OffsetCommit(commit) => {
            let partitions = commit.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).collect()
        }
        Response::OffsetFetch(fetch) => {
            let groups = fetch.groups.iter().map(|group| group.error_code);
            groups.chain([fetch.error_code]).collect()
        }
        Response::OffsetForLeaderEpoch(epochs) => {
            let partitions = epochs.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).collect()
        }
        Response::FindCoordinator(found) => {
            let coordinators = found.coordinators.iter().map(|found| found.error_code);
            coordinators.chain([found.error_code]).collect()
        }
        Response::JoinGroup(join) => vec![join.error_code],
        Response::SyncGroup(sync) => vec![sync.error_code],
        Response::Heartbeat(beat) => vec![beat.error_code],
        Response::LeaveGroup(leave) => {
            let members = leave.members.iter().map(|member| member.error_code);
            members.chain([leave.error_code]).collect()
        }
        _ => Vec::new(),
    }
}

const LENGTH_BYTES: usize = 4;
