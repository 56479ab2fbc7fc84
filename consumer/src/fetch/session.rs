//! The fetch session with one broker (KIP-227): what the broker knows already is not said again.
//!
//! ```text
//!              answer without id, or void        another failure (the old id is named, to close)
//!            +---------------------------+      +--------------------+
//!            v                           |      |                    v
//!  full, id 0, epoch 0 --answer, id S--> incremental, id S --> full, id S, epoch 0
//!            ^                             epoch 1, 2, ...           |
//!            +------- the broker does not know S <-------------------+
//! ```
//!
//! It decides what a request says and whether an answer can be believed. It neither knows positions
//! nor sends anything. One request is under way at a time; between [`FetchSession::ask`] and
//! [`FetchSession::answered`] or [`FetchSession::failed`] nothing else may be asked.
//!
//! The surprising thing: partitions of which fetched data still waits stay in the session, because
//! fetches run ahead; in Kafka's consumer the whole broker is left alone until they are drained.
//! Further differences from Kafka's `FetchSessionHandler`: when topics change between being known
//! by id and by name, or a topic gets another id, the session is replaced at once, instead of after
//! the broker's refusal or by forgetting the old id; and an answer that names a partition twice is
//! void.

use std::collections::BTreeMap;

use weft_client::wire::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use weft_client::wire::messages::{self, FetchResponse};
use weft_client::wire::{Context, ErrorCode, Reaction, SessionRestart, reaction};
use weft_client::{LeaderEpoch, TopicId, TopicName};

use super::plan::AskedPartition;
use super::response::Answer;

/// What one broker was asked for, and what it keeps of that.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FetchSession {
    id: i32,
    /// Of the request under way, or else of the next one.
    epoch: i32,
    naming: Naming,
    /// What the last request asked for, in the order of the names.
    partitions: Vec<AskedPartition>,
    topics: BTreeMap<TopicId, TopicName>,
}

/// How requests of a session name topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Naming {
    /// By name, as the id of one of them is not known: no version after 12 can carry that.
    Names,
    /// By id, if the broker knows ids.
    #[default]
    Ids,
}

/// What a request says about the session and its partitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SessionRequest {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    pub(crate) topics: Vec<FetchTopic>,
    pub(crate) forgotten: Vec<ForgottenTopic>,
}

/// Why nothing in an answer can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VoidAnswer {
    /// The broker does not agree about the ids of topics.
    pub(crate) is_metadata_stale: bool,
    /// It answered a request that said everything, so that asking again hardly helps.
    pub(crate) was_full: bool,
}

impl FetchSession {
    /// Turns what is wanted, in the order of the names, into the next request. A full one lists
    /// first what had no answer for longest; in a session the broker sees to the turns.
    pub(crate) fn ask(
        &mut self,
        wanted: Vec<AskedPartition>,
        partition_bytes_max: i32,
    ) -> SessionRequest {
        debug_assert!(
            wanted.is_sorted_by(|one, next| one.topic_partition < next.topic_partition),
            "partitions come in the order of their names"
        );
        let is_named = wanted.iter().any(|wanted| wanted.topic_id.is_unknown());
        let naming = if is_named { Naming::Names } else { Naming::Ids };
        if naming != self.naming {
            self.naming = naming;
            self.epoch = INITIAL_EPOCH;
        }
        let changes = if self.epoch == INITIAL_EPOCH {
            None
        } else {
            Changes::between(&self.partitions, &wanted, naming)
        };
        let (said, forgotten) = match changes {
            Some(changes) => (changes.said, changes.forgotten),
            None => {
                self.epoch = INITIAL_EPOCH;
                (in_turn(wanted.iter().collect()), Vec::new())
            }
        };
        let request = SessionRequest {
            id: self.id,
            epoch: self.epoch,
            topics: fetch_topics(&said, partition_bytes_max),
            forgotten: forgotten_topics(&forgotten),
        };
        if !request.topics.is_empty() || !request.forgotten.is_empty() {
            self.topics = topics_by_id(&wanted);
        }
        self.partitions = wanted;
        request
    }

    /// Whether the next request can ask for the same as the last one without saying so.
    pub(crate) fn can_repeat(&self) -> bool {
        self.epoch != INITIAL_EPOCH
    }

    /// Asks for the same as last time, which takes no look at the partitions. There has to be a
    /// session: see [`can_repeat`](Self::can_repeat).
    pub(crate) fn repeat(&self) -> SessionRequest {
        debug_assert!(self.can_repeat(), "a full request names its partitions");
        SessionRequest {
            id: self.id,
            epoch: self.epoch,
            ..SessionRequest::default()
        }
    }

    /// Takes in the answer to the last request: what it tells of which partition.
    ///
    /// # Errors
    ///
    /// That nothing in it can be used; the next request begins another session.
    pub(crate) fn answered(&mut self, response: FetchResponse) -> Result<Vec<Answer>, VoidAnswer> {
        let was_full = self.epoch == INITIAL_EPOCH;
        let code = ErrorCode(response.error_code);
        if let Reaction::RestartSession(restart) = reaction(Context::FetchSession, code) {
            match restart {
                SessionRestart::New => self.begin_anew(),
                SessionRestart::CloseOld | SessionRestart::CloseOldAndRefreshMetadata => {
                    self.failed();
                }
            }
            return Err(VoidAnswer {
                is_metadata_stale: restart == SessionRestart::CloseOldAndRefreshMetadata,
                was_full,
            });
        }
        let id = response.session_id;
        // A broker that throttles answers without looking (KIP-219).
        let is_throttled = response.throttle_time_ms > 0 && response.responses.is_empty();
        if was_full && is_throttled {
            self.begin_anew();
            return Ok(Vec::new());
        }
        let answers = self.answers(response);
        let is_whole = |answers: &Vec<Answer>| !was_full || answers.len() == self.partitions.len();
        let Some(answers) = answers.filter(is_whole) else {
            if was_full {
                self.begin_anew();
            } else {
                self.failed();
            }
            return Err(VoidAnswer {
                is_metadata_stale: false,
                was_full,
            });
        };
        if id == NO_SESSION {
            self.begin_anew();
        } else if was_full {
            (self.id, self.epoch) = (id, 1);
        } else {
            self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        }
        Ok(answers)
    }

    /// Nobody knows whether the broker took notice of the last request. The next one closes the
    /// session and begins another.
    pub(crate) fn failed(&mut self) {
        self.epoch = INITIAL_EPOCH;
    }

    /// What the last request asked for.
    pub(crate) fn partitions(&self) -> &[AskedPartition] {
        &self.partitions
    }

    /// The request that closes the session, if the broker keeps one. It asks for nothing, and after
    /// it the session is gone.
    pub(crate) fn close(&mut self) -> Option<SessionRequest> {
        let id = std::mem::take(self).id;
        (id != NO_SESSION).then(|| SessionRequest {
            id,
            epoch: FINAL_EPOCH,
            ..SessionRequest::default()
        })
    }

    fn begin_anew(&mut self) {
        (self.id, self.epoch) = (NO_SESSION, INITIAL_EPOCH);
    }

    /// The answers in the order in which they came; `None` if one of them was not asked for, or
    /// came twice.
    fn answers(&self, response: FetchResponse) -> Option<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut is_answered = Vec::new();
        for topic in response.responses {
            let id = TopicId::from(topic.topic_id);
            let name = if id.is_unknown() {
                topic.topic.as_str()
            } else {
                self.topics.get(&id)?.as_str()
            };
            is_answered.resize(self.partitions.len(), false);
            for data in topic.partitions {
                let sought = (name, data.partition_index);
                let place = |asked: &AskedPartition| {
                    let known = &asked.topic_partition;
                    (known.topic().as_str(), known.partition()).cmp(&sought)
                };
                let index = self.partitions.binary_search_by(place).ok()?;
                if std::mem::replace(&mut is_answered[index], true) {
                    return None;
                }
                let asked = self.partitions[index].clone();
                answers.push(Answer { asked, data });
            }
        }
        Some(answers)
    }
}

/// What one request has to say after another.
struct Changes<'a> {
    /// What is new, the longest without answer first; then what is asked for in another way.
    said: Vec<&'a AskedPartition>,
    forgotten: Vec<&'a AskedPartition>,
}

impl<'a> Changes<'a> {
    /// Both lists are in the order of the names. `None` if a topic has another id: no request can
    /// say that in a way that brokers of all versions understand.
    fn between(
        known: &'a [AskedPartition],
        wanted: &'a [AskedPartition],
        naming: Naming,
    ) -> Option<Self> {
        let (mut new, mut altered, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = known.iter().peekable();
        for wanted in wanted {
            let name = &wanted.topic_partition;
            while let Some(gone) = known.next_if(|known| known.topic_partition < *name) {
                forgotten.push(gone);
            }
            match known.next_if(|known| known.topic_partition == *name) {
                None => new.push(wanted),
                Some(known) if naming == Naming::Ids && known.topic_id != wanted.topic_id => {
                    return None;
                }
                Some(known) if known.asks_for_the_same_as(wanted) => {}
                Some(_) => altered.push(wanted),
            }
        }
        forgotten.extend(known);
        let mut said = in_turn(new);
        said.append(&mut altered);
        Some(Self { said, forgotten })
    }
}

/// First what had no answer for longest. Partitions of a topic that wait equally long stay
/// together.
fn in_turn(mut partitions: Vec<&AskedPartition>) -> Vec<&AskedPartition> {
    partitions.sort_by_key(|asked| asked.last_answer);
    partitions
}

fn fetch_topics(said: &[&AskedPartition], partition_bytes_max: i32) -> Vec<FetchTopic> {
    let mut topics: Vec<FetchTopic> = Vec::new();
    let mut current = None;
    for asked in said {
        let name = asked.topic_partition.topic();
        if current != Some(name) {
            current = Some(name);
            topics.push(
                FetchTopic::default()
                    .with_topic(messages::TopicName::from(name))
                    .with_topic_id(asked.topic_id.into()),
            );
        }
        let partition = FetchPartition::default()
            .with_partition(asked.topic_partition.partition())
            .with_current_leader_epoch(LeaderEpoch::to_wire(asked.leader_epoch))
            .with_fetch_offset(asked.offset.value())
            .with_partition_max_bytes(partition_bytes_max);
        if let Some(topic) = topics.last_mut() {
            topic.partitions.push(partition);
        }
    }
    topics
}

fn forgotten_topics(forgotten: &[&AskedPartition]) -> Vec<ForgottenTopic> {
    let mut topics: Vec<ForgottenTopic> = Vec::new();
    let mut current = None;
    for asked in forgotten {
        let topic = (asked.topic_partition.topic(), asked.topic_id);
        if current != Some(topic) {
            current = Some(topic);
            topics.push(
                ForgottenTopic::default()
                    .with_topic(messages::TopicName::from(topic.0))
                    .with_topic_id(topic.1.into()),
            );
        }
        if let Some(last) = topics.last_mut() {
            last.partitions.push(asked.topic_partition.partition());
        }
    }
    topics
}

fn topics_by_id(partitions: &[AskedPartition]) -> BTreeMap<TopicId, TopicName> {
    let mut topics = BTreeMap::new();
    let mut last = None;
    for asked in partitions {
        if last != Some(asked.topic_id) {
            last = Some(asked.topic_id);
            topics.insert(asked.topic_id, asked.topic_partition.topic().clone());
        }
    }
    topics
}

const NO_SESSION: i32 = 0;
/// Of a full request that wants a session. Together with an id it closes that session first.
const INITIAL_EPOCH: i32 = 0;
/// Of a request that closes a session and wants no other.
const FINAL_EPOCH: i32 = -1;

#[cfg(test)]
mod tests;
