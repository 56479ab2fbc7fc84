//! Shell: what ran against what, a line each, for the end of `./test`.
//!
//! Several test processes append to one file, so that each line is written at once.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

/// What became of one scenario on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It passed, which is described in a few words, or none.
    Passed(String),
    /// It failed.
    Failed,
    /// It did not run, for this reason.
    NotRun(String),
}

/// Appends a line to the file that `WEFT_REPORT` names. Without that variable nobody wants to know.
///
/// # Panics
///
/// If the file cannot be written: a report with holes is worse than none.
pub fn append(scenario: &str, target: &str, ran: &Ran, took: Duration) {
    let Some(path) = env::var_os("WEFT_REPORT") else {
        return;
    };
    let text = line(scenario, target, ran, took);
    let appended = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = appended {
        panic!("WEFT_REPORT={}: {error}", path.display());
    }
}

fn line(scenario: &str, target: &str, ran: &Ran, took: Duration) -> String {
    let what = match ran {
        Ran::Passed(details) if details.is_empty() => format!("ok, {:.1} s", took.as_secs_f64()),
        Ran::Passed(details) => format!("ok, {details}, {:.1} s", took.as_secs_f64()),
        Ran::Failed => format!("FAILED after {:.1} s", took.as_secs_f64()),
        Ran::NotRun(why) => format!("not run: {}", one_line(why)),
    };
    format!("  {scenario:<SCENARIO_WIDTH$} {target:<TARGET_WIDTH$} {what}\n")
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

/// Columns for the longest name of a scenario.
const SCENARIO_WIDTH: usize = 52;

/// Columns for the longest name of a target.
const TARGET_WIDTH: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_columns() {
        let took = Duration::from_millis(14_240);
        let cases = [
            (
                Ran::Passed("312 duplicates".into()),
                "ok, 312 duplicates, 14.2 s",
            ),
            (Ran::Passed(String::new()), "ok, 14.2 s"),
            (Ran::Failed, "FAILED after 14.2 s"),
            (
                Ran::NotRun("there is no `java`;\n  install one".into()),
                "not run: there is no `java`; install one",
            ),
        ];
        for (ran, expected) in cases {
            let line = line("pattern-2-million", "Kafka 4.4.0 (1 node)", &ran, took);
            let (scenario, rest) = line.split_at(2 + SCENARIO_WIDTH + 1);
            let (target, what) = rest.split_at(TARGET_WIDTH + 1);
            let columns = [scenario.trim(), target.trim(), what];
            let expected = format!("{expected}\n");
            assert_eq!(
                columns,
                ["pattern-2-million", "Kafka 4.4.0 (1 node)", &expected]
            );
        }
    }
}
