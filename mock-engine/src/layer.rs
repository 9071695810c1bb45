//! A tape that an engine plays, wherever its steps come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use wstape_tape::{
    Action, DIALOGUE, Header, LayerSteps, Sound, Step, StepFields, Tape, TapeError, TapeReader,
    Torn,
};

use crate::audience::Audience;
use crate::error::EngineError;
use crate::field;
use crate::misfit::misfit;

/// The number of steps that are searched for the path to dial.
const MAX_LOOKED_AT_STEPS: usize = 64;

/// Roughly the most memory for a tape that is played over and over; a longer one is read from its
/// file again each time.
const MAX_KEPT_BYTES: usize = 64 << 20;

/// What a kept step takes besides its line.
const KEPT_STEP_BYTES: usize = size_of::<Step>() + size_of::<StepFields>();

/// One tape of an engine: the base, or an overlay.
pub struct Layer {
    header: Header,
    source: Source,
}

enum Source {
    Tape(Arc<Tape>),
    File {
        path: PathBuf,
        /// Set if the file was checked before.
        sound: Option<Sound>,
        opened: Option<LayerSteps>,
        torn: TornCell,
        kept: KeptCell,
    },
    Once {
        steps: Option<LayerSteps>,
        torn: TornCell,
    },
}

/// Where a reader reports that its tape was torn.
type TornCell = Arc<Mutex<Option<Torn>>>;

impl Layer {
    /// A tape read from a file as it is played, or a [field overlay](crate::field) if the path
    /// names one.
    ///
    /// # Errors
    /// Those of [`TapeReader::open`].
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref().to_owned();
        if let Some(found) = field::find(&path) {
            return found.map(Self::from);
        }
        Self::file(path, None)
    }

    /// Like [`from_path`](Self::from_path), for a file that has been checked: its lines are not
    /// checked again each time they are played.
    ///
    /// # Errors
    /// Those of [`TapeReader::open`].
    pub fn from_sound(sound: Sound) -> Result<Self, TapeError> {
        Self::file(sound.path().to_owned(), Some(sound))
    }

    fn file(path: PathBuf, sound: Option<Sound>) -> Result<Self, TapeError> {
        let torn = TornCell::default();
        let (header, steps) = open_file(&path, sound.as_ref(), &torn)?;
        Ok(Self {
            header,
            source: Source::File {
                path,
                sound,
                opened: Some(steps),
                torn,
                kept: KeptCell::default(),
            },
        })
    }

    /// The tape's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether its tape may use references.
    pub(crate) fn speaks(&self) -> bool {
        self.header.needs.iter().any(|need| need == DIALOGUE)
    }

    /// Whether all of it can be read at once, without waiting for steps to arrive, as from a pipe.
    pub(crate) fn is_there(&self) -> bool {
        match &self.source {
            Source::Tape(_) => true,
            Source::File { path, .. } => path.is_file(),
            Source::Once { .. } => false,
        }
    }

    /// The path to dial for this tape: that of a recording's first handshake, or else the first
    /// that a step of this engine names in full. Searches only the start of the tape, and nothing
    /// of a source that can be read only once.
    pub(crate) fn own_path(&self, engine: Option<&str>) -> Option<String> {
        match &self.source {
            Source::Tape(tape) => first_path(&tape.steps, engine),
            Source::File { path, .. } if path.is_file() => {
                let reader = TapeReader::open(path).ok()?;
                let steps: Vec<Step> = reader
                    .take(MAX_LOOKED_AT_STEPS)
                    .map_while(Result::ok)
                    .collect();
                first_path(&steps, engine)
            }
            Source::File { .. } | Source::Once { .. } => None,
        }
    }

    /// Who its messages are for: anybody, if it can be read only once.
    pub(crate) fn audience(&self, engine: Option<&str>) -> Audience {
        match &self.source {
            Source::Tape(tape) => Audience::of(&tape.steps, engine),
            Source::File { path, .. } if path.is_file() => match TapeReader::open(path) {
                Ok(reader) => Audience::of(reader.map_while(Result::ok), engine),
                Err(_) => Audience::Any,
            },
            Source::File { .. } | Source::Once { .. } => Audience::Any,
        }
    }

    /// Checks that all of its steps can be laid over a real engine. A tape that can be read only
    /// once is not checked; what can't be read is found when it is played.
    ///
    /// # Errors
    /// [`EngineError::Misfit`] for the first step that can't; [`EngineError::Tape`] if the file
    /// can't be opened.
    pub fn fits_a_real_engine(&self) -> Result<(), EngineError> {
        let look = |name: String, step: &Step| match misfit(step) {
            None => Ok(()),
            Some(why) => Err(EngineError::Misfit {
                name,
                line: step.line,
                why,
            }),
        };
        match &self.source {
            Source::Tape(tape) => {
                let name = || {
                    self.header
                        .title
                        .clone()
                        .unwrap_or_else(|| "tape".to_owned())
                };
                tape.steps.iter().try_for_each(|step| look(name(), step))
            }
            Source::File { path, .. } if path.is_file() => {
                let mut steps = TapeReader::open(path)?.map_while(Result::ok);
                steps.try_for_each(|step| look(path.display().to_string(), &step))
            }
            Source::File { .. } | Source::Once { .. } => Ok(()),
        }
    }

    /// Opens the tape at its first step; `None` if it can be read only once and has been. A file is
    /// read anew each time; a `looped` one is kept in memory the first time, if it takes at most
    /// [`MAX_KEPT_BYTES`].
    pub(crate) fn open(&mut self, looped: bool) -> Result<Option<LayerSteps>, TapeError> {
        Ok(match &mut self.source {
            Source::Tape(tape) => Some(Box::new(TapeSteps {
                tape: Arc::clone(tape),
                next: 0,
            })),
            Source::Once { steps, .. } => steps.take(),
            Source::File {
                path,
                sound,
                opened,
                torn,
                kept,
            } => {
                if let (true, Some(steps)) = (looped, kept.lock().whole()) {
                    return Ok(Some(steps));
                }
                let steps = match opened.take() {
                    Some(steps) => steps,
                    None => open_file(path, sound.as_ref(), torn)?.1,
                };
                Some(if looped {
                    *kept.lock() = Kept::default();
                    keeping(steps, Arc::clone(kept))
                } else {
                    steps
                })
            }
        })
    }

    /// Where the tape is torn, once its end has been reached.
    pub(crate) fn torn(&self) -> Option<Torn> {
        match &self.source {
            Source::Tape(tape) => tape.torn.clone(),
            Source::File { torn, .. } | Source::Once { torn, .. } => torn.lock().clone(),
        }
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl From<Tape> for Layer {
    fn from(tape: Tape) -> Self {
        Self::from(Arc::new(tape))
    }
}

impl From<Arc<Tape>> for Layer {
    /// A shared tape, so that many engines play it without a copy each.
    fn from(tape: Arc<Tape>) -> Self {
        Self {
            header: tape.header.clone(),
            source: Source::Tape(tape),
        }
    }
}

impl<R: std::io::BufRead + Send + 'static> From<TapeReader<R>> for Layer {
    /// A tape that is read once, as it is played: it can't be looped.
    fn from(reader: TapeReader<R>) -> Self {
        let header = reader.header().clone();
        let torn = TornCell::default();
        let steps = Some(watched(reader, Arc::clone(&torn)));
        Self {
            header,
            source: Source::Once { steps, torn },
        }
    }
}

/// The path of the first recorded handshake, without its query; if there is none, the first path
/// that one of this engine's steps names and that doesn't end in `*`.
fn first_path(steps: &[Step], engine: Option<&str>) -> Option<String> {
    let first = || steps.iter().take(MAX_LOOKED_AT_STEPS);
    let recorded = first().find_map(|step| match &step.action {
        Action::Received(received) => received.path.as_deref(),
        _ => None,
    });
    if let Some(path) = recorded {
        let path = path.split('?').next().unwrap_or(path);
        return path.starts_with('/').then(|| path.to_owned());
    }
    let mut named = first()
        .filter(|step| step.is_of_engine(engine))
        .filter_map(|step| step.path.as_deref());
    named
        .find(|path| !path.ends_with('*'))
        .map(ToOwned::to_owned)
}

struct TapeSteps {
    tape: Arc<Tape>,
    next: usize,
}

impl Iterator for TapeSteps {
    type Item = Result<Step, TapeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.tape.steps.get(self.next)?.clone();
        self.next += 1;
        Some(Ok(step))
    }
}

/// What is kept of a looped file.
#[derive(Debug, Default)]
struct Kept {
    steps: Arc<Vec<Step>>,
    bytes: usize,
    state: Keep,
}

/// How much of a file is kept.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// As much as has been read.
    #[default]
    Begun,
    /// All of it, to its end.
    Whole,
    /// Nothing: it is too long, or has an error.
    Nothing,
}

/// Where the steps of a file are kept as they are read.
type KeptCell = Arc<Mutex<Kept>>;

impl Kept {
    /// All steps, if they are kept to the end.
    fn whole(&self) -> Option<LayerSteps> {
        let is_whole = self.state == Keep::Whole;
        is_whole.then(|| -> LayerSteps { Box::new(steps_of(Arc::clone(&self.steps))) })
    }

    /// Keeps the next step that was read; `None` at the end.
    fn take(&mut self, step: Option<&Result<Step, TapeError>>) {
        match step {
            _ if self.state != Keep::Begun => {}
            None => self.state = Keep::Whole,
            Some(Ok(step)) => {
                self.bytes += KEPT_STEP_BYTES + step.raw().map_or(0, bytes::Bytes::len);
                Arc::make_mut(&mut self.steps).push(step.clone());
                if self.bytes > MAX_KEPT_BYTES {
                    (self.steps, self.state) = (Arc::default(), Keep::Nothing);
                }
            }
            Some(Err(_)) => (self.steps, self.state) = (Arc::default(), Keep::Nothing),
        }
    }
}

fn steps_of(steps: Arc<Vec<Step>>) -> impl Iterator<Item = Result<Step, TapeError>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let step = steps.get(next)?.clone();
        next += 1;
        Some(Ok(step))
    })
}

/// Steps that are also kept as they are read.
fn keeping(mut steps: LayerSteps, kept: KeptCell) -> LayerSteps {
    Box::new(std::iter::from_fn(move || {
        let step = steps.next();
        kept.lock().take(step.as_ref());
        step
    }))
}

/// Opens a file: its header and steps.
fn open_file(
    path: &Path,
    sound: Option<&Sound>,
    torn: &TornCell,
) -> Result<(Header, LayerSteps), TapeError> {
    Ok(if let Some(sound) = sound {
        let reader = TapeReader::open_sound(sound)?;
        (reader.header().clone(), watched(reader, Arc::clone(torn)))
    } else {
        let reader = TapeReader::open(path)?;
        (reader.header().clone(), watched(reader, Arc::clone(torn)))
    })
}

/// The reader's steps; at their end, `torn` is set if the tape is torn.
fn watched<R: std::io::BufRead + Send + 'static>(
    mut reader: TapeReader<R>,
    torn: TornCell,
) -> LayerSteps {
    Box::new(std::iter::from_fn(move || {
        let step = reader.next();
        if step.is_none() {
            *torn.lock() = reader.torn().cloned();
        }
        step
    }))
}
