//! The engine of a case: how it is built, where it is, when it is over.

use std::sync::Arc;

use wstape_mock_engine::{Clock, Engine, EngineBuilder, StartAt};
use wstape_tape::{Action, Micros, Trigger};

use super::logs::Secret;
use crate::case::Case;

/// The host that an engine in memory answers for.
pub(super) const HOST: &str = "mock-engine";
/// User info, the password in it, and query of the URL in a case about secrets.
const SECRET_USER: &str = "usr-5ecret:pw-5ecret";
const SECRET_PASSWORD: &str = "pw-5ecret";
const SECRET_QUERY: &str = "key=qry-5ecret";
/// How long a case goes on whose base has no `end`.
const WITHOUT_END: Micros = Micros::from_ms(1_000);

/// What must not be logged in this case.
pub(super) fn secrets(case: &Case) -> Vec<Secret> {
    if !case.about.secrets {
        return Vec::new();
    }
    let token = case.settings.token.as_deref();
    token
        .into_iter()
        .flat_map(|token| Secret::both("the token", token))
        .chain(Secret::both("the user info", SECRET_USER))
        .chain(Secret::both("the password", SECRET_PASSWORD))
        .chain(Secret::both("the query", SECRET_QUERY))
        .collect()
}

/// The URL of the engine, with secrets in it where the case is about them.
pub(super) fn url(case: &Case, engine: &Engine) -> String {
    let url = engine.url();
    if case.about.secrets {
        let rest = url.strip_prefix("ws://").unwrap_or(&url);
        format!("ws://{SECRET_USER}@{rest}?{SECRET_QUERY}")
    } else {
        url
    }
}

/// The engine that plays a case, to be.
pub(super) fn engine_of(case: &Case, clock: &Clock) -> EngineBuilder {
    Engine::builder()
        .clock(clock.clone())
        .token(case.settings.engine_token.clone())
        .start_at(StartAt::Call)
        .layer(Arc::clone(&case.base))
        .layer(Arc::clone(&case.faults))
}

/// When the case is over.
pub(super) fn end_of(case: &Case) -> Micros {
    let last = case.base.steps.iter().rev().find_map(|step| {
        let Trigger::At(at) = step.trigger else {
            return None;
        };
        Some((at, step.action == Action::End))
    });
    match last {
        Some((at, true)) => at,
        Some((at, false)) => Micros(at.0.saturating_add(WITHOUT_END.0)),
        None => WITHOUT_END,
    }
}
