//! Consumers that meet no broker, and options that make no sense.

use std::collections::{BTreeMap, BTreeSet};

use weft_client::{Offset, OffsetAndMetadata, TopicPartition};
use weft_consumer::{Consumer, ConsumerConfig, ConsumerRecords};

use super::{SHORT, fails_in_time, timed, with_every_peer};
use crate::ensure;
use crate::failure::{Failure, Outcome};

/// Every call of a consumer that needs a broker fails within its time, and names the address; a
/// poll returns within its time without records.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_consumer_survives_peers_that_are_no_brokers() -> Outcome {
    with_every_peer(|address| {
        let config = ConsumerConfig::builder()
            .bootstrap_servers(address)
            .group_id("nobody")
            .default_api_timeout(SHORT)
            .request_timeout(SHORT / 2)
            .build()?;
        let consumer = Consumer::new(config)?;
        let partition = TopicPartition::new("nothing", 0);
        let one = BTreeSet::from([partition.clone()]);
        consumer.assign([partition.clone()])?;
        let polled = timed("poll", || consumer.poll(SHORT))?;
        ensure!(
            polled.as_ref().is_ok_and(ConsumerRecords::is_empty),
            "poll gives {polled:?}"
        );
        let offset = OffsetAndMetadata::new(Offset::ZERO);
        let offsets = BTreeMap::from([(partition.clone(), offset)]);
        fails_in_time("partitions_for", address, || {
            consumer.partitions_for(&"nothing".into()).map(drop)
        })?;
        fails_in_time("end_offsets", address, || {
            consumer.end_offsets(&one).map(drop)
        })?;
        fails_in_time("position", address, || {
            consumer.position(&partition).map(drop)
        })?;
        fails_in_time("committed", address, || consumer.committed(&one).map(drop))?;
        fails_in_time("commit", address, || consumer.commit_sync_offsets(&offsets))?;
        // There is nobody to take leave of.
        timed("drop", || drop(consumer))
    })
}

/// Options that make no sense are refused with their names, before anything is connected.
///
/// # Errors
///
/// If they are not.
pub fn options_that_make_no_sense_are_refused_by_name() -> Outcome {
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("group.id", "g")], "bootstrap.servers"),
        (&[("bootstrap.servers", "")], "bootstrap.servers"),
        (&[("bootstrap.servers", "nowhere")], "bootstrap.servers"),
        (
            &[("bootstrap.servers", "a:1"), ("group.id", "  ")],
            "group.id",
        ),
        (
            &[("bootstrap.servers", "a:1"), ("fetch.min.byte", "1")],
            "fetch.min.byte",
        ),
        (
            &[("bootstrap.servers", "a:1"), ("max.poll.records", "0")],
            "max.poll.records",
        ),
    ];
    for (properties, name) in cases {
        let builder = ConsumerConfig::builder();
        let properties = properties.iter();
        let built = properties
            .fold(builder, |builder, (key, value)| builder.set(key, value))
            .build()
            .and_then(Consumer::new);
        match built {
            Ok(_) => return Err(Failure::because(format!("{name} is accepted"))),
            Err(error) => ensure!(error.to_string().contains(name), "{name}: {error:?}"),
        }
    }
    Ok(String::new())
}
