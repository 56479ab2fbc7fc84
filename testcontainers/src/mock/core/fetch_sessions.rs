//! The fetch sessions of all brokers (KIP-227): what a client wants to read from a broker, kept
//! there so that each request and each answer only says what changed.
//!
//! ```text
//!  request --> begin --> the same request, as if it had named everything --> read
//!  answer  <-- finish <-- the answer to that, with everything in it     <-----'
//! ```
//!
//! It decides which session a request belongs to, what is left out of the answer, whose turn is
//! first in the next one, and whose session goes when there are too many. It reads no records. As
//! in Kafka's `FetchSession.scala` a session outlives its connection, and its place belongs to
//! whoever asks for it; nobody here is a follower, whose sessions Kafka protects.

mod session;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use weft_client::NodeId;
use weft_client::wire::messages::fetch_request::FetchTopic;
use weft_client::wire::messages::{FetchRequest, FetchResponse};
use weft_client::wire::{ErrorCode, Request};

use super::fetch_frame::PartitionRecords;
use session::{Naming, Session};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct FetchSessions {
    sessions: BTreeMap<i32, Session>,
    ids_given: i32,
}

/// Which session a request names, and where it believes that this stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionPoint {
    pub(crate) broker: NodeId,
    pub(crate) now: Instant,
    pub(crate) version: i16,
    pub(crate) rotation: Rotation,
    /// How many sessions the broker may keep.
    pub(crate) slots: usize,
}

/// Which partitions come last in the next answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// Those that got records, since 3.0.
    WithRecords,
    /// All that were told.
    Told,
}

impl FetchSessions {
    /// Finds the session of a request and lets the request say everything that is to be fetched.
    /// What it says of its session afterwards is for [`Self::finish`].
    pub(crate) fn begin(
        &mut self,
        at: SessionPoint,
        request: &mut FetchRequest,
    ) -> Result<(), ErrorCode> {
        if matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            // Whatever session a full request names is closed.
            if self.of(at.broker, request.session_id).is_some() {
                self.sessions.remove(&request.session_id);
            }
            return Ok(());
        }
        let kept = self.partitions_kept();
        let id = request.session_id;
        let session = self.of(at.broker, id);
        let session = session.ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if session.epoch != request.session_epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.naming != Naming::of(at.version) {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        session.update(&request.topics, &request.forgotten_topics_data);
        if session.is_empty() {
            self.sessions.remove(&id);
            request.session_epoch = FINAL_EPOCH;
            return Ok(());
        }
        if kept > PARTITIONS_KEPT_MAX {
            // The client shall begin again, and gets no session then.
            self.sessions.remove(&id);
            return Err(ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        }
        session.touch(at.now, EVICTION_AFTER);
        session.epoch = next_epoch(session.epoch);
        request.topics = session.topics();
        request.forgotten_topics_data.clear();
        Ok(())
    }

    /// Takes note of what is answered, and takes out of the answer what the client knows.
    ///
    /// There is an entry in `records` for each partition of the response.
    pub(crate) fn finish(
        &mut self,
        at: SessionPoint,
        request: &FetchRequest,
        response: &mut FetchResponse,
        records: &mut PartitionRecords,
    ) {
        match request.session_epoch {
            FINAL_EPOCH => {}
            INITIAL_EPOCH => response.session_id = self.open(at, request, response),
            asked => {
                response.session_id = request.session_id;
                // A session that was taken away meanwhile is missed at the next request; this one
                // is told everything.
                let Some(session) = self.of(at.broker, request.session_id) else {
                    return;
                };
                if session.epoch != next_epoch(asked) {
                    response.error_code = ErrorCode::INVALID_FETCH_SESSION_EPOCH.0;
                    response.responses.clear();
                    records.clear();
                    return;
                }
                session.keep_changes(response, records, at.rotation);
            }
        }
    }

    /// What an incremental fetch is about: what its session holds, and what it adds. Nothing for
    /// requests that say all by themselves.
    pub(crate) fn wanted(&self, broker: NodeId, request: &Request) -> Option<Vec<FetchTopic>> {
        let Request::Fetch(request) = request else {
            return None;
        };
        if matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            return None;
        }
        let session = self.sessions.get(&request.session_id);
        let session = session.filter(|session| session.broker == broker);
        let mut wanted = session.map(Session::topics).unwrap_or_default();
        wanted.extend_from_slice(&request.topics);
        Some(wanted)
    }

    /// The broker died, and its sessions with it.
    pub(crate) fn forget_broker(&mut self, broker: NodeId) {
        self.sessions.retain(|_, session| session.broker != broker);
    }

    /// Opens a session if there is a place for it, and returns its id, or 0 without one.
    fn open(&mut self, at: SessionPoint, request: &FetchRequest, response: &FetchResponse) -> i32 {
        let mut session = Session::new(at.broker, at.now, Naming::of(at.version));
        session.update(&request.topics, &[]);
        session.note(response);
        session.touch(at.now, EVICTION_AFTER);
        let kept = self.partitions_kept() + session.size();
        if kept > PARTITIONS_KEPT_MAX || !self.make_place(at, session.size()) {
            return NO_SESSION;
        }
        let id = self.new_id();
        session.epoch = next_epoch(INITIAL_EPOCH);
        self.sessions.insert(id, session);
        id
    }

    /// Whether the broker has a place for a session of so many partitions, once one made way: the
    /// one that was idle for longest, if that was long enough, or a smaller one of a certain age.
    fn make_place(&mut self, at: SessionPoint, size: usize) -> bool {
        let of_broker = || {
            let all = self.sessions.iter();
            all.filter(|(_, session)| session.broker == at.broker)
        };
        if of_broker().count() < at.slots {
            return true;
        }
        let idle = of_broker().min_by_key(|(id, session)| (session.used_at, **id));
        let idle = idle.filter(|(_, session)| session.is_idle(at.now, EVICTION_AFTER));
        let smallest = || {
            let evictable = of_broker().filter(|(_, session)| session.is_evictable);
            let smallest = evictable.min_by_key(|(id, session)| (session.size_when_used, **id));
            smallest.filter(|(_, session)| session.size_when_used < size)
        };
        let Some(evicted) = idle.or_else(smallest).map(|(id, _)| *id) else {
            return false;
        };
        self.sessions.remove(&evicted);
        true
    }

    fn of(&mut self, broker: NodeId, id: i32) -> Option<&mut Session> {
        let session = self.sessions.get_mut(&id);
        session.filter(|session| session.broker == broker)
    }

    /// Kafka draws ids by lot. These differ between brokers as well, and are the same in every run.
    fn new_id(&mut self) -> i32 {
        loop {
            self.ids_given = next_epoch(self.ids_given);
            if !self.sessions.contains_key(&self.ids_given) {
                return self.ids_given;
            }
        }
    }

    fn partitions_kept(&self) -> usize {
        self.sessions.values().map(Session::size).sum()
    }
}

/// Epochs begin again at 1.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

/// `max.incremental.fetch.session.cache.slots`, unless the builder is told otherwise.
pub(crate) const SLOTS_DEFAULT: usize = 1_000;

/// For how long an idle session keeps its place, and how old one must be to make way for a larger.
const EVICTION_AFTER: Duration = Duration::from_secs(120);

/// How many partitions all sessions keep together: the memory that clients can take.
const PARTITIONS_KEPT_MAX: usize = 1_000_000;

/// Asks for a session.
const INITIAL_EPOCH: i32 = 0;

/// Closes the session, and asks for an answer without one.
const FINAL_EPOCH: i32 = -1;

/// The id that stands for no session.
const NO_SESSION: i32 = 0;
