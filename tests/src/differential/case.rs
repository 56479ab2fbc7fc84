//! A case: requests on named connections, as data. What only an answer can tell (ids of topics,
//! members, producers) is taken from what was learned before.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use bytes::Bytes;
use uuid::Uuid;
use weft_client::wire::messages::{GroupId, TopicName};
use weft_client::wire::{ApiKey, StrBytes};

use super::question::Question;
use super::tree::Tree;

/// A sequence of requests. It runs once for each version of the APIs it is about.
#[derive(Debug)]
pub struct Case {
    /// What it is about, in a few words; unique.
    pub name: &'static str,
    /// The APIs whose versions it goes through, all together: first the newest of each, at last the
    /// oldest of each. All others are asked in the newest.
    pub apis: &'static [ApiKey],
    /// What is sent, in this order.
    pub steps: Vec<Step>,
}

/// One thing to do.
#[derive(Debug)]
pub struct Step {
    /// What it is, for a reader; also the key for allowances.
    pub what: String,
    /// The name of the connection.
    pub on: &'static str,
    /// What to do.
    pub act: Act,
}

/// What there is to do.
pub enum Act {
    /// Send, and wait for the answer.
    Ask(Build),
    /// Send; the answer is received by a later step.
    Send(Build),
    /// Receive what was asked for earlier.
    Receive,
    /// Ask until the answer is as it should be, and tell only the last one: real brokers take a
    /// moment for some things.
    Repeat(Build, fn(&Tree) -> bool),
    /// Send these bytes behind their length, and look whether an answer comes or the end.
    Frame(Box<dyn Fn(&At<'_>) -> Bytes>),
    /// Send exactly these bytes, and look as above.
    Raw(Vec<u8>),
}

/// Makes the request once everything before it is answered.
pub type Build = Box<dyn Fn(&At<'_>) -> Question>;

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask(_) => "Ask",
            Self::Send(_) => "Send",
            Self::Receive => "Receive",
            Self::Repeat(..) => "Repeat",
            Self::Frame(_) => "Frame",
            Self::Raw(_) => "Raw",
        })
    }
}

impl Step {
    fn new(what: impl Into<String>, act: Act) -> Self {
        Self {
            what: what.into(),
            on: "first",
            act,
        }
    }

    /// On another connection than the first.
    #[must_use]
    pub fn on(mut self, connection: &'static str) -> Self {
        self.on = connection;
        self
    }
}

/// Asks, and compares the answers.
pub fn ask<Q: Into<Question>>(
    what: impl Into<String>,
    build: impl Fn(&At<'_>) -> Q + 'static,
) -> Step {
    Step::new(what, Act::Ask(Box::new(move |at| build(at).into())))
}

/// Sends a request whose answer [`receive`] waits for.
pub fn send<Q: Into<Question>>(
    what: impl Into<String>,
    build: impl Fn(&At<'_>) -> Q + 'static,
) -> Step {
    Step::new(what, Act::Send(Box::new(move |at| build(at).into())))
}

/// Waits for the answer to what was sent on this connection.
pub fn receive(what: impl Into<String>) -> Step {
    Step::new(what, Act::Receive)
}

/// Asks until the answer is as it should be.
pub fn repeat<Q: Into<Question>>(
    what: impl Into<String>,
    is_done: fn(&Tree) -> bool,
    build: impl Fn(&At<'_>) -> Q + 'static,
) -> Step {
    let build = Box::new(move |at: &At<'_>| build(at).into());
    Step::new(what, Act::Repeat(build, is_done))
}

/// Sends a frame that no client would write.
pub fn frame(what: impl Into<String>, build: impl Fn(&At<'_>) -> Bytes + 'static) -> Step {
    Step::new(what, Act::Frame(Box::new(build)))
}

/// Sends bytes that are no frame.
pub fn raw(what: impl Into<String>, bytes: &[u8]) -> Step {
    Step::new(what, Act::Raw(bytes.to_vec()))
}

/// The versions that both brokers announce, by the number of their API.
pub type Versions = BTreeMap<i16, RangeInclusive<i16>>;

/// Where in a case a request is made, and what is known there.
#[derive(Debug)]
pub struct At<'a> {
    /// A prefix for names that no other run uses.
    pub run: &'a str,
    /// The version of each API, by its number.
    pub versions: &'a BTreeMap<i16, i16>,
    /// What was learned in this run.
    pub known: &'a Known,
}

impl At<'_> {
    /// The version in which an API is asked now.
    pub fn version(&self, api: ApiKey) -> i16 {
        self.versions
            .get(&(api as i16))
            .copied()
            .unwrap_or_default()
    }

    /// A name of this run's own. An empty name stays empty.
    pub fn name(&self, name: &str) -> StrBytes {
        let name = match name {
            "" => String::new(),
            name => format!("{}-{name}", self.run),
        };
        StrBytes::from_string(name)
    }

    /// As [`Self::name`], for a topic.
    pub fn topic(&self, name: &str) -> TopicName {
        TopicName(self.name(name))
    }

    /// As [`Self::name`], for a group.
    pub fn group(&self, name: &str) -> GroupId {
        GroupId(self.name(name))
    }

    /// The id of a topic of this run; an id that no topic has for any other name.
    pub fn topic_id(&self, name: &str) -> Uuid {
        let name = format!("{:?}", self.name(name).as_str());
        let id = self.known.topics.get(&name).copied();
        id.unwrap_or(UNKNOWN_ID)
    }

    /// The id of the member that joined as this one, counted from 0.
    pub fn member(&self, number: usize) -> StrBytes {
        let member = self.known.members.get(number).cloned();
        StrBytes::from_string(member.unwrap_or_else(|| "nobody".to_owned()))
    }

    /// The generation that was learned last; -1 if none was.
    pub fn generation(&self) -> i32 {
        self.known.generation
    }

    /// The session of fetches that began last; 0 if none did.
    pub fn session(&self) -> i32 {
        self.known.session
    }

    /// The producer id that was given out last, and its epoch; 7 if none was.
    pub fn producer(&self) -> (i64, i16) {
        self.known.producer
    }
}

/// What answers have told.
#[derive(Clone, Debug)]
pub struct Known {
    topics: BTreeMap<String, Uuid>,
    members: Vec<String>,
    generation: i32,
    producer: (i64, i16),
    session: i32,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            topics: BTreeMap::new(),
            members: Vec::new(),
            generation: -1,
            producer: (7, 0),
            session: 0,
        }
    }
}

impl Known {
    /// Takes what later requests may need from an answer.
    pub fn learn(&mut self, api: ApiKey, answer: &Tree) {
        match api {
            ApiKey::CreateTopics | ApiKey::Metadata => self.learn_topics(answer),
            ApiKey::JoinGroup => self.learn_member(answer),
            ApiKey::Fetch => {
                let session = answer.leaf("session_id").unwrap_or_default();
                if let Ok(session @ 1..) = session.parse() {
                    self.session = session;
                }
            }
            ApiKey::InitProducerId if answer.leaf("error_code") == Some("0") => {
                let number = |field| answer.leaf(field).and_then(|text| text.parse().ok());
                let epoch = answer.leaf("producer_epoch").unwrap_or_default();
                if let (Some(id), Ok(epoch)) = (number("producer_id"), epoch.parse()) {
                    self.producer = (id, epoch);
                }
            }
            _ => {}
        }
    }

    fn learn_topics(&mut self, answer: &Tree) {
        for topic in answer.structs() {
            let id = topic.leaf("topic_id").and_then(|id| id.parse().ok());
            if let (Some(name), Some(id)) = (topic.leaf("name"), id)
                && id != Uuid::nil()
            {
                self.topics.insert(name.to_owned(), id);
            }
        }
    }

    fn learn_member(&mut self, answer: &Tree) {
        let is_member = matches!(answer.leaf("error_code"), Some("0" | MEMBER_ID_REQUIRED));
        let id = answer.leaf("member_id").unwrap_or_default();
        let id = id.trim_matches('"').to_owned();
        if !is_member || id.is_empty() {
            return;
        }
        if !self.members.contains(&id) {
            self.members.push(id);
        }
        let generation = answer.leaf("generation_id").unwrap_or_default();
        if let Ok(generation @ 0..) = generation.parse() {
            self.generation = generation;
        }
    }
}

/// The id of no topic.
pub const UNKNOWN_ID: Uuid = Uuid::from_bytes([7; 16]);

/// A first join gets an id with this error (KIP-394).
const MEMBER_ID_REQUIRED: &str = "79";
