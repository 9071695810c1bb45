//! What was found about each flaw, in one file per flaw.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};

use fnv::FnvHasher;
use serde::{Deserialize, Serialize};
use wstape_referee::{Report, Row, Verdict};

/// Rows drawn from all cases: the worst verdict found so far counts.
const EVERYWHERE: [&str; 3] = ["X5", "K1", "K2"];

/// How a finding begins if load could have changed the verdict: the row then counts as not played.
const BUSY: &str = "machine busy";

/// The version of each row, by its name: a hash of its cases' files and of the healthy tape.
pub(crate) struct Versions(BTreeMap<String, String>);

impl Versions {
    /// Computes the versions of the cases in this checkout.
    pub(crate) fn read() -> io::Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let healthy = fs::read(here.join("healthy/events.jsonl"))?;
        let mut files: Vec<PathBuf> = fs::read_dir(here.join("cases"))?
            .map(|entry| entry.map(|it| it.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
        let mut hashes: BTreeMap<String, FnvHasher> = BTreeMap::new();
        for path in files {
            let stem = path.file_stem().and_then(|it| it.to_str());
            let id = stem.and_then(|it| it.split('-').next());
            if let Some(id) = id {
                let hash = hashes.entry(id.to_owned()).or_default();
                hash.write(&fs::read(&path)?);
                hash.write(&healthy);
            }
        }
        let named = hashes
            .into_iter()
            .map(|(id, hash)| (id, format!("{:016x}", hash.finish())));
        Ok(Self(named.collect()))
    }
}

/// What was found in one row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The row's version when this was found; empty for rows drawn from all cases.
    version: String,
    pub(crate) verdict: Verdict,
    /// What was seen, in a sentence.
    pub(crate) what: String,
}

/// All that is known about a flaw, by row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Known(pub(crate) BTreeMap<String, Found>);

impl Known {
    /// Whether this row was played in its present version.
    pub(crate) fn knows(&self, id: &str, versions: &Versions) -> bool {
        let version = versions.0.get(id);
        let found = self.0.get(id);
        let was_asked = found.is_some_and(|it| !it.what.starts_with(BUSY));
        was_asked && found.map(|it| &it.version) == version
    }

    /// Returns the rows that were not played in their present version.
    pub(crate) fn missing<'a>(&self, versions: &'a Versions) -> Vec<&'a str> {
        let ids = versions.0.keys().map(String::as_str);
        ids.filter(|id| !self.knows(id, versions)).collect()
    }
}

/// The folder that holds one file per flaw.
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, flaw: &str) -> PathBuf {
        self.0.join(format!("{flaw}.json"))
    }

    /// Reads what is known about a flaw: nothing if it was not played yet.
    pub(crate) fn of(&self, flaw: &str) -> io::Result<Known> {
        match fs::read(self.path(flaw)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                let path = self.path(flaw);
                let what = format!(
                    "{} is damaged ({error}); delete it, and {flaw} is played anew",
                    path.display()
                );
                io::Error::other(what)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::default()),
            Err(error) => Err(error),
        }
    }

    /// Adds a report to what is known about a flaw. If interrupted, leaves the file as it was.
    pub(crate) fn add(&self, flaw: &str, report: &Report, versions: &Versions) -> io::Result<()> {
        let mut known = self.of(flaw)?;
        for row in &report.rows {
            let id = row.id.to_string();
            let version = versions.0.get(&id).cloned().unwrap_or_default();
            let found = Found {
                version,
                verdict: row.verdict,
                what: what(row),
            };
            let before = known.0.get(&id).map(|it| it.verdict);
            let was_worse = before.is_some_and(|it| it > found.verdict);
            if !(was_worse && EVERYWHERE.contains(&id.as_str())) {
                known.0.insert(id, found);
            }
        }
        let partial = self.path(flaw).with_extension("partial");
        fs::write(&partial, serde_json::to_vec_pretty(&known)?)?;
        fs::rename(&partial, self.path(flaw))
    }
}

/// Returns what the first finding that decided a row says.
fn what(row: &Row) -> String {
    let of_runs = row.runs.iter().flat_map(|run| &run.findings);
    let mut all = row.findings.iter().chain(of_runs);
    let decisive = all.find(|it| it.verdict == row.verdict);
    decisive.map_or(String::new(), |it| it.what.clone())
}
