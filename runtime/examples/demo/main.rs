//! Both patterns on one topic, side by side: starts a broker, writes records, reads them with each
//! pattern, and prints whether order was kept and whether what was committed is what was handled.
//!
//! `cargo run --release --example demo` uses the embedded broker, `-- --kafka` a real one, and
//! `-- --bootstrap host:port --topic t --group g` a cluster and a topic of yours, which it only
//! reads.

mod cluster;
mod judge;
mod options;
mod pattern;
mod table;
mod topic;

use std::error::Error as StdError;
use std::process::ExitCode;

use clap::Parser;

use cluster::Cluster;
use options::Options;
use pattern::{Outcome, Pattern};
use topic::Topic;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(outcomes) => {
            print!("\n{}", table::print(&outcomes));
            if outcomes.iter().all(Outcome::is_sound) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("error: {}", explain(&*error));
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

fn run(options: &Options) -> Result<Vec<Outcome>, Box<dyn StdError>> {
    let cluster = Cluster::open(options)?;
    let topic = if options.bootstrap.is_some() {
        Topic::find(options, &cluster.bootstrap())?
    } else {
        Topic::make(options, &cluster.bootstrap())?
    };
    println!("{topic}");
    let mut outcomes = Vec::new();
    for pattern in Pattern::both(options) {
        outcomes.push(pattern.run(options, &cluster.bootstrap(), &topic)?);
    }
    Ok(outcomes)
}
