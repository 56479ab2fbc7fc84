//! Builds the simulator in the copy, and lets it search.

#![expect(
    clippy::disallowed_methods,
    reason = "a process is waited for, and its output read meanwhile"
)]

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::copy::Copy;

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// All seeds went well.
    Nothing,
    /// A guarantee was violated: the line that replays it.
    Violation(String),
    /// The simulator did not end, or not as it ends when it finds something.
    Trouble(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing was found"),
            Self::Violation(line) => f.write_str(line),
            Self::Trouble(text) => write!(f, "trouble: {text}"),
        }
    }
}

/// How to search in a copy.
pub(crate) struct Search {
    root: PathBuf,
}

impl Search {
    pub(crate) fn in_copy(copy: &Copy) -> Self {
        Self {
            root: copy.root().to_path_buf(),
        }
    }

    /// Builds what is there now and runs it.
    pub(crate) fn run(&self, name: &str) -> Found {
        match self.build() {
            Ok(simulator) => self.search(&simulator),
            Err(text) => panic!("with {name} planted, the copy does not compile:\n{text}"),
        }
    }

    /// The path of the program that was built.
    fn build(&self) -> Result<PathBuf, String> {
        let built = self
            .cargo()
            .args(["test", "-p", "weft-tests", "--locked", "--test", "sim"])
            .args(["--no-run", "--message-format", "json"])
            .output()
            .expect("cargo runs");
        if !built.status.success() {
            return Err(String::from_utf8_lossy(&built.stderr).into_owned());
        }
        executable(&built).ok_or_else(|| "cargo named no program".to_owned())
    }

    fn cargo(&self) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", self.root.join("target"));
        cargo
    }

    fn search(&self, simulator: &Path) -> Found {
        let child = Command::new(simulator)
            .current_dir(self.root.join("tests"))
            .arg(SEARCH)
            .arg("--exact")
            .arg("--nocapture")
            .env("WEFT_SIM_SEEDS", SEEDS)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.expect("the simulator starts");
        let lines = collect(&mut child);
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().expect("the simulator is a child") {
                Some(status) => break status,
                None if begun.elapsed() > SEARCH_TIMEOUT => {
                    // It may end at this very moment.
                    child.kill().ok();
                    child.wait().ok();
                    return Found::Trouble(format!("no end within {SEARCH_TIMEOUT:?}"));
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        let text = lines.map(|lines| lines.join().unwrap_or_default()).concat();
        let replay = text.lines().find(|line| line.contains(REPLAY));
        match (status.success(), replay) {
            (true, _) => Found::Nothing,
            (false, Some(line)) => Found::Violation(line.trim().to_owned()),
            (false, None) => Found::Trouble(last_lines(&text)),
        }
    }
}

/// The program that cargo says it built, out of its messages.
fn executable(built: &Output) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(&built.stdout);
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut programs =
        messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    programs.next_back()
}

/// Reads both streams to their ends, lest the child waits for a reader.
fn collect(child: &mut Child) -> [thread::JoinHandle<String>; 2] {
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let reader = |name: &str, body: Box<dyn FnOnce() -> String + Send>| {
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(body).expect("a thread starts")
    };
    [
        reader("stdout", Box::new(move || read_all(stdout))),
        reader("stderr", Box::new(move || read_all(stderr))),
    ]
}

fn read_all(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What came before a broken pipe is worth showing.
        stream.read_to_end(&mut bytes).ok();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().rev().take(TOLD_LINES).collect();
    let lines: Vec<&str> = lines.into_iter().rev().collect();
    lines.join("\n  ")
}

/// The test of the simulator that searches.
const SEARCH: &str = "no_seed_breaks_a_promise";
/// What the line that replays a violation contains.
const REPLAY: &str = "WEFT_SIM_SEED=";
/// As many seeds as a bug may hide from.
const SEEDS: &str = "1000";
const SEARCH_TIMEOUT: Duration = Duration::from_secs(240);
const TOLD_LINES: usize = 12;
