//! The files of a report.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;
use wstape_referee::{Changes, Expected, RESULTS_VERSION, Report};

use crate::cmd::remedy;
use crate::cmd::small_file;

/// Why a file of a report can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutError {
    #[error("{}: {source}{}", path.display(), remedy::to_read(source.kind()))]
    Read { path: PathBuf, source: io::Error },
    #[error("{}: {}", path.display(), remedy::unwritten(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{} is a file, but --out needs a folder for the report", path.display())]
    NoFolder { path: PathBuf },
    #[error("there is no file {}; the same command with --accept writes it", path.display())]
    NoExpected { path: PathBuf },
    #[error("{} does not hold verdicts such as {{\"R4\":\"pass\"}} ({source}); the same command \
             with --accept rewrites it", path.display())]
    BadExpected { path: PathBuf, source: BadJson },
    #[error("there is no file {}; `wstape referee --out DIR -- COMMAND` writes DIR/results.json", path.display())]
    NoResults { path: PathBuf },
    #[error("{} is not a results.json of `wstape referee --out DIR`, or an old one ({source}); \
             create it again", path.display())]
    BadResults { path: PathBuf, source: BadJson },
    #[error("{} has version {found}, but this program reads {RESULTS_VERSION}; create it again", path.display())]
    Version { path: PathBuf, found: u32 },
}

/// Why a file does not hold what belongs there.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadJson {
    /// It is not text, or too long.
    #[error(transparent)]
    NoText(io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> OutError {
    let path = path.to_owned();
    |source| OutError::Write { path, source }
}

fn json_error(path: &Path) -> impl FnOnce(serde_json::Error) -> OutError {
    let path = path.to_owned();
    |source| OutError::Json { path, source }
}

/// The report as JSON, for programs and later runs.
const RESULTS: &str = "results.json";

/// A folder for a report.
pub(super) struct OutDir(PathBuf);

impl OutDir {
    /// Creates the folder before anything is played, so that an unwritable one costs no run.
    pub(super) fn create(path: &Path) -> Result<Self, OutError> {
        if path.is_file() {
            let path = path.to_owned();
            return Err(OutError::NoFolder { path });
        }
        fs::create_dir_all(path).map_err(unwritten(path))?;
        Ok(Self(path.to_owned()))
    }

    /// The report's page.
    pub(super) fn page(&self) -> PathBuf {
        self.0.join("index.html")
    }

    pub(super) fn write(
        &self,
        report: &Report,
        changes: Option<&Changes>,
        began: SystemTime,
    ) -> Result<(), OutError> {
        let put = |path: PathBuf, text: String| fs::write(&path, text).map_err(unwritten(&path));
        put(self.page(), report.html())?;
        let results = self.0.join(RESULTS);
        let json = serde_json::to_string_pretty(report).map_err(json_error(&results))?;
        put(results, json + "\n")?;
        let ids = changes.map(Changes::ids);
        put(self.0.join("junit.xml"), report.junit(ids.as_deref()))?;
        let ctrf = report.ctrf(ids.as_deref(), millis(began), millis(SystemTime::now()));
        put(self.0.join("ctrf.json"), format!("{ctrf:#}\n"))
    }
}

/// The file whose contents GitHub shows for a job.
const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Adds the report to the job's page, if this job has one.
pub(super) fn summarise(summary: impl FnOnce() -> String) -> Result<(), OutError> {
    let Some(path) = env::var_os(GITHUB_STEP_SUMMARY).map(PathBuf::from) else {
        return Ok(());
    };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(summary().as_bytes()))
        .map_err(unwritten(&path))
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a JSON file; `None` if it does not exist. `bad` makes the error for a file that holds
/// something else.
fn read<T: DeserializeOwned>(
    path: &Path,
    bad: impl FnOnce(PathBuf, BadJson) -> OutError,
) -> Result<Option<T>, OutError> {
    match small_file::read_text(path) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(held) => Ok(Some(held)),
            Err(error) => Err(bad(path.to_owned(), error.into())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(bad(path.to_owned(), BadJson::NoText(error)))
        }
        Err(source) => Err(OutError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// A report from an earlier run: its `results.json`, or the folder that contains it.
pub(super) fn read_report(path: &Path) -> Result<Report, OutError> {
    let path = if path.is_dir() {
        path.join(RESULTS)
    } else {
        path.to_owned()
    };
    let bad = |path, source| OutError::BadResults { path, source };
    let Some(report) = read::<Report>(&path, bad)? else {
        return Err(OutError::NoResults { path });
    };
    if report.referee != RESULTS_VERSION {
        let found = report.referee;
        return Err(OutError::Version { path, found });
    }
    Ok(report)
}

/// Verdicts that an earlier run accepted.
pub(super) fn read_expected(path: &Path) -> Result<Expected, OutError> {
    let bad = |path, source| OutError::BadExpected { path, source };
    read(path, bad)?.ok_or_else(|| OutError::NoExpected {
        path: path.to_owned(),
    })
}

pub(super) fn write_expected(path: &Path, expected: &Expected) -> Result<(), OutError> {
    let text = serde_json::to_string_pretty(expected).map_err(json_error(path))?;
    fs::write(path, text + "\n").map_err(unwritten(path))
}
