//! The texts of errors: each says what was asked of whom. It decides nothing.

use std::any::Any;
use std::sync::Arc;

use weft_client::wire::ErrorCode;
use weft_client::{Broker, Error, ErrorKind, GroupId};

use super::settings::GroupSettings;

/// `coordinator 1 (host:9092)`, or that there is none.
pub(super) fn coordinator_name(broker: Option<&Arc<Broker>>) -> String {
    match broker {
        Some(broker) => format!(
            "coordinator {} ({}:{})",
            broker.id, broker.host, broker.port
        ),
        None => "a coordinator that was not found".to_owned(),
    }
}

/// `doing this for group g at coordinator 1 (host:9092) failed`.
pub(super) fn context(what: &str, group: &GroupId, broker: Option<&Arc<Broker>>) -> String {
    let at = coordinator_name(broker);
    format!("{what} of group {group} at {at} failed")
}

/// The error that stands for a code with which a group request was answered.
pub(super) fn of_code(settings: &GroupSettings, code: ErrorCode) -> Error {
    let error = Error::broker(code, code.to_string());
    match error.kind() {
        ErrorKind::FencedInstanceId => {
            let id = settings.group_instance_id.as_ref();
            let id = id.map_or("(none)", |id| id.as_str());
            error.with_context(format!("another process uses group.instance.id={id}"))
        }
        _ => error,
    }
}

/// An error with one more layer of cause in its text and as its source.
pub(super) fn caused_by(kind: ErrorKind, text: &str, cause: Option<&Error>) -> Error {
    match cause {
        Some(cause) => Error::new(kind, format!("{text}: {cause}")).with_source(cause.clone()),
        None => Error::new(kind, text.to_owned()),
    }
}

/// What a panic said.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without text")
}
