//! What never reaches a tape.
//!
//! | always | how |
//! | --- | --- |
//! | `Authorization`, `Proxy-Authorization`, `Cookie`, `Set-Cookie`, `X-Api-Key`, and each header whose name says token, secret, password, session, signature or the like | the value by a placeholder; the scheme before it stays |
//! | a token among the subprotocols | by a placeholder |
//! | in URLs, paths and the texts that name them: user info, values of a query whose names say so or that are like a token, segments of a path of 32 characters and more that are | by a placeholder |
//! | what a client sends to log in, as `login` tells it: by name, by layout, by shape | strings by a placeholder, numbers by 0, bools by `false` |
//! | a well-known secret in what a client sends, in a header, a path, a title, a note, a mark, a Close's reason | by a placeholder |
//!
//! | by rule | how |
//! | --- | --- |
//! | a string | by `redacted-` and 16 hexadecimal digits |
//! | a number | by a number, whole where it is whole |
//! | a bool | by `false` |
//! | `null` | stays |
//! | an object or a list | stays one of as many, each value in it by its own placeholder, and each name that is data rather than a name (longer than 32 characters, or not of letters, digits and underscores) |
//!
//! Within a tape equal values have equal placeholders and different values different ones (bools
//! apart). All other bytes of a message stay as they are. Rules hold in events, texts, binary
//! messages, HTTP bodies and what clients sent, in JSON that breaks off and in JSON within a
//! string of JSON. Fragments keep their number and times, and the message goes into the last;
//! compressed messages, which can't be looked into, become empty ones, and so do bytes from a
//! client that are no frame.
//!
//! Then the text is scanned: for all that was redacted, as it stands, JSON-escaped,
//! percent-encoded or in base64, and for well-known secrets. Not looked for are values shorter
//! than 8 bytes and numbers of fewer than 7 digits, which chance would find, and what was redacted
//! after the first 16,384 values; of longer values the first 256 bytes are.
//!
//! Modules: `rules`, `placeholder`, `json` (edits JSON in place), `url` and `http`, `fragment`;
//! `client`, `login`, `texts` and `mqtt` (what clients log in with);
//! `known` (what was redacted), `registry` (that, and its placeholders), `shapes` and `credential`
//! (well-known secrets), `escape`, `scan`, `rescue` (which rule
//! covers what a scan found).

mod base64_runs;
mod client;
mod credential;
mod escape;
mod fragment;
mod http;
mod json;
mod known;
mod login;
mod mqtt;
mod placeholder;
mod registry;
mod rescue;
mod rules;
mod scan;
mod shapes;
mod texts;
mod url;

use std::io::{self, BufRead};

use bytes::Bytes;
use serde_json::value::RawValue;
use wstape_tape::{Action, Conn, Header, RawFrame, Received, ReceivedKind, Step, StepFields};

use fragment::{Fragments, Payload, Shape, Side};
use json::JsonRedactor;
use registry::SecretRegistry;

pub use rescue::Hit;
pub(crate) use rescue::UNSAFE_SUFFIX;
pub use rules::{RuleError, Rules};

/// What a header's `redacted` says of what always is.
const ALWAYS: [&str; 4] = [
    "secret headers",
    "url user info",
    "token-like values of urls",
    "logins of clients",
];

/// Replaces secrets by placeholders, and knows afterwards what to look for.
///
/// ```
/// use wstape_tape::{Header, Step};
/// use wstape_recorder::{Redactor, Rules};
///
/// let rules = Rules::default().key("wallet");
/// let mut redactor = Redactor::new(rules, [7; 32]);
/// let header = redactor.header(Header::new("from wss://ada:pw@engine/ws"));
/// assert_eq!(header.title.as_deref(), Some("from wss://redacted-98c3af62b71ede2c@engine/ws"));
///
/// let line = r#"{"at_ms":1,"emit":{"event":"fill", "wallet" : "0xc0ffee00"}}"#;
/// let step = redactor.step(Step::parse("tape", 2, line)?);
/// assert_eq!(
///     step.to_line(),
///     r#"{"at_ms":1,"emit":{"event":"fill", "wallet" : "redacted-261a44f73f34dd4c"}}"#
/// );
///
/// let leak = r#"{"at_ms":2,"text":"paid to 0xc0ffee00"}"#;
/// let hit = redactor.scan(leak.as_bytes())?.expect("it still stands there");
/// assert_eq!((hit.line, &*hit.what), (1, "the value of the key \"wallet\", redacted elsewhere"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Redactor {
    rules: Rules,
    messages: JsonRedactor,
    bodies: JsonRedactor,
    secrets: SecretRegistry,
    fragments: Fragments,
    /// The rules that a header claims; `None` for all.
    claimed: Option<Vec<String>>,
}

impl Redactor {
    /// By these rules. The key, drawn anew for each tape and kept nowhere, makes the placeholders
    /// of this tape its own: without it they say nothing of what they stand for.
    #[must_use]
    pub fn new(rules: Rules, key: [u8; 32]) -> Self {
        Self {
            messages: JsonRedactor::new(&rules, false),
            bodies: JsonRedactor::new(&rules, true),
            rules,
            secrets: SecretRegistry::new(&key),
            fragments: Fragments::default(),
            claimed: None,
        }
    }

    /// The rules that have matched nothing so far, as a header says them.
    #[must_use]
    pub fn unmatched(&self) -> Vec<String> {
        let said = self.rules.said().enumerate();
        said.filter(|(number, _)| self.secrets.matches(*number) == 0)
            .map(|(_, rule)| rule)
            .collect()
    }

    /// Whether there are rules beside what always is redacted.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    /// How many values have been replaced so far.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.secrets.replaced()
    }

    /// From here on headers claim those rules alone that have matched: for a tape that is gone
    /// through once before it is written.
    pub fn claim_what_matched(&mut self) {
        let unmatched = self.unmatched();
        let matched = self.rules.said().filter(|rule| !unmatched.contains(rule));
        self.claimed = Some(matched.collect());
    }

    /// Remembers a secret that is known beforehand, such as the token that a command was given,
    /// so that a tape in which it stands is found out. `what` is what an error calls it.
    pub fn remember(&mut self, what: &str, secret: &str) {
        self.secrets.remember(secret.as_bytes(), what);
    }

    /// Remembers the secrets of a URL, such as the one that a command was given.
    pub fn remember_url(&mut self, url: &str) {
        url::in_text(url, &mut self.secrets);
    }

    /// A text for people, such as an error's, without the secrets of URLs and without well-known
    /// ones.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        self.free_text(&mut text);
        text
    }

    /// The header without secrets, and with what is redacted in the tape. A tape begins.
    pub fn header(&mut self, mut header: Header) -> Header {
        self.fragments.ended(Conn::All);
        let fields = &mut *header;
        for text in [&mut fields.title, &mut fields.source, &mut fields.note]
            .into_iter()
            .flatten()
        {
            self.free_text(text);
        }
        self.extensions(&mut header.extensions);
        let always = ALWAYS.iter().map(ToString::to_string);
        let rules = self.claimed.clone();
        let rules = rules.unwrap_or_else(|| self.rules.said().collect());
        for what in always.chain(rules) {
            if !header.redacted.contains(&what) {
                header.redacted.push(what);
            }
        }
        header
    }

    /// The step without secrets. One without any comes back as it was, byte for byte; where an
    /// event's value is all that is redacted, so does the rest of its line.
    pub fn step(&mut self, mut step: Step) -> Step {
        // Edited aside: a step whose fields are borrowed to be changed drops its line.
        let mut edited = StepFields::clone(&step);
        let mut around = match &mut edited.note {
            Some(note) => self.free_text(note),
            None => false,
        };
        around |= !edited.extensions.is_empty() && self.extensions(&mut edited.extensions);
        let changed = if let Action::Emit(json) = &step.action {
            let message = self.message(json);
            if let Some(message) = &message
                && !around
                && let Some(in_line) = in_line(&step, json, message)
            {
                return in_line;
            }
            let changed = message.is_some();
            edited.action = message.map_or(edited.action, Action::Emit);
            changed
        } else {
            self.action(&mut edited.action, step.conn)
        };
        if changed || around {
            *step = edited;
        }
        step
    }

    /// Looks at one line of the tape as it is written. What is redacted only later is not found
    /// yet: [`scan`](Self::scan) the whole when it is.
    ///
    /// Says what kind of secret stands there and how it is written, never the secret.
    pub fn line(&self, text: &[u8]) -> Option<String> {
        scan::line(text, &self.secrets.known)
    }

    /// As [`line`](Self::line), for the line of this number: with the key and the rule that covers
    /// it.
    pub(crate) fn hit(&self, number: u64, text: &[u8]) -> Option<Hit> {
        let what = self.line(text)?;
        Some(self.placed(number, what, text))
    }

    fn placed(&self, line: u64, what: String, text: &[u8]) -> Hit {
        let known = &self.secrets.known;
        let key = rescue::key_of(text, &|part| scan::line(part, known).is_some());
        let step = std::str::from_utf8(text).ok();
        let step = step.and_then(|text| Step::parse("scanned", line, text.trim_end()).ok());
        let covers = |rules: Rules| {
            let mut redactor = Self::new(rules, [0; 32]);
            redactor.secrets.known = known.clone();
            let clean = redactor.step(step.clone()?).to_line();
            scan::line(clean.as_bytes(), known).is_none().then_some(())
        };
        let mut rules = rescue::rules(key.as_ref()).into_iter();
        let options = rules.find_map(|(said, rules)| covers(rules).map(|()| said));
        let key = key.map(|(key, _)| key);
        Hit {
            line,
            what,
            key,
            options,
        }
    }

    /// Looks through the whole text of a tape for what was redacted and for well-known secrets;
    /// the first that is found. A piece of it is in memory at a time.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn scan(&self, reader: impl BufRead) -> io::Result<Option<Hit>> {
        let found = scan::read(reader, &self.secrets.known)?;
        Ok(found.map(|(line, what, text)| self.placed(line, what, &text)))
    }

    /// How many redacted values are not looked for, because there were too many.
    pub fn left_out(&self) -> u64 {
        self.secrets.known.left_out()
    }

    /// Redacts an action that is no emit; says whether there was anything to redact.
    fn action(&mut self, action: &mut Action, conn: Conn) -> bool {
        match action {
            Action::Text(text) => self.text_message(text),
            Action::Binary(bytes)
            | Action::Bytes(bytes)
            | Action::Ping(bytes)
            | Action::Pong(bytes) => self.edit_message(bytes),
            Action::Close(Some(frame)) => self.free_text(&mut frame.reason),
            Action::Frame(frame) => self.frame(frame, conn),
            Action::Drop(_) => {
                self.fragments.ended(conn);
                false
            }
            Action::Accept(Some(accept)) => {
                let token = accept.token.as_mut();
                let token = token.is_some_and(|token| self.demanded(token));
                let body = self.body(&accept.body);
                let edited = body.is_some();
                accept.body = body.unwrap_or_else(|| accept.body.clone());
                self.headers(&mut accept.headers) | token | edited
            }
            Action::Refuse(Some(refusal)) => {
                let headers = self.headers(&mut refusal.headers);
                let body = self.body(&refusal.body);
                let edited = body.is_some();
                refusal.body = body.unwrap_or_else(|| refusal.body.clone());
                headers | edited
            }
            Action::Garbage(Some(garbage)) => self.head(&mut garbage.bytes),
            Action::Http(answer) => {
                let path = self.target(&mut answer.path);
                let headers = self.headers(&mut answer.headers);
                let body = self.body(&answer.body);
                let edited = body.is_some();
                answer.body = body.unwrap_or_else(|| answer.body.clone());
                path | headers | edited
            }
            Action::Received(received) => {
                // What rules name keeps its own placeholders; a login is what they leave.
                let ruled = self.received(received, conn);
                self.login(received) | ruled
            }
            Action::Mark(text) => self.free_text(text),
            Action::Expect(expect) => {
                let mirror = expect
                    .mirror
                    .as_mut()
                    .is_some_and(|mirror| self.json(mirror));
                let received = expect.received.as_mut();
                received.is_some_and(|received| self.received(received, conn)) | mirror
            }
            _ => false,
        }
    }

    fn received(&mut self, received: &mut Received, conn: Conn) -> bool {
        match received.kind {
            ReceivedKind::Fin | ReceivedKind::Reset => self.fragments.ended(conn),
            ReceivedKind::Frame => return self.received_frame(received, conn),
            // Part of a frame it may be, and then masked: nobody can look into it.
            ReceivedKind::Bytes if self.rules.touch_messages() => {
                return received
                    .binary
                    .replace(Bytes::new())
                    .is_some_and(|b| !b.is_empty())
                    | received.text.take().is_some();
            }
            _ => {}
        }
        let text = received
            .text
            .as_mut()
            .is_some_and(|text| self.text_message(text));
        let binary = received
            .binary
            .as_mut()
            .is_some_and(|bytes| self.edit_message(bytes));
        let reason = received
            .reason
            .as_mut()
            .is_some_and(|text| self.free_text(text));
        let path = received.path.as_mut().is_some_and(|path| self.target(path));
        self.headers(&mut received.headers) | text | binary | reason | path
    }

    /// Takes what a client logs in with out of a message of its own.
    fn login(&mut self, received: &mut Received) -> bool {
        let secrets = &mut self.secrets;
        let text = received.text.as_mut().is_some_and(|text| {
            let clean = client::text(text, secrets);
            replace(text, clean)
        });
        let binary = received.binary.as_mut().is_some_and(|bytes| {
            let clean = client::bytes(bytes, secrets);
            let changed = clean.is_some();
            *bytes = clean.map_or_else(|| bytes.clone(), Bytes::from);
            changed
        });
        text | binary
    }

    fn received_frame(&mut self, received: &mut Received, conn: Conn) -> bool {
        let shape = Shape {
            fin: received.fin.unwrap_or(true),
            rsv: received.rsv.unwrap_or(0),
            opcode: received.opcode.unwrap_or(0),
        };
        let (payload, as_text) = match (&received.text, &received.binary) {
            (Some(text), _) => (Bytes::copy_from_slice(text.as_bytes()), true),
            (None, Some(bytes)) => (bytes.clone(), false),
            (None, None) => (Bytes::new(), false),
        };
        let edited = self.frame_payload(conn, Side::Client, shape, &payload);
        if edited == payload {
            return false;
        }
        match String::from_utf8(edited.to_vec()) {
            Ok(text) if as_text => received.text = Some(text),
            _ => (received.text, received.binary) = (None, Some(edited)),
        }
        true
    }

    fn frame(&mut self, frame: &mut RawFrame, conn: Conn) -> bool {
        if !self.rules.touch_messages() {
            return false;
        }
        let shape = Shape {
            fin: frame.fin,
            rsv: frame.rsv,
            opcode: frame.opcode,
        };
        let payload = self.frame_payload(conn, Side::Engine, shape, &frame.payload);
        let changed = payload != frame.payload;
        frame.payload = payload;
        changed
    }

    fn frame_payload(&mut self, conn: Conn, side: Side, shape: Shape, payload: &Bytes) -> Bytes {
        match self.fragments.take(conn, side, shape, payload) {
            Payload::Is(payload) => Bytes::from_static(payload),
            Payload::Message(message) => self.message(&message).unwrap_or(message),
        }
    }

    /// A message's payload, redacted by the rules; `None` where it holds nothing that they name.
    fn message(&mut self, payload: &[u8]) -> Option<Bytes> {
        let edited = self.messages.edit(payload, &mut self.secrets);
        self.shaped(payload, edited)
    }

    /// An HTTP answer's body, likewise.
    fn body(&mut self, payload: &[u8]) -> Option<Bytes> {
        let edited = self.bodies.edit(payload, &mut self.secrets);
        self.shaped(payload, edited)
    }

    fn shaped(&mut self, payload: &[u8], edited: Option<Vec<u8>>) -> Option<Bytes> {
        let shaped = if self.rules.shapes {
            let payload = edited.as_deref().unwrap_or(payload);
            let shaped = shapes::redact_bytes(payload, &mut self.secrets);
            let again = self.secrets.again(shaped.as_deref().unwrap_or(payload));
            again.or(shaped)
        } else {
            None
        };
        if shaped.is_some() {
            self.secrets.matched(self.rules.shapes_number());
        }
        shaped.or(edited).map(Bytes::from)
    }

    fn edit_message(&mut self, payload: &mut Bytes) -> bool {
        let edited = self.message(payload);
        let changed = edited.is_some();
        if let Some(edited) = edited {
            *payload = edited;
        }
        changed
    }

    fn text_message(&mut self, text: &mut String) -> bool {
        let edited = self.message(text.as_bytes());
        let changed = edited.is_some();
        if let Some(edited) = edited {
            *text = String::from_utf8_lossy(&edited).into_owned();
        }
        changed
    }

    /// The token that a tape demands of clients. No recorder writes one, and who wrote it by hand
    /// needs it to be what the client sends, so it goes by rule alone.
    fn demanded(&mut self, token: &mut String) -> bool {
        let mut keys = self.rules.keys.iter();
        let ruled = keys.position(|key| key.eq_ignore_ascii_case("token"));
        let placeholder = ruled.map(|at| {
            self.secrets.matched(self.rules.key_number(at));
            self.secrets
                .text(token.as_bytes(), "the token of an accept")
        });
        replace(token, placeholder)
    }

    fn headers(&mut self, headers: &mut [(String, String)]) -> bool {
        for (at, rule) in self.rules.headers.iter().enumerate() {
            if headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(rule))
            {
                self.secrets.matched(self.rules.header_number(at));
            }
        }
        http::headers(headers, &self.rules.headers, &mut self.secrets)
    }

    fn target(&mut self, target: &mut String) -> bool {
        let clean = url::target(target, &mut self.secrets);
        let shaped = shapes::redact(clean.as_deref().unwrap_or(target), &mut self.secrets);
        replace(target, shaped.or(clean))
    }

    /// Bytes that may be an HTTP head.
    fn head(&mut self, bytes: &mut Bytes) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.edit_message(bytes);
        };
        let clean = http::head(text, &self.rules.headers, &mut self.secrets);
        let changed = clean.is_some();
        if let Some(clean) = clean {
            *bytes = clean.into();
        }
        self.edit_message(bytes) | changed
    }

    /// A text for people.
    fn free_text(&mut self, text: &mut String) -> bool {
        let urls = url::in_text(text, &mut self.secrets);
        let urls = replace(text, urls);
        let keys = self.messages.edit_keys(text.as_bytes(), &mut self.secrets);
        let keys = replace(
            text,
            keys.map(|keys| String::from_utf8_lossy(&keys).into_owned()),
        );
        let shaped = shapes::redact(text, &mut self.secrets);
        replace(text, shaped) | urls | keys
    }

    /// JSON that the format keeps as it stands.
    fn json(&mut self, json: &mut Box<RawValue>) -> bool {
        let keys = self
            .messages
            .edit_keys(json.get().as_bytes(), &mut self.secrets);
        let text = keys.map(|keys| String::from_utf8_lossy(&keys).into_owned());
        let urls = url::in_text(text.as_deref().unwrap_or(json.get()), &mut self.secrets);
        let edited = urls.or(text).map(RawValue::from_string);
        match edited {
            Some(Ok(edited)) => *json = edited,
            Some(Err(_)) | None => return false,
        }
        true
    }

    fn extensions(&mut self, extensions: &mut [(String, Box<RawValue>)]) -> bool {
        let mut changed = false;
        for (_, value) in extensions {
            changed |= self.json(value);
        }
        changed
    }
}

fn replace(text: &mut String, with: Option<String>) -> bool {
    match with {
        Some(with) => {
            let changed = *text != with;
            *text = with;
            changed
        }
        None => false,
    }
}

/// A step that was read, with its event changed within its line.
fn in_line(step: &Step, json: &Bytes, edited: &Bytes) -> Option<Step> {
    let raw = step.raw()?;
    let at = json.as_ptr().addr().checked_sub(raw.as_ptr().addr())?;
    let (before, rest) = raw.split_at_checked(at)?;
    let after = rest.strip_prefix(&json[..])?;
    let line = String::from_utf8([before, &edited[..], after].concat()).ok()?;
    Step::parse("redacted", step.line, &line).ok()
}
