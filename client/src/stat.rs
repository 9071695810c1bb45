//! A value together with what a reader must know to trust it: when it was true, and who said so.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A response of the engine's HTTP API.
    Http,
    /// An event that the engine pushed over the socket.
    Ws,
    /// The answer of an MCP tool.
    Mcp,
    /// Computed from other values on this side.
    Derived,
    /// A fixture or a mock.
    Mock,
}

/// A value with its age and its source.
///
/// ```
/// use chrono::{TimeDelta, TimeZone as _, Utc};
/// use engine_client::{Source, Stat};
///
/// let noon = Utc.with_ymd_and_hms(2026, 4, 21, 12, 0, 0).unwrap();
/// let price = Stat { value: 63_450.0, as_of: noon, n: None, source: Source::Ws };
/// assert!(!price.is_stale(noon + TimeDelta::seconds(5), TimeDelta::seconds(5)));
/// assert!(price.is_stale(noon + TimeDelta::seconds(6), TimeDelta::seconds(5)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stat<T> {
    /// The value.
    pub value: T,
    /// When it was true, by the engine's clock.
    pub as_of: DateTime<Utc>,
    /// Size of the sample that it sums up; `None` for a direct reading.
    pub n: Option<u64>,
    /// Where it came from.
    pub source: Source,
}

impl<T> Stat<T> {
    /// A direct reading as of this moment.
    ///
    /// This is the one place in the crate that reads the wall clock unasked: a program with a clock
    /// of its own writes the struct out, or follows up with [`Stat::with_as_of`]. The subscriber
    /// never calls it.
    #[must_use]
    pub fn new(value: T, source: Source) -> Self {
        Self {
            value,
            as_of: Utc::now(),
            n: None,
            source,
        }
    }

    /// The same value, as the summary of a sample of `n`.
    #[must_use]
    pub fn with_n(mut self, n: u64) -> Self {
        self.n = Some(n);
        self
    }

    /// The same value, true at another time.
    #[must_use]
    pub fn with_as_of(mut self, as_of: DateTime<Utc>) -> Self {
        self.as_of = as_of;
        self
    }

    /// How old the value is at `now`; negative if the engine's clock is ahead.
    #[must_use]
    pub fn age(&self, now: DateTime<Utc>) -> TimeDelta {
        now.signed_duration_since(self.as_of)
    }

    /// Whether the value is older than `threshold` at `now`.
    #[must_use]
    pub fn is_stale(&self, now: DateTime<Utc>, threshold: TimeDelta) -> bool {
        self.age(now) > threshold
    }
}
