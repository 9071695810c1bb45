//! The relay's read buffers: shared by all connections, so that an idle one holds nothing, and
//! reused once nobody holds their contents.

use std::collections::VecDeque;

use bytes::BytesMut;
use parking_lot::Mutex;

/// The maximum number of bytes in one read.
pub(super) const BUFFER_BYTES: usize = 64 << 10;
/// A buffer with less room than this left is full.
const MIN_READ_BYTES: usize = 8 << 10;
/// The maximum number of full buffers kept for reuse. Their contents are held until the writer has
/// handled them.
const MAX_KEPT: usize = 64;

/// Buffers to read into.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Buffers with room left, the last used one at the end.
    open: Vec<BytesMut>,
    /// Full buffers, oldest first.
    full: VecDeque<BytesMut>,
}

impl Buffers {
    /// Takes a buffer with room. [Put it back](Self::put) after use.
    pub(super) fn take(&self) -> BytesMut {
        let mut kept = self.0.lock();
        if let Some(open) = kept.open.pop() {
            return open;
        }
        if let Some(mut oldest) = kept.full.pop_front() {
            if oldest.try_reclaim(BUFFER_BYTES) {
                return oldest;
            }
            kept.full.push_front(oldest);
        }
        drop(kept);
        BytesMut::with_capacity(BUFFER_BYTES)
    }

    /// Takes back a buffer after what was read has been split off.
    pub(super) fn put(&self, buffer: BytesMut) {
        debug_assert!(buffer.is_empty(), "what was read is whose it is");
        let mut kept = self.0.lock();
        if buffer.capacity() >= MIN_READ_BYTES {
            kept.open.push(buffer);
            return;
        }
        kept.full.push_back(buffer);
        if kept.full.len() > MAX_KEPT {
            kept.full.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// Reads this many bytes into a buffer.
    fn read(buffers: &Buffers, length: usize) -> Bytes {
        let mut buffer = buffers.take();
        buffer.resize(length, 7);
        let read = buffer.split().freeze();
        buffers.put(buffer);
        read
    }

    #[test]
    fn what_is_read_little_by_little_shares_a_buffer_whoever_reads_it() {
        let buffers = Buffers::default();
        let first = read(&buffers, 100);
        let second = read(&buffers, 100);
        assert_eq!(first.as_ptr().addr() + 100, second.as_ptr().addr());
    }

    #[test]
    fn a_full_buffer_is_read_into_again_once_nobody_holds_what_was_in_it() {
        let buffers = Buffers::default();
        let held = read(&buffers, BUFFER_BYTES);
        let place = held.as_ptr();
        let other = read(&buffers, BUFFER_BYTES);
        assert_ne!(other.as_ptr(), place, "it is held");
        drop(held);
        assert_eq!(read(&buffers, BUFFER_BYTES).as_ptr(), place);
    }

    #[test]
    fn few_are_kept_however_many_are_held() {
        let buffers = Buffers::default();
        let held: Vec<Bytes> = (0..2 * MAX_KEPT)
            .map(|_| read(&buffers, BUFFER_BYTES))
            .collect();
        assert_eq!(buffers.0.lock().full.len(), MAX_KEPT);
        drop(held);
        read(&buffers, 1);
        assert_eq!(buffers.0.lock().full.len(), MAX_KEPT - 1);
    }
}
