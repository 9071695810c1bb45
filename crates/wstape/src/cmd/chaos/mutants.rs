//! `--mutants`: whether chaos finds what it should.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wstape_chaos::mutants::{MUTANT_BUDGET, Mutant, MutantResult, MutantRun, MutationReport};
use wstape_chaos::{Draw, Ending, draw};

use wstape_harness::{Subject, Terms};

use super::options::Options;
use super::progress::LOOK_EVERY;
use super::progress::{Goal, Progress};
use super::session::{first_words, keep_workers_panics_quiet, workers};
use crate::cmd::interrupted::Interrupted;
use crate::cmd::say::say;

/// The search for a mutant, and when it began.
struct Search {
    run: MutantRun,
    began: Instant,
}

/// Searches for each mutant on a thread of its own, as many at once as there are jobs.
pub(super) fn run(options: &Options, subject: &dyn Subject) -> Result<Ending, String> {
    let budget = options.budget.unwrap_or(MUTANT_BUDGET);
    let jobs = workers(options, subject);
    let interrupted = Interrupted::listen("chaos", || {}).map_err(|error| error.to_string())?;
    let mut left: VecDeque<Mutant> = Mutant::all().collect();
    let seeds = match options.seeds {
        Some(seeds) => format!("seeds {seeds}"),
        None => "each from its own first seed".to_owned(),
    };
    let first = first_words(&format!(
        "mutants, {seeds}, budget {} each, {jobs} jobs",
        humantime::format_duration(budget)
    ));
    say(&format!("{first}\n"))?;
    keep_workers_panics_quiet();
    let goal = Goal {
        cases: Some(left.len() as u64),
        budget: None,
    };
    let mut progress = Progress::new(goal, options.quiet);
    let start = Instant::now();
    let draw: Draw = Arc::new(|seed| draw(seed, &[], &Terms::Settings));
    let mut under_way: Vec<Search> = Vec::new();
    let mut results: Vec<MutantResult> = Vec::new();
    while !(left.is_empty() && under_way.is_empty()) {
        while under_way.len() < jobs.get()
            && !interrupted.get()
            && let Some(mutant) = left.pop_front()
        {
            under_way.push(Search {
                run: MutantRun::start(mutant, options.seeds, Arc::clone(&draw)),
                began: Instant::now(),
            });
        }
        if interrupted.get() {
            left.clear();
        }
        let (over, going_on): (Vec<_>, Vec<_>) = under_way
            .into_iter()
            .map(|mut search| (search.is_over(budget, &interrupted), search))
            .partition(|(over, _)| *over);
        results.extend(over.into_iter().map(|(_, search)| search.finish()));
        under_way = going_on.into_iter().map(|(_, search)| search).collect();
        progress.show(start.elapsed(), results.len() as u64, 0);
        thread::sleep(LOOK_EVERY);
    }
    progress.finish();
    let report: MutationReport = results.into_iter().collect();
    if !options.quiet {
        say(&format!("\n{}\n", report.table()))?;
    }
    if interrupted.get() {
        say("INCONCLUSIVE: the run was interrupted\n")?;
        return Ok(Ending::Inconclusive);
    }
    say(&report.conclusion())?;
    Ok(if report.holds() {
        Ending::Held
    } else {
        Ending::Broken
    })
}

impl Search {
    fn is_over(&mut self, budget: Duration, interrupted: &Interrupted) -> bool {
        let elapsed = self.began.elapsed();
        // The control ends by itself, after a fixed number of seeds.
        let spent = elapsed >= budget && self.run.mutant() != Mutant::flawless();
        if spent || interrupted.get() {
            self.run.stop();
        }
        self.run.watch(elapsed)
    }

    fn finish(self) -> MutantResult {
        self.run.finish(self.began.elapsed())
    }
}
