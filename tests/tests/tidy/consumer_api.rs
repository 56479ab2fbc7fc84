//! `docs/consumer-api.md`: every method that it names exists.

use std::fs;

use super::{Source, refuse, root, sources};

/// Whether a type of the consumer's package has a method of this name.
fn has_method(sources: &[Source], owner: &str, method: &str) -> bool {
    let mut files = sources
        .iter()
        .filter(|source| source.name.starts_with("consumer/src/"));
    files.any(|source| {
        let speaks_of = |line: &str| {
            let head = line.split(" for ").last().unwrap_or(line);
            let is_head = line.starts_with("impl") || line.starts_with("pub trait");
            is_head
                && head
                    .split(|letter: char| !letter.is_alphanumeric())
                    .any(|w| w == owner)
        };
        let heads = ["(", "<"].map(|end| format!("fn {method}{end}"));
        source.text.lines().any(speaks_of) && heads.iter().any(|head| source.text.contains(head))
    })
}

#[test]
fn every_method_that_the_page_of_the_consumer_names_exists() {
    let page = fs::read_to_string(root().join("docs/consumer-api.md")).expect("the page exists");
    let sources = sources();
    let mut complaints = Vec::new();
    let mut named = 0;
    for (number, line) in page
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with('|'))
    {
        let mut complain = |text: &str| {
            complaints.push(format!("docs/consumer-api.md:{}: {text}", number + 1));
        };
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, here, _] = cells.as_slice() else {
            complain("a row has the three cells `| Java | here | remarks |`");
            continue;
        };
        if matches!(*here, "here" | "---") || here.starts_with("not here: ") {
            continue;
        }
        let methods: Vec<&str> = here.split('`').skip(1).step_by(2).collect();
        if methods.is_empty() {
            complain("no method is named, and no reason for that");
        }
        for method in methods {
            named += 1;
            match method.split_once("::") {
                Some((owner, name)) if has_method(&sources, owner, name) => {}
                _ => complain(&format!("there is no `{method}`")),
            }
        }
    }
    assert!(named > 50, "only {named} methods were found");
    refuse(&complaints);
}

#[test]
fn methods_are_looked_for_with_their_types() {
    let sources = sources();
    assert!(has_method(&sources, "Consumer", "list_topics"));
    assert!(has_method(&sources, "ConsumerInterceptor", "on_consume"));
    assert!(!has_method(&sources, "Consumer", "list_topic"));
    assert!(!has_method(&sources, "CloseOptions", "list_topics"));
}
