//! Looking up the coordinator of a group.

use std::sync::Arc;

use super::call::{Refusal, unexpected};
use super::outcome::Asked;
use crate::error::{Error, ErrorKind};
use crate::ids::{Broker, GroupId};
use crate::wire::messages::FindCoordinatorRequest;
use crate::wire::{Context, Reaction, Request, Response, StrBytes};

/// The request that asks any broker who coordinates a group.
pub(super) fn look_up(group: &GroupId) -> Request {
    let key = StrBytes::from_string(group.as_str().to_owned());
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![key]);
    Request::FindCoordinator(request)
}

/// The coordinator that `asked` named.
pub(super) fn found(asked: &Broker, response: &Response) -> Result<Arc<Broker>, Refusal> {
    let Response::FindCoordinator(response) = response else {
        return Err(unexpected(NAME, asked));
    };
    // One key was asked for, and old versions do not echo it.
    let Some(found) = response.coordinators.first() else {
        return Err(malformed(asked, "names no coordinator"));
    };
    let asked_for = Asked {
        name: NAME,
        broker: asked,
        context: Context::FindCoordinator,
    };
    let message = found.error_message.as_deref();
    asked_for.judge("the group", found.error_code, message)?;
    let Ok(port) = u16::try_from(found.port) else {
        return Err(malformed(asked, "names a port that cannot be"));
    };
    Ok(Arc::new(Broker {
        id: found.node_id.into(),
        host: Arc::from(found.host.as_str()),
        port,
        rack: None,
    }))
}

fn malformed(asked: &Broker, problem: &str) -> Refusal {
    let text = format!("{NAME}: the answer of {asked} {problem}");
    Refusal {
        reaction: Reaction::Fail,
        error: Error::new(ErrorKind::MalformedResponse, text),
    }
}

const NAME: &str = "FindCoordinator";
