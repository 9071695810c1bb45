//! A case: all that decides what happens in a world, as tapes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wstape_oracle::{Rule, SETTINGS_KEY, Settings};
use wstape_tape::{Header, Merge, Micros, Tape, Trigger};

use crate::call::{Call, UnknownCall};
use crate::extension::{extension, raw};
use crate::fault::FaultKind;

/// The header key that says what a case is.
pub const CHAOS_KEY: &str = "x-chaos";
/// The key, on a `mark` step, of how long dials take from there on, in milliseconds.
pub const DIAL_KEY: &str = "x-dial-ms";
/// The key, on a step of the faults tape, of the [`FaultKind`](crate::FaultKind) that it is of.
pub const FAULT_KEY: &str = "x-fault";

/// What is known of a case, beside its steps: the header's `x-chaos`.
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
    /// The subscriber that broke the rule, where it was not the workspace's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// How many subscribers share the engine; 0 and 1 are one.
    #[serde(skip_serializing_if = "is_default")]
    pub crowd: u32,
    /// When the last fault is over, in microseconds; recovery is required after it. `None` where
    /// the tape's faults go on, as in a recording of a bad day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_at_us: Option<u64>,
    /// The subscriber's URL has user info and a query, and logs are searched for them and for
    /// the token.
    #[serde(skip_serializing_if = "is_default")]
    pub secrets: bool,
}

/// A case: a base tape, and faults and calls laid over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What the engine sends by itself. Its header holds the settings and what the case is.
    pub base: Arc<Tape>,
    /// What goes wrong, and what the subscriber's user does.
    pub faults: Arc<Tape>,
    /// How the subscriber is set.
    pub settings: Settings,
    /// What it is.
    pub about: About,
}

/// A tape that is no case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// The header's settings make no sense.
    #[error("{0}")]
    Settings(String),
    /// The header's `x-chaos` makes no sense.
    #[error("\"{CHAOS_KEY}\" in the header: {0}")]
    About(String),
    /// A call that there is not.
    #[error(transparent)]
    Call(#[from] UnknownCall),
    /// A dial time that is none.
    #[error("line {line}: \"{DIAL_KEY}\" is {found}; expected milliseconds such as 250.5")]
    Dial {
        /// Where.
        line: u64,
        /// What stands there.
        found: String,
    },
}

/// What only the world does, in the order of the faults tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Call(Call),
    /// Dials take so long from here on.
    DialTakes(Micros),
}

impl Case {
    /// A case of these tapes; the base's header is made to say what it is.
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

    /// Makes the base's header say what settings and [`About`] say: to be called after they, or
    /// the header, have been changed.
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

    /// Reads a case back from one tape; of any other tape, such as a recording, all is base.
    ///
    /// # Errors
    /// [`CaseError`] where header or calls make no sense.
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
        // What its steps may say depends on what the tape needs.
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

    /// The same case without its faults of these kinds.
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

    /// What the world is to do, in order.
    ///
    /// # Errors
    /// [`CaseError`] for a call or dial time that is none.
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

/// The key that tells the layers apart in a case written as one tape.
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
