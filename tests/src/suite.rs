//! Shell: runs one scenario on one target, within a limit, and writes down what became of it.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: measures scenarios and ends those that hang"
)]

use std::env;
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, NoCluster, Target, check_java};
use crate::failure::Outcome;
use crate::outside::OutsideClient;
use crate::report::{self, Ran};

/// Runs a scenario. `name` is that of its function.
///
/// On a machine that cannot run the target this passes, and the report says so; with
/// `WEFT_REQUIRE_KAFKA` in the environment it fails.
///
/// # Panics
///
/// If the scenario fails, panics or exceeds [`SCENARIO_LIMIT`], or the target does not start.
pub fn run(name: &'static str, target: Target, body: fn(&Cluster) -> Outcome) {
    run_on(name, target, Cluster::start(target), body);
}

/// As [`run`] for a scenario with Java clients, which also the mock cannot do without Java.
///
/// # Panics
///
/// As [`run`].
pub fn run_with_java(name: &'static str, target: Target, body: fn(&Cluster) -> Outcome) {
    run_on(
        name,
        target,
        check_java().and_then(|()| Cluster::start(target)),
        body,
    );
}

/// As [`run`] for a scenario with a client that others wrote, which must be there too. With
/// `WEFT_REQUIRE_CLIENTS` in the environment it fails if that is not so.
///
/// # Panics
///
/// As [`run`].
pub fn run_outside(
    name: &str,
    target: Target,
    client: OutsideClient,
    body: fn(&Cluster, OutsideClient) -> Outcome,
) {
    let name = format!("{client}: {name}");
    if let Err(NoCluster::NotHere(why)) = client.prepare() {
        not_run_without(&name, &target.to_string(), why, "WEFT_REQUIRE_CLIENTS");
        return;
    }
    run_on(&name, target, Cluster::start(target), move |cluster| {
        body(cluster, client)
    });
}

/// As [`run`] for a scenario with all of these clients at once, as [`run_outside`].
///
/// # Panics
///
/// As [`run`].
pub fn run_with_all(
    name: &str,
    target: Target,
    clients: &[OutsideClient],
    body: fn(&Cluster) -> Outcome,
) {
    for client in clients {
        if let Err(NoCluster::NotHere(why)) = client.prepare() {
            not_run_without(name, &target.to_string(), why, "WEFT_REQUIRE_CLIENTS");
            return;
        }
    }
    run_on(name, target, Cluster::start(target), body);
}

fn run_on(
    name: &str,
    target: Target,
    started: Result<Cluster, NoCluster>,
    body: impl FnOnce(&Cluster) -> Outcome + Send + 'static,
) {
    let target = target.to_string();
    match started {
        Ok(cluster) => run_bounded(name, &target, move || {
            let details = body(&cluster)?;
            cluster.check_clients()?;
            Ok(details)
        }),
        Err(NoCluster::NotHere(why)) => not_run(name, &target, why),
        Err(NoCluster::Broken(failure)) => {
            report::append(&words(name), &target, &Ran::Failed, Duration::ZERO);
            panic!("{target} did not start: {failure}");
        }
    }
}

/// As [`run`] for a scenario that brings its own peers, which `target` describes.
///
/// # Panics
///
/// As [`run`].
pub fn run_bounded(name: &str, target: &str, body: impl FnOnce() -> Outcome + Send + 'static) {
    let began_at = Instant::now();
    let (sender, receiver) = sync_channel(1);
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody listens any more once the limit is exceeded.
        let _ = sender.send(body());
    });
    let scenario = spawned.unwrap_or_else(|error| panic!("no thread for {name}: {error}"));
    let outcome = receiver.recv_timeout(SCENARIO_LIMIT);
    let took = began_at.elapsed();
    let ran = match &outcome {
        Ok(Ok(details)) => Ran::Passed(details.clone()),
        _ => Ran::Failed,
    };
    report::append(&words(name), target, &ran, took);
    match outcome {
        Ok(Ok(details)) => println!("{target}: ok, {details}, {:.1} s", took.as_secs_f64()),
        Ok(Err(failure)) => panic!("{target}: {failure}"),
        Err(RecvTimeoutError::Timeout) => panic!("{target}: still running after {took:?}"),
        Err(RecvTimeoutError::Disconnected) => match scenario.join() {
            Err(panic) => resume_unwind(panic),
            Ok(()) => unreachable!("a scenario that ends without panic has sent its outcome"),
        },
    }
}

/// Reports that a scenario cannot run here.
///
/// # Panics
///
/// If `WEFT_REQUIRE_KAFKA` is in the environment.
pub fn not_run(name: &str, target: &str, why: String) {
    not_run_without(name, target, why, "WEFT_REQUIRE_KAFKA");
}

/// As [`not_run`], where another variable tells that it must run.
fn not_run_without(name: &str, target: &str, why: String, required: &str) {
    if env::var_os(required).is_some() {
        report::append(&words(name), target, &Ran::Failed, Duration::ZERO);
        panic!("{target} is required: {why}");
    }
    println!("{target}: not run: {why}");
    report::append(&words(name), target, &Ran::NotRun(why), Duration::ZERO);
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Makes a test of each scenario, a function in [`crate::scenario`], for one target: `plain` are
/// those that need nothing but the target, and `with java` those that have Java clients.
#[macro_export]
macro_rules! suite {
    (
        $target:expr,
        plain { $($module:ident :: { $($scenario:ident),+ $(,)? })* }
        with java { $($java_module:ident :: { $($java_scenario:ident),+ $(,)? })* }
    ) => {
        $($(
            #[test]
            fn $scenario() {
                let scenario = $crate::scenario::$module::$scenario;
                $crate::suite::run(stringify!($scenario), $target, scenario);
            }
        )+)*
        $($(
            #[test]
            fn $java_scenario() {
                let scenario = $crate::scenario::$java_module::$java_scenario;
                $crate::suite::run_with_java(stringify!($java_scenario), $target, scenario);
            }
        )+)*
    };
}

/// Makes a test of each scenario in [`crate::scenario::outside`] that is named, for one target and
/// each client that others wrote. `through` is a function with the parameters of [`run_outside`].
#[macro_export]
macro_rules! outside_suite {
    ($target:expr, $through:path, $scenarios:tt) => {
        $crate::outside_suite! { of kcat Kcat, $target, $through, $scenarios }
        $crate::outside_suite! { of java Java, $target, $through, $scenarios }
        $crate::outside_suite! { of kafka_python KafkaPython, $target, $through, $scenarios }
        $crate::outside_suite! { of franz_go FranzGo, $target, $through, $scenarios }
    };
    (of $module:ident $client:ident, $target:expr, $through:path, {
        $($scenario:ident),+ $(,)?
    }) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $scenario() {
                    let client = $crate::outside::OutsideClient::$client;
                    let scenario = $crate::scenario::outside::$scenario;
                    $through(stringify!($scenario), $target, client, scenario);
                }
            )+
        }
    };
}

/// The longest that a scenario may take. Each takes a fraction of this on an idle machine.
pub const SCENARIO_LIMIT: Duration = Duration::from_secs(240);
