//! The name of a subject's own rule.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

/// Most names read from tapes and results in one process: each is kept until it exits.
pub const MAX_OWN_NAMES: usize = 4_096;

/// The name of a subject's own rule, and what it asks in a few words. Two are equal if their names
/// are.
#[derive(Debug, Clone, Copy)]
pub struct OwnName {
    name: &'static str,
    asks: &'static str,
}

/// What a rule asks, as reported when its code is not here.
const ASKS_UNKNOWN: &str = "a rule of the subject's own";

impl OwnName {
    /// A name, and what the rule asks in a few words. Reports use the name where `R1` would stand:
    /// letters, digits and `-`, as in `prices-never-fall-back`.
    #[must_use]
    pub const fn new(name: &'static str, asks: &'static str) -> Self {
        Self { name, asks }
    }

    /// The name alone.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.name
    }

    /// What the rule asks.
    #[must_use]
    pub fn asks(self) -> &'static str {
        self.asks
    }

    /// A name from a tape or a result; its rule may not be here.
    pub(super) fn read(name: &str) -> Result<Self, String> {
        static READ: Mutex<BTreeMap<String, &'static str>> = Mutex::new(BTreeMap::new());
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "expected the id of a rule such as \"R3\", or the name of a subject's own rule, \
                 found {name:?}"
            ));
        }
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = read.get(name) {
            return Ok(Self::new(name, ASKS_UNKNOWN));
        }
        if read.len() == MAX_OWN_NAMES {
            return Err(format!("expected at most {MAX_OWN_NAMES} rule names"));
        }
        let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
        read.insert(name.to_owned(), kept);
        Ok(Self::new(kept, ASKS_UNKNOWN))
    }
}

impl PartialEq for OwnName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OwnName {}

impl PartialOrd for OwnName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OwnName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl Hash for OwnName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
