//! What can't be laid over a real engine.

use wstape_tape::{Action, Step, Trigger};

/// Why a step can't be laid over a real engine's traffic; `None` if it can.
pub(crate) fn misfit(step: &Step) -> Option<&'static str> {
    match &step.action {
        Action::Accept(Some(_)) => Some(
            "`accept` says how a mock engine answers an upgrade, and the real one answers by itself; \
             `refuse` turns clients away",
        ),
        Action::Answers(_) => Some(
            "`answers` is for a recording that is played, and behind this port is a real engine; \
             serve the recording by itself",
        ),
        Action::Clock(Some(_)) => {
            Some("`clock` has a mock engine's clock go wrong, and the real one has its own")
        }
        _ => match &step.trigger {
            Trigger::OnMessage(on) if on.instead => Some(
                "`instead` can't hide a message from a real engine; without it the step answers \
                 beside the engine",
            ),
            _ => None,
        },
    }
}
