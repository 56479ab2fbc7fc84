//! The text of every configuration file and JVM option: settings that make a broker quick to start
//! and quick to react in a test. Pure: ports, directories and ids come as arguments.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::version::{Coordination, KafkaVersion};

/// The settings of one file; a later insertion replaces an earlier one.
pub(super) type Properties = BTreeMap<String, String>;

/// The ports of one node on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodePorts {
    pub(super) broker: u16,
    /// Where the KRaft controller of this node listens; unused with ZooKeeper.
    pub(super) controller: u16,
    /// Where the other brokers find it, if its clients are sent to a proxy.
    pub(super) replication: u16,
    /// The proxy that clients are sent to.
    pub(super) proxy: Option<u16>,
}

/// All ports of one cluster, in node order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClusterPorts {
    pub(super) nodes: Vec<NodePorts>,
    pub(super) zookeeper: u16,
}

/// The settings of one broker, before the user's own are laid over them.
pub(super) fn broker(
    version: KafkaVersion,
    ports: &ClusterPorts,
    node: usize,
    data: &Path,
) -> Properties {
    let own = ports.nodes[node];
    let mut properties = Properties::new();
    let mut set = |key: &str, value: String| {
        properties.insert(key.to_owned(), value);
    };
    let listeners = Listeners::of(own);
    match version.coordination() {
        Coordination::KRaft => {
            let voters: Vec<String> = ports
                .nodes
                .iter()
                .enumerate()
                .map(|(id, node)| format!("{id}@127.0.0.1:{}", node.controller))
                .collect();
            set("node.id", node.to_string());
            set("process.roles", "broker,controller".into());
            set("controller.quorum.voters", voters.join(","));
            set("controller.listener.names", "CONTROLLER".into());
            let controller_listener = format!("CONTROLLER://127.0.0.1:{}", own.controller);
            let bound = &listeners.bound;
            set("listeners", format!("{bound},{controller_listener}"));
            set("broker.session.timeout.ms", BROKER_SESSION_MS.to_string());
            set(
                "broker.heartbeat.interval.ms",
                (BROKER_SESSION_MS / 8).to_string(),
            );
        }
        Coordination::ZooKeeper => {
            set("broker.id", node.to_string());
            set(
                "zookeeper.connect",
                format!("127.0.0.1:{}", ports.zookeeper),
            );
            set(
                "zookeeper.session.timeout.ms",
                BROKER_SESSION_MS.to_string(),
            );
            set("listeners", listeners.bound.clone());
        }
    }
    set("advertised.listeners", listeners.advertised);
    set(
        "inter.broker.listener.name",
        listeners.between_brokers.into(),
    );
    set(
        "listener.security.protocol.map",
        "PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT,CONTROLLER:PLAINTEXT".into(),
    );
    set("log.dirs", data.display().to_string());
    properties.extend(common(version, ports.nodes.len()));
    properties
}

/// Where a broker listens, and where it says that it does.
struct Listeners {
    bound: String,
    advertised: String,
    between_brokers: &'static str,
}

impl Listeners {
    /// Brokers talk to each other past the proxies of their clients.
    fn of(ports: NodePorts) -> Self {
        let clients = format!("PLAINTEXT://127.0.0.1:{}", ports.broker);
        match ports.proxy {
            None => Self {
                advertised: clients.clone(),
                bound: clients,
                between_brokers: "PLAINTEXT",
            },
            Some(proxy) => {
                let brokers = format!("REPLICATION://127.0.0.1:{}", ports.replication);
                Self {
                    advertised: format!("PLAINTEXT://127.0.0.1:{proxy},{brokers}"),
                    bound: format!("{clients},{brokers}"),
                    between_brokers: "REPLICATION",
                }
            }
        }
    }
}

/// What all brokers of a cluster have in common, whatever keeps their metadata.
pub(super) fn common(version: KafkaVersion, nodes: usize) -> Properties {
    let replicas = nodes.min(3).to_string();
    // With three nodes, losing one must not stop a producer that waits for all replicas.
    let in_sync = if nodes >= 3 { "2" } else { "1" };
    let mut settings = vec![
        ("auto.create.topics.enable", "false"),
        ("default.replication.factor", &replicas),
        // Tests wait for rebalances; the broker need not wait for more members.
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "1000"),
        // The default buffer of the log cleaner is a quarter of the whole heap given here.
        ("log.cleaner.dedupe.buffer.size", "4194304"),
        // Records of a test may bear any time, and must not vanish after the half minute that a
        // broker waits before it looks for old ones.
        ("log.retention.ms", "-1"),
        ("min.insync.replicas", in_sync),
        ("num.io.threads", "4"),
        ("num.network.threads", "2"),
        // Few partitions: the coordinator's topics are created on first use, while a test waits.
        ("offsets.topic.num.partitions", "5"),
        ("offsets.topic.replication.factor", &replicas),
        ("transaction.state.log.min.isr", in_sync),
        ("transaction.state.log.num.partitions", "5"),
        ("transaction.state.log.replication.factor", &replicas),
    ];
    if version.release() >= (3, 7) {
        settings.push(("group.consumer.min.heartbeat.interval.ms", "100"));
        settings.push(("group.consumer.min.session.timeout.ms", "1000"));
    }
    settings
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The settings of the one ZooKeeper process.
pub(super) fn zookeeper(port: u16, data: &Path) -> Properties {
    [
        ("admin.enableServer", "false".to_owned()),
        ("clientPort", port.to_string()),
        ("clientPortAddress", "127.0.0.1".to_owned()),
        ("dataDir", data.display().to_string()),
        // Session timeouts are whole ticks; a killed broker must be forgotten within seconds.
        ("tickTime", "500".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// The properties file with these settings, in the format of `java.util.Properties`.
pub(super) fn text(properties: &Properties) -> String {
    properties
        .iter()
        .fold(String::new(), |mut text, (key, value)| {
            writeln!(text, "{}={}", escaped(key), escaped(value)).expect("a String takes any text");
            text
        })
}

/// Escapes what `java.util.Properties` would read as syntax or, outside ASCII, as Latin-1.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit).map(char::from) {
            Ok('\n') => escaped.push_str("\\n"),
            Ok('\r') => escaped.push_str("\\r"),
            Ok('\t') => escaped.push_str("\\t"),
            Ok(syntax @ ('\\' | ' ' | '=' | ':' | '#' | '!')) => escaped.extend(['\\', syntax]),
            Ok(plain) if plain.is_ascii() => escaped.push(plain),
            _ => write!(escaped, "\\u{unit:04x}").expect("a String takes any text"),
        }
    }
    escaped
}

/// What a JVM is started for, which decides its heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JvmRole {
    Broker {
        nodes: usize,
    },
    ZooKeeper,
    /// A short program: formatting, or a Java client.
    Program,
}

/// Options before the main class: small heap, quick start, readable log on standard error.
pub(super) fn jvm_options(role: JvmRole) -> Vec<String> {
    let heap = match role {
        JvmRole::Broker { nodes: 1 } => "-Xmx512m",
        JvmRole::Broker { .. } => "-Xmx384m",
        JvmRole::ZooKeeper | JvmRole::Program => "-Xmx128m",
    };
    let level = match role {
        JvmRole::Broker { .. } | JvmRole::ZooKeeper => "info",
        JvmRole::Program => "warn",
    };
    let mut options: Vec<String> = [
        heap,
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Xshare:auto",
        // A program's standard output is its own; the JVM's warnings belong beside it.
        "-Xlog:disable",
        "-Xlog:all=warning:stderr",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        // Every start would otherwise print its several hundred settings.
        "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
    ]
    .map(str::to_owned)
    .to_vec();
    options.push(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={level}"));
    options
}

/// A cluster id: a URL-safe base64 uuid made of `seed`.
pub(super) fn cluster_id(mut seed: u64) -> String {
    const LETTERS: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut id = String::with_capacity(22);
    for _ in 0..21 {
        // One step of a linear congruential generator; ids only have to differ.
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        id.push(char::from(LETTERS[(seed >> 33) as usize % LETTERS.len()]));
    }
    // The 22nd letter carries the last two of 128 bits; the four below them must be zero.
    id.push('A');
    id
}

/// How long a broker may be silent before it is taken for dead, in milliseconds: short for tests
/// that kill one, long enough for three JVMs that share two cores.
const BROKER_SESSION_MS: u32 = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(nodes: u16) -> ClusterPorts {
        let nodes = (0..nodes)
            .map(|node| NodePorts {
                broker: 9000 + node,
                controller: 9100 + node,
                replication: 9200 + node,
                proxy: None,
            })
            .collect();
        ClusterPorts {
            nodes,
            zookeeper: 2181,
        }
    }

    fn check(version: KafkaVersion, nodes: u16, node: usize, expected: &[(&str, Option<&str>)]) {
        let properties = broker(version, &ports(nodes), node, Path::new("/data"));
        for (key, value) in expected {
            assert_eq!(properties.get(*key).map(String::as_str), *value, "{key}");
        }
    }

    #[test]
    fn a_lone_kraft_node_is_its_own_quorum_and_replicates_to_nobody() {
        check(
            KafkaVersion::V4_4_0,
            1,
            0,
            &[
                ("node.id", Some("0")),
                ("controller.quorum.voters", Some("0@127.0.0.1:9100")),
                (
                    "listeners",
                    Some("PLAINTEXT://127.0.0.1:9000,CONTROLLER://127.0.0.1:9100"),
                ),
                ("advertised.listeners", Some("PLAINTEXT://127.0.0.1:9000")),
                ("offsets.topic.replication.factor", Some("1")),
                ("min.insync.replicas", Some("1")),
                ("group.initial.rebalance.delay.ms", Some("0")),
                ("log.dirs", Some("/data")),
                ("zookeeper.connect", None),
            ],
        );
    }

    #[test]
    fn three_nodes_vote_and_replicate_together_and_survive_the_loss_of_one() {
        check(
            KafkaVersion::V3_9_1,
            3,
            2,
            &[
                ("node.id", Some("2")),
                (
                    "controller.quorum.voters",
                    Some("0@127.0.0.1:9100,1@127.0.0.1:9101,2@127.0.0.1:9102"),
                ),
                ("advertised.listeners", Some("PLAINTEXT://127.0.0.1:9002")),
                ("default.replication.factor", Some("3")),
                ("transaction.state.log.replication.factor", Some("3")),
                ("min.insync.replicas", Some("2")),
            ],
        );
    }

    #[test]
    fn an_old_broker_is_pointed_at_zookeeper_and_knows_no_quorum() {
        check(
            KafkaVersion::V2_8_2,
            1,
            0,
            &[
                ("broker.id", Some("0")),
                ("zookeeper.connect", Some("127.0.0.1:2181")),
                ("listeners", Some("PLAINTEXT://127.0.0.1:9000")),
                ("node.id", None),
                ("process.roles", None),
                ("controller.quorum.voters", None),
                ("group.consumer.min.session.timeout.ms", None),
            ],
        );
    }

    #[test]
    fn clients_are_sent_to_the_proxy_and_brokers_past_it() {
        for version in KafkaVersion::ALL {
            let mut ports = ports(1);
            ports.nodes[0].proxy = Some(9300);
            let properties = broker(version, &ports, 0, Path::new("/data"));
            let is_in = |key: &str, part: &str| properties[key].contains(part);
            assert!(is_in(
                "listeners",
                "PLAINTEXT://127.0.0.1:9000,REPLICATION://127.0.0.1:9200"
            ));
            let advertised = "PLAINTEXT://127.0.0.1:9300,REPLICATION://127.0.0.1:9200";
            assert_eq!(properties["advertised.listeners"], advertised);
            assert_eq!(properties["inter.broker.listener.name"], "REPLICATION");
            assert!(is_in(
                "listener.security.protocol.map",
                "REPLICATION:PLAINTEXT"
            ));
        }
    }

    #[test]
    fn what_java_reads_as_syntax_is_escaped() {
        let properties: Properties = [("a b".to_owned(), " c=\\d\n#é".to_owned())].into();
        assert_eq!(text(&properties), "a\\ b=\\ c\\=\\\\d\\n\\#\\u00e9\n");
    }

    #[test]
    fn zookeeper_listens_on_loopback_only() {
        let text = text(&zookeeper(2181, Path::new("/zk")));
        assert!(text.contains("clientPortAddress=127.0.0.1\n"), "{text}");
        assert!(text.contains("clientPort=2181\n"), "{text}");
    }

    #[test]
    fn three_brokers_get_smaller_heaps_than_one() {
        let heap = |nodes| jvm_options(JvmRole::Broker { nodes })[0].clone();
        assert_eq!(
            (heap(1), heap(3)),
            ("-Xmx512m".to_owned(), "-Xmx384m".to_owned())
        );
    }

    #[test]
    fn cluster_ids_are_uuids_in_base64_and_differ_with_the_seed() {
        let (one, other) = (cluster_id(1), cluster_id(2));
        assert_eq!(one.len(), 22);
        assert!(one.ends_with('A'));
        assert_ne!(one, other);
    }
}
