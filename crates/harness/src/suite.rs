//! The scenarios of a fixtures folder: every tape in it is one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::Scenario;

/// Folders of tapes that are scenarios as they are. Regressions come first: if something that broke
/// once breaks again, that is the first thing to know.
const TAPE_FOLDERS: [&str; 3] = ["regressions", "tapes", "recordings"];
/// The folder of tapes that are also run under every overlay.
const RECORDINGS: &str = "recordings";
/// The folder of overlays.
const OVERLAYS: &str = "overlays";
/// The folder of snapshots.
const SNAPSHOTS: &str = "snapshots";

/// A scenario with its name and the place of its snapshot.
#[derive(Debug, Clone)]
pub struct Trial {
    /// For example `tapes/c1-refused` or `recordings/paper-engine+drops`.
    pub name: String,
    /// The scenario to run.
    pub scenario: Scenario,
    /// Where its accepted outcome is stored.
    pub snapshot: PathBuf,
    /// The path of the base tape.
    pub tape: String,
    /// The overlays that are laid over it.
    pub overlays: Vec<PathBuf>,
}

/// The trials of a fixtures folder, or of single tapes.
#[derive(Debug, Clone, Default)]
pub struct Suite {
    /// The trials, in the order in which they are run.
    pub trials: Vec<Trial>,
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// Something that should be read can't be.
    #[error("{}: {source}", path.display())]
    Io {
        /// What can't be read.
        path: PathBuf,
        /// Why it can't be read.
        source: io::Error,
    },
    /// No tape where tapes were expected.
    #[error("{}: no tapes found; expected files named *.jsonl", .0.display())]
    Empty(PathBuf),
    /// A pipe or a device: it can't be read twice, and has no folder for snapshots beside it.
    #[error(
        "{}: not a file; a tape is read twice, and its snapshot lies beside it, so write it to a \
         file first",
        .0.display()
    )]
    NoFile(PathBuf),
}

impl Suite {
    /// All scenarios of a fixtures folder: regressions, tapes, recordings, and each recording
    /// under each overlay.
    ///
    /// # Errors
    /// If the folder can't be read, or holds no tape.
    pub fn of_fixtures(fixtures: &Path) -> Result<Self, SuiteError> {
        let overlays = tapes_in(&fixtures.join(OVERLAYS))?;
        let mut trials = Vec::new();
        for folder in TAPE_FOLDERS {
            for tape in tapes_in(&fixtures.join(folder))? {
                trials.push(Trial::new(&tape, &[]));
                if folder == RECORDINGS {
                    let under =
                        |overlay: &PathBuf| Trial::new(&tape, std::slice::from_ref(overlay));
                    trials.extend(overlays.iter().map(under));
                }
            }
        }
        if trials.is_empty() {
            return Err(SuiteError::Empty(fixtures.to_owned()));
        }
        Ok(Self { trials })
    }

    /// The tapes at `paths`, files or folders of them, each under all of `overlays`.
    ///
    /// # Errors
    /// If a path can't be read, or a folder holds no tape.
    pub fn of_paths(paths: &[PathBuf], overlays: &[PathBuf]) -> Result<Self, SuiteError> {
        let mut trials = Vec::new();
        for path in paths {
            let metadata = fs::metadata(path).map_err(|source| SuiteError::Io {
                path: path.clone(),
                source,
            })?;
            if metadata.is_dir() {
                let tapes = tapes_in(path)?;
                if tapes.is_empty() {
                    return Err(SuiteError::Empty(path.clone()));
                }
                trials.extend(tapes.iter().map(|tape| Trial::new(tape, overlays)));
            } else {
                trials.push(Trial::new(path, overlays));
            }
        }
        let tapes = paths.iter().chain(overlays);
        for path in tapes {
            if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
                return Err(SuiteError::NoFile(path.clone()));
            }
        }
        Ok(Self { trials })
    }
}

impl Trial {
    /// The tape at `path` under `overlays`. Its snapshot is in the folder `snapshots` beside the
    /// tape's own folder.
    #[must_use]
    pub fn new(path: &Path, overlays: &[PathBuf]) -> Self {
        // Only `.jsonl` is cut off: a version in a name has dots too.
        let stem = |path: &Path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_suffix(".jsonl").unwrap_or(&name).to_owned()
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let kind = folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut name = stem(path);
        let mut scenario = Scenario::from_path(path);
        for overlay in overlays {
            name = format!("{name}+{}", stem(overlay));
            scenario = scenario.overlay_path(overlay);
        }
        let snapshots = folder.parent().unwrap_or(Path::new("")).join(SNAPSHOTS);
        Self {
            snapshot: snapshots.join(&kind).join(format!("{name}.snap")),
            name: if kind.is_empty() {
                name
            } else {
                format!("{kind}/{name}")
            },
            scenario,
            tape: path.display().to_string(),
            overlays: overlays.to_vec(),
        }
    }
}

/// The tapes of a folder, by name; none if there is no such folder.
fn tapes_in(folder: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let failed = |source| SuiteError::Io {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut tapes = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            tapes.push(path);
        }
    }
    tapes.sort();
    Ok(tapes)
}
