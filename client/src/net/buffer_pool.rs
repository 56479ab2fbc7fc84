//! Buffers for large responses, used again once the last slice of a response is dropped, on
//! whatever thread that happens.
//!
//! A buffer that was used a moment ago is in the cache and its pages exist, which is why the one
//! that came back last is taken first. Small frames get memory of their exact size instead: a
//! heartbeat's answer must not keep megabytes alive.

#![expect(
    clippy::disallowed_types,
    reason = "the last slice may be dropped on any thread; the lock is held to move one vector"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// Frames up to this size, in bytes, get memory of their own.
pub(super) const SMALL_FRAME_MAX: usize = 16 * 1024;

/// What is allocated at once for a frame that no recycled buffer can hold. More follows, doubling,
/// as bytes really arrive: a peer that announces much and sends nothing must not cost much.
pub(super) const FIRST_ALLOCATION_MAX: usize = 1024 * 1024;

/// Buffers that are kept for reuse.
const KEPT_BUFFERS_MAX: usize = 16;

/// Bytes that are kept for reuse, over all buffers.
const KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A recycled buffer may be this many times larger than the frame: a small frame that lives long
/// would keep the whole buffer alive.
const OVERSIZE_FACTOR_MAX: usize = 4;

/// Buffers are allocated in multiples of this, so that they fit the next, slightly larger frame.
const GRANULARITY: usize = 64 * 1024;

/// The recycled buffers of one network client.
#[derive(Clone, Debug, Default)]
pub(super) struct BufferPool {
    shelf: Arc<Mutex<Shelf>>,
}

/// The buffers at rest, the coldest first. All of them are initialised over their whole length.
#[derive(Debug, Default)]
struct Shelf {
    buffers: VecDeque<Vec<u8>>,
    bytes: usize,
}

/// A frame that is being received.
#[derive(Debug)]
pub(super) struct FrameBuffer {
    /// Initialised over its whole length, which grows up to at least `size`.
    buffer: Vec<u8>,
    filled: usize,
    size: usize,
    pool: BufferPool,
}

/// What keeps a received frame alive, and brings its buffer back.
struct PooledFrame {
    buffer: Vec<u8>,
    size: usize,
    pool: BufferPool,
}

impl BufferPool {
    /// A buffer for a frame of `size` bytes.
    pub(super) fn frame_buffer(&self, size: usize) -> FrameBuffer {
        let buffer = if size <= SMALL_FRAME_MAX {
            vec![0; size]
        } else {
            self.take(size)
                .unwrap_or_else(|| vec![0; round_up(size).min(FIRST_ALLOCATION_MAX)])
        };
        FrameBuffer {
            buffer,
            filled: 0,
            size,
            pool: self.clone(),
        }
    }

    fn take(&self, size: usize) -> Option<Vec<u8>> {
        let fitting = size..=size.saturating_mul(OVERSIZE_FACTOR_MAX);
        let mut shelf = self.lock();
        let place = shelf
            .buffers
            .iter()
            .rposition(|buffer| fitting.contains(&buffer.len()))?;
        let buffer = shelf.buffers.remove(place)?;
        shelf.bytes -= buffer.len();
        Some(buffer)
    }

    /// Keeps a buffer; the coldest make room for it.
    fn give_back(&self, buffer: Vec<u8>) {
        if buffer.len() <= SMALL_FRAME_MAX || buffer.len() > KEPT_BYTES_MAX {
            return;
        }
        let mut evicted = Vec::new();
        let mut shelf = self.lock();
        while shelf.buffers.len() >= KEPT_BUFFERS_MAX || shelf.bytes + buffer.len() > KEPT_BYTES_MAX
        {
            let Some(coldest) = shelf.buffers.pop_front() else {
                break;
            };
            shelf.bytes -= coldest.len();
            evicted.push(coldest);
        }
        shelf.bytes += buffer.len();
        shelf.buffers.push_back(buffer);
        // Freeing megabytes may take a system call: not under the lock.
        drop(shelf);
        drop(evicted);
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // Nothing can panic in the middle of a change to the shelf.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FrameBuffer {
    /// Where the next bytes go; never beyond the frame, and empty only when it is complete.
    pub(super) fn unfilled(&mut self) -> &mut [u8] {
        if self.filled == self.buffer.len() && self.filled < self.size {
            let doubled = self.buffer.len().saturating_mul(2);
            self.buffer.resize(round_up(self.size).min(doubled), 0);
        }
        let end = self.size.min(self.buffer.len());
        &mut self.buffer[self.filled..end]
    }

    /// Notes that the first `bytes` bytes of [`unfilled`](Self::unfilled) are there.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.filled += bytes;
        assert!(
            self.filled <= self.size,
            "nothing is read beyond the frame's end"
        );
    }

    /// Moves bytes of the frame from the front of `input`, as many as there are.
    pub(super) fn copy_from(&mut self, input: &mut &[u8]) {
        while !input.is_empty() && !self.is_complete() {
            let unfilled = self.unfilled();
            let (taken, rest) = input.split_at(unfilled.len().min(input.len()));
            unfilled[..taken.len()].copy_from_slice(taken);
            self.advance(taken.len());
            *input = rest;
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.filled == self.size
    }

    /// Bytes that are there.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    /// Bytes that were announced.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The complete frame. Its memory goes back to the pool with the last slice of it.
    pub(super) fn freeze(mut self) -> Bytes {
        let buffer = std::mem::take(&mut self.buffer);
        if self.size <= SMALL_FRAME_MAX {
            return Bytes::from(buffer);
        }
        Bytes::from_owner(PooledFrame {
            buffer,
            size: self.size,
            pool: self.pool.clone(),
        })
    }
}

impl Drop for FrameBuffer {
    /// A frame that was cut off gives its memory back as well.
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.buffer));
    }
}

impl AsRef<[u8]> for PooledFrame {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.size]
    }
}

impl Drop for PooledFrame {
    fn drop(&mut self) {
        self.pool.give_back(std::mem::take(&mut self.buffer));
    }
}

fn round_up(size: usize) -> usize {
    size.checked_next_multiple_of(GRANULARITY).unwrap_or(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(pool: &BufferPool, size: usize) -> Bytes {
        let mut frame = pool.frame_buffer(size);
        let content = vec![7; size];
        frame.copy_from(&mut &content[..]);
        assert!(frame.is_complete());
        let bytes = frame.freeze();
        assert_eq!(bytes, content);
        bytes
    }

    fn kept(pool: &BufferPool) -> Vec<usize> {
        pool.lock().buffers.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_buffer_comes_back_when_the_last_slice_is_dropped() {
        let pool = BufferPool::default();
        let frame = receive(&pool, 100_000);
        let address = frame.as_ptr();
        let slice = frame.slice(10..20);
        drop(frame);
        assert_eq!(kept(&pool), [] as [usize; 0]);

        drop(slice);

        assert_eq!(kept(&pool), [128 * 1024]);
        assert_eq!(receive(&pool, 120_000).as_ptr(), address);
    }

    #[test]
    fn a_small_frame_takes_no_large_buffer_and_is_not_kept() {
        let pool = BufferPool::default();
        pool.give_back(vec![0; 16 * 1024 * 1024]);
        drop(receive(&pool, 200));
        drop(receive(&pool, 64 * 1024));

        assert_eq!(kept(&pool), [16 * 1024 * 1024, 64 * 1024]);
    }

    #[test]
    fn the_warmest_buffer_is_taken_first() {
        let pool = BufferPool::default();
        let (first, second) = (receive(&pool, 65_536), receive(&pool, 65_536));
        let warmest = first.as_ptr();
        drop(second);
        drop(first);

        assert_eq!(receive(&pool, 60_000).as_ptr(), warmest);
    }

    #[test]
    fn what_is_kept_stays_within_its_limits_and_the_coldest_goes_first() {
        let pool = BufferPool::default();
        for number in 1..=KEPT_BUFFERS_MAX + 1 {
            pool.give_back(vec![0; number * GRANULARITY]);
        }
        assert_eq!(kept(&pool).len(), KEPT_BUFFERS_MAX);
        assert_eq!(kept(&pool)[0], 2 * GRANULARITY);

        pool.give_back(vec![0; KEPT_BYTES_MAX]);
        assert_eq!(kept(&pool), [KEPT_BYTES_MAX]);

        pool.give_back(vec![0; KEPT_BYTES_MAX + 1]);
        assert_eq!(kept(&pool), [KEPT_BYTES_MAX]);
    }

    #[test]
    fn an_announced_length_alone_costs_one_mebibyte() {
        let pool = BufferPool::default();
        let mut frame = pool.frame_buffer(90 * 1024 * 1024);
        assert_eq!(frame.unfilled().len(), FIRST_ALLOCATION_MAX);
        assert_eq!(frame.buffer.capacity(), FIRST_ALLOCATION_MAX);

        frame.advance(FIRST_ALLOCATION_MAX);

        assert_eq!(frame.unfilled().len(), FIRST_ALLOCATION_MAX);
        assert!(frame.buffer.capacity() <= 2 * FIRST_ALLOCATION_MAX);
    }

    #[test]
    fn a_frame_that_was_cut_off_gives_its_buffer_back() {
        let pool = BufferPool::default();
        let mut frame = pool.frame_buffer(100_000);
        frame.copy_from(&mut &[1, 2, 3][..]);
        drop(frame);

        assert_eq!(kept(&pool), [128 * 1024]);
    }
}
