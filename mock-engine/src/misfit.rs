//! What can't be laid over a real engine.

use wstape_tape::{Action, Step, Trigger};

/// Why a step can't be laid over a real engine's traffic; `None` if it can.
pub(crate) fn misfit(step: &Step) -> Option<&'static str> {
    match &step.action {
        Action::Accept(Some(_)) => Some(
            "`accept` says how a mock engine answers an upgrade, but the real one answers by \
             itself; use `refuse` to turn clients away",
        ),
        Action::Answers(_) => Some(
            "`answers` is for playing a recording, but there is a real engine behind this port; \
             serve the recording by itself",
        ),
        Action::Clock(Some(_)) => {
            Some("`clock` makes a mock engine's clock go wrong, but the real engine has its own")
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
