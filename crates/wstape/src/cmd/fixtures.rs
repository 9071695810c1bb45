//! The fixtures folder, where none was named.

use std::io;
use std::path::{Path, PathBuf};

/// The folder looked for, from here upwards.
const FIXTURES: &str = "fixtures";

/// The folder `fixtures` here or above that holds `inner`, by a short path where it is right
/// here; `None` where there is none.
pub(crate) fn fixtures_with(inner: &str) -> io::Result<Option<PathBuf>> {
    let here = std::env::current_dir()?;
    let found = here
        .ancestors()
        .map(|folder| folder.join(FIXTURES))
        .find(|folder| folder.join(inner).is_dir());
    Ok(found.map(|folder| {
        let short = folder.strip_prefix(&here).map(Path::to_owned);
        short.unwrap_or(folder)
    }))
}
