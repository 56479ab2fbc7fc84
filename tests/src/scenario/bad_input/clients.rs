//! Producers and administrators that meet no broker, or ask brokers for what they do not have.

use weft_client::admin::{Admin, NewTopic};
use weft_client::producer::{Producer, ProducerConfig, ProducerRecord};
use weft_client::{ClientConfig, ErrorKind};

use super::{SHORT, fails_in_time, timed, with_every_peer};
use crate::cluster::Cluster;
use crate::ensure;
use crate::failure::{Failure, Outcome};

/// A producer's records fail within their time, and so do flushing and closing; the errors name the
/// address.
///
/// # Errors
///
/// If it is otherwise.
pub fn a_producer_survives_peers_that_are_no_brokers() -> Outcome {
    with_every_peer(|address| {
        let producer = Producer::new(
            ProducerConfig::builder()
                .bootstrap_servers(address)
                .max_block(SHORT)
                .delivery_timeout(SHORT)
                .request_timeout(SHORT / 2)
                .build()?,
        )?;
        let record = ProducerRecord::to("nothing").value("lost");
        fails_in_time("send", address, || producer.send(record).map(drop))?;
        // There is nothing left to be flushed.
        timed("flush", || producer.flush(SHORT))??;
        timed("close", || producer.close(SHORT))??;
        Ok(())
    })
}

/// The calls of an administrator fail within their time, and the errors name the address.
///
/// # Errors
///
/// If it is otherwise.
pub fn an_admin_survives_peers_that_are_no_brokers() -> Outcome {
    with_every_peer(|address| {
        let mut admin = Admin::new(
            ClientConfig::builder()
                .bootstrap_servers(address)
                .default_api_timeout(SHORT)
                .request_timeout(SHORT / 2)
                .build()?,
        )?;
        let topic = NewTopic::new("nothing", 1);
        fails_in_time("create_topic", address, || admin.create_topic(&topic))?;
        fails_in_time("list_topics", address, || admin.list_topics().map(drop))?;
        fails_in_time("list_groups", address, || admin.list_groups().map(drop))?;
        let groups = ["nobody".into()];
        fails_in_time("describe_groups", address, || {
            admin.describe_groups(&groups).map(drop)
        })?;
        timed("drop", || drop(admin))
    })
}

/// Topics that do not exist, names that are not allowed and topics that exist already are refused
/// within the time of the call, and named.
///
/// # Errors
///
/// If they are not.
pub fn what_does_not_exist_is_named(cluster: &Cluster) -> Outcome {
    let missing = cluster.fresh("missing");
    let producer = Producer::new(
        ProducerConfig::builder()
            .bootstrap_servers(cluster.bootstrap().as_str())
            .max_block(SHORT)
            .build()?,
    )?;
    let record = ProducerRecord::to(missing.as_str()).value("lost");
    fails_in_time("send", &missing, || producer.send(record).map(drop))?;
    let record = ProducerRecord::to("not/allowed").value("lost");
    fails_in_time("send", "not/allowed", || producer.send(record).map(drop))?;
    producer.close(SHORT)?;

    let mut admin = Admin::new(
        ClientConfig::builder()
            .bootstrap_servers(cluster.bootstrap().as_str())
            .default_api_timeout(SHORT * 4)
            .build()?,
    )?;
    let there = cluster.create_topic("there", 1)?;
    for (name, kind) in [
        (there.as_str(), None),
        ("not/allowed", Some(ErrorKind::InvalidTopic)),
        ("..", Some(ErrorKind::InvalidTopic)),
    ] {
        let created = timed("create_topic", || {
            admin.create_topic(&NewTopic::new(name, 1))
        })?;
        let Err(error) = created else {
            return Err(Failure::because(format!("{name} is created")));
        };
        ensure!(
            kind.is_none_or(|kind| kind == error.kind()) && format!("{error:?}").contains(name),
            "creating {name}: {error:?}"
        );
    }
    let listed = admin.list_topics()?;
    ensure!(
        listed.contains_key(there.as_str()) && !listed.contains_key(missing.as_str()),
        "the topics are {listed:?}"
    );
    Ok(String::new())
}
