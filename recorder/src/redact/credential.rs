//! Secrets that more than a prefix tells: given a text and the place of what drew attention, the
//! place of the secret, if there is one.

use std::ops::Range;

use super::url::{is_secret_name, words};

/// Shorter values of a name that says secret are not taken for one.
const MIN_VALUE_BYTES: usize = 8;

/// Bytes of a base64 text that are looked at where something in it draws attention.
const BASE64_WINDOW: usize = 684;

/// Groups of four base64 digits that are looked at before what drew attention.
const MAX_GROUPS_BEFORE: usize = 12;

fn base64_digit(b: u8) -> Option<u8> {
    match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// How many whole groups of base64 digits end at a place, as far as they are looked at.
pub(super) fn base64_groups_before(text: &[u8], at: usize) -> usize {
    let digits = text[..at].iter().rev().take(4 * MAX_GROUPS_BEFORE);
    digits.take_while(|b| base64_digit(**b).is_some()).count() / 4
}

/// What the base64 digits at the beginning of a text say, in either alphabet.
pub(super) fn base64_run(text: &[u8]) -> Vec<u8> {
    let mut said = Vec::with_capacity(BASE64_WINDOW);
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text
        .iter()
        .take(BASE64_WINDOW)
        .map_while(|b| base64_digit(*b))
    {
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            said.push((bits >> count).to_le_bytes()[0]);
        }
    }
    said
}

fn run(text: &[u8], at: usize, of: impl Fn(u8) -> bool) -> usize {
    at + text[at..].iter().take_while(|b| of(**b)).count()
}

fn base64url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

/// Whether the character before begins a word at `at`.
fn begins(text: &[u8], at: usize) -> bool {
    at == 0 || !text[at - 1].is_ascii_alphanumeric()
}

/// Header, payload and signature, which an unsigned one has not (RFC 7519).
pub(super) fn jwt(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    const MIN_PART_BYTES: usize = 8;
    let dot = run(text, anchor.end, base64url);
    if !begins(text, anchor.start)
        || dot - anchor.start < MIN_PART_BYTES
        || text.get(dot) != Some(&b'.')
    {
        return None;
    }
    let second = run(text, dot + 1, base64url);
    let signed = second - dot > MIN_PART_BYTES && text.get(second) == Some(&b'.');
    signed.then(|| anchor.start..run(text, second, |b| base64url(b) || b == b'.'))
}

/// A block up to its last line, or to the end of the string it is in.
pub(super) fn pem(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    const MAX_LABEL_BYTES: usize = 40;
    let label = &text[anchor.end..text.len().min(anchor.end + MAX_LABEL_BYTES)];
    let label = &label[..memchr::memmem::find(label, b"-----")?];
    memchr::memmem::find(label, b"PRIVATE KEY")?;
    let body = &text[anchor.end..];
    let end = memchr::memmem::find(body, b"-----END ")
        .and_then(|at| Some(at + 9 + memchr::memmem::find(&body[at + 9..], b"-----")? + 5))
        .or_else(|| memchr::memchr(b'"', body))
        .unwrap_or(body.len());
    Some(anchor.start..anchor.end + end)
}

/// The bot's number, then what the anchor begins.
pub(super) fn telegram(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    const TOKEN_BYTES: usize = 35;
    let digits = text[..anchor.start]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let start = anchor.start + 1;
    let end = run(text, start, base64url);
    ((8..=10).contains(&digits) && end - start == TOKEN_BYTES).then(|| anchor.start - digits..end)
}

/// What follows `Bearer` (RFC 6750, 2.1), unless it is a word of a sentence or a challenge.
pub(super) fn bearer(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    /// From this length on without a digit too.
    const MIN_LETTERS: usize = 20;
    let of_a_token = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    let end = run(text, anchor.end, of_a_token);
    let token = &text[anchor.end..end];
    let digit = token.iter().any(u8::is_ascii_digit);
    let long = token.len() >= if digit { MIN_VALUE_BYTES } else { MIN_LETTERS };
    (begins(text, anchor.start) && long).then_some(anchor.end..end)
}

/// User and password in base64 (RFC 7617).
pub(super) fn basic(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let digits = run(text, anchor.end, |b| {
        b.is_ascii_alphanumeric() || b"+/-_".contains(&b)
    });
    let pair = base64_run(&text[anchor.end..digits]);
    let colon = pair.iter().position(|b| *b == b':')?;
    let readable = pair.iter().all(|b| !b.is_ascii_control());
    let long = digits - anchor.end >= MIN_VALUE_BYTES && colon + 1 < pair.len();
    let end = run(text, digits, |b| b == b'=');
    (begins(text, anchor.start) && readable && long).then_some(anchor.end..end)
}

/// User info with a colon in it, before the host.
pub(super) fn url_password(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    const MAX_AUTHORITY_BYTES: usize = 512;
    let authority = &text[anchor.end..text.len().min(anchor.end + MAX_AUTHORITY_BYTES)];
    let of_it = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\/?#`{}|^".contains(&b);
    let authority = &authority[..run(authority, 0, of_it)];
    let at = authority.iter().rposition(|b| *b == b'@')?;
    let colon = authority[..at].iter().position(|b| *b == b':')?;
    (colon + 1 < at).then(|| anchor.end..anchor.end + at)
}

/// The value of a secret name in a query.
pub(super) fn in_query(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let of_a_name = |b: &&u8| base64url(**b) || **b == b'.';
    let before = text[..anchor.start]
        .iter()
        .rev()
        .take_while(of_a_name)
        .count();
    let start = anchor.start - before;
    let in_a_query = start > 0 && b"?&;#".contains(&text[start - 1]);
    let name = std::str::from_utf8(&text[start..anchor.end - 1]).ok()?;
    let of_a_value = |b: u8| b.is_ascii_alphanumeric() || b"-._~%+/=:".contains(&b);
    let end = run(text, anchor.end, of_a_value);
    let value = &text[anchor.end..end];
    let secret = value.len() >= MIN_VALUE_BYTES && value.iter().any(u8::is_ascii_digit);
    (in_a_query && secret && is_secret_name(name)).then_some(anchor.end..end)
}

/// A string in quotes behind a name that says secret and a colon or an equals sign.
pub(super) fn named(text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
    let before = text[..anchor.start]
        .iter()
        .rev()
        .take_while(|b| base64url(**b))
        .count();
    let name_end = run(text, anchor.end, base64url);
    let name = std::str::from_utf8(&text[anchor.start - before..name_end]).ok()?;
    if !names_a_secret(name) {
        return None;
    }
    let quoted = run(text, name_end, |b| matches!(b, b'"' | b'\'' | b'\\'));
    let assigned = run(text, quoted, |b| b == b' ');
    matches!(text.get(assigned), Some(b':' | b'=')).then_some(())?;
    let open = run(text, assigned + 1, |b| matches!(b, b' ' | b'\\'));
    let quote = *text.get(open).filter(|b| matches!(b, b'"' | b'\''))?;
    let start = open + 1;
    let end = run(text, start, |b| b != quote && b != b'\\' && b != b'\n');
    let value = &text[start..end];
    let plain_word = value.len() < 12 && value.iter().all(u8::is_ascii_lowercase);
    let uniform = value.iter().all(|b| *b == value[0]);
    let phrase = name.to_ascii_lowercase();
    let sentence =
        value.contains(&b' ') && !phrase.contains("mnemonic") && !phrase.contains("phrase");
    let secret = value.len() >= MIN_VALUE_BYTES && !plain_word && !uniform && !sentence;
    secret.then_some(start..end)
}

/// Whether a name's last words are those of a secret, so that `password_changed_at` is none.
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
