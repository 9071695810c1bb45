//! Why results can't be read or merged.

/// Why results can't be merged, in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// Nothing to merge.
    #[error("no results to merge: expected the files that --result wrote")]
    Nothing,
    /// Not results in JSON.
    #[error("{file} holds no results of a chaos run: {why}; expected a file that --result wrote")]
    NotResults {
        /// Where.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// Results of another version of the program, or for another subscriber.
    #[error(
        "{file} was made with {found}, the first file with {expected}: such results can't be merged"
    )]
    Different {
        /// Which file.
        file: String,
        /// What it is from.
        found: String,
        /// What the first is from.
        expected: String,
    },
    /// Seeds that were run twice.
    #[error("{file} and {other} both ran {part}: give each shard's results once")]
    Overlap {
        /// Which file.
        file: String,
        /// Which other one.
        other: String,
        /// What both ran.
        part: String,
    },
}
