//! The commands of the prompt: how they are written, and what they do to the cluster. For programs
//! that type them, each answer ends with the line `ok`, or is one line that begins with `error:`.

use std::fmt::Write as _;

use weft_testcontainers::mock::script::{self, Script, Statement};
use weft_testcontainers::mock::{FaultCounts, MockCluster, MockError, Obeyed, ScriptStep};

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
    Faults,
    /// An order in the language of the scripts.
    Order(Script),
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
            ["faults"] => Self::Faults,
            ["help"] => Self::Help,
            ["quit" | "exit"] => Self::Quit,
            _ => match script::parse(line) {
                Ok(order) => Self::Order(order),
                Err(error) => return Err(format!("{error}; `help` lists the commands")),
            },
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
            Self::Faults => faults(cluster),
            Self::Order(script) => obey(cluster, script)?,
            Self::Help => HELP.to_owned(),
            Self::Quit | Self::Nothing => String::new(),
        })
    }
}

/// Carries an order out, now or when its time has come; then it is told on standard error.
fn obey(cluster: &MockCluster, script: &Script) -> Result<String, MockError> {
    match script.statements() {
        [Statement { after, order, .. }] if after.is_zero() => {
            let obeyed = cluster.order(order.clone())?;
            Ok(outcome(&obeyed))
        }
        _ => {
            cluster.run_script(script.clone(), tell_step)?;
            Ok(String::new())
        }
    }
}

/// Says what came of one line of a script.
pub(crate) fn tell_step(step: &ScriptStep) {
    let ScriptStep {
        statement, outcome, ..
    } = step;
    match outcome {
        Ok(obeyed) => {
            let came = self::outcome(obeyed);
            crate::tell(&format!("script: {statement} {}", came.trim_end()));
        }
        Err(refused) => crate::tell(&format!("error: script: {statement}: {refused}")),
    }
}

fn outcome(obeyed: &Obeyed) -> String {
    match obeyed {
        Obeyed::FaultSet(id) => format!("fault {id}\n"),
        Obeyed::FaultLifted(counts) => {
            format!("matched={} hit={}\n", counts.matched, counts.hit)
        }
        _ => String::new(),
    }
}

fn faults(cluster: &MockCluster) -> String {
    let faults = cluster.faults().into_iter();
    lines(faults.map(|(id, fault, counts)| {
        let FaultCounts { matched, hit, .. } = counts;
        format!("{id} matched={matched} hit={hit} {fault}")
    }))
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
faults                    the faults that are set, and how often they hit
help                      this text
quit                      end the program

Anything else is an order, as in a script; `after 5s` may stand before it:
  kill ID                             a broker dies
  restart ID                          it comes back
  freeze ID, thaw ID                  it stops answering, or goes on
  move-leader TOPIC/PARTITION ID      another replica leads
  rebalance group=GROUP               a group starts a rebalance
  expire group=GROUP member=MEMBER    the session of a member ends
  on API [WHICH] ACTION               a fault, as in: on fetch nth=3 answer UNKNOWN_SERVER_ERROR
  lift NUMBER                         takes a fault away
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_word_by_word() {
        assert_eq!(Command::parse("  topics "), Ok(Command::Topics));
        assert_eq!(Command::parse(""), Ok(Command::Nothing));
        let orders = "orders:3".parse().unwrap();
        assert_eq!(
            Command::parse("create  orders:3"),
            Ok(Command::Create(orders))
        );
        let order = script::parse("kill 2").unwrap();
        assert_eq!(Command::parse("kill 2"), Ok(Command::Order(order)));
    }

    #[test]
    fn what_is_no_command_is_refused_with_advice() {
        for wrong in ["kil 2", "kill", "kill one", "on nothing answer NONE"] {
            let error = Command::parse(wrong).unwrap_err();
            assert!(error.contains("`help` lists"), "{wrong}: {error}");
        }
        let error = Command::parse("create orders:x").unwrap_err();
        assert!(error.contains("orders:12"), "{error}");
    }

    #[test]
    fn help_names_every_command() {
        for line in HELP.lines().skip(2).take_while(|line| !line.is_empty()) {
            let command = line.split("  ").next().unwrap();
            let typed = command.replace("NAME[:PARTITIONS]", "orders:1");
            assert!(Command::parse(&typed).is_ok(), "{command}");
        }
    }
}
