//! `docs/tracing.md`: every event of the source is on it, and nothing else.

use std::collections::BTreeSet;
use std::fs;

use super::{Source, refuse, root, sources};

/// Target, level, message, and the names of the fields.
type Event = (String, String, String, Vec<String>);

/// The target that a module's events have by default.
fn target(file: &str) -> Option<String> {
    let packages = ["client", "consumer", "runtime"];
    let (package, path) = file.split_once("/src/")?;
    let path = path.strip_suffix(".rs")?;
    let path = path.strip_suffix("/mod").unwrap_or(path).replace('/', "::");
    let is_library = packages.contains(&package);
    is_library.then(|| match path.as_str() {
        "lib" => format!("weft_{package}"),
        path => format!("weft_{package}::{path}"),
    })
}

/// What stands between the parentheses that `text` is just behind the first of: the parts outside
/// of texts, and the first text.
fn arguments(text: &str) -> (String, String) {
    let (mut outside, mut message, mut depth) = (String::new(), String::new(), 1);
    let (mut is_text, mut texts) = (false, 0);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (is_text, letter) {
            (_, '"') => {
                is_text = !is_text;
                texts += usize::from(is_text);
            }
            (true, '\\') => {
                let escaped = letters.next();
                message.extend(escaped.filter(|letter| *letter != '\n' && texts == 1));
            }
            (true, _) if texts == 1 => message.push(letter),
            (true, _) => {}
            (false, '(') => depth += 1,
            (false, ')') => depth -= 1,
            (false, _) => {}
        }
        if depth == 0 {
            break;
        }
        if !is_text && texts == 0 {
            outside.push(letter);
        }
    }
    let words: Vec<&str> = message.split_whitespace().collect();
    (outside, words.join(" "))
}

fn events(source: &Source) -> Vec<Event> {
    let Some(target) = target(&source.name) else {
        return Vec::new();
    };
    if source.production().is_empty() {
        return Vec::new();
    }
    let calls = source.text.split("tracing::").skip(1);
    let calls = calls.filter_map(|call| call.split_once("!("));
    calls
        .filter(|(level, _)| level.chars().all(char::is_alphanumeric))
        .map(|(level, rest)| {
            let (outside, message) = arguments(rest);
            let fields = outside.split(',').map(str::trim);
            let fields = fields.filter(|field| !field.is_empty());
            let names = fields.map(|field| {
                let name = field.split('=').next().unwrap_or(field).trim();
                name.trim_start_matches(['%', '?']).to_owned()
            });
            (target.clone(), level.to_owned(), message, names.collect())
        })
        .collect()
}

/// The texts in backticks.
fn quoted(cell: &str) -> Vec<String> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn the_page_of_events_has_all_that_the_source_has_and_nothing_else() {
    let page = fs::read_to_string(root().join("docs/tracing.md")).expect("the page exists");
    let sources = sources();
    let known: BTreeSet<Event> = sources.iter().flat_map(events).collect();
    assert!(known.len() > 30, "only {} events were found", known.len());
    let mut complaints = Vec::new();
    let mut told = BTreeSet::new();
    for line in page.lines().filter(|line| line.starts_with("| `weft_")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [target, level, message, fields, when] = cells.as_slice() else {
            complaints.push(format!("docs/tracing.md: five cells are wanted: {line}"));
            continue;
        };
        if when.is_empty() {
            complaints.push(format!("docs/tracing.md: nothing says when: {line}"));
        }
        let fields = quoted(fields).into_iter().filter(|name| name != "Debug");
        let message = message.trim_matches('"').to_owned();
        let head = (quoted(target).concat(), quoted(level).concat());
        told.insert((head.0, head.1, message, fields.collect()));
    }
    let missing = known.difference(&told);
    complaints.extend(missing.map(|event| format!("docs/tracing.md: {event:?} is missing")));
    let gone = told.difference(&known);
    complaints.extend(gone.map(|event| format!("docs/tracing.md: {event:?} is no more")));
    refuse(&complaints);
}

#[test]
fn events_are_told_by_target_level_message_and_fields() {
    let text = "fn f() {\n    tracing::warn!(\n        group = %self.f(), ?at,\n        \
                \"it is \\\n         late ({})\", by(\"x\")\n    );\n}\n";
    let source = |name: &str| Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let fields = vec!["group".to_owned(), "at".to_owned()];
    let message = "it is late ({})".to_owned();
    let target = "weft_consumer::group::core".to_owned();
    let expected = (target, "warn".to_owned(), message, fields);
    assert_eq!(events(&source("consumer/src/group/core.rs")), [expected]);
    assert_eq!(events(&source("tests/src/cluster.rs")), []);
}
