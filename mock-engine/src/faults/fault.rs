//! The states that steps set, and how the journal words them.

use wstape_tape::{
    Accept, Action, Answers, Direction, Distribution, Garbage, HttpAnswer, Latency, Micros,
    Partition, Pongs, Refusal, Step,
};

/// A state to set, `None` to clear it.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Accept(Option<Accept>),
    Refuse(Option<Refusal>),
    Hang(bool),
    Garbage(Option<Garbage>),
    Answers(Answers),
    Down(bool),
    Partition(Partition),
    Latency(Option<(Latency, u64)>, Direction),
    Rate(Option<u64>, Direction),
    Slice(Option<u32>, Direction),
    Pongs(Pongs),
    Http(HttpAnswer),
}

impl Fault {
    /// The state that a step sets, and how the journal says so; `None` for other steps.
    pub(crate) fn of(step: &Step) -> Option<(Self, String)> {
        let direction = step.direction;
        Some(match &step.action {
            Action::Accept(accept) => {
                let text = match accept {
                    None => "accept as usual".to_owned(),
                    Some(accept) => accept.status.map_or("accept changed".to_owned(), |status| {
                        format!("accept {status}")
                    }),
                };
                (Self::Accept(accept.clone()), text)
            }
            Action::Refuse(refusal) => {
                let text = refusal
                    .as_ref()
                    .map_or("refuse none".to_owned(), |refusal| {
                        format!("refuse {}", refusal.status)
                    });
                (Self::Refuse(refusal.clone()), text)
            }
            Action::Hang(on) => (
                Self::Hang(*on),
                if *on { "hang" } else { "hang none" }.to_owned(),
            ),
            Action::Garbage(garbage) => {
                let text = if garbage.is_some() {
                    "garbage"
                } else {
                    "garbage none"
                };
                (Self::Garbage(garbage.clone()), text.to_owned())
            }
            Action::Answers(answers) => {
                let text = match answers {
                    Answers::Auto => "answers auto",
                    Answers::Held => "answers held",
                };
                (Self::Answers(*answers), text.to_owned())
            }
            Action::Down(on) => (Self::Down(*on), String::new()),
            Action::Partition(which) => {
                let word = match which {
                    Partition::Both => "both",
                    Partition::ToClient => "to_client",
                    Partition::FromClient => "from_client",
                    Partition::None => "none",
                };
                (Self::Partition(*which), format!("partition {word}"))
            }
            Action::Latency(latency) => {
                let set = (latency.base > Micros::ZERO || latency.jitter > Micros::ZERO)
                    .then(|| (*latency, step.seed.unwrap_or_default()));
                (
                    Self::Latency(set, direction),
                    format!("latency {}{}", latency_text(latency), way(direction)),
                )
            }
            Action::BytesPerSecond(rate) => {
                let text = rate.map_or("unlimited".to_owned(), |rate| format!("{rate} bytes/s"));
                (
                    Self::Rate(*rate, direction),
                    format!("bandwidth {text}{}", way(direction)),
                )
            }
            Action::SliceBytes(slice) => {
                let text = slice.map_or("none".to_owned(), |slice| format!("{slice} bytes"));
                (
                    Self::Slice(*slice, direction),
                    format!("slice {text}{}", way(direction)),
                )
            }
            Action::Pongs(pongs) => {
                let text = match pongs {
                    Pongs::Auto => "auto".to_owned(),
                    Pongs::Withheld => "withheld".to_owned(),
                    Pongs::Delayed(by) => format!("late by {} ms", by.to_ms_text()),
                };
                (Self::Pongs(*pongs), format!("pongs {text}"))
            }
            Action::Http(answer) => {
                let text = format!("http {} {}", answer.path, answer.status);
                (Self::Http(answer.clone()), text)
            }
            _ => return None,
        })
    }
}

fn latency_text(latency: &Latency) -> String {
    let base = latency.base.to_ms_text();
    if latency.jitter == Micros::ZERO {
        return format!("{base} ms");
    }
    let word = match latency.distribution {
        Distribution::Uniform => "uniform",
        Distribution::Normal => "normal",
        Distribution::Pareto => "pareto",
    };
    format!("{base} ms ± {} ms {word}", latency.jitter.to_ms_text())
}

/// Which way, where it is one.
fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Both => "",
        Direction::ToClient => " to_client",
        Direction::FromClient => " from_client",
    }
}
