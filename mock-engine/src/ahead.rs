//! The steps of the tapes that have been read and not yet played.

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;

use wstape_tape::{Action, Conn, Merge, Micros, Step, TapeError, Torn, Trigger};
use wstape_wire::MAX_HEAD_BYTES;

use crate::dialogue::may_refer;
use crate::ids::LayerIndex;
use crate::layer::Layer;

/// The shortest round of a repeated tape, so that an empty one does not spin.
const MIN_LOOP: Micros = Micros::from_ms(1);

/// The most steps that are read ahead to be sent together.
const MAX_RUN_STEPS: usize = 256;

/// The bytes of frames after which no further step is read ahead: about what a socket takes at a
/// time.
const ENOUGH_RUN_BYTES: usize = 64 << 10;

/// A step that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) layer: LayerIndex,
    pub(crate) step: Step,
    /// Its time in the tape, all rounds counted; `None` for a step without one.
    pub(crate) at: Option<Micros>,
    /// The round in which it was read, counted from 0.
    pub(crate) round: u64,
}

impl Read {
    /// The most bytes that it sends as one frame, unless its timestamps are moved.
    pub(crate) fn frame_bytes(&self) -> usize {
        MAX_HEAD_BYTES + self.step.action.payload_bytes()
    }
}

/// Steps that can be sent together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) steps: usize,
    /// The most bytes that their frames take.
    pub(crate) bytes: usize,
}

/// The tapes being read, and what was read of them.
pub(crate) struct Ahead {
    layers: Vec<Layer>,
    merge: Merge,
    /// Whether every layer can be read to its end without waiting.
    all_there: bool,
    looped: bool,
    /// The engine's name, if it has one. A named engine plays only its own steps.
    name: Option<String>,
    steps: VecDeque<Read>,
    /// Why nothing more can be read.
    failed: Option<TapeError>,
    /// The tape's time at which this round began.
    offset: Micros,
    /// The tape's time of the last step read.
    read_to: Micros,
    round: u64,
}

impl Ahead {
    /// Opens the layers; also returns the steps of their prologue.
    pub(crate) fn open(
        mut layers: Vec<Layer>,
        looped: bool,
        name: Option<String>,
    ) -> Result<(Self, Vec<(LayerIndex, Step)>), TapeError> {
        let mut ahead = Self {
            merge: open_all(&mut layers, looped)?,
            all_there: layers.iter().all(Layer::is_there),
            layers,
            looped,
            name,
            steps: VecDeque::new(),
            failed: None,
            offset: Micros::ZERO,
            read_to: Micros::ZERO,
            round: 0,
        };
        let prologue = ahead.read_prologue()?;
        Ok((ahead, prologue))
    }

    /// Reads on to the first step that has a time.
    fn read_prologue(&mut self) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let mut prologue = Vec::new();
        while let Some((layer, step)) = self.pull()? {
            if matches!(step.trigger, Trigger::At(_)) {
                let read = self.timed(layer, step);
                self.steps.push_back(read);
                break;
            }
            prologue.push((layer, step));
        }
        Ok(prologue)
    }

    /// Pulls the next step that is for this engine.
    fn pull(&mut self) -> Result<Option<(LayerIndex, Step)>, TapeError> {
        for item in self.merge.by_ref() {
            let (layer, step) = item?;
            if step.is_of_engine(self.name.as_deref()) {
                return Ok(Some((LayerIndex(layer), step)));
            }
        }
        Ok(None)
    }

    fn timed(&mut self, layer: LayerIndex, step: Step) -> Read {
        let at = match step.trigger {
            Trigger::At(at) => Some(Micros(self.offset.0.saturating_add(at.0))),
            _ => None,
        };
        self.read_to = at.unwrap_or(self.read_to);
        Read {
            layer,
            step,
            at,
            round: self.round,
        }
    }

    /// Reads the step after the last one read, starting over at the tapes' end if they are looped.
    fn read(&mut self) -> Result<Option<Read>, TapeError> {
        if let Some((layer, step)) = self.pull()? {
            return Ok(Some(self.timed(layer, step)));
        }
        if !self.looped {
            return Ok(None);
        }
        let least = Micros(self.offset.0.saturating_add(MIN_LOOP.0));
        self.offset = self.read_to.max(least);
        self.merge = open_all(&mut self.layers, self.looped)?;
        self.round += 1;
        while let Some((layer, step)) = self.pull()? {
            if matches!(step.trigger, Trigger::At(_)) {
                return Ok(Some(self.timed(layer, step)));
            }
        }
        Ok(None)
    }

    /// Reads one more step; `false` if there is none.
    fn read_on(&mut self) -> bool {
        if self.failed.is_some() {
            return false;
        }
        match self.read() {
            Ok(Some(read)) => self.steps.push_back(read),
            Ok(None) => return false,
            Err(error) => {
                self.failed = Some(error);
                return false;
            }
        }
        true
    }

    /// The next step.
    pub(crate) fn next(&self) -> Option<&Read> {
        self.steps.front()
    }

    /// Takes the next step.
    pub(crate) fn take(&mut self) -> Option<Read> {
        self.steps.pop_front()
    }

    /// Takes the steps that [`run`](Self::run) has just found.
    pub(crate) fn take_run(&mut self, run: Run) -> Drain<'_, Read> {
        self.steps.drain(..run.steps.min(self.steps.len()))
    }

    /// Reads one more step if none is waiting to be taken.
    ///
    /// # Errors
    /// If the step can't be read. By then all steps before it have been taken.
    pub(crate) fn refill(&mut self) -> Result<(), TapeError> {
        if self.steps.is_empty() && !self.read_on() {
            return self.failed.take().map_or(Ok(()), Err);
        }
        Ok(())
    }

    /// Finds the next steps that can be sent together, reading more where needed: steps that do
    /// nothing but send a frame, the same to everybody, at a time that `is_due`. Reads nothing
    /// ahead from a tape that may still be arriving, such as one from a pipe.
    pub(crate) fn run(&mut self, is_due: impl Fn(Micros) -> bool) -> Run {
        if !self.all_there {
            return Run::default();
        }
        let mut run = Run::default();
        let round = self.steps.front().map(|first| first.round);
        while run.steps < MAX_RUN_STEPS && run.bytes < ENOUGH_RUN_BYTES {
            if self.steps.len() == run.steps && !self.read_on() {
                break;
            }
            let next = &self.steps[run.steps];
            let due = next.at.is_some_and(&is_due);
            if !due || Some(next.round) != round || !self.is_only_sent(next) {
                break;
            }
            run.bytes += next.frame_bytes();
            run.steps += 1;
        }
        run
    }

    /// Whether a step does nothing but send a whole frame, the same to everybody.
    fn is_only_sent(&self, read: &Read) -> bool {
        let step = &read.step;
        let payload: &[u8] = match &step.action {
            Action::Emit(bytes)
            | Action::Json(bytes)
            | Action::Ping(bytes)
            | Action::Pong(bytes) => bytes,
            Action::Text(text) => text.as_bytes(),
            Action::Binary(_) => &[],
            _ => return false,
        };
        let certain = step.probability.is_none() && step.jitter.is_none();
        let to_all = step.conn == Conn::All && step.path.is_none();
        let speaks = self.layers.get(read.layer.0).is_none_or(Layer::speaks);
        certain && to_all && !(speaks && may_refer(payload))
    }

    /// Makes another tape the base and starts over. Returns the prologue. There must be a base.
    ///
    /// # Errors
    /// If a layer's tape can no longer be read; what is being played then stays as it is.
    pub(crate) fn replace_base(
        &mut self,
        base: Layer,
    ) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let old = std::mem::replace(&mut self.layers[0], base);
        let prologue = self.rewind();
        if prologue.is_err() {
            // The steps already read are still there.
            self.layers[0] = old;
        }
        self.all_there = self.layers.iter().all(Layer::is_there);
        prologue
    }

    /// Puts all tapes back to their beginning.
    fn rewind(&mut self) -> Result<Vec<(LayerIndex, Step)>, TapeError> {
        let merge = open_all(&mut self.layers, self.looped)?;
        let merge = std::mem::replace(&mut self.merge, merge);
        let steps = std::mem::take(&mut self.steps);
        let (offset, read_to, round) = (self.offset, self.read_to, self.round);
        (self.offset, self.read_to, self.round) = (Micros::ZERO, Micros::ZERO, 0);
        let prologue = self.read_prologue();
        if prologue.is_err() {
            (self.merge, self.steps) = (merge, steps);
            (self.offset, self.read_to, self.round) = (offset, read_to, round);
        } else {
            self.failed = None;
        }
        prologue
    }

    /// The engine's name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The titles of the tapes, the base first.
    pub(crate) fn titles(&self) -> Vec<Option<String>> {
        let headers = self.layers.iter().map(Layer::header);
        headers.map(|header| header.title.clone()).collect()
    }

    /// Where tapes are torn, base first.
    pub(crate) fn torn(&self) -> Vec<Torn> {
        self.layers.iter().filter_map(Layer::torn).collect()
    }

    pub(crate) fn looped(&self) -> bool {
        self.looped
    }
}

fn open_all(layers: &mut [Layer], looped: bool) -> Result<Merge, TapeError> {
    let mut steps: Vec<wstape_tape::LayerSteps> = Vec::with_capacity(layers.len());
    for layer in layers {
        // A tape that could be read only once plays only in the first round.
        steps.push(
            layer
                .open(looped)?
                .unwrap_or_else(|| Box::new(std::iter::empty())),
        );
    }
    Ok(Merge::new(steps))
}
