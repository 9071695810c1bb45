//! What a list or an object is, told by looking through it when it opens: what says so may stand
//! behind what it is said of.

use super::escape::unescape;
use super::login::{self, is_credential, is_login, is_secret_member};
use super::walker::{content_end, is_space};

/// Items of a list among which one may say that it is a login: Phoenix and OCPP number a message
/// first.
const MAX_LIST_PURPOSES: usize = 4;

/// WAMP's number of a message that authenticates, which is a list of it, a signature and an object.
const WAMP_AUTHENTICATE: &[u8] = b"5";

/// An object that stands in a list as SignalR's headers do, and holds nothing.
const EMPTY: &[u8] = b"{}";

/// What an object is, told by its own members.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Object {
    /// It is to log in: one of its members, or one of what it calls its head, says so.
    pub(super) login: bool,
    /// Which of its other members are secret.
    pub(super) marks: Marks,
}

/// What members of an object say of those beside them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Marks {
    /// It holds a password, so that its user is one who logs in.
    pub(super) credentials: bool,
    /// It names a secret in one member, whose value stands in another.
    pub(super) names_secret: bool,
    /// It is a logon of FIX by its tags.
    pub(super) fix_logon: bool,
}

pub(super) fn next_is_colon(rest: &[u8]) -> bool {
    rest.iter().find(|b| !is_space(**b)) == Some(&b':')
}

pub(super) fn scalar_length(rest: &[u8]) -> usize {
    let more =
        |b: &&u8| !is_space(**b) && !matches!(b, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']');
    rest.iter().take_while(more).count().max(1)
}

/// The string that begins at its quote, and what is behind it.
fn string(rest: &[u8]) -> Option<(String, &[u8])> {
    let content = rest.strip_prefix(b"\"")?;
    let end = content_end(content, 0);
    let said = String::from_utf8_lossy(&unescape(&content[..end])).into_owned();
    Some((said, content.get(end + 1..).unwrap_or_default()))
}

fn behind_spaces(rest: &[u8]) -> &[u8] {
    &rest[rest.iter().take_while(|b| is_space(**b)).count()..]
}

/// Which item of a list, after its bracket, says that it is a login, or what the next item is a
/// secret of.
pub(super) fn list_login(rest: &[u8]) -> Option<usize> {
    if is_secret_pair(rest) {
        return Some(0);
    }
    let mut rest = rest;
    let mut first: &[u8] = &[];
    for index in 0..MAX_LIST_PURPOSES {
        rest = behind_spaces(rest);
        if rest.starts_with(EMPTY) && index > 0 {
            rest = &rest[EMPTY.len()..];
        } else if let Some((said, behind)) = string(rest) {
            if is_login(&said) {
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

/// Whether a list is a name and its value, and the name says secret. Two words may be any list.
fn is_secret_pair(rest: &[u8]) -> bool {
    let pair = || {
        let (name, rest) = string(behind_spaces(rest))?;
        let rest = behind_spaces(rest).strip_prefix(b",")?;
        let (value, rest) = string(behind_spaces(rest))?;
        let is_word = value.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let ends = behind_spaces(rest).starts_with(b"]");
        Some(ends && !is_word && is_secret_member(&name, &value))
    };
    pair().unwrap_or_default()
}

/// Whether a comma and an object follow, as the last of a list.
fn is_last_object(rest: &[u8]) -> bool {
    let bare: Vec<u8> = rest.iter().copied().filter(|b| !is_space(*b)).collect();
    bare.starts_with(b",{") && bare.ends_with(b"}]")
}

/// What an object is, after its brace.
pub(super) fn object(rest: &[u8]) -> Object {
    let mut found = Object::default();
    let (mut at, mut depth) = (0, 0_usize);
    let mut name: Option<String> = None;
    // The member whose value comes is the object's head, or it is being read.
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
                        found.marks.credentials |= depth == 0 && is_credential(&said);
                        name = Some(said);
                    } else if let Some(name) = name.take() {
                        found.member(&name, &said, depth);
                    }
                }
                at = rest.len().min(end + 1);
                continue;
            }
            b'[' | b'{' => {
                let purpose = name.take().is_some_and(|name| login::is_purpose(&name));
                let list = *byte == b'[' && purpose && looked_at;
                found.login |= list && list_login(&rest[at + 1..]).is_some();
                head |= depth == 0 && is_head && *byte == b'{';
                depth += 1;
            }
            b'}' | b']' if depth == 0 => return found,
            b'}' | b']' => {
                depth -= 1;
                head &= depth > 0;
            }
            b',' if looked_at => name = None,
            _ => {}
        }
        at += 1;
    }
    found
}

impl Object {
    /// A member whose value is a string.
    fn member(&mut self, name: &str, value: &str, depth: usize) {
        self.login |= login::is_purpose(name) && is_login(value) || is_mutation(name, value);
        if depth == 0 {
            self.marks.names_secret |= login::is_naming(name) && is_secret_member(value, "");
            self.marks.fix_logon |= name == "35" && value == "A";
        }
    }
}

/// Whether that is GraphQL's text of a mutation that says login near its beginning.
fn is_mutation(name: &str, value: &str) -> bool {
    /// Names of operations and fields are shorter than that.
    const MAX_BEGIN_CHARS: usize = 96;
    let text = value.trim_start();
    name == "query" && text.starts_with("mutation") && {
        let begin: String = text.chars().take(MAX_BEGIN_CHARS).collect();
        let mut words = begin.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(is_login)
    }
}
