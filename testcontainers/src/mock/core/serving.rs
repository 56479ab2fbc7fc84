//! The way of a request through the cluster: taken apart, judged, served, answered; and the places
//! on it where it may have to wait.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use weft_client::NodeId;
use weft_client::wire::{
    self, ApiKey, Request, RequestHead, Response, UnsupportedRequest, WireError,
};

use super::api;
use super::cluster::{Cluster, Output};
use super::fault::{Asked, Fate, Outgoing, Subjects, Verdict, spoil, throttle};
use super::hold::Held;
use super::parked::{ParkedRequest, Wish};
use super::reply::{Ask, ConnectionId, Reply};
use super::request_log::Outcome;

impl Cluster {
    pub(super) fn take_request(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        frame: Bytes,
        out: &mut Vec<Output>,
    ) {
        let Some(broker) = self.connections.get(&connection).copied() else {
            // It was closed with the frame on its way here.
            return;
        };
        if self.holds.is_frozen(broker) || self.holds.is_muted(now, connection) {
            let held = Held::Frame(frame);
            return self.holds.hold(connection, broker, None, held);
        }
        let decoded = wire::decode_request(frame.clone()).and_then(|(head, request)| {
            let spoken = api::api_versions::spoken(self.options.release, head.api_key);
            match spoken {
                Some(versions) if versions.contains(&head.api_version) => Ok((head, request)),
                _ => Err(unknown(head)),
            }
        });
        let (head, request) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse_frame(now, connection, broker, &error, out),
        };
        let client_id = Some(head.client_id.as_deref().unwrap_or_default());
        if self.holds.is_stopped(broker, client_id) {
            let held = Held::Frame(frame);
            return self.holds.hold(connection, broker, client_id, held);
        }
        let wanted = self.fetch_sessions.wanted(broker, &request);
        let subjects = Subjects::of(&request, wanted.as_deref(), &self.topics);
        let ask = self.receive(Ask::new(now, connection, broker, head), subjects);
        match ask.fate.delay_before {
            Some(delay) => {
                self.park(ask, now + delay, Wish::Serve(request));
            }
            None => self.serve(&ask, request, out),
        }
    }

    /// Gives the request its number and its fate.
    fn receive(&mut self, ask: Ask, subjects: Subjects) -> Ask {
        let fate = self.faults.judge(&Asked {
            broker: ask.broker,
            api_key: ask.head.api_key,
            api_version: ask.head.api_version,
            client_id: ask.client_id(),
            subjects: &subjects,
        });
        let number = self.request_log.received();
        let ask = Ask {
            number,
            fate,
            ..ask
        };
        self.request_log.receive(&ask, subjects);
        ask
    }

    /// Like a broker, ends the connection over anything that cannot be read; but a version of
    /// ApiVersions that is too new gets an answer that even the oldest client reads (KIP-511).
    fn refuse_frame(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        broker: NodeId,
        error: &WireError,
        out: &mut Vec<Output>,
    ) {
        if let WireError::UnknownRequest(raw) = error
            && raw.api_key == ApiKey::ApiVersions as i16
        {
            let head = RequestHead {
                api_key: ApiKey::ApiVersions,
                api_version: 0,
                correlation_id: raw.correlation_id,
                client_id: None,
            };
            let ask = Ask::new(now, connection, broker, head);
            let ask = self.receive(ask, Subjects::default());
            self.perform(
                &ask,
                api::api_versions::unsupported(self.options.release),
                out,
            );
            return;
        }
        self.violations.add(format_args!(
            "broker {broker} cannot read a request: {error}"
        ));
        self.cut(connection, out);
    }

    fn serve(&mut self, ask: &Ask, request: Request, out: &mut Vec<Output>) {
        let reply = match &ask.fate.verdict {
            None => api::serve(self, ask, request, out),
            // The API itself refuses what is meant, and serves the rest.
            Some(Verdict::Refuse(refusal)) if api::refuse::is_partial(&request, refusal) => {
                api::serve(self, ask, request, out)
            }
            // There is no other way to tell a client that wants no answer.
            Some(Verdict::Refuse(_)) if wants_no_answer(&request) => Reply::Close,
            Some(Verdict::Refuse(refusal)) => {
                api::refuse::response(ask, &request, refusal.code).into()
            }
            Some(Verdict::Silence) => return self.send(ask, Outgoing::Lost, out),
            Some(Verdict::Cut) => return self.send(ask, Outgoing::Cut(Vec::new()), out),
        };
        self.perform(ask, reply, out);
    }

    /// Goes on with a request whose time has come.
    pub(super) fn resume(&mut self, now: Instant, parked: ParkedRequest, out: &mut Vec<Output>) {
        let Ask {
            connection, broker, ..
        } = parked.ask;
        let client_id = Some(parked.ask.client_id());
        if self.holds.is_stopped(broker, client_id) {
            let client_id = client_id.map(str::to_owned);
            let held = Held::Parked(Box::new(parked));
            return self
                .holds
                .hold(connection, broker, client_id.as_deref(), held);
        }
        let ParkedRequest { ask, until, wish } = parked;
        let ask = Ask { now, ..ask };
        match wish {
            Wish::Serve(request) => self.serve(&ask, request, out),
            Wish::Fetch {
                request,
                partitions,
            } => {
                let reply = api::fetch::resume(self, &ask, request, until, &partitions);
                self.perform(&ask, reply, out);
            }
            Wish::Send(outgoing) => self.send(&ask, outgoing, out),
        }
    }

    /// Goes on with what was held up.
    pub(super) fn release(&mut self, now: Instant, out: &mut Vec<Output>) {
        for (connection, held) in self.holds.take_released(now) {
            match held {
                Held::Frame(frame) => self.take_request(now, connection, frame, out),
                Held::Parked(parked) => self.resume(now, *parked, out),
                Held::Answer(ask, outgoing) => self.send(&Ask { now, ..*ask }, outgoing, out),
            }
        }
    }

    /// Turns a reply into bytes, and sends these unless the request's fate has them wait.
    pub(super) fn perform(&mut self, ask: &Ask, reply: Reply, out: &mut Vec<Output>) {
        let outgoing = match reply {
            Reply::Answer(mut response) => {
                if let Some(time) = ask.fate.throttle {
                    throttle(&mut response, time);
                }
                match encode(&ask.head, &response) {
                    Ok(frame) => Outgoing::Frame(vec![frame]),
                    Err(error) => return self.fail_to_answer(ask, &error, out),
                }
            }
            Reply::Frame(Ok(chunks)) => Outgoing::Frame(chunks),
            Reply::Frame(Err(error)) => return self.fail_to_answer(ask, &error, out),
            Reply::Parked => return,
            Reply::Silent => Outgoing::Nothing,
            Reply::Close => Outgoing::Cut(Vec::new()),
        };
        let outgoing = spoil(&ask.fate, outgoing);
        match ask.fate.delay_after {
            Some(delay) => {
                self.park(ask.clone(), ask.now + delay, Wish::Send(outgoing));
            }
            None => self.send(ask, outgoing, out),
        }
    }

    fn send(&mut self, ask: &Ask, outgoing: Outgoing, out: &mut Vec<Output>) {
        let (connection, broker) = (ask.connection, ask.broker);
        let client_id = Some(ask.client_id());
        if self.holds.is_stopped(broker, client_id) && outgoing != Outgoing::Lost {
            let held = Held::Answer(Box::new(ask.clone()), outgoing);
            return self.holds.hold(connection, broker, client_id, held);
        }
        if let Some(time) = ask.fate.throttle {
            self.holds.mute(connection, ask.now + time);
        }
        let outcome = outcome(&ask.fate, &outgoing);
        self.request_log.conclude(ask.now, ask.number, outcome);
        match outgoing {
            Outgoing::Frame(chunks) => out.push(Output::Answer(connection, chunks)),
            Outgoing::Nothing => out.push(Output::NoAnswer(connection)),
            Outgoing::Lost => {}
            Outgoing::Cut(chunks) => {
                if !chunks.is_empty() {
                    out.push(Output::Answer(connection, chunks));
                }
                self.cut(connection, out);
            }
        }
    }

    /// A fault of ours. The test shall see it, and the cluster go on.
    fn fail_to_answer(&mut self, ask: &Ask, error: &WireError, out: &mut Vec<Output>) {
        self.violations
            .add(format_args!("the mock cannot write its answer: {error}"));
        self.send(ask, Outgoing::Cut(Vec::new()), out);
    }

    fn cut(&mut self, connection: ConnectionId, out: &mut Vec<Output>) {
        out.push(Output::Close(connection));
        self.forget(connection);
    }
}

fn encode(head: &RequestHead, response: &Response) -> Result<Bytes, WireError> {
    let mut frame = BytesMut::new();
    wire::encode_response(head, response, &mut frame)?;
    Ok(frame.freeze())
}

fn wants_no_answer(request: &Request) -> bool {
    matches!(request, Request::Produce(request) if request.acks == 0)
}

fn outcome(fate: &Fate, outgoing: &Outgoing) -> Outcome {
    match (outgoing, &fate.verdict) {
        (Outgoing::Frame(_), Some(Verdict::Refuse(refusal))) => Outcome::Refused(refusal.code),
        (Outgoing::Frame(_), _) => Outcome::Answered,
        (Outgoing::Nothing, _) => Outcome::NoAnswer,
        (Outgoing::Lost, _) => Outcome::Swallowed,
        (Outgoing::Cut(_), _) => Outcome::Cut,
    }
}

/// What comes of a request that the wire layer can read and no broker serves.
fn unknown(head: RequestHead) -> WireError {
    WireError::UnknownRequest(UnsupportedRequest {
        api_key: head.api_key as i16,
        api_version: head.api_version,
        correlation_id: head.correlation_id,
        client_id: head.client_id,
    })
}
