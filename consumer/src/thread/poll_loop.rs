//! Runs `ConsumerCore` on the thread that calls the consumer: waits, gathers everything that is
//! ready, feeds the machine, performs what it answers.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: reads the clock for the machine"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use weft_client::host;
use weft_client::net::{Lane, NetworkClient, NetworkEvent, OutboundRequest, resolve_bootstrap};
use weft_client::{Error, ErrorKind, GroupId};

use super::heartbeat::HeartbeatThread;
use crate::assign::Assignor;
use crate::config::ConsumerConfig;
use crate::core::ConsumerCore;
use crate::group::GroupSettings;
use crate::metrics::{MetricsHandle, Polled, Side};
use crate::wakeup::WakeupHandle;

/// Whether a call that waits may be ended by `wakeup`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    Allowed,
    Ignored,
}

/// The machine, its sockets, and the heartbeat thread once there is one.
#[derive(Debug)]
pub(crate) struct PollLoop {
    pub(crate) core: ConsumerCore,
    pub(crate) config: ConsumerConfig,
    network: NetworkClient,
    heartbeat: Option<HeartbeatThread>,
    assignors: Vec<Arc<dyn Assignor>>,
    wakeup: WakeupHandle,
    metrics: MetricsHandle,
    polled: Polled,
    events: Vec<NetworkEvent>,
    requests: Vec<OutboundRequest>,
}

impl PollLoop {
    pub(crate) fn new(
        mut config: ConsumerConfig,
        assignors: Vec<Arc<dyn Assignor>>,
    ) -> Result<Self, Error> {
        if config.client.client_id.is_empty() {
            config.client.client_id = generated_client_id(&config);
        }
        config.client = resolve_bootstrap(config.client)?;
        let network = NetworkClient::new(&config.client)?;
        let wakeup = WakeupHandle::new(network.waker());
        let core = ConsumerCore::new(&config, host::now(), host::random_seed());
        Ok(Self {
            core,
            metrics: MetricsHandle::new(&config),
            polled: Polled::default(),
            config,
            network,
            heartbeat: None,
            assignors,
            wakeup,
            events: Vec::new(),
            requests: Vec::new(),
        })
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        host::now()
    }

    pub(crate) fn wakeup(&self) -> &WakeupHandle {
        &self.wakeup
    }

    pub(crate) fn network(&self) -> &NetworkClient {
        &self.network
    }

    pub(crate) fn metrics(&self) -> &MetricsHandle {
        &self.metrics
    }

    /// Hands over what there is to count of a poll that began then.
    pub(crate) fn count_poll(&mut self, began: Instant) {
        self.core.take_polled(&mut self.polled);
        self.metrics
            .poll_ended(began, host::now(), &mut self.polled);
        self.count_assignment();
    }

    /// Hands over what is owned, if that has changed.
    #[inline]
    pub(crate) fn count_assignment(&mut self) {
        if let Some(assignment) = self.core.take_new_assignment() {
            self.metrics.assigned(assignment);
        }
    }

    /// The heartbeat thread, if it was needed so far.
    #[inline]
    pub(crate) fn heartbeat(&self) -> Option<&HeartbeatThread> {
        self.heartbeat.as_ref()
    }

    /// The heartbeat thread, started if need be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGroupId`] without a group, and whatever keeps the thread from starting.
    pub(crate) fn group(&mut self) -> Result<&HeartbeatThread, Error> {
        if self.heartbeat.is_none() {
            let Some(settings) = GroupSettings::from_config(&self.config) else {
                let text = "subscribing and committing need a group: set group.id";
                return Err(Error::new(ErrorKind::InvalidGroupId, text));
            };
            let assignors = self.assignors.clone();
            let metrics = self.metrics.clone();
            let consumer = self.network.waker();
            let thread = HeartbeatThread::start(settings, assignors, consumer, metrics)?;
            self.heartbeat = Some(thread);
        }
        self.heartbeat
            .as_ref()
            .ok_or_else(|| Error::from(ErrorKind::IllegalState))
    }

    /// Whether there is any way to divide partitions among members.
    pub(crate) fn has_assignors(&self) -> bool {
        !self.assignors.is_empty()
    }

    pub(crate) fn take_heartbeat(&mut self) -> Option<HeartbeatThread> {
        self.heartbeat.take()
    }

    /// Fails with [`ErrorKind::Wakeup`] if somebody asked for it.
    #[inline]
    pub(crate) fn check_wakeup(&self) -> Result<(), Error> {
        if self.wakeup.take() {
            return Err(Error::from(ErrorKind::Wakeup));
        }
        Ok(())
    }

    /// Sends what is due, without waiting.
    pub(crate) fn send_requests(&mut self, now: Instant) {
        if self.core.needs_wall_time() {
            let milliseconds = host::wall_time().as_millis();
            self.core
                .set_wall_time(i64::try_from(milliseconds).unwrap_or(i64::MAX));
        }
        self.core
            .take_requests(now, &self.network, &mut self.requests);
        for node in self.core.take_abandoned() {
            self.network.disconnect(now, node, Lane::General);
            self.network.disconnect(now, node, Lane::Fetch);
        }
        if self.requests.is_empty() {
            return;
        }
        for request in self.requests.drain(..) {
            self.network.send(now, request);
        }
        self.network.flush(now);
    }

    /// Closes the fetch sessions, and waits for brokers to confirm that until `end` at most.
    pub(crate) fn close_sessions(&mut self, end: Instant) {
        let mut now = host::now();
        self.core
            .close_sessions(now, &self.network, &mut self.requests);
        for request in self.requests.drain(..) {
            self.network.send(now, request);
        }
        self.network.flush(now);
        while self.core.is_closing_sessions() && now < end {
            self.receive(end.saturating_duration_since(now));
            now = host::now();
        }
    }

    /// Waits for the network until something happens, at most until `end`, and takes it in.
    pub(crate) fn wait(&mut self, now: Instant, end: Instant) {
        let end = self
            .core
            .next_deadline()
            .map_or(end, |deadline| deadline.min(end));
        self.receive(end.saturating_duration_since(now));
    }

    /// Takes in what has arrived.
    pub(crate) fn receive(&mut self, timeout: Duration) {
        self.network.poll(timeout, &mut self.events);
        let now = host::now();
        self.metrics
            .network_turn(now, Side::Consumer, &mut self.network, &self.events);
        for event in self.events.drain(..) {
            self.core.handle_event(now, event);
        }
    }

    /// Closes all connections.
    pub(crate) fn disconnect(&mut self) {
        self.network.disconnect_all(host::now());
    }
}

/// The `client.id` of a consumer that was given none, as Kafka's own consumer makes it. There has
/// to be one: coordinators up to 2.8 fail to store a member that has none.
fn generated_client_id(config: &ConsumerConfig) -> String {
    static LAST_NUMBER: AtomicU64 = AtomicU64::new(0);
    let group = config.group_id.as_ref().map_or("null", GroupId::as_str);
    match &config.group_instance_id {
        Some(instance) => format!("consumer-{group}-{instance}"),
        None => {
            let number = LAST_NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
            format!("consumer-{group}-{number}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_without_client_id_is_named_after_its_group() {
        let id = |more: &[(&str, &str)]| {
            let start = ConsumerConfig::builder().set("bootstrap.servers", "127.0.0.1:1");
            let builder = more.iter().fold(start, |b, (key, value)| b.set(key, value));
            let poll_loop = PollLoop::new(builder.build().unwrap(), Vec::new()).unwrap();
            poll_loop.config.client.client_id
        };
        let static_member = [("group.id", "g"), ("group.instance.id", "i")];
        assert_eq!(id(&static_member), "consumer-g-i");
        let (one, other) = (id(&[("group.id", "g")]), id(&[("group.id", "g")]));
        assert!(
            one.starts_with("consumer-g-") && one != other,
            "{one} {other}"
        );
        assert!(id(&[]).starts_with("consumer-null-"));
        assert_eq!(id(&[("client.id", "mine")]), "mine");
    }
}
