//! `docs/configuration.md`: the reference of options, which is made from their declarations.

use std::fmt::Write as _;
use std::fs;

use weft_client::ClientConfig;
use weft_client::config::{ForeignOption, OptionReference, Treatment};
use weft_client::producer::ProducerConfig;
use weft_consumer::ConsumerConfig;

use super::root;

const HEAD: &str = "# Configuration

Made from the declarations in `consumer/src/config.rs`, `client/src/config.rs` and
`client/src/producer/config.rs` by `WEFT_WRITE_DOCS=1 cargo test -p weft-tests --test tidy
configuration`.

Options have Kafka's names and defaults. They are set by methods of a builder, by name (`set`),
from a map (`properties`), or from the text of a `.properties` file (`properties_text`), which is
read as Java reads it. `build` checks all of them, each alone and against each other, and reports
everything that is wrong at once, as an error of kind `Configuration`. Where it differs from Java:

- A name that nobody knows is an error, with the name that may have been meant; Java only logs it.
  There are no plug-ins that could read it.
- A blank `group.id` is an error of kind `Configuration` like any other; Java has an exception of
  its own for it.
- `enable.auto.commit` is false without a `group.id`, and an error if it is set to true then, as
  with Java.
- A `group.instance.id` without a `group.id` is no mistake, and means nothing, as with Java.
- A consumer without `client.id` is called `consumer-<group.id>-<n>`, `n` being its
  `group.instance.id` or a number that counts up in this process, as with Java.
- Durations of `auto.offset.reset` have no signs.
";

fn table(text: &mut String, title: &str, options: &[OptionReference]) {
    let _ = write!(
        text,
        "\n## {title}\n\n| option | value | default | range | meaning |\n\
         | --- | --- | --- | --- | --- |\n"
    );
    for option in options {
        let default = match option.default.as_str() {
            "" => "none",
            default => default,
        };
        let _ = writeln!(
            text,
            "| `{}` | {} | {default} | {} | {} |",
            option.key, option.noun, option.range, option.doc
        );
    }
}

fn foreign(text: &mut String, treatment: Treatment, title: &str, options: &[ForeignOption]) {
    let _ = write!(text, "\n## {title}\n\n| option | why |\n| --- | --- |\n");
    let meant = |option: &&ForeignOption| option.treatment == treatment;
    for option in options.iter().filter(meant) {
        let mut reason = option.reason.to_owned();
        if !option.harmless.is_empty() {
            let words = option.harmless.join(", ");
            let _ = write!(reason, " ({words} is taken without a word)");
        }
        let _ = writeln!(text, "| `{}` | {reason} |", option.key);
    }
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    let of_clients = ClientConfig::options();
    let own = |options: Vec<OptionReference>| {
        let is_own = |option: &OptionReference| !of_clients.contains(option);
        options.into_iter().filter(is_own).collect::<Vec<_>>()
    };
    table(&mut text, "Consumer", &own(ConsumerConfig::options()));
    table(&mut text, "Every client", &of_clients);
    table(&mut text, "Producer", &own(ProducerConfig::options()));
    let options = ConsumerConfig::foreign_options();
    let title = "Ignored with a warning: without meaning here";
    foreign(&mut text, Treatment::Ignored, title, &options);
    let title = "Refused: leaving them out would change what is meant";
    foreign(&mut text, Treatment::Refused, title, &options);
    text
}

#[test]
fn the_page_of_the_configuration_is_that_of_the_declarations() {
    let path = root().join("docs/configuration.md");
    let page = page();
    if std::env::var_os("WEFT_WRITE_DOCS").is_some() {
        fs::write(&path, &page).expect("docs can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let how = "WEFT_WRITE_DOCS=1 cargo test -p weft-tests --test tidy configuration";
    let stale = page.lines().find(|line| !written.contains(line));
    assert!(
        page == written,
        "docs/configuration.md is stale: make it anew with {how}\nmissing: {stale:?}"
    );
}
