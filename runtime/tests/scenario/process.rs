//! The example `consume` as a process that is killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Builds the example as this test was built, and says where it is.
fn example() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(|deps| deps.parent()).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "consume"]);
    cargo.args([
        "--manifest-path",
        concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
    ]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    assert!(
        cargo.status().unwrap().success(),
        "the example is not built"
    );
    target.join("examples").join("consume")
}

/// Runs the example, kills it so many times in the middle, then lets it run to the end of the
/// topic. Returns the log of all runs.
pub(crate) fn run_killed(bootstrap: &str, topic: &str, arguments: &[&str], kills: u32) -> String {
    let log = std::env::temp_dir().join(format!("weft-{topic}.log"));
    let example = example();
    let start = || start(&example, bootstrap, topic, arguments, &log);
    let mut lines = 0;
    for _ in 0..kills {
        let mut child = start();
        lines = wait_for_lines(&log, lines + 500, &mut child);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let child = start();
    let output = child.wait_with_output().unwrap();
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{summary}");
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    text
}

fn start(example: &Path, bootstrap: &str, topic: &str, arguments: &[&str], log: &Path) -> Child {
    Command::new(example)
        .args(["--bootstrap", bootstrap, "--topic", topic, "--group", topic])
        .args(["--until-end", "--set", "session.timeout.ms=6000"])
        .args(["--set", "heartbeat.interval.ms=500", "--log"])
        .arg(log)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait_for_lines(log: &Path, lines: usize, child: &mut Child) -> usize {
    let give_up_at = Instant::now() + Duration::from_secs(60);
    loop {
        let found = fs::read_to_string(log).map_or(0, |text| text.lines().count());
        if found >= lines {
            return found;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "the example ended early: {ended:?}");
        assert!(Instant::now() < give_up_at, "{found} of {lines} lines");
        thread::sleep(Duration::from_millis(10));
    }
}
