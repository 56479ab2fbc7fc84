//! The options of a producer, under Kafka's names and with Kafka's defaults where they make sense
//! without idempotence.

use std::time::Duration;

use crate::config::{ClientConfig, ClientConfigBuilder, Problems, Range};
use crate::record::Compression;

crate::config_choice! {
    /// What a broker waits for before it answers, `acks`.
    pub enum Acks {
        /// For all replicas in sync: a record is lost only with all of them.
        All = "all",
        /// For the leader alone: its failure may lose records that were answered.
        Leader = "1",
        /// For nothing, and it does not answer: records may be lost and offsets are unknown.
        None = "0",
    }
}

crate::config_choice! {
    /// How batches are compressed, `compression.type`.
    pub enum CompressionType {
        /// Not at all.
        None = "none",
        /// RFC 1952.
        Gzip = "gzip",
        /// Snappy in the framing of snappy-java.
        Snappy = "snappy",
        /// The LZ4 frame format.
        Lz4 = "lz4",
        /// RFC 8878.
        Zstd = "zstd",
    }
}

impl Acks {
    /// The number in a produce request.
    pub(super) const fn to_wire(self) -> i16 {
        match self {
            Self::All => -1,
            Self::Leader => 1,
            Self::None => 0,
        }
    }
}

impl From<CompressionType> for Compression {
    fn from(compression: CompressionType) -> Self {
        match compression {
            CompressionType::None => Self::None,
            CompressionType::Gzip => Self::Gzip,
            CompressionType::Snappy => Self::Snappy,
            CompressionType::Lz4 => Self::Lz4,
            CompressionType::Zstd => Self::Zstd,
        }
    }
}

crate::client_options! {
    /// What a producer needs to know: how long to gather, how much, and how patient to be.
    pub struct ProducerConfig, ProducerConfigBuilder, relate;
    options {
        /// What a broker waits for before it answers: all replicas in sync, 1 for the leader alone,
        /// or 0 for nothing.
        "acks" => acks: Acks = Acks::All, Range::Any;
        /// How long a batch that is not full waits for more records.
        "linger.ms" => linger: Duration = Duration::from_millis(5), Range::Any;
        /// The size in bytes at which a batch is full, before compression. A larger record gets a
        /// batch of its own.
        "batch.size" => batch_size: usize = 16_384, Range::AtLeast(1);
        /// How many bytes of records may wait for their delivery; sending blocks beyond it.
        "buffer.memory" => buffer_memory: usize = 32 * 1024 * 1024, Range::AtLeast(1);
        /// How batches are compressed.
        "compression.type" => compression_type: CompressionType = CompressionType::None, Range::Any;
        /// How long a record may take from being sent to being answered, attempts included.
        "delivery.timeout.ms" => delivery_timeout: Duration =
            Duration::from_millis(120_000), Range::Any;
        /// How long sending a record may block, for metadata or for room in the buffer.
        "max.block.ms" => max_block: Duration = Duration::from_millis(60_000), Range::Any;
        /// The largest request in bytes, and so the largest record before compression.
        "max.request.size" => max_request_size: usize =
            1_048_576, Range::Between(1, i32::MAX as usize);
        /// How many requests to one broker may be unanswered. A partition never has more than one
        /// batch under way, so that retries do not change the order.
        "max.in.flight.requests.per.connection" => max_in_flight: usize = 5, Range::AtLeast(1);
        /// How often a batch is sent again, as long as the delivery timeout allows.
        "retries" => retries: u32 = i32::MAX as u32, Range::Any;
    }
    inherits ClientConfig, ClientConfigBuilder
}

fn relate(builder: &ProducerConfigBuilder, config: &mut ProducerConfig, problems: &mut Problems) {
    let codec = Compression::from(config.compression_type);
    if !codec.is_enabled() {
        let text = format!("{codec} was not compiled in; enable the cargo feature of that name");
        problems.add("compression.type", text);
    }
    let least = config.linger.saturating_add(config.client.request_timeout);
    if config.delivery_timeout < least {
        if builder.delivery_timeout.is_some() {
            let text = "must not be below linger.ms and request.timeout.ms together";
            problems.add("delivery.timeout.ms", text);
        }
        config.delivery_timeout = least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_kafka() {
        let config = ProducerConfig::builder().bootstrap_servers("a:1").build();
        let config = config.unwrap();
        assert_eq!(
            (config.acks, config.linger),
            (Acks::All, Duration::from_millis(5))
        );
        assert_eq!(
            (config.batch_size, config.buffer_memory),
            (16_384, 33_554_432)
        );
        assert_eq!(config.delivery_timeout, Duration::from_secs(120));
    }

    #[test]
    fn a_delivery_timeout_below_one_request_is_refused_if_set_and_raised_if_not() {
        let builder = ProducerConfig::builder()
            .bootstrap_servers("a:1")
            .set("acks", "1")
            .set("request.timeout.ms", "200000");
        let raised = builder.clone().build().unwrap();
        assert_eq!(raised.acks, Acks::Leader);
        assert_eq!(raised.delivery_timeout, Duration::from_millis(200_005));
        let refused = builder
            .set("delivery.timeout.ms", "1000")
            .build()
            .unwrap_err();
        assert!(
            refused.to_string().starts_with("delivery.timeout.ms: "),
            "{refused}"
        );
    }
}
