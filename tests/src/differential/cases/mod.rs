//! What is asked, a file for each family of APIs. A case must make sense in every version of its
//! APIs; what a version cannot carry is left out there, and counted.

mod administration;
mod committed;
mod configs;
mod groups;
mod listing;
mod offsets;
mod reading;
mod records;
mod statics;
mod topics;
mod transactions;
mod versions;

use weft_client::wire::messages::CreateTopicsRequest;
use weft_client::wire::messages::create_topics_request::CreatableTopic;
use weft_client::wire::{ApiKey, StrBytes};

use super::case::{At, Case, Step, ask, repeat};
use super::tree::Tree;

/// Every case. The first ones see a cluster that nobody has used.
pub fn all() -> Vec<Case> {
    let families = [
        versions::cases(),
        topics::cases(),
        records::cases(),
        reading::cases(),
        offsets::cases(),
        groups::cases(),
        statics::cases(),
        committed::cases(),
        administration::cases(),
        configs::cases(),
        transactions::cases(),
        listing::cases(),
    ];
    families.into_iter().flatten().collect()
}

fn case(name: &'static str, apis: &'static [ApiKey], steps: Vec<Vec<Step>>) -> Case {
    Case {
        name,
        apis,
        steps: steps.into_iter().flatten().collect(),
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A new topic, and the wait until its leaders serve it.
fn topic(name: &'static str, partitions: i32) -> Vec<Step> {
    vec![
        ask(format!("creating {name}"), move |at| {
            create(at, name, partitions, 1)
        }),
        repeat(format!("the leaders of {name}"), is_fine, move |at| {
            let partitions = 0..partitions;
            let asked = partitions.map(|partition| (partition, offsets::LATEST));
            offsets::list(at, name, asked.collect())
        }),
    ]
}

fn create(at: &At<'_>, name: &str, partitions: i32, replicas: i16) -> CreateTopicsRequest {
    let topic = CreatableTopic::default()
        .with_name(at.topic(name))
        .with_num_partitions(partitions)
        .with_replication_factor(replicas);
    create_topic(topic)
}

fn create_topic(topic: CreatableTopic) -> CreateTopicsRequest {
    CreateTopicsRequest::default()
        .with_timeout_ms(TIMEOUT_MS)
        .with_topics(vec![topic])
}

/// Whether no part of an answer bears an error.
fn is_fine(answer: &Tree) -> bool {
    answer
        .structs()
        .iter()
        .all(|part| matches!(part.leaf("error_code"), None | Some("0")))
}

/// How long a broker may take for what is asked of it.
const TIMEOUT_MS: i32 = 30_000;
