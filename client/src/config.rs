//! The options that every client has, under Kafka's names and with Kafka's defaults.
//!
//! Each option is declared once, in [`client_options!`](crate::client_options); everything else
//! about it follows from there. Checks that concern two options at once are in `relate`.

mod address;
mod declare;
mod foreign;
mod option;
mod problems;
mod properties;

use std::sync::Arc;

pub use address::{Address, BootstrapServers};
pub use foreign::{CLIENT_FOREIGN_OPTIONS, ForeignOption, Treatment};
pub use option::{
    MILLIS_MAX, OptionInput, OptionReference, OptionValue, Range, SOCKET_BUFFER, reference_page,
};
pub use problems::Problems;
pub use properties::parse_properties;

use crate::backoff::ExponentialBackoff;
use crate::ids::{Broker, NodeId};

crate::config_choice! {
    /// What a client does when no broker that it knows of can be reached,
    /// `metadata.recovery.strategy`.
    pub enum MetadataRecovery {
        /// It keeps trying the brokers that it last knew.
        None = "none",
        /// It starts again from `bootstrap.servers` (KIP-899).
        Rebootstrap = "rebootstrap",
    }
}

crate::config_choice! {
    /// Which addresses of a host name are tried, `client.dns.lookup`.
    pub enum DnsLookup {
        /// All that the name has, one after the other.
        UseAllDnsIps = "use_all_dns_ips",
        /// As above; entries of `bootstrap.servers` are first replaced by the canonical names of
        /// all their addresses.
        ResolveCanonicalBootstrapServersOnly = "resolve_canonical_bootstrap_servers_only",
    }
}

crate::config_choice! {
    /// Which metrics are kept, `metrics.recording.level`.
    pub enum MetricsRecordingLevel {
        /// Those that everybody wants.
        Info = "INFO",
        /// Those too that help to find a fault.
        Debug = "DEBUG",
        /// All.
        Trace = "TRACE",
    }
}

crate::config_choice! {
    /// How connections are secured, `security.protocol`.
    pub enum SecurityProtocol {
        /// Plain TCP, nobody proves anything.
        Plaintext = "PLAINTEXT",
        /// TLS.
        Ssl = "SSL",
        /// SASL over plain TCP.
        SaslPlaintext = "SASL_PLAINTEXT",
        /// SASL over TLS.
        SaslSsl = "SASL_SSL",
    }
}

/// Appends the options that every client has to a declaration for
/// [`config_options!`](crate::config_options).
#[macro_export]
macro_rules! client_options {
    ($($declaration:tt)*) => { $crate::config_options! { $($declaration)* {
        /// The brokers to ask first, as `host:port`; IPv6 addresses in brackets. They need not be
        /// all brokers, since any one of them knows the others.
        "bootstrap.servers" => bootstrap_servers: $crate::config::BootstrapServers =
            $crate::config::BootstrapServers::default(), $crate::config::Range::Any;
        /// Which addresses of a host name are tried. use_all_dns_ips tries all of one family in
        /// turn; resolve_canonical_bootstrap_servers_only does so after it replaced the entries of
        /// `bootstrap.servers` by the canonical names of their addresses, if these are looked up
        /// while the client is made.
        "client.dns.lookup" => dns_lookup: $crate::config::DnsLookup =
            $crate::config::DnsLookup::UseAllDnsIps, $crate::config::Range::Any;
        /// How long the names of `bootstrap.servers` may stay unresolved. With 0 they are looked up
        /// while the client is made, which fails if none of them has an address. Otherwise that
        /// happens in the background, as often as connections are tried, and if none had an address
        /// in this time every call fails from then on.
        "bootstrap.resolve.timeout.ms" => bootstrap_resolve_timeout: ::std::time::Duration =
            ::std::time::Duration::ZERO, $crate::config::Range::Any;
        /// The name that brokers see in their logs, metrics and quotas.
        "client.id" => client_id: String = String::new(), $crate::config::Range::Any;
        /// Where this client runs, in the words of `broker.rack`; empty if unknown.
        "client.rack" => client_rack: String = String::new(), $crate::config::Range::Any;
        /// How the connections to the brokers are secured.
        "security.protocol" => security_protocol: $crate::config::SecurityProtocol =
            $crate::config::SecurityProtocol::Plaintext, $crate::config::Range::Any;
        /// How long one request may take before its connection is given up.
        "request.timeout.ms" => request_timeout: ::std::time::Duration =
            ::std::time::Duration::from_millis(30_000),
            $crate::config::Range::Between(::std::time::Duration::ZERO, $crate::config::MILLIS_MAX);
        /// How long a call may take that is given no time of its own.
        "default.api.timeout.ms" => default_api_timeout: ::std::time::Duration =
            ::std::time::Duration::from_millis(60_000),
            $crate::config::Range::Between(::std::time::Duration::ZERO, $crate::config::MILLIS_MAX);
        /// The wait after a first failed request; it doubles with each further failure.
        "retry.backoff.ms" => retry_backoff: ::std::time::Duration =
            ::std::time::Duration::from_millis(100), $crate::config::Range::Any;
        /// The longest wait between attempts of a request.
        "retry.backoff.max.ms" => retry_backoff_max: ::std::time::Duration =
            ::std::time::Duration::from_millis(1_000), $crate::config::Range::Any;
        /// The wait after a first failed connection; it doubles with each further failure. If only
        /// this one is set, it is the longest wait as well.
        "reconnect.backoff.ms" => reconnect_backoff: ::std::time::Duration =
            ::std::time::Duration::from_millis(50), $crate::config::Range::Any;
        /// The longest wait between attempts to connect.
        "reconnect.backoff.max.ms" => reconnect_backoff_max: ::std::time::Duration =
            ::std::time::Duration::from_millis(1_000), $crate::config::Range::Any;
        /// How long a connection may take to be established; it doubles with each failure.
        "socket.connection.setup.timeout.ms" => connection_setup_timeout: ::std::time::Duration =
            ::std::time::Duration::from_millis(10_000), $crate::config::Range::Any;
        /// The longest time that a connection may take to be established.
        "socket.connection.setup.timeout.max.ms" => connection_setup_timeout_max:
            ::std::time::Duration =
            ::std::time::Duration::from_millis(30_000), $crate::config::Range::Any;
        /// After this long without use a connection is closed.
        "connections.max.idle.ms" => connections_max_idle: Option<::std::time::Duration> =
            Some(::std::time::Duration::from_millis(540_000)), $crate::config::Range::Any;
        /// The size of the TCP send buffer (SO_SNDBUF), in bytes.
        "send.buffer.bytes" => send_buffer_bytes: Option<usize> =
            Some(131_072), $crate::config::SOCKET_BUFFER;
        /// The size of the TCP receive buffer (SO_RCVBUF), in bytes.
        "receive.buffer.bytes" => receive_buffer_bytes: Option<usize> =
            Some(65_536), $crate::config::SOCKET_BUFFER;
        /// After this long what is known about the cluster is asked for again, even if nothing
        /// failed.
        "metadata.max.age.ms" => metadata_max_age: ::std::time::Duration =
            ::std::time::Duration::from_millis(300_000), $crate::config::Range::Any;
        /// What to do when no known broker can be reached.
        "metadata.recovery.strategy" => metadata_recovery: $crate::config::MetadataRecovery =
            $crate::config::MetadataRecovery::Rebootstrap, $crate::config::Range::Any;
        /// After trying this long in vain to learn about the cluster, the client starts again from
        /// `bootstrap.servers` (KIP-1102).
        "metadata.recovery.rebootstrap.trigger.ms" => metadata_rebootstrap_trigger:
            ::std::time::Duration =
            ::std::time::Duration::from_millis(300_000), $crate::config::Range::Any;
        /// Whether brokers are told which cluster and broker the client believes it talks to, so
        /// that they refuse if they are another (KIP-1242). Without effect so far: they are told in
        /// version 5 of ApiVersions, and version 4 is the newest that is spoken here. A broker that
        /// sends the client away in a metadata response is obeyed all the same.
        "metadata.cluster.check.enable" => metadata_cluster_check: bool =
            true, $crate::config::Range::Any;
        /// The number of time windows over which rates and averages of metrics are taken.
        "metrics.num.samples" => metrics_num_samples: u32 =
            2, $crate::config::Range::AtLeast(1);
        /// The length of one of these windows.
        "metrics.sample.window.ms" => metrics_sample_window: ::std::time::Duration =
            ::std::time::Duration::from_millis(30_000), $crate::config::Range::Any;
        /// Which metrics are kept: INFO, DEBUG or TRACE.
        "metrics.recording.level" => metrics_recording_level:
            $crate::config::MetricsRecordingLevel =
            $crate::config::MetricsRecordingLevel::Info, $crate::config::Range::Any;
        /// Whether asking for a topic may make the broker create it.
        "allow.auto.create.topics" => allow_auto_create_topics: bool =
            true, $crate::config::Range::Any;
    } } };
}

client_options! {
    /// What every client needs to know: where the cluster is, and how patient to be.
    pub struct ClientConfig, ClientConfigBuilder, relate;
    options
}

fn relate(builder: &ClientConfigBuilder, config: &mut ClientConfig, problems: &mut Problems) {
    if builder.reconnect_backoff.is_some() && builder.reconnect_backoff_max.is_none() {
        config.reconnect_backoff_max = config.reconnect_backoff;
    }
    for (key, start, most) in [
        (
            "retry.backoff.ms",
            config.retry_backoff,
            config.retry_backoff_max,
        ),
        (
            "reconnect.backoff.ms",
            config.reconnect_backoff,
            config.reconnect_backoff_max,
        ),
        (
            "socket.connection.setup.timeout.ms",
            config.connection_setup_timeout,
            config.connection_setup_timeout_max,
        ),
    ] {
        if start > most {
            problems.warn(
                key,
                format!("above its maximum: it is always {} ms", most.as_millis()),
            );
        }
    }
    if config.security_protocol != SecurityProtocol::Plaintext {
        problems.add("security.protocol", "only PLAINTEXT is supported so far");
    }
}

impl ClientConfig {
    /// The wait between attempts of a request.
    pub fn retry_delays(&self) -> ExponentialBackoff {
        ExponentialBackoff::new(self.retry_backoff, self.retry_backoff_max)
    }

    /// The wait between attempts to connect.
    pub fn reconnect_delays(&self) -> ExponentialBackoff {
        ExponentialBackoff::new(self.reconnect_backoff, self.reconnect_backoff_max)
    }

    /// How long a connection may take, by the number of failures before.
    pub fn connection_setup_timeouts(&self) -> ExponentialBackoff {
        ExponentialBackoff::new(
            self.connection_setup_timeout,
            self.connection_setup_timeout_max,
        )
    }

    /// The addresses of `bootstrap.servers` as brokers with the ids -1, -2, and so on.
    pub fn bootstrap_brokers(&self) -> Vec<Arc<Broker>> {
        let ids = (i32::MIN..=-1).rev();
        let addresses = self.bootstrap_servers.addresses().iter();
        addresses
            .zip(ids)
            .map(|(address, id)| {
                Arc::new(Broker {
                    id: NodeId::new(id),
                    host: Arc::clone(&address.host),
                    port: address.port,
                    rack: None,
                })
            })
            .collect()
    }
}

#[cfg(test)]
#[expect(
    unreachable_pub,
    dead_code,
    reason = "the declaration is made for the public"
)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;

    crate::client_options! {
        /// A configuration that inherits, as those of consumer and producer do.
        pub struct HeirConfig, HeirConfigBuilder, relate_heir;
        options {
            /// Its own option.
            "heir.share" => share: i32 = 5, Range::Between(1, 10);
        }
        inherits ClientConfig, ClientConfigBuilder
    }

    fn relate_heir(_: &HeirConfigBuilder, config: &mut HeirConfig, problems: &mut Problems) {
        if config.client.client_id == "nobody" && config.share > 5 {
            problems.add("heir.share", "nobody has no share");
        }
    }

    #[test]
    fn defaults_are_those_of_kafka() {
        let config = ClientConfig::builder()
            .bootstrap_servers("a:1")
            .build()
            .unwrap();
        assert_eq!(config.request_timeout, Duration::from_secs(30));
        assert_eq!(config.connections_max_idle, Some(Duration::from_secs(540)));
        assert_eq!(config.receive_buffer_bytes, Some(65_536));
        assert_eq!(config.metadata_recovery, MetadataRecovery::Rebootstrap);
        assert!(config.allow_auto_create_topics);
    }

    #[test]
    fn properties_and_builder_methods_set_the_same_fields() {
        let by_name = ClientConfig::builder()
            .set("bootstrap.servers", " a:1, [::1]:2 ")
            .set(" connections.max.idle.ms", "-1")
            .set("send.buffer.bytes", "-1")
            .set("metadata.recovery.strategy", "NONE")
            .set("request.timeout.ms", "250")
            .set("allow.auto.create.topics", "False");
        let by_method = ClientConfig::builder()
            .bootstrap_servers(["a:1", "[::1]:2"])
            .connections_max_idle(None)
            .send_buffer_bytes(None)
            .metadata_recovery(MetadataRecovery::None)
            .request_timeout(Duration::from_millis(250))
            .allow_auto_create_topics(false);
        assert_eq!(by_name.build().unwrap(), by_method.build().unwrap());
    }

    #[test]
    fn build_reports_everything_that_is_wrong_at_once() {
        let error = HeirConfig::builder()
            .bootstrap_servers("localhost")
            .client_id("nobody")
            .set("heir.share", "11")
            .set("request.timeout.ms", "soon")
            .set("bootstrap.server", "a:1")
            .set("fetch.me.a.drink", "now")
            .build()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(
            error.to_string(),
            "6 options are wrong:\n\
             - bootstrap.server: no such option; did you mean bootstrap.servers?\n\
             - fetch.me.a.drink: no such option\n\
             - request.timeout.ms: \"soon\" is not allowed: must be a number of milliseconds, 0 or \
             more\n\
             - bootstrap.servers: \"localhost\" is not an address: the port is missing; write \
             host:port\n\
             - heir.share: \"11\" is not allowed: must be 1 to 10\n\
             - heir.share: nobody has no share"
        );
    }

    #[test]
    fn a_configuration_without_address_is_refused() {
        let error = ClientConfig::builder().build().unwrap_err();
        let text = "bootstrap.servers: at least one address is needed, such as localhost:9092";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_reconnect_backoff_set_alone_is_constant() {
        let builder = ClientConfig::builder().bootstrap_servers("a:1");
        let alone = builder
            .clone()
            .reconnect_backoff(Duration::from_secs(3))
            .build()
            .unwrap();
        assert_eq!(
            alone.reconnect_delays().delay(0, 0.0),
            Duration::from_secs(3)
        );
        let neither = builder.build().unwrap();
        assert_eq!(neither.reconnect_backoff_max, Duration::from_secs(1));
    }

    #[test]
    fn an_heir_takes_the_options_of_a_client_and_lists_them() {
        let config = HeirConfig::builder()
            .bootstrap_servers("a:1")
            .share(7)
            .build()
            .unwrap();
        assert_eq!(
            (config.share, config.client.bootstrap_brokers()[0].port),
            (7, 1)
        );
        let options = HeirConfig::options();
        assert_eq!(options.len(), ClientConfig::options().len() + 1);
        let page = reference_page(&options);
        assert!(page.contains("| heir.share | whole number | 5 | 1 to 10 | Its own option. |"));
        assert!(options.iter().all(|option| option.doc.ends_with('.')));
    }

    #[test]
    fn bootstrap_addresses_have_negative_ids() {
        let config = ClientConfig::builder()
            .bootstrap_servers("a:1,b:2")
            .build()
            .unwrap();
        let texts: Vec<String> = config
            .bootstrap_brokers()
            .iter()
            .map(|broker| format!("{} {broker}", broker.id))
            .collect();
        assert_eq!(texts, ["-1 bootstrap a:1", "-2 bootstrap b:2"]);
    }
}
