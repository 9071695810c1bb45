//! The tapes being played: which step is next, and when it is due.

use std::fmt;

use tokio::sync::watch;
use wstape_tape::{Action, Micros, Step, TapeError, Torn};

use crate::ahead::{Ahead, Read, Run};
use crate::error::EngineError;
use crate::ids::LayerIndex;
use crate::layer::Layer;
use crate::speed::Speed;

/// How a tape came to its end.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlayEnd {
    /// The tape's time of the last step that was played.
    pub last_step_at: Micros,
    /// Whether that was an `end` step.
    pub ended: bool,
    /// Where tapes are torn, base first.
    pub torn: Vec<Torn>,
}

impl PlayEnd {
    /// Notes a step that is about to be played.
    fn note(&mut self, read: &Read) {
        self.last_step_at = read.at.unwrap_or(self.last_step_at);
        self.ended = matches!(read.step.action, Action::End);
    }
}

/// What is known of the end, once there is one.
pub(crate) type Outcome = Option<Result<PlayEnd, EngineError>>;

/// The tapes being played.
pub(crate) struct Playback {
    ahead: Ahead,
    speed: Speed,
    end: PlayEnd,
    over: bool,
    outcome: watch::Sender<Outcome>,
}

impl fmt::Debug for Playback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playback")
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Playback {
    /// Opens the layers; also returns the steps of their prologue.
    pub(crate) fn open(
        layers: Vec<Layer>,
        speed: Speed,
        looped: bool,
        name: Option<String>,
    ) -> Result<(Self, Vec<(LayerIndex, Step)>), TapeError> {
        let (ahead, prologue) = Ahead::open(layers, looped, name)?;
        let playback = Self {
            ahead,
            speed,
            end: PlayEnd::default(),
            over: false,
            outcome: watch::channel(None).0,
        };
        Ok((playback, prologue))
    }

    /// The engine's name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.ahead.name()
    }

    pub(crate) fn outcome(&self) -> watch::Receiver<Outcome> {
        self.outcome.subscribe()
    }

    /// When the next step is due, counted from time 0; `None` if there is none.
    pub(crate) fn due(&self) -> Option<Micros> {
        let at = self.ahead.next()?.at?;
        Some(due(self.speed, at))
    }

    /// The next steps that can be sent together: see [`Ahead::run`]. `is_due` is given times
    /// counted from time 0.
    pub(crate) fn run(&mut self, is_due: impl Fn(Micros) -> bool) -> Run {
        let speed = self.speed;
        self.ahead.run(|at| is_due(due(speed, at)))
    }

    /// Takes the next step, which is about to be played.
    fn take(&mut self) -> Option<Read> {
        let read = self.ahead.take()?;
        self.end.note(&read);
        Some(read)
    }

    /// Reads on after the steps that were played. If that fails, the tape is over.
    fn read_on(&mut self) {
        if let Err(error) = self.ahead.refill() {
            self.finish(Err(error.into()));
        }
    }

    /// Plays the next step and reads the one after it: `play` gets the step, its layer and the
    /// round it was read in, from 0.
    pub(crate) fn play_next(&mut self, play: impl FnOnce(LayerIndex, u64, Step)) {
        if let Some(Read {
            layer, step, round, ..
        }) = self.take()
        {
            play(layer, round, step);
            self.read_on();
        }
    }

    /// Plays these next steps at once: `play` gets them all.
    pub(crate) fn play_run(&mut self, run: Run, play: impl FnOnce(&mut dyn Iterator<Item = Read>)) {
        let end = &mut self.end;
        let taken = self.ahead.take_run(run);
        play(&mut taken.inspect(|read| end.note(read)));
        self.read_on();
    }

    /// Ends the tape, and tells whoever waits for that; only the first call counts.
    pub(crate) fn finish(&mut self, result: Result<(), EngineError>) {
        if self.over {
            return;
        }
        self.over = true;
        self.end.torn = self.ahead.torn();
        let end = self.end.clone();
        self.outcome.send_replace(Some(result.map(|()| end)));
    }

    /// Plays the states at the tape's very beginning, at time 0.
    pub(crate) fn play_first_states(&mut self, mut play: impl FnMut(LayerIndex, Step)) {
        let first = |read: &Read| {
            let at_zero = read.at == Some(Micros::ZERO) && read.round == 0;
            at_zero && read.step.action.is_state()
        };
        while self.ahead.next().is_some_and(first) {
            self.play_next(|layer, _, step| play(layer, step));
        }
    }

    /// Whether the tape is over: no step is left to be read, and either none that was put off is
    /// still to come, or the last was an `end`.
    pub(crate) fn is_over(&self, has_put_off: bool) -> bool {
        self.ahead.next().is_none() && (self.end.ended || !has_put_off)
    }

    /// Makes another tape the base and starts over. Returns the prologue. There must be a base.
    ///
    /// # Errors
    /// If a layer's tape can no longer be read; what is being played then stays as it is.
    pub(crate) fn replace_base(
        &mut self,
        base: Layer,
    ) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let prologue = self.ahead.replace_base(base)?;
        self.end = PlayEnd::default();
        self.over = false;
        self.outcome.send_replace(None);
        Ok(prologue)
    }

    /// The titles of the tapes, the base first.
    pub(crate) fn titles(&self) -> Vec<Option<String>> {
        self.ahead.titles()
    }

    /// Whether the last step was played.
    pub(crate) fn over(&self) -> bool {
        self.over
    }

    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    pub(crate) fn looped(&self) -> bool {
        self.ahead.looped()
    }
}

/// When a step at this time of the tape is due, counted from time 0.
fn due(speed: Speed, at: Micros) -> Micros {
    match speed {
        Speed::Max => Micros::ZERO,
        speed @ Speed::Thousandths(_) => speed.scale(at),
    }
}
