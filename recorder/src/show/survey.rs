//! Counts a tape's contents in one pass and in constant memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use wstape_tape::{Action, Header, Micros, Step, TapeError, TapeReader, Torn, Trigger};

use super::link::{Link, Sign};
use super::timeline::Timeline;
use crate::names::Pointer;

/// The maximum number of event names counted one by one; any more are counted together.
const MAX_NAMES: usize = 256;
/// The name under which the others are counted.
const OTHERS: &str = "(others)";
/// The longest event name that is shown, in characters.
const SHOWN_CHARS: usize = 32;

/// The count of messages of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many messages there are.
    pub number: u64,
    /// The total size of their payloads, in bytes.
    pub bytes: u64,
    /// The largest payload, in bytes.
    pub largest: u64,
}

/// A tape's contents. `Display` writes them as a page for people.
///
/// ```
/// let text = "{\"tape\":1}\n{\"at_ms\":5,\"emit\":{\"event\":\"risk\"}}\n{\"at_ms\":7,\"end\":true}\n";
/// let survey = wstape_recorder::Survey::of(wstape_tape::TapeReader::new("x.jsonl", text.as_bytes())?)?;
/// assert_eq!(survey.sent["risk"].number, 1);
/// assert_eq!((survey.duration.0, survey.connections), (7_000, 1));
/// # Ok::<(), wstape_tape::TapeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Survey {
    /// The tape's name in errors.
    pub name: String,
    /// The header in line 1.
    pub header: Header,
    /// The number of lines after the first, not counting a torn one.
    pub steps: u64,
    /// The number of steps without a time of their own, by what they wait for.
    pub untimed: BTreeMap<&'static str, u64>,
    /// The size of all complete lines, including newlines, in bytes.
    pub bytes: u64,
    /// The longest line, in bytes.
    pub longest_line: u64,
    /// The time of the `end` step, or else of the last `at_ms` step.
    pub duration: Micros,
    /// Whether there is an `end` step.
    pub ended: bool,
    /// The number of connections made, as far as the steps show.
    pub connections: u64,
    /// The number of handshakes answered with something other than 101.
    pub refused: u64,
    /// The number of periods without a connection.
    pub outages: u64,
    /// The total length of these periods.
    pub outage_time: Micros,
    /// What the engine sends, by event name, or by the kind of frame in parentheses.
    pub sent: BTreeMap<String, Count>,
    /// What the client sent, by kind of frame.
    pub received: BTreeMap<&'static str, Count>,
    /// The number of all other steps, by key.
    pub others: BTreeMap<&'static str, u64>,
    /// The first few marks, with their times.
    pub marks: Vec<(Micros, String)>,
    /// What its timeline looks like.
    pub timeline: Timeline,
    /// The unfinished last line, if there is one.
    pub torn: Option<Torn>,
}

impl Survey {
    /// The maximum number of marks that are kept.
    const MAX_MARKS: usize = 16;

    /// Reads a tape to its end.
    ///
    /// # Errors
    /// The first error in the tape.
    pub fn of<R: BufRead>(reader: TapeReader<R>) -> Result<Self, TapeError> {
        Self::by_kind(reader, None)
    }

    /// Like [`of`](Self::of), but counts text messages by the value at `kind` in each. Without
    /// `kind` only events are counted, by `event`.
    ///
    /// # Errors
    /// The first error in the tape.
    pub fn by_kind<R: BufRead>(
        mut reader: TapeReader<R>,
        kind: Option<&Pointer>,
    ) -> Result<Self, TapeError> {
        let header = reader.header().clone();
        let header_bytes = header.raw().map_or(0, |raw| raw.len() as u64 + 1);
        let mut survey = Self {
            name: reader.name().to_owned(),
            header,
            steps: 0,
            untimed: BTreeMap::new(),
            bytes: header_bytes,
            longest_line: header_bytes,
            duration: Micros::ZERO,
            ended: false,
            connections: 0,
            refused: 0,
            outages: 0,
            outage_time: Micros::ZERO,
            sent: BTreeMap::new(),
            received: BTreeMap::new(),
            others: BTreeMap::new(),
            marks: Vec::new(),
            timeline: Timeline::default(),
            torn: None,
        };
        let mut link = Link::default();
        for step in reader.by_ref() {
            survey.take(&step?, kind, &mut link);
        }
        survey.torn = reader.torn().cloned();
        if let Some(since) = link.out_since {
            link.outages += 1;
            link.outage_time.0 += survey.duration.0.saturating_sub(since.0);
        }
        survey.connections = link.connections;
        survey.refused = link.refused;
        survey.outages = link.outages;
        survey.outage_time = link.outage_time;
        survey.timeline.close(survey.duration, link.is_up());
        Ok(survey)
    }

    fn take(&mut self, step: &Step, kind: Option<&Pointer>, link: &mut Link) {
        self.steps += 1;
        let bytes = step.raw().map_or(0, |raw| raw.len() as u64 + 1);
        self.bytes += bytes;
        self.longest_line = self.longest_line.max(bytes);
        let Trigger::At(at) = step.trigger else {
            *self.untimed.entry(waits_for(&step.trigger)).or_default() += 1;
            self.count(step, kind, Micros::ZERO);
            return;
        };
        self.duration = at;
        let was_up = link.is_up();
        let sign = link.take(at, step);
        if sign == Sign::Down {
            self.timeline.end(at, was_up, &step.action);
        }
        self.timeline.link(at, link.is_up());
        if self.count(step, kind, at) {
            self.timeline.message(at);
        }
    }

    /// Counts a step. Returns whether it is a message that the engine sends.
    fn count(&mut self, step: &Step, kind: Option<&Pointer>, at: Micros) -> bool {
        let (name, bytes) = match &step.action {
            Action::Emit(json) => match kind {
                Some(kind) => (kind_of(json, kind), json.len()),
                None => (event_name(json), json.len()),
            },
            Action::Text(text) => match kind {
                Some(kind) => (kind_of(text.as_bytes(), kind), text.len()),
                None => ("(text)".to_owned(), text.len()),
            },
            Action::Json(json) => match kind {
                Some(kind) => (kind_of(json, kind), json.len()),
                None => ("(json)".to_owned(), json.len()),
            },
            Action::Binary(bytes) => ("(binary)".to_owned(), bytes.len()),
            Action::Ping(bytes) => ("(ping)".to_owned(), bytes.len()),
            Action::Pong(bytes) => ("(pong)".to_owned(), bytes.len()),
            Action::Frame(frame) => ("(frame)".to_owned(), frame.payload.len()),
            Action::Bytes(bytes) => ("(bytes)".to_owned(), bytes.len()),
            Action::Received(received) => {
                let text = received.text.as_ref().map_or(0, String::len);
                let binary = received.binary.as_ref().map_or(0, bytes::Bytes::len);
                let kind = received.kind.word();
                self.received.entry(kind).or_default().add(text + binary);
                return false;
            }
            action => {
                *self.others.entry(action.key()).or_default() += 1;
                match action {
                    Action::End => self.ended = true,
                    Action::Mark(name) if self.marks.len() < Self::MAX_MARKS => {
                        self.marks.push((at, name.clone()));
                    }
                    _ => {}
                }
                return false;
            }
        };
        let known = self.sent.len() < MAX_NAMES || self.sent.contains_key(&name);
        let name = if known { name } else { OTHERS.to_owned() };
        self.sent.entry(name).or_default().add(bytes);
        true
    }

    /// The number of messages and control frames that the engine sends.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.sent.values().map(|count| count.number).sum()
    }
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.number += 1;
        self.bytes += bytes as u64;
        self.largest = self.largest.max(bytes as u64);
    }
}

/// What a step waits for, in two words.
fn waits_for(trigger: &Trigger) -> &'static str {
    match trigger {
        Trigger::At(_) => "at a time",
        Trigger::OnConnect { .. } => "on connect",
        Trigger::OnMessage(_) => "on message",
        Trigger::OnSilence { .. } => "on silence",
        Trigger::Scene(_) => "in scenes",
    }
}

/// The `event` of a message, shortened to fit a table and made safe for a terminal.
fn event_name(json: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        event: std::borrow::Cow<'a, str>,
    }
    let name = serde_json::from_slice::<Head<'_>>(json);
    let name = name.map_or_else(|_| OTHERS.into(), |head| head.event);
    shown(&name)
}

/// The value at `kind` in a message, or the name for others.
fn kind_of(json: &[u8], kind: &Pointer) -> String {
    let message = serde_json::from_slice(json).ok();
    let name = message.and_then(|message| kind.kind(&message));
    shown(&name.unwrap_or_else(|| OTHERS.to_owned()))
}

/// A name, shortened to fit a table and made safe for a terminal.
fn shown(name: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    name.chars().take(SHOWN_CHARS).map(shown).collect()
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.header;
        writeln!(f, "tape         {}", self.name)?;
        if let Some(title) = &header.title {
            writeln!(f, "title        {}", printable(title))?;
        }
        if let Some(at) = header.recorded_at {
            writeln!(f, "recorded at  {at}")?;
        }
        if let Some(source) = &header.source {
            writeln!(f, "source       {}", printable(source))?;
        }
        if !header.redacted.is_empty() {
            writeln!(f, "redacted     {}", printable(&header.redacted.join(", ")))?;
        }
        if !header.needs.is_empty() {
            writeln!(f, "needs        {}", header.needs.join(", "))?;
        }
        let end = if self.ended { "" } else { ", no end step" };
        writeln!(f, "lasts        {} s{end}", self.duration)?;
        writeln!(
            f,
            "size         {} in {}, the longest {}",
            Bytes(self.bytes),
            plural(self.steps + 1, "line"),
            Bytes(self.longest_line)
        )?;
        if let Some(torn) = &self.torn {
            let bytes = plural(torn.bytes.len() as u64, "byte");
            writeln!(
                f,
                "torn         line {} is cut off after {bytes}",
                torn.line
            )?;
        }
        if self.connections == 0 && self.refused == 0 {
            write!(f, "connections  any client: the tape names none")?;
        } else {
            write!(f, "connections  {}", self.connections)?;
        }
        if self.refused > 0 {
            write!(f, ", {} refused", self.refused)?;
        }
        writeln!(f)?;
        match self.outages {
            0 if self.connections == 0 => {}
            0 => writeln!(f, "outages      none")?,
            n => writeln!(
                f,
                "outages      {n}, {} s without a connection",
                self.outage_time
            )?,
        }
        self.counts(f)?;
        if !self.untimed.is_empty() {
            writeln!(f)?;
        }
        for (waits_for, number) in &self.untimed {
            writeln!(f, "{waits_for:<12} {}", plural(*number, "step"))?;
        }
        if !self.marks.is_empty() {
            writeln!(f, "\nmarks")?;
            for (at, name) in &self.marks {
                writeln!(f, "{:>14}  {}", at.to_string(), printable(name))?;
            }
        }
        write!(f, "\n{}", self.timeline)
    }
}

impl Survey {
    fn counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = |f: &mut fmt::Formatter<'_>, title: &str, rows: &[(&str, Count)]| {
            if rows.is_empty() {
                return Ok(());
            }
            writeln!(
                f,
                "\n{title:<24} {:>10} {:>10} {:>10} {:>10} {:>10}",
                "number", "per s", "bytes", "mean", "largest"
            )?;
            for (name, count) in rows {
                let rate = rate(count.number, self.duration);
                writeln!(
                    f,
                    "  {name:<22} {:>10} {rate:>10} {:>10} {:>10} {:>10}",
                    count.number,
                    Bytes(count.bytes).to_string(),
                    Bytes(count.bytes / count.number.max(1)).to_string(),
                    Bytes(count.largest).to_string(),
                )?;
            }
            Ok(())
        };
        let mut sent: Vec<(&str, Count)> = self
            .sent
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .collect();
        sent.sort_by(|a, b| b.1.number.cmp(&a.1.number).then(a.0.cmp(b.0)));
        table(f, "the engine sends", &sent)?;
        let received: Vec<_> = self.received.iter().map(|(k, c)| (*k, *c)).collect();
        table(f, "the client sent", &received)?;
        let others: Vec<String> = self
            .others
            .iter()
            .filter(|(key, _)| **key != "end")
            .map(|(key, n)| format!("{key} ×{n}"))
            .collect();
        if !others.is_empty() {
            writeln!(f, "\nother steps  {}", others.join(", "))?;
        }
        Ok(())
    }
}

/// A rate per second, with three digits; `-` if no time passed.
fn rate(number: u64, duration: Micros) -> String {
    let thousandths = u128::from(number) * 1_000_000_000;
    match thousandths.checked_div(u128::from(duration.0)) {
        Some(rate) => format!("{}.{:03}", rate / 1_000, rate % 1_000),
        None => "-".to_owned(),
    }
}

/// Text from a tape, made safe for a terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

fn plural(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A size for people: exact below 1 KiB, otherwise with one decimal.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let power = (self.0.ilog2() / 10).min(4);
        let tenths = (u128::from(self.0) * 10) >> (10 * power);
        let unit = UNITS[power as usize - 1];
        write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
    }
}
