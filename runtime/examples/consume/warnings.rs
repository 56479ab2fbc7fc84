//! Prints what the libraries log to standard error. A program of your own has a subscriber already.

#![expect(clippy::disallowed_types, reason = "one line is printed at a time")]

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

struct Printer {
    most_detailed: Level,
    /// What is said again and again is printed once.
    last: Mutex<String>,
}

/// Prints warnings and errors, or with `is_verbose` everything of interest.
pub(crate) fn print_to_stderr(is_verbose: bool) {
    let most_detailed = if is_verbose { Level::INFO } else { Level::WARN };
    // It fails only if there is a subscriber already, which is as good.
    let _ = tracing::subscriber::set_global_default(Printer {
        most_detailed,
        last: Mutex::default(),
    });
}

impl Subscriber for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= &self.most_detailed && metadata.target().starts_with("weft")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != line.0 {
            eprintln!("{:5} {}", event.metadata().level(), line.0);
            *last = line.0;
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = if field.name() == "message" {
            write!(self.0, "{value:?}")
        } else {
            write!(self.0, " {field}={value:?}")
        };
    }
}
