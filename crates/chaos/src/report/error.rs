//! Why results can't be read or merged.

/// Why results can't be merged, in one sentence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is nothing to merge.
    #[error("no results to merge: expected the files that --result wrote")]
    Nothing,
    /// The file does not hold results in JSON.
    #[error("{file} holds no results of a chaos run: {why}; expected a file that --result wrote")]
    NotResults {
        /// The file's name.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The results are of another version of the program, or for another subscriber.
    #[error(
        "{file} was made with {found}, the first file with {expected}: such results can't be merged"
    )]
    Different {
        /// The file's name.
        file: String,
        /// The program and the subscriber that the file is from.
        found: String,
        /// The program and the subscriber that the first file is from.
        expected: String,
    },
    /// Some seeds were run twice.
    #[error("{file} and {other} both ran {part}: give each shard's results once")]
    Overlap {
        /// The file's name.
        file: String,
        /// The name of the other file.
        other: String,
        /// What both ran.
        part: String,
    },
}
