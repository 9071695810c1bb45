//! A tape of an engine, wherever its steps come from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::field;
use parking_lot::Mutex;
use wstape_tape::{Action, DIALOGUE, Header, LayerSteps, Step, Tape, TapeError, TapeReader, Torn};

/// Steps among which a recording's first handshake is looked for.
const MAX_LOOKED_AT_STEPS: usize = 64;

/// One tape of an engine: the base, or an overlay.
pub struct Layer {
    header: Header,
    source: Source,
}

enum Source {
    Tape(Arc<Tape>),
    File {
        path: PathBuf,
        opened: Option<LayerSteps>,
        torn: TornCell,
    },
    Once {
        steps: Option<LayerSteps>,
        torn: TornCell,
    },
}

/// Where a reader leaves word that its tape was torn.
type TornCell = Arc<Mutex<Option<Torn>>>;

impl Layer {
    /// A tape read from a file as it is played, or a [field overlay](crate::field) where the path
    /// is the name of one.
    ///
    /// # Errors
    /// As [`TapeReader::open`].
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, TapeError> {
        let path = path.as_ref().to_owned();
        if let Some(found) = field::find(&path) {
            return found.map(Self::from);
        }
        let reader = TapeReader::open(&path)?;
        let header = reader.header().clone();
        let torn = TornCell::default();
        let opened = Some(watched(reader, Arc::clone(&torn)));
        Ok(Self {
            header,
            source: Source::File { path, opened, torn },
        })
    }

    /// The tape's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether its tape knows references.
    pub(crate) fn speaks(&self) -> bool {
        self.header.needs.iter().any(|need| need == DIALOGUE)
    }

    /// The path that a recording was made at: that of the first handshake it has, where it begins
    /// with one. What can be read once only is not looked through.
    pub(crate) fn recorded_path(&self) -> Option<String> {
        match &self.source {
            Source::Tape(tape) => first_path(tape.steps.iter()),
            Source::File { path, .. } if path.is_file() => {
                let reader = TapeReader::open(path).ok()?;
                let steps: Vec<Step> = reader
                    .take(MAX_LOOKED_AT_STEPS)
                    .map_while(Result::ok)
                    .collect();
                first_path(steps.iter())
            }
            Source::File { .. } | Source::Once { .. } => None,
        }
    }

    /// The tape from its first step; `None` where it can be read once only and was.
    pub(crate) fn open(&mut self) -> Result<Option<LayerSteps>, TapeError> {
        Ok(match &mut self.source {
            Source::Tape(tape) => Some(Box::new(TapeSteps {
                tape: Arc::clone(tape),
                next: 0,
            })),
            Source::Once { steps, .. } => steps.take(),
            Source::File { path, opened, torn } => match opened.take() {
                Some(steps) => Some(steps),
                None => Some(watched(TapeReader::open(path)?, Arc::clone(torn))),
            },
        })
    }

    /// Where the tape was torn, once its end was reached.
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
    /// A tape that is shared, so that many engines play it without a copy each.
    fn from(tape: Arc<Tape>) -> Self {
        Self {
            header: tape.header.clone(),
            source: Source::Tape(tape),
        }
    }
}

impl<R: std::io::BufRead + Send + 'static> From<TapeReader<R>> for Layer {
    /// A tape that is read as it is played, once: it can't be looped.
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

/// The path of the first handshake, without its query.
fn first_path<'s>(steps: impl Iterator<Item = &'s Step>) -> Option<String> {
    let mut first = steps.take(MAX_LOOKED_AT_STEPS);
    let path = first.find_map(|step| match &step.action {
        Action::Received(received) => received.path.as_deref(),
        _ => None,
    })?;
    let path = path.split('?').next().unwrap_or(path);
    path.starts_with('/').then(|| path.to_owned())
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

/// The reader's steps; at their end `torn` learns whether the tape was.
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
