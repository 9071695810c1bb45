//! Whether two names are of one file.

use std::path::Path;

/// Whether both name the same file, as far as their paths tell; not where one is not there.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}
