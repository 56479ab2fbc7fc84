//! When to connect, to which address, and how long to try.
//!
//! It mirrors Java's `ClusterConnectionStates`: every address of one family in turn
//! (`client.dns.lookup=use_all_dns_ips`, KIP-302), backoff counted from the last attempt (KIP-144),
//! a setup timeout that grows with failed attempts (KIP-601). One difference: the addresses of one
//! look-up are tried one after the other without backoff in between, so that requests fail once
//! all of them did.

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::settings::ConnectionSettings;
use crate::backoff::Random;

/// Addresses of one host that are tried; what a name server adds beyond them is ignored.
pub(super) const ADDRESSES_MAX: usize = 32;

/// The history of attempts to reach one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempts {
    /// Counts look-ups, so that a late answer to an old one can be told apart.
    number: u64,
    /// Addresses that were not tried yet.
    addresses: VecDeque<SocketAddr>,
    last_address: Option<SocketAddr>,
    last_attempt: Option<Instant>,
    /// Failures since the last connection that became ready.
    failures: u32,
    /// Failures to connect since the last open connection.
    connect_failures: u32,
    retry_at: Option<Instant>,
    random: Random,
}

impl Attempts {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            number: 0,
            addresses: VecDeque::new(),
            last_address: None,
            last_attempt: None,
            failures: 0,
            connect_failures: 0,
            retry_at: None,
            random: Random::new(seed),
        }
    }

    /// Begins with a look-up; returns its number.
    pub(super) fn begin(&mut self, now: Instant) -> u64 {
        self.number += 1;
        self.last_attempt = Some(now);
        self.retry_at = None;
        self.addresses.clear();
        self.number
    }

    /// The number of the look-up that is under way, or was last.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// When the last attempt began.
    pub(super) fn last_attempt(&self) -> Option<Instant> {
        self.last_attempt
    }

    /// When the next attempt may begin, if it may not at `now`.
    pub(super) fn backing_off_until(&self, now: Instant) -> Option<Instant> {
        self.retry_at.filter(|retry_at| *retry_at > now)
    }

    /// Takes over what a look-up found: the addresses of the first one's family, IPv4 before IPv6
    /// as a JVM orders them. The address used last goes to the end.
    pub(super) fn resolved(&mut self, mut found: Vec<SocketAddr>) {
        found.sort_by_key(SocketAddr::is_ipv6);
        let is_first_ipv6 = found.first().is_some_and(SocketAddr::is_ipv6);
        found.retain(|address| address.is_ipv6() == is_first_ipv6);
        found.truncate(ADDRESSES_MAX);
        self.addresses = found.into();
        if self.addresses.len() > 1 && self.addresses.front() == self.last_address.as_ref() {
            self.addresses.rotate_left(1);
        }
    }

    /// The address to try now; `None` when all were tried.
    pub(super) fn next_address(&mut self, now: Instant) -> Option<SocketAddr> {
        let address = self.addresses.pop_front()?;
        self.last_address = Some(address);
        self.last_attempt = Some(now);
        Some(address)
    }

    /// How long looking up and connecting may take each.
    pub(super) fn setup_timeout(&mut self, settings: &ConnectionSettings) -> Duration {
        let random = self.random.fraction();
        let timeout = settings.setup_timeout.delay(self.connect_failures, random);
        // Nobody wants to read microseconds in an error.
        Duration::from_millis(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX))
    }

    /// A look-up or one address failed.
    pub(super) fn connect_failed(&mut self) {
        self.connect_failures = self.connect_failures.saturating_add(1);
    }

    /// The socket is connected.
    pub(super) fn connected(&mut self) {
        self.connect_failures = 0;
    }

    /// The connection can carry requests.
    pub(super) fn ready(&mut self) {
        self.failures = 0;
    }

    /// The connection is lost, or did not come about: the next attempt has to wait, counted from
    /// the beginning of the last one.
    pub(super) fn failed(&mut self, now: Instant, settings: &ConnectionSettings) {
        let random = self.random.fraction();
        let delay = settings.reconnect_backoff.delay(self.failures, random);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(self.last_attempt.unwrap_or(now) + delay);
    }
}
