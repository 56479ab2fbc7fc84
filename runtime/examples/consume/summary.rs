//! What happened, as one line of JSON.

use std::fmt::Write as _;

use weft_client::Error;
use weft_runtime::{RuntimeHandle, Stats};

use crate::options::{Options, Pattern};
use crate::probe::Probe;
use crate::record_log::Recording;

pub(crate) struct Summary {
    pattern: &'static str,
    pollers: usize,
    threads: usize,
    order: String,
    partitions: usize,
    stats: Stats,
    seconds: f64,
    duplicates: Option<u64>,
    repeated: u64,
    committed: Option<u64>,
    pub(crate) error: Option<Error>,
}

impl Summary {
    pub(crate) fn new(
        options: &Options,
        runtime: &RuntimeHandle,
        ended: Result<u64, Error>,
        recording: &Recording,
        probe: &Probe,
    ) -> Self {
        let (pattern, pollers, threads, order) = match options.pattern {
            Pattern::PerThread => (
                "per-thread",
                options.threads,
                options.threads,
                "partition".into(),
            ),
            Pattern::WorkerPool => {
                let order = format!("{:?}", options.order).to_lowercase();
                ("worker-pool", options.pollers, options.workers, order)
            }
        };
        let repeated = *ended.as_ref().unwrap_or(&0);
        Self {
            pattern,
            pollers,
            threads,
            order,
            partitions: probe.partitions(),
            stats: runtime.stats(),
            seconds: recording.seconds(),
            duplicates: recording.duplicates(),
            repeated,
            committed: probe.progress(),
            error: ended.err(),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let stats = &self.stats;
        let rate = if self.seconds > 0.0 {
            stats.handled as f64 / self.seconds
        } else {
            0.0
        };
        let null = || "null".to_owned();
        let number = |value: Option<u64>| value.map_or_else(null, |n| n.to_string());
        let mut json = format!(
            "{{\"pattern\":\"{}\",\"order\":\"{}\",\"consumers\":{},\"threads\":{},",
            self.pattern, self.order, self.pollers, self.threads
        );
        for (name, value) in [
            ("partitions", self.partitions as u64),
            ("records", stats.handled),
            ("polled", stats.polled),
            ("failures", stats.failed),
            ("retried", stats.retried),
            ("skipped", stats.skipped),
            ("panics", stats.panicked),
            ("commits", stats.commits),
            ("commit_failures", stats.commit_failures),
            ("rebalances", stats.rebalances),
            ("fenced", stats.fenced),
            ("discarded", stats.discarded),
            ("repeated", self.repeated),
        ] {
            let _ = write!(json, "\"{name}\":{value},");
        }
        let _ = write!(
            json,
            "\"committed\":{},\"duplicates\":{},\"seconds\":{:.3},\"rate\":{rate:.0},",
            number(self.committed),
            number(self.duplicates),
            self.seconds,
        );
        let _ = write!(
            json,
            "\"error\":{}}}",
            self.error
                .as_ref()
                .map_or_else(null, |error| quote(&error.to_string())),
        );
        json
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
