//! Shell: plays a case on one broker and writes down what came.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: real brokers take a moment for some things"
)]

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use weft_client::wire::ApiKey;
use weft_client::wire::messages::ApiVersionsRequest;

use super::case::{Act, At, Build, Case, Known, Versions};
use super::question::{Question, Reading};
use super::talk::{Heard, Talk};
use super::tree::Tree;

/// What one step came to on one broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What the step is called.
    pub what: String,
    /// What was asked for, and in which version; nothing for bytes that are no request.
    pub asked: Option<(ApiKey, i16)>,
    /// What came.
    pub came: Came,
}

/// What can come of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// An answer.
    Answer(Tree),
    /// An answer that the schemas cannot read, and why.
    Unreadable(String),
    /// The broker ended the connection.
    Closed,
    /// Nothing, and the connection goes on.
    Nothing,
    /// Nothing, not even to a further request.
    Silence,
    /// This version cannot carry the request, so that it was not sent.
    Unsaid,
}

/// A broker to play cases on.
#[derive(Debug)]
pub struct Stage<'a> {
    /// Where the broker listens.
    pub address: &'a str,
    /// What both brokers announce.
    pub versions: &'a Versions,
}

impl Stage<'_> {
    /// Plays one round of a case.
    ///
    /// # Errors
    ///
    /// If no connection can be opened.
    pub fn play(&self, case: &Case, run: &str, round: usize) -> io::Result<Vec<Told>> {
        let mut versions = BTreeMap::new();
        for (api, range) in self.versions {
            let back = match round {
                round if case.apis.iter().any(|it| *it as i16 == *api) => {
                    i16::try_from(round).unwrap_or(i16::MAX)
                }
                _ => 0,
            };
            let version = range.end().saturating_sub(back).max(*range.start());
            versions.insert(*api, version);
        }
        let mut playing = Playing {
            address: self.address,
            run,
            versions,
            known: Known::default(),
            connections: BTreeMap::new(),
            asked: 0,
        };
        let mut told = Vec::new();
        for step in &case.steps {
            let (asked, came) = playing.act(step.on, &step.act)?;
            if let (Some((api, _)), Came::Answer(answer)) = (asked, &came) {
                playing.known.learn(api, answer);
            }
            told.push(Told {
                what: step.what.clone(),
                asked,
                came,
            });
        }
        Ok(told)
    }
}

/// One round of a case on its way.
struct Playing<'a> {
    address: &'a str,
    run: &'a str,
    versions: BTreeMap<i16, i16>,
    known: Known,
    connections: BTreeMap<&'static str, Open>,
    asked: i32,
}

struct Open {
    talk: Talk,
    /// What was sent, and is not received yet.
    awaited: Option<(i32, Reading)>,
}

type Outcome = io::Result<(Option<(ApiKey, i16)>, Came)>;

impl Playing<'_> {
    fn act(&mut self, on: &'static str, act: &Act) -> Outcome {
        match act {
            Act::Ask(build) => self.ask(on, build),
            Act::Send(build) => {
                let question = self.build(build);
                let asked = Some((question.api, self.version(&question)));
                let is_sent = self.send(on, &question)?;
                let came = if is_sent { Came::Nothing } else { Came::Unsaid };
                Ok((asked, came))
            }
            Act::Receive => {
                let open = self.open(on)?;
                let asked = open.awaited.map(|(_, it)| (it.api, it.version));
                Ok((asked, self.receive(on)?))
            }
            Act::Repeat(build, is_done) => {
                let give_up_at = Instant::now() + REPEAT_LIMIT;
                loop {
                    let (asked, came) = self.ask(on, build)?;
                    let is_done = match &came {
                        Came::Answer(answer) => is_done(answer),
                        _ => true,
                    };
                    if is_done || Instant::now() >= give_up_at {
                        return Ok((asked, came));
                    }
                    thread::sleep(REPEAT_INTERVAL);
                }
            }
            Act::Frame(build) => {
                let frame = build(&self.at());
                self.open(on)?.talk.write_frame(&frame);
                self.probe(on)
            }
            Act::Raw(bytes) => {
                self.open(on)?.talk.write(bytes);
                self.probe(on)
            }
        }
    }

    fn ask(&mut self, on: &'static str, build: &Build) -> Outcome {
        let question = self.build(build);
        let asked = Some((question.api, self.version(&question)));
        if !self.send(on, &question)? {
            return Ok((asked, Came::Unsaid));
        }
        if question.is_answered {
            return Ok((asked, self.receive(on)?));
        }
        let (_, came) = self.probe(on)?;
        Ok((asked, came))
    }

    fn at(&self) -> At<'_> {
        At {
            run: self.run,
            versions: &self.versions,
            known: &self.known,
        }
    }

    fn build(&self, build: &Build) -> Question {
        build(&self.at())
    }

    fn version(&self, question: &Question) -> i16 {
        self.at().version(question.api).max(question.at_least)
    }

    /// Whether it could be said in this version.
    fn send(&mut self, on: &'static str, question: &Question) -> io::Result<bool> {
        if !self.versions.contains_key(&(question.api as i16)) {
            return Ok(false);
        }
        self.asked += 1;
        let correlation_id = self.asked;
        let version = self.version(question);
        let Ok(frame) = question.frame(version, correlation_id) else {
            return Ok(false);
        };
        let open = self.open(on)?;
        open.talk.write_frame(&frame);
        if question.is_answered {
            open.awaited = Some((correlation_id, question.reading(version)));
        }
        Ok(true)
    }

    fn receive(&mut self, on: &'static str) -> io::Result<Came> {
        let open = self.open(on)?;
        let Some((expected, reading)) = open.awaited.take() else {
            return Ok(Came::Unsaid);
        };
        let came = match open.talk.hear() {
            Heard::Frame(frame) => match reading.answer(frame) {
                Ok((correlation_id, answer)) if correlation_id == expected => Came::Answer(answer),
                Ok((other, _)) => Came::Unreadable(format!("an answer to {other}")),
                Err(reason) => Came::Unreadable(reason),
            },
            Heard::Closed => Came::Closed,
            Heard::Silence => Came::Silence,
        };
        if !matches!(came, Came::Answer(_)) {
            self.connections.remove(on);
        }
        Ok(came)
    }

    /// Whether the connection goes on after something that is not answered, or not as a request is:
    /// asks for the versions behind it, and compares what comes first.
    fn probe(&mut self, on: &'static str) -> Outcome {
        let question = Question::from(ApiVersionsRequest::default());
        let frame = question.frame(0, PROBE).expect("version 0 is empty");
        let open = self.open(on)?;
        open.talk.write_frame(&frame);
        let came = match open.talk.hear() {
            Heard::Frame(frame) if frame.starts_with(&PROBE.to_be_bytes()) => Came::Nothing,
            Heard::Frame(frame) => Came::Unreadable(format!("{frame:?}")),
            Heard::Closed => Came::Closed,
            Heard::Silence => Came::Silence,
        };
        if !matches!(came, Came::Nothing) {
            self.connections.remove(on);
        }
        Ok((None, came))
    }

    fn open(&mut self, on: &'static str) -> io::Result<&mut Open> {
        if !self.connections.contains_key(on) {
            let talk = Talk::open(self.address)?;
            let open = Open {
                talk,
                awaited: None,
            };
            self.connections.insert(on, open);
        }
        let open = self.connections.get_mut(on);
        Ok(open.expect("it was put there if it was missing"))
    }
}

/// The correlation id of a probe, which no request of a case has.
const PROBE: i32 = i32::MAX;

/// How long a broker may take until an answer is as it should be.
const REPEAT_LIMIT: Duration = Duration::from_secs(30);

const REPEAT_INTERVAL: Duration = Duration::from_millis(20);
