//! Where results go: standard output, files, GitHub.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use wstape_chaos::{Results, write_whole};

use crate::cmd::remedy;
use crate::cmd::say::say;

/// Set, to anything, in a GitHub workflow.
const GITHUB_ACTIONS: &str = "GITHUB_ACTIONS";
/// The file that a step's summary is appended to.
const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Where results go.
pub(super) struct Outputs {
    junit: Option<PathBuf>,
    result: Option<PathBuf>,
    quiet: bool,
}

impl Outputs {
    /// Checks that the files can be written: before the work, not after a minute of it.
    pub(super) fn new(
        junit: Option<&Path>,
        result: Option<&Path>,
        quiet: bool,
    ) -> Result<Self, String> {
        for path in [junit, result].into_iter().flatten() {
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let probe = tempfile::NamedTempFile::new_in(folder);
            probe.map_err(|error| unwritable(path, &error))?;
            if path.is_dir() {
                let name = path.display();
                return Err(format!(
                    "{name} is a folder: expected the name of a file to write"
                ));
            }
        }
        Ok(Self {
            junit: junit.map(Path::to_owned),
            result: result.map(Path::to_owned),
            quiet,
        })
    }

    /// Writes results wherever they are wanted.
    pub(super) fn write(&self, results: &Results) -> Result<(), String> {
        if let Some(path) = &self.result {
            write_whole(path, &results.to_json()).map_err(|error| unwritable(path, &error))?;
        }
        if let Some(path) = &self.junit {
            let xml = results.junit().map_err(|error| error.to_string())?;
            write_whole(path, &xml).map_err(|error| unwritable(path, &error))?;
        }
        if env::var_os(GITHUB_ACTIONS).is_some() {
            for line in results.annotations() {
                say(&format!("{line}\n"))?;
            }
            if let Some(path) = env::var_os(GITHUB_STEP_SUMMARY).map(PathBuf::from) {
                let file = OpenOptions::new().create(true).append(true).open(&path);
                file.and_then(|mut file| file.write_all(results.markdown().as_bytes()))
                    .map_err(|error| unwritable(&path, &error))?;
            }
        }
        if self.quiet {
            say(&results.conclusion())?;
        } else {
            say(&format!("\n{}", results.summary()))?;
        }
        Ok(())
    }
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    format!(
        "{}: cannot write there: {}",
        path.display(),
        remedy::unwritten(error)
    )
}
