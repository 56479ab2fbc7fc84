//! The scenarios on one real broker of Kafka 4.4.0.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;

weft_tests::suite! { Target::OneKafka(KafkaVersion::V4_4_0);
    foundation::{java_reads_what_the_suite_writes}
}
