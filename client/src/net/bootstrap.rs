//! The names of `bootstrap.servers`, looked up once before a client is made, as the constructor of
//! Kafka's own clients does (`ClientUtils.parseAndValidateAddresses`).
//!
//! Connections look up the names again: this only finds out which of them can be used.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::resolve::{Addresses, look_up, parse_literal};
use crate::config::{Address, BootstrapServers, ClientConfig, DnsLookup};
use crate::error::{Error, ErrorKind};
#[cfg(feature = "simulation")]
use crate::host::simulated;

/// Looks up the names in `bootstrap.servers` and drops those without address; each is told as a
/// warning. With `client.dns.lookup=resolve_canonical_bootstrap_servers_only` the rest is replaced
/// by the canonical names of all their addresses, or by the addresses where those have no name.
///
/// Blocks for as long as the operating system's look-ups take. Does nothing if
/// `bootstrap.resolve.timeout.ms` is above 0: then the names are looked up while the client works,
/// and [`Cluster::fatal_error`](crate::cluster::Cluster::fatal_error) tells if that comes to
/// nothing. Canonical names are not used then, unlike in Java; without TLS and SASL they lead to
/// the same addresses.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] if none of the names has an address.
pub fn resolve_bootstrap(mut config: ClientConfig) -> Result<ClientConfig, Error> {
    if !config.bootstrap_resolve_timeout.is_zero() || is_simulated() {
        return Ok(config);
    }
    let servers = config.bootstrap_servers.addresses();
    let usable = match config.dns_lookup {
        DnsLookup::UseAllDnsIps => with_address(servers, look_up)?,
        DnsLookup::ResolveCanonicalBootstrapServersOnly => canonical(servers, look_up, name_of)?,
    };
    config.bootstrap_servers = BootstrapServers::of(usable);
    Ok(config)
}

/// Those that have an address.
fn with_address(
    servers: &[Address],
    mut look_up: impl FnMut(&str, u16) -> Addresses,
) -> Result<Vec<Address>, Error> {
    let mut is_usable = |server: &&Address| !found(server, &mut look_up).is_empty();
    let usable: Vec<Address> = servers.iter().filter(&mut is_usable).cloned().collect();
    not_none(usable, servers)
}

/// The canonical names of all addresses, each once.
fn canonical(
    servers: &[Address],
    mut look_up: impl FnMut(&str, u16) -> Addresses,
    mut name_of: impl FnMut(IpAddr) -> Option<String>,
) -> Result<Vec<Address>, Error> {
    let mut usable: Vec<Address> = Vec::new();
    for server in servers {
        for address in found(server, &mut look_up) {
            let name = name_of(address.ip())
                // A name that does not lead back to an address cannot be connected to.
                .filter(|name| look_up(name, server.port).is_ok_and(|found| !found.is_empty()));
            let host: Arc<str> = name.unwrap_or_else(|| address.ip().to_string()).into();
            let port = server.port;
            let entry = Address { host, port };
            if !usable.contains(&entry) && usable.len() < ENTRIES_MAX {
                usable.push(entry);
            }
        }
    }
    not_none(usable, servers)
}

/// The addresses of an entry; without any, that is told as a warning.
fn found(server: &Address, look_up: &mut impl FnMut(&str, u16) -> Addresses) -> Vec<SocketAddr> {
    if let Some(address) = parse_literal(&server.host) {
        return vec![SocketAddr::new(address, server.port)];
    }
    match look_up(&server.host, server.port) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        Ok(_) => {
            tracing::warn!(%server, "an entry of bootstrap.servers has no address");
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%server, %error, "an entry of bootstrap.servers cannot be resolved");
            Vec::new()
        }
    }
}

fn not_none(usable: Vec<Address>, servers: &[Address]) -> Result<Vec<Address>, Error> {
    if !usable.is_empty() {
        return Ok(usable);
    }
    let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
    let text = format!(
        "bootstrap.servers: none of these can be resolved: {}",
        names.join(", ")
    );
    Err(Error::new(ErrorKind::Configuration, text))
}

fn name_of(address: IpAddr) -> Option<String> {
    dns_lookup::lookup_addr(&address).ok()
}

#[cfg(feature = "simulation")]
fn is_simulated() -> bool {
    simulated::host().is_some()
}

#[cfg(not(feature = "simulation"))]
const fn is_simulated() -> bool {
    false
}

/// Entries that canonical names can come to; what a name server adds beyond them is ignored.
const ENTRIES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// A name server: `two` has two addresses, of which the second has no name; `odd` has one,
    /// whose name has no address; everything else is unknown.
    fn addresses(host: &str, port: u16) -> Addresses {
        let of = |texts: &[&str]| {
            let address = |text: &&str| SocketAddr::new(text.parse().unwrap(), port);
            Ok(texts.iter().map(address).collect())
        };
        match host {
            "two" => of(&["10.0.0.1", "10.0.0.2"]),
            "one.example" => of(&["10.0.0.1"]),
            "odd" => of(&["10.0.0.3"]),
            "empty" => of(&[]),
            _ => Err("unknown".into()),
        }
    }

    fn name(address: IpAddr) -> Option<String> {
        match address.to_string().as_str() {
            "10.0.0.1" => Some("one.example".to_owned()),
            "10.0.0.3" => Some("nowhere.example".to_owned()),
            _ => None,
        }
    }

    fn texts(result: Result<Vec<Address>, Error>) -> Result<Vec<String>, String> {
        let addresses = result.map_err(|error| error.to_string())?;
        Ok(addresses.iter().map(ToString::to_string).collect())
    }

    fn servers(text: &str) -> Vec<Address> {
        BootstrapServers::new([text]).addresses().to_vec()
    }

    #[test]
    fn entries_without_address_are_dropped_and_none_left_is_an_error() {
        let check = |text, expected: Result<Vec<&str>, &str>| {
            let expected = expected
                .map(|texts| texts.into_iter().map(str::to_owned).collect())
                .map_err(str::to_owned);
            assert_eq!(texts(with_address(&servers(text), addresses)), expected);
        };
        check("two:1,nobody:2,[::1]:3", Ok(vec!["two:1", "[::1]:3"]));
        check(
            "nobody:1,empty:2",
            Err("bootstrap.servers: none of these can be resolved: nobody:1, empty:2"),
        );
    }

    #[test]
    fn canonical_names_replace_the_entries_where_they_lead_back() {
        let check = |text, expected: &[&str]| {
            let found = texts(canonical(&servers(text), addresses, name));
            assert_eq!(found.unwrap(), expected);
        };
        check("two:1", &["one.example:1", "10.0.0.2:1"]);
        check("two:1,one.example:1", &["one.example:1", "10.0.0.2:1"]);
        check("odd:1,nobody:2", &["10.0.0.3:1"]);
        check("10.0.0.1:7", &["one.example:7"]);
        assert!(canonical(&servers("nobody:1"), addresses, name).is_err());
    }

    #[test]
    fn only_a_time_limit_of_zero_looks_names_up_beforehand() {
        let config = |properties: &[(&str, &str)]| {
            let start = ClientConfig::builder().bootstrap_servers("name.invalid:1,127.0.0.1:2");
            let set = |builder: crate::config::ClientConfigBuilder, (key, value): &(&str, &str)| {
                builder.set(key, value)
            };
            properties.iter().fold(start, set).build().unwrap()
        };
        let resolved = |properties: &[(&str, &str)]| {
            let resolved = resolve_bootstrap(config(properties)).unwrap();
            texts(Ok(resolved.bootstrap_servers.addresses().to_vec())).unwrap()
        };
        assert_eq!(resolved(&[]), ["127.0.0.1:2"]);
        let later = [("bootstrap.resolve.timeout.ms", "1")];
        assert_eq!(resolved(&later), ["name.invalid:1", "127.0.0.1:2"]);
    }
}
