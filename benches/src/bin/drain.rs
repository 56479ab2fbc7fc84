//! Reads a topic from beginning to end and prints one line of JSON. See `benches/README.md`.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use weft_benches::drain::{Drained, Looks, Mode, drain};
use weft_client::{Error, ErrorKind};
use weft_consumer::ConsumerConfig;

/// Reads a topic from beginning to end by assignment, and prints what it cost as a line of JSON.
#[derive(Debug, Parser)]
struct Options {
    /// The brokers to ask first
    #[arg(long, value_name = "HOST:PORT")]
    bootstrap: String,
    /// The topic to read
    #[arg(long)]
    topic: String,
    /// With the consumer, or with nothing but fetches and checksums
    #[arg(long, value_enum)]
    mode: ModeName,
    /// Any option of a consumer, such as max.poll.records=5000
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Look at keys too (mode poll)
    #[arg(long)]
    touch_key: bool,
    /// Look at headers too (mode poll)
    #[arg(long)]
    touch_headers: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ModeName {
    Poll,
    Raw,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(drained) => {
            println!("{}", json(&drained));
            ExitCode::SUCCESS
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

fn run(options: &Options) -> Result<Drained, Error> {
    let mut builder = ConsumerConfig::builder()
        .set("bootstrap.servers", &options.bootstrap)
        .set("default.api.timeout.ms", "30000");
    for setting in &options.settings {
        let Some((key, value)) = setting.split_once('=') else {
            let text = format!("--set {setting}: write key=value");
            return Err(Error::new(ErrorKind::Configuration, text));
        };
        builder = builder.set(key, value);
    }
    let mode = match options.mode {
        ModeName::Poll => Mode::Poll,
        ModeName::Raw => Mode::Raw,
    };
    let looks = Looks {
        key: options.touch_key,
        headers: options.touch_headers,
    };
    drain(&builder.build()?, &options.topic, mode, looks)
        .map_err(|error| error.with_context(format!("cannot drain from {}", options.bootstrap)))
}

fn json(drained: &Drained) -> String {
    let hwm_kib = high_water_mark_kib().unwrap_or(0);
    format!(
        "{{\"records\":{},\"bytes\":{},\"wall_s\":{:.6},\"user_s\":{:.6},\"sys_s\":{:.6},\
         \"hwm_kib\":{hwm_kib},\"fetches\":{}}}",
        drained.records,
        drained.bytes,
        drained.wall.as_secs_f64(),
        drained.cpu.user.as_secs_f64(),
        drained.cpu.system.as_secs_f64(),
        drained.fetches,
    )
}

/// The most memory that the process ever had, where the system tells it as Linux does.
fn high_water_mark_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
