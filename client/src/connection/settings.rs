//! What the options of the client come to for one connection.

use std::time::Duration;

use crate::backoff::ExponentialBackoff;
use crate::wire::StrBytes;

/// How a [`super::Connection`] behaves. One value serves all connections of a client.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionSettings {
    /// `client.id`, at most 32767 bytes; goes into every request.
    pub client_id: Option<StrBytes>,
    /// `request.timeout.ms`: how long the broker may take to list its versions.
    pub request_timeout: Duration,
    /// `reconnect.backoff.ms` and `reconnect.backoff.max.ms`.
    pub reconnect_backoff: ExponentialBackoff,
    /// `socket.connection.setup.timeout.ms` and its maximum: for one address, from looking up its
    /// name to an open connection.
    pub setup_timeout: ExponentialBackoff,
    /// `connections.max.idle.ms`; `None` keeps idle connections open.
    pub idle_timeout: Option<Duration>,
}

impl Default for ConnectionSettings {
    /// The defaults of Kafka's own clients.
    fn default() -> Self {
        Self {
            client_id: None,
            request_timeout: Duration::from_secs(30),
            reconnect_backoff: ExponentialBackoff::new(
                Duration::from_millis(50),
                Duration::from_secs(1),
            ),
            setup_timeout: ExponentialBackoff::new(
                Duration::from_secs(10),
                Duration::from_secs(30),
            ),
            idle_timeout: Some(Duration::from_secs(9 * 60)),
        }
    }
}
