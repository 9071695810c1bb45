//! R9, R10, R12 for a subscriber with its own model: what it shows about itself.
//!
//! A subscriber takes in what was delivered in order, but when is up to it, within a bound. So what
//! it shows must be the result of some prefix of the delivered messages. It may skip what is still
//! unread when it drops a connection.

use std::collections::VecDeque;

use serde_json::Value;
use wstape_tape::Micros;

use crate::fold::Fold;
use crate::rule::Rule;
use crate::rules::findings::Findings;
use crate::view::View;

/// How long a subscriber may take to show what was delivered to it.
pub(super) const MAX_LAG: Micros = Micros::from_ms(100);
/// Longest part of a value that a finding quotes, in characters.
const SHOWN_CHARS: usize = 400;

/// What must show, and how much of it has been seen.
#[derive(Debug)]
pub(super) struct Shown {
    state: State,
    pending: VecDeque<Pending>,
    /// Whether anything judged is shown; `None` before the first look.
    is_looked_at: Option<bool>,
    mirror_is_lost: bool,
    record_is_lost: bool,
}

/// What a subscriber must show once it has taken in everything so far.
#[derive(Debug, Clone)]
struct State {
    model: Option<Fold>,
    attempts: u64,
    undecodable: u64,
    /// `None` if both are right: it may or may not have noticed the end.
    connected: Option<bool>,
}

#[derive(Debug)]
struct Pending {
    at: Micros,
    dial: u64,
    step: Step,
    /// Whether it was not taken in before the connection was dropped, and need not be.
    may_go: bool,
}

/// Something that must show.
#[derive(Debug)]
pub(super) enum Step {
    Dial,
    Open,
    /// A message; `None` if it is not text.
    Message(Option<String>),
    /// The connection may show as ended from here on.
    Ending,
    /// Nothing is left of it.
    Gone,
}

impl State {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Dial => self.attempts += 1,
            Step::Open => self.connected = Some(true),
            Step::Ending => self.connected = None,
            Step::Gone => self.connected = Some(false),
            Step::Message(text) => {
                let Some(model) = &mut self.model else { return };
                let decoded = text.as_ref().is_some_and(|text| model.take(text));
                self.undecodable += u64::from(!decoded);
            }
        }
    }

    /// The first place where what is shown differs from this.
    fn departure(&self, view: View<'_>) -> Option<(Rule, String)> {
        if let (Some(mirror), Some(model)) = (view.mirror, &self.model) {
            let found = mirror.json();
            if let Some(what) = departure("mirror", model.mirror(), &found) {
                return Some((Rule::R9, what));
            }
        }
        let told = view.record?.told();
        let departs = |name: &str, expected: &dyn ToString, found: &dyn ToString| {
            let (expected, found) = (expected.to_string(), found.to_string());
            format!("{name}: expected {expected}, found {found}")
        };
        match (self.connected, told.connected) {
            (Some(expected), Some(found)) if expected != found => {
                return Some((Rule::R10, departs("connected", &expected, &found)));
            }
            _ => {}
        }
        if let Some(found) = told.attempts.filter(|found| *found != self.attempts) {
            return Some((Rule::R10, departs("attempts", &self.attempts, &found)));
        }
        let counted = told.undecodable.filter(|_| self.model.is_some());
        let found = counted.filter(|found| *found != self.undecodable)?;
        Some((Rule::R12, departs("undecodable", &self.undecodable, &found)))
    }
}

impl Shown {
    pub(super) fn new(model: Option<Fold>) -> Self {
        Self {
            state: State {
                model,
                attempts: 0,
                undecodable: 0,
                connected: Some(false),
            },
            pending: VecDeque::new(),
            is_looked_at: None,
            mirror_is_lost: false,
            record_is_lost: false,
        }
    }

    /// The text in a binary message, if it must show.
    pub(super) fn text_in(&self, message: &[u8]) -> Option<String> {
        let model = self.state.model.as_ref()?;
        model.text_in(message).map(ToOwned::to_owned)
    }

    pub(super) fn must_show(&mut self, at: Micros, dial: u64, step: Step) {
        if self.is_looked_at == Some(false) {
            return;
        }
        self.pending.push_back(Pending {
            at,
            dial,
            step,
            may_go: false,
        });
    }

    /// Notes that the connection was dropped: the rest of it need not be taken in.
    pub(super) fn dropped(&mut self, dial: u64) {
        for pending in &mut self.pending {
            pending.may_go |= pending.dial == dial && matches!(pending.step, Step::Message(_));
        }
    }

    /// Looks at the subscriber.
    pub(super) fn look(&mut self, now: Micros, view: View<'_>, findings: &mut Findings) {
        let judges = |rules: &[Rule]| rules.iter().any(|rule| findings.judges(*rule));
        let mirror = view
            .mirror
            .filter(|_| self.state.model.is_some() && !self.mirror_is_lost && judges(&[Rule::R9]));
        let record = view
            .record
            .filter(|_| !self.record_is_lost && judges(&[Rule::R10, Rule::R12]));
        let is_looked_at = mirror.is_some() || record.is_some();
        self.is_looked_at = Some(is_looked_at);
        if !is_looked_at {
            self.pending.clear();
            return;
        }
        let view = View { mirror, record };
        let is_due = |pending: &Pending| now.0 > pending.at.0.saturating_add(MAX_LAG.0);
        while let Some(due) = self.pending.pop_front_if(|pending| is_due(pending)) {
            if !due.may_go {
                self.state.apply(&due.step);
            }
        }
        if mirror.is_some() {
            findings.held(Rule::R9);
        }
        if record.is_some() {
            findings.held(Rule::R10);
            findings.held(Rule::R12);
        }
        let Some(departure) = self.state.departure(view) else {
            return;
        };
        if self.find_part(view, true) || self.find_part(view, false) {
            return;
        }
        // The difference from everything delivered says the most.
        let (rule, what) = self.all_taken_in().departure(view).unwrap_or(departure);
        match rule {
            Rule::R9 => self.mirror_is_lost = true,
            _ => self.record_is_lost = true,
        }
        findings.broke(rule, now, || what);
    }

    /// Takes in the prefix of what is pending that explains what is shown, if there is one.
    fn find_part(&mut self, view: View<'_>, with_all: bool) -> bool {
        let mut state = self.state.clone();
        for n in 0..self.pending.len() {
            let pending = &self.pending[n];
            if with_all || !pending.may_go {
                state.apply(&pending.step);
            }
            if state.departure(view).is_none() {
                self.state = state;
                self.pending.drain(..=n);
                return true;
            }
        }
        false
    }

    /// What must show once everything is taken in.
    fn all_taken_in(&self) -> State {
        let mut state = self.state.clone();
        for pending in &self.pending {
            state.apply(&pending.step);
        }
        state
    }

    /// When the first of what is pending must show at the latest.
    pub(super) fn next_look(&self) -> Option<Micros> {
        let first = self
            .pending
            .front()
            .filter(|_| self.is_looked_at == Some(true))?;
        Some(Micros(
            first.at.0.saturating_add(MAX_LAG.0).saturating_add(1),
        ))
    }

    /// What must show once everything is taken in, as JSON text; empty without a model.
    pub(super) fn expected(&self) -> String {
        let mirror = self
            .all_taken_in()
            .model
            .map(|model| model.mirror().to_string());
        mirror.unwrap_or_default()
    }
}

/// The first place where `found` is not `expected`.
fn departure(place: &str, expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let place = format!("{place}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => departure(&place, a, b),
                    (Some(a), None) => Some(format!("{place}: expected {}, found nothing", cut(a))),
                    (None, b) => {
                        let found = b.map(cut).unwrap_or_default();
                        Some(format!("{place}: expected nothing, found {found}"))
                    }
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(n, (a, b))| departure(&format!("{place}[{n}]"), a, b))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if expected == found => None,
        _ => Some(format!(
            "{place}: expected {}, found {}",
            cut(expected),
            cut(found)
        )),
    }
}

fn cut(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
