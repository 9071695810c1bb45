//! What happens to a case that broke a rule: it is shrunk and written down.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use wstape_chaos::{
    Broken, Case, Compare, Exhibit, FAULT_KEY, Failure, Family, FaultKind, HANG_AFTER, Origin,
    Play, Played, Shrunk, Smaller, Verdict, WORKER_NAME, judge, play, play_real, shrink,
};
use wstape_harness::{Subject, Terms};
use wstape_oracle::{Rule, Violation};
use wstape_tape::Step;

use super::options::Options;
use super::progress::LOOK_EVERY;
use super::progress::Progress;
use crate::cmd::again::{again, quoted};
use crate::cmd::bounded::bounded;
use crate::cmd::interrupted::Interrupted;
use crate::cmd::remedy;

/// The verb of the command that shows a failure again.
const CHAOS: &str = "chaos";
/// How often to replay a case before reporting that it does not break the rule again.
const PLAYS_AGAIN: u32 = 3;
/// Lines of the trace that a report shows before the violation.
const EXCERPT_LINES: usize = 10;
/// How a rule's meaning begins if it asks the same of any subscriber as of the contract's own.
const SAME: &str = "The same";
/// How long shrinking a case may take.
const SHRINK_FOR: Duration = Duration::from_secs(30);

/// What it takes to handle failures.
pub(super) struct Failures<'a> {
    pub(super) options: &'a Options,
    pub(super) play: &'a Play,
    pub(super) subject: &'a Arc<dyn Subject>,
    /// What to compare between two plays if R16 broke.
    pub(super) compare: Compare,
    pub(super) interrupted: &'a Interrupted,
    /// Whether there is time to replay a case for its trace.
    pub(super) plays_on: bool,
}

impl Failures<'_> {
    /// Shrinks the case, writes its files, and says how to see it again.
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
        let mut repeats = true;
        let mut family = None;
        let mut files = Vec::new();
        let mut excerpt = Vec::new();
        let mut again = match &origin {
            Origin::Seed(seed) => again(CHAOS, &self.repeating(&format!("--seed {seed}"))),
            Origin::Tape(tape) => {
                let tape = quoted(Path::new(tape));
                again(CHAOS, &self.repeating(&format!("--tape {tape}")))
            }
        };
        if let Some(mut case) = case {
            // In real time a try takes as long as the case.
            let is_quick = !hangs && !self.options.real;
            repeats = !is_quick || self.repeats(&case, rule);
            if is_quick && repeats {
                progress.say(&format!("{rule} broke, {origin}: shrinking it"));
                smaller = self.make_smaller(&mut case, &mut violation);
            }
            family = first_family(&case);
            if self.options.real && self.plays_on {
                progress.say(&format!(
                    "{rule} broke, {origin}: playing it again for its trace, which takes as long \
                     as the case; Ctrl-C skips this"
                ));
            }
            let played = if hangs || !self.plays_on {
                None
            } else {
                self.play_broken(&case, rule)
            };
            if let Some(played) = &played {
                excerpt = played.trace.before_broke(rule, EXCERPT_LINES);
            }
            match self.exhibit(case, rule, &origin, played.as_ref()) {
                Ok(written) => {
                    let tape = written.first().map(|tape| quoted(tape)).unwrap_or_default();
                    again = self::again(CHAOS, &self.repeating(&format!("--tape {tape}")));
                    files = written;
                }
                Err(error) => progress.say(&format!(
                    "{}: cannot write there: {error}",
                    self.options.out.display()
                )),
            }
        }
        Failure {
            case: origin,
            violation,
            asks: self.asks(rule).to_owned(),
            excerpt,
            family,
            times,
            repeats,
            shrunk: smaller,
            files: files
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            again,
        }
    }

    /// What to compare between two plays when checking this rule.
    fn twice(&self, rule: Rule) -> Option<Compare> {
        (rule == Rule::R16).then_some(self.compare)
    }

    /// Whether the case breaks the rule again.
    fn repeats(&self, case: &Case, rule: Rule) -> bool {
        (0..PLAYS_AGAIN).any(|_| {
            let verdict = self.judged_again(case, rule);
            verdict.is_some_and(|verdict| verdict.violations.iter().any(|v| v.rule == rule))
        })
    }

    /// The case, judged again; `None` if it hangs this time.
    fn judged_again(&self, case: &Case, rule: Rule) -> Option<Verdict> {
        let (case, play, twice) = (case.clone(), Arc::clone(self.play), self.twice(rule));
        bounded(HANG_AFTER, move || judge(&case, &play, twice)).ok()
    }

    /// Replaces `case` with the smallest one that breaks the same rule, and its violation too;
    /// `None` if a case on the way hangs.
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
        let again = self.judged_again(case, rule);
        let again = again.into_iter().flat_map(|verdict| verdict.violations);
        if let Some(same) = again.into_iter().find(|v| v.rule == rule) {
            *violation = same;
        }
        Some(smaller)
    }

    /// Returns the smallest case that breaks the rule; `None` if a case on the way hangs.
    fn shrink(&self, case: &Case, rule: Rule) -> Option<Shrunk> {
        let (play, case, interrupted) = (
            Arc::clone(self.play),
            case.clone(),
            self.interrupted.clone(),
        );
        let twice = self.twice(rule);
        let (done, result) = channel();
        let began = Instant::now();
        let thread = thread::Builder::new().name(WORKER_NAME.to_owned());
        let thread = thread.spawn(move || {
            let broken = |case: &Case| {
                let verdict = judge(case, &play, twice);
                // A case that breaks another rule first is another failure; R16 is checked last.
                match rule {
                    Rule::R16 => verdict.violations.last().map(|v| v.rule),
                    _ => verdict.broken(),
                }
            };
            let has_time = || began.elapsed() < SHRINK_FOR && !interrupted.get();
            // The receiver may have given up.
            let _ = done.send(shrink(case, rule, broken, has_time));
        });
        thread.ok()?;
        result.recv_timeout(SHRINK_FOR + HANG_AFTER).ok()
    }

    /// Returns the arguments that play a case again, including the options that matter.
    fn repeating(&self, case: &str) -> String {
        let mut arguments = case.to_owned();
        if case.starts_with("--seed") {
            for from in &self.options.from {
                arguments.push_str(" --from ");
                arguments.push_str(&quoted(from));
            }
        }
        if self.options.real {
            arguments.push_str(" --real");
        }
        arguments
    }

    /// What the rule asks of this subject.
    fn asks(&self, rule: Rule) -> &'static str {
        match (rule.meaning(), self.subject.terms()) {
            (None, _) => rule.title(),
            (Some(meaning), Terms::Settings) => meaning.asks,
            (Some(meaning), Terms::Bounds(_)) if meaning.of_anyone.starts_with(SAME) => {
                meaning.asks
            }
            (Some(meaning), Terms::Bounds(_)) => meaning.of_anyone,
        }
    }

    /// Replays the case. If chance plays a part, not every play breaks the rule: then this looks
    /// for one that does. `None` if it hangs this time.
    fn play_broken(&self, case: &Case, rule: Rule) -> Option<Played> {
        if self.options.real {
            return self.play_in_real_time(case.clone());
        }
        let once_more = || {
            let (case, subject) = (case.clone(), Arc::clone(self.subject));
            bounded(HANG_AFTER, move || play(&case, &*subject)).ok()
        };
        let broke = |played: &Played| played.verdict.violations.iter().any(|v| v.rule == rule);
        let first = once_more()?;
        if broke(&first) {
            return Some(first);
        }
        let mut plays = (0..PLAYS_AGAIN).filter_map(|_| once_more());
        plays.find(broke).or(Some(first))
    }

    /// Replays the case in real time; `None` if the user does not wait for its end.
    fn play_in_real_time(&self, case: Case) -> Option<Played> {
        let subject = Arc::clone(self.subject);
        let (done, result) = channel();
        let thread = thread::Builder::new().name(WORKER_NAME.to_owned());
        // The receiver may have given up.
        let play = move || drop(done.send(play_real(&case, &*subject)));
        thread.spawn(play).ok()?;
        loop {
            match result.recv_timeout(LOOK_EVERY) {
                Ok(played) => return Some(played),
                Err(RecvTimeoutError::Timeout) if !self.interrupted.get() => {}
                Err(_) => return None,
            }
        }
    }

    fn exhibit(
        &self,
        case: Case,
        rule: Rule,
        origin: &Origin,
        played: Option<&Played>,
    ) -> io::Result<Vec<PathBuf>> {
        let exhibit = Exhibit::new(case, rule, origin.clone(), played, &self.subject.name());
        exhibit.write(&self.options.out)
    }
}

/// The folder for failures. It is created before the run, to be sure that it can be, and removed
/// after it if nothing was written.
pub(super) struct OutFolder<'a> {
    path: &'a Path,
    was_there: bool,
}

impl<'a> OutFolder<'a> {
    pub(super) fn prepare(path: &'a Path) -> Result<Self, String> {
        let was_there = path.is_dir();
        if path.is_file() {
            let name = path.display();
            return Err(format!(
                "{name} is a file, but --out needs a folder for cases that break a rule"
            ));
        }
        fs::create_dir_all(path)
            .and_then(|()| tempfile::NamedTempFile::new_in(path).map(drop))
            .map_err(|error| {
                let why = remedy::unwritten(&error);
                format!("{}: cannot write there: {why}", path.display())
            })?;
        Ok(Self { path, was_there })
    }
}

impl Drop for OutFolder<'_> {
    fn drop(&mut self) {
        if !self.was_there {
            // If it holds anything this fails, as it should.
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
