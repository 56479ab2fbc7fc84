//! The pages of `docs/behaviour`: every row is whole, and every test that it names exists.

use std::fs;
use std::path::Path;

use super::{refuse, root};

/// What stands in place of a test where a case does not apply.
const NOT_HERE: &str = "not here:";

/// The complaints about the text of one page. `has_test` tells whether a file has a function.
fn complaints(page: &str, text: &str, has_test: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if !line.starts_with('|') || line.starts_with("| ---") || line.starts_with("| case |") {
            continue;
        }
        let mut complain = |problem: &str| {
            found.push(format!("{page}:{}: {problem}", number + 1));
        };
        let inner = line.trim_end().strip_prefix('|');
        let cells = inner.and_then(|rest| rest.strip_suffix('|'));
        let cells: Vec<&str> = cells.unwrap_or("").split('|').map(str::trim).collect();
        let [case, holds, test] = cells.as_slice() else {
            complain("a row has the three cells `| case | what holds | test |`");
            continue;
        };
        if case.is_empty() || holds.is_empty() {
            complain("a cell is empty");
        }
        if let Some(reason) = test.strip_prefix(NOT_HERE) {
            if reason.trim().len() < REASON_MIN {
                complain("`not here:` needs a reason");
            }
            continue;
        }
        let names: Vec<&str> = test.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            complain("the third cell names a test in backticks, or says `not here: <reason>`");
        }
        for name in names {
            match name.split_once("::") {
                Some((file, function)) if has_test(file, last_part(function)) => {}
                Some(_) => complain(&format!("there is no test `{name}`")),
                None => complain(&format!("`{name}` is not `<file>::<function>`")),
            }
        }
    }
    found
}

/// A reason is at least a word or two.
const REASON_MIN: usize = 8;

fn last_part(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

fn has_function(file: &Path, function: &str) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    let head = format!("fn {function}");
    let mut places = text.match_indices(&head);
    !function.is_empty()
        && places.any(|(at, found)| {
            let next = text[at + found.len()..].chars().next();
            matches!(next, Some('(' | '<'))
        })
}

#[test]
fn behaviour_pages_name_tests_that_exist() {
    let root = root();
    let folder = root.join("docs/behaviour");
    let list = fs::read_to_string(folder.join("README.md")).expect("the list of pages exists");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).expect("the pages are readable") {
        let name = entry.expect("the pages are readable").file_name();
        let name = name.to_string_lossy();
        if name == "README.md" {
            continue;
        }
        if !list.contains(&format!("]({name})")) {
            found.push(format!("docs/behaviour/README.md: does not list {name}"));
        }
        let text = fs::read_to_string(folder.join(&*name)).expect("pages are UTF-8");
        let page = format!("docs/behaviour/{name}");
        found.extend(complaints(&page, &text, |file, function| {
            has_function(&root.join(file), function)
        }));
    }
    for name in list.split("](").skip(1).filter_map(|p| p.split(')').next()) {
        if !folder.join(name).exists() {
            found.push(format!("docs/behaviour/README.md: there is no {name}"));
        }
    }
    refuse(&found);
}

#[test]
fn rows_of_behaviour_pages_are_checked() {
    let known = |file: &str, function: &str| file == "a.rs" && function == "f";
    let check = |row: &str| complaints("p", row, known);
    for right in [
        "| case | what holds | test |",
        "| --- | --- | --- |",
        "| KC.a | holds | `a.rs::f` |",
        "| KC.a | holds | `a.rs::tests::f`, `a.rs::f` |",
        "| KC.a | holds | not here: JVM only |",
        "text",
    ] {
        assert_eq!(check(right), [""; 0], "{right}");
    }
    for (wrong, complaint) in [
        ("| KC.a | `a.rs::f` |", "three cells"),
        ("| KC.a | holds | `a.rs::f`", "three cells"),
        ("|  | holds | `a.rs::f` |", "empty"),
        ("| KC.a | holds | |", "names a test"),
        ("| KC.a | holds | not here: |", "needs a reason"),
        ("| KC.a | holds | `a.rs::g` |", "no test"),
        ("| KC.a | holds | `a.rs::f`, `b.rs::f` |", "no test"),
        ("| KC.a | holds | `f` |", "is not"),
    ] {
        let found = check(wrong);
        assert!(
            found.len() == 1 && found[0].contains(complaint),
            "{wrong}: {found:?}"
        );
    }
}
