//! The table of the APIs in the source is the truth.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::api::api_versions::spoken;
use super::*;

/// The rows of the table, by API: versions and file.
fn rows() -> BTreeMap<String, (String, String)> {
    let table = include_str!("../api/mod.rs");
    let rows = table.lines().filter_map(|line| line.strip_prefix("//! | "));
    rows.skip(2)
        .map(|row| {
            let columns: Vec<&str> = row.split('|').map(str::trim).collect();
            let [api, versions, file, _missing, ""] = columns[..] else {
                panic!("no row of the table: {row}");
            };
            let file = file.trim_matches('`').to_owned();
            (api.to_owned(), (versions.to_owned(), file))
        })
        .collect()
}

#[test]
fn the_table_of_the_apis_is_complete() {
    let mut rows = rows();
    for api_key in ApiKey::iter() {
        let row = rows.remove(&format!("{api_key:?}"));
        let versions = spoken(KafkaRelease::Newest, api_key).map(|versions| {
            let (first, last) = (versions.start(), versions.end());
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        });
        let told = row.map(|(versions, _)| versions);
        assert_eq!(told, versions, "{api_key:?}");
    }
    assert_eq!(rows, BTreeMap::new(), "APIs that are not spoken");
}

#[test]
fn every_api_has_a_file_that_says_which_it_is() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mock/core/api");
    for (api, (_, file)) in rows() {
        let text = std::fs::read_to_string(folder.join(&file));
        let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut head = text.lines().take_while(|line| line.starts_with("//!"));
        assert!(
            head.any(|line| line.contains(&api)),
            "{file} is about {api}"
        );
        let mut head = text.lines().take_while(|line| line.starts_with("//!"));
        assert!(
            head.any(|line| line.contains("ersion")),
            "{file}: which versions"
        );
    }
}
