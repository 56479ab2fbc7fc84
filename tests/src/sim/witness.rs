//! What a plain consumer's own methods tell, compared with what is so in the world: records belong
//! to partitions that are owned and follow each other, acknowledged commits are there, and
//! questions are answered with the truth of some moment while they ran.

use std::collections::BTreeSet;

use weft_client::{Error, Offset, TopicPartition};
use weft_consumer::{Consumer, ConsumerRecords, Offsets};

use super::history::number_of;
use super::world::{World, with};

/// Goes back, pauses and resumes as the world wishes; tells what is paused.
pub(super) fn follow_wishes(
    process: usize,
    consumer: &Consumer,
) -> Result<BTreeSet<TopicPartition>, Error> {
    let (is_rewinding, is_pausing) = with(|world| {
        let mut inner = world.inner.borrow_mut();
        let now = inner.now;
        let state = &mut inner.processes[process];
        let is_rewinding = std::mem::take(&mut state.is_rewinding);
        (is_rewinding, now < state.paused_until)
    });
    let owned = consumer.assignment()?;
    if is_rewinding && let Ok(committed) = consumer.committed(&owned) {
        for (partition, offset) in committed {
            if let Some(offset) = offset {
                consumer.seek(&partition, offset.offset)?;
                with(|world| note_rewinding(world, process, &partition));
            }
        }
    }
    let paused = consumer.paused()?;
    if is_pausing && paused.is_empty() {
        consumer.pause(&owned)?;
    } else if !is_pausing && !paused.is_empty() {
        consumer.resume(&paused)?;
    }
    consumer.paused()
}

fn note_rewinding(world: &World, process: usize, partition: &TopicPartition) {
    let mut inner = world.inner.borrow_mut();
    let number = number_of(partition.topic().as_str(), partition.partition());
    inner.processes[process].expected.remove(&number);
    inner.history.rewound.insert(number);
}

/// Checks what a poll has returned.
pub(super) fn check_records(
    process: usize,
    consumer: &Consumer,
    records: &ConsumerRecords,
    paused: &BTreeSet<TopicPartition>,
) {
    let owned = consumer.assignment().unwrap_or_default();
    // A rebalance inside of the poll may have ended a pause together with the assignment.
    let still_paused = consumer.paused().unwrap_or_default();
    for run in records.runs() {
        let partition = run.topic_partition();
        let offsets: Vec<Offset> = run.into_iter().map(|record| record.offset()).collect();
        if !with(|world| world.is_alive(process)) {
            return;
        }
        if !owned.contains(partition) {
            let text = format!("p{process} was given {partition}, which it does not own");
            with(|world| world.complain("records of what is owned", &text));
        }
        if paused.contains(partition) && still_paused.contains(partition) {
            let text = format!("p{process} was given {partition}, which is paused");
            with(|world| world.complain("nothing of what is paused", &text));
        }
        with(|world| follow(world, process, partition, &offsets));
    }
}

/// Checks that records follow those that were given before.
fn follow(world: &World, process: usize, partition: &TopicPartition, offsets: &[Offset]) {
    let mut inner = world.inner.borrow_mut();
    let number = number_of(partition.topic().as_str(), partition.partition());
    let is_shortened = inner.history.shortened.contains(&number);
    let mut next = inner.processes[process].expected.get(&number).copied();
    for offset in offsets {
        if let Some(expected) = next
            && *offset != inner.history.next_given(number, expected)
            && !is_shortened
        {
            let text = format!("p{process} was given {partition}@{offset} and not {expected}");
            inner.complain("records follow each other", &text);
        }
        next = Some(offset.next());
    }
    if let Some(next) = next {
        inner.processes[process].expected.insert(number, next);
    }
}

/// Checks that what was acknowledged is committed.
pub(super) fn check_acknowledged(process: usize, offsets: &Offsets) {
    with(|world| {
        let mut inner = world.inner.borrow_mut();
        if !inner.processes[process].is_alive {
            return;
        }
        for (partition, offset) in offsets {
            let number = number_of(partition.topic().as_str(), partition.partition());
            let committed = inner.history.committed.get(&number).copied();
            if committed.is_none_or(|committed| committed < offset.offset) {
                let text = format!(
                    "p{process} was told that {partition}@{} is committed, and {committed:?} is",
                    offset.offset
                );
                inner.complain("acknowledged commits are there", &text);
            }
        }
    });
}

/// Asks now and then, and compares.
pub(super) fn look_up(process: usize, consumer: &Consumer) {
    let is_time = with(|world| world.inner.borrow_mut().random.below(12) == 0);
    let owned = consumer.assignment().unwrap_or_default();
    if !is_time || owned.is_empty() {
        return;
    }
    let before: Vec<Known> = owned.iter().map(known).collect();
    match consumer.committed(&owned) {
        Ok(committed) => {
            for (partition, before) in owned.iter().zip(&before) {
                let told = committed.get(partition).cloned().flatten();
                let told = told.map(|told| told.offset);
                let range = (before.0, known(partition).0);
                check_between(process, "committed offset", partition, (told, range));
            }
        }
        Err(error) => with(|world| world.saw_error(process, "committed", &error)),
    }
    let before: Vec<Known> = owned.iter().map(known).collect();
    match consumer.end_offsets(&owned) {
        Ok(ends) => {
            for (partition, before) in owned.iter().zip(&before) {
                let told = ends.get(partition).copied();
                let range = (before.1, known(partition).1);
                check_between(process, "end offset", partition, (told, range));
            }
        }
        Err(error) => with(|world| world.saw_error(process, "end_offsets", &error)),
    }
}

/// What is committed of a partition, and where what is stable ends.
type Known = (Option<Offset>, Option<Offset>);

fn known(partition: &TopicPartition) -> Known {
    with(|world| {
        let inner = world.inner.borrow();
        let number = number_of(partition.topic().as_str(), partition.partition());
        let committed = inner.history.committed.get(&number).copied();
        (committed, inner.history.stable.get(&number).copied())
    })
}

/// What was told, and what it was at least and at most.
type Told = (Option<Offset>, (Option<Offset>, Option<Offset>));

fn check_between(process: usize, what: &str, partition: &TopicPartition, answer: Told) {
    let (told, (least, most)) = answer;
    with(|world| {
        if world.is_alive(process) && (told < least || told > most) {
            let text = format!(
                "p{process} was told {told:?} as {what} of {partition}, not {least:?} to {most:?}"
            );
            world.complain("questions are answered with the truth", &text);
        }
    });
}
