//! What a client sends, without what it logs in with; every other byte stays.
//!
//! A message is read token by token, as it may break off or be more than JSON. What a message is
//! for may stand behind what it logs in with, so that an object near the outside is looked through
//! once when it opens.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{escape, unescape};
use super::json::{content_end, is_space};
use super::login;
use super::registry::SecretRegistry;
use super::shapes;
use super::url::{self, is_token_like};

/// How often JSON in a string of JSON is read too.
const MAX_NESTED_TEXTS: u8 = 4;

/// Containers within each other that are told apart; what lies deeper is part of the last.
const MAX_DEPTH: usize = 64;

/// Containers within each other in which a login is looked for: a batch, a request, its payload.
const MAX_LOGIN_DEPTH: usize = 4;

/// Of what is redacted only because it stands in a login, so long and longer strings are looked
/// for elsewhere too, where they have the look of a token: shorter ones are words that stand
/// anywhere.
const MIN_KNOWN_TOKEN_BYTES: usize = 16;

/// What errors call what stands in a login.
const LOGIN: &str = "what a client sent to log in";

/// What errors call what has the look of a signature.
const SIGNATURE: &str = "what looks like a signature in what a client sent";

/// A text that a client sent, without what it logs in with and without well-known secrets; `None`
/// where it holds nothing of the kind.
pub(super) fn text(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut clean = Cow::Borrowed(text);
    if let Some(edited) = lines(&clean, secrets) {
        clean = Cow::Owned(edited);
    }
    if let Some(edited) = bytes(clean.as_bytes(), secrets) {
        clean = Cow::Owned(String::from_utf8_lossy(&edited).into_owned());
    }
    match clean {
        Cow::Owned(clean) if clean != text => Some(clean),
        _ => None,
    }
}

/// As [`text`], for bytes.
pub(super) fn bytes(message: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let edited = plain(message, secrets).or_else(|| Pass::new(message, secrets, 0).run());
    let shaped = shapes::redact_bytes(edited.as_deref().unwrap_or(message), secrets);
    shaped.or(edited).filter(|edited| edited != message)
}

/// What the first string is called that a client logs in with in this message.
pub(super) fn find(message: &[u8]) -> Option<String> {
    // Nothing that is made here is kept, so the key is nobody's.
    let mut secrets = SecretRegistry::new(&[0; 32]);
    match std::str::from_utf8(message) {
        Ok(message) => drop(text(message, &mut secrets)),
        Err(_) => drop(bytes(message, &mut secrets)),
    }
    secrets.first().map(str::to_owned)
}

/// A text that is no JSON.
fn plain(message: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(message).ok()?;
    let (first, rest) = text.split_once([' ', '\t'])?;
    if login::is_login(first) && !first.contains([':', '=', '{', '"']) {
        let placeholder = secrets.text(rest.trim_end().as_bytes(), LOGIN);
        return Some(format!("{first} {placeholder}").into());
    }
    None
}

/// Lines of a head, as STOMP has them, and pairs of a form.
fn lines(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    if text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    if text.contains('=') && !text.contains(char::is_whitespace) {
        let clean = url::target(&format!("?{text}"), secrets)?;
        return Some(clean[1..].to_owned());
    }
    let mut changed = false;
    let lines = text.split_inclusive('\n').map(|line| {
        let bare = line.trim_end_matches(['\r', '\n', '\0']);
        match bare.split_once(':') {
            Some((name, value)) if is_name(name) && login::is_secret_member(name, value) => {
                let value = value.trim();
                let placeholder = secrets.text(value.as_bytes(), LOGIN);
                changed |= placeholder != value && !value.is_empty();
                Cow::Owned(line.replacen(value, &placeholder, 1))
            }
            _ => Cow::Borrowed(line),
        }
    });
    let clean: String = lines.collect();
    changed.then_some(clean)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Why a value is redacted.
#[derive(Debug, Clone)]
enum Why {
    /// A member of this name is secret.
    Named(String),
    /// It stands in a login.
    Login,
}

/// An open container.
#[derive(Debug)]
struct Container {
    array: bool,
    index: usize,
    /// It is a login: what is in it is redacted but for what says so.
    login: bool,
    /// All that is in it is redacted.
    blank: Option<Why>,
}

struct Pass<'t> {
    text: &'t [u8],
    secrets: &'t mut SecretRegistry,
    nested: u8,
    at: usize,
    out: Vec<u8>,
    copied: usize,
    open: Vec<Container>,
    /// Containers open within the last that is told apart.
    deeper: usize,
    /// The name of the member whose value comes.
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
        if let Some(why) = self.why(&value) {
            let placeholder = self.placeholder(&said, &value, &why);
            return self.replace(start..end, placeholder.as_bytes());
        }
        self.name = None;
        if login::is_signature(&value) {
            let placeholder = self.secrets.text(&said, SIGNATURE);
            return self.replace(start..end, placeholder.as_bytes());
        }
        if self.nested < MAX_NESTED_TEXTS && value.trim_start().starts_with(['{', '[']) {
            let pass = Pass::new(&said, self.secrets, self.nested + 1);
            if let Some(edited) = pass.run() {
                self.replace(start..end, &escape(&edited));
            }
        }
    }

    fn placeholder(&mut self, said: &[u8], value: &str, why: &Why) -> String {
        match why {
            Why::Named(name) => {
                let what = format!("the value of the key {name:?}, which a client sent");
                self.secrets.text(said, &what)
            }
            Why::Login if is_token_like(value, MIN_KNOWN_TOKEN_BYTES) => {
                self.secrets.text(said, LOGIN)
            }
            Why::Login => self.secrets.hide(said, LOGIN),
        }
    }

    /// Why the value that begins here is redacted, if it is; `value` is the string that it is.
    fn why(&mut self, value: &str) -> Option<Why> {
        let Some(container) = self.open.last() else {
            return self.named(value);
        };
        if container.blank.is_some() {
            return container.blank.clone();
        }
        if !container.login || self.deeper > 0 {
            return self.named(value);
        }
        let kept = match &self.name {
            Some(name) => login::stays(name, value),
            None => container.array && container.index == 0,
        };
        (!kept).then_some(Why::Login)
    }

    fn named(&self, value: &str) -> Option<Why> {
        let name = self.name.as_ref()?;
        login::is_secret_member(name, value).then(|| Why::Named(name.clone()))
    }

    fn open(&mut self, array: bool) {
        let why = self.why("");
        let is_purpose = self
            .name
            .take()
            .is_some_and(|name| login::is_purpose(&name));
        self.at += 1;
        if self.open.len() == MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        let rest = &self.text[self.at..];
        let login = self.open.len() < MAX_LOGIN_DEPTH
            && if array {
                // What a purpose in a list says, its container has been told already.
                !is_purpose && list_is_login(rest)
            } else {
                object_is_login(rest)
            };
        let kept = is_purpose && self.open.last().is_some_and(|container| container.login);
        self.open.push(Container {
            array,
            index: 0,
            login,
            blank: if kept { None } else { why },
        });
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

    /// A number, a word, or what is no JSON.
    fn scalar(&mut self) {
        let start = self.at;
        let length = scalar_length(&self.text[start..]);
        self.at += length;
        let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        let why = self.why("");
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

fn next_is_colon(rest: &[u8]) -> bool {
    rest.iter().find(|b| !is_space(**b)) == Some(&b':')
}

fn scalar_length(rest: &[u8]) -> usize {
    let more =
        |b: &&u8| !is_space(**b) && !matches!(b, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']');
    rest.iter().take_while(more).count().max(1)
}

/// Whether a list, after its bracket, begins with a word that says login.
fn list_is_login(rest: &[u8]) -> bool {
    first_string(rest).is_some_and(|first| login::is_login(&first))
}

/// The string that a list, after its bracket, begins with.
fn first_string(rest: &[u8]) -> Option<String> {
    let gap = rest.iter().take_while(|b| is_space(**b)).count();
    let start = gap + 1;
    (rest.get(gap) == Some(&b'"')).then(|| {
        let end = content_end(rest, start);
        String::from_utf8_lossy(&unescape(&rest[start.min(end)..end])).into_owned()
    })
}

/// Whether an object, after its brace, has a member of its own that says login.
fn object_is_login(rest: &[u8]) -> bool {
    let (mut at, mut depth) = (0, 0_usize);
    let mut purpose = false;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                let end = content_end(rest, start);
                at = rest.len().min(end + 1);
                if depth > 0 {
                    continue;
                }
                let said = unescape(&rest[start.min(end)..end]);
                let said = String::from_utf8_lossy(&said);
                if next_is_colon(&rest[at..]) && !purpose {
                    purpose = login::is_purpose(&said);
                } else if std::mem::take(&mut purpose) && login::is_login(&said) {
                    return true;
                }
                continue;
            }
            b'[' if purpose && depth == 0 && list_is_login(&rest[at + 1..]) => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return false,
            b'}' | b']' => depth -= 1,
            b',' if depth == 0 => purpose = false,
            _ => {}
        }
        at += 1;
    }
    false
}
