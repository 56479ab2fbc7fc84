//! Where the mock may differ from Kafka, each with its reason. An entry that no comparison needs is
//! an error: it would hide what it was not made for.

use weft_testcontainers::kafka::KafkaVersion;

/// A difference that stays.
#[derive(Debug)]
pub struct Allowance {
    /// The beginning of `case / step`; empty for any.
    pub at: &'static str,
    /// The field, with the places in lists left out, such as `topics[].error_code`; what is inside
    /// of it is allowed as well. Empty for any.
    pub field: &'static str,
    /// The releases that differ.
    pub releases: &'static [KafkaVersion],
    /// Why the mock does not do as Kafka does.
    pub reason: &'static str,
}

const fn allow(
    at: &'static str,
    field: &'static str,
    releases: &'static [KafkaVersion],
    reason: &'static str,
) -> Allowance {
    Allowance {
        at,
        field,
        releases,
        reason,
    }
}

/// All of them.
pub const ALLOWED: &[Allowance] = &[
    allow("versions / versions", "api_keys", ALL, SPEAKS_LESS),
    allow(
        "versions / versions",
        "supported_features",
        NEWER,
        SPEAKS_LESS,
    ),
    allow(
        "versions / versions",
        "finalized_features",
        NEWER,
        SPEAKS_LESS,
    ),
    allow(
        "versions / versions",
        "finalized_features_epoch",
        ALL,
        SPEAKS_LESS,
    ),
    allow("versions / versions for a client", "error_code", ALL, NAMES),
    allow("odd frames / version 99 of API 18", "", NEWEST, SPEAKS_LESS),
    allow("odd frames / version -1 of API 18", "", NEWEST, SPEAKS_LESS),
    allow(
        "odd frames / a list of a negative length",
        "",
        ALL,
        "Kafka takes any negative length for null; the mock refuses what no client writes",
    ),
    allow("", "cluster_authorized_operations", ALL, OPERATIONS),
    allow("", "topics[].topic_authorized_operations", ALL, OPERATIONS),
    allow("", "groups[].authorized_operations", ALL, OPERATIONS),
    allow(
        "",
        "topics[].configs",
        ALL,
        "the mock keeps few settings of a topic, and Kafka tells them in the order of a hash table",
    ),
    allow("metadata / neither name nor id", "", NEWER, FAILS),
    allow(
        "growing topics / topic to 3 at Some([0])",
        "results",
        ALL,
        "the mock places the replicas of new partitions by itself",
    ),
    allow("odd batches / an unknown compression", "", ALL, FAILS),
    allow("odd batches / a claim of compression", "", ALL, FAILS),
    allow(
        "odd batches / a negative number of records",
        "responses[].partition_responses[].error_code",
        ALL,
        "Weft's reader, which the mock shares, takes such a batch for corrupt as a whole",
    ),
    allow(
        "odd batches / ",
        "responses[].partition_responses[].log_start_offset",
        ALL,
        START,
    ),
    allow(
        "odd batches / ",
        "responses[].partition_responses[].error_message",
        ALL,
        START,
    ),
    allow("fetching / isolation of no kind", "", ALL, FAILS),
    allow("offsets / isolation of no kind", "", ALL, FAILS),
    allow("limits of fetches / less than nothing", "", ALL, FAILS),
    allow("configurations / operation 9", "responses", ALL, FAILS),
    // What a controller on ZooKeeper, and leaders of its time, did otherwise.
    allow("creating topics / placed on ", "topics", OLDEST, NOWHERE),
    allow("odd batches / log append time", "", OLDEST, STAMPED),
    allow(
        "odd batches / how much",
        "topics[].partitions[].offset",
        OLDEST,
        STAMPED,
    ),
];

const SPEAKS_LESS: &str = "the mock speaks less than Kafka; what both speak is compared by asking";
const FAILS: &str = "Kafka fails with an unknown error, of which it logs that it should not happen";
const START: &str = "Kafka tells more with some refusals of batches that no client builds";
const NAMES: &str = "the mock asks no client for its name";
const OPERATIONS: &str = "nobody is refused anything by the mock, which knows no permissions";

const NOWHERE: &str =
    "Kafka 2.8 creates topics whose replicas are nowhere, and then waits in vain for their leaders";
const STAMPED: &str =
    "Kafka 2.8 refuses batches that say they were stamped by the log, and names each record";

const OLDEST: &[KafkaVersion] = &[KafkaVersion::V2_8_2];
const NEWER: &[KafkaVersion] = &[KafkaVersion::V3_9_1, KafkaVersion::V4_4_0];
const NEWEST: &[KafkaVersion] = &[KafkaVersion::V4_4_0];
const ALL: &[KafkaVersion] = &KafkaVersion::ALL;
