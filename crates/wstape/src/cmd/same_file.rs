//! Whether two paths name one file.

use std::path::Path;

/// Whether both paths name the same file, as far as paths tell; false if one does not exist.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}
