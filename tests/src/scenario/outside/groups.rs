//! Groups with members that others wrote.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use weft_client::TopicPartition;
use weft_consumer::Consumer;

use crate::cluster::{Cluster, Filled, Witness, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::{Delivery, Instance, at_least_once};
use crate::member::{Member, config};
use crate::outside::{OutsideClient, OutsideMember, Place};
use crate::recorder::Recorder;
use crate::wait::{self, Look, PATIENCE};

/// Two members of the same client share the partitions, one leaves, and what they committed Weft
/// reads.
///
/// # Errors
///
/// If they do not.
pub fn shares_a_group_with_its_like(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let outside = Kind::Outside(client);
    live(cluster, "range", [[outside, outside]])
}

/// The client and Weft share a group that hands its partitions over all at once, led by either.
///
/// # Errors
///
/// If they do not.
pub fn shares_a_group_with_weft_by_range(cluster: &Cluster, client: OutsideClient) -> Outcome {
    let outside = Kind::Outside(client);
    let pairs = [[outside, Kind::Weft], [Kind::Weft, outside]];
    live(cluster, "range", pairs)
}

/// The same for a group that keeps what need not move.
///
/// # Errors
///
/// If they do not.
pub fn shares_a_group_with_weft_by_cooperative_sticky(
    cluster: &Cluster,
    client: OutsideClient,
) -> Outcome {
    let outside = Kind::Outside(client);
    let pairs = [[outside, Kind::Weft], [Kind::Weft, outside]];
    live(cluster, "cooperative-sticky", pairs)
}

fn live<const N: usize>(cluster: &Cluster, assignor: &str, pairs: [[Kind; 2]; N]) -> Outcome {
    let (mut records, mut duplicates) = (0, 0);
    for pair in pairs {
        let group = Group::new(cluster, assignor)?;
        let lived = group.live(pair);
        let delivery = lived.map_err(|failure| failure.during(format!("{pair:?}")))?;
        records += delivery.records;
        duplicates += delivery.duplicates;
    }
    Ok(format!("{records} records, {duplicates} duplicates"))
}

/// Whose client a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Weft,
    Outside(OutsideClient),
}

/// A running member.
#[derive(Debug)]
pub(super) enum Running {
    Weft(Member),
    Outside(OutsideMember),
}

impl Running {
    /// Starts a member whose records are written down as those of `instance`.
    pub(super) fn start(
        cluster: &Cluster,
        kind: Kind,
        place: Place<'_>,
        (recorder, instance): (&Arc<Recorder>, Instance),
    ) -> Result<Self, Failure> {
        let record = (Arc::clone(recorder), instance);
        Ok(match kind {
            Kind::Weft => {
                let properties = [("partition.assignment.strategy", place.assignor)];
                let (ids, client_id) = ((place.group, place.topic), place.client_id);
                let member = Member::start(cluster, ids, client_id, &properties, Some(record))?;
                Self::Weft(member)
            }
            Kind::Outside(client) => {
                Self::Outside(OutsideMember::start(cluster, client, place, record)?)
            }
        })
    }

    pub(super) fn close(self) -> Result<(), Failure> {
        match self {
            Self::Weft(member) => member.close().map(drop),
            Self::Outside(member) => member.close(),
        }
    }

    /// What it says for itself, for the text of a failure.
    fn last_words(&self) -> String {
        match self {
            Self::Weft(member) => format!("{:?}", member.take_events()),
            Self::Outside(member) => member.last_words(),
        }
    }

    fn has_ended(&self) -> bool {
        match self {
            Self::Weft(_) => false,
            Self::Outside(member) => member.has_ended(),
        }
    }
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

struct Group<'a> {
    cluster: &'a Cluster,
    witness: Witness,
    assignor: &'a str,
    group: String,
    filled: Filled,
    recorder: Arc<Recorder>,
}

impl<'a> Group<'a> {
    fn new(cluster: &'a Cluster, assignor: &'a str) -> Result<Self, Failure> {
        let mut witness = cluster.witness()?;
        let topic = cluster.create_topic("shared", PARTITIONS)?;
        let filled = fill(&mut witness, &topic, WAVE, NonZeroU32::MIN)?;
        Ok(Self {
            cluster,
            witness,
            assignor,
            group: cluster.fresh("shared"),
            filled,
            recorder: Arc::new(Recorder::default()),
        })
    }

    /// One member joins, then another one, then the first one leaves; records come before, between
    /// and while that happens.
    fn live(mut self, [first, second]: [Kind; 2]) -> Result<Delivery, Failure> {
        let mut members = BTreeMap::from([("first", self.start(first, "first", Instance(0))?)]);
        self.wait_for_division(&members)?;
        self.fill()?;
        members.insert("second", self.start(second, "second", Instance(1))?);
        self.wait_for_division(&members)?;
        self.wave(&members)?;
        self.leave_in_the_middle(first, members.remove("first"))?;
        self.wait_for_division(&members)?;
        self.wave(&members)?;
        members.remove("second").map_or(Ok(()), Running::close)?;
        let delivery = at_least_once(&self.filled.ends, &self.recorder.history())?;
        // While a cooperative member rejoins it handles records and commits are refused.
        ensure!(
            delivery.duplicates == 0 || self.assignor == "cooperative-sticky",
            "{} records came twice although all went in an orderly way",
            delivery.duplicates
        );
        self.check_commits()?;
        Ok(delivery)
    }

    fn start(&self, kind: Kind, client_id: &str, instance: Instance) -> Result<Running, Failure> {
        let place = Place {
            group: &self.group,
            topic: &self.filled.topic,
            assignor: self.assignor,
            client_id,
        };
        Running::start(self.cluster, kind, place, (&self.recorder, instance))
    }

    /// The member leaves while records come. kcat does so when there are none: told to end, it
    /// drops the record that it is about to show, and commits it all the same.
    fn leave_in_the_middle(&mut self, kind: Kind, member: Option<Running>) -> Result<(), Failure> {
        if kind == Kind::Outside(OutsideClient::Kcat) {
            wait_until_handled(&self.recorder, &self.filled, PATIENCE)?;
        } else {
            self.fill()?;
        }
        member.map_or(Ok(()), Running::close)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let topic = self.filled.topic.clone();
        self.filled = fill(&mut self.witness, &topic, WAVE, NonZeroU32::MIN)?;
        Ok(())
    }

    /// Waits until these members, and no others, share all partitions, each of which is one's only.
    /// Returns whose.
    fn wait_for_division(
        &mut self,
        members: &BTreeMap<&str, Running>,
    ) -> Result<BTreeMap<i32, String>, Failure> {
        let what = format!("{} members sharing everything", members.len());
        let waited = wait::until(&what, PATIENCE, || {
            if let Some((id, _)) = members.iter().find(|(_, member)| member.has_ended()) {
                return Err(Failure::because(format!("{id} has ended by itself")));
            }
            let seen = self.witness.group(&self.group)?;
            let mut owners = BTreeMap::new();
            for member in &seen.members {
                for partition in &member.assignment {
                    let number = partition.partition();
                    let before = owners.insert(number, member.client_id.clone());
                    ensure!(before.is_none(), "{partition} has two owners in {seen:?}");
                }
            }
            let ids = seen.members.iter().map(|member| member.client_id.as_str());
            let is_there = seen.is_stable()
                && seen.assignor == self.assignor
                && ids.eq(members.keys().copied())
                && owners.len() == PARTITIONS as usize
                && seen
                    .members
                    .iter()
                    .all(|member| !member.assignment.is_empty());
            Ok(if is_there {
                Look::Seen(owners)
            } else {
                Look::NotYet(format!("{seen:?}"))
            })
        });
        waited.map_err(|failure| {
            let words = members.iter();
            let words = words.map(|(id, member)| format!("{id}: {}", member.last_words()));
            failure.during(words.collect::<Vec<_>>().join("\n"))
        })
    }

    /// Lets records come while nothing changes, each of which must be handled once, by the member
    /// that owns its partition according to the coordinator.
    fn wave(&mut self, members: &BTreeMap<&str, Running>) -> Result<(), Failure> {
        wait_until_handled(&self.recorder, &self.filled, PATIENCE)?;
        let owners = self.wait_for_division(members)?;
        let before = self.filled.ends.clone();
        self.fill()?;
        wait_until_handled(&self.recorder, &self.filled, PATIENCE)?;
        let mut of_wave = self.recorder.history();
        of_wave.retain(|record| record.offset >= before[&record.partition]);
        for record in &of_wave {
            let id = ["first", "second"][record.instance.0 as usize];
            ensure!(
                owners[&record.partition] == id,
                "{id} handled {record:?} although the owners are {owners:?}"
            );
        }
        Ok(())
    }

    /// What the members committed is what Weft finds.
    fn check_commits(&self) -> Result<(), Failure> {
        let consumer = Consumer::new(config(self.cluster, &[("group.id", &self.group)])?)?;
        let topic = self.filled.topic.as_str();
        let ends = self.filled.ends.iter();
        let ends: BTreeMap<_, _> = ends
            .map(|(partition, end)| (TopicPartition::new(topic, *partition), *end))
            .collect();
        let partitions = ends.keys().cloned().collect();
        let committed = consumer.committed(&partitions)?;
        let offsets = committed.into_iter();
        let offsets: BTreeMap<_, _> = offsets
            .filter_map(|(partition, committed)| Some((partition, committed?.offset)))
            .collect();
        ensure!(offsets == ends, "Weft finds {offsets:?}, not {ends:?}");
        Ok(consumer.close()?)
    }
}

const PARTITIONS: u32 = 4;

/// How many records come at a time; a multiple of the number of partitions.
const WAVE: u32 = 400;
