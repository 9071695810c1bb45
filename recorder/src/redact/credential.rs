//! Decides what a pattern alone can't: whether a shape's match in a text is a secret, and where
//! exactly.
//!
//! Nothing here looks further than a bounded distance beyond the match, so the work stays linear in
//! the text.

use std::ops::Range;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::names::{is_secret_name, words};
use Weighed::{Nothing, Secret};

/// Shorter values of a secret's name are not taken for secrets.
const MIN_VALUE_BYTES: usize = 8;

/// A bearer token of at least this length needs no digit.
const MIN_LETTERS: usize = 20;

/// How many bytes of a name are read before the word that matched.
const MAX_NAME_BYTES: usize = 64;

/// The longest PEM block of a private key, in bytes: an RSA key of 16,384 bits takes 13 KiB.
const MAX_PEM_BYTES: usize = 16 << 10;

/// Base64 as in a basic credential, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What a match turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Weighed {
    /// A secret at this position.
    Secret(Range<usize>),
    /// Not a secret. The search continues at this offset.
    Nothing(usize),
}

/// The match without the byte before a word that its pattern has to include.
fn bare(text: &[u8], found: Range<usize>) -> Range<usize> {
    found.start + usize::from(!text[found.start].is_ascii_alphanumeric())..found.end
}

/// The part of a match after its first space.
fn behind_space(text: &[u8], found: &Range<usize>) -> Range<usize> {
    let found = bare(text, found.clone());
    let space = memchr::memchr(b' ', &text[found.clone()]).map_or(0, |at| at + 1);
    found.start + space..found.end
}

/// Takes the whole match.
pub(super) fn word(text: &[u8], found: Range<usize>) -> Weighed {
    Secret(bare(text, found))
}

/// Takes a PEM block up to its last line, or to the end of the string that contains it.
pub(super) fn pem(text: &[u8], found: Range<usize>) -> Weighed {
    let body = &text[found.end..text.len().min(found.end + MAX_PEM_BYTES)];
    let end = memchr::memmem::find(body, b"-----END ")
        .and_then(|at| Some(at + 9 + memchr::memmem::find(&body[at + 9..], b"-----")? + 5))
        .or_else(|| memchr::memchr(b'"', body))
        .unwrap_or(body.len());
    Secret(found.start..found.end + end)
}

/// Takes a bot's number and its token, unless more characters of a token follow.
pub(super) fn telegram(text: &[u8], found: Range<usize>) -> Weighed {
    let more = text.get(found.end);
    let ended = more.is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'_' | b'-'));
    if !ended {
        return Nothing(found.end);
    }
    let start = found.start + usize::from(!text[found.start].is_ascii_digit());
    Secret(start..found.end)
}

/// Takes what follows `Bearer` (RFC 6750, 2.1), unless it is a word of a sentence or of a
/// challenge.
pub(super) fn bearer(text: &[u8], found: Range<usize>) -> Weighed {
    let token = behind_space(text, &found);
    let digit = text[token.clone()].iter().any(u8::is_ascii_digit);
    if token.len() < if digit { MIN_VALUE_BYTES } else { MIN_LETTERS } {
        return Nothing(found.end);
    }
    Secret(token)
}

/// Takes a user and a password in base64 (RFC 7617).
pub(super) fn basic(text: &[u8], found: Range<usize>) -> Weighed {
    let pair = behind_space(text, &found);
    let said = BASE64.decode(&text[pair.clone()]).unwrap_or_default();
    let readable = said.iter().all(|b| !b.is_ascii_control());
    match said.iter().position(|b| *b == b':') {
        Some(colon) if readable && colon + 1 < said.len() => Secret(pair),
        _ => Nothing(found.end),
    }
}

/// Takes the user info before a host, if it has a colon followed by a password.
pub(super) fn url_password(text: &[u8], found: Range<usize>) -> Weighed {
    const SCHEME_END: usize = 3;
    let user_info = found.start + SCHEME_END..found.end - 1;
    match text[user_info.clone()].iter().position(|b| *b == b':') {
        Some(colon) if colon + 1 < user_info.len() => Secret(user_info),
        _ => Nothing(found.end),
    }
}

/// Takes the value of a secret's name in a query.
pub(super) fn in_query(text: &[u8], found: Range<usize>) -> Weighed {
    let equals = memchr::memchr(b'=', &text[found.clone()]).unwrap_or_default();
    let value = found.start + equals + 1..found.end;
    let name = std::str::from_utf8(&text[found.start + 1..value.start - 1]).unwrap_or_default();
    let digit = text[value.clone()].iter().any(u8::is_ascii_digit);
    if digit && is_secret_name(name) {
        Secret(value)
    } else {
        Nothing(found.end)
    }
}

/// Takes a quoted string after a secret's name and a colon or an equals sign.
pub(super) fn named(text: &[u8], found: Range<usize>) -> Weighed {
    let of_a_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
    let before = text[..found.start].iter().rev().take(MAX_NAME_BYTES);
    let start = found.start - before.take_while(of_a_name).count();
    let length = text[found.start..].iter().take_while(of_a_name).count();
    let name = std::str::from_utf8(&text[start..found.start + length]).unwrap_or_default();
    // The value can't contain quotes of the kind around it, so the first quote after the sign opens
    // it.
    let assigned = text[found.start + length..found.end]
        .iter()
        .position(|b| matches!(b, b':' | b'='));
    let assigned = found.start + length + assigned.unwrap_or_default();
    let quote = text[assigned..found.end]
        .iter()
        .position(|b| matches!(b, b'"' | b'\''));
    let value = assigned + quote.unwrap_or_default() + 1..found.end;
    if names_a_secret(name) && is_no_word(name, &text[value.clone()]) {
        return Secret(value);
    }
    // The value itself may contain another.
    Nothing(value.start)
}

/// Whether a value is more than what commonly replaces a secret: a word, a sentence, stars.
fn is_no_word(name: &str, value: &[u8]) -> bool {
    const MAX_WORD_BYTES: usize = 12;
    let plain_word = value.len() < MAX_WORD_BYTES && value.iter().all(u8::is_ascii_lowercase);
    let uniform = value.iter().all(|b| *b == value[0]);
    let phrase = name.to_ascii_lowercase();
    let sentence =
        value.contains(&b' ') && !phrase.contains("mnemonic") && !phrase.contains("phrase");
    !plain_word && !uniform && !sentence
}

/// Whether the last words of a name are those of a secret's name, so that `password_changed_at` is
/// not one.
fn names_a_secret(name: &str) -> bool {
    const LAST: [&str; 13] = [
        "apikey",
        "authorization",
        "mnemonic",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "privkey",
        "secret",
        "secretkey",
        "authtoken",
        "accesskey",
        "accesstoken",
    ];
    const LAST_TWO: [[&str; 2]; 14] = [
        ["access", "key"],
        ["access", "token"],
        ["api", "key"],
        ["auth", "token"],
        ["client", "secret"],
        ["mnemonic", "phrase"],
        ["priv", "key"],
        ["private", "key"],
        ["refresh", "token"],
        ["secret", "key"],
        ["seed", "phrase"],
        ["session", "token"],
        ["signing", "key"],
        ["encryption", "key"],
    ];
    let words = words(name);
    let last = words
        .last()
        .is_some_and(|word| LAST.contains(&word.as_str()));
    let two = words.windows(2).next_back();
    last || two.is_some_and(|two| {
        LAST_TWO
            .iter()
            .any(|known| known[0] == two[0] && known[1] == two[1])
    })
}
