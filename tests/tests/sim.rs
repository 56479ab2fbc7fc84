//! The simulator over many seeds: 1,000 unless `WEFT_SIM_SEEDS` says how many, from
//! `WEFT_SIM_FIRST` on. `WEFT_SIM_SEED` runs one and prints its history, without the events that
//! `WEFT_SIM_WITHOUT` names. `WEFT_SIM_FIND` tells the seeds whose coverage contains a text.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "real threads share the seeds, and the time that they take is told"
)]

use std::collections::BTreeSet;
use std::env;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use weft_tests::sim::{Coverage, Options, Outcome, Planted, replay_line, report, shrink};

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.replace('_', "").parse();
    Some(number.unwrap_or_else(|_| panic!("{name} must be a number, and is {text:?}")))
}

/// The simulations that are under way, and since when.
static RUNNING: Mutex<Vec<(ThreadId, Options, Instant)>> = Mutex::new(Vec::new());

/// Does something about a simulation, and ends this program with the line that replays it if that
/// takes too long in real time: a thread that loops without asking its host for anything cannot be
/// left from inside of a simulation.
fn watched<T>(options: &Options, body: impl FnOnce() -> T) -> T {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        thread::spawn(watch);
    });
    let running = || RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let thread = thread::current().id();
    running().push((thread, options.clone(), Instant::now()));
    let result = body();
    running().retain(|(running, ..)| *running != thread);
    result
}

fn watch() {
    loop {
        thread::sleep(Duration::from_secs(1));
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let late = running
            .iter()
            .find(|(_, _, began)| began.elapsed() > REAL_TIME_MAX);
        if let Some((_, options, began)) = late {
            println!("{}", replay_line(options));
            println!("no end within {:?} of real time", began.elapsed());
            process::exit(1);
        }
    }
}

fn run(options: &Options) -> Outcome {
    watched(options, || weft_tests::sim::run(options))
}

/// A simulation takes some milliseconds, and to shorten one a minute at most.
const REAL_TIME_MAX: Duration = Duration::from_secs(150);

/// Runs seeds on all processors until one fails.
fn run_seeds(first: u64, count: u64) -> (Coverage, Option<Outcome>, u64) {
    let next = AtomicU64::new(first);
    let found = Mutex::new((Coverage::default(), None::<Outcome>, 0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = number("WEFT_SIM_THREADS").map_or(threads, |number| number as usize);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let outcome = run(&Options {
                        seed,
                        ..Options::default()
                    });
                    if let Ok(text) = env::var("WEFT_SIM_FIND")
                        && outcome.coverage.to_string().contains(&text)
                    {
                        println!("seed {seed} went through {text}");
                    }
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.0.add(&outcome.coverage);
                    found.2 += outcome.handled as u64;
                    if !outcome.violations.is_empty() {
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                        let earlier = found.1.as_ref().map(|earlier| earlier.options.seed);
                        if earlier.is_none_or(|earlier| seed < earlier) {
                            found.1 = Some(outcome);
                        }
                    }
                }
            });
        }
    });
    let (coverage, failed, handled) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    (coverage, failed, handled)
}

/// A thousand seeds go through at least this much; less means that the simulator has lost sight of
/// something.
fn check_coverage(coverage: &Coverage) {
    let least = [
        ("answer", 30),
        ("assignor", 4),
        ("callback", 3),
        ("error", 9),
        ("fault", 36),
        ("group state x request", 20),
        ("handler", 1),
        ("program", 12),
        ("refusal", 30),
        ("release", 24),
        ("spoilt", 60),
    ];
    for (kind, least) in least {
        let variety = coverage.variety(kind);
        assert!(
            variety >= least,
            "{kind}: {variety} of at least {least}\n{coverage}"
        );
    }
}

#[test]
fn no_seed_breaks_a_promise() {
    if let Some(seed) = number("WEFT_SIM_SEED") {
        let without = env::var("WEFT_SIM_WITHOUT").unwrap_or_default();
        let without = without.split(',').filter(|text| !text.is_empty());
        let without: BTreeSet<usize> = without.map(|text| text.parse().unwrap()).collect();
        let outcome = run(&Options {
            seed,
            without,
            is_traced: true,
            planted: None,
        });
        println!("{}", report(&outcome));
        assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
        return;
    }
    let count = number("WEFT_SIM_SEEDS").unwrap_or(1_000);
    let first = number("WEFT_SIM_FIRST").unwrap_or(1);
    let began = Instant::now();
    let (coverage, failed, handled) = run_seeds(first, count);
    if let Some(failed) = failed {
        let shrunk = watched(&failed.options, || shrink(&failed));
        panic!("{}", report(&shrunk));
    }
    println!("{coverage}");
    if count >= 1_000 {
        check_coverage(&coverage);
    }
    println!(
        "{count} seeds from {first} on, {handled} records handled, in {:?}",
        began.elapsed()
    );
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [1, 17, 400] {
        let options = Options {
            seed,
            ..Options::default()
        };
        let (one, other) = (run(&options), run(&options));
        assert_eq!(one, other);
        assert!(one.handled > 0);
    }
}

#[test]
fn threads_that_spin_end_the_simulation() {
    let spinning = [
        (Planted::NeverWaits, "spinner never waits"),
        (
            Planted::WaitsForNothing,
            "threads wake each other, spinner among them",
        ),
    ];
    for (planted, text) in spinning {
        let failed = run(&Options {
            seed: 3,
            planted: Some(planted),
            ..Options::default()
        });
        let first = failed.violations.first().map(ToString::to_string);
        assert_eq!(first.as_deref(), Some(&*format!("no spinning: {text}")));
        assert!(failed.took < Duration::from_secs(3), "{:?}", failed.took);
        // The next one is not disturbed by the threads that were left where they were.
        let next = run(&Options {
            seed: 4,
            ..Options::default()
        });
        assert_eq!(next.violations, []);
    }
}

#[test]
fn a_broken_promise_is_reported_in_one_line_and_as_a_short_history() {
    let failed = run(&Options {
        seed: 3,
        planted: Some(Planted::Forgotten(0)),
        ..Options::default()
    });
    assert!(!failed.violations.is_empty());
    let shrunk = shrink(&failed);
    let happened = shrunk.events - shrunk.options.without.len();
    // Somebody writes, somebody reads, and the end.
    assert!(happened <= 3, "{}", report(&shrunk));
    let text = report(&shrunk);
    assert!(text.contains("WEFT_SIM_SEED=3 WEFT_SIM_WITHOUT="), "{text}");
}
