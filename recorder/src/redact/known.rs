//! Remembers what was redacted, up to a limit, and finds it again in any of its forms.
//!
//! Each value is searched for as it is, and as base64 at each of its three alignments in a longer
//! text. At nearly every position a bit table shows that no value ends there, so a search takes
//! about a nanosecond per byte however many values there are.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::escape::{escape, percent_encode};

/// Values shorter than this are not searched for, because they would be found by chance.
const MIN_KNOWN_BYTES: usize = 8;

/// Numbers with fewer digits than this are not searched for. Zeros at either end don't count.
const MIN_KNOWN_DIGITS: usize = 7;

/// How many bytes of a longer value are searched for.
const MAX_KNOWN_BYTES: usize = 256;

/// The maximum number of values that are searched for: the first ones redacted.
const MAX_KNOWN_VALUES: usize = 16_384;

/// The maximum number of literals with the same last bytes, which a search has to compare one by
/// one.
const MAX_ALIKE: usize = 64;

/// How many bytes at the end of a literal are used to find it.
const TAIL_BYTES: usize = 8;

/// The number of bits in the table, as a power of two: its 128 KiB fit into a processor's cache.
const TABLE_BITS: u32 = 20;

/// How a secret is written where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    Base64,
}

/// The secrets redacted so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    values: Vec<Value>,
    ids: HashSet<u64>,
    literals: Vec<Literal>,
    /// The indices of literals by their last bytes. Never iterated.
    tails: HashMap<u64, Vec<u32>>,
    /// If a bit is not set, no literal ends with bytes that map to it. Empty until there is a
    /// literal.
    table: Vec<u64>,
    left_out: u64,
}

#[derive(Debug, Clone)]
struct Value {
    what: Box<str>,
    number: bool,
}

/// One way in which a value may be written.
#[derive(Debug, Clone)]
struct Literal {
    bytes: Box<[u8]>,
    value: u32,
    form: Form,
}

impl Known {
    /// Remembers the content of a string. Only equal values have the same `id`; `what` is what an
    /// error calls the value, in two parts.
    pub(super) fn text(&mut self, id: u64, value: &[u8], what: [&str; 2]) {
        if value.len() >= MIN_KNOWN_BYTES && !value.iter().all(|b| *b == value[0]) {
            self.remember(id, &value[..value.len().min(MAX_KNOWN_BYTES)], what, false);
        }
    }

    /// Remembers a number as it is written in JSON.
    pub(super) fn number(&mut self, id: u64, text: &str, what: [&str; 2]) {
        let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
        let ends = |c: char| !matches!(c, '1'..='9');
        let digits = mantissa
            .trim_matches(ends)
            .bytes()
            .filter(u8::is_ascii_digit);
        let length = MIN_KNOWN_BYTES..=MAX_KNOWN_BYTES;
        if digits.count() >= MIN_KNOWN_DIGITS && length.contains(&text.len()) {
            self.remember(id, text.as_bytes(), what, true);
        }
    }

    /// Whether there is nothing to search for.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values are searched for. If the count has not changed, neither have the values.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// How many values are not searched for because there are too many.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    fn remember(&mut self, id: u64, value: &[u8], what: [&str; 2], number: bool) {
        if self.ids.contains(&id) {
            return;
        }
        if self.values.len() == MAX_KNOWN_VALUES {
            self.left_out += 1;
            return;
        }
        self.ids.insert(id);
        let index = u32::try_from(self.values.len()).expect("their number has a bound");
        self.values.push(Value {
            what: what.concat().into(),
            number,
        });
        if self.table.is_empty() {
            self.table = vec![0; 1 << (TABLE_BITS - 6)];
        }
        let mut kept = self.literal(value.into(), index, Form::Plain);
        // Texts are unescaped before they are searched, but the content of base64 is not.
        let mut written = vec![value.to_vec(), escape(value), percent_encode(value)];
        written.dedup();
        for value in written {
            for (_, core) in base64_cores(&value) {
                kept &= self.literal(core.into_bytes().into(), index, Form::Base64);
            }
        }
        self.left_out += u64::from(!kept);
    }

    fn literal(&mut self, bytes: Box<[u8]>, value: u32, form: Form) -> bool {
        let tail = tail_of(&bytes[bytes.len() - TAIL_BYTES..]);
        let alike = self.tails.entry(tail).or_default();
        if alike.len() == MAX_ALIKE {
            return false;
        }
        alike.push(u32::try_from(self.literals.len()).expect("their number has a bound"));
        let bit = table_bit(tail);
        self.table[bit >> 6] |= 1 << (bit & 63);
        self.literals.push(Literal { bytes, value, form });
        true
    }

    /// The first known value in the text: what it is called, and how it is written.
    pub(super) fn find(&self, text: &[u8]) -> Option<(&str, Form)> {
        if self.table.is_empty() {
            return None;
        }
        for (at, window) in text.windows(TAIL_BYTES).enumerate() {
            let tail = tail_of(window);
            let bit = table_bit(tail);
            if self.table[bit >> 6] >> (bit & 63) & 1 == 1
                && let Some(found) = self.ending_at(text, at + TAIL_BYTES, tail)
            {
                return Some(found);
            }
        }
        None
    }

    /// The positions of known strings in the text where they are written plainly and completely.
    /// They don't overlap.
    pub(super) fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        if self.table.is_empty() {
            return places;
        }
        for (at, window) in text.windows(TAIL_BYTES).enumerate() {
            let tail = tail_of(window);
            let bit = table_bit(tail);
            let end = at + TAIL_BYTES;
            if self.table[bit >> 6] >> (bit & 63) & 1 == 0 {
                continue;
            }
            let alike = self.tails.get(&tail).into_iter().flatten();
            let literals = alike.map(|index| &self.literals[*index as usize]);
            let free = places.last().map_or(0, |last| last.end);
            let longest = literals
                .filter(|literal| literal.form == Form::Plain)
                .filter(|literal| !self.values[literal.value as usize].number)
                // Only the beginning of a longer value is known.
                .filter(|literal| literal.bytes.len() < MAX_KNOWN_BYTES)
                .filter(|literal| text[free..end].ends_with(&literal.bytes))
                .map(|literal| literal.bytes.len())
                .max();
            places.extend(longest.map(|length| end - length..end));
        }
        places
    }

    fn ending_at(&self, text: &[u8], end: usize, tail: u64) -> Option<(&str, Form)> {
        let alike = self.tails.get(&tail)?;
        let literals = alike.iter().map(|index| &self.literals[*index as usize]);
        for literal in literals {
            let value = &self.values[literal.value as usize];
            let number = value.number && literal.form == Form::Plain;
            if text[..end].ends_with(&literal.bytes)
                && (!number || stands_alone(text, end - literal.bytes.len(), end))
            {
                return Some((&value.what, literal.form));
            }
        }
        None
    }
}

/// Whether the number between these offsets is a whole number, and not the time of a step.
fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+' | b'_');
    let before = &text[..start];
    !before.last().is_some_and(part)
        && !text.get(end).is_some_and(part)
        && !before.ends_with(b"{\"at_ms\":")
}

fn tail_of(window: &[u8]) -> u64 {
    u64::from_le_bytes(window.try_into().expect("a window has that many bytes"))
}

fn table_bit(tail: u64) -> usize {
    /// Spreads the bytes over the upper bits (Fibonacci hashing: 2⁶⁴ divided by the golden ratio).
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
    (tail.wrapping_mul(SPREAD) >> (64 - TABLE_BITS)) as usize
}

/// The base64 digits that depend on a value alone, for each of its three positions within groups of
/// three bytes and in both alphabets. With each comes the number of bytes before it in its first
/// group.
pub(super) fn base64_cores(value: &[u8]) -> Vec<(usize, String)> {
    let mut cores = Vec::new();
    for before in 0..3 {
        let padded = [&[0; 2][..before], value].concat();
        // A digit holds six bits. The range begins at the first digit without bits of the bytes
        // before, and ends after the last one without bits of the bytes after.
        let digits = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            cores.push((before, alphabet.encode(&padded)[digits.clone()].to_owned()));
        }
    }
    cores.dedup();
    cores
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(value: &[u8]) -> Known {
        let mut known = Known::default();
        known.text(1, value, ["the value", ""]);
        known
    }

    #[test]
    fn short_and_uniform_values_are_not_looked_for() {
        for value in [&b"0xabcde"[..], b"00000000", b"********"] {
            assert_eq!(known(value).find(value), None);
        }
        assert!(known(b"0xabcdef").find(b"..0xabcdef..").is_some());
    }

    #[test]
    fn a_number_is_found_as_a_whole_one_alone_and_never_as_a_time() {
        let mut known = Known::default();
        known.number(1, "10412.33", ["a number", ""]);
        known.number(2, "100000.0", ["a round number", ""]);
        for (text, found) in [
            (r#"{"equity":10412.33}"#, true),
            ("[1,10412.33]", true),
            (r#"{"equity":110412.33}"#, false),
            (r#"{"equity":10412.335}"#, false),
            (r#"{"at_ms":10412.33,"end":true}"#, false),
            (r#"{"cash":100000.0}"#, false),
        ] {
            assert_eq!(known.find(text.as_bytes()).is_some(), found, "{text}");
        }
    }

    #[test]
    fn values_are_remembered_up_to_the_bound_and_counted_beyond() {
        let mut known = Known::default();
        for n in 0..MAX_KNOWN_VALUES as u64 + 3 {
            known.text(n, format!("{n:08}-value-{n:08}").as_bytes(), ["x", ""]);
        }
        assert_eq!(known.left_out(), 3);
        assert_eq!(known.values.len(), MAX_KNOWN_VALUES);
        assert!(known.find(b"00000007-value-00000007").is_some());
    }

    proptest! {
        #[test]
        fn base64_is_found_wherever_it_begins(
            value in proptest::collection::vec(1_u8.., 8..60),
            before in proptest::collection::vec(any::<u8>(), 0..7),
            after in proptest::collection::vec(any::<u8>(), 0..7),
        ) {
            prop_assume!(!value.iter().all(|b| *b == value[0]));
            let known = known(&value);
            let text = [before, value, after].concat();
            for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let found = known.find(alphabet.encode(&text).as_bytes());
                prop_assert_eq!(found, Some(("the value", Form::Base64)));
            }
            prop_assert!(known.find(&text).is_some());
        }
    }
}
