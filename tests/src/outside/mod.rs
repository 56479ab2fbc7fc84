//! Clients that others wrote, behind one face: what they can do, and how to make them do it.
//!
//! All but kcat are driven through a small program that takes the words of [`JavaCommand`] and
//! prints the lines that belong to them: Java's lies in `testcontainers/java`, the others in
//! `tests/clients`. kcat is a program already and has words of its own.

mod fetch;
mod kcat;
mod member;
mod program;
mod story;

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use weft_testcontainers::kafka::{JavaAssignor, JavaCommand, JavaProgram, JavaRecord};

use crate::cluster::{Cluster, NoCluster, check_java};
use crate::ensure;
use crate::failure::Failure;
use crate::wait::PATIENCE;

pub use member::OutsideMember;
pub use program::{LineProgram, Said};
pub use story::Story;

/// A client of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutsideClient {
    /// librdkafka, by its program kcat.
    Kcat,
    /// Apache Kafka's own.
    Java,
    /// kafka-python, which is Python throughout.
    KafkaPython,
    /// franz-go, which is Go throughout.
    FranzGo,
}

impl fmt::Display for OutsideClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kcat => "kcat",
            Self::Java => "Java",
            Self::KafkaPython => "kafka-python",
            Self::FranzGo => "franz-go",
        })
    }
}

/// Whose client a member of a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemberKind {
    /// Ours, in a program of its own (`src/bin/weft-member.rs`), so that it can be killed too.
    Weft,
    /// One that others wrote.
    Outside(OutsideClient),
}

impl fmt::Display for MemberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weft => f.write_str("Weft"),
            Self::Outside(client) => client.fmt(f),
        }
    }
}

impl MemberKind {
    /// Starts to be a member of a group, which says what it reads and commits that.
    fn start_member(self, cluster: &Cluster, place: Place<'_>) -> Result<LineProgram, Failure> {
        let session = place.session_timeout.as_millis().to_string();
        let properties = [("session.timeout.ms", session.as_str()), HEARTBEAT_INTERVAL];
        if self == Self::Outside(OutsideClient::Kcat) {
            return LineProgram::start(kcat::member(&cluster.bootstrap(), place, &properties));
        }
        let command = JavaCommand::Consume {
            group: place.group.to_owned(),
            topics: vec![place.topic.to_owned()],
            assignor: assignor(place.assignor)?,
            client_id: place.client_id.to_owned(),
            group_instance_id: None,
            properties: Vec::new(),
        };
        let command = with(command, &properties);
        LineProgram::start(match self {
            Self::Weft => {
                let mut program = Command::new(weft_member()?);
                program.args(command.arguments(&cluster.bootstrap()));
                program
            }
            Self::Outside(client) => client.command(cluster, &command)?,
        })
    }
}

/// The program of a member of ours, which cargo builds with the tests of this package: they lie in
/// `deps` of the directory in which it lies.
fn weft_member() -> Result<std::path::PathBuf, Failure> {
    let test = env::current_exe()?;
    let directory = test.parent().and_then(Path::parent);
    let directory = directory.ok_or_else(|| Failure::because("a test without a directory"))?;
    Ok(directory.join(format!("weft-member{}", env::consts::EXE_SUFFIX)))
}

/// Where a client becomes a member, and as what.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The group to join.
    pub group: &'a str,
    /// The topic to subscribe to.
    pub topic: &'a str,
    /// Kafka's name of the assignor, or such names in their order, with commas between them.
    pub assignor: &'a str,
    /// The member's `client.id`.
    pub client_id: &'a str,
    /// After which silence the group goes on without the member.
    pub session_timeout: Duration,
}

impl OutsideClient {
    /// Whether this machine has the client, or can fetch it; then it is there afterwards.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn prepare(self) -> Result<(), NoCluster> {
        match self {
            Self::Kcat => fetch::check("kcat", "-V"),
            Self::Java => check_java(),
            Self::KafkaPython => fetch::python().map(drop),
            Self::FranzGo => fetch::go().map(drop),
        }
    }

    /// What the client writes when it is told to write `record`; nothing if it cannot.
    pub fn writes(self, record: &JavaRecord) -> Option<JavaRecord> {
        let has_bytes = record.key.is_some() || record.value.is_some();
        match self {
            Self::Java | Self::FranzGo => Some(record.clone()),
            Self::Kcat => kcat::writes(record),
            // It refuses records that are null altogether, and headers without value.
            Self::KafkaPython => {
                let mut record = record.clone();
                record.headers.retain(|(_, value)| value.is_some());
                has_bytes.then_some(record)
            }
        }
    }

    /// What the client shows of `record`, which it has read.
    pub fn shows(self, record: &JavaRecord) -> JavaRecord {
        match self {
            Self::Kcat => kcat::shows(record),
            Self::Java | Self::KafkaPython | Self::FranzGo => record.clone(),
        }
    }

    /// Writes records to partition 0 of a topic, in their order.
    ///
    /// # Errors
    ///
    /// If the client does not say that all were written.
    pub fn write(
        self,
        cluster: &Cluster,
        topic: &str,
        properties: &[(&str, &str)],
        records: &[JavaRecord],
    ) -> Result<(), Failure> {
        if self == Self::Kcat {
            for run in kcat::runs(records) {
                let command = kcat::produce(&cluster.bootstrap(), topic, properties, run);
                let mut program = LineProgram::start(command)?;
                program.send(&kcat::input(run))?;
                program.end(PATIENCE)?;
            }
            return Ok(());
        }
        let mut program = self.start_writing(cluster, topic, properties)?;
        for record in records {
            program.send(&self.line(record))?;
        }
        let said = program.end(PATIENCE)?;
        let written = said.iter().filter(|line| line.starts_with(b"PRODUCED"));
        let written = written.count();
        ensure!(
            written == records.len(),
            "{self} wrote {written} of {} records",
            records.len()
        );
        Ok(())
    }

    /// Starts to write to partition 0 of a topic whatever is sent in the words of [`Self::line`],
    /// until the program is told to end.
    ///
    /// # Errors
    ///
    /// If the program does not start.
    pub fn start_writing(
        self,
        cluster: &Cluster,
        topic: &str,
        properties: &[(&str, &str)],
    ) -> Result<LineProgram, Failure> {
        if self == Self::Kcat {
            return LineProgram::start(kcat::produce(&cluster.bootstrap(), topic, properties, &[]));
        }
        LineProgram::start(self.command(cluster, &with(JavaCommand::produce(topic), properties))?)
    }

    /// The words that make a program of [`Self::start_writing`] write a record.
    pub fn line(self, record: &JavaRecord) -> Vec<u8> {
        if self == Self::Kcat {
            return kcat::input(std::slice::from_ref(record));
        }
        format!("{}\n", record.line()).into_bytes()
    }

    /// Reads the `count` records of partition 0 of a topic.
    ///
    /// # Errors
    ///
    /// If they do not come.
    pub fn read(
        self,
        cluster: &Cluster,
        topic: &str,
        properties: &[(&str, &str)],
        count: usize,
    ) -> Result<Vec<JavaRecord>, Failure> {
        if self == Self::Kcat {
            let command = kcat::read(&cluster.bootstrap(), topic, properties, count);
            let said = LineProgram::start(command)?.finish(PATIENCE)?;
            return kcat::parse(&said.join(&b'\n'));
        }
        let mut command = with(JavaCommand::read(topic), properties);
        if self == Self::FranzGo {
            command = command.with_property("records", &count.to_string());
        }
        let said = LineProgram::start(self.command(cluster, &command)?)?.finish(PATIENCE)?;
        let lines = said.iter().map(|line| String::from_utf8_lossy(line));
        Ok(lines.filter_map(|line| JavaRecord::parse(&line)).collect())
    }

    /// Starts a producer that is told [call by call](JavaCommand::Transact) what to do in
    /// transactions. kcat makes one transaction of all that it writes instead.
    ///
    /// # Errors
    ///
    /// If the program does not start.
    pub fn start_transacting(
        self,
        cluster: &Cluster,
        transactional_id: &str,
    ) -> Result<LineProgram, Failure> {
        LineProgram::start(self.command(cluster, &JavaCommand::transact(transactional_id))?)
    }

    /// Starts a [copier](JavaCommand::Copy) of topics, which kcat cannot be.
    ///
    /// # Errors
    ///
    /// If the program does not start.
    pub fn start_copying(
        self,
        cluster: &Cluster,
        (group, id): (&str, &str),
        (from, to): (&str, &str),
    ) -> Result<LineProgram, Failure> {
        let command = JavaCommand::Copy {
            group: group.to_owned(),
            id: id.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            properties: Vec::new(),
        };
        let properties = [("session.timeout.ms", "10000"), HEARTBEAT_INTERVAL];
        LineProgram::start(self.command(cluster, &with(command, &properties))?)
    }

    /// The program around the client, told to do `command`.
    fn command(self, cluster: &Cluster, command: &JavaCommand) -> Result<Command, Failure> {
        let bootstrap = cluster.bootstrap();
        let mut program = match self {
            Self::Kcat => return Err(Failure::because("kcat has words of its own")),
            Self::Java => {
                let version = cluster.version().unwrap_or_default();
                return Ok(JavaProgram::command(version, &bootstrap, command)?);
            }
            Self::KafkaPython => fetch::python(),
            Self::FranzGo => fetch::go(),
        }
        .map_err(|missing| Failure::because(format!("{missing:?}")))?;
        program.args(command.arguments(&bootstrap));
        Ok(program)
    }
}

/// A program that makes Java's admin client do what there is to do, with these words.
///
/// # Errors
///
/// If it cannot be made.
pub fn administrator(cluster: &Cluster, words: &[&str]) -> Result<Command, Failure> {
    let bootstrap = cluster.bootstrap();
    let words = [&[bootstrap.as_str()], words].concat();
    let file = fetch::source("java").join("Administrator.java");
    let version = cluster.version().unwrap_or_default();
    Ok(JavaProgram::source(version, &file, &words)?)
}

fn assignor(name: &str) -> Result<JavaAssignor, Failure> {
    Ok(match name {
        "range" => JavaAssignor::Range,
        "roundrobin" => JavaAssignor::RoundRobin,
        "sticky" => JavaAssignor::Sticky,
        "cooperative-sticky" => JavaAssignor::CooperativeSticky,
        "cooperative-sticky,range" => JavaAssignor::CooperativeStickyOrRange,
        other => return Err(Failure::because(format!("no client is told of {other}"))),
    })
}

fn with(command: JavaCommand, properties: &[(&str, &str)]) -> JavaCommand {
    let properties = properties.iter();
    properties.fold(command, |command, (key, value)| {
        command.with_property(key, value)
    })
}

/// Makes a member quick to notice what happens to its group.
const HEARTBEAT_INTERVAL: (&str, &str) = ("heartbeat.interval.ms", "200");
