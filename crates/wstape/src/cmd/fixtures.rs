//! Finds the fixtures folder if none was named.

use std::io;
use std::path::{Path, PathBuf};

/// The folder to look for, from here upwards.
const FIXTURES: &str = "fixtures";
/// What it contains: a folder `fixtures` with none of these is somebody else's.
const INNER: [&str; 4] = ["tapes", "recordings", "regressions", "overlays"];

/// Returns the nearest folder `fixtures` of tapes, in the current folder or above it, if it
/// contains `inner`; its path is relative if it is in the current folder. `None` if there is none:
/// anything further up belongs to another project.
pub(crate) fn fixtures_with(inner: &str) -> io::Result<Option<PathBuf>> {
    let here = std::env::current_dir()?;
    Ok(fixtures_above(&here, inner).map(|folder| {
        let short = folder.strip_prefix(&here).map(Path::to_owned);
        short.unwrap_or(folder)
    }))
}

fn fixtures_above(here: &Path, inner: &str) -> Option<PathBuf> {
    let nearest = here
        .ancestors()
        .map(|folder| folder.join(FIXTURES))
        .find(|folder| INNER.iter().any(|inner| folder.join(inner).is_dir()))?;
    nearest.join(inner).is_dir().then_some(nearest)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_tapes_of_a_project_around_this_one_are_not_this_one_s() {
        let folder = tempfile::tempdir().unwrap();
        let (outer, inner) = (
            folder.path().to_owned(),
            folder.path().join("examples/mine"),
        );
        fs::create_dir_all(outer.join("fixtures/regressions")).unwrap();
        fs::create_dir_all(inner.join("fixtures/tapes")).unwrap();
        fs::create_dir_all(inner.join("src/fixtures/css")).unwrap();
        let found = |inner_folder| fixtures_above(&inner.join("src"), inner_folder);
        assert_eq!(found("tapes"), Some(inner.join("fixtures")));
        assert_eq!(found("regressions"), None, "they are the outer project's");
        assert_eq!(
            fixtures_above(&outer, "regressions"),
            Some(outer.join("fixtures"))
        );
    }
}
