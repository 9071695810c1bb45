//! What is done with a case that broke a rule: it is made smaller and written down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use wstape_chaos::{
    Broken, Case, Exhibit, FAULT_KEY, Failure, Family, FaultKind, HANG_AFTER, Origin, Play, Shrunk,
    Smaller, WORKER_NAME, judge, play, shrink,
};
use wstape_harness::Subject;
use wstape_oracle::{Rule, Violation};
use wstape_tape::Step;

use super::progress::Progress;
use super::signals::Interrupted;
use crate::cmd::again::{again, quoted};

/// The verb of the command that shows a failure again.
const CHAOS: &str = "chaos";
/// How long a case is made smaller at most.
const SHRINK_FOR: Duration = Duration::from_secs(30);

/// What it takes to deal with failures.
pub(super) struct Failures<'a> {
    /// Where they are written.
    pub(super) out: &'a Path,
    pub(super) play: &'a Play,
    pub(super) subject: &'a dyn Subject,
    pub(super) interrupted: &'a Interrupted,
}

impl Failures<'_> {
    /// Makes the case smaller, writes what there is of it, and says how to see it again.
    pub(super) fn deal_with(&self, broken: Broken, progress: &Progress) -> Failure {
        let Broken {
            origin,
            case,
            mut violation,
            times,
            hangs,
        } = broken;
        let rule = violation.rule;
        let mut smaller = None;
        let mut family = None;
        let mut files = Vec::new();
        let mut again = match &origin {
            Origin::Seed(seed) => again(CHAOS, &format!("--seed {seed}")),
            Origin::Tape(tape) => again(CHAOS, &format!("--tape {}", quoted(Path::new(tape)))),
        };
        if let Some(mut case) = case {
            if !hangs {
                progress.say(&format!("{rule} broke, {origin}: making it smaller"));
                smaller = self.make_smaller(&mut case, &mut violation);
            }
            family = first_family(&case);
            match self.exhibit(case, rule, &origin, hangs) {
                Ok(written) => {
                    let tape = written.first().map(|tape| quoted(tape)).unwrap_or_default();
                    again = self::again(CHAOS, &format!("--tape {tape}"));
                    files = written;
                }
                Err(error) => progress.say(&format!(
                    "{}: cannot write there: {error}",
                    self.out.display()
                )),
            }
        }
        Failure {
            case: origin,
            violation,
            family,
            times,
            shrunk: smaller,
            files: files
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            again,
        }
    }

    /// Puts the smallest case that breaks the same rule in the place of `case`, and how it does;
    /// `None` where one on the way to it hangs.
    fn make_smaller(&self, case: &mut Case, violation: &mut Violation) -> Option<Smaller> {
        let rule = violation.rule;
        let from = case.faults.steps.len();
        let began = Instant::now();
        let shrunk = self.shrink(case, rule)?;
        let smaller = Smaller {
            from,
            to: shrunk.case.faults.steps.len(),
            tries: shrunk.tries,
            took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            complete: shrunk.complete,
        };
        *case = shrunk.case;
        let again = judge(case, self.play, rule == Rule::R16);
        if let Some(same) = again.violations.into_iter().find(|v| v.rule == rule) {
            *violation = same;
        }
        Some(smaller)
    }

    /// The smallest case that breaks the rule; `None` where one on the way to it hangs.
    fn shrink(&self, case: &Case, rule: Rule) -> Option<Shrunk> {
        let (play, case, interrupted) = (
            Arc::clone(self.play),
            case.clone(),
            self.interrupted.clone(),
        );
        let (done, result) = channel();
        let began = Instant::now();
        let thread = thread::Builder::new().name(WORKER_NAME.to_owned());
        let thread = thread.spawn(move || {
            let broken = |case: &Case| {
                let verdict = judge(case, &play, rule == Rule::R16);
                // What breaks another rule first is another failure; R16 is looked at last.
                match rule {
                    Rule::R16 => verdict.violations.last().map(|v| v.rule),
                    _ => verdict.broken(),
                }
            };
            let has_time = || began.elapsed() < SHRINK_FOR && !interrupted.get();
            // Whoever waited for it may have given up.
            let _ = done.send(shrink(case, rule, broken, has_time));
        });
        thread.ok()?;
        result.recv_timeout(SHRINK_FOR + HANG_AFTER).ok()
    }

    fn exhibit(
        &self,
        case: Case,
        rule: Rule,
        origin: &Origin,
        hangs: bool,
    ) -> io::Result<Vec<PathBuf>> {
        let played = (!hangs).then(|| play(&case, self.subject));
        let exhibit = Exhibit::new(
            case,
            rule,
            origin.clone(),
            played.as_ref(),
            &self.subject.name(),
        );
        exhibit.write(self.out)
    }
}

/// The folder that failures are written into. Made before the run, to know that it can be; taken
/// away after it where nothing was written.
pub(super) struct OutFolder<'a> {
    path: &'a Path,
    was_there: bool,
}

impl<'a> OutFolder<'a> {
    pub(super) fn prepare(path: &'a Path) -> Result<Self, String> {
        let was_there = path.is_dir();
        fs::create_dir_all(path)
            .and_then(|()| tempfile::NamedTempFile::new_in(path).map(drop))
            .map_err(|error| format!("{}: cannot write there: {error}", path.display()))?;
        Ok(Self { path, was_there })
    }
}

impl Drop for OutFolder<'_> {
    fn drop(&mut self) {
        if !self.was_there {
            // Where it holds anything this fails, as it should.
            let _ = fs::remove_dir(self.path);
        }
    }
}

/// The family of the first fault of a case.
fn first_family(case: &Case) -> Option<Family> {
    let kind = |step: &Step| {
        let (_, value) = step.extensions.iter().find(|(key, _)| key == FAULT_KEY)?;
        let name: String = serde_json::from_str(value.get()).ok()?;
        name.parse::<FaultKind>().ok()
    };
    case.faults
        .steps
        .iter()
        .find_map(kind)
        .map(FaultKind::family)
}
