//! Shell: the example `consume` as a process of its own, which scenarios start, signal and kill.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use weft_client::Offset;

use crate::cluster::{Cluster, lane_of_key};
use crate::ensure;
use crate::failure::Failure;
use crate::guarantee::{Handled, Instance, Lane, Tick};
use crate::program::{Order, Pattern};
use crate::wait::{self, Look};

/// A running `consume`. Dropping it kills it.
#[derive(Debug)]
pub struct ConsumeProcess {
    child: Option<Child>,
    log: PathBuf,
}

/// A log that processes append to, removed when dropped.
#[derive(Debug)]
pub struct RecordLog(PathBuf);

/// What a process that ended said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Ended {
    /// The last line of its standard output.
    ///
    /// # Errors
    ///
    /// If that is not JSON.
    pub fn summary(&self) -> Result<Value, Failure> {
        let last = self.stdout.lines().last().unwrap_or_default();
        let parsed = serde_json::from_str(last);
        parsed.map_err(|error| Failure::from(error).during(format!("{self:?}")))
    }
}

impl RecordLog {
    /// An empty log of this name.
    pub fn new(name: &str) -> Self {
        let file = format!("{name}-{}.log", std::process::id());
        let path = env::temp_dir().join(file);
        // It is there only if a process with the same id died here before.
        let _ = fs::remove_file(&path);
        Self(path)
    }

    /// How many whole lines there are.
    pub fn lines(&self) -> usize {
        let text = fs::read(&self.0).unwrap_or_default();
        text.iter().filter(|byte| **byte == b'\n').count()
    }

    /// What was handled according to the lines from the one with this index on, by `instance`.
    ///
    /// # Errors
    ///
    /// If a line is not as the example writes it.
    pub fn history(
        &self,
        from: usize,
        instance: Instance,
        pattern: Pattern,
    ) -> Result<Vec<Handled>, Failure> {
        let text = fs::read_to_string(&self.0)?;
        let lines = text.lines().skip(from);
        lines.map(|line| handled(line, instance, pattern)).collect()
    }
}

impl Drop for RecordLog {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans the temporary directory.
        let _ = fs::remove_file(&self.0);
    }
}

fn handled(line: &str, instance: Instance, pattern: Pattern) -> Result<Handled, Failure> {
    let words: Vec<&str> = line.split(' ').collect();
    let [started, ended, partition, offset, key] = words[..] else {
        return Err(Failure::because(format!("a line {line:?} in the log")));
    };
    let lane = match pattern {
        Pattern::Pool {
            order: Order::Key, ..
        } => lane_of_key(Some(key.as_bytes())),
        _ => Some(Lane::PARTITION),
    };
    Ok(Handled {
        instance,
        partition: partition.parse()?,
        offset: Offset::new(offset.parse()?),
        lane: lane.ok_or_else(|| Failure::because(format!("a key {key:?} in the log")))?,
        started: Tick(started.parse()?),
        ended: Tick(ended.parse()?),
    })
}

impl ConsumeProcess {
    /// Starts the example with these arguments, beside those that say where and what.
    ///
    /// # Errors
    ///
    /// If it cannot be built or started.
    pub fn start(
        cluster: &Cluster,
        (group, topic): (&str, &str),
        pattern: Pattern,
        log: &RecordLog,
        arguments: &[&str],
    ) -> Result<Self, Failure> {
        let bootstrap = cluster.bootstrap();
        let mut command = command()?;
        command
            .args([
                "--bootstrap",
                &bootstrap,
                "--group",
                group,
                "--topic",
                topic,
            ])
            .args(pattern_arguments(pattern))
            .arg("--log")
            .arg(&log.0)
            .args(arguments);
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self {
            child: Some(child),
            log: log.0.clone(),
        })
    }

    /// Waits until the log has so many lines.
    ///
    /// # Errors
    ///
    /// If it has not after `timeout`, or the process has ended, with what it said.
    pub fn wait_for_lines(
        &mut self,
        log: &RecordLog,
        count: usize,
        timeout: Duration,
    ) -> Result<(), Failure> {
        let waited = wait::until("lines in the log", timeout, || {
            let lines = log.lines();
            let child = self.child.as_mut().expect("the process has not been taken");
            if lines < count && child.try_wait()?.is_some() {
                let text = format!("it ended after {lines} lines in {}", self.log.display());
                return Err(Failure::because(text));
            }
            Ok(Look::at(lines >= count, || format!("{lines} of {count}")))
        });
        waited.map_err(|failure| {
            let child = self.child.take();
            let output = child.map(|mut child| {
                // It fails only for a process that is gone already.
                let _ = child.kill();
                child.wait_with_output()
            });
            failure.during(format!("{output:?}"))
        })
    }

    /// Ends it at once (SIGKILL), and returns what it had said when it is gone.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn kill(mut self) -> Result<Ended, Failure> {
        let child = self.child.as_mut().expect("the process has not been taken");
        child.kill()?;
        let ended = self.collect()?;
        ensure!(ended.code.is_none(), "it had ended before: {ended:?}");
        Ok(ended)
    }

    /// Asks it to end (SIGTERM), as a service manager does.
    ///
    /// # Errors
    ///
    /// If it cannot be done.
    pub fn terminate(&self) -> Result<(), Failure> {
        let child = self.child.as_ref().expect("the process has not been taken");
        let id = child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status()?;
        ensure!(status.success(), "kill ended with {status}");
        Ok(())
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// If it does not end within `timeout`.
    pub fn wait(mut self, timeout: Duration) -> Result<Ended, Failure> {
        // It prints a few lines only, for which the pipes have room.
        wait::until("the end of the process", timeout, || {
            let child = self.child.as_mut().expect("the process has not been taken");
            let ended = child.try_wait()?.is_some();
            Ok(Look::at(ended, || "it runs".to_owned()))
        })?;
        self.collect()
    }

    fn collect(&mut self) -> Result<Ended, Failure> {
        let child = self.child.take().expect("the process has not been taken");
        let output: Output = child.wait_with_output()?;
        Ok(Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Drop for ConsumeProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only for a process that is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Runs the example to its end with exactly these arguments.
///
/// # Errors
///
/// If it cannot be started, or does not end within `timeout`.
pub fn run(arguments: &[&str], timeout: Duration) -> Result<Ended, Failure> {
    let child = command()?
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let process = ConsumeProcess {
        child: Some(child),
        log: PathBuf::new(),
    };
    process.wait(timeout)
}

fn pattern_arguments(pattern: Pattern) -> Vec<String> {
    match pattern {
        Pattern::PerThread { threads } => {
            let threads = threads.to_string();
            ["--pattern", "per-thread", "--threads", &threads]
                .map(str::to_owned)
                .to_vec()
        }
        Pattern::Pool {
            pollers,
            workers,
            order,
        } => {
            let (pollers, workers) = (pollers.to_string(), workers.to_string());
            let order = match order {
                Order::Nothing => "none",
                Order::Partition => "partition",
                Order::Key => "key",
            };
            [
                "--pattern",
                "worker-pool",
                "--pollers",
                &pollers,
                "--workers",
                &workers,
                "--order",
                order,
            ]
            .map(str::to_owned)
            .to_vec()
        }
    }
}

/// The example, built once for each test process: `cargo test` for this package alone does not.
fn command() -> Result<Command, Failure> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|failure| failure.to_string()));
    let path = built
        .as_ref()
        .map_err(|text| Failure::because(text.as_str()))?;
    Ok(Command::new(path))
}

fn build() -> Result<PathBuf, Failure> {
    // This test lies in `deps` of the directory of its profile, beside which are the `examples`.
    let test = env::current_exe()?;
    let profile = test.parent().and_then(Path::parent);
    let profile = profile.ok_or_else(|| Failure::because("a test without a directory"))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--package",
            "weft-runtime",
            "--example",
            "consume",
        ])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    if profile.ends_with("release") {
        command.arg("--release");
    }
    if let Some(target) = profile.parent() {
        command.arg("--target-dir").arg(target);
    }
    let output = command.stdin(Stdio::null()).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the example is not built: {stderr}"
    );
    Ok(profile.join("examples/consume"))
}
