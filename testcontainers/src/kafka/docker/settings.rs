//! What a container of Kafka is created with, as a value. Nothing here asks for a container.

use std::collections::BTreeMap;

use crate::kafka::properties::{self, Properties};
use crate::kafka::{KafkaError, KafkaVersion};

/// What a container is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContainerSettings {
    pub(super) image: &'static str,
    pub(super) tag: String,
    /// The port on this machine, and the same one within the container: the broker, which also
    /// sends itself the markers of transactions, then has one address that is right on both sides.
    pub(super) port: u16,
    pub(super) environment: BTreeMap<String, String>,
}

impl ContainerSettings {
    /// One node that serves clients at `port`; the user's own properties replace those of the
    /// cluster.
    pub(super) fn new(
        version: KafkaVersion,
        port: u16,
        own: &Properties,
    ) -> Result<Self, KafkaError> {
        let tag = version.to_string();
        if !has_image(&tag) {
            let what = format!("there is no image {IMAGE}:{tag}; the first is {OLDEST_IMAGE}");
            return Err(KafkaError::Configuration { what });
        }
        let mut all = node(port);
        all.extend(properties::common(version, 1));
        all.extend(own.clone());
        let environment = all
            .iter()
            .map(|(key, value)| Ok((variable(key)?, value_text(value))))
            .collect::<Result<_, KafkaError>>()?;
        Ok(Self {
            image: IMAGE,
            tag,
            port,
            environment,
        })
    }
}

/// The settings of a lone node within its container.
fn node(port: u16) -> Properties {
    // The controller listens within the container only, where nothing else does.
    let controller = if port == CONTROLLER_PORT {
        CONTROLLER_PORT + 1
    } else {
        CONTROLLER_PORT
    };
    [
        ("node.id", "0".to_owned()),
        ("process.roles", "broker,controller".to_owned()),
        (
            "controller.quorum.voters",
            format!("0@127.0.0.1:{controller}"),
        ),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT".to_owned(),
        ),
        // What Docker forwards does not arrive at the container's loopback address.
        (
            "listeners",
            format!("PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:{controller}"),
        ),
        (
            "advertised.listeners",
            format!("PLAINTEXT://127.0.0.1:{port}"),
        ),
        ("inter.broker.listener.name", "PLAINTEXT".to_owned()),
        // In the container's own layer, which a restart keeps and the end removes.
        ("log.dirs", "/tmp/weft-kafka".to_owned()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

fn has_image(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (3, 7),
        _ => false,
    }
}

/// The variable that the image turns back into this property (KIP-975): underscores stand for what
/// variables cannot hold, and all letters become small ones.
fn variable(key: &str) -> Result<String, KafkaError> {
    let mut variable = "KAFKA_".to_owned();
    for letter in key.chars() {
        match letter {
            '.' => variable.push('_'),
            '_' => variable.push_str("__"),
            '-' => variable.push_str("___"),
            'a'..='z' | '0'..='9' => variable.push(letter.to_ascii_uppercase()),
            _ => {
                let what = format!("the image takes no property {key:?}: {letter:?} is lost in it");
                return Err(KafkaError::Configuration { what });
            }
        }
    }
    Ok(variable)
}

/// The image writes the value into a properties file as it is, where a backslash is syntax and a
/// line's end would begin another property.
fn value_text(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

const IMAGE: &str = "apache/kafka";

/// The first release with an image (KIP-975).
const OLDEST_IMAGE: &str = "3.7.0";

const CONTROLLER_PORT: u16 = 29093;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(port: u16, own: &[(&str, &str)]) -> Result<ContainerSettings, KafkaError> {
        let own = own
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        ContainerSettings::new(KafkaVersion::V4_4_0, port, &own)
    }

    #[test]
    fn the_image_of_the_version_advertises_the_port_that_clients_reach() {
        let settings = settings(40_000, &[]).unwrap();
        assert_eq!((settings.image, settings.tag.as_str()), (IMAGE, "4.4.0"));
        assert_eq!(settings.port, 40_000);
        let variable = |name: &str| settings.environment[name].as_str();
        let advertised = "PLAINTEXT://127.0.0.1:40000";
        assert_eq!(variable("KAFKA_ADVERTISED_LISTENERS"), advertised);
        let listeners = "PLAINTEXT://0.0.0.0:40000,CONTROLLER://127.0.0.1:29093";
        assert_eq!(variable("KAFKA_LISTENERS"), listeners);
        assert_eq!(variable("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"), "1");
        assert_eq!(variable("KAFKA_AUTO_CREATE_TOPICS_ENABLE"), "false");
    }

    #[test]
    fn clients_and_controller_never_share_a_port() {
        let settings = settings(CONTROLLER_PORT, &[]).unwrap();
        let listeners = "PLAINTEXT://0.0.0.0:29093,CONTROLLER://127.0.0.1:29094";
        assert_eq!(settings.environment["KAFKA_LISTENERS"], listeners);
        let voters = &settings.environment["KAFKA_CONTROLLER_QUORUM_VOTERS"];
        assert_eq!(voters, "0@127.0.0.1:29094");
    }

    #[test]
    fn the_users_properties_replace_those_of_the_cluster() {
        let own = [("auto.create.topics.enable", "true")];
        let settings = settings(40_000, &own).unwrap();
        let value = &settings.environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"];
        assert_eq!(value, "true");
    }

    #[test]
    fn a_property_is_spelled_as_the_image_reads_it() {
        assert_eq!(variable("a.b_c-d").unwrap(), "KAFKA_A_B__C___D");
        let refused = variable("listener.name.X").unwrap_err().to_string();
        assert!(refused.contains("\"listener.name.X\""), "{refused}");
        assert_eq!(value_text("a\\b\nc=d"), "a\\\\b\\nc=d");
    }

    #[test]
    fn versions_before_the_first_image_are_refused_by_name() {
        let own = Properties::new();
        let refused = ContainerSettings::new(KafkaVersion::V2_8_2, 40_000, &own).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.ends_with("no image apache/kafka:2.8.2; the first is 3.7.0"),
            "{text}"
        );
        let known = ["3.6.2", "3.7.0", "3.10.0", "4.0.0", "3", "x.7.0"].map(has_image);
        assert_eq!(known, [false, true, true, true, false, false]);
    }
}
