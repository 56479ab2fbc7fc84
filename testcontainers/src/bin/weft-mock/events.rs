//! Shell: the threads that wait for what may happen to the program: signals, and lines on its
//! standard input.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Somebody wants it to end, and this is how they said so.
    End(&'static str),
    /// A line was typed.
    Line(String),
}

/// Whether lines of standard input are commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prompt {
    Yes,
    No,
}

/// Sends SIGTERM and SIGINT as events.
pub(crate) fn watch_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let wait = move || {
        for signal in signals.forever() {
            let name = if signal == SIGINT {
                "SIGINT"
            } else {
                "SIGTERM"
            };
            if events.send(Event::End(name)).is_err() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(wait).map(drop)
}

/// Sends the lines of standard input as events, and its end.
///
/// Without a prompt only a pipe and a terminal are watched. A program in the background of a script
/// has `/dev/null` there, whose end says nothing.
pub(crate) fn watch_input(prompt: Prompt, events: Sender<Event>) -> io::Result<()> {
    if prompt == Prompt::No && !is_held_by_somebody() {
        return Ok(());
    }
    let wait = move || {
        for line in io::stdin().lock().lines() {
            // A line that is no text is no command; input that cannot be read has ended.
            let line = match line {
                Ok(line) => line,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => continue,
                Err(_) => break,
            };
            if prompt == Prompt::Yes && events.send(Event::Line(line)).is_err() {
                return;
            }
        }
        // Nobody may be left to hear it.
        let _ = events.send(Event::End("the end of standard input"));
    };
    let thread = thread::Builder::new().name("input".to_owned());
    thread.spawn(wait).map(drop)
}

/// Whether somebody is at the other end of standard input.
#[cfg(unix)]
fn is_held_by_somebody() -> bool {
    use std::fs::File;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileTypeExt as _;

    let stdin = io::stdin();
    if stdin.is_terminal() {
        return true;
    }
    let duplicate = stdin.as_fd().try_clone_to_owned();
    let metadata = duplicate.and_then(|stdin| File::from(stdin).metadata());
    metadata.is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_socket()
    })
}

/// Whether somebody is at the other end of standard input.
#[cfg(not(unix))]
fn is_held_by_somebody() -> bool {
    io::stdin().is_terminal()
}
