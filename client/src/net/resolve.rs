//! From host names to addresses, without ever blocking the thread that asks.
//!
//! Addresses in digits are read at once. For names there is one helper thread for each network
//! client, started with the first name: the operating system's look-up blocks, for as long as its
//! name servers take. The thread ends with the client, or after the look-up that it is in.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TrySendError};
use std::thread;

use super::poller::NetworkWaker;

/// Look-ups that may wait for the helper thread; one more fails.
const LOOK_UPS_MAX: usize = 64;

/// What one look-up came to: addresses in the order of the operating system, or its complaint.
pub(super) type Addresses = Result<Vec<SocketAddr>, Arc<str>>;

/// Whom a look-up is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LookUp {
    /// The connection.
    pub(super) token: usize,
    /// Its number for the look-up.
    pub(super) attempt: u64,
}

/// The asking end.
#[derive(Debug)]
pub(super) struct Resolver {
    waker: NetworkWaker,
    orders: Option<SyncSender<Order>>,
    answers: Receiver<(LookUp, Addresses)>,
    answers_from_thread: Sender<(LookUp, Addresses)>,
}

struct Order {
    look_up: LookUp,
    host: Arc<str>,
    port: u16,
}

impl Resolver {
    pub(super) fn new(waker: NetworkWaker) -> Self {
        // Unbounded, but no more answers than orders can be in it.
        let (answers_from_thread, answers) = mpsc::channel();
        Self {
            waker,
            orders: None,
            answers,
            answers_from_thread,
        }
    }

    /// Returns the addresses at once if no look-up is needed or possible. Otherwise they come out
    /// of [`next_answer`](Self::next_answer), and the client is woken for it.
    pub(super) fn resolve(
        &mut self,
        look_up: LookUp,
        host: &Arc<str>,
        port: u16,
    ) -> Option<Addresses> {
        if let Some(address) = parse_literal(host) {
            return Some(Ok(vec![SocketAddr::new(address, port)]));
        }
        let order = Order {
            look_up,
            host: Arc::clone(host),
            port,
        };
        match self.orders().map(|orders| orders.try_send(order)) {
            Ok(Ok(())) => None,
            Ok(Err(TrySendError::Full(_))) => {
                let complaint = format!("{LOOK_UPS_MAX} look-ups wait already");
                Some(Err(complaint.into()))
            }
            Ok(Err(TrySendError::Disconnected(_))) => {
                self.orders = None;
                Some(Err("the thread for look-ups has ended".into()))
            }
            Err(error) => {
                let complaint = format!("no thread for look-ups: {error}");
                Some(Err(complaint.into()))
            }
        }
    }

    /// One look-up that is over.
    pub(super) fn next_answer(&self) -> Option<(LookUp, Addresses)> {
        self.answers.try_recv().ok()
    }

    fn orders(&mut self) -> io::Result<&SyncSender<Order>> {
        let orders = match self.orders.take() {
            Some(orders) => orders,
            None => self.start_thread()?,
        };
        Ok(self.orders.insert(orders))
    }

    fn start_thread(&self) -> io::Result<SyncSender<Order>> {
        let (orders, incoming) = mpsc::sync_channel::<Order>(LOOK_UPS_MAX);
        let answers = self.answers_from_thread.clone();
        let waker = self.waker.clone();
        thread::Builder::new()
            .name("weft-resolver".to_owned())
            .spawn(move || {
                for order in incoming {
                    let addresses = look_up(&order.host, order.port);
                    if answers.send((order.look_up, addresses)).is_err() {
                        return;
                    }
                    waker.wake();
                }
            })?;
        Ok(orders)
    }
}

pub(super) fn look_up(host: &str, port: u16) -> Addresses {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(error.to_string().into()),
    }
}

/// Reads an address in digits; IPv6 with or without brackets.
pub(super) fn parse_literal(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_digits_need_no_look_up() {
        let cases = [
            ("127.0.0.1", Some("127.0.0.1")),
            ("::1", Some("::1")),
            ("[::1]", Some("::1")),
            ("[::1", None),
            ("localhost", None),
            ("1.2.3", None),
            ("", None),
        ];
        for (host, expected) in cases {
            let expected = expected.map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(parse_literal(host), expected, "{host}");
        }
    }
}
