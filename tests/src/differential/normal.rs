//! What legitimately differs between two clusters is taken out of an answer: values that a broker
//! makes up are numbered in the order in which they appear, so that it is still compared which of
//! them is where.

use std::collections::BTreeMap;

use super::tree::{Tree, general};

/// A field that a broker makes up.
#[derive(Debug)]
pub struct MadeUp {
    /// Its name, in any answer.
    pub field: &'static str,
    /// Values of one kind are numbered together.
    pub kind: &'static str,
    /// Why it may differ.
    pub reason: &'static str,
}

/// The one table of such fields.
pub const MADE_UP: &[MadeUp] = &[
    MadeUp {
        field: "topic_id",
        kind: "topic",
        reason: "a new topic gets a random id",
    },
    MadeUp {
        field: "member_id",
        kind: "member",
        reason: "a new member gets a random id",
    },
    MadeUp {
        field: "leader",
        kind: "member",
        reason: "the leader of a group is named by its member id",
    },
    MadeUp {
        field: "producer_id",
        kind: "producer",
        reason: "brokers give out producer ids from blocks of their own",
    },
    MadeUp {
        field: "session_id",
        kind: "session",
        reason: "a new session of fetches gets a random id",
    },
    MadeUp {
        field: "cluster_id",
        kind: "cluster",
        reason: "every cluster has an id of its own",
    },
    MadeUp {
        field: "port",
        kind: "port",
        reason: "the system chose it",
    },
];

/// Text for people, which is compared only for being there.
const WORDS: &[&str] = &["error_message"];

/// Lists that Kafka answers from a hash table, with no order to compare.
const UNORDERED: &[&str] = &[
    "groups[].members",
    "members",
    "groups",
    "brokers",
    "topics",
    "responses",
    "topics[].partitions",
    "results",
    "responses[].partition_responses",
    "replica_election_results",
    "replica_election_results[].partition_result",
    "groups[].topics",
    "groups[].topics[].partitions",
];

/// Numbers what the brokers of one cluster make up in one run of a case.
#[derive(Debug, Default)]
pub struct Normaliser {
    numbered: BTreeMap<(&'static str, String), usize>,
    counts: BTreeMap<&'static str, usize>,
}

impl Normaliser {
    /// The answer without what may differ.
    pub fn normal(&mut self, answer: &Tree) -> Tree {
        let sorted = sorted(answer, "", self);
        self.renamed(&sorted, "")
    }

    fn renamed(&mut self, tree: &Tree, name: &str) -> Tree {
        match tree {
            Tree::Leaf(text) => Tree::Leaf(self.value(name, text)),
            Tree::List(items) => {
                Tree::List(items.iter().map(|item| self.renamed(item, name)).collect())
            }
            Tree::Fields(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.clone(), self.renamed(value, name)));
                Tree::Fields(fields.collect())
            }
        }
    }

    fn value(&mut self, name: &str, text: &str) -> String {
        if is_nothing(text) {
            return text.to_owned();
        }
        if WORDS.contains(&name) {
            return "words".to_owned();
        }
        let Some(kind) = kind(name) else {
            return text.to_owned();
        };
        let number = self
            .numbered
            .entry((kind, text.to_owned()))
            .or_insert_with(|| {
                let count = self.counts.entry(kind).or_default();
                *count += 1;
                *count
            });
        format!("{kind} {number}")
    }
}

fn kind(name: &str) -> Option<&'static str> {
    let made_up = MADE_UP.iter().find(|made_up| made_up.field == name);
    made_up.map(|made_up| made_up.kind)
}

/// Values that mean that there is none are not made up.
fn is_nothing(text: &str) -> bool {
    matches!(
        text,
        "null" | "\"\"" | "-1" | "0" | "00000000-0000-0000-0000-000000000000"
    )
}

/// With unordered lists in the order of what is not made up, or has its number from before.
fn sorted(tree: &Tree, path: &str, known: &Normaliser) -> Tree {
    match tree {
        Tree::Leaf(_) => tree.clone(),
        Tree::List(items) => {
            let inner = format!("{path}[]");
            let mut items: Vec<Tree> = items
                .iter()
                .map(|item| sorted(item, &inner, known))
                .collect();
            if UNORDERED.contains(&general(path).as_str()) {
                items.sort_by_cached_key(|item| blank(item, "", known).leaves());
            }
            Tree::List(items)
        }
        Tree::Fields(fields) => {
            let fields = fields.iter().map(|(name, value)| {
                let inner = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                (name.clone(), sorted(value, &inner, known))
            });
            Tree::Fields(fields.collect())
        }
    }
}

fn blank(tree: &Tree, name: &str, known: &Normaliser) -> Tree {
    match tree {
        Tree::Leaf(text) => match kind(name) {
            Some(kind) if !is_nothing(text) => {
                let number = known.numbered.get(&(kind, text.clone()));
                Tree::Leaf(
                    number
                        .map(|number| format!("{number:06}"))
                        .unwrap_or_default(),
                )
            }
            _ => tree.clone(),
        },
        Tree::List(items) => {
            Tree::List(items.iter().map(|item| blank(item, name, known)).collect())
        }
        Tree::Fields(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (name.clone(), blank(value, name, known)));
            Tree::Fields(fields.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(text: &str) -> Tree {
        Tree::Leaf(text.to_owned())
    }

    fn member(id: &str, metadata: &str) -> Tree {
        Tree::Fields(vec![
            ("member_id".to_owned(), leaf(id)),
            ("metadata".to_owned(), leaf(metadata)),
        ])
    }

    fn members(members: Vec<Tree>, leader: &str) -> Tree {
        Tree::Fields(vec![
            ("members".to_owned(), Tree::List(members)),
            ("leader".to_owned(), leaf(leader)),
        ])
    }

    #[test]
    fn made_up_values_are_compared_by_where_they_are() {
        let one = members(vec![member("a", "1"), member("b", "2")], "b");
        let same = members(vec![member("y", "2"), member("x", "1")], "y");
        let other = members(vec![member("x", "1"), member("y", "2")], "x");
        let normal = |tree: Tree| Normaliser::default().normal(&tree);
        assert_eq!(normal(one.clone()), normal(same));
        assert_ne!(normal(one), normal(other));
    }

    #[test]
    fn what_looks_the_same_is_told_apart_by_what_was_known_before() {
        let alike = |ids: [&str; 2]| {
            let members = ids.map(|id| member(id, ""));
            Tree::List(members.to_vec())
        };
        let later = |ids| Tree::Fields(vec![("members".to_owned(), alike(ids))]);
        let normal = |ids| {
            let mut normaliser = Normaliser::default();
            normaliser.normal(&member("a", ""));
            normaliser.normal(&member("b", ""));
            normaliser.normal(&later(ids))
        };
        assert_eq!(normal(["a", "b"]), normal(["b", "a"]));
    }

    #[test]
    fn no_member_differs_from_any_member() {
        let normal = |tree: Tree| Normaliser::default().normal(&tree);
        assert_ne!(normal(member("\"\"", "1")), normal(member("\"a\"", "1")));
    }

    #[test]
    fn a_message_is_compared_for_being_there() {
        let message = |text| Tree::Fields(vec![("error_message".to_owned(), leaf(text))]);
        let normal = |tree: Tree| Normaliser::default().normal(&tree);
        assert_eq!(normal(message("\"a\"")), normal(message("\"b\"")));
        assert_ne!(normal(message("\"a\"")), normal(message("null")));
    }
}
