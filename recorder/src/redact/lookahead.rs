//! Looks through a list or an object when it opens, to tell what it is: what tells that may come
//! after the values it matters for.

use super::escape::unescape;
use super::login::{self, Purpose, is_credential, is_login, is_secret_member};
use super::mnemonic::Words;
use super::open_value::Value;
use super::walker::{content_end, is_space};

/// How many items of a list may say that it is a login: Phoenix and OCPP number a message first.
const MAX_LIST_PURPOSES: usize = 4;

/// The message type of WAMP's AUTHENTICATE, a list of this number, a signature and an object.
const WAMP_AUTHENTICATE: &[u8] = b"5";

/// An empty object among the first items of a list, such as SignalR's headers.
const EMPTY: &[u8] = b"{}";

/// What an object is, judged by its own members.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Object {
    /// Whether it is a login: one of its members, or of the members of its head, says so.
    pub(super) login: bool,
    /// Whether one of its members names a channel or a topic with a word for a login in it.
    login_topic: bool,
    /// What its members tell about each other.
    pub(super) marks: Marks,
}

/// What a member of an object may tell about the members next to it and about those inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// There is a password, so the user next to it is part of a login.
    Credentials = 1,
    /// A member holds the name of a secret, and another member its value.
    NamesSecret = 2,
    /// It is a FIX logon, judged by its tags.
    FixLogon = 4,
    /// There is a secret, so everything next to it that looks like a secret is part of the login.
    Signed = 8,
    /// It proves something with a code.
    Proves = 16,
    /// It subscribes to topics, which may have the names of logins.
    Subscribes = 32,
    /// It is JSON-RPC, where parameters may have no names.
    JsonRpc = 64,
    /// It hands over a key.
    GivesKey = 128,
    /// It is the opening message of a client, which says who it is.
    Opens = 256,
    /// It is about a hash.
    OfHash = 512,
    /// A user is given by a short name, so that `p` is a password.
    ShortUser = 1024,
    /// It asks for the result of a contract's method.
    OfCall = 2048,
    /// It is for a Nostr relay, which publishes whatever it is given.
    Nostr = 4096,
    /// It has a slot, like a reference to a point in Cardano's chain.
    OfSlot = 8192,
}

/// A set of marks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks(u16);

impl Marks {
    pub(super) fn has(self, mark: Mark) -> bool {
        self.0 & mark as u16 != 0
    }

    fn add(&mut self, mark: Mark, holds: bool) {
        if holds {
            self.0 |= mark as u16;
        }
    }

    /// The marks that also hold for what is inside the object.
    pub(super) fn inherited(self) -> Self {
        Self(
            self.0
                & (Mark::Proves as u16
                    | Mark::Subscribes as u16
                    | Mark::Opens as u16
                    | Mark::Nostr as u16),
        )
    }

    pub(super) fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }
}

pub(super) fn next_is_colon(rest: &[u8]) -> bool {
    rest.iter().find(|b| !is_space(**b)) == Some(&b':')
}

pub(super) fn scalar_length(rest: &[u8]) -> usize {
    let more =
        |b: &&u8| !is_space(**b) && !matches!(b, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']');
    rest.iter().take_while(more).count().max(1)
}

/// The string that begins at its opening quote, and what follows it.
fn string(rest: &[u8]) -> Option<(String, &[u8])> {
    let content = rest.strip_prefix(b"\"")?;
    let end = content_end(content, 0);
    let said = String::from_utf8_lossy(&unescape(&content[..end])).into_owned();
    Some((said, content.get(end + 1..).unwrap_or_default()))
}

fn behind_spaces(rest: &[u8]) -> &[u8] {
    &rest[rest.iter().take_while(|b| is_space(**b)).count()..]
}

/// The marks of a message's outermost list, by what follows its bracket. Messages of a Nostr client
/// begin with one of these words, and an event has its author's key (NIP-01, NIP-45).
pub(super) fn outermost_list(rest: &[u8]) -> Marks {
    let mut marks = Marks::default();
    let Some((first, behind)) = string(behind_spaces(rest)) else {
        return marks;
    };
    let second = behind_spaces(behind).strip_prefix(b",");
    let second = behind_spaces(second.unwrap_or_default());
    let nostr = match first.as_str() {
        "REQ" | "COUNT" | "CLOSE" => second.starts_with(b"\""),
        "EVENT" => {
            second.starts_with(b"{") && names(second, b"\"pubkey\"") && names(second, b"\"sig\"")
        }
        _ => false,
    };
    marks.add(Mark::Nostr, nostr);
    marks
}

fn names(text: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find(text, name).is_some()
}

/// The index of the item that says that a list is a login, or of the name whose secret is the next
/// item; the text starts after the list's bracket. In a list of `topics` only a single word counts.
pub(super) fn list_login(rest: &[u8], topics: bool) -> Option<usize> {
    if !topics && is_secret_pair(rest) {
        return Some(0);
    }
    let mut rest = rest;
    let mut first: &[u8] = &[];
    for index in 0..MAX_LIST_PURPOSES {
        rest = behind_spaces(rest);
        if rest.starts_with(EMPTY) && index > 0 {
            rest = &rest[EMPTY.len()..];
        } else if let Some((said, behind)) = string(rest) {
            // A name and a value with an equals sign don't tell a purpose.
            let purpose = Purpose::of(&said);
            let word = !said.contains('=') && purpose.is_login();
            if word && !(topics && purpose.is_of_words()) {
                return Some(index);
            }
            rest = behind;
            if index == 1 && first == WAMP_AUTHENTICATE && is_last_object(rest) {
                return Some(0);
            }
        } else if matches!(rest.first()?, b'{' | b'[' | b'}' | b']') {
            return None;
        } else {
            let length = scalar_length(rest);
            if index == 0 {
                first = &rest[..length];
            }
            rest = &rest[length..];
        }
        rest = behind_spaces(rest).strip_prefix(b",")?;
    }
    None
}

/// Whether a list is the name of a secret and its value. Two plain words could be any list.
fn is_secret_pair(rest: &[u8]) -> bool {
    let pair = || {
        let (name, rest) = string(behind_spaces(rest))?;
        let rest = behind_spaces(rest).strip_prefix(b",")?;
        let (value, rest) = string(behind_spaces(rest))?;
        let is_word = value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let ends = behind_spaces(rest).starts_with(b"]");
        let is_name = !name.contains(['=', ' ']);
        Some(ends && is_name && !is_word && is_secret_member(&name, Value::Text(&value)))
    };
    pair().unwrap_or_default()
}

/// Whether a list consists of the words of a wallet's secret.
pub(super) fn is_mnemonic(rest: &[u8]) -> bool {
    let mut rest = rest;
    let mut words = Words::default();
    while let Some((word, behind)) = string(behind_spaces(rest)) {
        if !words.take(&word) {
            return false;
        }
        let behind = behind_spaces(behind);
        let Some(more) = behind.strip_prefix(b",") else {
            return behind.starts_with(b"]") && words.are_enough();
        };
        rest = more;
    }
    false
}

/// Whether a comma and an object follow, and the list ends with that.
fn is_last_object(rest: &[u8]) -> bool {
    let bare: Vec<u8> = rest.iter().copied().filter(|b| !is_space(*b)).collect();
    bare.starts_with(b",{") && bare.ends_with(b"}]")
}

/// What an object is, by what follows its brace.
pub(super) fn object(rest: &[u8]) -> Object {
    let mut found = Object::default();
    let (mut at, mut depth) = (0, 0_usize);
    let mut name: Option<String> = None;
    // Whether the member whose value comes next is the object's head, and whether that is being
    // read.
    let (mut is_head, mut head) = (false, false);
    while let Some(byte) = rest.get(at) {
        let looked_at = depth == 0 || depth == 1 && head;
        match byte {
            b'"' => {
                let end = content_end(rest, at + 1);
                if looked_at {
                    let said = unescape(&rest[(at + 1).min(end)..end]);
                    let said = String::from_utf8_lossy(&said).into_owned();
                    let behind = &rest[rest.len().min(end + 1)..];
                    if name.is_none() && next_is_colon(behind) {
                        is_head = depth == 0 && login::is_head(&said);
                        let credential = depth == 0 && is_credential(&said);
                        found.marks.add(Mark::Credentials, credential);
                        found.marks.add(Mark::OfSlot, depth == 0 && said == "slot");
                        name = Some(said);
                    } else if let Some(name) = name.take() {
                        found.member(&name, &said, depth);
                    }
                }
                at = rest.len().min(end + 1);
                continue;
            }
            b'[' | b'{' => {
                let name = name.take().filter(|_| looked_at);
                let purpose = name.as_deref().is_some_and(login::is_purpose);
                let list = *byte == b'[' && purpose;
                found.login |= list && list_login(&rest[at + 1..], false).is_some();
                let name = name.filter(|_| depth == 0);
                found.secret(name.as_deref(), Value::Container);
                head |= depth == 0 && is_head && *byte == b'{';
                depth += 1;
            }
            b'}' | b']' if depth == 0 => break,
            b'}' | b']' => {
                depth -= 1;
                head &= depth > 0;
            }
            b',' if looked_at => name = None,
            _ => {}
        }
        at += 1;
    }
    found.login |= found.login_topic && !found.marks.has(Mark::Subscribes);
    found
}

impl Object {
    /// Takes a member with a string as its value.
    fn member(&mut self, name: &str, value: &str, depth: usize) {
        if login::is_purpose(name) {
            let purpose = Purpose::of(value);
            let topic = login::is_topic(name) && purpose.is_of_words();
            let login = purpose.is_login();
            self.login_topic |= topic && login;
            self.login |= !topic && login;
            self.marks.add(Mark::Subscribes, purpose.subscribes());
            self.marks.add(Mark::Proves, purpose.proves());
            self.marks.add(Mark::GivesKey, purpose.gives_key());
            self.marks.add(Mark::Opens, purpose.opens());
            self.marks.add(Mark::OfHash, purpose.asks_for_hash());
            self.marks.add(Mark::OfCall, purpose.asks_for_call());
        }
        self.login |= is_mutation(name, value);
        if depth == 0 {
            let names_secret = login::is_naming(name) && is_secret_member(value, Value::Text(""));
            self.marks.add(Mark::NamesSecret, names_secret);
            self.marks.add(Mark::FixLogon, name == "35" && value == "A");
            self.marks.add(Mark::JsonRpc, name == "jsonrpc");
            self.marks.add(Mark::ShortUser, login::is_short_user(name));
            self.secret(Some(name), Value::Text(value));
        }
    }

    /// Notes whether a member is a secret. A bare `key` tells nothing about the members next to it,
    /// as many maps have one.
    fn secret(&mut self, name: Option<&str>, value: Value<'_>) {
        const KEY: &str = "key";
        let name = name.filter(|name| !name.eq_ignore_ascii_case(KEY));
        let signed = name.is_some_and(|name| is_secret_member(name, value));
        self.marks.add(Mark::Signed, signed);
    }
}

/// Whether a member is a GraphQL mutation with a word for a login near its beginning.
fn is_mutation(name: &str, value: &str) -> bool {
    /// How much of the text is searched: the names of an operation and its fields are shorter.
    const MAX_BEGIN_CHARS: usize = 96;
    let text = value.trim_start();
    name == "query" && text.starts_with("mutation") && {
        let begin: String = text.chars().take(MAX_BEGIN_CHARS).collect();
        let mut words = begin.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(is_login)
    }
}
