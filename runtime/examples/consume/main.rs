//! Consumes a topic of any cluster with either pattern, and says what it did.
//!
//! It is a tool as much as an example: for measurements, for tests that kill it, and for looking at
//! what a handler is given. `--help` lists the options.

mod options;
mod probe;
mod record_log;
mod summary;
mod warnings;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use weft_client::{Error, ErrorKind};
use weft_consumer::ConsumerConfig;
use weft_runtime::flow::Window;
use weft_runtime::{Runtime, RuntimeHandle, ShutdownHandle};

use options::{Options, Pattern};
use probe::Probe;
use record_log::Recording;
use summary::Summary;

fn main() -> ExitCode {
    let options = Options::parse();
    warnings::print_to_stderr(options.verbose);
    match run(&options) {
        Ok(summary) => {
            println!("{}", summary.to_json());
            if summary.error.is_some() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => {
            eprintln!("error: {}", explain(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and whatever is underneath, leaving out what its text tells already.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

fn run(options: &Options) -> Result<Summary, Error> {
    let config = options.consumer_config()?;
    let probe = Probe::open(options, &config)?;
    let recording = Arc::new(Recording::new(options)?);
    let runtime = start(options, config, &recording)?;
    stop_on_signals(runtime.shutdown_handle())?;
    let ended = wait(options, &probe, &runtime, &recording);
    Ok(Summary::new(options, &runtime, ended, &recording, &probe))
}

fn start(
    options: &Options,
    config: ConsumerConfig,
    recording: &Arc<Recording>,
) -> Result<RuntimeHandle, Error> {
    let recording = Arc::clone(recording);
    let handler = move || recording.handler();
    match options.pattern {
        Pattern::PerThread => {
            let mut builder = Runtime::per_thread(config)
                .topics([options.topic.as_str()])
                .threads(options.threads)
                .shutdown_timeout(options.shutdown_timeout());
            if let Some(interval) = options.commit_interval() {
                builder = builder.commit_interval(interval);
            }
            builder.start(handler)
        }
        Pattern::WorkerPool => {
            let mut builder = Runtime::worker_pool(config)
                .topics([options.topic.as_str()])
                .pollers(options.pollers)
                .workers(options.workers)
                .ordering(options.order.into())
                .shutdown_timeout(options.shutdown_timeout());
            if let Some(interval) = options.commit_interval() {
                builder = builder.commit_interval(interval);
            }
            if let Some(records) = options.window {
                builder = builder.window(Window::of(records));
            }
            if let Some(timeout) = options.drain_timeout() {
                builder = builder.drain_timeout(timeout);
            }
            builder.start(handler)
        }
    }
}

/// The first SIGTERM or SIGINT drains; the second one ends the process.
fn stop_on_signals(shutdown: ShutdownHandle) -> Result<(), Error> {
    let failed = |error| {
        let text = "signals could not be waited for";
        Error::new(ErrorKind::Io, text).with_source(error)
    };
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(failed)?;
    let wait = move || {
        for (count, signal) in signals.forever().enumerate() {
            if count > 0 {
                std::process::exit(128 + signal);
            }
            eprintln!("stopping: what was started is finished and committed");
            shutdown.shutdown();
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map_err(failed)?;
    Ok(())
}

/// Waits for the end that was asked for, the topic's or a signal's; says how many finished records
/// will be repeated.
fn wait(
    options: &Options,
    probe: &Probe,
    runtime: &RuntimeHandle,
    recording: &Recording,
) -> Result<u64, Error> {
    for look in 1.. {
        thread::park_timeout(LOOK_INTERVAL);
        recording.observe(runtime.stats().handled);
        let is_time = options.until_end && look % LOOKS_PER_QUESTION == 0;
        if runtime.is_stopping() || is_time && probe.is_at_end()? {
            break;
        }
    }
    let report = runtime.shutdown()?;
    recording.observe(runtime.stats().handled);
    if !report.stuck_threads.is_empty() {
        let text = format!("threads did not end in time: {:?}", report.stuck_threads);
        return Err(Error::new(ErrorKind::Timeout, text));
    }
    Ok(report.repeated)
}

/// How often is looked whether something was handled.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// How often the cluster is asked whether the end is reached.
const LOOKS_PER_QUESTION: u32 = 10;
