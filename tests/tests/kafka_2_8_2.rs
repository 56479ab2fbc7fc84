//! The scenarios on one real broker of Kafka 2.8.2.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;
use weft_tests::suite::run_outside;

weft_tests::suite! { Target::OneKafka(KafkaVersion::V2_8_2),
    plain {
        bad_input::{what_does_not_exist_is_named}
        plain::{
            a_group_resumes_where_it_committed, a_paused_partition_waits,
            a_topic_is_read_to_its_end, commits_of_every_kind_reach_the_broker,
            metrics_tell_what_a_consumer_does,
            records_equal_what_was_appended, seeking_moves_the_position,
            the_reset_policy_says_where_to_begin,
        }
        silent_member::{a_silent_member_leaves_and_rejoins_cooperatively}
    }
    with java {
        foundation::{java_reads_what_the_suite_writes}
        java_group::{mixed_with_java_by_range}
        outside::{reads_as_the_isolation_level_has_it, rolls_from_range_to_cooperative_sticky}
        plain::{records_equal_what_java_wrote}
        producing::{java_reads_what_the_producer_wrote}
    }
}

mod clients {
    use super::*;

    weft_tests::outside_suite! { Target::OneKafka(KafkaVersion::V2_8_2), run_outside, {
        its_transactions_are_kept, shares_groups_with_weft,
    } }
}
