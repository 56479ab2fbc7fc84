//! What is printed.

use std::fmt::Write as _;

use indicatif::ProgressStyle;

use crate::pattern::Outcome;

pub(crate) fn progress_style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:22} [{bar:40}] {pos:>9}/{len} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

pub(crate) fn print(outcomes: &[Outcome]) -> String {
    let titles = [
        "pattern",
        "threads",
        "records",
        "repeated",
        "time",
        "rate",
        "order kept",
        "committed = processed",
    ];
    let mut rows = vec![titles.map(str::to_owned)];
    rows.extend(outcomes.iter().map(row));
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    let mut out = String::new();
    for row in &rows {
        for (width, cell) in widths.iter().zip(row) {
            write!(out, "{cell:width$}  ").ok();
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out.push_str(
        "\nThreads of the pool: pollers + workers. Time from the first record handled to the last; \
         the handler only checks\norder. Repeated records were handled before, by a member that \
         gave their partition up.\n",
    );
    out
}

fn row(outcome: &Outcome) -> [String; 8] {
    let rate = if outcome.seconds > 0.0 {
        format!("{:.0}/s", outcome.records as f64 / outcome.seconds)
    } else {
        "-".to_owned()
    };
    let order = match outcome.out_of_order {
        0 => format!("yes, per {}", outcome.order),
        count => format!("NO: {count} per {}", outcome.order),
    };
    let committed = if outcome.committed == outcome.records && outcome.has_reached_the_end {
        "yes".to_owned()
    } else {
        format!("NO: {} of {}", outcome.committed, outcome.records)
    };
    [
        outcome.pattern.to_owned(),
        outcome.threads.clone(),
        outcome.records.to_string(),
        outcome.repeated.to_string(),
        format!("{:.2} s", outcome.seconds),
        rate,
        order,
        committed,
    ]
}
