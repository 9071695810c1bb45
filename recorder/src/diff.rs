//! Compares two tapes, step by step.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::BufRead;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use wstape_tape::{Action, Conn, Micros, Step, TapeError, TapeReader, Trigger, pointer_token};

use crate::exact;
use crate::names::Pointer;

/// How many steps of each tape are compared at once where the tapes differ. A step that moved
/// further than this is reported as one step gone and one new.
const WINDOW_STEPS: usize = 4_096;
/// The longest value shown for a changed member, in characters.
const SHOWN_CHARS: usize = 80;

/// The maximum number of names that departures are counted under; all others are counted under
/// [`OTHERS`].
const MAX_NAMES: usize = 1_024;
const OTHERS: &str = "(others)";

/// How to compare two tapes. Compared are what each step does, on which connection and when, unless
/// excluded here. Events are compared as JSON: member order and white space don't matter, and numbers
/// are the same if their decimal values are (1, 1.0 and 1e0), to the last digit.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// Ignore the time in a message: `ts` in the message itself and in its `data`, or the value at
    /// [`time`](Self::time) if that is set.
    pub ignore_ts: bool,
    /// Where a message names its kind, if not in `event`. If set, text messages are compared as
    /// JSON too.
    pub kind: Option<Pointer>,
    /// Where a message has its time, if not in `ts`. If set, text messages are compared as JSON
    /// too.
    pub time: Option<Pointer>,
    /// Ignore which connection a step is on: a tap's tape names no connections, a proxy's names
    /// each.
    pub ignore_conn: bool,
    /// How far apart the times of equal steps may be; `None` for any distance.
    pub within: Option<Micros>,
}

/// A difference between two tapes.
#[derive(Debug, Clone, PartialEq)]
pub enum Departure {
    /// A step of the first tape that the second lacks.
    Gone(Step),
    /// A step of the second tape that the first lacks.
    New(Step),
    /// The same event with different values.
    Changed {
        /// Its name, as [`Tally::departures`] has it.
        name: String,
        /// The event in the first tape.
        a: Box<Step>,
        /// The event in the second tape.
        b: Box<Step>,
        /// Each member that differs.
        members: Vec<Member>,
    },
    /// A step that is in both tapes at different times.
    Moved {
        /// Its name, as [`Tally::departures`] has it.
        name: String,
        /// The step in the first tape.
        step: Step,
        /// Its time in the first tape.
        was: Micros,
        /// Its time in the second tape.
        is: Micros,
    },
}

/// A member of an event that differs between the two tapes.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Its JSON pointer (RFC 6901).
    pub pointer: String,
    /// The JSON of its value in the first tape; `None` if it has none.
    pub was: Option<String>,
    /// The JSON of its value in the second tape; `None` if it has none.
    pub is: Option<String>,
}

/// How many steps were the same, and how many departed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Steps that are the same.
    pub same: u64,
    /// The number of steps gone, new, changed and moved, by the event's name or the step's key.
    pub departures: BTreeMap<String, [u64; 4]>,
}

impl Tally {
    /// Whether the two tapes are the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.departures.is_empty()
    }

    fn count(&mut self, departure: &Departure, diff: &Diff) {
        let (name, kind) = match departure {
            Departure::Gone(step) => (diff.name_of(step), 0),
            Departure::New(step) => (diff.name_of(step), 1),
            Departure::Changed { name, .. } => (name.clone(), 2),
            Departure::Moved { name, .. } => (name.clone(), 3),
        };
        let known = self.departures.len() < MAX_NAMES || self.departures.contains_key(&name);
        let name = if known { name } else { OTHERS.to_owned() };
        self.departures.entry(name).or_default()[kind] += 1;
    }
}

impl Diff {
    /// Compares two tapes in constant memory and passes each departure to `show`, in order.
    ///
    /// # Errors
    /// The first error in either tape, or from `show`.
    pub fn compare<A: BufRead, B: BufRead, E: From<TapeError>>(
        &self,
        a: TapeReader<A>,
        b: TapeReader<B>,
        mut show: impl FnMut(Departure) -> Result<(), E>,
    ) -> Result<Tally, E> {
        let mut tally = Tally::default();
        let mut a = Ahead::new(a, self);
        let mut b = Ahead::new(b, self);
        loop {
            a.fill(1)?;
            b.fill(1)?;
            match (a.waiting.front(), b.waiting.front()) {
                (None, None) => return Ok(tally),
                (Some(one), Some(other)) if one.what == other.what => {
                    self.alike(&one.step, &other.step, &mut tally, &mut show)?;
                    a.waiting.pop_front();
                    b.waiting.pop_front();
                }
                _ => self.depart(&mut a, &mut b, &mut tally, &mut show)?,
            }
        }
    }

    /// Reports the differences between the steps read ahead, up to the last step that both have in
    /// common.
    fn depart<A: BufRead, B: BufRead, E: From<TapeError>>(
        &self,
        a: &mut Ahead<'_, A>,
        b: &mut Ahead<'_, B>,
        tally: &mut Tally,
        show: &mut impl FnMut(Departure) -> Result<(), E>,
    ) -> Result<(), E> {
        a.fill(WINDOW_STEPS)?;
        b.fill(WINDOW_STEPS)?;
        let keys = |waiting: &VecDeque<Compared>| -> Vec<String> {
            waiting.iter().map(|step| step.what.clone()).collect()
        };
        let ops = capture_diff_slices(Algorithm::Myers, &keys(&a.waiting), &keys(&b.waiting));
        let more = a.waiting.len() == WINDOW_STEPS || b.waiting.len() == WINDOW_STEPS;
        // Steps after the last one in common may still find their counterpart among steps not yet
        // read.
        let last_equal = ops
            .iter()
            .rposition(|op| matches!(op, DiffOp::Equal { .. }));
        let settled = match last_equal {
            Some(last) if more => last + 1,
            _ => ops.len(),
        };
        for op in &ops[..settled] {
            let mut old: VecDeque<_> = a.waiting.drain(..op.old_range().len()).collect();
            let mut new: VecDeque<_> = b.waiting.drain(..op.new_range().len()).collect();
            if matches!(op, DiffOp::Equal { .. }) {
                for (one, other) in old.into_iter().zip(new) {
                    self.alike(&one.step, &other.step, tally, show)?;
                }
                continue;
            }
            // Two events with the same name in the same place are one changed event.
            loop {
                let departure = match (old.pop_front(), new.pop_front()) {
                    (None, None) => break,
                    (Some(one), None) => Departure::Gone(one.step),
                    (None, Some(other)) => Departure::New(other.step),
                    (Some(one), Some(other)) => {
                        if let Some((name, members)) = self.changed(&one.step, &other.step) {
                            Departure::Changed {
                                name,
                                a: Box::new(one.step),
                                b: Box::new(other.step),
                                members,
                            }
                        } else {
                            new.push_front(other);
                            Departure::Gone(one.step)
                        }
                    }
                };
                tally.count(&departure, self);
                show(departure)?;
            }
        }
        Ok(())
    }

    fn alike<E>(
        &self,
        a: &Step,
        b: &Step,
        tally: &mut Tally,
        show: &mut impl FnMut(Departure) -> Result<(), E>,
    ) -> Result<(), E> {
        let (one, other) = (time_of(a), time_of(b));
        if self
            .within
            .is_none_or(|within| one.0.abs_diff(other.0) <= within.0)
        {
            tally.same += 1;
            return Ok(());
        }
        let departure = Departure::Moved {
            name: self.name_of(a),
            step: a.clone(),
            was: one,
            is: other,
        };
        tally.count(&departure, self);
        show(departure)
    }

    /// The name that both steps have as events and the members that differ, if nothing else about
    /// them differs: the same connection, or the same message that they answer.
    fn changed(&self, a: &Step, b: &Step) -> Option<(String, Vec<Member>)> {
        let (one, other) = (self.json(&a.action)?, self.json(&b.action)?);
        let around = |step| self.canonical(step, Action::Emit("{}".into()));
        let name = self.name_of(a);
        if name != self.name_of(b) || around(a) != around(b) {
            return None;
        }
        let mut members = Vec::new();
        departing(
            Some(&self.message(one)?),
            Some(&self.message(other)?),
            String::new(),
            &mut members,
        );
        Some((name, members))
    }

    /// The JSON text of an action that is compared as JSON.
    fn json<'a>(&self, action: &'a Action) -> Option<&'a [u8]> {
        match action {
            Action::Emit(json) | Action::Json(json) => Some(json),
            Action::Text(text) if self.kind.is_some() || self.time.is_some() => {
                Some(text.as_bytes())
            }
            _ => None,
        }
    }

    /// The message's kind, or the step's key in parentheses.
    fn name_of(&self, step: &Step) -> String {
        let message = self.json(&step.action);
        let message = message.and_then(exact::parse);
        let name = message.and_then(|message| match &self.kind {
            Some(kind) => {
                let number = kind.find(&message).and_then(exact::number);
                number.map(str::to_owned).or_else(|| kind.kind(&message))
            }
            None => message["event"].as_str().map(str::to_owned),
        });
        name.unwrap_or_else(|| format!("({})", step.key()))
    }

    /// The message as it is compared: without its time, if times are ignored.
    fn message(&self, json: &[u8]) -> Option<Value> {
        let mut message = exact::parse(json)?;
        if let Some(time) = self.time.as_ref().filter(|_| self.ignore_ts) {
            time.take_out(&mut message);
        } else if self.ignore_ts
            && let Some(members) = message.as_object_mut()
        {
            members.remove("ts");
            if let Some(data) = members.get_mut("data").and_then(Value::as_object_mut) {
                data.remove("ts");
            }
        }
        Some(message)
    }

    /// The text that a step is compared by: two steps with the same text are equal.
    fn what(&self, step: &Step) -> String {
        let message = self.json(&step.action).and_then(|json| self.message(json));
        let action = match message {
            // Keys of serde_json's objects are sorted, so the text does not depend on member order.
            Some(message) => Action::Emit(message.to_string().into()),
            None => step.action.clone(),
        };
        self.canonical(step, action)
    }

    /// The text of a step with this action, without its time.
    fn canonical(&self, step: &Step, action: Action) -> String {
        let mut what = step.clone();
        what.action = action;
        if self.ignore_conn {
            what.conn = Conn::All;
        }
        if let Trigger::At(_) = what.trigger {
            what.trigger = Trigger::At(Micros::ZERO);
        }
        what.to_canonical()
    }
}

/// A step read ahead, and the text it is compared by.
struct Compared {
    what: String,
    step: Step,
}

/// A tape whose steps are read ahead as far as needed.
struct Ahead<'d, R> {
    reader: TapeReader<R>,
    waiting: VecDeque<Compared>,
    diff: &'d Diff,
}

impl<'d, R: BufRead> Ahead<'d, R> {
    fn new(reader: TapeReader<R>, diff: &'d Diff) -> Self {
        Self {
            reader,
            waiting: VecDeque::new(),
            diff,
        }
    }

    /// Reads until this many steps are waiting or the tape ends.
    fn fill(&mut self, steps: usize) -> Result<(), TapeError> {
        while self.waiting.len() < steps {
            let Some(step) = self.reader.next() else {
                break;
            };
            let step = step?;
            let what = self.diff.what(&step);
            self.waiting.push_back(Compared { what, step });
        }
        Ok(())
    }
}

fn time_of(step: &Step) -> Micros {
    match step.trigger {
        Trigger::At(at) => at,
        _ => Micros::ZERO,
    }
}

fn departing(a: Option<&Value>, b: Option<&Value>, pointer: String, found: &mut Vec<Member>) {
    let is_number = |value: Option<&Value>| value.and_then(exact::number).is_some();
    match (a, b) {
        (a, b) if a == b => {}
        (Some(Value::Object(one)), Some(Value::Object(other)))
            if !is_number(a) && !is_number(b) =>
        {
            let keys: std::collections::BTreeSet<&String> =
                one.keys().chain(other.keys()).collect();
            for key in keys {
                let escaped = pointer_token(key);
                let below = format!("{pointer}/{escaped}");
                departing(one.get(key), other.get(key), below, found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for n in 0..one.len().max(other.len()) {
                departing(one.get(n), other.get(n), format!("{pointer}/{n}"), found);
            }
        }
        (was, is) => found.push(Member {
            pointer,
            was: was.map(exact::text),
            is: is.map(exact::text),
        }),
    }
}

impl fmt::Display for Departure {
    /// Writes lines that begin with `-`, `+`, `~` or `>`, and give the time and the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(step) => write!(f, "- {}", step.to_line()),
            Self::New(step) => write!(f, "+ {}", step.to_line()),
            Self::Changed {
                name,
                a,
                b,
                members,
            } => {
                write!(f, "~ {name}{} at {}", whose(a), time_of(a))?;
                if time_of(a) != time_of(b) {
                    write!(f, ", {}", time_of(b))?;
                }
                for Member { pointer, was, is } in members {
                    let shown = |value: &Option<String>| {
                        let value = value.as_deref();
                        value.map_or_else(|| "nothing".to_owned(), cut)
                    };
                    write!(f, "\n    {pointer}: {} → {}", shown(was), shown(is))?;
                }
                Ok(())
            }
            Self::Moved {
                name,
                step,
                was,
                is,
            } => {
                write!(f, "> {name}{}: {was} → {is}", whose(step))
            }
        }
    }
}

fn whose(step: &Step) -> String {
    match step.conn {
        Conn::All => String::new(),
        Conn::Nth(n) => format!(" #{n}"),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_same() {
            return write!(f, "{} steps, all the same", self.same);
        }
        write!(f, "{} steps the same", self.same)?;
        for (name, counts) in &self.departures {
            let words = ["gone", "new", "changed", "moved"];
            let counts: Vec<String> = counts
                .iter()
                .zip(words)
                .filter(|(n, _)| **n > 0)
                .map(|(n, word)| format!("{n} {word}"))
                .collect();
            write!(f, "\n  {name}: {}", counts.join(", "))?;
        }
        Ok(())
    }
}
