//! The scenarios on one real broker of Kafka 3.9.1.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;

weft_tests::suite! { Target::OneKafka(KafkaVersion::V3_9_1);
    foundation::{java_reads_what_the_suite_writes}
}
