//! `--planted`: whether chaos finds what it should.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wstape_chaos::planted::{Bag, HUNT_FOR, Hunt, Hunted, Quarry};
use wstape_chaos::{Draw, Ending, draw};

use super::Options;
use super::progress::{Goal, Progress};
use super::session::{LOOK_EVERY, first_words, keep_workers_panics_quiet, workers};
use super::signals::Interrupted;
use crate::cmd::say::say;

/// A hunt, and when it began.
struct Pursuit {
    hunt: Hunt,
    began: Instant,
}

/// Hunts each flaw on a thread of its own, as many at a time as there are jobs.
pub(super) fn run(options: &Options) -> Result<Ending, String> {
    let budget = options.budget.unwrap_or(HUNT_FOR);
    let jobs = workers(options);
    let interrupted = Interrupted::listen().map_err(|error| error.to_string())?;
    let mut left: VecDeque<Quarry> = Quarry::all().collect();
    let seeds = match options.seeds {
        Some(seeds) => format!("seeds {seeds}"),
        None => "each from a seed of its own on".to_owned(),
    };
    let first = first_words(&format!(
        "planted flaws, {seeds}, budget {} each, {jobs} jobs",
        humantime::format_duration(budget)
    ));
    say(&format!("{first}\n"));
    keep_workers_panics_quiet();
    let goal = Goal {
        cases: Some(left.len() as u64),
        budget: None,
    };
    let mut progress = Progress::new(goal, options.quiet);
    let start = Instant::now();
    let draw: Draw = Arc::new(|seed| draw(seed, &[]));
    let mut under_way: Vec<Pursuit> = Vec::new();
    let mut hunted: Vec<Hunted> = Vec::new();
    while !(left.is_empty() && under_way.is_empty()) {
        while under_way.len() < jobs.get()
            && !interrupted.get()
            && let Some(quarry) = left.pop_front()
        {
            under_way.push(Pursuit {
                hunt: Hunt::start(quarry, options.seeds, Arc::clone(&draw)),
                began: Instant::now(),
            });
        }
        if interrupted.get() {
            left.clear();
        }
        let (over, going_on): (Vec<_>, Vec<_>) = under_way
            .into_iter()
            .map(|mut pursuit| (pursuit.is_over(budget, &interrupted), pursuit))
            .partition(|(over, _)| *over);
        hunted.extend(over.into_iter().map(|(_, pursuit)| pursuit.finish()));
        under_way = going_on.into_iter().map(|(_, pursuit)| pursuit).collect();
        progress.show(start.elapsed(), hunted.len() as u64, 0);
        thread::sleep(LOOK_EVERY);
    }
    progress.finish();
    let bag: Bag = hunted.into_iter().collect();
    if !options.quiet {
        say(&format!("\n{}\n", bag.table()));
    }
    if interrupted.get() {
        say("INCONCLUSIVE: it was interrupted\n");
        return Ok(Ending::Inconclusive);
    }
    say(&bag.conclusion());
    Ok(if bag.holds() {
        Ending::Held
    } else {
        Ending::Broken
    })
}

impl Pursuit {
    fn is_over(&mut self, budget: Duration, interrupted: &Interrupted) -> bool {
        let elapsed = self.began.elapsed();
        // The control is over by itself, after so many seeds.
        let spent = elapsed >= budget && self.hunt.quarry() != Quarry::Nothing;
        if spent || interrupted.get() {
            self.hunt.stop();
        }
        self.hunt.watch(elapsed)
    }

    fn finish(self) -> Hunted {
        self.hunt.finish(self.began.elapsed())
    }
}
