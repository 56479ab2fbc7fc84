//! `docs/metrics.md`, printed from the definitions.

use std::fmt::Write;

use super::definition::{DEFINITIONS, Definition};

/// The page that lists every metric of a consumer: what `docs/metrics.md` has to be.
pub fn reference_page() -> String {
    let mut page = String::from(HEAD);
    let mut last: Option<&Definition> = None;
    for definition in DEFINITIONS {
        let is_new =
            last.is_none_or(|last| (last.group, last.tags) != (definition.group, definition.tags));
        if is_new {
            let mut tags = vec!["client-id"];
            tags.extend(definition.tags);
            let tags = tags.join("`, `");
            // Writing to a string cannot fail.
            let _ = write!(page, "\n## {}, by `{tags}`\n\n", definition.group);
            page.push_str("| name | what it says |\n| --- | --- |\n");
        }
        let _ = writeln!(
            page,
            "| `{}` | {} |",
            definition.name, definition.description
        );
        last = Some(definition);
    }
    page.push_str(ABSENT);
    page
}

const HEAD: &str = "\
# Metrics

What a consumer tells of itself, under the names, groups and tags of Kafka's own consumer.
`Consumer::metrics` takes all of it at once, from any thread; `Consumer::metrics_handle` gives a
handle that does the same and outlives the consumer. With the feature `metrics` of `weft-consumer`,
`MetricsHandle::export` gives everything to the facade of the `metrics` crate, and so to any
exporter that understands it.

Rates, averages, minima and maxima are taken over the last `metrics.num.samples` windows of
`metrics.sample.window.ms`; a total counts from the beginning. An average or extreme of nothing is
NaN. A fetch counts once all that it brought was handed out or dropped. What is told of a topic or
partition begins when it is assigned and ends when it is given up.
";

const ABSENT: &str = "
## What Kafka's consumer has besides

| name | why it is not here |
| --- | --- |
| authentication and re-authentication | there is no SASL yet |
| topic names with underscores for dots | deprecated in Kafka, gone with its release 5.0 |
| `commit-id` of `app-info` | a package of this library carries its version only |
| event queues of the background thread | they belong to the consumer of KIP-848 |
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_in_docs_lists_what_there_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        let page = reference_page();
        if std::env::var_os("WEFT_WRITE_PAGES").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == page,
            "docs/metrics.md is stale: WEFT_WRITE_PAGES=1 cargo test -p weft-consumer the_page"
        );
    }
}
