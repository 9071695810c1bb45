//! A secret that is still in a tape: which value contains it, and which rule covers it.

use std::fmt;

use serde_json::{Value, json};

use super::rules::Rules;

/// How many levels of JSON in strings are followed.
const MAX_NESTED_TEXTS: usize = 4;

/// The suffix of a redacted copy, if the tape's name has no [`UNSAFE_SUFFIX`] to drop.
const SAFE_SUFFIX: &str = ".safe.jsonl";

/// The suffix of an unsafe tape.
pub(crate) const UNSAFE_SUFFIX: &str = ".unsafe";

/// A secret found in a tape.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hit {
    /// The number of its line, from 1.
    pub line: u64,
    /// What kind of secret it is and how it is written; never the secret itself.
    pub what: String,
    /// The innermost key whose value contains it, if the line is JSON.
    pub key: Option<String>,
    /// The options of `wstape redact` that cover it in its line, as tried out. Empty if none are
    /// needed, `None` if no rule covers it.
    pub options: Option<String>,
}

impl Hit {
    /// The command that makes a tape with this name safe with regard to this secret, or a sentence
    /// if no rule does.
    #[must_use]
    pub fn rescue(&self, tape: &str) -> String {
        let Some(options) = &self.options else {
            return format!("no rule covers it; change line {} by hand", self.line);
        };
        let safe = match tape.strip_suffix(UNSAFE_SUFFIX) {
            Some(safe) => safe.to_owned(),
            None => tape.strip_suffix(".jsonl").unwrap_or(tape).to_owned() + SAFE_SUFFIX,
        };
        let (tape, safe) = (quoted(tape), quoted(&safe));
        format!("wstape redact {tape}{options} --out {safe}")
    }

    /// What it takes to make a tape safe: a command if the tape is a file, options if it was
    /// printed.
    pub(crate) fn remedy(&self, tape: &str) -> String {
        match &self.options {
            Some(options) if !tape.ends_with(UNSAFE_SUFFIX) && !options.is_empty() => {
                format!("{} covers it", options.trim_start())
            }
            Some(_) => format!("a rule covers it: {}", self.rescue(tape)),
            None => format!("the value is changed: {}", self.rescue(tape)),
        }
    }
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.key {
            // The description may already contain the key.
            Some(key) if !self.what.contains(&format!("{key:?}")) => {
                write!(f, " in the value of {key:?}")
            }
            _ => Ok(()),
        }
    }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:,+@=".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The innermost key in a line with a value that `is_secret`, alone or together with the key, and
/// whether that is a header.
pub(super) fn key_of(line: &[u8], is_secret: &impl Fn(&[u8]) -> bool) -> Option<(String, bool)> {
    let line: Value = serde_json::from_slice(line).ok()?;
    within(&line, None, false, 0, is_secret)
}

fn within(
    value: &Value,
    key: Option<&str>,
    header: bool,
    nested: usize,
    is_secret: &impl Fn(&[u8]) -> bool,
) -> Option<(String, bool)> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let header = header || name == "headers";
            within(value, Some(name), header, nested, is_secret)
        }),
        Value::Array(values) => values
            .iter()
            .find_map(|value| within(value, key, header, nested, is_secret)),
        leaf => {
            let pair = json!({ key?: leaf }).to_string();
            if !is_secret(pair.as_bytes()) {
                return None;
            }
            let text = leaf.as_str().filter(|_| nested < MAX_NESTED_TEXTS);
            let inner = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
            let inner = inner.filter(|value| value.is_object() || value.is_array());
            let inner = inner.and_then(|value| within(&value, key, header, nested + 1, is_secret));
            inner.or_else(|| Some((key?.to_owned(), header)))
        }
    }
}

/// Rules that may cover a secret in the value of this key, each with its command-line options, the
/// narrowest rule first.
pub(super) fn rules(key: Option<&(String, bool)>) -> Vec<(String, Rules)> {
    let mut rules = vec![(String::new(), Rules::default())];
    if let Some((key, header)) = key {
        let (option, rule) = if *header {
            ("header", Rules::default().header(key))
        } else {
            ("key", Rules::default().key(key))
        };
        rules.push((format!(" --redact-{option} {}", quoted(key)), rule));
    }
    rules.push((" --redact-shapes".to_owned(), Rules::default().shapes()));
    rules
}
