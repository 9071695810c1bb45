//! Plays one case against one subscriber, and judges it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::{Builder, Runtime};
use wstape_harness::{Subject, panic_message};
use wstape_oracle::{Need, Rule, Violation};

use super::crowd;
use super::engine::{Pace, secrets};
use super::live::World;
use super::logs::{Searched, Watch};
use super::played::{Played, Unplayable};
use super::trace::Trace;
use crate::case::Case;
use crate::pulse::Pulse;
use crate::verdict::Verdict;

/// Plays a case against a subscriber and judges it.
///
/// A case that can't be played (an invalid tape, a subscriber that does not start) gives a
/// violation of [`Rule::R13`], and so does a panic: nothing in a case may end the run.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn play(case: &Case, subject: &dyn Subject) -> Played {
    play_at(case, subject, Pace::Virtual)
}

/// As [`play`], in real time: for a subscriber that takes its time from std's clock, or hands work
/// to other threads. It still dials through what it is given, to an engine in memory.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn play_real(case: &Case, subject: &dyn Subject) -> Played {
    play_at(case, subject, Pace::Real)
}

fn play_at(case: &Case, subject: &dyn Subject, pace: Pace) -> Played {
    let caught = catch_unwind(AssertUnwindSafe(|| play_out(case, subject, pace)));
    match caught {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => unplayed(error.to_string()),
        Err(panic) => {
            let why = panic_message(&*panic);
            unplayed(format!("expected no panic, found one: {why}"))
        }
    }
}

fn unplayed(what: String) -> Played {
    Played {
        verdict: Verdict {
            violations: vec![Violation {
                rule: Rule::R13,
                at_us: 0,
                dial: None,
                what,
            }],
            ..Verdict::default()
        },
        trace: Trace::new(),
        moments: Vec::new(),
    }
}

fn play_out(case: &Case, subject: &dyn Subject, pace: Pace) -> Result<Played, Unplayable> {
    let mut builder = Builder::new_current_thread();
    match pace {
        Pace::Virtual => builder.enable_time().start_paused(true),
        Pace::Real => builder.enable_all(),
    };
    Pulse::here().listen(&mut builder);
    let runtime = builder.build()?;
    let secrets = secrets(case, subject);
    let watch = (!secrets.is_empty()).then(|| Watch::begin(secrets, subject.crates()));
    let played = play_in(&runtime, case, subject, pace);
    // This ends what still runs, which may log. Work on other threads is not awaited.
    runtime.shutdown_background();
    let mut played = played?;
    if let Some(watch) = watch {
        judge_logs(watch.end(), subject, &mut played.verdict);
    }
    Ok(played)
}

fn play_in(
    runtime: &Runtime,
    case: &Case,
    subject: &dyn Subject,
    pace: Pace,
) -> Result<Played, Unplayable> {
    if case.about.has(Need::Crowd) {
        let (verdict, trace) = runtime
            .block_on(crowd::play(case, subject))
            .map_err(Unplayable::Subject)?;
        return Ok(Played {
            verdict,
            trace,
            moments: Vec::new(),
        });
    }
    runtime.block_on(World::live(case, subject, pace))
}

/// R14: no secret in the subject's own log lines. What others log is reported separately.
fn judge_logs(searched: Searched, subject: &dyn Subject, verdict: &mut Verdict) {
    verdict.blamed = searched.by_others;
    if !subject.rules().contains(Rule::R14) {
        return;
    }
    if searched.lines > 0 {
        verdict.coverage.held(Rule::R14, searched.lines);
    }
    if let Some((name, by)) = searched.found {
        verdict.violations.push(Violation {
            rule: Rule::R14,
            at_us: 0,
            dial: None,
            what: format!("expected no secret in any log line, found {name} in one of {by}"),
        });
    }
}
