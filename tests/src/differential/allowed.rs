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
        "the mock keeps few settings of a topic, and lists none when one is created",
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
    // What older releases did otherwise; the mock does as the newest.
    allow("offsets / a partition twice", "", OLD, SINCE_4),
    allow("offsets / no partitions", "", OLD, SINCE_4),
    allow(
        "committed offsets / of a topic without partitions",
        "",
        OLD,
        SINCE_4,
    ),
    allow("committed offsets / of a partition twice", "", OLD, SINCE_4),
    allow(
        "a group of two / ",
        "groups[].members[].member_assignment",
        OLD,
        SINCE_4,
    ),
    allow(
        "creating topics / the same topic twice",
        "topics",
        OLDEST,
        SINCE_3,
    ),
    allow("creating topics / ", "topics[].topic_id", OLDEST, SINCE_3),
    allow("creating topics / placed", "topics", OLDEST, SINCE_3),
    allow(
        "growing topics / ",
        "results[].error_message",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "growing topics /  to 3",
        "results[].error_code",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "deleting topics / ",
        "responses[].error_message",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "deleting topics / a topic and none",
        "responses[].topic_id",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "deleting topics / neither name",
        "responses[].error_code",
        OLDEST,
        SINCE_3,
    ),
    allow("odd batches / log append time", "", OLDEST, SINCE_3),
    allow(
        "odd batches / how much",
        "topics[].partitions[].offset",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "fetching / ",
        "responses[].partitions[].aborted_transactions",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "fetch sessions / ",
        "responses[].partitions[].aborted_transactions",
        OLDEST,
        SINCE_3,
    ),
    allow("offsets / -", "topics[].partitions", OLDEST, NEGATIVE),
    allow(
        "a group of two / ",
        "groups[].members[].member_id",
        OLD,
        ASSIGNMENT,
    ),
    allow(
        "commits of members / of an instance that is none",
        "",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "watching transactions / producers of no topic",
        "topics[].partitions[].error_message",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "transactions / a generation of no group",
        "",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "listing and deleting / groups in state 'stable'",
        "groups",
        OLDEST,
        SINCE_3,
    ),
    allow(
        "a group of one / a heartbeat with an instance",
        "error_code",
        OLDEST,
        SINCE_3,
    ),
];

const SPEAKS_LESS: &str = "the mock speaks less than Kafka; what both speak is compared by asking";
const FAILS: &str = "Kafka fails with an unknown error, of which it logs that it should not happen";
const START: &str = "Kafka tells more with some refusals of batches that no client builds";
const NAMES: &str = "the mock asks no client for its name";
const OPERATIONS: &str = "nobody is refused anything by the mock, which knows no permissions";

const SINCE_4: &str = "Kafka answers so since 4.0, and the mock always";
const ASSIGNMENT: &str =
    "before 4.0 members that rebalance look all the same, so that their order is free";
const SINCE_3: &str = "Kafka answers so since some release after 2.8, and the mock always";
const NEGATIVE: &str = "Kafka 2.8 took unknown negative times for times, and the mock refuses them";

const NEWER: &[KafkaVersion] = &[KafkaVersion::V3_9_1, KafkaVersion::V4_4_0];
const NEWEST: &[KafkaVersion] = &[KafkaVersion::V4_4_0];
const OLD: &[KafkaVersion] = &[KafkaVersion::V2_8_2, KafkaVersion::V3_9_1];
const OLDEST: &[KafkaVersion] = &[KafkaVersion::V2_8_2];
const ALL: &[KafkaVersion] = &KafkaVersion::ALL;
