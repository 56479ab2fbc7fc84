//! Subscriptions that grow, end, or name what is not there.

use std::time::{Duration, Instant};

use weft_client::ErrorKind;

use crate::bench::{Recorder, STEP, filled, kafka, member, read, told, tp, tps};

#[test]
fn unsubscribing_revokes_leaves_and_lets_partitions_be_chosen() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "unsubscribe", 1, 3);
    let consumer = member(kafka, "unsubscribe", &[]);
    let (listener, told_of) = Recorder::new();
    consumer
        .subscribe_with_listener(["unsubscribe"], listener)
        .unwrap();
    read(&consumer, 3);
    let refused = consumer.assign([tp("unsubscribe", 0)]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::IllegalState);
    consumer.unsubscribe().unwrap();
    assert_eq!(told(&told_of), ["assigned 0", "revoked 0"]);
    assert!(consumer.assignment().unwrap().is_empty());
    let nothing = consumer.poll(Duration::ZERO).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::IllegalState);
    consumer.assign([tp("unsubscribe", 0)]).unwrap();
    read(&consumer, 3);
    // And back: a second life of the subscription hears nothing of the first.
    consumer.unsubscribe().unwrap();
    consumer.subscribe(["unsubscribe"]).unwrap();
    read(&consumer, 3);
}

#[test]
fn a_larger_subscription_reaches_the_new_topic() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "larger-1", 1, 3);
    filled(kafka, "larger-2", 1, 3);
    let consumer = member(kafka, "larger", &[]);
    consumer.subscribe(["larger-1"]).unwrap();
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
    consumer.subscribe(["larger-1", "larger-2"]).unwrap();
    assert_eq!(read(&consumer, 3)[&tp("larger-2", 0)], [0, 1, 2]);
    assert_eq!(consumer.subscription().unwrap().len(), 2);
}

#[test]
fn a_topic_that_does_not_exist_is_named_and_found_once_it_does() {
    let Some(kafka) = kafka() else { return };
    let name = "not-yet";
    let options = [
        ("default.api.timeout.ms", "1000"),
        ("metadata.max.age.ms", "500"),
    ];
    let consumer = member(kafka, "not-yet", &options);
    assert_eq!(consumer.partitions_for(&name.into()).unwrap(), []);
    let error = consumer.end_offsets(&tps(name, &[0])).unwrap_err();
    assert!(error.to_string().contains(name), "{error:?}");
    assert!(matches!(
        error.kind(),
        ErrorKind::Timeout | ErrorKind::UnknownTopicOrPartition
    ));
    consumer.subscribe([name]).unwrap();
    let until_it_is_looked_for = Instant::now() + Duration::from_secs(1);
    while Instant::now() < until_it_is_looked_for {
        assert!(consumer.poll(STEP).unwrap().is_empty());
    }
    filled(kafka, name, 1, 3);
    read(&consumer, 3);
}
