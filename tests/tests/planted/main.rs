//! Bugs planted into a copy of this repository, one at a time: the simulator has to find each.
//!
//! A search that finds nothing proves something only if it would have found it. Each bug of the
//! list is one changed place of the client, of the kind that people really write. The copy has a
//! target directory of its own, as what is built of it would pass for what is built of the
//! original; it is kept, so that only what depends on the change is compiled anew.
//!
//! `WEFT_PLANTED=<name>,<name>` plants these alone.

mod bugs;
mod copy;
mod run;

use std::collections::BTreeSet;
use std::env;

use bugs::{BUGS, Bug};
use copy::Copy;
use run::{Found, Search};

/// A list shorter than this says little.
const BUGS_MIN: usize = 10;

#[test]
fn each_bug_of_the_list_changes_one_place() {
    assert!(BUGS.len() >= BUGS_MIN, "only {} bugs", BUGS.len());
    let names: BTreeSet<_> = BUGS.iter().map(|bug| bug.name).collect();
    assert_eq!(names.len(), BUGS.len(), "names are told apart");
    for bug in BUGS {
        let source = copy::read(&copy::repository().join(bug.file));
        if let Err(error) = bug.planted(&source) {
            panic!("{}: {error}", bug.name);
        }
    }
}

#[test]
fn the_simulator_finds_every_planted_bug() {
    let chosen = env::var("WEFT_PLANTED").ok();
    let is_chosen = |bug: &&Bug| {
        let names = chosen.as_ref().map(|names| names.split(','));
        names.is_none_or(|mut names| names.any(|name| name == bug.name))
    };
    let bugs: Vec<&Bug> = BUGS.iter().filter(is_chosen).collect();
    assert!(!bugs.is_empty(), "WEFT_PLANTED names no bug of the list");

    let copy = Copy::of_the_repository();
    let search = Search::in_copy(&copy);
    assert_eq!(
        search.run("nothing"),
        Found::Nothing,
        "without a bug the simulator finds nothing"
    );
    let mut missed = Vec::new();
    for bug in bugs {
        let planted = copy.plant(bug);
        let found = search.run(bug.name);
        drop(planted);
        println!("{:<44} {found}", bug.name);
        if !matches!(found, Found::Violation(_)) {
            missed.push(format!("{} ({}): {found}", bug.name, bug.breaks));
        }
    }
    assert!(missed.is_empty(), "not found:\n  {}", missed.join("\n  "));
}
