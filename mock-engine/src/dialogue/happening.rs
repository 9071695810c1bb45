//! What a message sets off: which steps match it, and which of those happen.

use std::sync::Arc;

use wstape_tape::{Action, MessageKind, Micros, Step, Trigger};

use super::index::StepIndex;
use super::matcher::{Found, Matcher};
use super::message::Message;
use super::script::{Line, Script};
use super::speech::Said;
use super::talk::{Talk, Tally};
use crate::chance::draw;
use crate::ids::{ConnId, LayerIndex};

/// A step that is to happen on a connection.
#[derive(Debug)]
pub(crate) struct Happening {
    pub(crate) step: StepIndex,
    /// How often it has happened there, this time included.
    pub(crate) count: u64,
    pub(crate) said: Option<Arc<Said>>,
    /// How long after the message it happens.
    pub(crate) after: Micros,
    /// Whether it answers the Ping or Close that set it off, so that the engine doesn't have to.
    pub(crate) answers: bool,
}

/// The result of hearing a frame.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Steps that are to happen, in order.
    pub(crate) happenings: Vec<Happening>,
    /// Silences to wait for again: the step, and when it is due.
    pub(crate) silences: Vec<(StepIndex, Micros)>,
    /// What is to be noted in the journal.
    pub(crate) notes: Vec<String>,
}

/// The random stream to draw from: a different one for each time that a step happens on a
/// connection.
pub(super) fn stream(id: ConnId, step: &Step, nth: u64) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    id.get()
        .wrapping_mul(1 << 32)
        .wrapping_add(step.line)
        .wrapping_add(nth.wrapping_mul(SPREAD))
}

/// Finds what a message sets off.
pub(super) fn hear(
    script: &Script,
    talk: &mut Talk,
    id: ConnId,
    message: &Arc<Message>,
    heard: &mut Heard,
) {
    let holding = holding(script, talk, message, &mut heard.notes);
    // From the top, because an upper layer may hide the message from those below.
    let mut layers: Vec<LayerIndex> = holding.iter().map(|&at| script.line(at).layer).collect();
    layers.dedup();
    let mut happening_steps = Vec::new();
    for layer in layers.into_iter().rev() {
        let mut hidden = false;
        let own = holding.iter().filter(|&&at| script.line(at).layer == layer);
        for &at in own {
            let tally = talk.tally(at);
            tally.held += 1;
            let line = script.line(at);
            let Trigger::OnMessage(on) = &line.step.trigger else {
                continue;
            };
            if on.wanted.nth.is_some_and(|nth| nth != tally.held) {
                continue;
            }
            let said = || said(line, message);
            if let Some(mut happening) = happening(script, id, at, tally, Some(&said)) {
                hidden |= on.instead;
                happening.answers = answers(message.kind(), &line.step.action);
                happening_steps.push(happening);
            }
        }
        if hidden {
            break;
        }
    }
    happening_steps.sort_by_key(|happening| happening.step);
    heard.happenings.extend(happening_steps);
}

/// The steps that match the message, in order; `nth` is not looked at.
fn holding(
    script: &Script,
    talk: &Talk,
    message: &Message,
    notes: &mut Vec<String>,
) -> Vec<StepIndex> {
    let mut holds = |at: StepIndex| {
        let line = script.line(at);
        let Some(matcher) = line.matcher.as_ref().filter(|_| talk.is_for(line)) else {
            return false;
        };
        match matcher.holds(message) {
            Found::Yes => true,
            Found::No => false,
            Found::TooMuch => {
                let line = line.step.line;
                notes.push(format!(
                    "line {line}: the message is too large for its jsonpath"
                ));
                false
            }
        }
    };
    let mut holding = script.index().candidates(message);
    holding.retain(|&at| holds(at));
    let matched: Vec<LayerIndex> = holding
        .iter()
        .map(|&at| script.line(at))
        .filter(|line| !line.matcher.as_ref().is_some_and(Matcher::is_of_control))
        .map(|line| line.layer)
        .collect();
    for (layer, steps) in script.unmatched() {
        if !matched.contains(&layer) {
            holding.extend(steps.iter().copied().filter(|&at| holds(at)));
        }
    }
    holding.sort_unstable();
    holding
}

/// Makes the step happen on the connection, unless it has happened often enough or chance is
/// against it.
pub(super) fn happening(
    script: &Script,
    id: ConnId,
    at: StepIndex,
    tally: &mut Tally,
    said: Option<&dyn Fn() -> Arc<Said>>,
) -> Option<Happening> {
    let step = &script.line(at).step;
    if step
        .times
        .is_some_and(|times| tally.happened >= u64::from(times))
    {
        return None;
    }
    let later = draw(step, stream(id, step, tally.held))?;
    tally.happened += 1;
    let after = match &step.trigger {
        Trigger::OnMessage(on) => on.after,
        _ => Micros::ZERO,
    };
    Some(Happening {
        step: at,
        count: tally.happened,
        said: said.map(|said| said()),
        after: Micros(after.0.saturating_add(later.0)),
        answers: false,
    })
}

/// The message with the groups that a step's expression finds in it.
fn said(line: &Line, message: &Arc<Message>) -> Arc<Said> {
    let regex = match &line.step.trigger {
        Trigger::OnMessage(on) => on.wanted.regex.as_ref(),
        _ => None,
    };
    let with_names = regex.filter(|regex| regex.regex().capture_names().flatten().next().is_some());
    let captures = with_names
        .zip(message.text())
        .and_then(|(regex, text)| Some((regex, regex.regex().captures(text)?)));
    let groups = captures.map_or_else(Vec::new, |(regex, captures)| {
        let names = regex.regex().capture_names().flatten();
        names
            .filter_map(|name| {
                let found = captures.name(name)?;
                Some((name.to_owned(), found.as_str().to_owned()))
            })
            .collect()
    });
    Arc::new(Said {
        message: Arc::clone(message),
        groups,
    })
}

/// Whether an action answers a Ping or a Close, so that the engine doesn't have to.
fn answers(kind: MessageKind, action: &Action) -> bool {
    use crate::frame::{CLOSE, PONG};
    match (kind, action) {
        (MessageKind::Ping, Action::Frame(frame)) => frame.opcode == PONG,
        (MessageKind::Close, Action::Frame(frame)) => frame.opcode == CLOSE,
        (MessageKind::Ping, Action::Pong(_))
        | (MessageKind::Ping | MessageKind::Close, Action::Close(_) | Action::Drop(_)) => true,
        _ => false,
    }
}
