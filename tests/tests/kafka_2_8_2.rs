//! The scenarios on one real broker of Kafka 2.8.2.

use weft_testcontainers::kafka::KafkaVersion;
use weft_tests::cluster::Target;

weft_tests::suite! { Target::OneKafka(KafkaVersion::V2_8_2);
    foundation::{java_reads_what_the_suite_writes}
}
