//! Redacts what a client logs in with from its messages, and leaves every other byte unchanged.
//!
//! A message is read token by token, because it may be cut off or contain more than JSON. What
//! tells that a message is a login may come after the secrets in it, so each object near the
//! outside is examined once when it opens.

use std::borrow::Cow;
use std::ops::Range;

use super::console;
use super::escape::{escape, unescape};
use super::fix;
use super::login;
use super::lookahead::{self, Mark, Marks, Object, list_login, next_is_colon, scalar_length};
use super::mqtt;
use super::names::is_token_like;
use super::open_value::Value;
use super::packed::Packed;
use super::pieces::{self, SIGNATURE};
use super::postgres;
use super::protobuf;
use super::public::{self, Place};
use super::registry::SecretRegistry;
use super::sasl;
use super::sdp;
use super::shapes;
use super::texts;
use super::walker::{content_end, is_space};

/// How many levels of JSON in strings of JSON are read.
const MAX_NESTED_TEXTS: u8 = 4;

/// How many levels of containers are distinguished; deeper ones are part of the last.
const MAX_DEPTH: usize = 64;

/// How many levels of containers are searched for a login: a batch, a request, its payload.
const MAX_LOGIN_DEPTH: usize = 4;

/// The beginning of a Socket.IO CONNECT packet.
const SOCKET_IO_CONNECT: &[u8] = b"40";

/// Redacts logins and well-known secrets in a text that a client sent; `None` if it holds none.
pub(super) fn text(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut clean = Cow::Borrowed(text);
    if let Some(edited) = texts::redact(&clean, secrets) {
        clean = Cow::Owned(edited);
    }
    if let Some(edited) = json(clean.as_bytes(), secrets) {
        clean = Cow::Owned(String::from_utf8_lossy(&edited).into_owned());
    }
    match clean {
        Cow::Owned(clean) if clean != text => Some(clean),
        _ => None,
    }
}

/// Like [`text`], for bytes: MQTT, `PostgreSQL`'s protocol, a text, MessagePack or CBOR, protobuf,
/// or an unknown format.
pub(super) fn bytes(message: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    if let Some(edited) = mqtt::redact(message, secrets) {
        return Some(edited).filter(|edited| edited != message);
    }
    if let Some(edited) = postgres::redact(message, secrets) {
        return Some(edited);
    }
    let protobuf = message.iter().copied().any(is_control) && protobuf::is_one(message);
    if let (Ok(message), false) = (std::str::from_utf8(message), protobuf) {
        return text(message, secrets).map(String::into_bytes);
    }
    let mut edited = packed(message, secrets);
    if edited.is_none() && protobuf {
        edited = protobuf::redact(message, secrets);
    } else if edited.is_none() {
        edited = json(message, secrets);
    }
    for look in [sdp::redact_bytes, sasl::redact, pieces::redact_bytes] {
        edited = look(edited.as_deref().unwrap_or(message), secrets).or(edited);
    }
    edited
}

/// Whether a byte does not occur in texts for people.
fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !b"\t\r\n".contains(&byte)
}

/// Redacts MessagePack or CBOR, each value through its JSON equivalent.
fn packed(message: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(message.len());
    for packed in Packed::all(message)? {
        let edited = json(packed.json().as_bytes(), secrets);
        let edited = edited.and_then(|edited| packed.edited(&edited));
        out.extend_from_slice(edited.as_deref().unwrap_or(packed.bytes()));
    }
    (out != message).then_some(out)
}

/// Redacts JSON, or a text with JSON in it.
fn json(message: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let edited = Pass::new(message, secrets, 0).run();
    let shaped = shapes::redact_bytes(edited.as_deref().unwrap_or(message), secrets);
    shaped.or(edited).filter(|edited| edited != message)
}

/// The name of the first secret that a client logs in with in this message.
pub(super) fn find(message: &[u8]) -> Option<String> {
    // The placeholders made here are not used, so the key does not matter.
    let mut secrets = SecretRegistry::new(&[0; 32]);
    match std::str::from_utf8(message) {
        Ok(said) => {
            text(said, &mut secrets);
            // Bytes that are valid text may still be in a binary format with lengths and numbers.
            if secrets.first().is_none() && said.bytes().any(is_control) {
                bytes(message, &mut secrets);
            }
        }
        Err(_) => drop(bytes(message, &mut secrets)),
    }
    secrets.first().map(str::to_owned)
}

/// Why a value is redacted.
#[derive(Debug, Clone)]
enum Why {
    /// It belongs to a member with a secret's name.
    Named(String),
    /// It is in a login.
    Login,
}

/// An open container.
#[derive(Debug)]
struct Container {
    array: bool,
    index: usize,
    /// Set if it is a login: everything in it is redacted except what says that it is one. In a
    /// list these are the items up to this index.
    login: Option<usize>,
    /// What is known of it, if it is an object.
    object: Object,
    /// Set if everything in it is redacted.
    blank: Option<Why>,
    /// The name of the member that it is the value of, or of the list of that name around it.
    name: Option<String>,
    /// What is known of it from the containers around it.
    marks: Marks,
}

struct Pass<'t> {
    text: &'t [u8],
    secrets: &'t mut SecretRegistry,
    nested: u8,
    at: usize,
    out: Vec<u8>,
    copied: usize,
    open: Vec<Container>,
    /// How many containers are open below the last level that is distinguished.
    deeper: usize,
    /// The name of the member with the value that comes next.
    name: Option<String>,
}

impl<'t> Pass<'t> {
    fn new(text: &'t [u8], secrets: &'t mut SecretRegistry, nested: u8) -> Self {
        Self {
            text,
            secrets,
            nested,
            at: 0,
            out: Vec::new(),
            copied: 0,
            open: Vec::new(),
            deeper: 0,
            name: None,
        }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => self.open(*byte == b'['),
                b'}' | b']' => self.close(),
                b',' => self.comma(),
                b':' => self.at += 1,
                byte if is_space(*byte) => self.at += 1,
                _ => self.scalar(),
            }
        }
        if self.copied == 0 {
            return None;
        }
        self.out.extend_from_slice(&self.text[self.copied..]);
        Some(self.out)
    }

    fn string(&mut self) {
        let start = self.at + 1;
        let end = content_end(self.text, start);
        self.at = self.text.len().min(end + 1);
        let said = unescape(&self.text[start..end]);
        if self.name.is_none() && next_is_colon(&self.text[self.at..]) {
            self.name = Some(String::from_utf8_lossy(&said).into_owned());
            return;
        }
        let value = String::from_utf8_lossy(&said).into_owned();
        if let Some(why) = self.why(Value::Text(&value)) {
            let placeholder = self.placeholder(&said, &value, &why);
            return self.replace(start..end, placeholder.as_bytes());
        }
        let public = self.is_public(&value);
        let list = self
            .open
            .last()
            .and_then(|container| container.name.clone());
        let name = self.name.take().or(list);
        if public {
            return;
        }
        if let Some(edited) = console::redact(name.as_deref(), &value, self.secrets) {
            return self.replace(start..end, &escape(edited.as_bytes()));
        }
        if login::is_signature(&value) {
            let placeholder = self.secrets.text(&said, SIGNATURE);
            return self.replace(start..end, placeholder.as_bytes());
        }
        if let Some(edited) = self.nested(&said, &value) {
            self.replace(start..end, &escape(&edited));
        }
    }

    /// Redacts the content of a string that contains something else: JSON, lines of a protocol that
    /// SockJS and the like put into a list, or a token among other text.
    fn nested(&mut self, said: &[u8], value: &str) -> Option<Vec<u8>> {
        if value.trim_start().starts_with(['{', '[']) && !texts::is_section(value.trim_start()) {
            let nested = self.nested + 1;
            return (nested <= MAX_NESTED_TEXTS)
                .then(|| Pass::new(said, self.secrets, nested).run())?;
        }
        let lines = value
            .contains('\n')
            .then(|| texts::redact(value, self.secrets));
        let clean = lines.unwrap_or_else(|| texts::value(value, self.secrets));
        clean.map(String::into_bytes)
    }

    /// Whether a string that looks like a key or a signature is public.
    fn is_public(&self, value: &str) -> bool {
        let container = self.open.last();
        let here = container.map(|container| container.object.marks.with(container.marks));
        let root = self.open.first().map(|root| root.object.marks);
        public::is_public(
            value,
            Place {
                name: self.name.as_deref(),
                of: container.and_then(|container| container.name.as_deref()),
                outermost: self.open.len() == 1 && self.name.is_none(),
                root: root.unwrap_or_default(),
                here: here.unwrap_or_default(),
            },
        )
    }

    fn placeholder(&mut self, said: &[u8], value: &str, why: &Why) -> String {
        match why {
            Why::Named(name) => {
                let what = format!("the value of the key {name:?}, which a client sent");
                self.secrets.text(said, &what)
            }
            Why::Login => self.secrets.of_login(said, value),
        }
    }

    /// Why the value that begins here is redacted, if it is.
    fn why(&mut self, value: Value<'_>) -> Option<Why> {
        let Some(container) = self.open.last() else {
            return self.named(value);
        };
        if container.blank.is_some() {
            return container.blank.clone();
        }
        let Some(said) = container.login.filter(|_| self.deeper == 0) else {
            return self.named(value);
        };
        let text = match value {
            Value::Text(text) | Value::Scalar(text) => text,
            Value::Container => "",
        };
        let kept = match &self.name {
            Some(name) => login::stays(name, text),
            None => container.array && container.index <= said,
        };
        (!kept).then_some(Why::Login)
    }

    /// Why a value is redacted because of a name, its own or that of the list that contains it.
    fn named(&self, value: Value<'_>) -> Option<Why> {
        let container = self.open.last();
        let of_list = container.filter(|container| container.array && self.deeper == 0);
        let of_list = of_list.and_then(|container| container.name.as_ref());
        let name = self.name.as_ref().or(of_list)?;
        // The signature of a Nostr event is called `sig` and is public.
        let shown = container.is_some_and(|container| container.marks.has(Mark::Nostr));
        if shown && matches!(value, Value::Text(text) if self.is_public(text)) {
            return None;
        }
        let secret = login::is_secret_member(name, value) || self.is_secret_here(name, value);
        secret.then(|| Why::Named(name.clone()))
    }

    /// Whether a value is secret because of its name and the other members of its object.
    fn is_secret_here(&self, name: &str, value: Value<'_>) -> bool {
        let Some(container) = self.open.last().filter(|_| self.deeper == 0) else {
            return false;
        };
        let has = |mark| container.object.marks.has(mark);
        let text = match value {
            Value::Text(text) => text,
            Value::Scalar(_) | Value::Container => "",
        };
        let drawn =
            || login::is_drawn(text) && !login::is_reference(name) && !login::is_public_name(name);
        let beside = has(Mark::Signed) && (login::is_bare_key(name) || drawn());
        let coming = container
            .object
            .marks
            .with(container.marks)
            .has(Mark::Opens);
        let coming = coming && !text.is_empty();
        has(Mark::Credentials) && login::is_user(name)
            || has(Mark::NamesSecret) && login::is_value(name)
            || has(Mark::FixLogon) && fix::SECRETS.contains(&name)
            || container.marks.has(Mark::Proves) && login::is_code(name)
            || has(Mark::Credentials) && login::is_uuid(text) && !login::is_reference(name)
            || coming && login::is_token(name)
            || coming && has(Mark::ShortUser) && login::is_short_password(name, text)
            || beside
            || is_of_a_secret(container, name, text)
    }

    fn open(&mut self, array: bool) {
        let why = self.why(Value::Container);
        let inherited = self.open.last();
        let inherited = inherited.map(|container| (container.name.clone(), container.marks));
        let (list, marks) = inherited.unwrap_or_default();
        let name = self.name.take();
        let is_purpose = name.as_deref().is_some_and(login::is_purpose);
        let is_head = name.as_deref().is_some_and(login::is_head);
        self.at += 1;
        if self.open.len() == MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        let rest = &self.text[self.at..];
        let (mut login, mut object) = (None, Object::default());
        let mut mnemonic = false;
        if array && self.open.is_empty() {
            object.marks = lookahead::outermost_list(rest);
        }
        if self.open.len() < MAX_LOGIN_DEPTH {
            if array {
                // A list of topics is known to be one from the container around it.
                let topic = name
                    .as_deref()
                    .is_some_and(|name| login::is_topic(name) || login::is_of_symbols(name));
                let topics = marks.has(Mark::Subscribes);
                login = list_login(rest, topics).filter(|_| !topic);
                mnemonic = lookahead::is_mnemonic(rest);
            } else {
                object = lookahead::object(rest);
                object.login |= self.is_socket_io_login();
                login = object.login.then_some(0);
            }
        }
        let parent = self.open.last();
        let kept =
            (is_purpose || is_head) && parent.is_some_and(|container| container.login.is_some());
        self.open.push(Container {
            array,
            index: 0,
            login,
            object,
            blank: if kept {
                None
            } else {
                why.or_else(|| mnemonic.then_some(Why::Login))
            },
            name: name.or_else(|| list.filter(|_| array)),
            marks: object.marks.inherited().with(marks),
        });
    }

    /// Whether the object that begins here is the payload of a Socket.IO CONNECT packet: it is
    /// called `auth`, and is for logging in.
    fn is_socket_io_login(&self) -> bool {
        self.nested == 0 && self.open.is_empty() && self.text.starts_with(SOCKET_IO_CONNECT)
    }

    fn close(&mut self) {
        self.at += 1;
        self.name = None;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
        }
    }

    fn comma(&mut self) {
        self.at += 1;
        self.name = None;
        if let Some(container) = self.open.last_mut().filter(|_| self.deeper == 0) {
            container.index += 1;
        }
    }

    /// Reads a number, a word, or something that is not JSON.
    fn scalar(&mut self) {
        let start = self.at;
        let length = scalar_length(&self.text[start..]);
        self.at += length;
        let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        let why = self.why(Value::Scalar(&text));
        let kept = self
            .name
            .take()
            .is_some_and(|name| login::stays(&name, &text));
        let Some(why) = why.filter(|_| !kept) else {
            return;
        };
        match text.as_str() {
            "null" | "true" | "false" | "0" => {}
            _ if text.parse::<f64>().is_ok() => self.replace(start..self.at, b"0"),
            _ => {
                let said = text.as_bytes();
                let placeholder = self.placeholder(said, &text, &why);
                self.replace(start..self.at, format!("\"{placeholder}\"").as_bytes());
            }
        }
    }

    fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        self.name = None;
        self.out
            .extend_from_slice(&self.text[self.copied..range.start]);
        self.out.extend_from_slice(with);
        self.copied = range.end;
    }
}

/// Whether a string is the secret that its object is named after, as in `"session":{"id":"…"}`.
fn is_of_a_secret(container: &Container, name: &str, text: &str) -> bool {
    const MIN_TOKEN_BYTES: usize = 16;
    let of = container.name.as_deref();
    let secret = of.is_some_and(|of| login::is_secret_member(of, Value::Text(text)));
    let itself = login::is_value(name) || login::is_id(name);
    secret && !text.is_empty() && (itself || is_token_like(text, MIN_TOKEN_BYTES))
}
