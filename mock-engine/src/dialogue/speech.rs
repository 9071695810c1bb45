//! What a step says: its action with values in place of its references.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use percent_encoding::percent_decode_str;
use wstape_tape::{
    Accept, Action, CloseFrame, HttpAnswer, Part, RawFrame, Reference, Refusal, SomeOf, Template,
    WhichScene,
};

use super::document::Kind;
use super::message::Message;
use crate::http_date::http_date;
use crate::ids::ConnId;

/// The longest reason of a Close in bytes (RFC 6455, 5.5: 125 with the code).
const MAX_REASON_BYTES: usize = 123;

/// What set a step off: the message, and the groups that the step's expression found in it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(super) message: Arc<Message>,
    pub(super) groups: Vec<(String, String)>,
}

/// The path and query that a connection asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: Arc<str>,
    pub(crate) query: Option<Arc<str>>,
}

/// Everything that references can refer to.
pub(crate) struct Sources<'a> {
    pub(crate) said: Option<&'a Said>,
    pub(crate) count: u64,
    pub(crate) conn: Option<ConnId>,
    pub(crate) asked: Option<&'a Asked>,
    /// The wall time.
    pub(crate) wall: &'a dyn Fn() -> DateTime<Utc>,
    /// Where an engine is dialled; without a name, this one.
    pub(crate) url: &'a dyn Fn(Option<&str>) -> Option<String>,
}

/// The value of a reference.
enum Value<'a> {
    /// JSON as it is written.
    Json(&'a str),
    Text(Cow<'a, str>),
    Number(i64),
}

impl<'a> Sources<'a> {
    fn value(&self, reference: &Reference) -> Option<Value<'a>> {
        let number = |n: u64| Value::Number(i64::try_from(n).unwrap_or(i64::MAX));
        match reference {
            Reference::Pointer(keys) => {
                let document = self.said?.message.document()?;
                let value = document.root().pointer(keys)?;
                Some(Value::Json(value.raw()))
            }
            Reference::Group(name) => {
                let mut groups = self.said?.groups.iter();
                let (_, text) = groups.find(|(group, _)| group == name)?;
                Some(Value::Text(Cow::Borrowed(text)))
            }
            Reference::Now => {
                let text = (self.wall)().to_rfc3339_opts(SecondsFormat::Micros, true);
                Some(Value::Text(Cow::Owned(text)))
            }
            Reference::NowMs => Some(Value::Number((self.wall)().timestamp_millis())),
            Reference::Date(later) => {
                let now = (self.wall)();
                let then = now.checked_add_signed(TimeDelta::seconds(i64::from(*later)));
                Some(Value::Text(Cow::Owned(http_date(then.unwrap_or(now)))))
            }
            Reference::Count => Some(number(self.count)),
            Reference::Conn => Some(number(self.conn?.get())),
            Reference::Url(name) => {
                (self.url)(name.as_deref()).map(|url| Value::Text(Cow::Owned(url)))
            }
            Reference::Path => Some(Value::Text(Cow::Borrowed(&*self.asked?.path))),
            Reference::Query(name) => {
                let query = self.asked?.query.as_deref()?;
                parameter(query, name).map(|text| Value::Text(Cow::Owned(text)))
            }
            Reference::QueryPart(name, nth) => {
                let whole = parameter(self.asked?.query.as_deref()?, name)?;
                let mut parts = whole.split('/').filter(|part| !part.is_empty());
                let part = parts.nth(*nth)?.to_owned();
                Some(Value::Text(Cow::Owned(part)))
            }
        }
    }
}

/// A parameter of a query, decoded.
fn parameter(query: &str, wanted: &str) -> Option<String> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name) == wanted).then(|| decoded(value))
    })
}

/// Whether a text may hold a reference.
pub(crate) fn may_refer(text: &[u8]) -> bool {
    memchr::memchr_iter(b'$', text).any(|at| text.get(at + 1) == Some(&b'{'))
}

/// The template of a string in an action; `None` if the string is plain.
fn of_text(text: &str) -> Option<Template> {
    // The reader refuses invalid ones; in a tape built in Rust such a text stays as it is.
    may_refer(text.as_bytes())
        .then(|| Template::text(text).ok())
        .flatten()
}

fn of_bytes(bytes: &[u8]) -> Option<Template> {
    std::str::from_utf8(bytes).ok().and_then(of_text)
}

fn of_json(bytes: &[u8]) -> Option<Template> {
    if !may_refer(bytes) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Template::json(text).ok()
}

/// Where an action's references are: found once, for a step that may happen often.
#[derive(Debug)]
pub(crate) struct Speech {
    /// The template of the message itself, for actions that send one.
    main: Option<Template>,
    refers: bool,
    of_connection: bool,
}

impl Speech {
    /// Finds the references of a step's action.
    pub(crate) fn of(action: &Action) -> Self {
        let main = match action {
            Action::Json(json) | Action::Emit(json) => of_json(json),
            Action::Text(text) => of_text(text),
            Action::Ping(bytes) | Action::Pong(bytes) => of_bytes(bytes),
            Action::Frame(RawFrame { payload, .. }) => of_bytes(payload),
            Action::Close(Some(CloseFrame { reason, .. })) => of_text(reason),
            _ => None,
        };
        let named = names(action)
            .into_iter()
            .any(|name| may_refer(name.as_bytes()));
        let of_connection = main
            .iter()
            .flat_map(Template::references)
            .any(Reference::is_of_connection);
        Self {
            refers: main.is_some() || named,
            of_connection: of_connection || named,
            main,
        }
    }

    /// Whether there is anything to fill in.
    pub(crate) fn refers(&self) -> bool {
        self.refers
    }

    /// Whether what it says differs from connection to connection.
    pub(crate) fn is_of_connection(&self) -> bool {
        self.of_connection
    }

    /// Whether the action names a scene by an item of a list in the query, and the list is too
    /// short.
    pub(crate) fn lacks_part(&self, action: &Action, sources: &Sources<'_>) -> bool {
        if !self.refers || !matches!(action, Action::Start(_)) {
            return false;
        }
        let mut templates = names(action).into_iter().filter_map(of_text);
        templates.any(|template| {
            let mut references = template.references();
            references
                .any(|it| matches!(it, Reference::QueryPart(..)) && sources.value(it).is_none())
        })
    }

    /// Returns the action with values in place of its references; adds each reference that leads
    /// nowhere to `missing`.
    pub(crate) fn fill<'a>(
        &self,
        action: &'a Action,
        sources: &Sources<'_>,
        missing: &mut Vec<String>,
    ) -> Cow<'a, Action> {
        if !self.refers {
            return Cow::Borrowed(action);
        }
        let mut name = |name: &str| text(name, sources, missing);
        let mut filled = match action {
            Action::Start(start) => {
                let mut start = start.clone();
                start.scene = name(&start.scene);
                start.name = start.name.as_deref().map(&mut name);
                Action::Start(start)
            }
            Action::Stop(which) => Action::Stop(named(which, name)),
            Action::Mute(which) => Action::Mute(which.as_ref().map(|which| named(which, name))),
            Action::Gap(some) => Action::Gap(some_of(some, name)),
            Action::Repeat(some) => Action::Repeat(some_of(some, name)),
            Action::Late(late) => {
                let mut late = late.clone();
                late.some = some_of(&late.some, name);
                Action::Late(late)
            }
            _ => {
                let Some(template) = &self.main else {
                    return Cow::Borrowed(action);
                };
                return Cow::Owned(said(action, render(template, sources, missing)));
            }
        };
        if let Action::Start(start) = &mut filled
            && start.name.as_deref() == Some("")
        {
            start.name = None;
        }
        Cow::Owned(filled)
    }
}

/// The same action, saying this text.
fn said(action: &Action, text: String) -> Action {
    match action {
        Action::Json(_) => Action::Json(text.into()),
        Action::Emit(_) => Action::Emit(text.into()),
        Action::Text(_) => Action::Text(text),
        Action::Ping(_) => Action::Ping(text.into()),
        Action::Pong(_) => Action::Pong(text.into()),
        Action::Frame(frame) => Action::Frame(RawFrame {
            payload: text.into(),
            ..frame.clone()
        }),
        Action::Close(Some(close)) => Action::Close(Some(CloseFrame {
            code: close.code,
            reason: text[..text.floor_char_boundary(MAX_REASON_BYTES)].to_owned(),
        })),
        other => other.clone(),
    }
}

/// The names of scenes in an action.
fn names(action: &Action) -> Vec<&str> {
    let which = match action {
        Action::Start(start) => {
            return std::iter::once(start.scene.as_str())
                .chain(start.name.as_deref())
                .collect();
        }
        Action::Stop(which) | Action::Mute(Some(which)) => which,
        Action::Gap(some) | Action::Repeat(some) => &some.which,
        Action::Late(late) => &late.some.which,
        _ => return Vec::new(),
    };
    match which {
        WhichScene::Named(name) => vec![name],
        WhichScene::Any(_) => Vec::new(),
    }
}

fn named(which: &WhichScene, mut name: impl FnMut(&str) -> String) -> WhichScene {
    match which {
        WhichScene::Named(scene) => WhichScene::Named(name(scene)),
        WhichScene::Any(nth) => WhichScene::Any(*nth),
    }
}

fn some_of(some: &SomeOf, name: impl FnMut(&str) -> String) -> SomeOf {
    SomeOf {
        which: named(&some.which, name),
        next: some.next,
    }
}

/// Fills in a scene's name. A value that is a JSON string goes in without its quotes.
fn text(text: &str, sources: &Sources<'_>, missing: &mut Vec<String>) -> String {
    let Some(template) = of_text(text) else {
        return text.to_owned();
    };
    let mut out = String::new();
    for part in template.parts() {
        match part {
            Part::Literal(literal) => out.push_str(literal),
            Part::Whole(reference) | Part::Inside(reference) => {
                inside(reference, false, sources, missing, &mut out);
            }
        }
    }
    out
}

/// Fills in a template.
fn render(template: &Template, sources: &Sources<'_>, missing: &mut Vec<String>) -> String {
    let mut out = String::with_capacity(template.parts().len() * 16);
    for part in template.parts() {
        match part {
            Part::Literal(literal) => out.push_str(literal),
            Part::Whole(reference) => {
                whole(reference, template.is_json(), sources, missing, &mut out);
            }
            Part::Inside(reference) => {
                inside(reference, template.is_json(), sources, missing, &mut out);
            }
        }
    }
    out
}

/// Writes a value that stands by itself: in JSON, a text gets quotes, and a missing value is
/// `null`.
fn whole(
    reference: &Reference,
    json: bool,
    sources: &Sources<'_>,
    missing: &mut Vec<String>,
    out: &mut String,
) {
    match sources.value(reference) {
        Some(Value::Json(raw)) => out.push_str(raw),
        Some(Value::Number(number)) => number_into(number, out),
        Some(Value::Text(text)) if json => quoted_into(&text, out),
        Some(Value::Text(text)) => out.push_str(&text),
        None => {
            missing.push(reference.to_string());
            out.push_str("null");
        }
    }
}

/// Writes a value into a text; with `escaped`, as it is written inside a JSON string.
fn inside(
    reference: &Reference,
    escaped: bool,
    sources: &Sources<'_>,
    missing: &mut Vec<String>,
    out: &mut String,
) {
    let put = |text: &str, out: &mut String| {
        if escaped {
            let mut quoted = String::new();
            quoted_into(text, &mut quoted);
            out.push_str(&quoted[1..quoted.len() - 1]);
        } else {
            out.push_str(text);
        }
    };
    match sources.value(reference) {
        Some(Value::Json(raw)) if raw.starts_with('"') => {
            // What is valid inside one JSON string is valid inside another.
            if escaped {
                out.push_str(&raw[1..raw.len() - 1]);
            } else {
                let text: Result<String, _> = serde_json::from_str(raw);
                out.push_str(text.as_deref().unwrap_or(&raw[1..raw.len() - 1]));
            }
        }
        Some(Value::Json(raw)) => put(raw, out),
        Some(Value::Number(number)) => number_into(number, out),
        Some(Value::Text(text)) => put(&text, out),
        None => missing.push(reference.to_string()),
    }
}

fn number_into(number: i64, out: &mut String) {
    // Writing to a string can't fail.
    let _ = write!(out, "{number}");
}

fn quoted_into(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// An answer to a handshake, or to a request, with its references filled in.
pub(crate) trait Answer {
    /// The headers, and the body where it has one.
    fn parts(&mut self) -> (&mut Vec<(String, String)>, Option<&mut bytes::Bytes>);

    /// Fills in its references.
    fn fill(&mut self, sources: &Sources<'_>, missing: &mut Vec<String>) {
        let (headers, body) = self.parts();
        for (_, value) in headers {
            if let Some(template) = of_text(value) {
                *value = render(&template, sources, missing);
            }
        }
        let Some(body) = body.filter(|body| may_refer(body)) else {
            return;
        };
        let is_json = matches!(body.first(), Some(b'{' | b'['))
            && super::document::Document::parse(std::str::from_utf8(body).unwrap_or_default())
                .is_some_and(|document| {
                    matches!(document.root().kind(), Kind::Object | Kind::Array)
                });
        let template = if is_json {
            of_json(body)
        } else {
            of_bytes(body)
        };
        if let Some(template) = template {
            *body = render(&template, sources, missing).into();
        }
    }

    /// Escapes every reference, so that it stands for itself: for a tape without references.
    fn escape(&mut self) {
        let (headers, body) = self.parts();
        for (_, value) in headers {
            if may_refer(value.as_bytes()) {
                *value = value.replace("${", "$${");
            }
        }
        if let Some(body) = body.filter(|body| may_refer(body))
            && let Ok(text) = std::str::from_utf8(body)
        {
            *body = text.replace("${", "$${").into();
        }
    }
}

impl Answer for Accept {
    fn parts(&mut self) -> (&mut Vec<(String, String)>, Option<&mut bytes::Bytes>) {
        (&mut self.headers, Some(&mut self.body))
    }
}

impl Answer for Refusal {
    fn parts(&mut self) -> (&mut Vec<(String, String)>, Option<&mut bytes::Bytes>) {
        (&mut self.headers, Some(&mut self.body))
    }
}

impl Answer for HttpAnswer {
    fn parts(&mut self) -> (&mut Vec<(String, String)>, Option<&mut bytes::Bytes>) {
        (&mut self.headers, Some(&mut self.body))
    }
}
