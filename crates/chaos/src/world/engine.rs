//! A case's engine: how it is built, where it is, when it ends.

use std::sync::Arc;

use wstape_harness::{PLAIN_HOST, PLAIN_URL, Subject, Terms, Time};
use wstape_mock_engine::{Clock, Engine, EngineBuilder, StartAt};
use wstape_tape::{Action, Micros, Trigger};

use super::logs::Secret;
use crate::case::Case;

/// The host of an engine in memory.
const HOST: &str = "mock-engine";
/// The URL's user info (with a password) and query in a case about secrets.
const SECRET_USER: &str = "usr-5ecret:pw-5ecret";
const SECRET_PASSWORD: &str = "pw-5ecret";
const SECRET_QUERY: &str = "key=qry-5ecret";
/// How long a case without an `end` in its base goes on.
const WITHOUT_END: Micros = Micros::from_ms(1_000);

/// What must not be logged in this case.
pub(super) fn secrets(case: &Case, subject: &dyn Subject) -> Vec<Secret> {
    if !case.about.secrets {
        return Vec::new();
    }
    if subject.terms() != Terms::Settings {
        return Secret::both("the query of the URL", SECRET_QUERY).into();
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

/// The URL of the engine, with secrets if the case is about them.
pub(super) fn url(case: &Case, engine: &Engine, subject: &dyn Subject) -> String {
    let url = match subject.time() {
        Time::Fine => engine.url(),
        Time::Plain => PLAIN_URL.to_owned(),
    };
    if case.about.secrets && subject.terms() != Terms::Settings {
        // Not every client accepts user info.
        format!("{url}?{SECRET_QUERY}")
    } else if case.about.secrets {
        let rest = url.strip_prefix("ws://").unwrap_or(&url);
        format!("ws://{SECRET_USER}@{rest}?{SECRET_QUERY}")
    } else {
        url
    }
}

/// The host in the URL given to a subscriber.
pub(super) fn host_of(subject: &dyn Subject) -> &'static str {
    match subject.time() {
        Time::Fine => HOST,
        Time::Plain => PLAIN_HOST,
    }
}

/// How fast a case is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Time jumps to the next timer.
    Virtual,
    /// A second takes a second.
    Real,
}

/// The clock of a case, in the subscriber's kind of time.
pub(super) fn clock_of(case: &Case, subject: &dyn Subject, pace: Pace) -> Clock {
    let wall = case.base.header.wall_at_zero();
    match (subject.time(), pace) {
        (Time::Fine, Pace::Virtual) => Clock::virtual_at(wall),
        // A real clock on a paused runtime reads plain time.
        (Time::Plain, _) | (Time::Fine, Pace::Real) => Clock::real_at(wall),
    }
}

/// The builder for the engine that plays a case.
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
