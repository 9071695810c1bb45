//! `--planted`: whether chaos finds what it should.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::chaos::planted::{Bag, CONTROL_SEEDS, Flaw, HUNT_FOR, Hunt, Hunted, Quarry};
use harness::chaos::{Draw, Ending, draw};

use super::Options;
use super::progress::{Goal, Progress};
use super::session::keep_workers_panics_quiet;
use super::signals::Interrupted;

/// How often the hunts are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Looks for each planted flaw, as many at a time as there are jobs, each on one thread.
pub(super) fn run(options: &Options) -> Result<Ending, String> {
    let jobs = options
        .jobs
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let budget = options.budget.unwrap_or(HUNT_FOR);
    let interrupted = Interrupted::listen().map_err(|error| error.to_string())?;
    println!("{}", first_line(options, jobs, budget));
    keep_workers_panics_quiet();
    let began = Instant::now();
    let mut waiting: Vec<Quarry> = Quarry::all().collect();
    let goal = Goal {
        cases: Some(waiting.len() as u64),
        budget: None,
    };
    waiting.reverse();
    let mut progress = Progress::new(goal, options.quiet);
    let mut under_way: Vec<(Hunt, Instant)> = Vec::new();
    let mut over: Vec<Hunted> = Vec::new();
    let draw: Draw = Arc::new(|seed| draw(seed, &[]));
    loop {
        while under_way.len() < jobs.get()
            && !interrupted.get()
            && let Some(quarry) = waiting.pop()
        {
            let hunt = Hunt::start(quarry, options.seeds, Arc::clone(&draw));
            under_way.push((hunt, Instant::now()));
        }
        if under_way.is_empty() {
            break;
        }
        let mut still = Vec::new();
        for (mut hunt, since) in under_way {
            let elapsed = since.elapsed();
            if hunt.watch(elapsed) {
                over.push(hunt.finish(elapsed));
                continue;
            }
            if elapsed >= budget || interrupted.get() {
                hunt.stop();
            }
            still.push((hunt, since));
        }
        under_way = still;
        let missed = over.iter().filter(|hunted| !hunted.is_right()).count();
        progress.show(began.elapsed(), over.len() as u64, missed);
        thread::sleep(LOOK_EVERY);
    }
    progress.finish();
    let bag: Bag = over.into_iter().collect();
    if !options.quiet {
        print!("\n{}\n", bag.table());
    }
    print!("{}", bag.conclusion());
    Ok(if interrupted.get() {
        Ending::Inconclusive
    } else if bag.holds() {
        Ending::Held
    } else {
        Ending::Broken
    })
}

fn first_line(options: &Options, jobs: NonZeroUsize, budget: Duration) -> String {
    let seeds = match options.seeds {
        Some(seeds) => format!("seeds {seeds} for each"),
        None => "for each the seeds from a hash of its name on".to_owned(),
    };
    format!(
        "chaos: {} planted flaws, {seeds}, at most {} each, {CONTROL_SEEDS} seeds without a flaw, \
         {jobs} jobs; harness {}",
        Flaw::ALL.len(),
        humantime::format_duration(budget),
        env!("CARGO_PKG_VERSION")
    )
}
