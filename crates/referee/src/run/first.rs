//! Two processes without any fault: the preconditions for judging anything.

use tokio::runtime::Builder;
use wstape_mock_engine::{Clock, Engine};
use wstape_tape::Micros;

use super::baseline::Baseline;
use super::names::{Names, names};
use super::one::Session;
use super::options::{Options, RefereeError};
use crate::facts::{Alike, Attempt};

/// How long to keep watching a client that is ready, to catch one that ends at once.
const SETTLE_S: f64 = 1.0;

/// What one process did.
struct Seen {
    memory_bytes: u64,
    together: usize,
    dialled_s: f64,
    subscribed: Vec<String>,
}

impl Seen {
    fn asked(&self) -> impl Iterator<Item = &str> {
        self.subscribed.iter().map(String::as_str)
    }
}

/// Runs the client twice, one after the other.
pub(super) fn two_runs_without_fault(options: &Options) -> Result<Baseline, RefereeError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let run = |n| {
        let names = names(options.seed, n, 0);
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = options.stop.told() => Err(RefereeError::Interrupted),
                seen = one(options, &names) => seen,
            }
        })
    };
    let (first, second) = (run(1)?, run(2)?);
    let mut alike = Alike::but_for(options.healthy.ids());
    alike.learn(first.asked(), second.asked());
    Ok(Baseline {
        memory_bytes: first.memory_bytes.max(second.memory_bytes),
        together: first.together.max(second.together),
        // Only the first start reads from disk: later ones find everything in memory.
        dialled_s: first.dialled_s.min(second.dialled_s),
        alike,
    })
}

async fn one(options: &Options, names: &Names) -> Result<Seen, RefereeError> {
    let length = Micros::from_ms(120_000);
    let builder = Engine::builder().layer(options.healthy.lasting(length, None));
    let mut session = Session::start(options, builder, Clock::real_now(), names, 1).await?;
    let mut together = 0;
    let mut ready_at = None;
    let missing = loop {
        session.go_on(None).await;
        let open = |it: &&Attempt| it.upgraded().is_some() && it.over().is_none();
        together = together.max(session.facts().attempts().iter().filter(open).count());
        let attempt = session.facts().attempts().first();
        let served = attempt.is_some_and(|it| {
            it.upgraded().is_some() && (it.sent.is_some() || !options.healthy.sends())
        });
        if served && ready_at.is_none() {
            ready_at = Some(session.running_s());
        }
        if let Some(what) = ended(&session) {
            break Some(what);
        }
        let now = session.running_s();
        if ready_at.is_some_and(|at| now > at + SETTLE_S) {
            break None;
        }
        let wait_s = options.ready_wait.as_secs_f64();
        if now > wait_s {
            break Some(lacking(&session, wait_s));
        }
    };
    let memory_bytes = session.memory_bytes().unwrap_or(0);
    let dialled_s = session.dialled_s().unwrap_or_default();
    let printed = session.printed();
    let not_started = session.not_started();
    let (facts, _, _) = session.stop().await;
    let asked = facts.attempts().first().map(|it| it.subscribed.iter());
    if let Some(why) = not_started {
        let program = options.client.program();
        return Err(RefereeError::NotStarted { program, why });
    }
    match missing {
        None => Ok(Seen {
            memory_bytes,
            together,
            dialled_s,
            subscribed: asked
                .into_iter()
                .flatten()
                .map(|(_, what)| what.clone())
                .collect(),
        }),
        Some(what) => Err(RefereeError::NotReady { what, printed }),
    }
}

/// Why a client that has ended can't be judged.
fn ended(session: &Session) -> Option<String> {
    if let Some(why) = session.not_started() {
        return Some(why);
    }
    let (exit, _) = session.exit()?;
    let how = match exit {
        crate::process::Exit::Status(status) => format!("with status {status}"),
        crate::process::Exit::Signal(signal) => format!("by signal {signal}"),
    };
    let after = session.running_s();
    let dials = session.facts().attempts().len();
    // A client that never dialled may not know where to.
    let where_to = if dials == 0 {
        "; it must dial ENGINE_URL from its environment; {url} in its arguments is replaced by it"
    } else {
        ""
    };
    Some(format!(
        "without any fault the client ended {how} after {after:.1} s and {dials} dials{where_to}"
    ))
}

/// Says what a running client has not done.
fn lacking(session: &Session, wait_s: f64) -> String {
    let what = match session.facts().attempts().first() {
        None => {
            "the client did not dial ENGINE_URL, which is in its environment; {url} in its \
             arguments is replaced by it"
        }
        Some(first) if first.upgraded().is_none() => {
            "the client dialled, but did not ask for a WebSocket"
        }
        Some(_) => {
            "the client connected, but the healthy tape never sent it a message; a client that \
             subscribes first needs a --healthy tape that answers it"
        }
    };
    format!("{what} ({wait_s} s without any fault)")
}
