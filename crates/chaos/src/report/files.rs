//! What is written about a failure, for whoever fixes it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::case::Case;
use crate::origin::Origin;
use crate::world::{Moment, Played};
use wstape_harness::diff;
use wstape_oracle::{Rule, Violation};
use wstape_tape::Micros;

/// The source named in a written case.
const SOURCE: &str = concat!("wstape chaos ", env!("CARGO_PKG_VERSION"));

/// The longest part of a tape's name used in a failure's file names, in characters.
const MAX_NAME_CHARS: usize = 80;

/// Everything kept about a failure.
#[derive(Debug, Clone)]
pub struct Exhibit {
    /// The rule that broke.
    pub rule: Rule,
    /// Where the case came from.
    pub case: Origin,
    /// The shrunk case, as one tape.
    pub tape: String,
    /// Everything that happened, one line each.
    pub trace: String,
    /// The mirror beside the model; empty if the subject shows none.
    pub mirror: String,
}

impl Exhibit {
    /// Collects what to keep of `case`, which broke `rule` at `subject`. `played` is `None` if the
    /// case could not be played to its end again.
    #[must_use]
    pub fn new(
        mut case: Case,
        rule: Rule,
        origin: Origin,
        played: Option<&Played>,
        subject: &str,
    ) -> Self {
        case.about.rule = Some(rule);
        case.about.version = Some(env!("CARGO_PKG_VERSION").to_owned());
        case.about.subject = Some(subject.to_owned());
        let header = &mut Arc::make_mut(&mut case.base).header;
        header.title = Some(format!("{rule}, {}, of {origin}", rule.title()));
        header.source = Some(SOURCE.to_owned());
        case.seal();
        let hangs =
            || "there is none: the case hangs, or was not played to its end again\n".to_owned();
        Self {
            rule,
            tape: case.to_tape().to_string(),
            trace: played.map_or_else(hangs, |played| played.trace.to_string()),
            mirror: played.map_or_else(hangs, |played| beside(played, rule)),
            case: origin,
        }
    }

    /// Writes `RULE-SEED.jsonl`, `RULE-SEED.trace.txt` and, if there is a mirror,
    /// `RULE-SEED.mirror.txt` into `folder`, creating it if missing. Returns their paths, the tape
    /// first. Files of the same name are replaced; a file is written whole or not at all.
    ///
    /// # Errors
    /// If a file can't be written.
    pub fn write(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::create_dir_all(folder)?;
        let stem = self.stem();
        let files = [
            (format!("{stem}.jsonl"), &self.tape),
            (format!("{stem}.trace.txt"), &self.trace),
            (format!("{stem}.mirror.txt"), &self.mirror),
        ];
        files
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| {
                let path = folder.join(name);
                write_whole(&path, text)?;
                Ok(path)
            })
            .collect()
    }

    /// Returns the files' common stem: `R3-1234` for a seed, `R3-its-name` for a tape's case.
    fn stem(&self) -> String {
        match &self.case {
            Origin::Seed(seed) => format!("{}-{seed}", self.rule),
            Origin::Tape(tape) => {
                let name = Path::new(tape).file_stem().unwrap_or_default();
                let name = name.to_string_lossy();
                // A case that breaks the rule in its name keeps that name.
                let prefix = format!("{}-", self.rule);
                let name = name.strip_prefix(&prefix).unwrap_or(&name);
                let name: String = name.chars().take(MAX_NAME_CHARS).collect();
                prefix + &name
            }
        }
    }
}

/// The mirror beside the model when the rule broke: first where they differ, then whole.
fn beside(played: &Played, rule: Rule) -> String {
    let violations = played.verdict.violations.iter().zip(&played.moments);
    let of_rule = |(violation, _): &(&Violation, &Moment)| violation.rule == rule;
    let Some((violation, moment)) = violations.into_iter().find(of_rule) else {
        return "there was no moment to look at it\n".to_owned();
    };
    if moment.mirror.is_empty() && moment.model.is_empty() {
        return String::new();
    }
    let lines = |json: &str| match serde_json::from_str::<Value>(json) {
        Ok(value) => format!("{value:#}\n"),
        // A mirror that is not JSON is shown as is.
        Err(_) => format!("{json}\n"),
    };
    let (mirror, model) = (lines(&moment.mirror), lines(&moment.model));
    let differ = diff(&model, &mirror).unwrap_or_else(|| "  nowhere\n".to_owned());
    format!(
        "when {rule} broke, at {} s\n\nwhere they differ (- the model, + the mirror)\n{differ}\n\
         the mirror\n{mirror}\nthe model\n{model}",
        Micros(violation.at_us)
    )
}

/// Writes a file under a temporary name beside its place, then moves it there.
///
/// # Errors
/// If it can't be written.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Exhibit, Origin};
    use wstape_oracle::Rule;

    fn exhibit(case: Origin) -> Exhibit {
        Exhibit {
            rule: Rule::R3,
            case,
            tape: "{\"tape\":1}\n".to_owned(),
            trace: "a trace\n".to_owned(),
            mirror: "a mirror\n".to_owned(),
        }
    }

    #[test]
    fn a_failure_is_three_files_named_by_rule_and_seed_in_a_folder_that_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/down");
        let written = exhibit(Origin::Seed(7)).write(&out).unwrap();
        let names = ["R3-7.jsonl", "R3-7.trace.txt", "R3-7.mirror.txt"];
        assert_eq!(written, names.map(|name| out.join(name)));
        assert_eq!(fs::read_to_string(&written[1]).unwrap(), "a trace\n");
        // Again: files are replaced, and nothing is left beside them.
        exhibit(Origin::Seed(7)).write(&out).unwrap();
        assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
    }

    #[test]
    fn the_case_of_a_tape_takes_its_name_and_says_the_rule_once() {
        for (tape, stem) in [
            ("fixtures/regressions/late-pong.jsonl", "R3-late-pong"),
            ("out/R3-7.jsonl", "R3-7"),
            ("out/R4-7.jsonl", "R3-R4-7"),
        ] {
            assert_eq!(exhibit(Origin::Tape(tape.to_owned())).stem(), stem);
        }
        let long = "x".repeat(300);
        assert_eq!(exhibit(Origin::Tape(long)).stem().len(), 83);
    }
}
