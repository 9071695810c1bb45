//! The files of a report.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use wstape_referee::{Changes, Expected, RESULTS_VERSION, Report};

/// Why a file of a report can't be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: {source}", path.display())]
    Json {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{} has version {found}, and this program reads {RESULTS_VERSION}", path.display())]
    Version { path: PathBuf, found: u32 },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OutError {
    let path = path.to_owned();
    |source| OutError::Io { path, source }
}

fn json_error(path: &Path) -> impl FnOnce(serde_json::Error) -> OutError {
    let path = path.to_owned();
    |source| OutError::Json { path, source }
}

/// A folder for a report.
pub(super) struct OutDir(PathBuf);

impl OutDir {
    /// Made before anything is played, so that a folder that can't be written costs no run.
    pub(super) fn create(path: &Path) -> Result<Self, OutError> {
        fs::create_dir_all(path).map_err(io_error(path))?;
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
        let put = |path: PathBuf, text: String| fs::write(&path, text).map_err(io_error(&path));
        put(self.page(), report.html())?;
        let results = self.0.join("results.json");
        let json = serde_json::to_string_pretty(report).map_err(json_error(&results))?;
        put(results, json + "\n")?;
        let ids = changes.map(Changes::ids);
        put(self.0.join("junit.xml"), report.junit(ids.as_deref()))?;
        let ctrf = report.ctrf(ids.as_deref(), millis(began), millis(SystemTime::now()));
        put(self.0.join("ctrf.json"), format!("{ctrf:#}\n"))
    }
}

/// Milliseconds since 1970.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A report that an earlier run wrote.
pub(super) fn read_report(path: &Path) -> Result<Report, OutError> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    let report: Report = serde_json::from_str(&text).map_err(json_error(path))?;
    if report.referee != RESULTS_VERSION {
        return Err(OutError::Version {
            path: path.to_owned(),
            found: report.referee,
        });
    }
    Ok(report)
}

/// Verdicts that an earlier run accepted.
pub(super) fn read_expected(path: &Path) -> Result<Expected, OutError> {
    let text = fs::read_to_string(path).map_err(io_error(path))?;
    serde_json::from_str(&text).map_err(json_error(path))
}

pub(super) fn write_expected(path: &Path, expected: &Expected) -> Result<(), OutError> {
    let text = serde_json::to_string_pretty(expected).map_err(json_error(path))?;
    fs::write(path, text + "\n").map_err(io_error(path))
}
