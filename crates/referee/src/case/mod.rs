//! The cases: each is a file in `cases/`, picked up because it is there.
//!
//! A case's file is a tape laid over the healthy one. Its header's `x-case` says what is asked
//! about the client:
//!
//! | key | meaning |
//! | --- | --- |
//! | `id` | the row: `R4` |
//! | `what`, `why`, `good`, `source` | what `explain` prints |
//! | `asks` | the questions, with their bounds |
//! | `until_s` | when the case ends at the latest, from the first dial |
//! | `quiet_from_s` | from then on the healthy tape sends nothing by itself |
//! | `each` | one run for each of these: `name`, and values for `"$NAME"` in the steps |
//! | `signal` | when the client is told to end: a moment, and `wait_s` after it |
//! | `flood` | more frames than a tape holds: `after_s`, `stalled_s`, and `pings` or `message` |
//! | `copies` | how many clients at once |
//! | `processes` | how many processes, each with an engine of its own, answer together |
//! | `other_port` | whether `$OTHER` in the steps leads to another port, which is watched |
//! | `may_end` | whether a client that ends by itself is only reported |
//! | `long` | whether it is only played on request |

mod file;
mod flood;
mod healthy;
mod id;
mod subscription;

pub(crate) use self::file::Run;
pub use self::file::{BadCase, Case};
pub(crate) use self::flood::{Flood, Source};
pub use self::healthy::{Healthy, HealthyError};
pub use self::id::CaseId;

use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};

static CASES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cases");

/// All cases, in the order of the report.
///
/// # Errors
/// If a case's file is not valid, which only happens while cases are being written.
pub fn cases() -> Result<Vec<Case>, BadCase> {
    let files = CASES.files().filter_map(|file| {
        let name = file.path().file_stem()?.to_str()?;
        Some((name, file.contents_utf8()?))
    });
    sorted(files.map(|(name, text)| Case::parse(name, text)))
}

/// The cases in a user's folder: its files that end in `.jsonl`.
///
/// # Errors
/// If the folder or a file can't be read, or a file is not a case.
pub fn cases_in(folder: &Path) -> Result<Vec<Case>, BadCase> {
    if !folder.is_dir() {
        return Err(BadCase::NoFolder(folder.to_owned()));
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        |source| BadCase::Io { path, source }
    };
    let mut read = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        if let (Some(name), Some("jsonl")) = (name, path.extension().and_then(|it| it.to_str())) {
            let text = fs::read_to_string(&path).map_err(io(&path))?;
            read.push(Case::parse(name, &text));
        }
    }
    if read.is_empty() {
        return Err(BadCase::NoCases(folder.to_owned()));
    }
    sorted(read)
}

fn sorted(cases: impl IntoIterator<Item = Result<Case, BadCase>>) -> Result<Vec<Case>, BadCase> {
    let mut cases = cases.into_iter().collect::<Result<Vec<_>, _>>()?;
    cases.sort_by(|a, b| (a.id, &a.name).cmp(&(b.id, &b.name)));
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wstape_tape::{Action, After, Micros, Step, Trigger};

    use super::*;
    use crate::question::Sample;
    use crate::verdict::Verdict;

    #[test]
    fn every_case_that_is_there_can_be_read_and_says_why() {
        let cases = cases().unwrap();
        assert!(cases.len() > 20, "{}", cases.len());
        for case in &cases {
            for text in [&case.what, &case.why, &case.good] {
                assert!(!text.is_empty(), "{}", case.name);
            }
            for run in case.runs() {
                run.tape("ws://127.0.0.1:1/ws").unwrap();
            }
        }
    }

    /// Returns when a step leaves a message or a frame incomplete, so that the client still waits
    /// for its rest.
    fn leaves_open(step: &Step) -> Option<Micros> {
        let Action::Frame(frame) = &step.action else {
            return None;
        };
        let is_message = matches!(frame.opcode, 1 | 2) && !frame.fin;
        let is_cut = frame
            .declared_len
            .is_some_and(|length| length > frame.payload.len() as u64);
        let at = match step.trigger {
            Trigger::At(at) => at,
            Trigger::OnConnect {
                after: After::Time(after),
                ..
            } => after,
            _ => Micros::ZERO,
        };
        (is_message || is_cut).then_some(at)
    }

    #[test]
    fn nothing_of_the_healthy_tape_comes_within_what_a_case_leaves_open() {
        let mut seen = Vec::new();
        for case in &cases().unwrap() {
            for run in case.runs() {
                let tape = run.tape("ws://127.0.0.1:1/ws").unwrap();
                for at in tape.steps.iter().filter_map(leaves_open) {
                    let open_from = Duration::from_micros(at.0).as_secs_f64();
                    let is_quiet = case.quiet_from_s.is_some_and(|from| from < open_from);
                    assert!(is_quiet, "{}", case.name);
                    seen.push(case.id.to_string());
                }
            }
        }
        assert_eq!(seen, ["E6", "P1"]);
    }

    #[test]
    fn what_jitter_could_hide_is_asked_of_twelve_processes_together() {
        let cases = cases().unwrap();
        // As many early waits as late ones, all of the same length: no growth.
        let even = || Some(Sample::of(&[1.0; 3], &[1.0; 3]));
        let grown = || Some(Sample::of(&[1.0; 3], &[9.0; 3]));
        for (id, if_even, if_grown) in [
            ("R2", Verdict::Warn, Verdict::Pass),
            ("H3", Verdict::Warn, Verdict::Pass),
            ("H4", Verdict::Warn, Verdict::Pass),
            ("H11", Verdict::Warn, Verdict::Pass),
            ("R3", Verdict::Pass, Verdict::Fail),
            ("R8", Verdict::Pass, Verdict::Warn),
        ] {
            let case = cases.iter().find(|it| it.id.to_string() == id).unwrap();
            assert_eq!(case.runs().count(), 12, "{id}");
            for (sample, expected) in [(even(), if_even), (grown(), if_grown)] {
                let found = case.pooled(&vec![vec![sample]; 12]);
                let [finding] = &found[..] else {
                    panic!("{id}: {found:?}")
                };
                assert_eq!(finding.verdict, expected, "{id}: {}", finding.what);
            }
        }
        let alone = cases.iter().find(|it| it.id.to_string() == "R4").unwrap();
        assert!(alone.pooled(&[vec![even()]]).is_empty());
    }
}
