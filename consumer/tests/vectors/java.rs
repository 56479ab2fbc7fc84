//! Groups that nobody has seen before: the Java client divides them in this moment. Without Java or
//! Maven the test prints that it did not run; with `WEFT_REQUIRE_KAFKA=1` it fails instead.
//!
//! Where Java's client follows the order of a hash table, of topics or of members, ours follows
//! their names. Then the order of topics in a list may differ, and with a sticky assignor which of
//! several members has to give something up; never how even the shares are and how much everybody
//! keeps. Only claims that no honest group would make are divided otherwise on purpose, by the
//! rules in `rules`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use bytes::Bytes;
use serde_json::Value;
use weft_client::ids::{MemberId, TopicName, TopicPartition};
use weft_consumer::assign::{
    Assignor, CooperativeStickyAssignor, RangeAssignor, ReplicaRacks, RoundRobinAssignor,
    StickyAssignor,
};
use weft_consumer::group::protocol::decode_assignment;
use weft_testcontainers::kafka::{JavaProgram, KafkaVersion, Prerequisites};

use crate::assignors::Rebalance;
use crate::rules::Case;
use crate::text;

const ASSIGNORS: [&dyn Assignor; 4] = [
    &RangeAssignor,
    &RoundRobinAssignor,
    &StickyAssignor,
    &CooperativeStickyAssignor,
];

/// How a division of ours compares with Java's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// The same bytes for everybody.
    Same,
    /// The same partitions for everybody, topics in another order.
    SameShares,
    /// As even and as sticky.
    AsGood,
    /// Several members claim a partition, or one claims what it does not want or what does not
    /// exist: Java may give it to somebody while another one reads it, or back to that one.
    ByTheRules,
    /// As good, but with racks the members go on taking turns in giving up. Java's own assignor
    /// does more of that.
    Restless,
    Worse,
}

type Shares = BTreeMap<MemberId, (Vec<TopicPartition>, Bytes)>;

fn judge(assignor: &dyn Assignor, rebalance: &Rebalance) -> Verdict {
    let ours = rebalance.divide(assignor);
    let java = &rebalance.result;
    if ours == *java {
        Verdict::Same
    } else if by_topic(&ours) == by_topic(java) {
        Verdict::SameShares
    } else if !assignor.name().ends_with("sticky") {
        Verdict::Worse
    } else if worth(assignor, rebalance, &ours) == worth(assignor, rebalance, java) {
        check_rules(assignor, rebalance, Verdict::AsGood)
    } else if has_odd_claims(rebalance) {
        check_rules(assignor, rebalance, Verdict::ByTheRules)
    } else {
        Verdict::Worse
    }
}

/// What each member reads of each topic, in the order in which it is told.
fn by_topic(shares: &Shares) -> BTreeMap<(&MemberId, &TopicName), Vec<i32>> {
    let mut lists: BTreeMap<_, Vec<i32>> = BTreeMap::new();
    for (id, (partitions, _)) in shares {
        for one in partitions {
            let list = lists.entry((id, one.topic())).or_default();
            list.push(one.partition());
        }
    }
    lists
}

/// The sizes of the shares, and how many partitions stay where they were.
///
/// With racks the latter is chance: whoever gives something up that it reads from afar may be dealt
/// it again. Under the cooperative protocol the former is, since it depends on who had what how
/// much of a share is held back.
fn worth(assignor: &dyn Assignor, rebalance: &Rebalance, shares: &Shares) -> (Vec<usize>, usize) {
    let mut sizes: Vec<usize> = shares.values().map(|share| share.0.len()).collect();
    sizes.sort_unstable();
    if assignor.name() == "cooperative-sticky" {
        sizes.clear();
    }
    let mut members = rebalance.members.values();
    let has_racks = members.any(|member| member.rack.is_some());
    (
        sizes,
        if has_racks {
            0
        } else {
            kept(rebalance, shares)
        },
    )
}

fn kept(rebalance: &Rebalance, shares: &Shares) -> usize {
    let owned = |id: &MemberId| &rebalance.members[id].owned_partitions;
    let kept = shares
        .iter()
        .map(|(id, (share, _))| share.iter().filter(|one| owned(id).contains(one)).count());
    kept.sum()
}

/// The racks of a partition, if it exists.
fn racks<'a>(rebalance: &'a Rebalance, one: &TopicPartition) -> Option<&'a ReplicaRacks> {
    let partitions = rebalance.cluster.partitions(one.topic())?;
    partitions.get(usize::try_from(one.partition()).ok()?)
}

/// How many partitions are read by somebody in a rack that holds them.
fn read_nearby(rebalance: &Rebalance, shares: &Shares) -> usize {
    let is_near = |id: &MemberId, one: &TopicPartition| {
        let rack = rebalance.members[id].rack.as_ref();
        rack.is_some_and(|rack| racks(rebalance, one).is_some_and(|racks| racks.contains(rack)))
    };
    let near = shares
        .iter()
        .map(|(id, (share, _))| share.iter().filter(|one| is_near(id, one)).count());
    near.sum()
}

fn has_odd_claims(rebalance: &Rebalance) -> bool {
    let mut claimed = BTreeSet::new();
    rebalance.members.values().any(|member| {
        let is_wanted = |one: &TopicPartition| member.topics.contains(one.topic());
        let is_there = |one: &TopicPartition| racks(rebalance, one).is_some();
        let mut owned = member.owned_partitions.iter();
        owned.any(|one| !claimed.insert(one) || !is_wanted(one) || !is_there(one))
    })
}

fn check_rules(assignor: &dyn Assignor, rebalance: &Rebalance, verdict: Verdict) -> Verdict {
    let mut case = Case::of(rebalance.cluster.clone(), rebalance.members.clone());
    if assignor.name() == "sticky" {
        let assigned = case.assign(assignor);
        case.check_complete(&assigned);
        case.check_balanced(&assigned);
    } else {
        let has_racks = rebalance.members.values().any(|one| one.rack.is_some());
        if !case.settles() {
            return if has_racks {
                Verdict::Restless
            } else {
                Verdict::Worse
            };
        }
    }
    verdict
}

/// What user data of the sticky assignor says, whatever the order of its topics.
fn claim(user_data: Option<&Bytes>) -> Option<(BTreeSet<TopicPartition>, [u8; 4])> {
    let (partitions, generation) = user_data?.split_last_chunk::<4>()?;
    // But for version, generation and user data of its own it is written like an assignment.
    let partitions = [&[0, 0], partitions, &[0xff; 4]].concat();
    let read = decode_assignment(partitions.into()).ok()?;
    Some((read.partitions.into_iter().collect(), *generation))
}

/// `$WEFT_ASSIGNMENTS` says which ones and how many: a seed, and the groups of each assignor.
#[test]
fn groups_that_live_through_many_rebalances_are_divided_as_java_divides_them() {
    if let Err(error) = Prerequisites::check() {
        assert!(std::env::var_os("WEFT_REQUIRE_KAFKA").is_none(), "{error}");
        println!("not run: {error}");
        return;
    }
    let wanted = std::env::var("WEFT_ASSIGNMENTS").unwrap_or_else(|_| "7 60".to_owned());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/Assignments.java");
    let names = ASSIGNORS.map(Assignor::name);
    let words: Vec<&str> = wanted.split_whitespace().chain(names).collect();
    let mut java = JavaProgram::source(KafkaVersion::V4_4_0, &file, &words).unwrap();
    let mut java = java
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut verdicts: BTreeMap<(&str, Verdict), usize> = BTreeMap::new();
    // What is read nearby and what stays, with our division and with Java's.
    let (mut ours, mut javas) = ([0; 2], [0; 2]);
    let mut worse = Vec::new();
    let mut failed = 0;
    for line in BufReader::new(java.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if !line["failed"].is_null() {
            failed += 1;
            continue;
        }
        let name = text(&line["assignor"]);
        let assignor = ASSIGNORS.into_iter().find(|one| one.name() == name);
        let assignor = assignor.unwrap();
        let rebalance = Rebalance::new(&line);
        rebalance.check_subscriptions();
        for member in rebalance.members.values() {
            let ours = Rebalance::user_data(assignor, member);
            let is_same = ours == member.user_data
                || claim(ours.as_ref()) == claim(member.user_data.as_ref());
            assert!(is_same, "{ours:?}: {line}");
        }
        let verdict = judge(assignor, &rebalance);
        *verdicts.entry((assignor.name(), verdict)).or_default() += 1;
        let shares = rebalance.divide(assignor);
        for (sums, shares) in [(&mut ours, &shares), (&mut javas, &rebalance.result)] {
            sums[0] += read_nearby(&rebalance, shares);
            sums[1] += kept(&rebalance, shares);
        }
        if verdict == Verdict::Worse {
            worse.push(format!("{shares:?}, of {line}"));
        }
    }
    assert!(java.wait().unwrap().success());
    let sum: usize = verdicts.values().sum();
    println!("{sum} rebalances compared: {verdicts:?}; Java failed in {failed} groups");
    println!("read nearby, kept: {ours:?}, with Java {javas:?}");
    assert!(
        verdicts.len() >= ASSIGNORS.len(),
        "every assignor has its lines"
    );
    assert!(
        worse.is_empty(),
        "{} are worse, the first: {}",
        worse.len(),
        worse[0]
    );
    let restless = verdicts.get(&("cooperative-sticky", Verdict::Restless));
    let restless = restless.copied().unwrap_or(0);
    assert!(restless * 1_000 <= sum, "{restless} go on rebalancing");
    for (ours, javas) in ours.into_iter().zip(javas) {
        let lost = javas.saturating_sub(ours);
        assert!(lost * 200 <= javas, "{ours} rather than {javas}");
    }
}
