//! Decodes and encodes JSON escapes and percent-encoding, in bytes that need not be valid.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// Decodes the escapes in a string of JSON, or in any text that holds some. An invalid escape
/// stands for itself, as does half a surrogate pair.
pub(super) fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', text) else {
        return text.into();
    };
    let mut out = Vec::with_capacity(text.len());
    out.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while !rest.is_empty() {
        let (length, said) = escaped(rest);
        match said {
            Some(said) => out.extend_from_slice(said.encode_utf8(&mut [0; 4]).as_bytes()),
            None => out.extend_from_slice(&rest[..length]),
        }
        rest = &rest[length..];
        let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        rest = &rest[plain..];
    }
    out.into()
}

/// The length of the escape that a text begins with, and the character that it stands for.
fn escaped(text: &[u8]) -> (usize, Option<char>) {
    let said = match text.get(1) {
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(escaped @ (b'"' | b'\\' | b'/')) => char::from(*escaped),
        Some(b'u') => return unicode(text),
        _ => return (1, None),
    };
    (2, Some(said))
}

/// Decodes `\u0041`, or two such escapes that form a surrogate pair.
fn unicode(text: &[u8]) -> (usize, Option<char>) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        let digits = std::str::from_utf8(digits).ok()?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(0) else {
        return (1, None);
    };
    if let Some(said) = char::from_u32(u32::from(first)) {
        return (6, Some(said));
    }
    let pair = unit(6).and_then(|second| char::decode_utf16([first, second]).next()?.ok());
    (if pair.is_some() { 12 } else { 1 }, pair)
}

/// Escapes a text for the inside of a string of JSON.
pub(super) fn escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(*byte),
        }
    }
    out
}

/// Decodes percent-encoding.
pub(super) fn percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    // Hardly any text has some, and finding that out is far cheaper than decoding.
    let Some(first) = memchr::memchr(b'%', text) else {
        return Cow::Borrowed(text);
    };
    match Cow::from(percent_encoding::percent_decode(&text[first..])) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(decoded) => Cow::Owned([&text[..first], &decoded].concat()),
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
pub(super) fn percent_encode(text: &[u8]) -> Vec<u8> {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    percent_encoding::percent_encode(text, RESERVED)
        .flat_map(str::bytes)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_escape_stands_for_itself() {
        for (text, said) in [
            (r"a\u0041\n\/\\", "aA\n/\\"),
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d!", r"\ud83d!"),
            (r"\uD83D\u0041", r"\uD83DA"),
            (r"\x\", r"\x\"),
            (r"\u12", r"\u12"),
        ] {
            let found = unescape(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&found), said, "{text}");
        }
        assert_eq!(*percent_decode(b"%41%4%zz%"), *b"A%4%zz%");
    }

    proptest! {
        #[test]
        fn what_is_done_is_undone(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (escaped, encoded) = (escape(&text), percent_encode(&text));
            prop_assert_eq!(&*unescape(&escaped), &text[..]);
            prop_assert_eq!(&*percent_decode(&encoded), &text[..]);
        }
    }
}
