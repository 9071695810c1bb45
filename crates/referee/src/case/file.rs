//! A case's file.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use wstape_tape::{Tape, TapeError};

use super::flood::Flood;
use super::id::CaseId;
use crate::question::{Question, Reference, Sample};
use crate::verdict::Finding;

/// The header's key that makes a tape a case.
const KEY: &str = "x-case";
/// The placeholder for the other port in a case's steps, as `http://…` and as `ws://…`.
const OTHER: &str = "$OTHER";
const WS_OTHER: &str = "$WS_OTHER";

/// Why a file is not a case.
#[derive(Debug, thiserror::Error)]
pub enum BadCase {
    /// It can't be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no such folder.
    #[error("there is no folder {}; --cases needs one with files such as R4.jsonl", .0.display())]
    NoFolder(PathBuf),
    /// It has no cases.
    #[error("{} holds no case; a case is a file NAME.jsonl whose header has \"x-case\"", .0.display())]
    NoCases(PathBuf),
    /// It is not a tape.
    #[error("case {name}: {}", .source.report())]
    Tape {
        /// The file's name.
        name: String,
        /// What is wrong.
        source: TapeError,
    },
    /// Its header does not define the questions.
    #[error("case {name}: {why}; see docs/referee.md, \"A case of your own\"")]
    Header {
        /// The file's name.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// A case: what is played, and what is asked about the client.
#[derive(Debug, Clone)]
pub struct Case {
    /// The row of the report.
    pub id: CaseId,
    /// The file's name; a row may have several files.
    pub name: String,
    /// What is played.
    pub title: String,
    /// What is asked.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What good clients do.
    pub good: String,
    /// Where the requirement comes from.
    pub source: Option<String>,
    /// Whether it is only played on request.
    pub long: bool,
    pub(crate) until_s: f64,
    pub(crate) quiet_from_s: Option<f64>,
    pub(crate) signal: Option<Signal>,
    pub(crate) copies: usize,
    pub(crate) other_port: bool,
    pub(crate) may_end: bool,
    /// How many processes answer together, each in its own run.
    processes: usize,
    each: Vec<Variant>,
    /// The flood, with placeholders that each run fills in.
    flood: Option<Value>,
    /// The questions, with placeholders that each run fills in.
    asks: Value,
    text: String,
}

/// When a client is told to end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signal {
    pub(crate) after: Reference,
    #[serde(default)]
    pub(crate) wait_s: f64,
}

/// One of the variants that a row lists.
#[derive(Debug, Clone, Deserialize)]
struct Variant {
    name: String,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    id: CaseId,
    what: String,
    why: String,
    good: String,
    source: Option<String>,
    asks: Value,
    flood: Option<Value>,
    until_s: f64,
    quiet_from_s: Option<f64>,
    #[serde(default)]
    each: Vec<Variant>,
    signal: Option<Signal>,
    #[serde(default = "one")]
    copies: usize,
    #[serde(default = "one")]
    processes: usize,
    #[serde(default)]
    other_port: bool,
    #[serde(default)]
    may_end: bool,
    #[serde(default)]
    long: bool,
}

fn one() -> usize {
    1
}

impl Case {
    /// Reads a case's file.
    ///
    /// # Errors
    /// If it is not a tape, or its header does not define the questions.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadCase> {
        let bad = |why: String| BadCase::Header {
            name: name.to_owned(),
            why,
        };
        let header = text.lines().next().unwrap_or_default();
        let header: Value = serde_json::from_str(header).map_err(|error| bad(error.to_string()))?;
        let title = header["title"].as_str().unwrap_or_default().to_owned();
        let fields = header
            .get(KEY)
            .ok_or_else(|| bad(format!("its header has no {KEY:?}")))?;
        let fields = Fields::deserialize(fields).map_err(|error| bad(error.to_string()))?;
        let mut case = Self {
            id: fields.id,
            name: name.to_owned(),
            title,
            what: fields.what,
            why: fields.why,
            good: fields.good,
            source: fields.source,
            long: fields.long,
            until_s: fields.until_s,
            quiet_from_s: fields.quiet_from_s,
            signal: fields.signal,
            copies: fields.copies,
            processes: fields.processes.max(1),
            other_port: fields.other_port,
            may_end: fields.may_end,
            each: fields.each,
            flood: fields.flood,
            asks: fields.asks,
            text: text.to_owned(),
        };
        if case.each.is_empty() {
            case.each.push(Variant {
                name: String::new(),
                values: BTreeMap::new(),
            });
        }
        for run in case.runs() {
            run.asks().map_err(|error| bad(error.to_string()))?;
            run.flood().map_err(|error| bad(error.to_string()))?;
            run.tape("ws://127.0.0.1:1/ws")?;
        }
        Ok(case)
    }

    /// One run for each variant that the row lists.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        self.each.iter().flat_map(move |variant| {
            (1..=self.processes).map(move |process| Run {
                case: self,
                variant,
                process,
            })
        })
    }

    /// The joint answer of several processes: one finding for each question asked that way.
    pub(crate) fn pooled(&self, samples: &[Vec<Option<Sample>>]) -> Vec<Finding> {
        if self.processes == 1 {
            return Vec::new();
        }
        let asks = self.runs().next().and_then(|run| run.asks().ok());
        let asks = asks.unwrap_or_default();
        let pooled = asks.iter().enumerate().filter_map(|(nth, ask)| {
            let of_ask = samples.iter().filter_map(|run| run.get(nth)?.clone());
            ask.pooled(&of_ask.collect::<Vec<_>>())
        });
        pooled.collect()
    }
}

/// One run of a case, with a client process of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) case: &'a Case,
    variant: &'a Variant,
    /// Which of the processes that answer together, from 1.
    process: usize,
}

impl Run<'_> {
    /// The variant's name; empty if the row has no variants.
    pub(crate) fn name(&self) -> String {
        let file = self.case.name.split_once('-').map_or("", |(_, rest)| rest);
        let process = match self.case.processes {
            1 => String::new(),
            _ => format!("process {}", self.process),
        };
        let parts = [file, &self.variant.name, &process];
        let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
        parts.join(" ")
    }

    /// The steps laid over the healthy tape; `other` is the URL of the other port.
    pub(crate) fn tape(&self, other: &str) -> Result<Tape, BadCase> {
        let text = fill_text(&self.case.text, &self.variant.values)
            .replace(WS_OTHER, &other.replacen("http:", "ws:", 1))
            .replace(OTHER, other);
        let name = format!("case {}", self.case.name);
        Tape::parse(name, &text).map_err(|source| BadCase::Tape {
            name: self.case.name.clone(),
            source,
        })
    }

    /// The questions with this run's values.
    pub(crate) fn asks(&self) -> serde_json::Result<Vec<Question>> {
        Vec::deserialize(fill(&self.case.asks, &self.variant.values))
    }

    /// The flood with this run's values, if there is one.
    pub(crate) fn flood(&self) -> serde_json::Result<Option<Flood>> {
        let flood = self.case.flood.as_ref();
        flood
            .map(|flood| Flood::deserialize(fill(flood, &self.variant.values)))
            .transpose()
    }
}

/// The value with `"$NAME"` filled in.
fn fill(value: &Value, values: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::String(text) => text
            .strip_prefix('$')
            .and_then(|name| values.get(name))
            .unwrap_or(value)
            .clone(),
        Value::Array(items) => items.iter().map(|item| fill(item, values)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), fill(value, values)))
            .collect(),
        other => other.clone(),
    }
}

/// The text with each string `"$NAME"` replaced by the value's JSON.
fn fill_text(text: &str, values: &BTreeMap<String, Value>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("\"${name}\""), &value.to_string())
    })
}
