//! A hash that is the same on every platform and in every version.

use std::hash::Hasher;

use fnv::FnvHasher;

/// FNV-1a, 64 bits, over everything taken so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(FnvHasher::default().finish())
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let mut hasher = FnvHasher::with_key(self.0);
        hasher.write(bytes);
        self.0 = hasher.finish();
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}
