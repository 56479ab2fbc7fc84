//! An exhaustive search over both machines of a consumer and the lanes between them: the member,
//! the data plane, and a coordinator that may rebalance, expel, move, or lose connections at any
//! moment.
//!
//! Every order of what can happen next is tried, within a budget for what would go on for ever:
//! generations, commits, faults, deadlines. States that were seen before are not searched again.
//! After each step the promises hold (see `world`, `coordinator` and `reader`), and from a sample
//! of all states, and from each where nothing can happen any more, a world that behaves settles:
//! each command is answered, nobody waits for anybody, and the consumer owns what it was given.
//!
//! A failure prints the steps that lead to it.

mod coordinator;
mod reader;
mod steps;
mod world;

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use steps::{Budget, Step};
use world::World;

use crate::assign::RebalanceProtocol;

/// What a search went through.
#[derive(Debug, Default)]
struct Searched {
    states: HashSet<u64>,
    transitions: usize,
    settled: usize,
    longest: usize,
    steps: BTreeMap<&'static str, usize>,
}

/// Searches everything that can come of `world`.
fn search(world: World) -> Searched {
    let mut searched = Searched::default();
    searched.states.insert(world.fingerprint());
    // Depth first, with the way to each state.
    let mut open: Vec<(World, Vec<Step>)> = vec![(world, Vec::new())];
    while let Some((world, way)) = open.pop() {
        searched.longest = searched.longest.max(way.len());
        let enabled = world.enabled();
        let is_end = enabled.iter().all(|step| step.is_spontaneous());
        let is_sampled = world.fingerprint() % SETTLED_ONE_OF == 0;
        if is_end || is_sampled {
            searched.settled += 1;
            told(&way, None, || world.clone().settle());
        }
        for step in enabled {
            searched.transitions += 1;
            *searched.steps.entry(step.name()).or_default() += 1;
            let mut next = world.clone();
            told(&way, Some(step), || next.take(step));
            if searched.states.insert(next.fingerprint()) {
                let mut way = way.clone();
                way.push(step);
                open.push((next, way));
            }
            assert!(searched.states.len() <= STATES_MAX, "the search has no end");
        }
    }
    searched
}

/// Runs something, and prints how it came to it if that fails.
fn told<T>(way: &[Step], last: Option<Step>, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let steps: Vec<&Step> = way.iter().chain(&last).collect();
        println!("after {} steps: {steps:?}", steps.len());
        resume_unwind(panic)
    })
}

fn run(name: &str, protocol: RebalanceProtocol, budget: Budget) {
    let searched = search(World::new(protocol, budget));
    println!(
        "{name}: {} states, {} transitions, {} settled, at most {} steps deep; {:?}",
        searched.states.len(),
        searched.transitions,
        searched.settled,
        searched.longest,
        searched.steps,
    );
    for step in Step::all_names() {
        let is_possible = budget.allows(step);
        let count = searched.steps.get(step).copied().unwrap_or_default();
        assert_eq!(count > 0, is_possible, "{step} was taken {count} times");
    }
    assert!(searched.states.len() >= STATES_MIN, "the search is trivial");
}

const COMMITS: Budget = Budget {
    rebalances: 1,
    commits: 2,
    faults: 1,
    deadlines: 1,
    commits_when_revoked: false,
    generations: 2,
    ..Budget::NONE
};

const LOSSES: Budget = Budget {
    evictions: 1,
    commits: 1,
    silences: 1,
    deadlines: 1,
    ..Budget::NONE
};

const LIVES: Budget = Budget {
    unsubscribes: 1,
    rebalances: 1,
    commits: 1,
    deadlines: 1,
    generations: 2,
    ..Budget::NONE
};

#[test]
fn eager_commits_and_faults_in_any_order_keep_the_promises() {
    run("eager, commits", RebalanceProtocol::Eager, COMMITS);
}

#[test]
fn cooperative_commits_and_faults_in_any_order_keep_the_promises() {
    run(
        "cooperative, commits",
        RebalanceProtocol::Cooperative,
        COMMITS,
    );
}

#[test]
fn eager_losses_in_any_order_keep_the_promises() {
    run("eager, losses", RebalanceProtocol::Eager, LOSSES);
}

#[test]
fn cooperative_losses_in_any_order_keep_the_promises() {
    run(
        "cooperative, losses",
        RebalanceProtocol::Cooperative,
        LOSSES,
    );
}

#[test]
fn eager_subscriptions_that_end_in_any_order_keep_the_promises() {
    run("eager, lives", RebalanceProtocol::Eager, LIVES);
}

#[test]
fn cooperative_subscriptions_that_end_in_any_order_keep_the_promises() {
    run("cooperative, lives", RebalanceProtocol::Cooperative, LIVES);
}

/// One of so many states is also the beginning of a world that behaves.
const SETTLED_ONE_OF: u64 = 32;
const STATES_MIN: usize = 1_000;
const STATES_MAX: usize = 2_000_000;
