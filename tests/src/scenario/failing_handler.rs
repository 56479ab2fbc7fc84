//! Handlers that fail or panic in the middle.

use std::num::NonZeroU32;
use std::sync::Arc;

use weft_client::Offset;
use weft_consumer::ConsumerRecord;

use crate::cluster::{Cluster, fill};
use crate::ensure;
use crate::failure::{Failure, Outcome};
use crate::guarantee::Instance;
use crate::program::{Order, Pattern, Program, Settings, Verdict, recording};
use crate::recorder::{CommitWatch, Recorder, judge, wait_until_committed};
use crate::wait::PATIENCE;

/// A handler fails in the middle of a window: the program stops and says so, nothing beyond the
/// record is committed, and after a restart nothing is lost.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_failing_handler_loses_nothing(cluster: &Cluster) -> Outcome {
    for pattern in PATTERNS {
        stumble(cluster, pattern, |_| Err(REASON.to_owned()))
            .map_err(|failure| failure.during(pattern))?;
    }
    Ok(String::new())
}

/// The same for a handler that panics.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_panicking_handler_loses_nothing(cluster: &Cluster) -> Outcome {
    for pattern in PATTERNS {
        stumble(cluster, pattern, |_| panic!("{REASON}"))
            .map_err(|failure| failure.during(pattern))?;
    }
    Ok(String::new())
}

fn stumble(
    cluster: &Cluster,
    pattern: Pattern,
    stumble: fn(&ConsumerRecord<'_>) -> Verdict,
) -> Result<(), Failure> {
    let topic = cluster.create_topic("stumble", 2)?;
    let group = cluster.fresh("stumble");
    let mut witness = cluster.witness()?;
    let filled = fill(&mut witness, &topic, 4_000, KEYS)?;
    let recorder = Arc::new(Recorder::default());
    let watch = CommitWatch::start(cluster, &recorder, &group, &filled)?;
    let settings = Settings {
        group: &group,
        topic: &topic,
        client_id: "stumbling",
        pattern,
        properties: &[],
    };
    let handle = recording(&recorder, Instance(0), pattern, move |record| {
        let is_stone = (record.partition(), record.offset()) == STONE;
        if is_stone { stumble(record) } else { Ok(()) }
    });
    let program = Program::start(cluster, &settings, handle)?;
    let reason = program.wait_for_failure(PATIENCE)?;
    let place = format!("{topic}-{}", STONE.0);
    for part in [REASON, &place, &STONE.1.to_string()] {
        ensure!(reason.contains(part), "no {part} in the reason: {reason}");
    }
    let committed = witness.committed(&group, &topic, 2)?;
    let committed = committed.get(&STONE.0).copied().unwrap_or(Offset::ZERO);
    ensure!(
        committed <= STONE.1,
        "{committed} is committed beyond {}",
        STONE.1
    );
    let left = witness.group(&group)?;
    ensure!(
        left.members.is_empty(),
        "it stopped and stayed in the group: {left:?}"
    );

    let handle = recording(&recorder, Instance(1), pattern, |_| Ok(()));
    let program = Program::start(cluster, &settings, handle)?;
    wait_until_committed(&mut witness, &group, &filled, PATIENCE)?;
    program.stop()?;
    judge(&filled, &recorder.history(), &watch.stop()?)?;
    Ok(())
}

/// The record at which handlers stumble.
const STONE: (i32, Offset) = (1, Offset::new(777));

const REASON: &str = "stumbled over a stone";

const KEYS: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");

const PATTERNS: [Pattern; 3] = [
    Pattern::PerThread { threads: 2 },
    Pattern::Pool {
        pollers: 1,
        workers: 4,
        order: Order::Key,
    },
    Pattern::Pool {
        pollers: 2,
        workers: 4,
        order: Order::Nothing,
    },
];
