//! The scenarios on one real broker of Kafka 4.4.0.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;

weft_tests::suite! { Target::OneKafka(KafkaVersion::V4_4_0),
    plain {
        bad_input::{what_does_not_exist_is_named}
    }
    with java {
        producing::{java_reads_what_the_producer_wrote}
        foundation::{java_reads_what_the_suite_writes}
    }
}
