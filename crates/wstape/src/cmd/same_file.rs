//! Whether two paths name one file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The name for standard input, and where its file is to be found.
const STDIN: &str = "-";
const STDIN_FILE: &str = "/dev/stdin";

/// What a command would write is what it reads.
#[derive(Debug, thiserror::Error)]
#[error("{} is the input; choose another file with --out", .0.display())]
pub(crate) struct Itself(PathBuf);

/// Whether both paths name the same file, also by a link; false if one does not exist.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| path.metadata().ok().map(|it| (it.dev(), it.ino()));
    file(one).is_some_and(|one| file(other) == Some(one))
}

/// Refuses an output that is the input's own file, where nothing else would be left of the input.
///
/// # Errors
/// [`Itself`] if it is, also by another path or a link.
pub(crate) fn another(input: &Path, out: Option<&Path>) -> Result<(), Itself> {
    let is_stdin = input == Path::new(STDIN);
    let input = if is_stdin {
        Path::new(STDIN_FILE)
    } else {
        input
    };
    match out {
        Some(out) if out.is_file() && is_same(input, out) => Err(Itself(out.to_owned())),
        _ => Ok(()),
    }
}
