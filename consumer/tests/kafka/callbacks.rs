//! What callbacks may do, and what becomes of their failures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use weft_client::{ErrorKind, Offset};

use crate::bench::{
    Recorder, STEP, filled, kafka, member, offsets, owns, poll_for_error, poll_until, read, told,
    tp, until,
};

#[test]
fn a_commit_in_the_revocation_is_where_the_next_owner_begins() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "handed-over", 1, 20);
    let first = member(kafka, "handed-over", &[("max.poll.records", "5")]);
    let partition = tp("handed-over", 0);
    let (listener, told_first) = Recorder::acting(|consumer, what| {
        if what == "revoked" {
            let owned = consumer.assignment()?;
            assert_eq!(owned.len(), 1, "what is revoked is still owned");
            consumer.commit_sync()?;
        }
        Ok(())
    });
    first
        .subscribe_with_listener(["handed-over"], listener)
        .unwrap();
    read(&first, 5);
    first.close().unwrap();
    assert_eq!(told(&told_first), ["assigned 0", "revoked 0"]);
    let second = member(kafka, "handed-over", &[]);
    second.subscribe(["handed-over"]).unwrap();
    assert_eq!(read(&second, 15)[&partition][0], 5);
}

#[test]
fn a_callback_may_ask_for_positions_and_seek() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "sought", 1, 20);
    let consumer = member(kafka, "sought", &[]);
    let partition = tp("sought", 0);
    let sought = partition.clone();
    let (listener, _) = Recorder::acting(move |consumer, what| {
        if what == "assigned" {
            assert_eq!(consumer.position(&sought)?, Offset::ZERO);
            assert!(consumer.group_metadata()?.generation.value() > 0);
            consumer.seek(&sought, Offset::new(15))?;
        }
        Ok(())
    });
    consumer
        .subscribe_with_listener(["sought"], listener)
        .unwrap();
    assert_eq!(read(&consumer, 5)[&partition], [15, 16, 17, 18, 19]);
}

#[test]
fn the_failure_of_a_callback_is_told_by_poll_and_stops_nothing() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "failing", 1, 3);
    let consumer = member(kafka, "failing", &[]);
    let mut failures_left = 1;
    let (listener, _) = Recorder::acting(move |_, _| {
        failures_left -= 1;
        if failures_left >= 0 {
            Err("the disk is full".into())
        } else {
            Ok(())
        }
    });
    consumer
        .subscribe_with_listener(["failing"], listener)
        .unwrap();
    let error = poll_for_error(&consumer);
    assert_eq!(error.kind(), ErrorKind::Callback);
    assert!(
        format!("{error:?}").contains("the disk is full"),
        "{error:?}"
    );
    assert!(owns(&consumer, "failing", &[0]));
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
}

#[test]
fn the_panic_of_a_callback_goes_through_poll_and_the_consumer_stays_usable() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "panicking", 1, 3);
    let consumer = member(kafka, "panicking", &[]);
    let (listener, told_of) = Recorder::acting(move |_, what| {
        assert_ne!(what, "assigned", "a bug of the user's");
        Ok(())
    });
    consumer
        .subscribe_with_listener(["panicking"], listener)
        .unwrap();
    let mut panic = None;
    until("poll panics", || {
        panic = catch_unwind(AssertUnwindSafe(|| consumer.poll(STEP).unwrap())).err();
        panic.is_some()
    });
    assert!(
        panic
            .unwrap()
            .downcast::<String>()
            .unwrap()
            .contains("a bug of the user's")
    );
    assert!(owns(&consumer, "panicking", &[0]));
    read(&consumer, 3);
    consumer.commit_sync().unwrap();
    consumer.close().unwrap();
    assert_eq!(told(&told_of), ["assigned 0", "revoked 0"]);
}

#[test]
fn a_callback_that_calls_the_consumer_itself_is_told_what_to_call_instead() {
    let Some(kafka) = kafka() else { return };
    kafka.create_topic("re-entered", 1).unwrap();
    let consumer = Arc::new(member(kafka, "re-entered", &[]));
    let inner = Arc::downgrade(&consumer);
    let calls = Arc::new(Mutex::new(0));
    let told = Arc::clone(&calls);
    let (listener, _) = Recorder::acting(move |_, what| {
        let call = || inner.upgrade().map(|consumer| consumer.paused());
        let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
        let text = panic.downcast::<String>().unwrap();
        assert!(text.contains("RebalanceConsumer"), "{text}");
        assert!(text.contains("paused"), "{text}");
        *told.lock().unwrap() += usize::from(what == "assigned");
        Ok(())
    });
    consumer
        .subscribe_with_listener(["re-entered"], listener)
        .unwrap();
    poll_until(&[&consumer], "it is assigned", || {
        *calls.lock().unwrap() == 1
    });
    consumer.unsubscribe().unwrap();
}

#[test]
fn a_wakeup_that_ends_a_callbacks_commit_is_told_by_poll_as_what_it_is() {
    let Some(kafka) = kafka() else { return };
    filled(kafka, "woken-inside", 1, 3);
    let consumer = member(kafka, "woken-inside", &[]);
    let handle = consumer.wakeup_handle();
    let (listener, _) = Recorder::acting(move |consumer, what| {
        if what == "assigned" {
            handle.wakeup();
            consumer.commit_sync_offsets(&offsets(&tp("woken-inside", 0), 0))?;
        }
        Ok(())
    });
    consumer
        .subscribe_with_listener(["woken-inside"], listener)
        .unwrap();
    let error = poll_for_error(&consumer);
    assert_eq!(error.kind(), ErrorKind::Wakeup, "{error:?}");
    read(&consumer, 3);
}
