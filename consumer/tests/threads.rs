//! One consumer and several threads: who is refused, who is let in, and what stays unharmed. The
//! only broker is a socket that never answers.

#![expect(clippy::unwrap_used, reason = "the functions here are parts of tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "threads, a silent socket, and bounds on time are the subject"
)]

use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use weft_client::{Error, ErrorKind, TopicPartition};
use weft_consumer::{CloseOptions, Consumer, ConsumerConfig, ConsumerRecords};

/// A socket that accepts connections and says nothing, as long as it lives.
fn silent_broker() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn consumer(address: &str, more: &[(&str, &str)]) -> Consumer {
    let start = ConsumerConfig::builder().set("bootstrap.servers", address);
    let builder = more.iter().fold(start, |b, (key, value)| b.set(key, value));
    Consumer::new(builder.build().unwrap()).unwrap()
}

fn assigned(address: &str) -> Consumer {
    let consumer = consumer(address, &[]);
    consumer.assign([TopicPartition::new("t", 0)]).unwrap();
    consumer
}

/// What a call panicked with, if it did.
fn panic_of<T>(call: impl FnOnce() -> T) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.unwrap_or_else(|| panic.downcast_ref::<&str>().unwrap().to_string()))
}

/// Runs `intrude` once a thread named `holder` is inside `poll`; returns what both came to.
fn intrude_into_a_poll<T>(
    consumer: &Consumer,
    intrude: impl FnOnce() -> T,
) -> (Result<ConsumerRecords, Error>, T) {
    thread::scope(|scope| {
        // The other thread may be inside just when this one comes; then it is this one's turn to
        // be refused.
        let poll = || loop {
            if let Ok(polled) = catch_unwind(AssertUnwindSafe(|| consumer.poll(PATIENCE))) {
                break polled;
            }
        };
        let holder = thread::Builder::new().name("holder".into());
        let holder = holder.spawn_scoped(scope, poll).unwrap();
        let began_at = Instant::now();
        while panic_of(|| consumer.paused()).is_none() {
            assert!(began_at.elapsed() < PATIENCE, "the holder never got in");
            thread::yield_now();
        }
        let intrusion = intrude();
        consumer.wakeup();
        (holder.join().unwrap(), intrusion)
    })
}

#[test]
fn a_second_thread_is_told_who_is_inside_and_the_first_goes_on_unharmed() {
    let (_listener, address) = silent_broker();
    let consumer = assigned(&address);
    let (held, panic) = intrude_into_a_poll(&consumer, || {
        thread::scope(|scope| {
            let intruder = thread::Builder::new().name("intruder".into());
            let call = || panic_of(|| consumer.position(&TopicPartition::new("t", 0)));
            intruder.spawn_scoped(scope, call).unwrap().join().unwrap()
        })
    });
    let panic = panic.expect("the intruder was let in");
    for part in ["\"holder\"", "\"intruder\"", "position", "poll", "wakeup()"] {
        assert!(panic.contains(part), "{part} is missing in: {panic}");
    }
    assert_eq!(held.unwrap_err().kind(), ErrorKind::Wakeup);
    assert_eq!(consumer.assignment().unwrap().len(), 1);
}

#[test]
fn closing_from_another_thread_while_one_polls_is_refused_too() {
    let (_listener, address) = silent_broker();
    let consumer = assigned(&address);
    let (held, panic) = intrude_into_a_poll(&consumer, || panic_of(|| consumer.close()));
    let panic = panic.expect("close was let in");
    assert!(panic.contains("close"), "{panic}");
    assert_eq!(held.unwrap_err().kind(), ErrorKind::Wakeup);
    consumer.close().unwrap();
}

#[test]
fn a_consumer_may_move_between_threads_as_long_as_calls_do_not_overlap() {
    let (_listener, address) = silent_broker();
    let consumer = assigned(&address);
    let consumer = thread::spawn(move || {
        assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
        consumer
    })
    .join()
    .unwrap();
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
}

#[test]
fn wakeups_before_a_call_end_that_one_and_no_other() {
    let (_listener, address) = silent_broker();
    let consumer = assigned(&address);
    consumer.wakeup();
    consumer.wakeup_handle().wakeup();
    // A call that does not wait is not ended, and does not use the wakeup up.
    consumer.assignment().unwrap();
    let error = consumer.poll(PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Wakeup);
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
}

#[test]
fn a_wakeup_ends_every_call_that_waits() {
    let (_listener, address) = silent_broker();
    let consumer = consumer(&address, &[("group.id", "g")]);
    let partition = TopicPartition::new("t", 0);
    let partitions = [partition.clone()].into();
    consumer.assign([partition.clone()]).unwrap();
    let offsets = [(partition.clone(), weft_client::Offset::new(1).into())].into();
    type Waiting<'a> = (&'a str, Box<dyn Fn() -> Option<Error> + 'a>);
    let calls: [Waiting<'_>; 7] = [
        ("position", Box::new(|| consumer.position(&partition).err())),
        (
            "committed",
            Box::new(|| consumer.committed(&partitions).err()),
        ),
        (
            "commit_sync",
            Box::new(|| consumer.commit_sync_offsets(&offsets).err()),
        ),
        (
            "end_offsets",
            Box::new(|| consumer.end_offsets(&partitions).err()),
        ),
        (
            "partitions_for",
            Box::new(|| consumer.partitions_for(&"t".into()).err()),
        ),
        ("list_topics", Box::new(|| consumer.list_topics().err())),
        ("poll", Box::new(|| consumer.poll(PATIENCE).err())),
    ];
    for (name, call) in calls {
        let began_at = Instant::now();
        consumer.wakeup();
        let error = call().unwrap_or_else(|| panic!("{name} went on"));
        assert_eq!(error.kind(), ErrorKind::Wakeup, "{name}: {error:?}");
        assert!(
            began_at.elapsed() < SOON,
            "{name} took {:?}",
            began_at.elapsed()
        );
    }
}

#[test]
fn a_closed_consumer_refuses_every_call_and_closes_again_for_nothing() {
    let (_listener, address) = silent_broker();
    let consumer = assigned(&address);
    consumer.close().unwrap();
    consumer.close().unwrap();
    consumer
        .close_with(CloseOptions::new().timeout(Duration::ZERO))
        .unwrap();
    consumer.wakeup();
    let errors = [
        consumer.poll(Duration::ZERO).err(),
        consumer.assignment().err(),
        consumer.subscribe(["t"]).err(),
        consumer.commit_sync().err(),
        consumer.commit_async().err(),
        consumer.network_counters().err(),
        consumer.list_topics().err(),
        consumer.partitions_for(&"t".into()).err(),
        consumer.subscribe_pattern("t").err(),
        consumer.set_rebalance_listener(None).err(),
        consumer.enforce_rebalance("").err(),
        consumer.group_metadata().err(),
        consumer.unsubscribe().err(),
    ];
    for error in errors {
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Closed));
    }
}

#[test]
fn a_member_of_an_unreachable_group_is_dropped_and_closed_in_bounded_time() {
    let (_listener, address) = silent_broker();
    for ends_by_drop in [true, false] {
        let consumer = consumer(&address, &[("group.id", "g")]);
        consumer.subscribe(["t"]).unwrap();
        assert!(consumer.poll(Duration::from_millis(50)).unwrap().is_empty());
        let began_at = Instant::now();
        if !ends_by_drop {
            let options = CloseOptions::new().timeout(Duration::from_millis(300));
            consumer.close_with(options).unwrap();
        }
        drop(consumer);
        let took = began_at.elapsed();
        assert!(took < SOON, "took {took:?}, by drop: {ends_by_drop}");
    }
}

#[test]
fn closing_with_no_time_at_all_hardly_waits_even_with_something_to_commit() {
    let (_listener, address) = silent_broker();
    let options = [("group.id", "g"), ("enable.auto.commit", "true")];
    let consumer = consumer(&address, &options);
    let partition = TopicPartition::new("t", 0);
    consumer.assign([partition.clone()]).unwrap();
    consumer
        .seek(&partition, weft_client::Offset::new(1))
        .unwrap();
    let began_at = Instant::now();
    let options = CloseOptions::new().timeout(Duration::ZERO);
    consumer.close_with(options).unwrap();
    let took = began_at.elapsed();
    assert!(took < SOON, "took {took:?}");
}

#[test]
fn time_limits_of_any_length_are_taken() {
    let (_listener, address) = silent_broker();
    let longest = i32::MAX.to_string();
    let options = [
        ("group.id", "g"),
        ("default.api.timeout.ms", longest.as_str()),
        ("max.poll.interval.ms", longest.as_str()),
        ("auto.commit.interval.ms", longest.as_str()),
    ];
    let consumer = consumer(&address, &options);
    let partition = TopicPartition::new("t", 0);
    consumer.assign([partition.clone()]).unwrap();
    consumer.wakeup();
    let polled = consumer.poll(Duration::MAX).unwrap_err();
    assert_eq!(polled.kind(), ErrorKind::Wakeup);
    assert!(consumer.poll(Duration::ZERO).unwrap().is_empty());
    consumer.wakeup();
    let asked = consumer.committed(&[partition].into()).unwrap_err();
    assert_eq!(asked.kind(), ErrorKind::Wakeup);
    consumer
        .close_with(CloseOptions::new().timeout(Duration::MAX))
        .unwrap();
}

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bound that a call is held to which should return at once.
const SOON: Duration = Duration::from_secs(5);
