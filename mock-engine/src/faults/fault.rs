//! The states that steps set.

use wstape_tape::{
    Accept, Action, Answers, Direction, Down, Garbage, HttpAnswer, Latency, Partition, Pongs,
    Refusal, Step,
};

/// A state to set, `None` to clear it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Accept(Option<Accept>),
    Refuse(Option<Refusal>),
    Hang(bool),
    Garbage(Option<Garbage>),
    Answers(Answers),
    Down(Down),
    Partition(Partition),
    Latency(Option<(Latency, u64)>, Direction),
    Rate(Option<u64>, Direction),
    Slice(Option<u32>, Direction),
    Pongs(Pongs),
    Http(HttpAnswer),
}

impl Fault {
    /// The state that a step sets; `None` for other steps.
    pub(crate) fn of(step: &Step) -> Option<Self> {
        let direction = step.direction;
        Some(match &step.action {
            Action::Accept(accept) => Self::Accept(accept.clone()),
            Action::Refuse(refusal) => Self::Refuse(refusal.clone()),
            Action::Hang(on) => Self::Hang(*on),
            Action::Garbage(garbage) => Self::Garbage(garbage.clone()),
            Action::Answers(answers) => Self::Answers(*answers),
            Action::Down(on) => Self::Down(*on),
            Action::Partition(which) => Self::Partition(*which),
            Action::Latency(latency) => {
                let set = !step.action.clears();
                let set = set.then(|| (*latency, step.seed.unwrap_or_default()));
                Self::Latency(set, direction)
            }
            Action::BytesPerSecond(rate) => Self::Rate(*rate, direction),
            Action::SliceBytes(slice) => Self::Slice(*slice, direction),
            Action::Pongs(pongs) => Self::Pongs(*pongs),
            Action::Http(answer) => Self::Http(answer.clone()),
            _ => return None,
        })
    }
}
