//! The scenarios on the real broker of Kafka 4.4.0.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;
use weft_tests::scenario::outside;
use weft_tests::suite::{run_outside, run_with_java};

weft_tests::suite! { Target::OneKafka(KafkaVersion::V4_4_0),
    plain {
        bad_input::{what_does_not_exist_is_named}
        comings::{
            a_million_records_by_four_threads, a_million_records_by_two_pollers_and_eight_workers,
        }
        failing_handler::{a_failing_handler_loses_nothing, a_panicking_handler_loses_nothing}
        key_order::{
            keys_stay_in_order_under_cooperative_rebalances,
            keys_stay_in_order_under_eager_rebalances,
        }
        misuse::{two_threads_in_a_consumer_panic_and_wakeup_does_not}
        plain::{
            a_group_resumes_where_it_committed, a_paused_partition_waits,
            a_record_that_cannot_be_read_is_named_until_it_is_passed_over,
            a_topic_is_read_to_its_end, commits_of_every_kind_reach_the_broker,
            interceptors_see_what_is_polled_and_committed, metrics_tell_what_a_consumer_does,
            records_equal_what_was_appended, seeking_moves_the_position,
            the_reset_policy_says_where_to_begin, topics_of_a_pattern_come_and_go,
        }
        processes::{
            a_killed_pool_loses_nothing, nonsense_about_a_cluster_ends_the_program,
            a_terminated_pool_drains_and_leaves, killed_threads_lose_nothing,
            terminated_threads_drain_and_leave,
        }
        silent_member::{
            a_silent_member_leaves_and_rejoins_cooperatively,
            a_silent_member_leaves_and_rejoins_eagerly,
        }
        slow_handler::{a_slow_handler_in_a_pool_causes_no_rebalance}
    }
    with java {
        foundation::{java_reads_what_the_suite_writes}
        java_group::{
            mixed_with_java_by_cooperative_sticky, mixed_with_java_by_range,
            mixed_with_java_by_roundrobin, mixed_with_java_by_sticky,
        }
        outside::{reads_as_the_isolation_level_has_it, rolls_from_range_to_cooperative_sticky}
        plain::{records_equal_what_java_wrote}
        producing::{java_reads_what_the_producer_wrote}
    }
}

mod clients {
    use super::*;

    weft_tests::outside_suite! { Target::OneKafka(KafkaVersion::V4_4_0), run_outside, {
        its_transactions_are_kept, reads_what_weft_writes, shares_a_group_with_its_like,
        shares_groups_with_weft, writes_what_weft_reads,
    } }
}

/// kcat cannot do this.
mod copying {
    use super::*;

    weft_tests::outside_suite! {
        of java Java, Target::OneKafka(KafkaVersion::V4_4_0), run_outside, {
            copies_each_record_once,
        }
    }
    weft_tests::outside_suite! {
        of kafka_python KafkaPython, Target::OneKafka(KafkaVersion::V4_4_0), run_outside, {
            copies_each_record_once,
        }
    }
    weft_tests::outside_suite! {
        of franz_go FranzGo, Target::OneKafka(KafkaVersion::V4_4_0), run_outside, {
            copies_each_record_once,
        }
    }
}

#[test]
fn java_administers() {
    run_with_java(
        "java_administers",
        Target::OneKafka(KafkaVersion::V4_4_0),
        outside::java_administers,
    );
}
