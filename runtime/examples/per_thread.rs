//! Pattern 1 in a few lines: four threads, each with a consumer of its own.
//!
//! `cargo run --example per_thread -- localhost:9092 orders billing`

use std::env;

use weft_client::Error;
use weft_consumer::{ConsumerConfig, ConsumerRecord};
use weft_runtime::{HandlerError, Runtime};

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

    let runtime = Runtime::per_thread(config)
        .topics([topic])
        .threads(4)
        .start(|| {
            // This runs once on each thread: what the handler keeps belongs to it alone.
            let mut count = 0_u64;
            move |record: &ConsumerRecord<'_>| -> Result<(), HandlerError> {
                count += 1;
                let text = String::from_utf8_lossy(record.value().unwrap_or_default());
                println!(
                    "the {count}th here: {} {}: {text}",
                    record.topic_partition(),
                    record.offset()
                );
                Ok(())
            }
        })?;
    // Until a thread fails. The example `consume` shows how to stop on a signal.
    runtime.join().map(drop)
}
