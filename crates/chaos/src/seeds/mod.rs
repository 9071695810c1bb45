//! Which seeds a run draws from, and which of them are this shard's.

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
    /// Exclusive; `None` where it is open.
    end: Option<u64>,
}

/// Which part of the seeds is run here: number `index` of `count`, from 1.
///
/// The parts of one range never overlap, and together they are all of it: part I of N takes every
/// Nth seed, so that parts are alike in size and each grows with its own budget.
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
    /// Not a range.
    #[error(
        "{found:?} is no range of seeds: expected A..B, A.. or one seed, of whole numbers below 2^64"
    )]
    Range {
        /// What was found.
        found: String,
    },
    /// A range without a seed in it.
    #[error("{found:?} holds no seed: the second number must be larger than the first")]
    Empty {
        /// What was found.
        found: String,
    },
    /// Not a shard.
    #[error("{found:?} is no shard: expected I/N, of whole numbers, such as 2/4")]
    Shard {
        /// What was found.
        found: String,
    },
    /// A shard beyond the last, or number 0.
    #[error("there is no shard {found}: of N shards the first is 1/N and the last N/N")]
    Index {
        /// What was found.
        found: String,
    },
    /// A variable of the environment that is no number.
    #[error("the environment's {variable} is {found:?}: expected a whole number{expected}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What was found.
        found: String,
        /// More of what was expected.
        expected: &'static str,
    },
    /// An index without a count.
    #[error(
        "the environment's {index} says which shard this is, but {count} does not say of how many: \
         set it, or give --shard I/N"
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

    /// One seed.
    #[must_use]
    pub fn one(seed: u64) -> Self {
        Self {
            first: seed,
            end: seed.checked_add(1),
        }
    }

    /// Whether `seed` is one of them.
    #[must_use]
    pub fn contains(self, seed: u64) -> bool {
        seed >= self.first && self.end.is_none_or(|end| seed < end)
    }

    /// Whether the range has no end but that of the numbers: only a budget ends such a run.
    #[must_use]
    pub fn is_open(self) -> bool {
        self.end.is_none()
    }

    /// How many there are; `None` where the range is open.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        self.end.map(|end| end - self.first)
    }

    /// The one seed that there is, where there is but one.
    #[must_use]
    pub fn single(self) -> Option<u64> {
        (self.count() == Some(1)).then_some(self.first)
    }

    /// Whether both ranges have a seed in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }
}

impl Shard {
    /// The only one.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Number `index` of `count`, from 1.
    ///
    /// # Errors
    /// [`SeedsError::Index`] for one that there is not.
    pub fn new(index: u64, count: u64) -> Result<Self, SeedsError> {
        if index == 0 || index > count {
            return Err(SeedsError::Index {
                found: format!("{index}/{count}"),
            });
        }
        Ok(Self { index, count })
    }

    /// Its number, from 1.
    #[must_use]
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// Its part of `seeds`, in order.
    pub fn seeds(self, seeds: Seeds) -> impl Iterator<Item = u64> + use<> {
        let first = seeds.first.checked_add(self.index - 1);
        std::iter::successors(first, move |seed| seed.checked_add(self.count))
            .take_while(move |seed| seeds.contains(*seed))
    }

    /// The shard that the environment names: a Kubernetes indexed Job's, or a CI matrix's. With
    /// it comes the variable that says so. `None` where nothing does.
    ///
    /// `variable` looks a variable up. Known are, in this order: `CHAOS_SHARD_INDEX` and
    /// Kubernetes' `JOB_COMPLETION_INDEX`, both from 0 and with `CHAOS_SHARD_COUNT`; and the
    /// pairs that GitLab, Circle CI, Buildkite, Azure Pipelines, Semaphore and Cloud Run set.
    ///
    /// # Errors
    /// [`SeedsError`] where a variable is no number, a count is missing, or there is no such
    /// shard.
    pub fn of_environment(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<(Self, &'static str)>, SeedsError> {
        for place in &ENVIRONMENTS {
            let Some(index) = variable(place.index) else {
                continue;
            };
            let Some(count) = variable(place.count) else {
                if place.count_is_set_by_hand {
                    let (index, count) = (place.index, place.count);
                    return Err(SeedsError::Count { index, count });
                }
                continue;
            };
            let number = |variable, found: String, expected| {
                let parsed = found.trim().parse::<u64>();
                parsed.map_err(|_| SeedsError::Variable {
                    variable,
                    found,
                    expected,
                })
            };
            let expected = if place.first == 0 {
                " from 0"
            } else {
                " from 1"
            };
            let index = number(place.index, index, expected)?;
            let count = number(place.count, count, " of shards")?;
            let from_zero = index.checked_sub(place.first);
            let shard = Self::new(from_zero.map_or(0, |index| index.saturating_add(1)), count)?;
            return Ok(Some((shard, place.index)));
        }
        Ok(None)
    }
}

/// The variables by which an environment says which part of a job this is.
struct Environment {
    index: &'static str,
    count: &'static str,
    /// What the first part's index is.
    first: u64,
    /// The environment itself tells only the index.
    count_is_set_by_hand: bool,
}

const BY_HAND: &str = "CHAOS_SHARD_COUNT";

const ENVIRONMENTS: [Environment; 8] = [
    by_hand("CHAOS_SHARD_INDEX"),
    by_hand("JOB_COMPLETION_INDEX"),
    known("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    known("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    known("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    known("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    known("SEMAPHORE_JOB_INDEX", "SEMAPHORE_JOB_COUNT", 1),
    known("CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT", 0),
];

const fn by_hand(index: &'static str) -> Environment {
    Environment {
        index,
        count: BY_HAND,
        first: 0,
        count_is_set_by_hand: true,
    }
}

const fn known(index: &'static str, count: &'static str, first: u64) -> Environment {
    Environment {
        index,
        count,
        first,
        count_is_set_by_hand: false,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Seeds, Shard};

    fn shard(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        Shard::of_environment(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .map(|shard| shard.map(|(shard, by)| format!("{shard} by {by}")))
        .map_err(|error| error.to_string())
    }

    #[test]
    fn the_shards_of_a_range_never_overlap_and_together_are_all_of_it() {
        for (range, expected) in [("0..1000", 0..1000), ("17..100", 17..100), ("5..6", 5..6)] {
            let seeds: Seeds = range.parse().unwrap();
            for count in [1, 2, 3, 7, 64, 2_000] {
                let mut seen = BTreeSet::new();
                for index in 1..=count {
                    for seed in Shard::new(index, count).unwrap().seeds(seeds) {
                        assert!(seen.insert(seed), "{seed} is in two of {count} shards");
                    }
                }
                assert!(seen.into_iter().eq(expected.clone()), "{range} in {count}");
            }
        }
    }

    #[test]
    fn the_shards_of_an_open_range_run_apart_for_as_long_as_they_are_asked() {
        let seeds: Seeds = "100..".parse().unwrap();
        let mut seen = BTreeSet::new();
        for index in 1..=5 {
            let part = Shard::new(index, 5).unwrap().seeds(seeds);
            assert!(part.take(200).all(|seed| seen.insert(seed)));
        }
        assert!(seen.into_iter().eq(100..1_100));
    }

    #[test]
    fn the_last_seeds_there_are_end_a_shard_without_overflow() {
        let seeds = Seeds::from(u64::MAX - 2);
        let part = |text: &str| {
            text.parse::<Shard>()
                .unwrap()
                .seeds(seeds)
                .collect::<Vec<_>>()
        };
        assert_eq!(part("1/2"), [u64::MAX - 2, u64::MAX]);
        assert_eq!(part("2/2"), [u64::MAX - 1]);
        assert_eq!(part("4/4"), [0_u64; 0]);
        assert_eq!(
            Shard::WHOLE.seeds(Seeds::one(u64::MAX)).next(),
            Some(u64::MAX)
        );
    }

    #[test]
    fn each_environment_names_its_shard_in_its_own_way() {
        type Variables = &'static [(&'static str, &'static str)];
        let table: &[(Variables, Option<&str>)] = &[
            (&[], None),
            (
                &[("JOB_COMPLETION_INDEX", "0"), ("CHAOS_SHARD_COUNT", "8")],
                Some("1/8 by JOB_COMPLETION_INDEX"),
            ),
            (
                &[("JOB_COMPLETION_INDEX", "7"), ("CHAOS_SHARD_COUNT", "8")],
                Some("8/8 by JOB_COMPLETION_INDEX"),
            ),
            (
                &[("CHAOS_SHARD_INDEX", "3"), ("CHAOS_SHARD_COUNT", "4")],
                Some("4/4 by CHAOS_SHARD_INDEX"),
            ),
            (
                &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "5")],
                Some("1/5 by CI_NODE_INDEX"),
            ),
            (
                &[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "5")],
                Some("5/5 by CI_NODE_INDEX"),
            ),
            // GitLab says so of every job, a parallel one or not.
            (&[("CI_NODE_TOTAL", "1")], None),
            (
                &[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "2")],
                Some("1/2 by CIRCLE_NODE_INDEX"),
            ),
            (
                &[
                    ("BUILDKITE_PARALLEL_JOB", "1"),
                    ("BUILDKITE_PARALLEL_JOB_COUNT", "2"),
                ],
                Some("2/2 by BUILDKITE_PARALLEL_JOB"),
            ),
            (
                &[
                    ("SYSTEM_JOBPOSITIONINPHASE", "2"),
                    ("SYSTEM_TOTALJOBSINPHASE", "2"),
                ],
                Some("2/2 by SYSTEM_JOBPOSITIONINPHASE"),
            ),
            (
                &[("SEMAPHORE_JOB_INDEX", "1"), ("SEMAPHORE_JOB_COUNT", "2")],
                Some("1/2 by SEMAPHORE_JOB_INDEX"),
            ),
            (
                &[("CLOUD_RUN_TASK_INDEX", "1"), ("CLOUD_RUN_TASK_COUNT", "2")],
                Some("2/2 by CLOUD_RUN_TASK_INDEX"),
            ),
        ];
        for (variables, expected) in table {
            assert_eq!(
                shard(variables),
                Ok(expected.map(str::to_owned)),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn an_environment_that_makes_no_sense_is_an_error_and_never_the_whole_range() {
        let table: &[(&[(&str, &str)], &str)] = &[
            (
                &[("JOB_COMPLETION_INDEX", "0")],
                "the environment's JOB_COMPLETION_INDEX says which shard this is, but \
                 CHAOS_SHARD_COUNT does not say of how many: set it, or give --shard I/N",
            ),
            (
                &[("JOB_COMPLETION_INDEX", "8"), ("CHAOS_SHARD_COUNT", "8")],
                "there is no shard 9/8: of N shards the first is 1/N and the last N/N",
            ),
            (
                &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")],
                "there is no shard 0/2: of N shards the first is 1/N and the last N/N",
            ),
            (
                &[("CI_NODE_INDEX", "one"), ("CI_NODE_TOTAL", "2")],
                "the environment's CI_NODE_INDEX is \"one\": expected a whole number from 1",
            ),
            (
                &[("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "")],
                "the environment's CIRCLE_NODE_TOTAL is \"\": expected a whole number of shards",
            ),
        ];
        for (variables, sentence) in table {
            assert_eq!(shard(variables), Err((*sentence).to_owned()));
        }
    }

    #[test]
    fn what_is_no_range_and_no_shard_is_said_in_a_sentence() {
        for bad in [
            "",
            "x",
            "-1",
            "1..x",
            "..5",
            "1...5",
            "1..=5",
            "+1..2",
            "18446744073709551616",
        ] {
            let error = bad.parse::<Seeds>().unwrap_err().to_string();
            assert!(
                error.contains("expected A..B, A.. or one seed"),
                "{bad}: {error}"
            );
        }
        for empty in ["5..5", "5..4"] {
            let error = empty.parse::<Seeds>().unwrap_err().to_string();
            assert!(error.contains("holds no seed"), "{error}");
        }
        for bad in ["", "1", "/", "1/", "a/b", "1/2/3", "-1/2"] {
            let error = bad.parse::<Shard>().unwrap_err().to_string();
            assert!(
                error.contains("is no shard: expected I/N"),
                "{bad}: {error}"
            );
        }
        for none in ["0/2", "3/2", "1/0"] {
            let error = none.parse::<Shard>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("there is no shard {none}: of N shards the first is 1/N and the last N/N")
            );
        }
    }

    #[test]
    fn ranges_and_shards_are_written_as_they_are_read() {
        for text in ["0..", "3..9", "0..18446744073709551615"] {
            assert_eq!(text.parse::<Seeds>().unwrap().to_string(), text);
        }
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        assert_eq!("9".parse::<Seeds>().unwrap().to_string(), "9..10");
    }
}
