//! Shell: waiting for conditions that do not announce themselves, never without a limit.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a shell: looks again and again until a deadline"
)]

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Looks until there is something to see, and returns it.
///
/// # Errors
///
/// After `timeout`, in the words of `what`, with the last thing that `look` said it saw instead;
/// and whatever `look` fails with.
pub fn until<T>(
    what: &str,
    timeout: Duration,
    mut look: impl FnMut() -> Result<Look<T>, Failure>,
) -> Result<T, Failure> {
    let began_at = Instant::now();
    loop {
        match look()? {
            Look::Seen(value) => return Ok(value),
            Look::NotYet(instead) if began_at.elapsed() >= timeout => {
                return Err(Failure::because(format!(
                    "{what} did not happen within {timeout:?}; instead: {instead}"
                )));
            }
            Look::NotYet(_) => thread::sleep(LOOK_INTERVAL),
        }
    }
}

/// Looks again and again for a span of time, at the end of which everything must still be as it is
/// to be.
///
/// # Errors
///
/// As soon as `look` fails.
pub fn throughout(
    span: Duration,
    mut look: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let began_at = Instant::now();
    while began_at.elapsed() < span {
        look()?;
        thread::sleep(LOOK_INTERVAL);
    }
    look()
}

/// What one look showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look<T> {
    /// What was waited for.
    Seen(T),
    /// Something else, for the error text.
    NotYet(String),
}

impl Look<()> {
    /// Whether `condition` holds, and what is the case if not.
    pub fn at(condition: bool, instead: impl FnOnce() -> String) -> Self {
        if condition {
            Self::Seen(())
        } else {
            Self::NotYet(instead())
        }
    }
}

/// Keeps threads waiting until it is opened.
#[derive(Debug, Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    /// Waits until the gate is open; false if that takes longer than `timeout`.
    pub fn pass(&self, timeout: Duration) -> bool {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .opened
            .wait_timeout_while(is_open, timeout, |is_open| !*is_open);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// How long anything may take that takes a moment on an idle machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before looking again.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_seen_fails_with_what_was_seen_instead() {
        let failure = until("snow", Duration::ZERO, || {
            Ok(Look::at(false, || "rain".to_owned()))
        })
        .unwrap_err();
        let text = failure.to_string();
        assert!(
            text.starts_with("snow did not happen within 0ns; instead: rain"),
            "{text}"
        );
    }

    #[test]
    fn looking_ends_with_the_first_sight() {
        let mut looks = 0;
        let seen = until("the third look", PATIENCE, || {
            looks += 1;
            Ok(if looks == 3 {
                Look::Seen(looks)
            } else {
                Look::NotYet(String::new())
            })
        });
        assert_eq!(seen.unwrap(), 3);
    }
}
