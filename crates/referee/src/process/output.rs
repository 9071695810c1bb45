//! A client's output: its first and last bytes, and whether it contained the token.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// How many bytes are kept of the start, and of the end, of a client's output.
const MAX_KEPT_BYTES: usize = 32 * 1024;

/// The start and the end of a client's output, and whether the token was anywhere in it.
#[derive(Default)]
pub(crate) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    len: u64,
    search: Option<Search>,
    leaked: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("len", &self.len)
            .field("leaked", &self.leaked)
            .finish_non_exhaustive()
    }
}

struct Search {
    forms: AhoCorasick,
    /// The end of what was searched, in which a form of the token may begin.
    before: Vec<u8>,
    longest: usize,
}

impl Output {
    /// Searches everything that is printed for this token.
    pub(crate) fn looking_for(token: &str) -> Self {
        let forms = forms(token);
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        let search = AhoCorasick::new(&forms).ok().map(|forms| Search {
            forms,
            before: Vec::new(),
            longest,
        });
        Self {
            search,
            ..Self::default()
        }
    }

    /// Takes in more output.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        if let Some(search) = &mut self.search {
            search.before.extend_from_slice(bytes);
            self.leaked |= search.forms.is_match(&search.before);
            let gone = search.before.len().saturating_sub(search.longest);
            search.before.drain(..gone);
        }
        let room = MAX_KEPT_BYTES - self.head.len();
        let (head, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(head);
        let rest = &rest[rest.len().saturating_sub(MAX_KEPT_BYTES)..];
        self.tail.extend(rest);
        let gone = self.tail.len().saturating_sub(MAX_KEPT_BYTES);
        self.tail.drain(..gone);
    }

    /// Whether the token was printed, in any of its forms.
    pub(crate) fn leaked(&self) -> bool {
        self.leaked
    }

    /// Returns the kept output as text. If the token was printed, all of it is left out.
    pub(crate) fn text(&self) -> String {
        if self.leaked {
            return "(left out: it held the token)\n".to_owned();
        }
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        let kept = (self.head.len() + self.tail.len()) as u64;
        if self.len > kept {
            // Writing to a String does not fail.
            let _ = write!(text, "\n… {} bytes left out …\n", self.len - kept);
        }
        let (one, other) = self.tail.as_slices();
        text.push_str(&String::from_utf8_lossy(&[one, other].concat()));
        text
    }
}

/// The forms in which a token may appear in text.
fn forms(token: &str) -> Vec<Vec<u8>> {
    let bytes = token.as_bytes();
    let hex = |upper: bool| -> String {
        let digit = |byte: &u8| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        };
        bytes.iter().map(digit).collect()
    };
    let mut forms = vec![
        token.to_owned(),
        utf8_percent_encode(token, NON_ALPHANUMERIC).to_string(),
        hex(false),
        hex(true),
    ];
    // Base64 at each of the three offsets that a token can have in a longer text, without the
    // digits at its ends, which contain bits of the neighbours.
    for shift in 0..3 {
        let shifted = [&[0; 2][..shift], bytes].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&shifted);
            let text = text.trim_end_matches('=');
            let (from, to) = (if shift == 0 { 0 } else { shift + 1 }, text.len() - 1);
            forms.push(text[from..to].to_owned());
        }
    }
    forms.sort();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "k3Zq_9-invented-token+x1";

    fn leaks(printed: &str) -> bool {
        // The result is the same however the bytes are split.
        let found: Vec<bool> = [1, 7, printed.len()]
            .into_iter()
            .map(|step| {
                let mut output = Output::looking_for(TOKEN);
                printed
                    .as_bytes()
                    .chunks(step)
                    .for_each(|part| output.push(part));
                output.leaked()
            })
            .collect();
        assert!(found.iter().all(|it| *it == found[0]), "{printed}");
        found[0]
    }

    #[test]
    fn the_token_is_found_in_every_form_and_nothing_else_is() {
        assert!(leaks(&format!("Authorization: Bearer {TOKEN}\n")));
        assert!(leaks(
            "url=ws://x/?token=k3Zq%5F9%2Dinvented%2Dtoken%2Bx1&a"
        ));
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD.encode(format!("{before}{TOKEN}{before}"));
            assert!(leaks(&format!("Basic {text}")), "{before}");
        }
        assert!(!leaks("dialling ws://127.0.0.1:1/ws, attempt 3: refused"));
    }

    #[test]
    fn of_a_flood_the_first_and_the_last_bytes_are_kept() {
        let mut output = Output::default();
        for i in 0..20_000 {
            output.push(format!("line {i}\n").as_bytes());
        }
        let text = output.text();
        assert!(text.starts_with("line 0\n") && text.ends_with("line 19999\n"));
        assert!(text.len() < 2 * MAX_KEPT_BYTES + 64, "{}", text.len());
        assert!(text.contains("bytes left out"));
    }
}
