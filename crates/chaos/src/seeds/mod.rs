//! Which seeds a run draws from, and which of them belong to this shard.

mod environment;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of seeds: `7`, `0..500`, or open, `1000..`.
///
/// ```
/// use wstape_chaos::Seeds;
/// let seeds: Seeds = "10..20".parse().unwrap();
/// assert_eq!((seeds.contains(19), seeds.contains(20)), (true, false));
/// assert_eq!("10..".parse::<Seeds>().unwrap().to_string(), "10..");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seeds {
    first: u64,
    /// Exclusive end; `None` if the range is open.
    end: Option<u64>,
}

/// Which part of the seeds to run here: number `index` of `count`, from 1.
///
/// The parts of one range never overlap, and together they cover it: part I of N takes every Nth
/// seed, so that parts are equal in size and each grows with its own budget.
///
/// ```
/// use wstape_chaos::{Seeds, Shard};
/// let seeds: Seeds = "10..20".parse().unwrap();
/// let shard: Shard = "2/3".parse().unwrap();
/// assert_eq!(shard.seeds(seeds).collect::<Vec<_>>(), [11, 14, 17]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u64,
    count: u64,
}

/// What is wrong with seeds or a shard, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeedsError {
    /// The text is not a range.
    #[error(
        "{found:?} is not a range of seeds: expected A..B, A.. or one seed, with whole numbers \
         below 2^64"
    )]
    Range {
        /// What was found.
        found: String,
    },
    /// The range has no seeds.
    #[error("{found:?} holds no seed: the second number must be larger than the first")]
    Empty {
        /// What was found.
        found: String,
    },
    /// The text is not a shard.
    #[error("{found:?} is not a shard: expected I/N with whole numbers, such as 2/4")]
    Shard {
        /// What was found.
        found: String,
    },
    /// The shard is beyond the last, or number 0.
    #[error("there is no shard {found}: of N shards the first is 1/N and the last N/N")]
    Index {
        /// What was found.
        found: String,
    },
    /// An environment variable is not a number.
    #[error("the environment's {variable} is {found:?}: expected a whole number{expected}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// What was found.
        found: String,
        /// What else was expected of the number.
        expected: &'static str,
    },
    /// There is an index without a count.
    #[error(
        "the environment's {index} gives the shard, but {count} does not give the number of \
         shards: set it, or use --shard I/N"
    )]
    Count {
        /// The index's variable.
        index: &'static str,
        /// The count's variable.
        count: &'static str,
    },
}

impl Seeds {
    /// All seeds from `first` on.
    #[must_use]
    pub fn from(first: u64) -> Self {
        Self { first, end: None }
    }

    /// The range of this one seed.
    #[must_use]
    pub fn one(seed: u64) -> Self {
        Self {
            first: seed,
            end: seed.checked_add(1),
        }
    }

    /// Whether the range holds `seed`.
    #[must_use]
    pub fn contains(self, seed: u64) -> bool {
        seed >= self.first && self.end.is_none_or(|end| seed < end)
    }

    /// Whether the range is open-ended, so that only a budget ends such a run.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.end.is_none()
    }

    /// The number of seeds; `None` if the range is open.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        self.end.map(|end| end - self.first)
    }

    /// The only seed, if there is just one.
    #[must_use]
    pub fn single(self) -> Option<u64> {
        (self.count() == Some(1)).then_some(self.first)
    }

    /// Whether the two ranges share a seed.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }
}

impl Shard {
    /// The only shard, which has all seeds.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Returns shard number `index` of `count`, counted from 1.
    ///
    /// # Errors
    /// [`SeedsError::Index`] if it does not exist.
    pub fn new(index: u64, count: u64) -> Result<Self, SeedsError> {
        if index == 0 || index > count {
            return Err(SeedsError::Index {
                found: format!("{index}/{count}"),
            });
        }
        Ok(Self { index, count })
    }

    /// The shard's number, from 1.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// The number of shards.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// Returns the shard's part of `seeds`, in order.
    pub fn seeds(self, seeds: Seeds) -> impl Iterator<Item = u64> + use<> {
        let first = seeds.first.checked_add(self.index - 1);
        std::iter::successors(first, move |seed| seed.checked_add(self.count))
            .take_while(move |seed| seeds.contains(*seed))
    }
}

impl FromStr for Seeds {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, SeedsError> {
        let found = || text.to_owned();
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let number = digits.then(|| text.parse::<u64>().ok()).flatten();
            number.ok_or_else(|| SeedsError::Range { found: found() })
        };
        let Some((first, end)) = text.split_once("..") else {
            return Ok(Self::one(number(text)?));
        };
        let first = number(first)?;
        let end = match end {
            "" => None,
            end => Some(number(end)?),
        };
        if end.is_some_and(|end| end <= first) {
            return Err(SeedsError::Empty { found: found() });
        }
        Ok(Self { first, end })
    }
}

impl FromStr for Shard {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, SeedsError> {
        let number = |text: &str| {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| text.parse::<u64>().ok()).flatten()
        };
        let parts = text.split_once('/');
        let parts = parts.and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let (index, count) = parts.ok_or_else(|| SeedsError::Shard {
            found: text.to_owned(),
        })?;
        Self::new(index, count)
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.end {
            None => write!(f, "{}..", self.first),
            Some(end) => write!(f, "{}..{end}", self.first),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl TryFrom<String> for Seeds {
    type Error = SeedsError;

    fn try_from(text: String) -> Result<Self, SeedsError> {
        text.parse()
    }
}

impl TryFrom<String> for Shard {
    type Error = SeedsError;

    fn try_from(text: String) -> Result<Self, SeedsError> {
        text.parse()
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> Self {
        seeds.to_string()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}
