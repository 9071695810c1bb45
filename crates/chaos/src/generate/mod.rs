//! Turns a seed into a case.
//!
//! Each part of a case draws from its own stream, named after the part, so that a new kind of fault
//! leaves all others unchanged. Every case enables a few kinds and leaves out the rest (swarm
//! testing): a kind that is always present hides what happens without it. Faults come one by one,
//! in bursts and in flaps; then all of them stop, and recovery is required.

mod connect;
mod crowd;
mod dice;
mod events;
mod frames;
mod handshake;
mod messages;
mod network;
mod scene;
mod settings;
mod vocabulary;

use std::sync::Arc;
use std::time::Duration;

use wstape_tape::{Action, DIALOGUE, Header, Micros, Step, Tape, Trigger, Whose};

use crate::call::Call;
use crate::case::{About, Case};
use crate::fault::{Family, FaultKind};
use dice::Dice;
use scene::Scene;
pub use vocabulary::Vocabulary;
use wstape_harness::Terms;
use wstape_oracle::{Field, Need, Settings};

/// The shortest and the longest faulty phase of a normal case.
const PHASE: (Micros, Micros) = (Micros::from_ms(3_000), Micros::from_ms(60_000));
/// The longest faulty phase of a long case.
const LONG_PHASE: Micros = Micros::from_ms(900_000);
/// A subscriber whose first delay is below this is hasty.
const HASTY: Duration = Duration::from_millis(40);
/// The longest faulty phase of a hasty subscriber.
const HASTY_PHASE: Micros = Micros::from_ms(4_000);
/// What the network may still be carrying when the last fault is over.
const SLACK: Micros = Micros::from_ms(12_000);
/// How long a case goes on once recovery is due.
const TAIL: Micros = Micros::from_ms(2_500);
/// The most incidents of one case.
const MAX_INCIDENTS: u64 = 12;

/// Draws the case for a seed: its engine sends a generated stream of events, or now and then one of
/// `recordings`.
#[must_use]
pub fn draw(seed: u64, recordings: &[Arc<Tape>], terms: &Terms) -> Case {
    draw_in(seed, recordings, None, terms)
}

/// Draws the case for a seed; the engine's messages come from a `vocabulary` if there is one.
#[must_use]
pub fn draw_in(
    seed: u64,
    recordings: &[Arc<Tape>],
    vocabulary: Option<&Vocabulary>,
    terms: &Terms,
) -> Case {
    if has_jitter(terms) && Dice::of(seed, "crowd").chance(1, 256) {
        return crowd::draw(seed, terms);
    }
    drawn(seed, terms, vocabulary, |shape| {
        (!recordings.is_empty() && shape.chance(1, 12))
            .then(|| &recordings[shape.index(recordings.len())])
    })
}

/// Whether a crowd of such subscribers must come back spread out.
fn has_jitter(terms: &Terms) -> bool {
    match terms {
        Terms::Settings => true,
        Terms::Bounds(bounds) => bounds.backoff.is_some_and(|backoff| backoff.has_jitter()),
    }
}

/// What a case drawn over a recording never has: a calm end, because a recording may contain faults
/// of its own at any time, and a crowd, because a crowd is drawn with its own stream of events.
pub const NEVER_OVER_RECORDINGS: [Need; 2] = [Need::CalmEnd, Need::Crowd];

/// Draws the faults for a seed, over this recording. The case never has what
/// [`NEVER_OVER_RECORDINGS`] names.
#[must_use]
pub fn draw_over(
    seed: u64,
    recording: &Arc<Tape>,
    vocabulary: Option<&Vocabulary>,
    terms: &Terms,
) -> Case {
    drawn(seed, terms, vocabulary, |_| Some(recording))
}

fn drawn<'a>(
    seed: u64,
    terms: &Terms,
    vocabulary: Option<&Vocabulary>,
    recording: impl FnOnce(&mut Dice) -> Option<&'a Arc<Tape>>,
) -> Case {
    let mut shape = Dice::of(seed, "shape");
    let long = shape.chance(1, 48);
    let recording = recording(&mut shape);
    let (mut settings, secrets, recovery) = match terms {
        Terms::Settings => {
            let settings = settings::settings(&mut Dice::of(seed, "settings"), long);
            let recovery = recovery(&settings);
            (settings, shape.chance(1, 24), recovery)
        }
        // The subject has settings of its own, and no token.
        Terms::Bounds(bounds) => (
            Settings::default(),
            shape.chance(1, 24),
            bounds.max_recovery,
        ),
    };
    if secrets && *terms == Terms::Settings {
        settings.token = Some(settings::TOKEN.to_owned());
        settings.engine_token.clone_from(&settings.token);
    }
    let phase = if long {
        shape.log_time(PHASE.1, LONG_PHASE)
    } else {
        shape.log_time(PHASE.0, PHASE.1)
    };
    // A subscriber that redials within milliseconds does so thousands of times a minute.
    let phase = if settings.initial_backoff < HASTY {
        phase.min(HASTY_PHASE)
    } else {
        phase
    };
    let quiet_at = Micros(phase.0.saturating_add(SLACK.0));
    let end = Micros(quiet_at.0.saturating_add(recovery.0).saturating_add(TAIL.0));
    let mut base = match recording {
        Some(recording) => recorded(recording, end),
        None => generated(seed, vocabulary, end),
    };
    let mut scene = Scene::new(&settings, &base.steps, phase, vocabulary);
    // Strings in a recording may look like references, but aren't.
    scene.tells_time &= recording.is_none();
    let mut faults = faults(seed, &mut scene, &mut shape);
    if scene.refers {
        // A case written as one tape has only one header. No other step contains a reference.
        for header in [&mut base.header, &mut faults.header] {
            if !header.needs.iter().any(|need| need == DIALOGUE) {
                header.needs.push(DIALOGUE.to_owned());
            }
        }
    }
    // `NEVER_OVER_RECORDINGS` says why.
    let quiet = recording.is_none().then_some(quiet_at.0);
    let about = About {
        seed: Some(seed),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        quiet_at_us: quiet,
        secrets,
        ..About::default()
    };
    Case::new(base, faults, settings, about)
}

/// How long a subscriber may take to recover.
fn recovery(settings: &Settings) -> Micros {
    let spans = [
        settings.max_backoff * 2,
        settings.connect_timeout,
        settings.idle_timeout,
        settings.message_timeout,
    ];
    Micros(spans.into_iter().map(|span| Micros::from(span).0).sum())
}

fn generated(seed: u64, vocabulary: Option<&Vocabulary>, end: Micros) -> Tape {
    let mut header = Header::new(format!("chaos, seed {seed}"));
    let wall = header.wall_at_zero();
    let dice = &mut Dice::of(seed, "events");
    let mut steps = if let Some(vocabulary) = vocabulary {
        let mut steps = vocabulary.dialogue().to_vec();
        if !steps.is_empty() {
            header.needs.push(DIALOGUE.to_owned());
        }
        // If the stream ran for everybody in every case, a subscriber that doesn't ask for it again
        // would never be found.
        if !(vocabulary.has_scene() && dice.chance(1, 2)) {
            steps.extend(vocabulary.stream(dice, end));
        }
        steps
    } else {
        let mut steps = events::events(dice, wall, end);
        events::stretch(&mut Dice::of(seed, "stretch"), end, &mut steps);
        steps
    };
    steps.push(Step::at(end, Action::End));
    Tape::new(header, steps)
}

/// A recording, cut or lengthened to `end`.
fn recorded(recording: &Tape, end: Micros) -> Tape {
    let within = |step: &&Step| match step.trigger {
        Trigger::At(at) => at < end && step.action != Action::End,
        _ => true,
    };
    let mut steps: Vec<Step> = recording.steps.iter().filter(within).cloned().collect();
    steps.push(Step::at(end, Action::End));
    Tape::new(recording.header.clone(), steps)
}

/// The faults tape, with the user's calls.
fn faults(seed: u64, scene: &mut Scene<'_>, shape: &mut Dice) -> Tape {
    let enabled = swarm(seed);
    if !enabled.is_empty() {
        let mut plan = Dice::of(seed, "incidents");
        for _ in 0..shape.between(1, MAX_INCIDENTS) {
            incident(seed, &enabled, &mut plan, scene);
        }
    }
    calls(&mut Dice::of(seed, "calls"), scene);
    let mut steps = std::mem::take(&mut scene.steps);
    // Stable: the prologue first, then by time, then in the order drawn.
    steps.sort_by_key(|step| match step.trigger {
        Trigger::OnConnect { whose, after } => (0, whose, after_order(after)),
        Trigger::At(at) => (1, Whose::Each, at.0),
        _ => (0, Whose::Each, 0),
    });
    Tape::new(Header::new(format!("faults, seed {seed}")), steps)
}

/// `after_ms` never decreases within one connection.
fn after_order(after: wstape_tape::After) -> u64 {
    match after {
        wstape_tape::After::Time(at) => at.0,
        _ => 0,
    }
}

/// The kinds that a case enables, with their weights.
fn swarm(seed: u64) -> Vec<(FaultKind, u64)> {
    // A case enables from a kind or two up to most of them.
    let density = Dice::of(seed, "swarm").pick(&[4, 12, 30, 60]);
    let mut enabled: Vec<(FaultKind, u64)> = Vec::new();
    let mut spare = (u64::MAX, FaultKind::Fin);
    for kind in FaultKind::ALL {
        let mut dice = Dice::of(seed, kind.name());
        let (lot, weight) = (dice.below(100), dice.log(1, 16));
        if lot < density {
            enabled.push((kind, weight));
        }
        // If no kind is enabled, the case enables the one that came closest.
        spare = spare.min((dice.any(), kind));
    }
    if enabled.is_empty() {
        enabled.push((spare.1, 1));
    }
    enabled
}

/// One fault, a flap of one kind, or a burst of several.
fn incident(seed: u64, enabled: &[(FaultKind, u64)], plan: &mut Dice, scene: &mut Scene<'_>) {
    let at = scene.moment(plan);
    let number = plan.any();
    match plan.below(6) {
        0 => {
            let kind = weighted(enabled, plan);
            let every = plan.log(1_000, 4_000_000);
            for n in 0..plan.between(2, 6) {
                let at = Micros(at.0.saturating_add(n * every));
                strike(seed, kind, at, number ^ n, scene);
            }
        }
        1 => {
            for n in 0..plan.between(2, 4) {
                let kind = weighted(enabled, plan);
                let at = Micros(at.0.saturating_add(plan.pick(&[0, 0, 1, 1_000, 50_000])));
                strike(seed, kind, at, number ^ n, scene);
            }
        }
        _ => {
            let kind = weighted(enabled, plan);
            strike(seed, kind, at, number, scene);
        }
    }
}

fn weighted(enabled: &[(FaultKind, u64)], dice: &mut Dice) -> FaultKind {
    let whole = enabled.iter().map(|(_, weight)| weight).sum();
    let mut lot = dice.below(whole);
    for (kind, weight) in enabled {
        if lot < *weight {
            return *kind;
        }
        lot -= weight;
    }
    enabled[0].0
}

/// Draws one fault. Its details come from the kind's own stream.
fn strike(seed: u64, kind: FaultKind, at: Micros, number: u64, scene: &mut Scene<'_>) {
    if at >= scene.quiet_at {
        return;
    }
    let dice = &mut Dice::of(seed ^ number, kind.name());
    match kind.family() {
        Family::Connect => connect::draw(kind, at, dice, scene),
        Family::Handshake => handshake::draw(kind, at, dice, scene),
        Family::Network => network::draw(kind, at, dice, scene),
        Family::Frames => frames::draw(kind, at, dice, scene),
        Family::Events => messages::draw(kind, at, dice, scene),
    }
}

/// A moment, usually soon after a fault.
fn troubled(dice: &mut Dice, scene: &Scene<'_>) -> Micros {
    let moment = scene.moment(dice);
    if scene.steps.is_empty() || dice.chance(1, 3) {
        return moment;
    }
    match scene.steps[dice.index(scene.steps.len())].trigger {
        Trigger::At(at) => {
            let later = dice.log(1, 4_000_000);
            let last = Micros(scene.quiet_at.0.saturating_sub(1));
            Micros(at.0.saturating_add(later)).min(last)
        }
        _ => moment,
    }
}

/// What the subscriber's user does.
fn calls(dice: &mut Dice, scene: &mut Scene<'_>) {
    if dice.chance(1, 8) {
        let at = troubled(dice, scene);
        scene.steps.push(Call::Shutdown.step(at));
    } else if dice.chance(1, 12) {
        let at = scene.moment(dice);
        scene.steps.push(Call::DropHandle.step(at));
    }
    if dice.chance(1, 8) {
        let at = scene.moment(dice);
        scene.steps.push(Call::NewReceiver.step(at));
    }
    if dice.chance(1, 8) {
        let at = scene.moment(dice);
        let span = scene.span(dice, at);
        scene.steps.push(Call::StallReceivers.step(at));
        let resumed = Micros(at.0.saturating_add(span.0));
        scene.steps.push(Call::ResumeReceivers.step(resumed));
    }
    if dice.chance(1, 12) {
        let at = scene.moment(dice);
        scene.steps.push(Call::DropReceiver.step(at));
    }
    if dice.chance(1, 8) {
        let at = scene.moment(dice);
        let field = dice.pick(&Field::ALL);
        scene.steps.push(Call::Backfill(field).step(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enough seeds for a crowd to be among them, if crowds are drawn at all.
    const SEEDS: std::ops::Range<u64> = 0..1_000;

    #[test]
    fn a_case_drawn_over_a_recording_lacks_what_is_said_and_any_other_run_has_it_all() {
        let recording = Arc::new(generated(1, None, Micros::from_ms(5_000)));
        let over = |seed| draw_over(seed, &recording, None, &Terms::Settings).about;
        let drawn = |seed| draw(seed, &[], &Terms::Settings).about;
        for need in Need::ALL {
            let is_said = NEVER_OVER_RECORDINGS.contains(&need);
            assert_eq!(
                SEEDS.map(over).any(|about| about.has(need)),
                !is_said,
                "{need:?}"
            );
            assert!(SEEDS.map(drawn).any(|about| about.has(need)), "{need:?}");
        }
    }
}
