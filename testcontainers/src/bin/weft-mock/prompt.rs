//! The commands of the prompt: how they are written, and what they do to the cluster. For programs
//! that type them, each answer ends with the line `ok`, or is one line that begins with `error:`.

use std::fmt::Write as _;

use weft_testcontainers::mock::{MockCluster, MockError};

use crate::options::TopicSpec;

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Brokers,
    Topics,
    Groups,
    Requests,
    Violations,
    Create(TopicSpec),
    Kill(i32),
    Restart(i32),
    Help,
    Quit,
    /// An empty line.
    Nothing,
}

impl Command {
    /// Reads one line.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words[..] {
            [] => Self::Nothing,
            ["brokers"] => Self::Brokers,
            ["topics"] => Self::Topics,
            ["groups"] => Self::Groups,
            ["requests"] => Self::Requests,
            ["violations"] => Self::Violations,
            ["create", topic] => Self::Create(topic.parse()?),
            ["kill", broker] => Self::Kill(broker_id(broker)?),
            ["restart", broker] => Self::Restart(broker_id(broker)?),
            ["help"] => Self::Help,
            ["quit" | "exit"] => Self::Quit,
            _ => {
                return Err(format!(
                    "`{}` is no command; `help` lists them",
                    line.trim()
                ));
            }
        })
    }

    /// Does it, and returns what is to be shown.
    pub(crate) fn run(&self, cluster: &MockCluster) -> Result<String, MockError> {
        Ok(match self {
            Self::Brokers => brokers(cluster),
            Self::Topics => topics(cluster),
            Self::Groups => groups(cluster),
            Self::Requests => requests(cluster),
            Self::Violations => lines(cluster.violations()),
            Self::Create(TopicSpec { name, partitions }) => {
                cluster.create_topic(name, *partitions)?;
                format!("{name} has {partitions} partitions\n")
            }
            Self::Kill(broker) => {
                cluster.kill_broker(*broker)?;
                format!("broker {broker} is dead\n")
            }
            Self::Restart(broker) => {
                cluster.restart_broker(*broker)?;
                format!("broker {broker} is alive\n")
            }
            Self::Help => HELP.to_owned(),
            Self::Quit | Self::Nothing => String::new(),
        })
    }
}

fn broker_id(word: &str) -> Result<i32, String> {
    word.parse()
        .map_err(|_| format!("`{word}` is no id of a broker; they are 0, 1, 2, ..."))
}

fn brokers(cluster: &MockCluster) -> String {
    let brokers = cluster.brokers().iter();
    lines(brokers.map(|broker| {
        let state = if cluster.is_alive(broker.id) {
            "alive"
        } else {
            "dead"
        };
        format!("{} {}:{} {state}", broker.id, broker.host, broker.port)
    }))
}

fn topics(cluster: &MockCluster) -> String {
    let topics = cluster.topics().into_iter();
    lines(topics.map(|topic| {
        format!(
            "{} partitions={} offsets={}",
            topic.name, topic.partitions, topic.offsets
        )
    }))
}

fn groups(cluster: &MockCluster) -> String {
    let groups = cluster.groups().into_iter();
    lines(groups.map(|group| {
        format!(
            "{} state={:?} generation={} members={} committed={}",
            group.id, group.state, group.generation, group.members, group.committed
        )
    }))
}

fn requests(cluster: &MockCluster) -> String {
    let requests = cluster.requests_by_api().into_iter();
    lines(requests.map(|(api_key, count)| format!("{api_key:?} {count}")))
}

fn lines<T: AsRef<str>>(of: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for line in of {
        let _ = writeln!(text, "{}", line.as_ref());
    }
    if text.is_empty() {
        text.push_str("none\n");
    }
    text
}

const HELP: &str = "\
Each answer ends with the line `ok`, or is one line that begins with `error:`.

brokers                   the brokers, and which of them live
topics                    the topics with their sizes
groups                    the groups, where they stand, and their sizes
requests                  how often each API was asked
violations                what clients did that a correct client never does
create NAME[:PARTITIONS]  create a topic
kill ID                   kill a broker
restart ID                bring it back
help                      this text
quit                      end the program
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_word_by_word() {
        assert_eq!(Command::parse("  kill   2 "), Ok(Command::Kill(2)));
        assert_eq!(Command::parse(""), Ok(Command::Nothing));
        let orders = "orders:3".parse().unwrap();
        assert_eq!(
            Command::parse("create orders:3"),
            Ok(Command::Create(orders))
        );
    }

    #[test]
    fn what_is_no_command_is_repeated_with_advice() {
        for (wrong, expected) in [
            ("kil 2", "`kil 2` is no command"),
            ("kill", "`kill` is no command"),
            ("kill one", "`one` is no id"),
            ("create orders:x", "orders:12"),
        ] {
            let error = Command::parse(wrong).unwrap_err();
            assert!(error.contains(expected), "{wrong}: {error}");
        }
    }

    #[test]
    fn help_names_every_command() {
        for line in HELP.lines().skip(2) {
            let command = line.split("  ").next().unwrap();
            let typed = command
                .replace("NAME[:PARTITIONS]", "orders:1")
                .replace("ID", "0");
            assert!(Command::parse(&typed).is_ok(), "{command}");
        }
    }
}
