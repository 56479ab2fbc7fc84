//! What a thread or the process has used of the processor. On a machine with other things to do
//! this says more than the time on the wall.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::time::{ClockId, clock_gettime};

/// Processor time, and what made some of it necessary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuUsage {
    /// In the program. The kernel knows the sum of both times exactly and estimates the shares.
    pub user: Duration,
    /// In the kernel on behalf of the program.
    pub system: Duration,
    /// Pages that had to be made when they were first touched.
    pub minor_faults: u64,
}

impl CpuUsage {
    /// Of this process so far, all threads together.
    ///
    /// # Errors
    ///
    /// If the operating system does not tell.
    pub fn of_process() -> io::Result<Self> {
        Ok(Self::from(getrusage(UsageWho::RUSAGE_SELF)?))
    }

    /// User and system time together.
    pub fn total(&self) -> Duration {
        self.user + self.system
    }

    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            minor_faults: self.minor_faults.saturating_sub(earlier.minor_faults),
        }
    }
}

impl From<Usage> for CpuUsage {
    fn from(usage: Usage) -> Self {
        Self {
            user: duration(usage.user_time()),
            system: duration(usage.system_time()),
            minor_faults: u64::try_from(usage.minor_page_faults()).unwrap_or(0),
        }
    }
}

/// What this thread has used so far, to the nanosecond.
///
/// # Errors
///
/// If the operating system does not tell.
pub fn of_thread() -> io::Result<Duration> {
    // Not `getrusage`, which tells a thread what it had used at the last tick of the scheduler.
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_shows_in_the_time_of_the_thread_and_of_the_process() {
        let process = CpuUsage::of_process().unwrap();
        let thread = of_thread().unwrap();
        let mut rounds = 0_u64;
        while of_thread().unwrap() - thread < Duration::from_millis(2) {
            rounds += 1;
        }
        assert!(rounds > 0);
        let used = CpuUsage::of_process().unwrap().since(&process).total();
        assert!(used >= Duration::from_millis(2), "{used:?}");
    }
}
