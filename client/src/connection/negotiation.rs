//! Which versions the broker speaks (KIP-35): asked first on every connection, newest version of
//! the question first. A broker that does not know it says so in version 0 and lists what it does
//! know (KIP-511), so that the second question fits.

use crate::wire::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::wire::{ApiKey, BrokerVersions, ErrorCode, Request, StrBytes, ours};

/// What to do after the broker's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// These are its versions.
    Agreed(BrokerVersions),
    /// Ask again in this version, on the same connection.
    AskAgain(i16),
    /// It refuses, with this error code.
    Refused(ErrorCode),
}

/// The version in which to ask first.
pub(super) fn first_version() -> i16 {
    *ours(ApiKey::ApiVersions).end()
}

/// The question.
pub(super) fn question() -> Request {
    Request::ApiVersions(
        ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str(SOFTWARE_NAME))
            .with_client_software_version(StrBytes::from_static_str(SOFTWARE_VERSION)),
    )
}

/// Judges the answer to the question in version `asked`. Every new question has a lower version
/// than the one before, so that there is an end to it.
pub(super) fn judge(asked: i16, answer: &ApiVersionsResponse) -> Verdict {
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => return Verdict::Agreed(BrokerVersions::from_response(answer)),
        ErrorCode::UNSUPPORTED_VERSION if asked > 0 => {}
        code => return Verdict::Refused(code),
    }
    let offered = BrokerVersions::from_response(answer)
        .range(ApiKey::ApiVersions)
        .map(|range| *range.end())
        .filter(|newest| (0..asked).contains(newest));
    Verdict::AskAgain(offered.unwrap_or(0))
}

/// How this client introduces itself (KIP-511): letters, digits, dots and dashes only.
const SOFTWARE_NAME: &str = "weft";
const SOFTWARE_VERSION: &str = env!("CARGO_PKG_VERSION");
