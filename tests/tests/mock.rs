//! The scenarios on the embedded mock, one broker.

use weft_tests::cluster::Target;

weft_tests::suite! { Target::Mock { brokers: 1 },
    plain {
        bad_input::{what_does_not_exist_is_named}
    }
    with java {
        producing::{java_reads_what_the_producer_wrote}
        foundation::{java_reads_what_the_suite_writes}
    }
}
