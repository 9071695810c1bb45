//! What a client sends, without what it logs in with; every other byte stays.
//!
//! A message is read token by token, as it may break off or be more than JSON. What a message is
//! for may stand behind what it logs in with, so that an object near the outside is looked through
//! once when it opens.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{escape, unescape};
use super::login::{self, LOGIN};
use super::mqtt;
use super::registry::SecretRegistry;
use super::shapes;
use super::texts;
use super::url::is_token_like;
use super::walker::{content_end, is_space};

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

/// What errors call what has the look of a signature.
const SIGNATURE: &str = "what looks like a signature in what a client sent";

/// A text that a client sent, without what it logs in with and without well-known secrets; `None`
/// where it holds nothing of the kind.
pub(super) fn text(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let mut clean = Cow::Borrowed(text);
    if let Some(edited) = texts::redact(&clean, secrets) {
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
    let edited = mqtt::redact(message, secrets);
    let edited = edited.or_else(|| Pass::new(message, secrets, 0).run());
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
    /// It is a login: what is in it is redacted but for what says so, which in a list are the items
    /// up to this one.
    login: Option<usize>,
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
        let Some(said) = container.login.filter(|_| self.deeper == 0) else {
            return self.named(value);
        };
        let kept = match &self.name {
            Some(name) => login::stays(name, value),
            None => container.array && container.index <= said,
        };
        (!kept).then_some(Why::Login)
    }

    fn named(&self, value: &str) -> Option<Why> {
        let name = self.name.as_ref()?;
        login::is_secret_member(name, value).then(|| Why::Named(name.clone()))
    }

    fn open(&mut self, array: bool) {
        let why = self.why("");
        let name = self.name.take();
        let is_purpose = name.as_deref().is_some_and(login::is_purpose);
        let is_head = name.as_deref().is_some_and(login::is_head);
        self.at += 1;
        if self.open.len() == MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        let rest = &self.text[self.at..];
        let login = if self.open.len() >= MAX_LOGIN_DEPTH {
            None
        } else if array {
            // What a purpose in a list says, its container has been told already.
            list_login(rest).filter(|_| !is_purpose)
        } else {
            object_is_login(rest).then_some(0)
        };
        let parent = self.open.last();
        let kept =
            (is_purpose || is_head) && parent.is_some_and(|container| container.login.is_some());
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

/// Items of a list among which one may say that it is a login: Phoenix and OCPP number a message
/// first.
const MAX_LIST_PURPOSES: usize = 4;

/// WAMP's number of a message that authenticates, which is a list of it, a signature and an object.
const WAMP_AUTHENTICATE: &[u8] = b"5";

/// Which item of a list, after its bracket, says that it is a login.
fn list_login(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut first: &[u8] = &[];
    for index in 0..MAX_LIST_PURPOSES {
        at += rest[at..].iter().take_while(|b| is_space(**b)).count();
        match rest.get(at)? {
            b'"' => {
                let end = content_end(rest, at + 1);
                let said = unescape(&rest[(at + 1).min(end)..end]);
                if login::is_login(&String::from_utf8_lossy(&said)) {
                    return Some(index);
                }
                at = rest.len().min(end + 1);
                if index == 1 && first == WAMP_AUTHENTICATE && is_last_object(&rest[at..]) {
                    return Some(0);
                }
            }
            b'{' | b'[' | b'}' | b']' => return None,
            _ => {
                let length = scalar_length(&rest[at..]);
                if index == 0 {
                    first = &rest[at..at + length];
                }
                at += length;
            }
        }
        at += rest[at..].iter().take_while(|b| is_space(**b)).count();
        if rest.get(at) != Some(&b',') {
            return None;
        }
        at += 1;
    }
    None
}

/// Whether a comma and an object follow, as the last of a list.
fn is_last_object(rest: &[u8]) -> bool {
    let bare: Vec<u8> = rest.iter().copied().filter(|b| !is_space(*b)).collect();
    bare.starts_with(b",{") && bare.ends_with(b"}]")
}

/// Whether an object, after its brace, has a member that says login: one of its own, or one of what
/// it calls its head.
fn object_is_login(rest: &[u8]) -> bool {
    let (mut at, mut depth) = (0, 0_usize);
    let mut purpose = false;
    // The member whose value comes is the object's head, or it is being read.
    let (mut is_head, mut head) = (false, false);
    while let Some(byte) = rest.get(at) {
        let looked_at = depth == 0 || depth == 1 && head;
        match byte {
            b'"' => {
                let start = at + 1;
                let end = content_end(rest, start);
                at = rest.len().min(end + 1);
                if !looked_at {
                    continue;
                }
                let said = unescape(&rest[start.min(end)..end]);
                let said = String::from_utf8_lossy(&said);
                if next_is_colon(&rest[at..]) && !purpose {
                    purpose = login::is_purpose(&said);
                    is_head = depth == 0 && login::is_head(&said);
                } else if std::mem::take(&mut purpose) && login::is_login(&said) {
                    return true;
                }
                continue;
            }
            b'[' if purpose && looked_at && list_login(&rest[at + 1..]).is_some() => return true,
            b'{' | b'[' => {
                head |= depth == 0 && is_head && *byte == b'{';
                purpose = false;
                depth += 1;
            }
            b'}' | b']' if depth == 0 => return false,
            b'}' | b']' => {
                depth -= 1;
                head &= depth > 0;
            }
            b',' if looked_at => purpose = false,
            _ => {}
        }
        at += 1;
    }
    false
}
