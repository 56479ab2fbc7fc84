//! Members that come, go, and divide partitions between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use weft_client::{ErrorKind, Offset, TopicPartition};
use weft_consumer::{CloseOptions, Consumer, MembershipOperation};
use weft_testcontainers::kafka::{
    JavaAssignor, JavaCommand, JavaProgram, KafkaCluster, KafkaVersion,
};

use crate::bench::{
    PATIENCE, Recorder, STEP, filled, kafka, member, note, offsets, owns, poll_until, read, told,
    tp, tps, until,
};

#[test]
fn eager_members_give_up_everything_before_they_are_given_their_shares() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("eager", 4).unwrap();
    let (first, second) = (member(kafka, "eager", &[]), member(kafka, "eager", &[]));
    let (listener, told_first) = Recorder::new();
    first.subscribe_with_listener(["eager"], listener).unwrap();
    poll_until(&[&first], "the first owns all", || {
        owns(&first, "eager", &[0, 1, 2, 3])
    });
    let (listener, told_second) = Recorder::new();
    second.subscribe_with_listener(["eager"], listener).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 2 && second.assignment().unwrap().len() == 2
    });
    let (one, other) = (first.assignment().unwrap(), second.assignment().unwrap());
    assert!(one.is_disjoint(&other), "{one:?} {other:?}");
    second.close().unwrap();
    poll_until(&[&first], "the first owns all again", || {
        owns(&first, "eager", &[0, 1, 2, 3])
    });
    first.close().unwrap();

    let share = |of: &BTreeSet<TopicPartition>| {
        of.iter()
            .map(|p| format!(" {}", p.partition()))
            .collect::<String>()
    };
    let (one, other) = (share(&one), share(&other));
    assert_eq!(
        told(&told_first),
        [
            "assigned 0 1 2 3".to_owned(),
            "revoked 0 1 2 3".to_owned(),
            format!("assigned{one}"),
            format!("revoked{one}"),
            "assigned 0 1 2 3".to_owned(),
            "revoked 0 1 2 3".to_owned(),
        ]
    );
    assert_eq!(
        told(&told_second),
        [format!("assigned{other}"), format!("revoked{other}")]
    );
}

#[test]
fn cooperative_members_give_up_only_what_moves() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "cooperative", 4, 1);
    let sticky = [("partition.assignment.strategy", "cooperative-sticky")];
    let first = member(kafka, "cooperative", &sticky);
    let second = member(kafka, "cooperative", &sticky);
    let (listener, told_first) = Recorder::new();
    first
        .subscribe_with_listener(["cooperative"], listener)
        .unwrap();
    let mut seen = BTreeMap::new();
    until("the first reads all", || {
        note(&first.poll(STEP).unwrap(), &mut seen);
        seen.len() == 4
    });
    second.subscribe(["cooperative"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 2 && second.assignment().unwrap().len() == 2
    });
    for kept in first.assignment().unwrap() {
        assert_eq!(
            first.position(&kept).unwrap(),
            Offset::new(1),
            "kept its position"
        );
    }
    let moved = second.assignment().unwrap();
    let moved: String = moved
        .iter()
        .map(|p| format!(" {}", p.partition()))
        .collect();
    let told = told(&told_first);
    assert_eq!(told[0], "assigned 0 1 2 3");
    let revoked: Vec<&String> = told.iter().filter(|t| t.starts_with("revoked")).collect();
    assert_eq!(revoked, [&format!("revoked{moved}")], "{told:?}");
    assert!(told[2..].iter().all(|t| t == "assigned"), "{told:?}");
}

#[test]
fn a_member_that_closes_leaves_at_once() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("leaving", 2).unwrap();
    // If the coordinator had to find out by itself, it would take this long.
    let slow = [("session.timeout.ms", "45000")];
    let (first, second) = (
        member(kafka, "leaving", &slow),
        member(kafka, "leaving", &slow),
    );
    first.subscribe(["leaving"]).unwrap();
    second.subscribe(["leaving"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let began_at = Instant::now();
    first.close().unwrap();
    assert!(
        began_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        began_at.elapsed()
    );
    poll_until(&[&second], "the second owns all", || {
        owns(&second, "leaving", &[0, 1])
    });
    assert!(
        began_at.elapsed() < Duration::from_secs(10),
        "{:?}",
        began_at.elapsed()
    );

    let third = member(kafka, "leaving", &slow);
    third.subscribe(["leaving"]).unwrap();
    poll_until(&[&second, &third], "they share", || {
        second.assignment().unwrap().len() == 1 && third.assignment().unwrap().len() == 1
    });
    let began_at = Instant::now();
    drop(third);
    assert!(
        began_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        began_at.elapsed()
    );
    poll_until(&[&second], "the second owns all", || {
        owns(&second, "leaving", &[0, 1])
    });
    assert!(
        began_at.elapsed() < Duration::from_secs(10),
        "{:?}",
        began_at.elapsed()
    );
}

#[test]
fn a_member_that_does_not_poll_in_time_loses_its_partitions_and_hears_of_it() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "late", 2, 1);
    let slow = member(kafka, "late", &[("max.poll.interval.ms", "1500")]);
    let quick = member(kafka, "late", &[]);
    let (listener, told_slow) = Recorder::new();
    slow.subscribe_with_listener(["late"], listener).unwrap();
    read(&slow, 2);
    quick.subscribe(["late"]).unwrap();
    poll_until(&[&slow, &quick], "they share", || {
        slow.assignment().unwrap().len() == 1 && quick.assignment().unwrap().len() == 1
    });
    let owned: Vec<i32> = slow
        .assignment()
        .unwrap()
        .iter()
        .map(TopicPartition::partition)
        .collect();
    // From now on only one of them polls.
    poll_until(&[&quick], "the other is given up", || {
        owns(&quick, "late", &[0, 1])
    });
    let error = slow
        .commit_sync_offsets(&offsets(&tp("late", owned[0]), 0))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CommitFailed, "{error:?}");
    poll_until(&[&slow, &quick], "it is let in again", || {
        slow.assignment().unwrap().len() == 1 && quick.assignment().unwrap().len() == 1
    });
    let told = told(&told_slow);
    let lost = format!("lost {}", owned[0]);
    assert!(told.contains(&lost), "{told:?}");
    let committed = slow.committed(&tps("late", &[0, 1])).unwrap();
    assert!(committed.values().all(Option::is_none), "{committed:?}");
}

#[test]
fn a_static_member_keeps_its_partitions_over_a_restart_unless_it_leaves_for_good() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("static", 2).unwrap();
    let named = |name| member(kafka, "static", &[("group.instance.id", name)]);
    let (first, second) = (named("one"), named("two"));
    first.subscribe(["static"]).unwrap();
    second.subscribe(["static"]).unwrap();
    poll_until(&[&first, &second], "they share", || {
        first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
    });
    let (share, generation) = (first.assignment().unwrap(), generation_of(&second));
    first.close().unwrap();
    let first = named("one");
    first.subscribe(["static"]).unwrap();
    poll_until(&[&first, &second], "it has its share again", || {
        first.assignment().unwrap() == share
    });
    assert_eq!(
        generation_of(&second),
        generation,
        "nobody else had to do with it"
    );
    let leaving = CloseOptions::new().membership(MembershipOperation::LeaveGroup);
    first.close_with(leaving).unwrap();
    poll_until(&[&second], "the other owns all", || {
        owns(&second, "static", &[0, 1])
    });
}

fn generation_of(consumer: &Consumer) -> i32 {
    consumer.group_metadata().unwrap().generation.value()
}

#[test]
fn java_and_weft_share_a_group() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("mixed", 4).unwrap();
    let command = JavaCommand::consume("mixed", &["mixed"], JavaAssignor::Range);
    let mut java = JavaProgram::start(kafka, &command).unwrap();
    java.wait_for("ASSIGNED mixed-0 mixed-1 mixed-2 mixed-3", PATIENCE)
        .unwrap();
    let weft = member(kafka, "mixed", &[]);
    weft.subscribe(["mixed"]).unwrap();
    poll_until(&[&weft], "they share", || {
        weft.assignment().unwrap().len() == 2
    });
    java.wait_for("ASSIGNED", PATIENCE).unwrap();
    weft.close().unwrap();
    java.wait_for("ASSIGNED mixed-0 mixed-1 mixed-2 mixed-3", PATIENCE)
        .unwrap();
    java.stop(PATIENCE).unwrap();
}

#[test]
fn members_of_older_brokers_share_and_resume_and_leave() {
    for version in [KafkaVersion::V2_8_2, KafkaVersion::V3_9_1] {
        let Some(_) = kafka() else { return };
        let own = KafkaCluster::builder().version(version).start().unwrap();
        filled(&own, "older", 2, 10);
        let (first, second) = (member(&own, "older", &[]), member(&own, "older", &[]));
        first.subscribe(["older"]).unwrap();
        read(&first, 20);
        first.commit_sync().unwrap();
        second.subscribe(["older"]).unwrap();
        poll_until(&[&first, &second], "they share", || {
            first.assignment().unwrap().len() == 1 && second.assignment().unwrap().len() == 1
        });
        let share = second.assignment().unwrap();
        for partition in share {
            assert_eq!(
                second.position(&partition).unwrap(),
                Offset::new(10),
                "{version}"
            );
        }
        first.close().unwrap();
        poll_until(&[&second], "the second owns all", || {
            owns(&second, "older", &[0, 1])
        });
        second.close().unwrap();
    }
}
