//! The page about a journal.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use wstape_harness::Timeline;
use wstape_mock_engine::{Answer, Attempt, Attempts, JournalHeader, JournalReader};
use wstape_tape::Micros;

use super::clients::{self, Client};

/// The remark on a journal whose last line is incomplete.
pub(crate) const TORN: &str = "the last line is cut off: the run was killed, or the disk was full";

/// The most connections that are listed; those between the first and the last are only counted.
const MAX_LISTED: usize = 40;

/// The most gaps, and most ends without a return, listed for one client.
const MAX_GAPS: usize = 12;

/// The summary of a journal.
#[derive(Debug)]
pub(super) struct Page {
    file: String,
    header: JournalHeader,
    torn: bool,
    skipped: u64,
    attempts: Attempts,
    clients: BTreeMap<String, Client>,
    timeline: Option<Timeline>,
}

impl Page {
    /// Makes the page of a journal that was read to its end.
    pub(super) fn new<R: BufRead>(
        file: String,
        reader: &JournalReader<R>,
        attempts: Attempts,
        timeline: Option<Timeline>,
    ) -> Self {
        Self {
            file,
            header: reader.header().clone(),
            torn: reader.torn(),
            skipped: reader.skipped(),
            clients: clients::of(&attempts),
            attempts,
            timeline,
        }
    }

    /// Whether all expectations were met.
    pub(super) fn all_met(&self) -> bool {
        self.attempts.unmet.is_empty()
    }

    /// Whether nothing that connections did was summed up.
    fn all_told(&self) -> bool {
        let of_no_connection = ["dial_refused", "dial_reset", "dial_pending"];
        let mut kinds = self.attempts.summed_up.keys();
        kinds.all(|kind| of_no_connection.contains(&kind.as_str()))
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = &self.attempts;
        let (url, up) = (
            &self.header.url,
            self.header.up.format("%Y-%m-%d %H:%M:%S UTC"),
        );
        writeln!(f, "{}: {url}, up {up}", self.file)?;
        let end = if all.ended {
            "the tape ended"
        } else {
            "the journal ends"
        };
        writeln!(f, "{end} after {} s", all.until)?;
        writeln!(
            f,
            "{} dials: {} upgraded, {} refused by a port that was down, {} reset by it",
            all.dials(),
            all.upgraded(),
            all.dials_refused,
            all.dials_reset
        )?;
        let (sent, received) = (all.sent(), all.received());
        writeln!(
            f,
            "{} sent to all ({}), {sent} to one, {received} received ({}); {} found nobody",
            all.broadcasts,
            rate(all.broadcasts, all.until),
            rate(received, all.until),
            all.lost
        )?;
        if all.uncounted > 0 {
            let n = all.uncounted;
            writeln!(f, "{n} connections were too many or too fast to list")?;
        }
        if !self.all_told() {
            writeln!(
                f,
                "what came too fast was summed up: it counts above, and in no connection or client below"
            )?;
        }
        if all.missing > 0 {
            writeln!(
                f,
                "{} entries are missing: the disk was too slow",
                all.missing
            )?;
        }
        if self.skipped > 0 {
            writeln!(
                f,
                "{} entries are of kinds unknown to this version",
                self.skipped
            )?;
        }
        if self.torn {
            writeln!(f, "{TORN}")?;
        }
        Ok(())
    }

    /// The marks, among them what a learnt tape has no answer to. A timeline has them in their places.
    fn marks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let marks = &self.attempts.marks;
        if marks.is_empty() || self.timeline.is_some() {
            return Ok(());
        }
        writeln!(f, "\nmarks")?;
        for mark in marks {
            let conn = mark.conn.map(|conn| format!("#{conn}")).unwrap_or_default();
            let times = match mark.times {
                1 => String::new(),
                times => format!(" ×{times}"),
            };
            writeln!(
                f,
                "{:>14}  {conn:<4}  {:?}{times}",
                mark.at.to_string(),
                mark.name
            )?;
        }
        Ok(())
    }

    fn connections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&Attempt> = self.attempts.by_conn.values().collect();
        if all.is_empty() {
            return writeln!(f, "\nnobody connected");
        }
        writeln!(f, "\nconnections")?;
        let head = ["#", "from", "to", "lasted", "sent", "received"];
        let [n, from, to, lasted, sent, received] = head;
        writeln!(
            f,
            "{n:>6} {from:>12} {to:>12} {lasted:>12} {sent:>8} {received:>8}  answer, end"
        )?;
        let (until, all_told) = (self.attempts.until, self.all_told());
        let (first, last) = if all.len() > MAX_LISTED {
            let half = MAX_LISTED / 2;
            (&all[..half], &all[all.len() - half..])
        } else {
            (&all[..], &[][..])
        };
        for attempt in first {
            row(attempt, until, all_told, f)?;
        }
        if !last.is_empty() {
            writeln!(f, "     … {} more", all.len() - first.len() - last.len())?;
        }
        for attempt in last {
            row(attempt, until, all_told, f)?;
        }
        Ok(())
    }

    fn clients(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, client) in &self.clients {
            writeln!(
                f,
                "\n{name}: {} attempts, {} upgraded, {} open at the end, {} received",
                client.attempts, client.upgraded, client.open, client.received
            )?;
            if !client.gaps.is_empty() {
                let gaps = client.gaps.iter().take(MAX_GAPS);
                let gaps: Vec<String> = gaps
                    .map(|(conn, gap)| format!("{gap} before #{conn}"))
                    .collect();
                let more = client.gaps.len() - gaps.len();
                let more = if more > 0 {
                    format!(", {more} more")
                } else {
                    String::new()
                };
                writeln!(f, "  gaps: {}{more}", gaps.join(", "))?;
            }
            let until = self.attempts.until;
            for (conn, at) in client.gone.iter().take(MAX_GAPS) {
                let waited = Micros(until.0.saturating_sub(at.0));
                writeln!(
                    f,
                    "  never came back: #{conn} ended at {at}, and nobody came in {waited} s"
                )?;
            }
            if client.gone.len() > MAX_GAPS {
                writeln!(f, "  … and {} more", client.gone.len() - MAX_GAPS)?;
            }
        }
        Ok(())
    }
}

/// The rate per second over the whole run.
fn rate(count: u64, span: Micros) -> String {
    if span == Micros::ZERO && count > 0 {
        return "at once".to_owned();
    }
    let tenths = u128::from(count) * 10_000_000 / u128::from(span.0.max(1));
    format!("{}.{}/s", tenths / 10, tenths % 10)
}

/// A connection's row; `all_told` if nothing that connections did was summed up.
fn row(
    attempt: &Attempt,
    until: Micros,
    all_told: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let answer = match attempt.answer {
        Some((_, Answer::Upgraded)) => "101".to_owned(),
        Some((_, Answer::Status(status))) => status.to_string(),
        Some((_, Answer::Garbage)) => "not HTTP".to_owned(),
        Some((_, Answer::Hung)) => "never answered".to_owned(),
        _ if all_told => "no answer".to_owned(),
        // As with the end below.
        _ => "no answer listed".to_owned(),
    };
    let (to, end) = match attempt.end {
        Some((at, end)) => (Some(at), end.to_string()),
        None if all_told => (None, "open".to_owned()),
        // Its end may be among those that were summed up.
        None => (None, "open, or its end not listed".to_owned()),
    };
    let lasted = Micros(to.unwrap_or(until).0.saturating_sub(attempt.accepted.0));
    let to = to.map_or_else(String::new, |to| to.to_string());
    let close = match attempt.client_close {
        Some(0) => ", client's Close".to_owned(),
        Some(code) => format!(", client's Close {code}"),
        None => String::new(),
    };
    let path = attempt
        .request
        .as_ref()
        .map_or_else(String::new, |request| format!(" {}", request.path()));
    writeln!(
        f,
        "{:>6} {:>12} {to:>12} {:>12} {:>8} {:>8}  {answer}{path}, {end}{close}",
        attempt.conn,
        attempt.accepted.to_string(),
        lasted.to_string(),
        attempt.sent,
        attempt.received
    )
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        if !self.attempts.unmet.is_empty() {
            writeln!(f, "\nnot met")?;
            for unmet in &self.attempts.unmet {
                writeln!(f, "  {unmet}")?;
            }
        }
        self.connections(f)?;
        self.clients(f)?;
        self.marks(f)?;
        match &self.timeline {
            Some(timeline) => write!(f, "\ntimeline\n{timeline}"),
            None => Ok(()),
        }
    }
}
