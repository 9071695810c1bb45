//! A crowd: many subscribers of one engine that are dropped together.

use std::sync::Arc;

use parking_lot::Mutex;
use wstape_harness::{
    Dialer, Dialing, Display, Notebook, Shutdown, Stage, Subject, Terms, Transport, lead,
};
use wstape_mock_engine::{Clock, EngineError, MemoryNet};
use wstape_oracle::{Backoff, Findings, JitterMode, Rule, Settings, spread};
use wstape_tape::{Micros, Trigger};

use super::engine::{Pace, clock_of, engine_of, url};
use super::fired::count_fired;
use super::trace::{Happening, Trace};
use crate::case::Case;
use crate::coverage::Coverage;
use crate::verdict::Verdict;

/// When each dial began, and which subscriber made it, if known.
type Dials = Mutex<Vec<(Micros, Option<u32>)>>;

/// A dialer that records each of its dials.
#[derive(Debug)]
struct CountedDialer {
    net: MemoryNet,
    clock: Clock,
    /// The subscriber that dials here; `None` for the shared dialer behind `wstape_dial`.
    number: Option<u32>,
    dials: Arc<Dials>,
}

impl Dialer for CountedDialer {
    fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialing<'a> {
        Box::pin(async {
            self.dials.lock().push((self.clock.now(), self.number));
            let stream = self.net.connect().await?;
            Ok(Box::new(stream) as Box<dyn Transport>)
        })
    }
}

/// The width of the range that the first delay is drawn from; `None` without jitter.
fn width(settings: &Settings, terms: &Terms) -> Option<Micros> {
    match terms {
        Terms::Settings => {
            let cap = settings.initial_backoff.min(settings.max_backoff);
            (settings.jitter != JitterMode::None).then(|| cap.into())
        }
        Terms::Bounds(bounds) => {
            let backoff = bounds.backoff.filter(Backoff::has_jitter)?;
            let share = backoff.max_share - backoff.min_share;
            Some(backoff.delay(0).mul_f64(share).into())
        }
    }
}

/// Pairs each dial with the number of the subscriber that made it. If that is unknown, the n-th
/// dial after the drop is taken for the n-th subscriber's: each makes one before any makes another,
/// because the engine accepts them all.
fn by_number(dials: &[(Micros, Option<u32>)], dropped: Micros) -> Vec<(Micros, u32)> {
    let (mut before, mut after) = (0, 0);
    let numbered = dials.iter().map(|(at, number)| {
        let next = if *at >= dropped {
            &mut after
        } else {
            &mut before
        };
        let number = number.unwrap_or_else(|| {
            *next += 1;
            *next - 1
        });
        (*at, number)
    });
    numbered.collect()
}

/// When the crowd is dropped: the first step of the faults tape.
fn dropped_at(case: &Case) -> Option<Micros> {
    case.faults
        .steps
        .iter()
        .find_map(|step| match step.trigger {
            Trigger::At(at) => Some(at),
            _ => None,
        })
}

/// Plays the case of a crowd.
///
/// # Errors
/// If the engine or a subscriber does not start, in words.
pub(super) async fn play(case: &Case, subject: &dyn Subject) -> Result<(Verdict, Trace), String> {
    let engine_error = |error: EngineError| error.to_string();
    let clock = clock_of(case, subject, Pace::Virtual);
    let (engine, net) = engine_of(case, &clock).in_memory().map_err(engine_error)?;
    engine.start();
    tokio::task::yield_now().await;
    let dials = Arc::new(Dials::default());
    let anyones: Arc<dyn Dialer> = Arc::new(CountedDialer {
        net: net.clone(),
        clock: clock.clone(),
        number: None,
        dials: Arc::clone(&dials),
    });
    let _led = lead(anyones);
    let mut crowd = Vec::new();
    for number in 0..case.about.crowd {
        let mut settings = case.settings.clone();
        settings.jitter_seed = settings.jitter_seed.wrapping_add(u64::from(number));
        let dialer: Arc<dyn Dialer> = Arc::new(CountedDialer {
            net: net.clone(),
            clock: clock.clone(),
            number: Some(number),
            dials: Arc::clone(&dials),
        });
        let started = subject.start(Stage {
            url: url(case, &engine, subject),
            settings,
            clock: Arc::new(clock.clone()),
            notebook: Notebook::unread(),
            display: Display::default(),
            shutdown: Shutdown::default(),
            dialer,
        })?;
        crowd.push(started);
    }
    engine.finished().await.map_err(engine_error)?;
    let entries = engine.journal().take();
    drop(crowd);
    engine.shutdown().await;

    let dials = std::mem::take(&mut *dials.lock());
    let mut findings = Findings::new().judging(&subject.rules());
    findings.held(Rule::R13);
    let dropped = dropped_at(case).unwrap_or(Micros(u64::MAX));
    let dials = by_number(&dials, dropped);
    if let Some(width) = width(&case.settings, &subject.terms()) {
        let crowd = case.about.crowd as usize;
        spread(width, crowd, dropped, &dials, &mut findings);
    }
    let mut trace = Trace::new();
    for (at, number) in &dials {
        trace.push(*at, u64::from(*number) + 1, Happening::Dial);
    }
    let reconnects = (dials.len() as u64).saturating_sub(u64::from(case.about.crowd));
    let found = findings.finish();
    let mut coverage = Coverage::of(&found);
    count_fired(case, subject.time(), &entries, &mut coverage);
    let verdict = Verdict {
        violations: found.violations,
        coverage,
        hash: trace.hash(),
        virtual_us: clock.now().0,
        reconnects,
        ..Verdict::default()
    };
    Ok((verdict, trace))
}
