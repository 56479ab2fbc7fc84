//! The words in which a test and the Java program understand each other: arguments, and records as
//! lines of text. Pure.

use std::fmt::Write as _;

/// What the Java program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JavaCommand {
    /// Be a member of a group: prints `SUBSCRIBED`, then `ASSIGNED t-0 ..`, `REVOKED ..`,
    /// `LOST ..`, `RECORD topic partition offset key` and, after each poll with records,
    /// `COMMITTED` or `COMMIT_FAILED exception`. What is committed has the `client.id` as its
    /// metadata.
    ///
    /// Before each change `GENERATION number` tells the generation. After an assignment
    /// `FOUND topic partition offset epoch metadata` tells what was committed there before, with
    /// `-` for nothing. `DIVIDED` comes from the leader, when it divides the partitions.
    Consume {
        /// The group to join.
        group: String,
        /// The topics to subscribe to.
        topics: Vec<String>,
        /// How the group's leader divides the partitions.
        assignor: JavaAssignor,
        /// The member's `client.id`.
        client_id: String,
        /// The member's `group.instance.id`, if it is to be static.
        group_instance_id: Option<String>,
        /// Further consumer properties.
        properties: Vec<(String, String)>,
    },
    /// Produce the records that [`JavaProgram::send`](super::JavaProgram::send) hands over; prints
    /// `PRODUCED partition offset` for each once the input has ended.
    Produce {
        /// The topic to write to.
        topic: String,
        /// Further producer properties.
        properties: Vec<(String, String)>,
    },
    /// Produce in transactions, as [`JavaProgram::tell`](super::JavaProgram::tell) says line by
    /// line: `begin`, `send topic partition key`, `offsets group topic partition offset`,
    /// `commit`, `abort`. Prints `DONE call` or `FAILED call exception` for each, and for `init`
    /// at first.
    Transact {
        /// The producer's `transactional.id`.
        transactional_id: String,
        /// Further producer properties.
        properties: Vec<(String, String)>,
    },
    /// Be a member of a group that writes whatever it reads to partition 0 of another topic, a
    /// transaction for each poll with records; prints `COPIED count` or `ABORTED exception`.
    Copy {
        /// The group to join.
        group: String,
        /// The member's `client.id` and `transactional.id`.
        id: String,
        /// The topic to subscribe to.
        from: String,
        /// The topic to write to.
        to: String,
        /// Further properties, of the consumer.
        properties: Vec<(String, String)>,
    },
    /// Read a whole topic as it stands; prints a line for [`JavaRecord::parse`] per record, then
    /// `END`.
    Read {
        /// The topic to read.
        topic: String,
        /// Further consumer properties.
        properties: Vec<(String, String)>,
    },
}

/// How a group divides its partitions among its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JavaAssignor {
    /// What the Java client does by itself; needed with `group.protocol=consumer`.
    Unsaid,
    /// `RangeAssignor`.
    Range,
    /// `RoundRobinAssignor`.
    RoundRobin,
    /// `StickyAssignor`.
    Sticky,
    /// `CooperativeStickyAssignor`.
    CooperativeSticky,
    /// `CooperativeStickyAssignor`, or else `RangeAssignor`: between the two roundtrips of a
    /// rolling upgrade from the one to the other (KIP-429).
    CooperativeStickyOrRange,
}

/// One record as the Java program is told to write it, or as it has read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JavaRecord {
    /// The partition; when writing, nothing leaves the choice to the producer.
    pub partition: Option<i32>,
    /// The offset; nothing when writing.
    pub offset: Option<i64>,
    /// Java's name of the timestamp's type, `CreateTime` or `LogAppendTime`; empty when writing.
    pub timestamp_type: String,
    /// Milliseconds since 1970; when writing, nothing leaves the choice to the producer.
    pub timestamp: Option<i64>,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers in their order; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl JavaCommand {
    /// A group member without further properties and with a `client.id` named after the group.
    pub fn consume(group: &str, topics: &[&str], assignor: JavaAssignor) -> Self {
        Self::Consume {
            group: group.to_owned(),
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
            assignor,
            client_id: format!("{group}-java"),
            group_instance_id: None,
            properties: Vec::new(),
        }
    }

    /// A producer without further properties.
    pub fn produce(topic: &str) -> Self {
        Self::Produce {
            topic: topic.to_owned(),
            properties: Vec::new(),
        }
    }

    /// A transactional producer without further properties.
    pub fn transact(transactional_id: &str) -> Self {
        Self::Transact {
            transactional_id: transactional_id.to_owned(),
            properties: Vec::new(),
        }
    }

    /// A reader without further properties.
    pub fn read(topic: &str) -> Self {
        Self::Read {
            topic: topic.to_owned(),
            properties: Vec::new(),
        }
    }

    /// The same with one more property of the Java client.
    pub fn with_property(mut self, key: &str, value: &str) -> Self {
        let (Self::Consume { properties, .. }
        | Self::Produce { properties, .. }
        | Self::Transact { properties, .. }
        | Self::Copy { properties, .. }
        | Self::Read { properties, .. }) = &mut self;
        properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The words that tell the program this. Programs around other clients take the same ones.
    pub fn arguments(&self, bootstrap: &str) -> Vec<String> {
        let (mut words, properties) = match self {
            Self::Consume {
                group,
                topics,
                assignor,
                client_id,
                group_instance_id,
                properties,
            } => {
                let topics = topics.join(",");
                let instance = group_instance_id.as_deref().unwrap_or(ABSENT);
                let words = [
                    "consume",
                    bootstrap,
                    group,
                    &topics,
                    assignor.word(),
                    client_id,
                    instance,
                ];
                (words.map(str::to_owned).to_vec(), properties)
            }
            Self::Produce { topic, properties } => (
                ["produce", bootstrap, topic].map(str::to_owned).to_vec(),
                properties,
            ),
            Self::Transact {
                transactional_id,
                properties,
            } => (
                ["transact", bootstrap, transactional_id]
                    .map(str::to_owned)
                    .to_vec(),
                properties,
            ),
            Self::Copy {
                group,
                id,
                from,
                to,
                properties,
            } => (
                ["copy", bootstrap, group, id, from, to]
                    .map(str::to_owned)
                    .to_vec(),
                properties,
            ),
            Self::Read { topic, properties } => (
                ["read", bootstrap, topic].map(str::to_owned).to_vec(),
                properties,
            ),
        };
        words.extend(
            properties
                .iter()
                .map(|(key, value)| format!("{key}={value}")),
        );
        words
    }
}

impl JavaAssignor {
    fn word(self) -> &'static str {
        match self {
            Self::Unsaid => ABSENT,
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
            Self::CooperativeStickyOrRange => "cooperative-sticky,range",
        }
    }
}

impl JavaRecord {
    /// Reads a line that [`JavaCommand::Read`] printed; nothing if it is another line.
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [
            "READ",
            partition,
            offset,
            timestamp_type,
            timestamp,
            key,
            value,
            headers,
        ] = words[..]
        else {
            return None;
        };
        Some(Self {
            partition: Some(partition.parse().ok()?),
            offset: Some(offset.parse().ok()?),
            timestamp_type: timestamp_type.to_owned(),
            timestamp: Some(timestamp.parse().ok()?),
            key: bytes(key)?,
            value: bytes(value)?,
            headers: parse_headers(headers)?,
        })
    }

    /// The line that tells the producer to write this record.
    pub fn line(&self) -> String {
        let partition = self
            .partition
            .map_or_else(|| ABSENT.to_owned(), |partition| partition.to_string());
        let timestamp = self
            .timestamp
            .map_or_else(|| ABSENT.to_owned(), |timestamp| timestamp.to_string());
        let headers: Vec<String> = self
            .headers
            .iter()
            .map(|(name, value)| {
                format!("{}:{}", hex(Some(name.as_bytes())), hex(value.as_deref()))
            })
            .collect();
        let headers = if headers.is_empty() {
            ABSENT.to_owned()
        } else {
            headers.join(",")
        };
        let (key, value) = (hex(self.key.as_deref()), hex(self.value.as_deref()));
        format!("{partition} {timestamp} {key} {value} {headers}")
    }
}

/// A number that names a text: the Fowler-Noll-Vo hash, the same on every machine.
pub(super) fn text_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn parse_headers(text: &str) -> Option<Vec<(String, Option<Vec<u8>>)>> {
    if text == ABSENT {
        return Some(Vec::new());
    }
    text.split(',')
        .map(|header| {
            let (name, value) = header.split_once(':')?;
            Some((String::from_utf8(bytes(name)??).ok()?, bytes(value)?))
        })
        .collect()
}

/// `Some(None)` for a null, nothing for what is no hex.
#[expect(
    clippy::option_option,
    reason = "a null value and a malformed word are different things"
)]
fn bytes(word: &str) -> Option<Option<Vec<u8>>> {
    if word == ABSENT {
        return Some(None);
    }
    let digits = word.strip_prefix(PRESENT)?;
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect();
    bytes.map(Some)
}

fn hex(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return ABSENT.to_owned();
    };
    bytes.iter().fold(PRESENT.to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes any text");
        text
    })
}

/// Stands for a null and for whatever is not said.
const ABSENT: &str = "-";

/// Comes before the hex digits of bytes, so that no bytes differ from null.
const PRESENT: &str = "0x";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_member_is_told_everything_in_order() {
        let command = JavaCommand::consume("g", &["a", "b"], JavaAssignor::CooperativeSticky)
            .with_property("session.timeout.ms", "6000");
        let expected =
            "consume host:1 g a,b cooperative-sticky g-java - session.timeout.ms=6000".split(' ');
        assert_eq!(command.arguments("host:1"), expected.collect::<Vec<_>>());
    }

    #[test]
    fn producers_and_readers_are_told_their_topic() {
        let produce = JavaCommand::produce("t").with_property("acks", "all");
        assert_eq!(
            produce.arguments("h:1"),
            ["produce", "h:1", "t", "acks=all"]
        );
        assert_eq!(
            JavaCommand::read("t").arguments("h:1"),
            ["read", "h:1", "t"]
        );
        assert_eq!(
            JavaCommand::transact("t").arguments("h:1"),
            ["transact", "h:1", "t"]
        );
        let copy = JavaCommand::Copy {
            group: "g".into(),
            id: "i".into(),
            from: "a".into(),
            to: "b".into(),
            properties: Vec::new(),
        };
        assert_eq!(copy.arguments("h:1"), ["copy", "h:1", "g", "i", "a", "b"]);
    }

    #[test]
    fn a_record_to_write_tells_null_from_empty_and_repeats_header_names() {
        let record = JavaRecord {
            timestamp: Some(7),
            value: Some(Vec::new()),
            headers: vec![("h".into(), Some(vec![0, 255])), ("h".into(), None)],
            ..JavaRecord::default()
        };
        assert_eq!(record.line(), "- 7 - 0x 0x68:0x00ff,0x68:-");
        assert_eq!(JavaRecord::default().line(), "- - - - -");
    }

    #[test]
    fn a_record_read_is_parsed_byte_for_byte() {
        let parsed = JavaRecord::parse("READ 2 5 CreateTime 7 - 0x00ff 0x68:-,0x68:0x");
        let expected = JavaRecord {
            partition: Some(2),
            offset: Some(5),
            timestamp_type: "CreateTime".into(),
            timestamp: Some(7),
            key: None,
            value: Some(vec![0, 255]),
            headers: vec![("h".into(), None), ("h".into(), Some(Vec::new()))],
        };
        assert_eq!(parsed, Some(expected));
    }

    #[test]
    fn lines_that_are_no_records_are_not_taken_for_records() {
        for line in [
            "",
            "END",
            "RECORD t 0 1 k",
            "READ 0 0 CreateTime 0 - 0x0 -",
            "READ 0 0 CreateTime 0 - 0xzz -",
            "READ 0 0 CreateTime 0 - ff -",
            "READ 0 0 CreateTime 0 - 0xé -",
            "READ x 0 CreateTime 0 - - -",
            "READ 0 0 CreateTime 0 - - -:-",
        ] {
            assert_eq!(JavaRecord::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_hash_of_a_text_is_the_published_one() {
        assert_eq!(text_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(text_hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
