//! Reassembles IP packets that were sent in fragments.

use std::collections::BTreeMap;
use std::net::IpAddr;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};

/// The maximum number of packets, of at most 64 KiB each, that wait for fragments. Beyond it the
/// oldest is given up.
const MAX_WAITING: usize = 64;

/// Which packet a fragment belongs to (RFC 791, 3.2; RFC 8200, 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) identification: u32,
    pub(super) protocol: u8,
}

/// Fragments that wait for others.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: BTreeMap<Key, (u64, IpDefragBuf)>,
    /// How many fragments have come so far; orders the packets by age.
    begun: u64,
}

impl Fragments {
    /// Takes a fragment. Returns the packet's payload once it is complete.
    pub(super) fn take(
        &mut self,
        key: Key,
        offset: IpFragOffset,
        more: bool,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        if !self.waiting.contains_key(&key) && self.waiting.len() == MAX_WAITING {
            let oldest = self.waiting.iter().min_by_key(|(_, (begun, _))| *begun);
            let oldest = oldest.map(|(key, _)| *key)?;
            self.waiting.remove(&oldest);
        }
        self.begun += 1;
        let begun = self.begun;
        let (_, buffer) = self.waiting.entry(key).or_insert_with(|| {
            let protocol = IpNumber(key.protocol);
            (begun, IpDefragBuf::new(protocol, Vec::new(), Vec::new()))
        });
        if buffer.add(offset, more, payload).is_err() {
            self.waiting.remove(&key);
            return None;
        }
        if !buffer.is_complete() {
            return None;
        }
        let (_, buffer) = self.waiting.remove(&key)?;
        Some(buffer.take_bufs().0)
    }
}
