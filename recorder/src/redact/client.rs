//! What a client sends, without what it logs in with; every other byte stays.
//!
//! A message is read token by token, as it may break off or be more than JSON. What a message is
//! for may stand behind what it logs in with, so that an object near the outside is looked through
//! once when it opens.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::{escape, unescape};
use super::login;
use super::registry::SecretRegistry;
use super::shapes;
use super::url::{self, is_token_like};
use super::walker::{Token, Walker};

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
    walker: Walker<'t>,
    secrets: &'t mut SecretRegistry,
    nested: u8,
    open: Vec<Container>,
    /// Containers open within the last that is told apart.
    deeper: usize,
    /// The name of the member whose value comes.
    name: Option<String>,
}

impl<'t> Pass<'t> {
    fn new(text: &'t [u8], secrets: &'t mut SecretRegistry, nested: u8) -> Self {
        Self {
            walker: Walker::new(text),
            secrets,
            nested,
            open: Vec::new(),
            deeper: 0,
            name: None,
        }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        while let Some(token) = self.walker.next(self.name.is_some()) {
            match token {
                Token::Name(name) => {
                    let said = unescape(&self.walker.text()[name]);
                    self.name = Some(String::from_utf8_lossy(&said).into_owned());
                }
                Token::Text(content) => self.string(content),
                Token::Scalar(range) => self.scalar(range),
                Token::List => self.open(true),
                Token::Object => self.open(false),
                Token::Close => self.close(),
                Token::Comma => self.comma(),
            }
        }
        self.walker.finish()
    }

    fn string(&mut self, place: Range<usize>) {
        let said = unescape(&self.walker.text()[place.clone()]);
        let value = String::from_utf8_lossy(&said).into_owned();
        let why = self.why(&value);
        self.name = None;
        if let Some(why) = why {
            let placeholder = self.placeholder(&said, &value, &why);
            return self.walker.replace(place, placeholder.as_bytes());
        }
        if login::is_signature(&value) {
            let placeholder = self.secrets.text(&said, SIGNATURE);
            return self.walker.replace(place, placeholder.as_bytes());
        }
        if self.nested < MAX_NESTED_TEXTS && value.trim_start().starts_with(['{', '[']) {
            let pass = Pass::new(&said, self.secrets, self.nested + 1);
            if let Some(edited) = pass.run() {
                self.walker.replace(place, &escape(&edited));
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
        if self.open.len() == MAX_DEPTH {
            self.deeper += 1;
            return;
        }
        let rest = self.walker.rest();
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
        self.name = None;
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
        }
    }

    fn comma(&mut self) {
        self.name = None;
        if let Some(container) = self.open.last_mut().filter(|_| self.deeper == 0) {
            container.index += 1;
        }
    }

    /// A number, a word, or what is no JSON.
    fn scalar(&mut self, place: Range<usize>) {
        let text = String::from_utf8_lossy(&self.walker.text()[place.clone()]).into_owned();
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
            _ if text.parse::<f64>().is_ok() => self.walker.replace(place, b"0"),
            _ => {
                let said = text.as_bytes();
                let placeholder = self.placeholder(said, &text, &why);
                self.walker
                    .replace(place, format!("\"{placeholder}\"").as_bytes());
            }
        }
    }
}

/// Whether a list, after its bracket, begins with a word that says login.
fn list_is_login(rest: &[u8]) -> bool {
    first_string(rest).is_some_and(|first| login::is_login(&first))
}

/// The string that a list, after its bracket, begins with.
fn first_string(rest: &[u8]) -> Option<String> {
    match Walker::new(rest).next(true)? {
        Token::Text(place) => Some(said(&rest[place])),
        _ => None,
    }
}

/// Whether an object, after its brace, has a member of its own that says login.
fn object_is_login(rest: &[u8]) -> bool {
    let mut walker = Walker::new(rest);
    let mut depth = 0_usize;
    // The name that was read last is that of a purpose.
    let mut purpose = false;
    while let Some(token) = walker.next(purpose) {
        match token {
            Token::Name(name) if depth == 0 => purpose = login::is_purpose(&said(&rest[name])),
            Token::Text(value) if depth == 0 => {
                let is_purpose = std::mem::take(&mut purpose);
                if is_purpose && login::is_login(&said(&rest[value])) {
                    return true;
                }
            }
            Token::List if depth == 0 && purpose && list_is_login(walker.rest()) => return true,
            Token::List | Token::Object => depth += 1,
            Token::Close if depth == 0 => return false,
            Token::Close => depth -= 1,
            Token::Comma if depth == 0 => purpose = false,
            _ => {}
        }
    }
    false
}

/// What stands between the quotes of a string, as it is meant.
fn said(content: &[u8]) -> String {
    String::from_utf8_lossy(&unescape(content)).into_owned()
}
