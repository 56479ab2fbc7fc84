//! The rules of the house that a machine can check: lengths, purity, dependencies, words, and what
//! the pages of `docs` name.

#[path = "tidy/behaviour.rs"]
mod behaviour;
#[path = "tidy/configuration.rs"]
mod configuration;
#[path = "tidy/consumer_api.rs"]
mod consumer_api;
#[path = "tidy/tracing.rs"]
mod tracing;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a source file before its inline tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function, from its signature to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Columns of a line.
const COLUMNS_MAX: usize = 100;

/// Modules that know no clock, socket, thread or lock: what they need is handed to them.
const PURE: &[&str] = &[
    "client/src/ids.rs",
    "client/src/backoff.rs",
    "client/src/error.rs",
    "client/src/wire",
    "client/src/record",
    "client/src/connection",
    "client/src/cluster",
    "client/src/producer/accumulator.rs",
    "client/src/producer/batch.rs",
    "client/src/producer/config.rs",
    "client/src/producer/exchange.rs",
    "client/src/producer/partitioner.rs",
    "client/src/producer/record.rs",
    "client/src/producer/sender.rs",
    "client/src/producer/topics.rs",
    "client/src/admin/call.rs",
    "client/src/admin/coordinator.rs",
    "client/src/admin/describe.rs",
    "client/src/admin/groups.rs",
    "client/src/admin/offsets.rs",
    "client/src/admin/outcome.rs",
    "client/src/admin/topics.rs",
    "consumer/src/core.rs",
    "consumer/src/core",
    "consumer/src/lane.rs",
    "consumer/src/record.rs",
    "consumer/src/subscription",
    "consumer/src/position",
    "consumer/src/fetch",
    "consumer/src/group",
    "consumer/src/assign",
    "consumer/src/metrics/coordinator.rs",
    "consumer/src/metrics/definition.rs",
    "consumer/src/metrics/fetching.rs",
    "consumer/src/metrics/network.rs",
    "consumer/src/metrics/page.rs",
    "consumer/src/metrics/polling.rs",
    "consumer/src/metrics/recorder.rs",
    "consumer/src/metrics/sampled.rs",
    "consumer/src/metrics/snapshot.rs",
    "runtime/src/ledger",
    "runtime/src/retry",
    "runtime/src/route.rs",
    "runtime/src/flow.rs",
    "runtime/src/commit.rs",
    "runtime/src/per_thread/keep_alive.rs",
    "runtime/src/per_thread/progress.rs",
    "runtime/src/per_thread/stride.rs",
    "runtime/src/worker_pool/intake.rs",
    "runtime/src/worker_pool/lanes",
    "runtime/src/worker_pool/pace.rs",
    "testcontainers/src/mock/core",
    "testcontainers/src/proxy/flow.rs",
    "testcontainers/src/proxy/impairment.rs",
    "testcontainers/src/mock/script",
    "tests/src/differential/allowed.rs",
    "tests/src/differential/case.rs",
    "tests/src/differential/cases",
    "tests/src/differential/normal.rs",
    "tests/src/differential/question.rs",
    "tests/src/differential/tree.rs",
    "tests/src/differential/verdict.rs",
    "tests/src/guarantee",
    "tests/src/outside/kcat.rs",
    "tests/src/outside/story.rs",
];

/// What a pure module may not name.
const IMPURE_WORDS: &[&str] = &[
    "Instant::now",
    "SystemTime",
    "host::",
    "std::thread",
    "thread::",
    "std::net",
    "std::fs",
    "mio::",
    "socket2::",
    "Mutex",
    "RwLock",
    "Condvar",
];

/// Which of our packages each package may depend on. Development dependencies are free: examples
/// and tests look at brokers.
const EDGES: &[(&str, &[&str])] = &[
    ("client", &[]),
    ("consumer", &["weft-client"]),
    ("runtime", &["weft-client", "weft-consumer"]),
    ("testcontainers", &["weft-client"]),
    (
        "tests",
        &[
            "weft-client",
            "weft-consumer",
            "weft-runtime",
            "weft-testcontainers",
        ],
    ),
    (
        "hostile",
        &["weft-client", "weft-consumer", "weft-testcontainers"],
    ),
    (
        "benches",
        &[
            "weft-client",
            "weft-consumer",
            "weft-runtime",
            "weft-testcontainers",
        ],
    ),
];

/// Names that say nothing, and marks of unfinished work.
const BANNED: &[&str] = &[
    "mod util",
    "mod helper",
    "Manager {",
    "Helper {",
    "fn get_",
    "fn do_",
    "todo!(",
    "unimplemented!(",
    "dbg!(",
    "#[ignore",
    "TODO",
    "FIXME",
    "#[allow(",
    "#![allow(",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
        .into()
}

struct Source {
    name: String,
    text: String,
}

impl Source {
    /// The lines before the inline tests.
    fn production(&self) -> Vec<&str> {
        let is_test_file = self.name.contains("/tests/")
            || self.name.ends_with("/tests.rs")
            || self.name.ends_with("_tests.rs");
        if is_test_file {
            return Vec::new();
        }
        self.text
            .lines()
            .take_while(|line| line.trim_end() != "#[cfg(test)]")
            .collect()
    }

    fn is_pure(&self) -> bool {
        PURE.iter().any(|pure| {
            self.name == *pure
                || self
                    .name
                    .strip_prefix(pure)
                    .is_some_and(|r| r.starts_with('/'))
        })
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = EDGES
        .iter()
        .map(|(package, _)| root.join(package))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the tree is readable") {
            let path = entry.expect("the tree is readable").path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .expect("below the root")
                    .display()
                    .to_string();
                let text = fs::read_to_string(&path).expect("source files are UTF-8");
                found.push(Source { name, text });
            }
        }
    }
    assert!(
        found.len() > 50,
        "the walk finds the sources, not just {}",
        found.len()
    );
    found
}

/// Fails with all complaints at once.
fn refuse(complaints: &[String]) {
    let mut text = String::new();
    for complaint in complaints {
        let _ = writeln!(text, "  {complaint}");
    }
    assert!(complaints.is_empty(), "the house rules are broken:\n{text}");
}

/// Functions of rustfmt-formatted source, as (signature line, number of lines).
fn functions<'a>(lines: &[&'a str]) -> Vec<(&'a str, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let head = code.split("fn ").next().unwrap_or("");
        let is_function = code.contains("fn ")
            && !code.starts_with("//")
            && head
                .split_whitespace()
                .all(|word| word.starts_with("pub") || matches!(word, "const" | "in"));
        if !is_function || code.ends_with(['}', ';']) {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(line.len() - code.len()));
        if let Some(length) = lines[start..]
            .iter()
            .position(|candidate| **candidate == *closing)
        {
            found.push((code, length + 1));
        }
    }
    found
}

#[test]
fn files_functions_and_lines_stay_short() {
    let mut complaints = Vec::new();
    for source in sources() {
        let lines = source.production();
        if lines.len() > FILE_LINES_MAX {
            complaints.push(format!("{}: {} lines", source.name, lines.len()));
        }
        for (name, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                complaints.push(format!("{}: `{name}` has {length} lines", source.name));
            }
        }
        for (number, line) in source.text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX {
                complaints.push(format!("{}:{}: a long line", source.name, number + 1));
            }
        }
    }
    refuse(&complaints);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let complaints: Vec<_> = sources()
        .iter()
        .filter(|source| !source.production().is_empty() && !source.text.starts_with("//!"))
        .map(|source| format!("{}: has no module header", source.name))
        .collect();
    refuse(&complaints);
}

#[test]
fn pure_modules_know_no_clock_socket_thread_or_lock() {
    let mut complaints = Vec::new();
    let mut checked = 0;
    for source in sources().iter().filter(|source| source.is_pure()) {
        checked += 1;
        for (number, line) in source.production().iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for word in IMPURE_WORDS.iter().filter(|word| code.contains(**word)) {
                complaints.push(format!("{}:{}: names `{word}`", source.name, number + 1));
            }
            if code.contains("disallowed_") {
                complaints.push(format!(
                    "{}:{}: lifts a purity lint",
                    source.name,
                    number + 1
                ));
            }
        }
    }
    assert!(checked > 20, "only {checked} pure files were found");
    refuse(&complaints);
}

#[test]
fn packages_depend_only_inwards() {
    let mut complaints = Vec::new();
    for (package, allowed) in EDGES {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml"))
            .expect("every package has a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap_or("");
        for line in dependencies
            .lines()
            .filter(|line| line.starts_with("weft-"))
        {
            let name = line.split(['.', ' ', '=']).next().unwrap_or("");
            if !allowed.contains(&name) {
                complaints.push(format!("{package}/Cargo.toml: may not depend on {name}"));
            }
        }
    }
    refuse(&complaints);
}

#[test]
fn names_say_something_and_nothing_is_left_unfinished() {
    let mut complaints = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.name != "tests/tests/tidy.rs")
    {
        for (number, line) in source.text.lines().enumerate() {
            for word in BANNED.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("{}:{}: `{word}`", source.name, number + 1));
            }
        }
    }
    refuse(&complaints);
}

#[test]
fn the_function_finder_measures_functions() {
    let lines = [
        "    pub fn a(",
        "        x: u8,",
        "    ) -> u8 {",
        "        x",
        "    }",
        "}",
    ];
    assert_eq!(functions(&lines), [("pub fn a(", 5)]);
    assert_eq!(functions(&["fn one() {}", "fn declared();"]), []);
}
