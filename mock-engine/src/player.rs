//! The player: takes steps off the merged tapes when their time has come.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use wstape_tape::{Action, Merge, Micros, Step, TapeError, Torn, Trigger};

use crate::builder::EngineError;
use crate::hub::{Hub, Prologue};
use crate::layer::Layer;
use crate::speed::Speed;

/// Steps played before other tasks get their turn, where nothing else makes the player wait.
const BATCH_STEPS: usize = 256;

/// The least span by which a repeated tape moves on, so that an empty one does not spin.
const LEAST_LOOP: Micros = Micros::from_ms(1);

/// When the tape's time 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartAt {
    /// At the call of [`Engine::start`](crate::Engine::start).
    #[default]
    Call,
    /// At the first accepted connection, or at once where `down` holds at 0. States that stand
    /// at the tape's very beginning hold before that. At [`Speed::Max`], where everything would
    /// be lost before the handshake is over, it is the first 101.
    FirstConnection,
    /// As soon as the engine exists.
    Now,
}

/// How a tape came to its end.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlayEnd {
    /// The tape's time of the last step that was played.
    pub last_step_at: Micros,
    /// Whether that was an `end` step.
    pub ended: bool,
    /// Where tapes were torn, base first.
    pub torn: Vec<Torn>,
}

/// What is known of the end, once there is one.
pub(crate) type Outcome = Option<Result<PlayEnd, EngineError>>;

/// The tapes being played.
pub(crate) struct Play {
    layers: Vec<Layer>,
    merge: Merge,
    next: Option<(usize, Step)>,
    speed: Speed,
    looped: bool,
    /// The tape's time at which this round began.
    offset: Micros,
    end: PlayEnd,
    over: bool,
    /// Which time over the next step is read, from 0, and which the step taken last was.
    rounds: (u64, u64),
    outcome: watch::Sender<Outcome>,
    /// Only steps of this engine are played, where it has a name.
    name: Option<String>,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play")
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Play {
    /// Opens the layers and reads their prologue.
    pub(crate) fn open(
        mut layers: Vec<Layer>,
        speed: Speed,
        looped: bool,
        name: Option<String>,
    ) -> Result<(Self, Prologue), TapeError> {
        let merge = open_all(&mut layers)?;
        let mut play = Self {
            layers,
            merge,
            next: None,
            speed,
            looped,
            offset: Micros::ZERO,
            end: PlayEnd::default(),
            over: false,
            rounds: (0, 0),
            outcome: watch::channel(None).0,
            name,
        };
        let mut prologue = Prologue::default();
        while let Some((layer, step)) = play.pull()? {
            if matches!(step.trigger, Trigger::At(_)) {
                play.next = Some((layer, step));
                break;
            }
            prologue.push(layer, step);
        }
        Ok((play, prologue))
    }

    pub(crate) fn outcome(&self) -> watch::Receiver<Outcome> {
        self.outcome.subscribe()
    }

    /// The next step of this engine.
    fn pull(&mut self) -> Result<Option<(usize, Step)>, TapeError> {
        for item in self.merge.by_ref() {
            let (layer, step) = item?;
            let mine = match (&self.name, &step.engine) {
                (Some(name), Some(engine)) => name == engine,
                _ => true,
            };
            if mine {
                return Ok(Some((layer, step)));
            }
        }
        Ok(None)
    }

    /// The tape's time of the next step.
    fn next_at(&self) -> Option<Micros> {
        match self.next.as_ref()?.1.trigger {
            Trigger::At(at) => Some(at),
            Trigger::OnConnect { .. } => None,
        }
    }

    /// When, after time 0, the next step is due; `None` where there is none.
    fn due(&self) -> Option<Micros> {
        let at = self.next_at()?;
        Some(match self.speed {
            Speed::Max => Micros::ZERO,
            speed @ Speed::Thousandths(_) => {
                speed.scale(Micros(self.offset.0.saturating_add(at.0)))
            }
        })
    }

    /// Takes the next step and reads the one behind it.
    fn take(&mut self) -> Option<(usize, Step)> {
        let (layer, step) = self.next.take()?;
        self.rounds.1 = self.rounds.0;
        if let Trigger::At(at) = step.trigger {
            self.end.last_step_at = Micros(self.offset.0.saturating_add(at.0));
        }
        self.end.ended = matches!(step.action, Action::End);
        match self.advance() {
            Ok(next) => self.next = next,
            Err(error) => self.finish(Err(error.into())),
        }
        Some((layer, step))
    }

    /// The step to play next, from the tapes' beginning again where they are looped.
    fn advance(&mut self) -> Result<Option<(usize, Step)>, TapeError> {
        let next = self.pull()?;
        if next.is_some() || !self.looped {
            return Ok(next);
        }
        let least = Micros(self.offset.0.saturating_add(LEAST_LOOP.0));
        self.offset = self.end.last_step_at.max(least);
        self.merge = open_all(&mut self.layers)?;
        self.rounds.0 += 1;
        while let Some((layer, step)) = self.pull()? {
            if matches!(step.trigger, Trigger::At(_)) {
                return Ok(Some((layer, step)));
            }
        }
        Ok(None)
    }

    /// Tells whoever waits, once.
    pub(crate) fn finish(&mut self, result: Result<(), EngineError>) {
        if self.over {
            return;
        }
        self.over = true;
        self.end.torn = self.layers.iter().filter_map(Layer::torn).collect();
        let end = self.end.clone();
        self.outcome.send_replace(Some(result.map(|()| end)));
    }

    /// Plays the states that stand at the tape's very beginning, at time 0.
    pub(crate) fn play_first_states(&mut self, hub: &Hub) {
        while self.next_at() == Some(Micros::ZERO) && self.offset == Micros::ZERO {
            if !self
                .next
                .as_ref()
                .is_some_and(|(_, step)| step.action.is_state())
            {
                break;
            }
            if let Some((layer, step)) = self.take() {
                hub.state().apply(layer, step);
            }
        }
    }

    /// Plays what is due by now. A tape that is played as fast as it goes has no such thing.
    pub(crate) fn catch_up(&mut self, hub: &Hub) {
        if self.speed != Speed::Max {
            play_due(hub, self);
        }
    }

    /// Whether a tape that is played as fast as it goes has to wait for a client.
    fn must_wait(&self, hub: &Hub) -> bool {
        self.speed == Speed::Max && {
            let state = hub.state();
            state.behind() || (self.looped && state.nobody_open())
        }
    }
}

fn open_all(layers: &mut [Layer]) -> Result<Merge, TapeError> {
    let mut steps: Vec<wstape_tape::LayerSteps> = Vec::with_capacity(layers.len());
    for layer in layers {
        // A tape that could be read only once plays once, in the first round.
        steps.push(
            layer
                .open()?
                .unwrap_or_else(|| Box::new(std::iter::empty())),
        );
    }
    Ok(Merge::new(steps))
}

/// What the driver waits for.
enum Wait {
    /// This time, or being woken.
    Until(Option<Micros>),
    /// A client to catch up or to come; the agenda goes on meanwhile.
    Client(Option<Micros>),
    /// Nothing: others get their turn first.
    Turn,
}

/// Plays the tape and does what the agenda says, for as long as the engine lives.
pub(crate) async fn drive(hub: Arc<Hub>) {
    loop {
        let mut drained = std::pin::pin!(hub.drained().notified());
        let mut progress = std::pin::pin!(hub.progress.notified());
        drained.as_mut().enable();
        progress.as_mut().enable();
        let wait = play_due(&hub, &mut hub.play());
        match wait {
            Wait::Turn => tokio::task::yield_now().await,
            Wait::Until(due) => tokio::select! {
                biased;
                () = hub.wake.notified() => {}
                () = sleep(&hub, due) => {}
            },
            Wait::Client(due) => tokio::select! {
                biased;
                () = hub.wake.notified() => {}
                () = drained => {}
                () = progress => {}
                () = sleep(&hub, due) => {}
            },
        }
    }
}

async fn sleep(hub: &Hub, due: Option<Micros>) {
    match due {
        Some(due) => hub.clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Plays all that is due, without awaiting anything: what has the same time is one batch.
fn play_due(hub: &Hub, play: &mut Play) -> Wait {
    let now = hub.clock.now();
    for played in 0_usize.. {
        let (zero, agenda) = {
            let state = hub.state();
            (state.zero, state.next_due())
        };
        let tape = zero
            .zip(play.due())
            .map(|(zero, due)| Micros(zero.0.saturating_add(due.0)));
        // At one time, what was put off comes before what is new.
        let agenda_first = agenda.is_some_and(|due| tape.is_none_or(|tape| due <= tape));
        let Some(due) = (if agenda_first { agenda } else { tape }) else {
            if zero.is_some() && play.next.is_none() {
                play.finish(Ok(()));
                hub.state().tape_over();
            }
            return Wait::Until(None);
        };
        if due > now {
            if zero.is_some() && play.next.is_none() {
                play.finish(Ok(()));
                hub.state().tape_over();
            }
            return Wait::Until(Some(due));
        }
        if agenda_first {
            hub.state().do_due(now);
            continue;
        }
        if play.must_wait(hub) {
            return Wait::Client(agenda);
        }
        if play.speed == Speed::Max && played >= BATCH_STEPS {
            return Wait::Turn;
        }
        if let Some((layer, step)) = play.take() {
            let mut state = hub.state();
            state.enter_round(play.rounds.1);
            state.apply(layer, step);
        }
    }
    Wait::Turn
}
