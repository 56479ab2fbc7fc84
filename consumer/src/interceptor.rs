//! Code of the user's that sees all records before they are returned, and all offsets once they are
//! committed (Kafka's `ConsumerInterceptor`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::group::panic_text;
use crate::lane::Offsets;
use crate::listener::CallbackError;
use crate::record::ConsumerRecords;

/// Sees what a consumer returns and commits. Handed over with
/// [`Consumer::add_interceptor`](crate::Consumer::add_interceptor).
///
/// Interceptors form a chain in the order in which they were added. All methods run on the thread
/// that called the consumer, inside that call, and cannot call it. One that fails or panics is
/// logged and passed over: it never changes what the call returns.
///
/// Deviations from Java's: [`on_commit`](Self::on_commit) never runs on the heartbeat thread; and
/// records are bytes here, before any [`Deserializer`](crate::Deserializer).
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), weft_client::Error> {
/// use weft_consumer::{CallbackError, ConsumerInterceptor, ConsumerRecords};
///
/// struct Count(u64);
///
/// impl ConsumerInterceptor for Count {
///     fn on_consume(
///         &mut self,
///         records: ConsumerRecords,
///     ) -> Result<ConsumerRecords, CallbackError> {
///         self.0 += records.count() as u64;
///         Ok(records)
///     }
/// }
///
/// # let config = weft_consumer::ConsumerConfig::builder().bootstrap_servers("a:1").build()?;
/// let consumer = weft_consumer::Consumer::new(config)?;
/// consumer.add_interceptor(Count(0))?;
/// # Ok(())
/// # }
/// ```
pub trait ConsumerInterceptor: Send {
    /// What `poll` is about to return; what this returns goes on to the next interceptor, and at
    /// last to the user. Positions have moved already, so what is left out is not read again.
    ///
    /// # Errors
    ///
    /// Whatever should be logged; the chain goes on with what this was given.
    fn on_consume(&mut self, records: ConsumerRecords) -> Result<ConsumerRecords, CallbackError> {
        Ok(records)
    }

    /// These offsets have been committed: by the user, or by themselves.
    ///
    /// # Errors
    ///
    /// Whatever should be logged.
    fn on_commit(&mut self, offsets: &Offsets) -> Result<(), CallbackError> {
        let _ = offsets;
        Ok(())
    }

    /// The consumer is being closed; nothing follows. A consumer that is dropped does not call
    /// this.
    ///
    /// # Errors
    ///
    /// Whatever should be logged.
    fn close(&mut self) -> Result<(), CallbackError> {
        Ok(())
    }
}

/// The chain of a consumer.
#[derive(Default)]
pub(crate) struct Interceptors(Vec<Box<dyn ConsumerInterceptor>>);

impl Interceptors {
    pub(crate) fn add(&mut self, interceptor: Box<dyn ConsumerInterceptor>) {
        self.0.push(interceptor);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the chain makes of records. Costs nothing if there is no chain.
    #[inline]
    pub(crate) fn on_consume(&mut self, records: ConsumerRecords) -> ConsumerRecords {
        let chain = self.0.iter_mut();
        chain.fold(records, |records, interceptor| {
            let kept = records.clone();
            contain("on_consume", || interceptor.on_consume(records)).unwrap_or(kept)
        })
    }

    pub(crate) fn on_commit(&mut self, offsets: &Offsets) {
        for interceptor in &mut self.0 {
            contain("on_commit", || interceptor.on_commit(offsets));
        }
    }

    /// Closes all of them, once.
    pub(crate) fn close(&mut self) {
        for mut interceptor in self.0.drain(..) {
            contain("close", || interceptor.close());
        }
    }
}

/// What the call returned; `None`, and a warning, if it failed or panicked.
fn contain<T>(method: &str, call: impl FnOnce() -> Result<T, CallbackError>) -> Option<T> {
    let problem = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(result)) => return Some(result),
        Ok(Err(error)) => error.to_string(),
        Err(payload) => format!("it panicked: {}", panic_text(&*payload)),
    };
    tracing::warn!(method, problem, "an interceptor failed and is passed over");
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::mpsc::{Sender, channel};

    use weft_client::{Offset, OffsetAndMetadata, TopicPartition};

    use super::*;

    enum Way {
        Pass,
        Fail,
        Panic,
    }

    /// Moves the one offset on by one, or fails, and tells of each call.
    struct Adds(&'static str, Way, Sender<String>);

    impl Adds {
        fn end<T>(&self, method: &str, result: T) -> Result<T, CallbackError> {
            self.2.send(format!("{} {method}", self.0)).unwrap();
            match self.1 {
                Way::Pass => Ok(result),
                Way::Fail => Err("no".into()),
                Way::Panic => panic!("no"),
            }
        }
    }

    impl ConsumerInterceptor for Adds {
        fn on_consume(&mut self, r: ConsumerRecords) -> Result<ConsumerRecords, CallbackError> {
            let moved = r.next_offsets().iter().map(|(name, next)| {
                let next = OffsetAndMetadata::new(Offset::new(next.offset.value() + 1));
                (name.clone(), next)
            });
            self.end(
                "consumes",
                ConsumerRecords::new(Vec::new(), moved.collect()),
            )
        }

        fn on_commit(&mut self, offsets: &Offsets) -> Result<(), CallbackError> {
            self.end(&format!("commits {}", offsets.len()), ())
        }

        fn close(&mut self) -> Result<(), CallbackError> {
            self.end("closes", ())
        }
    }

    #[test]
    fn one_that_fails_is_passed_over_and_the_next_gets_the_last_good_result() {
        let (sender, told) = channel();
        let mut chain = Interceptors::default();
        assert!(chain.is_empty());
        for (name, way) in [
            ("a", Way::Pass),
            ("b", Way::Fail),
            ("c", Way::Panic),
            ("d", Way::Pass),
        ] {
            chain.add(Box::new(Adds(name, way, sender.clone())));
        }
        let partition = TopicPartition::new("t", 0);
        let start = OffsetAndMetadata::new(Offset::new(5));
        let offsets = BTreeMap::from([(partition.clone(), start)]);
        let records = chain.on_consume(ConsumerRecords::new(Vec::new(), offsets.clone()));
        assert_eq!(records.next_offsets()[&partition].offset.value(), 7);
        chain.on_commit(&offsets);
        chain.close();
        chain.close();
        let told: Vec<String> = told.try_iter().collect();
        let each = |method: &str| ["a", "b", "c", "d"].map(|name| format!("{name} {method}"));
        let expected = [each("consumes"), each("commits 1"), each("closes")].concat();
        assert_eq!(told, expected);
    }
}
