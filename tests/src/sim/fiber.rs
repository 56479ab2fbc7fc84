//! A simulated thread: a stack of its own that runs until it has to wait, and goes on later.

use generator::{Generator, Gn};

/// A thread that runs only while somebody [`resume`](Self::resume)s it.
pub(super) struct Fiber(Generator<'static, (), ()>);

impl Fiber {
    pub(super) fn new(body: Box<dyn FnOnce() + Send>) -> Self {
        Self(Gn::new_opt(STACK_WORDS, body))
    }

    /// Lets it run until it [`suspend`]s itself; says whether it has ended.
    pub(super) fn resume(&mut self) -> bool {
        self.0.resume();
        self.0.is_done()
    }

    /// Gives its stack up for lost, with everything on it: only for threads that hang, in histories
    /// that have failed already. Nothing on it is dropped.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

/// Lets whoever resumed the running fiber go on.
pub(super) fn suspend() {
    #[expect(
        deprecated,
        reason = "shells wait deep inside calls, where the handle that is recommended instead \
                  cannot be passed down to"
    )]
    generator::yield_with(());
}

/// The stack of a thread; only pages that are touched are spent.
const STACK_WORDS: usize = 512 * 1024 / size_of::<usize>();
