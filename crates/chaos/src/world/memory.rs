//! R13: how much memory a case takes, if the binary counts it.

/// The most bytes that a case may have allocated at once; a usual one takes a few hundred KiB.
pub(super) const MAX_MEMORY_BYTES: usize = 256 << 20;

/// The memory of the process, while one case is played.
pub(super) struct Memory {
    read: fn() -> usize,
    at_start: usize,
    /// Whether it was already reported.
    told: bool,
}

impl Memory {
    pub(super) fn new(read: fn() -> usize) -> Self {
        Self {
            read,
            at_start: read(),
            told: false,
        }
    }

    /// How much was allocated since the case began, reported once, if it is too much.
    pub(super) fn too_much(&mut self) -> Option<usize> {
        let taken = (self.read)().saturating_sub(self.at_start);
        let is_news = taken > MAX_MEMORY_BYTES && !self.told;
        self.told |= is_news;
        is_news.then_some(taken)
    }
}
