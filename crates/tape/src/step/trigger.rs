//! When a step happens.

use super::whose::{Whose, read_whose, write_whose};
use crate::Micros;
use crate::error::{Flaw, TapeErrorKind};
use crate::json::{Field, Object, Pen, Type};
use crate::message::{Match, read_match, write_match};

/// Keys that say when a step happens on a connection.
pub(super) const AFTER_KEYS: [&str; 4] =
    ["after_ms", "after_frames", "after_bytes", "after_received"];

/// The key that says how much a client sent, or what.
const AFTER_RECEIVED: &str = "after_received";

/// Keys of which a step has exactly one.
pub(super) const TRIGGER_KEYS: [&str; 5] = [
    "at_ms",
    "on_connect",
    "on_message",
    "on_silence_ms",
    "scene",
];

/// Shortest `every_ms`: a scene without pauses would leave no time for anything else.
pub const MIN_EVERY: Micros = Micros::from_ms(1);

/// When a step happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// `at_ms`: on the engine's clock.
    At(Micros),
    /// `on_connect`: on connections, as they arrive.
    OnConnect {
        /// On which connections (`conn`).
        whose: Whose,
        /// When, on that connection.
        after: After,
    },
    /// `on_message`: when a client says something.
    OnMessage(Box<OnMessage>),
    /// `on_silence_ms`: once a client has sent no frame for this long; once per silence.
    OnSilence {
        /// On which connections (`conn`).
        whose: Whose,
        /// How long the silence is, since the 101 or the last frame.
        silence: Micros,
    },
    /// `scene`: over and over, from when the scene is started on a connection.
    Scene(Box<Scene>),
}

/// When, on a connection, a prologue step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// `after_ms`: since the accept, or since the request's head for a step with a `path`. Actions
    /// that send frames wait for the 101.
    Time(Micros),
    /// `after_frames`: once this many frames were sent to the client; 0 is the 101.
    Frames(u64),
    /// `after_bytes`: once exactly this many bytes were sent after the 101's head; a frame that
    /// crosses the mark is cut there.
    Bytes(u64),
    /// `after_received`: once this many frames came from the client, Pings and Pongs included.
    Received(u64),
}

/// What a client must say for a step to happen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OnMessage {
    /// On which connections (`conn`).
    pub whose: Whose,
    /// What the message must be.
    pub wanted: Match,
    /// How long after it the step happens (`after_ms`).
    pub after: Micros,
    /// Whether the message is hidden from the layers below (`instead`).
    pub instead: bool,
    /// Whether it is written as an `on_connect` whose `after_received` is the match, which needs no
    /// feature in the header.
    pub by_received: bool,
}

/// A line of a scene: a stream that somebody asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scene {
    /// On which connections (`conn`).
    pub whose: Whose,
    /// The scene's name.
    pub name: String,
    /// How long after the scene's start it happens first (`after_ms`).
    pub after: Micros,
    /// How often it happens after that (`every_ms`); `None` if it happens once.
    pub every: Option<Micros>,
}

impl Trigger {
    /// Whether it stays armed on connections for the whole run: a message, a silence, a scene.
    #[must_use]
    pub fn is_dialogue(&self) -> bool {
        matches!(
            self,
            Self::OnMessage(_) | Self::OnSilence { .. } | Self::Scene(_)
        )
    }

    /// Whether it has no time of its own, so that the step comes before the first `at_ms`.
    #[must_use]
    pub fn is_prologue(&self) -> bool {
        !matches!(self, Self::At(_))
    }

    /// Which connections it is for, if the trigger says so itself; `Each` for an `at_ms` step,
    /// which has its `conn`.
    #[must_use]
    pub fn whose(&self) -> Whose {
        match self {
            Self::At(_) => Whose::Each,
            Self::OnConnect { whose, .. } | Self::OnSilence { whose, .. } => *whose,
            Self::OnMessage(on) => on.whose,
            Self::Scene(scene) => scene.whose,
        }
    }

    /// Which connections it is for, to be changed; `None` for `at_ms`.
    pub(super) fn whose_mut(&mut self) -> Option<&mut Whose> {
        match self {
            Self::At(_) => None,
            Self::OnConnect { whose, .. } | Self::OnSilence { whose, .. } => Some(whose),
            Self::OnMessage(on) => Some(&mut on.whose),
            Self::Scene(scene) => Some(&mut scene.whose),
        }
    }

    /// Its key on the wire.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::At(_) => TRIGGER_KEYS[0],
            Self::OnConnect { .. } => TRIGGER_KEYS[1],
            Self::OnMessage(on) if on.by_received => TRIGGER_KEYS[1],
            Self::OnMessage(_) => TRIGGER_KEYS[2],
            Self::OnSilence { .. } => TRIGGER_KEYS[3],
            Self::Scene(_) => TRIGGER_KEYS[4],
        }
    }
}

/// Reads the trigger of a step.
pub(super) fn read_trigger(object: &Object<'_>) -> Result<Trigger, Flaw> {
    let misplaced =
        |field: &Field<'_>, message: String| Err(field.key_flaw(TapeErrorKind::Misplaced, message));
    let mut triggers = (object.fields().iter()).filter(|f| TRIGGER_KEYS.contains(&&*f.name));
    let Some(trigger) = triggers.next() else {
        let message = "a step needs a trigger: \"at_ms\" or \"on_connect\"";
        let mut flaw = object.flaw(TapeErrorKind::MissingKey, message);
        flaw.help = Some(format!("one of {}", TRIGGER_KEYS.join(", ")));
        return Err(flaw);
    };
    if let Some(second) = triggers.next() {
        // They are named in the format's order, whatever the line's.
        let (first, second) = in_order(trigger, second);
        let message = format!("either {:?} or {:?}, not both", first.name, second.name);
        return misplaced(second, message);
    }
    let mut after = (object.fields().iter()).filter(|f| AFTER_KEYS.contains(&&*f.name));
    let (first, second) = (after.next(), after.next());
    match (&*trigger.name, first, second) {
        ("at_ms", Some(after), _) => {
            let message = format!("{:?} goes with \"on_connect\" only", after.name);
            return misplaced(after, message);
        }
        ("on_silence_ms", Some(after), _) => {
            let message = format!("{:?} does not go with \"on_silence_ms\"", after.name);
            return misplaced(after, message);
        }
        ("on_message" | "scene", Some(after), _) if after.name != "after_ms" => {
            let message = format!("{:?} goes with \"on_connect\" only", after.name);
            return misplaced(after, message);
        }
        (_, Some(first), Some(second)) => {
            let message = format!("either {:?} or {:?}, not both", first.name, second.name);
            return misplaced(second, message);
        }
        _ => {}
    }
    if let Some(wanted) = first.filter(|after| is_match(trigger, after)) {
        return Ok(Trigger::OnMessage(Box::new(OnMessage {
            whose: read_whose(trigger)?,
            wanted: read_match(wanted)?,
            by_received: true,
            ..OnMessage::default()
        })));
    }
    let whose = || object.get("conn").map_or(Ok(Whose::Each), read_whose);
    let later = || first.map_or(Ok(Micros::ZERO), Field::ms);
    alone(object, trigger, "instead", "on_message")?;
    alone(object, trigger, "every_ms", "scene")?;
    Ok(match &*trigger.name {
        "at_ms" => Trigger::At(trigger.ms()?),
        "on_connect" => Trigger::OnConnect {
            whose: read_whose(trigger)?,
            after: first.map_or(Ok(After::Time(Micros::ZERO)), after_mark)?,
        },
        "on_message" => Trigger::OnMessage(Box::new(OnMessage {
            whose: whose()?,
            wanted: read_match(trigger)?,
            after: later()?,
            instead: object.get("instead").map_or(Ok(false), instead)?,
            by_received: false,
        })),
        "on_silence_ms" => Trigger::OnSilence {
            whose: whose()?,
            silence: silence(trigger)?,
        },
        _ => Trigger::Scene(Box::new(Scene {
            whose: whose()?,
            name: trigger.name()?,
            after: later()?,
            every: object.get("every_ms").map(every).transpose()?,
        })),
    })
}

/// Whether an `after_received` says what is received rather than how much.
fn is_match(trigger: &Field<'_>, after: &Field<'_>) -> bool {
    trigger.name == TRIGGER_KEYS[1] && after.name == AFTER_RECEIVED && after.is(Type::Object)
}

/// Returns two triggers in the order of the format.
fn in_order<'o, 'a>(a: &'o Field<'a>, b: &'o Field<'a>) -> (&'o Field<'a>, &'o Field<'a>) {
    let place = |field: &Field<'_>| TRIGGER_KEYS.iter().position(|key| *key == field.name);
    if place(a) <= place(b) { (a, b) } else { (b, a) }
}

/// Checks a key that goes with one trigger only.
fn alone(object: &Object<'_>, trigger: &Field<'_>, key: &str, with: &str) -> Result<(), Flaw> {
    match object.get(key).filter(|_| trigger.name != with) {
        None => Ok(()),
        Some(field) => {
            let message = format!("{key:?} goes with {with:?} only");
            Err(field.key_flaw(TapeErrorKind::Misplaced, message))
        }
    }
}

fn after_mark(field: &Field<'_>) -> Result<After, Flaw> {
    let count = || field.whole(0..=u64::MAX);
    Ok(match &*field.name {
        "after_ms" => After::Time(field.ms()?),
        "after_frames" => After::Frames(count()?),
        "after_bytes" => After::Bytes(count()?),
        _ => After::Received(count()?),
    })
}

fn instead(field: &Field<'_>) -> Result<bool, Flaw> {
    if field.value.text == "true" {
        Ok(true)
    } else {
        Err(field.wrong("true"))
    }
}

fn silence(field: &Field<'_>) -> Result<Micros, Flaw> {
    let silence = field.ms()?;
    if silence == Micros::ZERO {
        return Err(field.wrong("milliseconds, more than 0"));
    }
    Ok(silence)
}

fn every(field: &Field<'_>) -> Result<Micros, Flaw> {
    let every = field.ms()?;
    if every < MIN_EVERY {
        return Err(field.wrong("milliseconds, 1 at least"));
    }
    Ok(every)
}

/// Writes the trigger of a step.
pub(super) fn write_trigger(pen: &mut Pen, trigger: &Trigger) {
    let conn = |pen: &mut Pen, whose: Whose| {
        if whose != Whose::Each {
            write_whose(pen, "conn", whose);
        }
    };
    let after_ms = |pen: &mut Pen, after: Micros| {
        if after != Micros::ZERO {
            pen.ms("after_ms", after);
        }
    };
    match trigger {
        Trigger::At(at) => pen.ms("at_ms", *at),
        Trigger::OnConnect { whose, after } => {
            write_whose(pen, "on_connect", *whose);
            match after {
                After::Time(at) => after_ms(pen, *at),
                After::Frames(n) => pen.json("after_frames", n),
                After::Bytes(n) => pen.json("after_bytes", n),
                After::Received(n) => pen.json("after_received", n),
            }
        }
        Trigger::OnMessage(on) if on.by_received => {
            write_whose(pen, "on_connect", on.whose);
            write_match(pen, AFTER_RECEIVED, &on.wanted);
        }
        Trigger::OnMessage(on) => {
            write_match(pen, "on_message", &on.wanted);
            after_ms(pen, on.after);
            if on.instead {
                pen.json("instead", true);
            }
            conn(pen, on.whose);
        }
        Trigger::OnSilence { whose, silence } => {
            pen.json("on_silence_ms", &silence.to_ms_text());
            conn(pen, *whose);
        }
        Trigger::Scene(scene) => {
            pen.string("scene", &scene.name);
            after_ms(pen, scene.after);
            if let Some(every) = scene.every {
                pen.json("every_ms", &every.to_ms_text());
            }
            conn(pen, scene.whose);
        }
    }
}
