//! Pattern 2 with a handler that has state and fails now and then: one poller, eight workers, the
//! records of each key in order.
//!
//! `cargo run --example worker_pool -- localhost:9092 orders billing`

use std::env;
use std::num::NonZeroU32;

use weft_client::Error;
use weft_consumer::{ConsumerConfig, ConsumerRecord};
use weft_runtime::retry::{FailurePolicy, Terminal};
use weft_runtime::route::Ordering;
use weft_runtime::{Context, Handler, HandlerError, Runtime};

/// One for each worker, so that it needs no lock.
#[derive(Default)]
struct Billing {
    invoices: Vec<String>,
}

impl Handler for Billing {
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        let Some(value) = record.value() else {
            // Trying again would not help.
            return Err(HandlerError::permanent("an order without a value"));
        };
        // An error that `?` passes on is worth another attempt; the key waits, others go on.
        let order = std::str::from_utf8(value)?;
        self.invoices.push(order.to_owned());
        println!("attempt {}: {order}", context.attempt());
        Ok(())
    }
}

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (bootstrap, topic, group) = (
        argument("localhost:9092"),
        argument("orders"),
        argument("billing"),
    );
    let config = ConsumerConfig::builder()
        .set("bootstrap.servers", &bootstrap)
        .set("group.id", &group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .build()?;

    let attempts = NonZeroU32::new(5).expect("five is not zero");
    let runtime = Runtime::worker_pool(config)
        .topics([topic])
        .workers(8)
        .ordering(Ordering::Key)
        .failure_policy(FailurePolicy::attempts(attempts).then(Terminal::Stop))
        .start(Billing::default)?;
    let report = runtime.join()?;
    println!("{report:?} {:?}", runtime.stats());
    Ok(())
}
