//! `wstape chaos merge`: joins the results of shards into those of one run.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::Args;
use wstape_chaos::{Ending, Results};

use super::outputs::Outputs;
use crate::cmd::remedy;
use crate::cmd::say::say;
use crate::cmd::small_file;

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Files written by `--result`, one for each shard, in any order.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[arg(
        long,
        value_name = "FILE",
        help = "Write the merged results as JUnit XML"
    )]
    junit: Option<PathBuf>,

    /// Write the merged results as JSON, which can be merged again.
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,

    /// Print no tables, only what broke and how the run ended.
    #[arg(long, short)]
    quiet: bool,
}

impl Merge {
    pub(super) fn run(&self) -> Result<Ending, String> {
        let outputs = Outputs::new(self.junit.as_deref(), self.result.as_deref(), self.quiet)?;
        let read = |path: &PathBuf| {
            let name = path.display().to_string();
            let text = small_file::read_text(path).map_err(|error| {
                let remedy = match error.kind() {
                    ErrorKind::InvalidData => "; expected a file that --result wrote",
                    other => remedy::to_read(other),
                };
                format!("{name}: cannot read the results: {error}{remedy}")
            })?;
            let results = Results::from_json(&name, &text).map_err(|error| error.to_string())?;
            Ok((name, results))
        };
        let files = self.files.iter().map(read).collect::<Result<_, String>>()?;
        let merged = Results::merge(files).map_err(|error| error.to_string())?;
        say(&format!(
            "chaos: merged {} files: {}; wstape {}, {}\n",
            self.files.len(),
            merged.parts_text(),
            merged.version,
            merged.subject
        ))?;
        outputs.write(&merged)?;
        Ok(merged.ending())
    }
}
