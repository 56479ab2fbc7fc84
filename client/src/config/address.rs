//! `bootstrap.servers`: a list of `host:port`, IPv6 addresses in brackets.
//!
//! It never looks up a name.

use std::fmt;
use std::sync::Arc;

use super::option::{OptionInput, OptionValue};

/// A host name or address, and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Host name or address, without brackets.
    pub host: Arc<str>,
    /// TCP port, not 0.
    pub port: u16,
}

impl Address {
    /// Reads `host:port`, `[ipv6]:port`, or either behind `PROTOCOL://`, which is dropped.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let complain = |problem: &str| Err(format!("{text:?} is not an address: {problem}"));
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => match bracketed.split_once(']') {
                Some((host, tail)) => (host, tail.strip_prefix(':')),
                None => return complain("the closing bracket is missing"),
            },
            None => match rest.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        if host.contains(':') && !rest.starts_with('[') {
            return complain("write an IPv6 address in brackets, [address]:port");
        }
        if host.is_empty() {
            return complain("the host is missing; write host:port");
        }
        if host.contains(|letter: char| letter.is_whitespace() || letter == '/') {
            return complain("a host has no spaces or slashes");
        }
        match port {
            None | Some("") => complain("the port is missing; write host:port"),
            Some(port) => match port.parse() {
                Ok(port) if port > 0 => Ok(Self {
                    host: host.into(),
                    port,
                }),
                _ => complain("the port must be a number in 1..=65535"),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The addresses at which the cluster is first looked for, and what is wrong with those that
/// cannot be read. A built configuration has at least one address, and nothing wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd)]
pub struct BootstrapServers {
    addresses: Vec<Address>,
    problems: Vec<String>,
}

impl BootstrapServers {
    /// Reads texts, each of which may hold several addresses separated by commas.
    pub fn new<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let mut servers = Self::default();
        for text in texts {
            let entries = text.as_ref().split(',').map(str::trim);
            for entry in entries.filter(|entry| !entry.is_empty()) {
                match Address::parse(entry) {
                    Ok(address) if servers.addresses.contains(&address) => {}
                    Ok(address) => servers.addresses.push(address),
                    Err(problem) => servers.problems.push(problem),
                }
            }
        }
        servers
    }

    /// These addresses, with nothing wrong.
    pub(crate) fn of(addresses: Vec<Address>) -> Self {
        Self {
            addresses,
            problems: Vec::new(),
        }
    }

    /// The addresses in the order given, each once.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }
}

impl OptionValue for BootstrapServers {
    const NOUN: &'static str = "host:port, separated by commas";

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new([text]))
    }

    fn print(&self) -> String {
        let texts: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        texts.join(",")
    }

    fn problems(&self) -> Vec<String> {
        if self.addresses.is_empty() && self.problems.is_empty() {
            return vec!["at least one address is needed, such as localhost:9092".to_owned()];
        }
        self.problems.clone()
    }
}

impl OptionInput<BootstrapServers> for &str {
    fn into_option(self) -> BootstrapServers {
        BootstrapServers::new([self])
    }
}

impl OptionInput<BootstrapServers> for String {
    fn into_option(self) -> BootstrapServers {
        BootstrapServers::new([self])
    }
}

impl<T: AsRef<str>> OptionInput<BootstrapServers> for Vec<T> {
    fn into_option(self) -> BootstrapServers {
        BootstrapServers::new(self)
    }
}

impl<T: AsRef<str>, const N: usize> OptionInput<BootstrapServers> for [T; N] {
    fn into_option(self) -> BootstrapServers {
        BootstrapServers::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_form_that_java_reads() {
        for (text, host, port) in [
            ("localhost:9092", "localhost", 9092),
            ("10.0.0.1:1", "10.0.0.1", 1),
            ("[::1]:9092", "::1", 9092),
            ("[fe80::1%eth0]:65535", "fe80::1%eth0", 65535),
            (
                "PLAINTEXT://broker-1.example:9093",
                "broker-1.example",
                9093,
            ),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((&*address.host, address.port), (host, port), "{text}");
        }
        assert_eq!(
            Address::parse("[::1]:9092").unwrap().to_string(),
            "[::1]:9092"
        );
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_the_reason() {
        for (text, reason) in [
            ("localhost", "the port is missing"),
            ("localhost:", "the port is missing"),
            ("[::1]", "the port is missing"),
            ("[::1", "the closing bracket is missing"),
            ("::1:9092", "in brackets"),
            (":9092", "the host is missing"),
            ("a:0", "1..=65535"),
            ("a:65536", "1..=65535"),
            ("a:b", "1..=65535"),
            ("http://a/b:9092", "slashes"),
        ] {
            let problem = Address::parse(text).unwrap_err();
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }

    #[test]
    fn a_list_drops_blanks_and_repetitions_and_keeps_its_order() {
        let servers = BootstrapServers::new([" b:1 ,, a:2", "b:1", ""]);
        assert_eq!(servers.print(), "b:1,a:2");
        assert_eq!(servers.problems(), Vec::<String>::new());
    }
}
