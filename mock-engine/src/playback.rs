//! The tapes being played: the next step, and when it is due.

use std::fmt;

use tokio::sync::watch;
use wstape_tape::{Action, Merge, Micros, Step, TapeError, Torn, Trigger};

use crate::error::EngineError;
use crate::ids::LayerIndex;
use crate::layer::Layer;
use crate::speed::Speed;

/// The least span by which a repeated tape moves on, so that an empty one does not spin.
const MIN_LOOP: Micros = Micros::from_ms(1);

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
pub(crate) struct Playback {
    layers: Vec<Layer>,
    merge: Merge,
    next: Option<(LayerIndex, Step)>,
    speed: Speed,
    looped: bool,
    /// The tape's time at which this round began.
    offset: Micros,
    end: PlayEnd,
    over: bool,
    /// Which time over the next step is read, from 0.
    round: u64,
    outcome: watch::Sender<Outcome>,
    /// Only steps of this engine are played, where it has a name.
    name: Option<String>,
}

impl fmt::Debug for Playback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playback")
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Playback {
    /// Opens the layers; returns the steps of their prologue too.
    pub(crate) fn open(
        mut layers: Vec<Layer>,
        speed: Speed,
        looped: bool,
        name: Option<String>,
    ) -> Result<(Self, Vec<(LayerIndex, Step)>), TapeError> {
        let merge = open_all(&mut layers, looped)?;
        let mut playback = Self {
            layers,
            merge,
            next: None,
            speed,
            looped,
            offset: Micros::ZERO,
            end: PlayEnd::default(),
            over: false,
            round: 0,
            outcome: watch::channel(None).0,
            name,
        };
        let prologue = playback.read_prologue()?;
        Ok((playback, prologue))
    }

    /// Reads on until the first step that has a time.
    fn read_prologue(&mut self) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let mut prologue = Vec::new();
        let mut first = None;
        while let Some((layer, step)) = self.pull()? {
            if matches!(step.trigger, Trigger::At(_)) {
                first = Some((layer, step));
                break;
            }
            prologue.push((layer, step));
        }
        self.next = first;
        Ok(prologue)
    }

    /// The engine's name, where it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(crate) fn outcome(&self) -> watch::Receiver<Outcome> {
        self.outcome.subscribe()
    }

    /// The next step of this engine.
    fn pull(&mut self) -> Result<Option<(LayerIndex, Step)>, TapeError> {
        for item in self.merge.by_ref() {
            let (layer, step) = item?;
            let mine = match (&self.name, &step.engine) {
                (Some(name), Some(engine)) => name == engine,
                _ => true,
            };
            if mine {
                return Ok(Some((LayerIndex(layer), step)));
            }
        }
        Ok(None)
    }

    /// The tape's time of the next step.
    fn next_at(&self) -> Option<Micros> {
        match self.next.as_ref()?.1.trigger {
            Trigger::At(at) => Some(at),
            _ => None,
        }
    }

    /// When, after time 0, the next step is due; `None` where there is none.
    pub(crate) fn due(&self) -> Option<Micros> {
        let at = self.next_at()?;
        Some(match self.speed {
            Speed::Max => Micros::ZERO,
            speed @ Speed::Thousandths(_) => {
                speed.scale(Micros(self.offset.0.saturating_add(at.0)))
            }
        })
    }

    /// Plays the next step and reads the one behind it: `play` gets the step, its layer and which time
    /// over it was read, from 0.
    pub(crate) fn play_next(&mut self, play: impl FnOnce(LayerIndex, u64, Step)) {
        let Some((layer, step)) = self.next.take() else {
            return;
        };
        if let Trigger::At(at) = step.trigger {
            self.end.last_step_at = Micros(self.offset.0.saturating_add(at.0));
        }
        self.end.ended = matches!(step.action, Action::End);
        play(layer, self.round, step);
        match self.advance() {
            Ok(next) => self.next = next,
            Err(error) => self.finish(Err(error.into())),
        }
    }

    /// The step to play next, from the tapes' beginning again where they are looped.
    fn advance(&mut self) -> Result<Option<(LayerIndex, Step)>, TapeError> {
        let next = self.pull()?;
        if next.is_some() || !self.looped {
            return Ok(next);
        }
        let least = Micros(self.offset.0.saturating_add(MIN_LOOP.0));
        self.offset = self.end.last_step_at.max(least);
        self.merge = open_all(&mut self.layers, self.looped)?;
        self.round += 1;
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
    pub(crate) fn play_first_states(&mut self, mut play: impl FnMut(LayerIndex, Step)) {
        let first = |playback: &Self| {
            playback.next_at() == Some(Micros::ZERO) && playback.offset == Micros::ZERO
        };
        while first(self)
            && self
                .next
                .as_ref()
                .is_some_and(|(_, step)| step.action.is_state())
        {
            self.play_next(|layer, _, step| play(layer, step));
        }
    }

    /// Whether no further step is to be read, and none that was is still to come: where steps
    /// were put off, only an `end` ends the tape before them.
    pub(crate) fn is_over(&self, has_put_off: bool) -> bool {
        self.next.is_none() && (self.end.ended || !has_put_off)
    }

    /// Another tape is the base from now on, and all begins anew. Returns the prologue. There must
    /// be a base.
    ///
    /// # Errors
    /// Where a layer's tape can't be read any more; what is played stays then.
    pub(crate) fn replace_base(
        &mut self,
        base: Layer,
    ) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let old = std::mem::replace(&mut self.layers[0], base);
        let prologue = self.rewind();
        if prologue.is_err() {
            // What was read of the next step is still there.
            self.layers[0] = old;
        }
        prologue
    }

    /// Puts all tapes back to their beginning.
    fn rewind(&mut self) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let merge = open_all(&mut self.layers, self.looped)?;
        let before = std::mem::replace(&mut self.merge, merge);
        let prologue = match self.read_prologue() {
            Ok(prologue) => prologue,
            Err(error) => {
                self.merge = before;
                return Err(error);
            }
        };
        self.offset = Micros::ZERO;
        self.end = PlayEnd::default();
        self.over = false;
        self.round = 0;
        self.outcome.send_replace(None);
        Ok(prologue)
    }

    /// The titles of the tapes, the base first.
    pub(crate) fn titles(&self) -> Vec<Option<String>> {
        let headers = self.layers.iter().map(Layer::header);
        headers.map(|header| header.title.clone()).collect()
    }

    /// Whether the last step was played.
    pub(crate) fn over(&self) -> bool {
        self.over
    }

    pub(crate) fn speed(&self) -> Speed {
        self.speed
    }

    pub(crate) fn looped(&self) -> bool {
        self.looped
    }
}

fn open_all(layers: &mut [Layer], looped: bool) -> Result<Merge, TapeError> {
    let mut steps: Vec<wstape_tape::LayerSteps> = Vec::with_capacity(layers.len());
    for layer in layers {
        // A tape that could be read only once plays once, in the first round.
        steps.push(
            layer
                .open(looped)?
                .unwrap_or_else(|| Box::new(std::iter::empty())),
        );
    }
    Ok(Merge::new(steps))
}
