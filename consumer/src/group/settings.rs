//! What a member of a group needs to know of its consumer's configuration.

use std::time::Duration;

use weft_client::{ClientConfig, GroupId, GroupInstanceId};

use crate::config::ConsumerConfig;

/// The options that concern membership.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupSettings {
    /// `group.id`.
    pub(crate) group_id: GroupId,
    /// `group.instance.id`; makes the member static (KIP-345).
    pub(crate) group_instance_id: Option<GroupInstanceId>,
    /// `session.timeout.ms`.
    pub(crate) session_timeout: Duration,
    /// `heartbeat.interval.ms`.
    pub(crate) heartbeat_interval: Duration,
    /// `max.poll.interval.ms`, which is the rebalance timeout as well.
    pub(crate) max_poll_interval: Duration,
    /// What every client knows: addresses, backoffs, timeouts, the rack.
    pub(crate) client: ClientConfig,
}

impl GroupSettings {
    /// Takes them out of a consumer's configuration; `None` without a `group.id`.
    pub(crate) fn from_config(config: &ConsumerConfig) -> Option<Self> {
        // Whoever subscribes to a topic by name has it created. A leader that asks for the topics
        // of others must not bring back one that was deleted and that a pattern matched.
        let mut client = config.client.clone();
        client.allow_auto_create_topics = false;
        Some(Self {
            group_id: config.group_id.clone()?,
            group_instance_id: config.group_instance_id.clone(),
            session_timeout: config.session_timeout,
            heartbeat_interval: config.heartbeat_interval,
            max_poll_interval: config.max_poll_interval,
            client,
        })
    }

    /// How long a JoinGroup may take: the coordinator waits for the other members as long as the
    /// rebalance timeout, and a little more so that its answer is not missed.
    pub(super) fn join_timeout(&self) -> Duration {
        let patient = self.max_poll_interval.saturating_add(JOIN_MARGIN);
        patient.max(self.client.request_timeout)
    }
}

/// What a JoinGroup may take beyond the rebalance timeout (Kafka's JOIN_GROUP_TIMEOUT_LAPSE).
const JOIN_MARGIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn join_timeout_ms(max_poll_ms: u64, request_ms: u64) -> u128 {
        let config = ConsumerConfig::builder()
            .set("bootstrap.servers", "a:1")
            .set("group.id", "g")
            .max_poll_interval(Duration::from_millis(max_poll_ms))
            .request_timeout(Duration::from_millis(request_ms))
            .build()
            .unwrap();
        let settings = GroupSettings::from_config(&config).unwrap();
        settings.join_timeout().as_millis()
    }

    #[test]
    fn a_join_takes_five_seconds_more_than_the_poll_interval_but_never_less_than_a_request() {
        assert_eq!(join_timeout_ms(300_000, 30_000), 305_000);
        assert_eq!(join_timeout_ms(10_000, 30_000), 30_000);
        assert_eq!(
            join_timeout_ms(i32::MAX as u64, 30_000),
            i32::MAX as u128 + 5_000
        );
    }
}
