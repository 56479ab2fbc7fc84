//! From a history that breaks a promise to a short one that breaks the same.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Options, Outcome, run};

/// Leaves out as many events as it can, in ever smaller groups, as long as the same guarantee stays
/// broken. Returns the outcome of the shortest history found, with its trace.
pub fn shrink(failed: &Outcome) -> Outcome {
    let Some(guarantee) = failed.violations.first().map(|first| first.guarantee) else {
        return failed.clone();
    };
    let mut options = failed.options.clone();
    let (mut runs, mut steps) = (0, 0);
    let mut size = failed.events.div_ceil(2);
    loop {
        let kept: Vec<usize> = (0..failed.events)
            .filter(|event| !options.without.contains(event))
            .collect();
        let mut is_shorter = false;
        for group in kept.chunks(size.max(1)) {
            if runs >= RUNS_MAX || steps >= STEPS_MAX {
                break;
            }
            runs += 1;
            let without: BTreeSet<usize> = options.without.iter().chain(group).copied().collect();
            let candidate = Options {
                without,
                is_traced: false,
                ..options.clone()
            };
            let outcome = run(&candidate);
            steps += outcome.steps;
            let broken = outcome.violations.iter();
            if broken
                .clone()
                .any(|violation| violation.guarantee == guarantee)
            {
                options = candidate;
                is_shorter = true;
            }
        }
        if runs >= RUNS_MAX || steps >= STEPS_MAX || (size <= 1 && !is_shorter) {
            break;
        }
        size = if is_shorter { size } else { size / 2 };
    }
    options.is_traced = true;
    run(&options)
}

/// The line that runs this again and tells everything.
pub fn replay_line(options: &Options) -> String {
    let Options { seed, without, .. } = options;
    let mut text = format!("WEFT_SIM_SEED={seed}");
    if !without.is_empty() {
        let without: Vec<String> = without.iter().map(ToString::to_string).collect();
        let _ = write!(text, " WEFT_SIM_WITHOUT={}", without.join(","));
    }
    text.push_str(" cargo test -p weft-tests --test sim no_seed -- --nocapture");
    text
}

/// A failed outcome as people read it: the line that replays it, what is broken, and what happened.
pub fn report(outcome: &Outcome) -> String {
    let seed = outcome.options.seed;
    let mut text = replay_line(&outcome.options);
    text.push('\n');
    let elided = outcome.trace.len().saturating_sub(2 * TRACE_END_LINES);
    for (number, line) in outcome.trace.iter().enumerate() {
        if elided > 0 && number == TRACE_END_LINES {
            let _ = writeln!(text, "  ... {elided} lines ...");
        }
        if !(TRACE_END_LINES..TRACE_END_LINES + elided).contains(&number) {
            let _ = writeln!(text, "  {line}");
        }
    }
    for violation in &outcome.violations {
        let _ = writeln!(text, "seed {seed} breaks {violation}");
    }
    text
}

/// So many lines of a long history are shown, of its beginning and of its end.
const TRACE_END_LINES: usize = 150;

/// So many histories are tried at most,
const RUNS_MAX: usize = 400;

/// and so many steps are spent on them: seconds, half a minute without optimisation.
const STEPS_MAX: u64 = 5_000_000;
