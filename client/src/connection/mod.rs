//! One TCP conversation with a broker, as a value: connecting, agreeing on versions, sending,
//! matching answers to requests, giving up.
//!
//! [`Connection`] decides when to connect, what may be written and what an answer belongs to. It
//! never touches a socket or a clock: [`crate::net`] performs its outputs and feeds it what came
//! of them. Addresses are `core::net`'s, which knows their shape and no sockets.

mod attempts;
mod error;
mod event;
mod in_flight;
mod input;
mod machine;
mod negotiation;
mod request;
mod settings;
mod throttle;
mod waiting;

pub(crate) use error::whole_millis;
pub use error::{CloseReason, MissingBytes, RequestError, Stage};
pub use event::{NetworkEvent, NodeState};
pub use in_flight::IN_FLIGHT_MAX;
pub use input::{Input, Output};
pub use machine::Connection;
pub use request::{Lane, OutboundRequest, RequestToken};
pub use settings::ConnectionSettings;
pub use waiting::WAITING_MAX;
