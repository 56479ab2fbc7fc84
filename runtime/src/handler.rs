//! What the user implements, and what it is told.
//!
//! It decides nothing about failures: that is the [`FailurePolicy`](crate::retry::FailurePolicy).

use std::error::Error as StdError;
use std::fmt;

use weft_consumer::ConsumerRecord;

use crate::fence::Fence;
use crate::retry::FailureClass;

/// Handles records, one at a time. Every thread that handles has one of its own, made by a factory
/// on that thread, so that `handle` may keep connections and buffers without a lock.
///
/// A record counts as finished when `handle` returns `Ok`. A panic counts as a transient failure;
/// the handler is dropped then, and the factory makes a new one.
///
/// A closure will do: `|record: &ConsumerRecord<'_>| ...`, with any error that `?` can turn into a
/// boxed one, or with [`HandlerError`]. Such an error is transient.
pub trait Handler {
    /// Handles one record. It may block as long as it likes, within what the pattern allows.
    ///
    /// # Errors
    ///
    /// When the record is not dealt with. What happens to it then, the failure policy says.
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        context: &Context<'_>,
    ) -> Result<(), HandlerError>;
}

impl<F, E> Handler for F
where
    F: FnMut(&ConsumerRecord<'_>) -> Result<(), E>,
    E: Into<HandlerError>,
{
    fn handle(
        &mut self,
        record: &ConsumerRecord<'_>,
        _context: &Context<'_>,
    ) -> Result<(), HandlerError> {
        self(record).map_err(Into::into)
    }
}

/// What a handler may want to know beside the record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub(crate) attempt: u32,
    pub(crate) fence: &'a Fence,
}

impl Context<'_> {
    /// The number of this attempt at the record, from 1. It counts the attempts of this assignment:
    /// a new owner of the partition begins at 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the partition is about to be given up, or the runtime to stop. What is finished soon
    /// still counts; what is given up with an error will be handled again, by a new owner.
    pub fn is_draining(&self) -> bool {
        self.fence.is_draining()
    }

    /// Whether the partition is gone. Nothing that the handler does counts any more, and somebody
    /// else may be handling the same record.
    pub fn is_cancelled(&self) -> bool {
        self.fence.is_closed()
    }
}

/// Why a record was not dealt with. `?` turns any error, or a text, into a transient one.
pub struct HandlerError {
    class: FailureClass,
    source: Box<dyn StdError + Send + Sync>,
}

impl HandlerError {
    /// The same record may succeed later.
    pub fn transient(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            class: FailureClass::Transient,
            source: source.into(),
        }
    }

    /// The same record will never succeed: no further attempt is made.
    pub fn permanent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            class: FailureClass::Permanent,
            source: source.into(),
        }
    }

    /// Whether another attempt makes sense.
    pub fn class(&self) -> FailureClass {
        self.class
    }

    /// The error underneath.
    pub fn into_source(self) -> Box<dyn StdError + Send + Sync> {
        self.source
    }
}

// It is not an error itself: then it could not be made of any error.
impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for HandlerError {
    fn from(source: E) -> Self {
        Self::transient(source)
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.class, self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class_of<E: Into<HandlerError>>(error: E) -> FailureClass {
        error.into().class()
    }

    #[test]
    fn any_error_is_transient_unless_it_says_otherwise() {
        assert_eq!(class_of("busy"), FailureClass::Transient);
        assert_eq!(class_of(fmt::Error), FailureClass::Transient);
        let permanent = HandlerError::permanent("not a number");
        assert_eq!(permanent.to_string(), "not a number");
        assert_eq!(class_of(permanent), FailureClass::Permanent);
    }

    #[test]
    fn closures_with_any_error_are_handlers() {
        fn is_handler(_: impl Handler) {}
        is_handler(|_: &ConsumerRecord<'_>| Ok::<(), HandlerError>(()));
        is_handler(|_: &ConsumerRecord<'_>| Err("never"));
        let mut count = 0;
        is_handler(|record: &ConsumerRecord<'_>| {
            count += record.key().map_or(0, <[u8]>::len);
            std::str::from_utf8(record.value().unwrap_or_default())?;
            Ok::<(), HandlerError>(())
        });
    }

    #[test]
    fn the_context_tells_how_far_the_end_has_come() {
        let fence = Fence::default();
        let told = || {
            let context = Context {
                attempt: 1,
                fence: &fence,
            };
            (context.is_draining(), context.is_cancelled())
        };
        assert_eq!(told(), (false, false));
        fence.drain();
        assert_eq!(told(), (true, false));
        fence.close();
        assert_eq!(told(), (true, true));
        fence.drain();
        assert_eq!(told(), (true, true), "never back");
    }
}
