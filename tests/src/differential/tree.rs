//! An answer as a tree of named fields, read from its `Debug` text: the schemas can be printed, and
//! not walked. Nothing is lost on the way but the names of newtypes.

use std::fmt::{self, Write as _};

/// A value inside an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A number, a text in quotes, `null`.
    Leaf(String),
    /// An array.
    List(Vec<Self>),
    /// A struct, or a map: names and values in their order.
    Fields(Vec<(String, Self)>),
}

impl Tree {
    /// The tree of what prints itself as derived `Debug` does.
    ///
    /// # Errors
    ///
    /// The rest of the text, if it is something else.
    pub fn of(value: &impl fmt::Debug) -> Result<Self, String> {
        let text = format!("{value:?}");
        let mut rest = text.as_str();
        match value_in(&mut rest) {
            Some(tree) if rest.is_empty() => Ok(tree),
            _ => Err(rest.to_owned()),
        }
    }

    /// The value of a field of this struct.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Fields(fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// As [`Self::field`], if it is a leaf.
    pub fn leaf(&self, name: &str) -> Option<&str> {
        match self.field(name) {
            Some(Self::Leaf(text)) => Some(text),
            _ => None,
        }
    }

    /// Every struct in here, this one first.
    pub fn structs(&self) -> Vec<&Self> {
        match self {
            Self::Leaf(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::structs).collect(),
            Self::Fields(fields) => {
                let inner = fields.iter().flat_map(|(_, value)| value.structs());
                [self].into_iter().chain(inner).collect()
            }
        }
    }

    /// Whether a field of this name, anywhere in here, has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        let structs = self.structs();
        structs
            .iter()
            .any(|fields| fields.leaf(name) == Some(value))
    }

    /// Every leaf with the path to it, such as `topics[0].partitions[1].error_code`. A list says
    /// how long it is, so that an empty one differs from none.
    pub fn leaves(&self) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        self.gather("", &mut leaves);
        leaves
    }

    fn gather(&self, path: &str, leaves: &mut Vec<(String, String)>) {
        match self {
            Self::Leaf(text) => leaves.push((path.to_owned(), text.clone())),
            Self::List(items) => {
                leaves.push((format!("{path}.length"), items.len().to_string()));
                for (index, item) in items.iter().enumerate() {
                    item.gather(&format!("{path}[{index}]"), leaves);
                }
            }
            Self::Fields(fields) => {
                for (name, value) in fields {
                    let mut inner = path.to_owned();
                    if !path.is_empty() {
                        inner.push('.');
                    }
                    let _ = write!(inner, "{name}");
                    value.gather(&inner, leaves);
                }
            }
        }
    }
}

/// The path without the places in lists: `topics[].partitions[].error_code`.
pub fn general(path: &str) -> String {
    let mut general = String::with_capacity(path.len());
    let mut is_inside = false;
    for character in path.chars() {
        is_inside &= character != ']';
        if !is_inside {
            general.push(character);
        }
        is_inside |= character == '[';
    }
    general
}

fn value_in(rest: &mut &str) -> Option<Tree> {
    match rest.chars().next()? {
        '[' => list_in(rest, ']').map(Tree::List),
        '{' => fields_in(rest),
        '"' => quoted_in(rest).map(Tree::Leaf),
        'b' if rest.starts_with("b\"") => {
            let after = &mut &rest[1..];
            let text = quoted_in(after)?;
            *rest = after;
            Some(Tree::Leaf(format!("b{text}")))
        }
        _ => named_in(rest),
    }
}

/// A token, and what it names: a struct, a newtype, or only itself.
fn named_in(rest: &mut &str) -> Option<Tree> {
    let token = token_in(rest)?;
    if rest.starts_with('(') {
        let mut inner = list_in(rest, ')')?;
        return match inner.len() {
            1 => inner.pop(),
            _ => Some(Tree::List(inner)),
        };
    }
    if let Some(fields) = rest.strip_prefix(" {") {
        *rest = &rest[rest.len() - fields.len() - 1..];
        return fields_in(rest);
    }
    let text = if token == "None" { "null" } else { token };
    Some(Tree::Leaf(text.to_owned()))
}

fn token_in<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let is_inside =
        |character: char| character.is_ascii_alphanumeric() || "-_.+".contains(character);
    let end = rest
        .find(|character| !is_inside(character))
        .unwrap_or(rest.len());
    let (token, after) = rest.split_at(end);
    *rest = after;
    (!token.is_empty()).then_some(token)
}

fn quoted_in(rest: &mut &str) -> Option<String> {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        if !is_escaped && character == '"' {
            let (text, after) = rest.split_at(at + 1);
            *rest = after;
            return Some(text.to_owned());
        }
        is_escaped = !is_escaped && character == '\\';
    }
    None
}

fn list_in(rest: &mut &str, end: char) -> Option<Vec<Tree>> {
    let mut items = Vec::new();
    skip(rest, 1);
    loop {
        separate(rest);
        if rest.starts_with(end) {
            skip(rest, 1);
            return Some(items);
        }
        items.push(value_in(rest)?);
    }
}

fn fields_in(rest: &mut &str) -> Option<Tree> {
    let mut fields = Vec::new();
    skip(rest, 1);
    loop {
        separate(rest);
        if rest.starts_with('}') {
            skip(rest, 1);
            return Some(Tree::Fields(fields));
        }
        let name = token_in(rest)?;
        *rest = rest.strip_prefix(": ")?;
        fields.push((name.to_owned(), value_in(rest)?));
    }
}

fn separate(rest: &mut &str) {
    *rest = rest.trim_start_matches([',', ' ']);
}

fn skip(rest: &mut &str, bytes: usize) {
    *rest = &rest[bytes..];
}

#[cfg(test)]
mod tests {
    use weft_client::wire::StrBytes;
    use weft_client::wire::messages::metadata_response::{
        MetadataResponsePartition, MetadataResponseTopic,
    };
    use weft_client::wire::messages::{MetadataResponse, TopicName};

    use super::*;

    fn answer() -> Tree {
        let name = TopicName(StrBytes::from_static_str("a \"b\\"));
        let partition = MetadataResponsePartition::default().with_leader_epoch(-1);
        let topic = MetadataResponseTopic::default()
            .with_name(Some(name))
            .with_partitions(vec![partition]);
        let answer = MetadataResponse::default().with_topics(vec![topic]);
        Tree::of(&answer).unwrap()
    }

    #[test]
    fn every_field_has_its_path() {
        let leaves = answer().leaves();
        let value = |path: &str| {
            let found = leaves.iter().find(|(name, _)| name == path);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("topics[0].name"), Some(r#""a \"b\\""#));
        assert_eq!(value("topics[0].partitions[0].leader_epoch"), Some("-1"));
        assert_eq!(
            value("topics[0].topic_id"),
            Some("00000000-0000-0000-0000-000000000000")
        );
        assert_eq!(value("cluster_id"), Some("null"));
    }

    #[test]
    fn an_empty_list_differs_from_none_at_all() {
        let empty = Tree::of(&Some(Vec::<i32>::new())).unwrap();
        let none = Tree::of(&None::<Vec<i32>>).unwrap();
        assert_ne!(empty.leaves(), none.leaves());
    }

    #[test]
    fn a_value_is_found_at_any_depth() {
        assert!(answer().has("leader_epoch", "-1"));
        assert!(!answer().has("leader_epoch", "0"));
    }

    #[test]
    fn paths_are_general_without_their_numbers() {
        assert_eq!(
            general("topics[0].partitions[12].x"),
            "topics[].partitions[].x"
        );
    }

    #[test]
    fn what_is_no_debug_text_is_an_error() {
        struct Odd;
        impl fmt::Debug for Odd {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("<odd>")
            }
        }
        assert_eq!(Tree::of(&Odd), Err("<odd>".to_owned()));
    }
}
