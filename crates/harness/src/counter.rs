//! Counts a subscriber's events while it runs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::subject::{Arrival, Receiver};

/// The name under which events missed by a slow receiver are counted.
const MISSED: &str = "(missed by a slow receiver)";

type Counts = BTreeMap<Cow<'static, str>, u64>;

/// How many events of each kind a receiver heard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter(Arc<Mutex<Counts>>);

impl Counter {
    /// Counts what `receiver` hears, on a task of its own, until nothing more will come.
    pub(crate) fn count(&self, mut receiver: Box<dyn Receiver>) {
        let counts = Arc::clone(&self.0);
        tokio::spawn(async move {
            loop {
                let (kind, n) = match receiver.next().await {
                    Arrival::Event(kind) => (kind, 1),
                    Arrival::Missed(n) => (Cow::Borrowed(MISSED), n),
                    Arrival::Closed => return,
                };
                *counts.lock().entry(kind).or_default() += n;
            }
        });
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.0.lock();
        let counts = counts.iter();
        counts.map(|(kind, n)| (kind.to_string(), *n)).collect()
    }
}
