//! The scenarios on the embedded mock, one broker.

use weft_tests::cluster::Target;

weft_tests::suite! { Target::Mock { brokers: 1 },
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
        java_group::{mixed_with_java_by_cooperative_sticky}
        outside::{reads_as_the_isolation_level_has_it, rolls_from_range_to_cooperative_sticky}
        plain::{records_equal_what_java_wrote}
        producing::{java_reads_what_the_producer_wrote}
    }
}
