//! Finds the values that rules match, and edits the text in place: every other byte stays.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::escape::{escape, unescape};
use super::registry::SecretRegistry;
use super::rules::{Pointer, Rules};
use super::walker::{Token, Walker};

/// How many levels of JSON in strings of JSON are edited.
const MAX_NESTED_TEXTS: u8 = 4;

/// The rules about values, prepared for use.
#[derive(Debug)]
pub(super) struct JsonRedactor {
    pointers: Vec<Route>,
    /// Keys in lower case, with their rules.
    keys: Vec<(Vec<u8>, Rule)>,
    /// Words of which a text must contain one for any rule to match; `None` if every text must be
    /// walked.
    words: Option<AhoCorasick>,
}

/// A rule: its number in the counts, and what errors call it.
#[derive(Debug)]
struct Rule {
    number: usize,
    said: String,
}

/// A prepared pointer.
#[derive(Debug)]
struct Route {
    tokens: Vec<(String, Option<usize>)>,
    rule: Rule,
}

/// A set of pointers, one bit each. It includes those that are relative to an event's `data`.
type Routes = u128;

impl JsonRedactor {
    /// Prepares the rules. With `within_data`, texts may be an event's `data` alone.
    pub(super) fn new(rules: &Rules, within_data: bool) -> Self {
        let mut pointers: Vec<(usize, Pointer)> =
            rules.pointers.iter().cloned().enumerate().collect();
        if within_data {
            let within = rules.pointers.iter().map(Pointer::within_data).enumerate();
            pointers.extend(within.filter_map(|(number, pointer)| Some((number, pointer?))));
        }
        let words: Option<Vec<&str>> = pointers
            .iter()
            .map(|(_, pointer)| pointer.word())
            .chain(rules.keys.iter().map(|key| Some(key.as_str())))
            // Words that JSON may write with escapes can't be searched for.
            .map(|word| word.filter(|word| word.bytes().all(|b| b.is_ascii_graphic())))
            .map(|word| word.filter(|word| !word.contains(['"', '\\', '/']) && !word.is_empty()))
            .collect();
        let words = words.and_then(|words| {
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).build(words).ok()
        });
        Self {
            pointers: pointers
                .iter()
                .map(|(number, pointer)| Route::new(*number, pointer))
                .collect(),
            keys: rules
                .keys
                .iter()
                .enumerate()
                .map(|(at, key)| {
                    let rule = Rule {
                        number: rules.key_number(at),
                        said: format!("the value of the key {key:?}"),
                    };
                    (key.to_ascii_lowercase().into(), rule)
                })
                .collect(),
            words,
        }
    }

    /// Redacts what the rules match in a text; `None` if they match nothing.
    pub(super) fn edit(&self, text: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
        if self.pointers.is_empty() && self.keys.is_empty() || !self.may_touch(text) {
            return None;
        }
        Pass::new(self, text, secrets, 0).run()
    }

    /// Redacts only by the keys, which match at any depth.
    pub(super) fn edit_keys(&self, text: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
        if self.keys.is_empty() || !self.may_touch(text) {
            return None;
        }
        Pass::new(self, text, secrets, 1).run()
    }

    /// Whether a rule may match. A cheap check: most messages contain none of the words.
    fn may_touch(&self, text: &[u8]) -> bool {
        let Some(words) = &self.words else {
            return true;
        };
        words.is_match(text) || memchr::memmem::find(text, b"\\u").is_some()
    }

    fn all_pointers(&self) -> Routes {
        match self.pointers.len() {
            0 => 0,
            n => Routes::MAX >> (128 - n),
        }
    }

    fn key(&self, name: &[u8]) -> Option<&Rule> {
        let found = self
            .keys
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, rule)| rule)
    }
}

impl Route {
    fn new(number: usize, pointer: &Pointer) -> Self {
        // An array index has no leading zeros (RFC 6901, 4).
        let index = |token: &String| {
            let number: Option<usize> = token.parse().ok();
            number.filter(|n| n.to_string() == *token)
        };
        Self {
            tokens: pointer
                .tokens
                .iter()
                .map(|token| (token.clone(), index(token)))
                .collect(),
            rule: Rule {
                number,
                said: format!("the value at {pointer}"),
            },
        }
    }
}

/// What to do with a value.
#[derive(Debug, Clone, Copy, Default)]
struct Verdict<'w> {
    /// The rule that redacts it, if any.
    redact: Option<&'w Rule>,
    /// The pointers that lead further into it.
    routes: Routes,
}

/// A container that pointers lead into.
#[derive(Debug)]
struct Frame {
    array: bool,
    index: usize,
    routes: Routes,
}

/// One walk through one text.
struct Pass<'w, 't> {
    json: &'w JsonRedactor,
    walker: Walker<'t>,
    secrets: &'t mut SecretRegistry,
    nested: u8,
    frames: Vec<Frame>,
    /// How many containers are open below the last frame, where no pointer leads. They are only
    /// counted, because a message may open millions.
    below: usize,
    /// How many containers are open within a redacted one, counting that one, and its rule.
    blank: Option<(usize, &'w Rule)>,
    /// The verdict on the member whose name was read last.
    pending: Option<Verdict<'w>>,
}

impl<'w, 't> Pass<'w, 't> {
    fn new(
        json: &'w JsonRedactor,
        text: &'t [u8],
        secrets: &'t mut SecretRegistry,
        nested: u8,
    ) -> Self {
        Self {
            json,
            walker: Walker::new(text),
            secrets,
            nested,
            frames: Vec::new(),
            below: 0,
            blank: None,
            pending: None,
        }
    }

    fn run(mut self) -> Option<Vec<u8>> {
        while let Some(token) = self.next() {
            match token {
                Token::Name(name) => self.member(name),
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

    fn next(&mut self) -> Option<Token> {
        let waited_for = self.pending.is_some_and(|verdict| verdict.redact.is_some());
        self.walker.next(waited_for)
    }

    fn string(&mut self, place: Range<usize>) {
        let content = &self.walker.text()[place.clone()];
        let redact = self.rule();
        if let Some(rule) = redact {
            let placeholder = self.secrets.text(&unescape(content), &rule.said);
            return self.walker.replace(place, placeholder.as_bytes());
        }
        // The string may hold JSON: the quotes in that are escaped here.
        let holds_json = memchr::memchr(b'\\', content).is_some() && self.json.may_touch(content);
        if self.nested < MAX_NESTED_TEXTS && holds_json && !self.json.keys.is_empty() {
            let inner = unescape(content);
            let pass = Pass::new(self.json, &inner, self.secrets, self.nested + 1);
            if let Some(edited) = pass.run() {
                self.walker.replace(place, &escape(&edited));
            }
        }
    }

    /// Takes a member's name, and decides what to do with its value.
    fn member(&mut self, name: Range<usize>) {
        let said = unescape(&self.walker.text()[name.clone()]);
        if let Some((_, rule)) = self.blank {
            // A name that is data, such as a wallet's address.
            if !is_identifier(&said) {
                let placeholder = self.secrets.text(&said, &rule.said);
                self.walker.replace(name, placeholder.as_bytes());
            }
            return;
        }
        let mut verdict = match self.frames.last() {
            Some(frame) if self.below == 0 => {
                self.step(frame.routes, |token, _| token.as_bytes() == &*said)
            }
            _ => Verdict::default(),
        };
        verdict.redact = self.json.key(&said).or(verdict.redact);
        self.pending = Some(verdict);
    }

    fn open(&mut self, array: bool) {
        if let Some((depth, _)) = &mut self.blank {
            *depth += 1;
            return;
        }
        let verdict = self.verdict();
        if let Some(rule) = verdict.redact {
            self.secrets.matched(rule.number);
            self.blank = Some((1, rule));
        } else if verdict.routes == 0 {
            self.below += 1;
        } else {
            self.frames.push(Frame {
                array,
                index: 0,
                routes: verdict.routes,
            });
        }
    }

    fn close(&mut self) {
        self.pending = None;
        match &mut self.blank {
            Some((1, _)) => self.blank = None,
            Some((depth, _)) => *depth -= 1,
            None if self.below > 0 => self.below -= 1,
            None => drop(self.frames.pop()),
        }
    }

    fn comma(&mut self) {
        self.pending = None;
        if self.blank.is_none()
            && self.below == 0
            && let Some(frame) = self.frames.last_mut()
        {
            frame.index += 1;
        }
    }

    /// Takes a number, a word, or something that is not JSON.
    fn scalar(&mut self, place: Range<usize>) {
        let redact = self.rule();
        let Some(rule) = redact else { return };
        let Ok(text) = std::str::from_utf8(&self.walker.text()[place.clone()]) else {
            return self.junk(place.start, rule);
        };
        match text {
            "null" => {}
            "true" | "false" => self.walker.replace(place, b"false"),
            _ if is_number(text) => {
                let placeholder = self.secrets.number(text, &rule.said);
                self.walker.replace(place, placeholder.as_bytes());
            }
            _ => self.junk(place.start, rule),
        }
    }

    /// Redacts invalid text in the place of a value, up to where the value must have ended.
    fn junk(&mut self, start: usize, rule: &Rule) {
        let rest = &self.walker.text()[start..];
        let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b'\n');
        let end = start + rest.iter().position(ends).unwrap_or(rest.len());
        self.walker.skip_to(end);
        let junk = &self.walker.text()[start..end];
        let placeholder = format!("\"{}\"", self.secrets.text(junk, &rule.said));
        self.walker.replace(start..end, placeholder.as_bytes());
    }

    /// The rule that redacts the string or scalar that begins here, which is counted as a match.
    fn rule(&mut self) -> Option<&'w Rule> {
        let rule = match self.blank {
            Some((_, rule)) => Some(rule),
            None => self.verdict().redact,
        };
        if let Some(rule) = rule {
            self.secrets.matched(rule.number);
        }
        rule
    }

    /// Decides what to do with the value that begins here.
    fn verdict(&mut self) -> Verdict<'w> {
        if let Some(verdict) = self.pending.take() {
            return verdict;
        }
        if self.below > 0 {
            return Verdict::default();
        }
        match self.frames.last() {
            Some(frame) if frame.array => {
                let at = frame.index;
                self.step(frame.routes, |_, index| index == Some(at))
            }
            Some(_) => Verdict::default(),
            // Pointers apply to messages, not to JSON in their strings.
            None if self.nested > 0 => Verdict::default(),
            None => self.arrive(self.json.all_pointers(), 0),
        }
    }

    /// Follows the routes whose next token matches by one token.
    fn step(&self, routes: Routes, is: impl Fn(&str, Option<usize>) -> bool) -> Verdict<'w> {
        let depth = self.frames.len() - 1;
        let mut on = 0;
        for (bit, route) in self.json.pointers.iter().enumerate() {
            let (token, index) = match route.tokens.get(depth) {
                Some(token) if routes >> bit & 1 == 1 => token,
                _ => continue,
            };
            if is(token, *index) {
                on |= 1 << bit;
            }
        }
        self.arrive(on, depth + 1)
    }

    /// The verdict on a value that these routes reach after this many tokens: a route that ends
    /// there redacts it.
    fn arrive(&self, routes: Routes, tokens: usize) -> Verdict<'w> {
        let pointers = self.json.pointers.iter().enumerate();
        let ended = pointers
            .filter(|(bit, _)| routes >> bit & 1 == 1)
            .find(|(_, route)| route.tokens.len() == tokens);
        Verdict {
            redact: ended.map(|(_, route)| &route.rule),
            routes,
        }
    }
}

/// Whether a text is a JSON number, or one of the words that Python writes for a number.
fn is_number(text: &str) -> bool {
    let first = text.trim_start_matches('-').as_bytes().first();
    matches!(text, "NaN" | "Infinity" | "-Infinity")
        || first.is_some_and(u8::is_ascii_digit) && text.parse::<f64>().is_ok()
}

/// Whether a name looks like a field's name in a program.
fn is_identifier(name: &[u8]) -> bool {
    /// Longer names are generated.
    const MAX_BYTES: usize = 32;
    let first = name
        .first()
        .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
    first && name.len() <= MAX_BYTES && name.iter().all(word)
}

#[cfg(test)]
mod tests;
