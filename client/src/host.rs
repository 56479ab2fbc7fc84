//! What the operating system gives to shells besides sockets: the time, chance, threads, and a way
//! to wait for another thread.
//!
//! Everything here is the standard library's. It is in one place so that a simulator can stand in
//! for it: with the feature `simulation`, a thread that has entered a simulated host (see
//! [`simulated`]) gets its time, chance and threads from there, and its sockets too. It decides
//! nothing.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where shells get the clock, threads and locks from"
)]

#[cfg(feature = "simulation")]
pub mod simulated;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::sync::{self, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[cfg(feature = "simulation")]
use simulated::host;

/// The present.
#[inline]
pub fn now() -> Instant {
    #[cfg(feature = "simulation")]
    if let Some(host) = host() {
        return host.now();
    }
    Instant::now()
}

/// The time since the beginning of 1970; zero before that.
pub fn wall_time() -> Duration {
    #[cfg(feature = "simulation")]
    if let Some(host) = host() {
        return host.wall_time();
    }
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A number that differs from call to call and from process to process, for generators and hashes.
pub fn random_seed() -> u64 {
    #[cfg(feature = "simulation")]
    if let Some(host) = host() {
        return host.random_seed();
    }
    // The standard library's way to some bits of the operating system's.
    RandomState::new().hash_one("a seed")
}

/// A thread that was started with [`spawn`].
#[derive(Debug)]
pub struct Thread(Started);

#[derive(Debug)]
enum Started {
    Real(JoinHandle<()>),
    #[cfg(feature = "simulation")]
    Simulated(simulated::ThreadId),
}

/// Starts a thread. A panic in it ends it and nothing else.
///
/// # Errors
///
/// The operating system's, if it refuses a thread.
pub fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<Thread> {
    #[cfg(feature = "simulation")]
    if let Some(host) = host() {
        let thread = host.spawn(name, Box::new(body));
        return Ok(Thread(Started::Simulated(thread)));
    }
    let thread = thread::Builder::new().name(name).spawn(body)?;
    Ok(Thread(Started::Real(thread)))
}

impl Thread {
    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Started::Real(thread) => thread.is_finished(),
            #[cfg(feature = "simulation")]
            Started::Simulated(thread) => host().is_none_or(|host| host.has_ended(*thread)),
        }
    }

    /// Waits for its end. A panic in it is not told.
    pub fn join(self) {
        match self.0 {
            Started::Real(thread) => drop(thread.join()),
            #[cfg(feature = "simulation")]
            Started::Simulated(thread) => {
                if let Some(host) = host() {
                    host.join(thread);
                }
            }
        }
    }
}

/// A condition that threads wait for: the standard library's, for locks whose poison means nothing.
#[derive(Debug, Default)]
pub struct Condvar {
    real: sync::Condvar,
    #[cfg(feature = "simulation")]
    simulated: simulated::Signal,
}

impl Condvar {
    /// One that nobody waits for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes one thread that waits, if any does.
    pub fn notify_one(&self) {
        #[cfg(feature = "simulation")]
        if let Some(host) = host() {
            return host.notify(&self.simulated, false);
        }
        self.real.notify_one();
    }

    /// Wakes all threads that wait.
    pub fn notify_all(&self) {
        #[cfg(feature = "simulation")]
        if let Some(host) = host() {
            return host.notify(&self.simulated, true);
        }
        self.real.notify_all();
    }

    /// Unlocks, waits to be woken, and locks again. May return for no reason.
    pub fn wait<'a, T>(&self, mutex: &'a Mutex<T>, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        #[cfg(feature = "simulation")]
        if let Some(host) = host() {
            drop(guard);
            host.wait(&self.simulated, None);
            return lock(mutex);
        }
        let _ = mutex;
        self.real
            .wait(guard)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`wait`](Self::wait), at most for `timeout`.
    pub fn wait_timeout<'a, T>(
        &self,
        mutex: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        #[cfg(feature = "simulation")]
        if let Some(host) = host() {
            drop(guard);
            host.wait(&self.simulated, Some(timeout));
            return lock(mutex);
        }
        let _ = mutex;
        let waited = self.real.wait_timeout(guard, timeout);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(feature = "simulation")]
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn who_waits_for_a_condition_is_woken_with_the_lock() {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let other = Arc::clone(&shared);
        let thread = spawn("test".into(), move || {
            *lock_of(&other.0) = 1;
            other.1.notify_one();
        });
        let mut value = lock_of(&shared.0);
        while *value == 0 {
            value = shared.1.wait(&shared.0, value);
        }
        drop(value);
        thread.unwrap().join();
    }

    #[test]
    fn a_wait_ends_when_its_time_is_over() {
        let (mutex, condition) = (Mutex::new(7), Condvar::new());
        let waited = condition.wait_timeout(&mutex, lock_of(&mutex), Duration::from_millis(1));
        assert_eq!(*waited, 7);
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(random_seed(), random_seed());
    }

    fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}
