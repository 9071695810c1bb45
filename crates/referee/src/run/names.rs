//! What names a run apart from all others.

/// What names a run apart from all others.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// Found in the environment of whatever the client starts.
    pub(super) mark: String,
    /// The bearer token of this run.
    pub(super) token: String,
}

/// The names of one run: from the seed, so that no two runs share any.
pub(super) fn names(seed: u64, number: u64, time: u64) -> Names {
    let of = |salt: u64| {
        let mixed = mix(seed ^ mix(number ^ mix(time ^ salt)));
        format!("{mixed:016x}{:016x}", mix(mixed))
    };
    Names {
        mark: of(1),
        token: format!("wst_{}", of(2)),
    }
}

/// The finalizer of `SplitMix64`: spreads every bit over all.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Lets so many clients start at a time.
struct Gate {
    free: Mutex<usize>,
    freed: Condvar,
}

/// Room to start one client, or none where nobody made room in time.
struct Permit<'a>(Option<&'a Gate>);

impl Gate {
    fn new(free: usize) -> Self {
        Self {
            free: Mutex::new(free),
            freed: Condvar::new(),
        }
    }

    /// Waits for room, though not for ever: a client that never dials keeps nobody out.
    fn enter(&self) -> Permit<'_> {
        let mut free = self.free.lock();
        let waited = self
            .freed
            .wait_while_for(&mut free, |free| *free == 0, MAX_START_WAIT);
        if waited.timed_out() && *free == 0 {
            return Permit(None);
        }
        *free -= 1;
        Permit(Some(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(gate) = self.0 {
            *gate.free.lock() += 1;
            gate.freed.notify_one();
        }
    }
}
