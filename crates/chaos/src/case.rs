//! A case: everything that decides what happens in a world, as tapes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wstape_oracle::{Need, Rule, SETTINGS_KEY, Settings};
use wstape_tape::{Header, Merge, Micros, Tape, Trigger};

use crate::call::{Call, UnknownCall};
use crate::extension::{extension, raw};
use crate::fault::FaultKind;

/// The header key that describes a case.
pub const CHAOS_KEY: &str = "x-chaos";
/// The key, on a `mark` step, for how long dials take from that step on, in milliseconds.
pub const DIAL_KEY: &str = "x-dial-ms";
/// The key, on a step of the faults tape, for its [`FaultKind`](crate::FaultKind).
pub const FAULT_KEY: &str = "x-fault";

/// What is known about a case besides its steps: the header's `x-chaos`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct About {
    /// The seed it was drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The rule that it breaks, or once broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Version of this program that drew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The subscriber that broke the rule, unless it was the workspace's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How many subscribers share the engine; 0 and 1 both mean one.
    #[serde(skip_serializing_if = "is_default")]
    pub crowd: u32,
    /// When the last fault is over, in microseconds; recovery is required after it. `None` if the
    /// tape's faults go on, as in a recording of a bad day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_at_us: Option<u64>,
    /// Whether the subscriber's URL has user info and a query; logs are then searched for them and
    /// for the token.
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: bool,
}

impl About {
    /// Whether the case has what some rules need.
    #[must_use]
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::CalmEnd => self.quiet_at_us.is_some(),
            Need::Crowd => self.crowd > 1,
        }
    }
}

/// A case: a base tape with faults and calls laid over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What the engine sends by itself. Its header holds the settings and describes the case.
    pub base: Arc<Tape>,
    /// What goes wrong, and what the subscriber's user does.
    pub faults: Arc<Tape>,
    /// The subscriber's settings.
    pub settings: Settings,
    /// The case's description.
    pub about: About,
}

/// Why a tape is not a case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The header's settings make no sense.
    #[error("{0}")]
    Settings(String),
    /// The header's `x-chaos` makes no sense.
    #[error("\"{CHAOS_KEY}\" in the header: {0}")]
    About(String),
    /// A call that does not exist.
    #[error(transparent)]
    Call(#[from] UnknownCall),
    /// A dial time that is not a number of milliseconds.
    #[error("line {line}: \"{DIAL_KEY}\" is {found}; expected milliseconds such as 250.5")]
    Dial {
        /// The line of the tape that it is on.
        line: u64,
        /// The text found there.
        found: String,
    },
}

/// Something that the world does itself, because the engine can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Call(Call),
    /// From now on dials take this long.
    DialTakes(Micros),
}

impl Case {
    /// Makes a case of these tapes, and writes its description into the base's header.
    #[must_use]
    pub fn new(base: Tape, faults: Tape, settings: Settings, about: About) -> Self {
        let mut case = Self {
            base: Arc::new(base),
            faults: Arc::new(faults),
            settings,
            about,
        };
        case.seal();
        case
    }

    /// Updates the base's header from settings and [`About`]: call this after changing them or the
    /// header.
    pub fn seal(&mut self) {
        let header = &mut Arc::make_mut(&mut self.base).header;
        header
            .extensions
            .retain(|(key, _)| key != SETTINGS_KEY && key != CHAOS_KEY);
        header
            .extensions
            .push((SETTINGS_KEY.to_owned(), self.settings.to_raw()));
        header
            .extensions
            .push((CHAOS_KEY.to_owned(), raw(&self.about)));
    }

    /// The case as one tape that plays by itself: base and faults merged, each step of the faults
    /// tape marked by `"x-layer":"faults"`.
    #[must_use]
    pub fn to_tape(&self) -> Tape {
        let layers = [&self.base, &self.faults]
            .map(|tape| Box::new(Tape::clone(tape).into_iter()) as wstape_tape::LayerSteps);
        let steps = Merge::new(layers.into())
            .filter_map(Result::ok)
            .map(|(layer, mut step)| {
                if layer > 0 {
                    step.extensions.push((LAYER_KEY.to_owned(), raw(LAYER)));
                }
                step
            })
            .collect();
        Tape::new(self.base.header.clone(), steps)
    }

    /// Reads a case back from one tape. Of any other tape, such as a recording, every step is base.
    ///
    /// # Errors
    /// [`CaseError`] if the header, a call or a dial time makes no sense.
    pub fn from_tape(tape: Tape) -> Result<Self, CaseError> {
        let settings = Settings::of(&tape.header).map_err(CaseError::Settings)?;
        let about = about(&tape.header)?.unwrap_or_default();
        let (mut base, mut faults) = (Vec::new(), Vec::new());
        for mut step in tape.steps {
            if extension(&step, LAYER_KEY).is_some() {
                step.extensions.retain(|(key, _)| key != LAYER_KEY);
                faults.push(step);
            } else {
                base.push(step);
            }
        }
        // What its steps may say depends on the features that the tape needs.
        let mut header = Header::new("faults");
        header.needs.clone_from(&tape.header.needs);
        let case = Self::new(
            Tape::new(tape.header, base),
            Tape::new(header, faults),
            settings,
            about,
        );
        case.deeds()?;
        Ok(case)
    }

    /// The same case without faults of these kinds.
    #[must_use]
    pub fn without(&self, kinds: &[FaultKind]) -> Self {
        let mut case = self.clone();
        let faults = Arc::make_mut(&mut case.faults);
        faults.steps.retain(|step| {
            let named = extension(step, FAULT_KEY);
            let kind = named.and_then(|name| serde_json::from_str(name.get()).ok());
            kind.is_none_or(|kind| !kinds.contains(&kind))
        });
        case
    }

    /// What the world itself must do, in order of time.
    ///
    /// # Errors
    /// [`CaseError`] for an invalid call or dial time.
    pub(crate) fn deeds(&self) -> Result<Vec<(Micros, Deed)>, CaseError> {
        let mut deeds = Vec::new();
        for step in self.base.steps.iter().chain(&self.faults.steps) {
            let Trigger::At(at) = step.trigger else {
                continue;
            };
            if let Some(call) = Call::of(step)? {
                deeds.push((at, Deed::Call(call)));
            }
            if let Some(found) = extension(step, DIAL_KEY) {
                let takes = Micros::parse_ms(found.get()).ok_or_else(|| CaseError::Dial {
                    line: step.line,
                    found: found.get().to_owned(),
                })?;
                deeds.push((at, Deed::DialTakes(takes)));
            }
        }
        // Stable: base before faults, then line order.
        deeds.sort_by_key(|(at, _)| *at);
        Ok(deeds)
    }
}

/// The key that separates the layers in a case written as one tape.
const LAYER_KEY: &str = "x-layer";
/// The layer of faults and calls.
const LAYER: &str = "faults";

/// A header's `x-chaos`, if it has one.
pub(crate) fn about(header: &Header) -> Result<Option<About>, CaseError> {
    header
        .extensions
        .iter()
        .find(|(key, _)| key == CHAOS_KEY)
        .map(|(_, value)| serde_json::from_str(value.get()))
        .transpose()
        .map_err(|error| CaseError::About(error.to_string()))
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
