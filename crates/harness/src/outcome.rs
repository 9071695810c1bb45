//! The outcome: what a run produces and a snapshot holds.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use wstape_tape::Micros;

use crate::notebook::Reconnect;
use crate::timeline::Timeline;

/// Similar reconnects in a row beyond which they are counted instead of listed.
const MAX_ALIKE_LISTED: usize = 3;

/// What a run produced; its `Display` is one exact text.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The base tape's title.
    pub title: Option<String>,
    /// The overlays' titles, or other names for them.
    pub overlays: Vec<String>,
    /// What the subscriber was and how it was set.
    pub subject: String,
    /// How long the run was.
    pub duration: Micros,
    /// Parts of its tapes that broke off in mid-line and were not played.
    pub torn: Vec<String>,
    /// What happened, the engine's half and the client's half in one order.
    pub timeline: Timeline,
    /// Each end and the dial that followed; empty for a subscriber that reports nothing.
    pub reconnects: Vec<Reconnect>,
    /// Reconnects beyond those listed.
    pub more_reconnects: u64,
    /// What the tape demanded of the subscriber, and what was found: `Err` if it fell short.
    pub demands: Vec<Result<String, String>>,
    /// Events that the subscriber's receivers saw, by kind.
    pub events: BTreeMap<String, u64>,
    /// The mirror at the end, if the subscriber shows one.
    pub mirror: Option<Value>,
}

impl Outcome {
    /// The demands of the tape that the subscriber did not meet.
    pub fn unmet(&self) -> impl Iterator<Item = &str> {
        self.demands
            .iter()
            .filter_map(|demand| demand.as_ref().err().map(String::as_str))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(title) = &self.title {
            writeln!(f, "title    {title}")?;
        }
        for overlay in &self.overlays {
            writeln!(f, "under    {overlay}")?;
        }
        writeln!(f, "subject  {}", self.subject)?;
        writeln!(f, "ran      {} s", self.duration)?;
        for torn in &self.torn {
            writeln!(f, "torn     {torn}")?;
        }
        writeln!(f, "\ntimeline\n{}", self.timeline)?;
        if !self.reconnects.is_empty() {
            writeln!(f, "reconnects")?;
            writeln!(
                f,
                "{:>14}  {:>14}  {:>14}  {:>14}  why",
                "end", "next dial", "gap", "cap"
            )?;
            for run in self.reconnects.chunk_by(alike) {
                let listed = if run.len() > MAX_ALIKE_LISTED {
                    1
                } else {
                    run.len()
                };
                for reconnect in &run[..listed] {
                    row(f, reconnect)?;
                }
                if listed < run.len() {
                    let until = run[run.len() - 1].ended_at;
                    writeln!(f, "{:>14}  … ×{}, to {until}", "", run.len())?;
                }
            }
            if self.more_reconnects > 0 {
                writeln!(f, "{:>14}  … {} more", "", self.more_reconnects)?;
            }
            writeln!(f)?;
        }
        if !self.demands.is_empty() {
            writeln!(f, "demands")?;
            for demand in &self.demands {
                match demand {
                    Ok(met) => writeln!(f, "  met    {met}")?,
                    Err(unmet) => writeln!(f, "  UNMET  {unmet}")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "events")?;
        if self.events.is_empty() {
            writeln!(f, "  none")?;
        }
        for (kind, n) in &self.events {
            writeln!(f, "{n:>8}  {kind}")?;
        }
        match &self.mirror {
            Some(mirror) => write!(f, "\nmirror\n{mirror:#}"),
            None => write!(f, "\nmirror\nnot shown"),
        }
    }
}

fn alike(a: &Reconnect, b: &Reconnect) -> bool {
    (a.gap(), a.cap, &a.why) == (b.gap(), b.cap, &b.why)
}

fn row(f: &mut fmt::Formatter<'_>, reconnect: &Reconnect) -> fmt::Result {
    let shown = |at: Option<Micros>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    writeln!(
        f,
        "{:>14}  {:>14}  {:>14}  {:>14}  {}",
        reconnect.ended_at.to_string(),
        shown(reconnect.dialed_at),
        shown(reconnect.gap()),
        Micros::from(reconnect.cap).to_string(),
        reconnect.why
    )
}
