//! Lets one thread in at a time, and panics in the face of a second one.
//!
//! Methods of the consumer take `&self`, so that the mistake can be made at all: two threads in one
//! consumer are a bug that would otherwise show as lost or repeated records much later. It is
//! overlap that is refused; a consumer may move from thread to thread between calls.

#![expect(
    clippy::disallowed_types,
    reason = "the lock is never waited for: whoever finds it taken panics"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// A value that one thread may use at a time.
#[derive(Debug)]
pub(crate) struct SingleThreaded<T> {
    value: Mutex<T>,
    /// The number of the thread inside; zero while nobody is known to be.
    holder: AtomicU64,
    /// The running call, as an index into `Call::ALL`.
    call: AtomicUsize,
}

/// The right to use the value, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entered<'a, T> {
    value: MutexGuard<'a, T>,
    holder: &'a AtomicU64,
}

impl<T> Deref for Entered<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Entered<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for Entered<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Before the lock is given up, so that whoever finds it taken never reads of a past call.
        self.holder.store(NOBODY, Ordering::Relaxed);
    }
}

impl<T> SingleThreaded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            holder: AtomicU64::new(NOBODY),
            call: AtomicUsize::new(0),
        }
    }

    /// Enters for the time of one call.
    ///
    /// A panic of a callback leaves the value usable: whoever catches it may go on.
    ///
    /// # Panics
    ///
    /// If another call is running. That call goes on unharmed.
    #[inline]
    pub(crate) fn enter(&self, call: Call) -> Entered<'_, T> {
        let value = match self.value.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => self.refuse(call),
        };
        self.call.store(call as usize, Ordering::Relaxed);
        // Whoever reads the number reads the call that belongs to it.
        self.holder.store(thread_number(), Ordering::Release);
        let holder = &self.holder;
        Entered { value, holder }
    }

    /// Enters only if nobody else is inside.
    pub(crate) fn try_enter(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The thread inside. One that has only just come in is about to say so.
    fn holder(&self) -> u64 {
        for _ in 0..LOOKS_MAX {
            match self.holder.load(Ordering::Acquire) {
                NOBODY => std::thread::yield_now(),
                holder => return holder,
            }
        }
        NOBODY
    }

    #[cold]
    fn refuse(&self, call: Call) -> ! {
        let holder = self.holder();
        let running = Call::ALL
            .get(self.call.load(Ordering::Relaxed))
            .copied()
            .unwrap_or(Call::Poll);
        let own = thread_number();
        if holder == own {
            panic!(
                "{call} was called from a callback that runs inside {running} of the same \
                 consumer: use the RebalanceConsumer that the callback is given"
            );
        }
        panic!(
            "Consumer is not safe for multi-threaded access: {} called {call} while {} is inside \
             {running}. Give each thread its own consumer; only wakeup() may be called from \
             other threads",
            thread_name(own),
            thread_name(holder),
        );
    }
}

macro_rules! calls {
    ($($call:ident = $name:literal,)*) => {
        /// The calls that enter.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Call { $($call,)* }

        impl Call {
            const ALL: &'static [Self] = &[$(Self::$call,)*];

            const fn name(self) -> &'static str {
                match self { $(Self::$call => $name,)* }
            }
        }
    };
}

calls! {
    Poll = "poll",
    Subscribe = "subscribe",
    SubscribePattern = "subscribe_pattern",
    SetRebalanceListener = "set_rebalance_listener",
    Assign = "assign",
    Unsubscribe = "unsubscribe",
    Assignment = "assignment",
    Subscription = "subscription",
    EnforceRebalance = "enforce_rebalance",
    CommitSync = "commit_sync",
    CommitAsync = "commit_async",
    Committed = "committed",
    Position = "position",
    Seek = "seek",
    Pause = "pause",
    Resume = "resume",
    Paused = "paused",
    CurrentLag = "current_lag",
    LookUp = "a look-up of offsets",
    PartitionsFor = "partitions_for",
    ListTopics = "list_topics",
    GroupMetadata = "group_metadata",
    AddInterceptor = "add_interceptor",
    Counters = "network_counters",
    Close = "close",
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

static LAST_THREAD: AtomicU64 = AtomicU64::new(0);

/// The names of the living threads that ever entered a consumer.
static THREAD_NAMES: Mutex<BTreeMap<u64, String>> = Mutex::new(BTreeMap::new());

struct ThreadNumber(u64);

impl ThreadNumber {
    fn new() -> Self {
        let number = LAST_THREAD.fetch_add(1, Ordering::Relaxed) + 1;
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let text = format!("thread {name:?} ({:?})", thread.id());
        names().insert(number, text);
        Self(number)
    }
}

impl Drop for ThreadNumber {
    fn drop(&mut self) {
        names().remove(&self.0);
    }
}

thread_local! {
    static NUMBER: ThreadNumber = ThreadNumber::new();
}

#[inline]
fn thread_number() -> u64 {
    // A thread that is ending has no number any more.
    NUMBER.try_with(|number| number.0).unwrap_or(u64::MAX)
}

fn thread_name(number: u64) -> String {
    let name = names().get(&number).cloned();
    name.unwrap_or_else(|| "another thread".to_owned())
}

fn names() -> MutexGuard<'static, BTreeMap<u64, String>> {
    THREAD_NAMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No thread has this number.
const NOBODY: u64 = 0;

/// How often to look for the name of the thread inside. It may be gone by now.
const LOOKS_MAX: usize = 1_000;
