//! Steps made in Rust, as a sentence: `Step::on_message(…).after(…).times(…)`.

use super::conn::Conn;
use super::fields::Step;
use super::trigger::{After, OnMessage, Scene, Trigger};
use super::whose::Whose;
use crate::message::Match;
use crate::{Action, Micros};

/// # Making steps
///
/// ```
/// use wstape_tape::{Action, Match, Micros, Step, Whose};
/// let subscribe = Match::new().json(r#"{"op":"subscribe"}"#)?;
/// let answer = Action::Json(r#"{"id":"${/id}","result":true}"#.into());
/// let step = Step::on_message(subscribe, answer)
///     .after(Micros::from_ms(20))
///     .on(Whose::Range { from: 2, to: None })
///     .times(3);
/// assert_eq!(
///     step.to_line(),
///     r#"{"on_message":{"json":{"op":"subscribe"}},"after_ms":20,"conn":{"from":2},"json":{"id":"${/id}","result":true},"times":3}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Step {
    /// A step at a time of the engine's clock.
    #[must_use]
    pub fn at(at: Micros, action: Action) -> Self {
        Self::new(Trigger::At(at), action)
    }

    /// A step on connections as they arrive.
    #[must_use]
    pub fn on_connect(whose: Whose, after: After, action: Action) -> Self {
        Self::new(Trigger::OnConnect { whose, after }, action)
    }

    /// A step that happens when a client says this.
    #[must_use]
    pub fn on_message(wanted: Match, action: Action) -> Self {
        let on = OnMessage {
            wanted,
            ..OnMessage::default()
        };
        Self::new(Trigger::OnMessage(Box::new(on)), action)
    }

    /// A step that happens once a client has sent nothing for this long.
    #[must_use]
    pub fn on_silence(silence: Micros, action: Action) -> Self {
        let whose = Whose::Each;
        Self::new(Trigger::OnSilence { whose, silence }, action)
    }

    /// A line of a scene: it happens at the scene's start, then every `every`, if given.
    #[must_use]
    pub fn scene(name: impl Into<String>, every: Option<Micros>, action: Action) -> Self {
        let scene = Scene {
            name: name.into(),
            every,
            ..Scene::default()
        };
        Self::new(Trigger::Scene(Box::new(scene)), action)
    }

    /// Delays it after its trigger (`after_ms`): a message, a scene's start, a connection. Does
    /// nothing for other triggers.
    #[must_use]
    pub fn after(mut self, span: Micros) -> Self {
        match &mut self.trigger {
            Trigger::OnConnect { after, .. } => *after = After::Time(span),
            Trigger::OnMessage(on) => on.after = span,
            Trigger::Scene(scene) => scene.after = span,
            Trigger::At(_) | Trigger::OnSilence { .. } => {}
        }
        self
    }

    /// Limits it to these connections. An `at_ms` step is for all or for one: a range stands for
    /// all.
    #[must_use]
    pub fn on(mut self, whose: impl Into<Whose>) -> Self {
        let wanted = whose.into();
        match (self.trigger.whose_mut(), wanted) {
            (Some(whose), _) => *whose = wanted,
            (None, Whose::Nth(nth)) => self.conn = Conn::Nth(nth),
            (None, _) => self.conn = Conn::All,
        }
        self
    }

    /// Limits it to connections that asked for this path; a final `*` matches any rest.
    #[must_use]
    pub fn at_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Limits how many times it happens (`times`).
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Hides the message of an `on_message` step in an overlay from the layers below.
    #[must_use]
    pub fn instead(mut self) -> Self {
        if let Trigger::OnMessage(on) = &mut self.trigger {
            on.instead = true;
        }
        self
    }
}
