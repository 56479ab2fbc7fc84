//! Shell: one group whose members are programs, ours and those of others, and what it must keep.

mod judgement;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use weft_client::OffsetAndMetadata;

use crate::cluster::{Cluster, Filled, GroupSeen, Witness, fill};
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{CommitSeen, Delivery, Instance, at_least_once};
use crate::outside::{MemberKind, OutsideClient, OutsideMember, Place, Story};
use crate::recorder::Recorder;
use crate::wait::{self, Look, PATIENCE};

/// A group that reads one topic.
pub(super) struct Group<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) witness: Witness,
    pub(super) id: String,
    pub(super) filled: Filled,
    assignor: &'static str,
    /// Whether brokers die, so that commits of kcat may fail, which it does not tell.
    are_losses_expected: bool,
    recorder: Arc<Recorder>,
    /// By `client.id`.
    members: BTreeMap<&'static str, OutsideMember>,
    /// The `client.id`s of all that ever joined; the index is the number of the instance.
    joined: Vec<&'static str>,
    gone: BTreeMap<&'static str, Gone>,
    commits: Vec<CommitSeen>,
}

/// A member that was.
struct Gone {
    story: Story,
    /// Whether it may leave what it handled uncommitted, without a word.
    is_excused: bool,
}

/// What came of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lived {
    /// Its records.
    pub(super) delivery: Delivery,
    /// How often a member committed and was refused.
    pub(super) commits_failed: usize,
}

impl<'a> Group<'a> {
    /// A group without members, and a topic with records.
    pub(super) fn new(cluster: &'a Cluster, assignor: &'static str) -> Result<Self, Failure> {
        let topic = cluster.create_topic("shared", PARTITIONS)?;
        Self::of_topic(cluster, assignor, &topic)
    }

    fn of_topic(
        cluster: &'a Cluster,
        assignor: &'static str,
        topic: &str,
    ) -> Result<Self, Failure> {
        let mut witness = cluster.witness()?;
        Ok(Self {
            cluster,
            filled: fill(&mut witness, topic, WAVE, NonZeroU32::MIN)?,
            witness,
            id: cluster.fresh("shared"),
            assignor,
            are_losses_expected: false,
            recorder: Arc::new(Recorder::default()),
            members: BTreeMap::new(),
            joined: Vec::new(),
            gone: BTreeMap::new(),
            commits: Vec::new(),
        })
    }

    /// Starts a member that knows the group's assignor.
    pub(super) fn join(&mut self, kind: MemberKind, id: &'static str) -> Result<(), Failure> {
        self.join_with(kind, id, self.assignor)
    }

    /// Starts a member that knows these assignors.
    pub(super) fn join_with(
        &mut self,
        kind: MemberKind,
        id: &'static str,
        assignors: &str,
    ) -> Result<(), Failure> {
        let place = Place {
            group: &self.id,
            topic: &self.filled.topic,
            assignor: assignors,
            client_id: id,
            session_timeout: SESSION_TIMEOUT,
        };
        let instance = Instance(u32::try_from(self.joined.len())?);
        let record = (Arc::clone(&self.recorder), instance);
        let member = OutsideMember::start(self.cluster, kind, place, record)?;
        self.joined.push(id);
        self.members.insert(id, member);
        Ok(())
    }

    /// The group agrees on another assignor from now on.
    pub(super) fn expect_assignor(&mut self, assignor: &'static str) {
        self.assignor = assignor;
    }

    /// Brokers will die.
    pub(super) fn expect_losses(&mut self) {
        self.are_losses_expected = true;
    }

    /// Moves all leaders and the coordinator, if the cluster does that by order.
    pub(super) fn move_brokers(&mut self) -> Result<bool, Failure> {
        let topic = &self.filled.topic;
        let leaders = self.witness.leaders(topic)?;
        let coordinator = self.witness.coordinator(&self.id)?;
        let moved = self.cluster.move_leaders(topic, &leaders)?;
        Ok(moved && self.cluster.move_coordinator(&self.id, &coordinator)?)
    }

    /// The member leaves, as its users would have it.
    pub(super) fn close(&mut self, id: &'static str) -> Result<(), Failure> {
        self.end(id, OutsideMember::close, false)
    }

    /// The member dies (SIGKILL).
    pub(super) fn kill(&mut self, id: &'static str) -> Result<(), Failure> {
        self.end(id, OutsideMember::kill, true)
    }

    /// kcat ends when there is nothing to do: told to end, it drops the record that it is about to
    /// show, and commits it all the same. Others do while records come.
    fn end(
        &mut self,
        id: &'static str,
        end: fn(OutsideMember) -> Result<Story, Failure>,
        is_killed: bool,
    ) -> Result<(), Failure> {
        let member = self.members.remove(id);
        let member = member.ok_or_else(|| Failure::because(format!("{id} is no member")))?;
        let is_kcat = member.kind() == MemberKind::Outside(OutsideClient::Kcat);
        if is_kcat {
            self.wait_until_handled()?;
        } else {
            self.fill()?;
        }
        let story = end(member).map_err(|failure| failure.during(id))?;
        let is_excused = is_killed || is_kcat && self.are_losses_expected;
        self.gone.insert(id, Gone { story, is_excused });
        Ok(())
    }

    /// Lets records come.
    pub(super) fn fill(&mut self) -> Result<(), Failure> {
        let topic = self.filled.topic.clone();
        self.filled = fill(&mut self.witness, &topic, WAVE, NonZeroU32::MIN)?;
        Ok(())
    }

    /// Waits until every record was handled, and looks at what is committed.
    pub(super) fn wait_until_handled(&mut self) -> Result<(), Failure> {
        let patience = PATIENCE.saturating_mul(2);
        if let Err(failure) = wait_until_handled(&self.recorder, &self.filled, patience) {
            let seen = self.witness.group(&self.id)?;
            return Err(failure.during(format!("{:?}, {}", owners(&seen)?, self.last_words())));
        }
        self.look_at_commits().map(drop)
    }

    /// Waits until the members, and no others, share all partitions, each of which is one's only,
    /// and fairly. Returns whose.
    pub(super) fn wait_for_division(&mut self) -> Result<BTreeMap<i32, String>, Failure> {
        let what = format!("{} members sharing everything", self.members.len());
        let waited = wait::until(&what, PATIENCE, || {
            if let Some((id, _)) = self.members.iter().find(|(_, member)| member.has_ended()) {
                return Err(Failure::because(format!("{id} has ended by itself")));
            }
            let seen = self.witness.group(&self.id)?;
            let owners = owners(&seen)?;
            let ids = seen.members.iter().map(|member| member.client_id.as_str());
            let shares = seen.members.iter().map(|member| member.assignment.len());
            let (least, most) = (shares.clone().min(), shares.max());
            let is_there = seen.is_stable()
                && seen.assignor == self.assignor
                && ids.eq(self.members.keys().copied())
                && owners.len() == self.filled.ends.len()
                && least.unwrap_or(0) + 1 >= most.unwrap_or(0);
            Ok(if is_there {
                Look::Seen(owners)
            } else {
                Look::NotYet(format!("{seen:?}"))
            })
        });
        waited.map_err(|failure| failure.during(self.last_words()))
    }

    /// Lets records come while nothing changes, each of which must be handled by the member that
    /// owns its partition according to the coordinator, and then is committed by that one, in its
    /// words and with the epoch of the leader that wrote it.
    pub(super) fn wave(&mut self) -> Result<(), Failure> {
        self.wait_until_handled()?;
        let owners = self.wait_for_division()?;
        let before = self.filled.ends.clone();
        self.fill()?;
        self.wait_until_handled()?;
        let mut of_wave = self.recorder.history();
        of_wave.retain(|record| record.offset >= before[&record.partition]);
        for record in &of_wave {
            let id = self.joined[record.instance.0 as usize];
            ensure!(
                owners[&record.partition] == id,
                "{id} handled {record:?} although the owners are {owners:?}"
            );
        }
        self.check_commits(&owners)
    }

    /// kcat commits every five seconds, and when partitions go, without metadata: what it owns is
    /// looked at by those that take it over.
    fn check_commits(&mut self, owners: &BTreeMap<i32, String>) -> Result<(), Failure> {
        let epochs = self.witness.leader_epochs(&self.filled.topic)?;
        let mut expected = BTreeMap::new();
        for (partition, owner) in owners {
            let kind = self.members.get(owner.as_str()).map(OutsideMember::kind);
            if kind != Some(MemberKind::Outside(OutsideClient::Kcat)) {
                let committed = OffsetAndMetadata {
                    offset: self.filled.ends[partition],
                    leader_epoch: epochs.get(partition).copied(),
                    metadata: owner.clone(),
                };
                expected.insert(*partition, committed);
            }
        }
        let waited = wait::until("committing all of a wave", PATIENCE, || {
            let mut seen = self.look_at_commits()?;
            seen.retain(|partition, _| expected.contains_key(partition));
            Ok(Look::at(seen == expected, || {
                format!("{seen:?} instead of {expected:?}")
            }))
        });
        waited.map_err(|failure| failure.during(self.last_words()))
    }

    /// What is committed now, as the coordinator tells it.
    pub(super) fn look_at_commits(&mut self) -> Result<BTreeMap<i32, OffsetAndMetadata>, Failure> {
        let asked = self.recorder.tick();
        let partitions = self.filled.partitions();
        let topic = &self.filled.topic;
        let seen = self
            .witness
            .committed_in_full(&self.id, topic, partitions)?;
        let answered = self.recorder.tick();
        for (partition, committed) in &seen {
            self.commits.push(CommitSeen {
                partition: *partition,
                committed: committed.offset,
                asked,
                answered,
            });
        }
        Ok(seen)
    }

    /// Waits until a member has told what was committed for the partitions that it owns, and
    /// returns that; nothing for clients that cannot tell.
    pub(super) fn found_by(
        &mut self,
        id: &str,
    ) -> Result<Option<BTreeMap<i32, OffsetAndMetadata>>, Failure> {
        let owners = self.wait_for_division()?;
        let member = &self.members[id];
        if !tells_what_it_found(member.kind()) {
            return Ok(None);
        }
        let owned = owners.iter().filter(|(_, owner)| *owner == id);
        let owned: Vec<i32> = owned.map(|(partition, _)| *partition).collect();
        let found = wait::until("a look at commits", PATIENCE, || {
            let mut found = member.story().found;
            found.retain(|partition, _| owned.contains(partition));
            Ok(if found.len() == owned.len() {
                Look::Seen(found)
            } else {
                Look::NotYet(format!("{found:?} of {owned:?}; {}", member.last_words()))
            })
        });
        found.map(Some)
    }

    /// How often each member, gone or not, has divided the partitions.
    pub(super) fn divided(&self) -> BTreeMap<&'static str, usize> {
        let gone = self.gone.iter().map(|(id, gone)| (*id, gone.story.divided));
        let here = self.members.iter();
        let here = here.map(|(id, member)| (*id, member.story().divided));
        gone.chain(here).filter(|(_, times)| *times > 0).collect()
    }

    /// What the members say for themselves, for the text of a failure.
    pub(super) fn last_words(&self) -> String {
        let words = self.members.iter();
        let words =
            words.map(|(id, member)| format!("{id} ({}): {}", member.kind(), member.last_words()));
        words.collect::<Vec<_>>().join("\n")
    }
}

/// Who has which partition, by the coordinator's word.
fn owners(seen: &GroupSeen) -> Result<BTreeMap<i32, String>, Failure> {
    let mut owners = BTreeMap::new();
    for member in &seen.members {
        for partition in &member.assignment {
            let before = owners.insert(partition.partition(), member.client_id.clone());
            ensure!(before.is_none(), "{partition} has two owners in {seen:?}");
        }
    }
    Ok(owners)
}

/// kcat does not show it, and kafka-python cannot ask where it hears of an assignment.
fn tells_what_it_found(kind: MemberKind) -> bool {
    !matches!(
        kind,
        MemberKind::Outside(OutsideClient::Kcat | OutsideClient::KafkaPython)
    )
}

/// Waits until every record was handled, whether that is committed or not: kcat commits every five
/// seconds, and when partitions go.
pub(super) fn wait_until_handled(
    recorder: &Recorder,
    filled: &Filled,
    timeout: Duration,
) -> Result<(), Failure> {
    wait::until("handling everything", timeout, || {
        let delivery = at_least_once(&filled.ends, &recorder.history());
        Ok(match delivery {
            Ok(_) => Look::Seen(()),
            Err(missing) => Look::NotYet(missing.to_string()),
        })
    })
}

/// Enough for three members to get two each.
const PARTITIONS: u32 = 6;

/// How many records come at a time; a multiple of the number of partitions.
const WAVE: u32 = 240;

/// How long a killed member may hold its group up; long enough for a busy machine not to.
const SESSION_TIMEOUT: Duration = Duration::from_secs(5);
