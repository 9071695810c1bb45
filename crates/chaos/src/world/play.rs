//! Plays one case at one subscriber, and judges it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::runtime::Builder;
use wstape_harness::Subject;
use wstape_oracle::{Rule, Violation};

use super::crowd;
use super::engine::secrets;
use super::live::World;
use super::logs::{Searched, Watch};
use super::played::{Played, Unplayable};
use super::trace::Trace;
use crate::case::Case;
use crate::verdict::Verdict;

/// Plays a case at a subscriber and judges it.
///
/// A case that can't be played (a tape that is no tape, a subscriber that does not start) comes
/// out as a violation of [`Rule::R13`], and so does a panic: nothing that a case does may end the
/// run.
///
/// # Panics
/// Inside a tokio runtime.
#[must_use]
pub fn play(case: &Case, subject: &dyn Subject) -> Played {
    let caught = catch_unwind(AssertUnwindSafe(|| play_out(case, subject)));
    match caught {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => unplayed(error.to_string()),
        Err(panic) => {
            let why = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
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

fn play_out(case: &Case, subject: &dyn Subject) -> Result<Played, Unplayable> {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    if case.about.crowd > 1 {
        let (verdict, trace) = runtime
            .block_on(crowd::play(case, subject))
            .map_err(Unplayable::Subject)?;
        return Ok(Played {
            verdict,
            trace,
            moments: Vec::new(),
        });
    }
    let secrets = secrets(case);
    if secrets.is_empty() {
        return runtime.block_on(World::live(case, subject));
    }
    let watch = Watch::begin(secrets);
    let played = runtime.block_on(World::live(case, subject));
    // What still runs ends, and may log.
    drop(runtime);
    let searched = watch.end();
    let mut played = played?;
    judge_logs(&searched, &mut played.verdict);
    Ok(played)
}

/// R14: no secret in any log line.
fn judge_logs(searched: &Searched, verdict: &mut Verdict) {
    if searched.lines > 0 {
        verdict.coverage.held(Rule::R14, searched.lines);
    }
    if let Some((name, by)) = &searched.found {
        verdict.violations.push(Violation {
            rule: Rule::R14,
            at_us: 0,
            dial: None,
            what: format!("expected no secret in any log line, found {name} in one of {by}"),
        });
    }
}
