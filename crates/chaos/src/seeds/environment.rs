//! The shard that a CI system names in the environment.

use super::{SeedsError, Shard};

impl Shard {
    /// Returns the shard that the environment names, from a Kubernetes indexed Job or a CI matrix,
    /// and the variable that gave it. `None` if no variable does.
    ///
    /// `variable` looks a variable up. It knows, in this order: `CHAOS_SHARD_INDEX` and Kubernetes'
    /// `JOB_COMPLETION_INDEX`, both from 0 and with `CHAOS_SHARD_COUNT`; and the pairs that GitLab,
    /// Circle CI, Buildkite, Azure Pipelines, Semaphore and Cloud Run set.
    ///
    /// # Errors
    /// [`SeedsError`] if a variable is not a number, a count is missing, or the shard does not
    /// exist.
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
    /// The index of the first part.
    first: u64,
    /// Whether the environment itself gives only the index, so that the user must set the count.
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
