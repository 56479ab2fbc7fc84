//! The mock cluster as a program, for tests in any language: see `weft-mock --help`.
//!
//! It starts a cluster, says where it is, and waits for its end; the cluster is the library's.

mod events;
mod options;
mod prompt;

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, channel};

use clap::Parser as _;
use weft_testcontainers::mock::script::{self, Script};
use weft_testcontainers::mock::{MockCluster, MockError, Recovery};

use events::{Event, Prompt};
use options::Options;
use prompt::Command;

fn main() -> ExitCode {
    let options = Options::parse();
    let (sender, events) = channel();
    let failed = sender.clone();
    let prompt = if options.prompt {
        Prompt::Yes
    } else {
        Prompt::No
    };
    let watched =
        events::watch_signals(sender.clone()).and_then(|()| events::watch_input(prompt, sender));
    if let Err(error) = watched {
        tell(&format!("error: cannot wait for signals: {error}"));
        return ExitCode::from(CANNOT_START);
    }
    let script = match options.script.as_deref().map(read_script).transpose() {
        Ok(script) => script,
        Err(error) => {
            tell(&format!("error: {error}"));
            return ExitCode::from(CANNOT_START);
        }
    };
    let builder = options
        .builder()
        .on_violation(|violation| tell(&format!("violation: {violation}")))
        .on_failure(move |failure| {
            tell(&format!("error: {failure}"));
            // It may be ending already.
            let _ = failed.send(Event::End("the death of its brokers"));
        });
    let cluster = match builder.start() {
        Ok(cluster) => cluster,
        Err(error) => {
            tell(&format!("error: {error}"));
            if let MockError::Io { source, .. } = &error
                && let Some(advice) = options.advice(source)
            {
                tell(&advice);
            }
            return ExitCode::from(CANNOT_START);
        }
    };
    if let Some(recovery) = cluster.recovery() {
        tell_recovery(recovery);
    }
    if let Some(script) = script
        && let Err(error) = cluster.run_script(script, prompt::tell_step)
    {
        tell(&format!("error: {error}"));
        return ExitCode::from(CANNOT_START);
    }
    show(&format!("bootstrap.servers={}\n", cluster.bootstrap()));
    let ended = wait(&cluster, &events);
    let violations = cluster.violations().len();
    tell(&format!("ended by {ended}, violations: {violations}"));
    if cluster.failure().is_some() {
        ExitCode::from(DIED)
    } else if options.fail_on_violation && violations > 0 {
        ExitCode::from(VIOLATED)
    } else {
        ExitCode::SUCCESS
    }
}

/// Does what is typed, until somebody wants an end; returns how they said so.
fn wait(cluster: &MockCluster, events: &Receiver<Event>) -> &'static str {
    loop {
        let line = match events.recv() {
            Ok(Event::Line(line)) => line,
            Ok(Event::End(how)) => return how,
            Err(_) => return "the loss of everything that could end it",
        };
        let command = match Command::parse(&line) {
            Ok(Command::Quit) => return "quit",
            Ok(command) => command,
            Err(error) => {
                show(&format!("error: {error}\n"));
                continue;
            }
        };
        match command.run(cluster) {
            Ok(shown) => show(&format!("{shown}ok\n")),
            Err(error) => show(&format!("error: {error}\n")),
        }
    }
}

fn read_script(path: &Path) -> Result<Script, String> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    script::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn tell_recovery(recovery: &Recovery) {
    let Recovery {
        journal_bytes,
        cut_bytes,
        ..
    } = recovery;
    if *journal_bytes > 0 {
        tell(&format!("read {journal_bytes} bytes of journal"));
    }
    if *cut_bytes > 0 {
        tell(&format!(
            "cut {cut_bytes} bytes at the end of the journal that were not written whole"
        ));
    }
}

/// A line for people.
fn tell(line: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "weft-mock: {line}");
}

/// An answer, whole at once.
fn show(text: &str) {
    let mut out = io::stdout().lock();
    // Whoever closed standard output does not want to know.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The exit code if a client broke the protocol.
const VIOLATED: u8 = 1;

/// The exit code if the cluster could not start. Clap's own, for a wrong command line, is 2.
const CANNOT_START: u8 = 3;

/// The exit code if the directory could not be written.
const DIED: u8 = 4;
