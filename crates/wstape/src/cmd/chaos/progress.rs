//! A run's progress: a bar on a terminal, else a line every few seconds.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often to check on the workers.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How often to print a line if there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A run's progress, on standard error.
pub(super) enum Progress {
    /// On a terminal.
    Bar { bar: ProgressBar, goal: Goal },
    /// In a log.
    Lines { goal: Goal, next: Duration },
    /// Told to be quiet.
    None,
}

/// When a run ends by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    /// After this many cases.
    pub(super) cases: Option<u64>,
    /// After this long.
    pub(super) budget: Option<Duration>,
}

impl Progress {
    pub(super) fn new(goal: Goal, quiet: bool) -> Self {
        if quiet {
            Self::None
        } else if io::stderr().is_terminal() {
            let bar =
                ProgressBar::with_draw_target(Some(goal.length()), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            Self::Bar { bar, goal }
        } else {
            Self::Lines {
                goal,
                next: LINE_EVERY,
            }
        }
    }

    /// Shows the progress. Call it as often as you like.
    pub(super) fn show(&mut self, elapsed: Duration, cases: u64, broken: usize) {
        match self {
            Self::None => {}
            Self::Bar { bar, goal } => {
                bar.set_position(goal.position(elapsed, cases));
                bar.set_message(text(elapsed, cases, broken));
            }
            Self::Lines { goal, next } => {
                if elapsed >= *next {
                    let percent = goal.position(elapsed, cases) * 100 / goal.length().max(1);
                    eprintln!("chaos: {percent:>3} %  {}", text(elapsed, cases, broken));
                    *next = elapsed + LINE_EVERY;
                }
            }
        }
    }

    /// Says what is done after the cases.
    pub(super) fn say(&self, what: &str) {
        match self {
            Self::None => {}
            Self::Bar { bar, .. } => bar.suspend(|| eprintln!("chaos: {what}")),
            Self::Lines { .. } => eprintln!("chaos: {what}"),
        }
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

impl Goal {
    /// The full length: in cases if their number is known, else in milliseconds.
    fn length(self) -> u64 {
        match (self.cases, self.budget) {
            (Some(cases), _) => cases,
            (None, Some(budget)) => millis(budget),
            (None, None) => 0,
        }
    }

    fn position(self, elapsed: Duration, cases: u64) -> u64 {
        let done = if self.cases.is_some() {
            cases
        } else {
            millis(elapsed)
        };
        done.min(self.length())
    }
}

fn text(elapsed: Duration, cases: u64, broken: usize) -> String {
    let rate = (cases * 1_000).checked_div(millis(elapsed)).unwrap_or(0);
    let broken = match broken {
        0 => String::new(),
        1 => ", 1 rule broken".to_owned(),
        n => format!(", {n} rules broken"),
    };
    format!("{cases} cases in {} s, {rate}/s{broken}", elapsed.as_secs())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
