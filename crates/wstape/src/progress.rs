//! A recording's progress, on standard error if that is a terminal.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use engine_client::Clock;
use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wstape_recorder::{Counts, Stats};

/// How often to redraw the line.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);
/// The rate shown is averaged over this long.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// A terminal line with a recording's progress. If standard error is not a terminal, or with
/// `quiet`, nothing is drawn. It disappears when dropped, so that the next output stands alone.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    stats: Stats,
    clock: Arc<dyn Clock>,
    shown: Shown,
    started: Duration,
    rate: Rate,
    drawn: Option<Duration>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// What comes from a live engine.
    Frames,
    /// Lines written to a tape that is made from a file.
    Lines,
}

impl Progress {
    /// Shows the live recording that `stats` counts, from now on.
    pub(crate) fn live(stats: Stats, clock: Arc<dyn Clock>, quiet: bool) -> Self {
        Self::new(stats, clock, quiet, Shown::Frames)
    }

    /// Shows how a tape is made from a file.
    pub(crate) fn file(stats: Stats, clock: Arc<dyn Clock>, quiet: bool) -> Self {
        Self::new(stats, clock, quiet, Shown::Lines)
    }

    fn new(stats: Stats, clock: Arc<dyn Clock>, quiet: bool, shown: Shown) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            // Draws nothing if standard error is not a terminal.
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        };
        let started = clock.now();
        Self {
            bar: bar.with_style(ProgressStyle::with_template("{msg}").expect("a good template")),
            stats,
            clock,
            shown,
            started,
            rate: Rate::default(),
            drawn: None,
        }
    }

    /// Prints a sentence on standard error without disturbing the progress line.
    pub(crate) fn aloud(&self) -> impl FnMut(&str) + Send + use<> {
        let bar = self.bar.clone();
        move |sentence| bar.suspend(|| eprintln!("wstape: {sentence}"))
    }

    /// Runs `recording`, and shows its progress.
    pub(crate) async fn during<T>(mut self, recording: impl Future<Output = T>) -> T {
        if self.bar.is_hidden() {
            return recording.await;
        }
        let mut recording = pin!(recording);
        loop {
            self.draw();
            let next = self.clock.sleep_until(self.clock.now() + REDRAW_INTERVAL);
            tokio::select! {
                biased;
                done = &mut recording => return done,
                () = next => {}
            }
        }
    }

    /// Redraws the line if the last time is long enough ago. Call it at every step of a recording
    /// that never pauses.
    pub(crate) fn step(&mut self) {
        if self.bar.is_hidden() {
            return;
        }
        let now = self.clock.now();
        if self
            .drawn
            .is_none_or(|drawn| drawn + REDRAW_INTERVAL <= now)
        {
            self.draw();
        }
    }

    fn draw(&mut self) {
        let now = self.clock.now();
        let counts = self.stats.counts();
        let counted = match self.shown {
            Shown::Frames => counts.frames,
            Shown::Lines => counts.lines,
        };
        let rate = self.rate.at(now, counted);
        let elapsed = now.saturating_sub(self.started);
        let line = line(self.shown, &counts, rate, elapsed);
        self.bar.set_message(line);
        self.bar.tick();
        self.drawn = Some(now);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn line(shown: Shown, counts: &Counts, rate: f64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = format!("{hours}:{minutes:02}:{seconds:02}");
    if shown == Shown::Lines {
        let (lines, bytes) = (HumanCount(counts.lines), HumanBytes(counts.written_bytes));
        return format!("{time}   {lines} lines   {rate:.1}/s   {bytes}");
    }
    let (frames, bytes) = (HumanCount(counts.frames), HumanBytes(counts.bytes));
    let outages = match counts.outages {
        1 => "1 outage".to_owned(),
        n => format!("{n} outages"),
    };
    let lost = match counts.lost_frames {
        0 => String::new(),
        n => format!("   {} LOST", HumanCount(n)),
    };
    format!("{time}   {frames} frames   {rate:.1}/s   {bytes}   {outages}{lost}")
}

/// The rate per second, over the latest [`RATE_WINDOW`].
#[derive(Debug, Default)]
struct Rate {
    /// Every time it was asked for, with the count. Keeps one entry older than the window, so at
    /// most the window's redraws plus two.
    seen: VecDeque<(Duration, u64)>,
}

impl Rate {
    fn at(&mut self, now: Duration, counted: u64) -> f64 {
        self.seen.push_back((now, counted));
        let window_start = now.saturating_sub(RATE_WINDOW);
        while self.seen.get(1).is_some_and(|(at, _)| *at <= window_start) {
            self.seen.pop_front();
        }
        let (then, before) = self.seen[0];
        let seconds = now.saturating_sub(then).as_secs_f64();
        if seconds == 0.0 {
            return 0.0;
        }
        let came = u32::try_from(counted.saturating_sub(before)).unwrap_or(u32::MAX);
        f64::from(came) / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_time_frames_rate_bytes_and_outages() {
        let mut counts = Stats::default().counts();
        counts.frames = 12_345;
        counts.bytes = 3 << 20;
        counts.outages = 1;
        assert_eq!(
            line(Shown::Frames, &counts, 12.34, Duration::from_secs(3_725)),
            "1:02:05   12,345 frames   12.3/s   3.00 MiB   1 outage"
        );
        counts.lost_frames = 7;
        let shown = line(Shown::Frames, &counts, 0.0, Duration::ZERO);
        assert!(shown.ends_with("   1 outage   7 LOST"), "{shown}");
        assert_eq!(
            line(Shown::Lines, &counts, 5.0, Duration::ZERO),
            "0:00:00   0 lines   5.0/s   0 B"
        );
    }

    #[test]
    fn the_rate_is_that_of_the_latest_seconds() {
        let mut rate = Rate::default();
        let at = Duration::from_secs;
        let shown = |rate: f64| format!("{rate:.3}");
        assert_eq!(shown(rate.at(at(0), 0)), "0.000");
        assert_eq!(shown(rate.at(at(1), 100)), "100.000");
        for second in 2..10 {
            rate.at(at(second), 100 + 10 * (second - 1));
        }
        assert_eq!(shown(rate.at(at(10), 190)), "10.000");
        assert!(rate.seen.len() <= 5, "{:?}", rate.seen);
    }
}
