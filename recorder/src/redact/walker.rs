//! Walks through JSON token by token, and edits it in place: what is not replaced keeps every byte.
//!
//! Messages contain more than valid JSON: truncated texts, several values, JSON after something
//! else. So nothing is parsed: each token is recognized by its first byte, and is replaced whether
//! or not the rest makes sense.

use std::ops::Range;

/// A token, with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A member's name, without its quotes.
    Name(Range<usize>),
    /// A string that is a value, without its quotes.
    Text(Range<usize>),
    /// A number, a word, or something that is not JSON.
    Scalar(Range<usize>),
    /// The beginning of a list.
    List,
    /// The beginning of an object.
    Object,
    /// The end of either.
    Close,
    Comma,
}

/// A walk through a text that edits it.
#[derive(Debug)]
pub(super) struct Walker<'t> {
    text: &'t [u8],
    at: usize,
    out: Vec<u8>,
    /// How much of the text has been copied to `out`, or replaced.
    copied: usize,
}

impl<'t> Walker<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self {
            text,
            at: 0,
            out: Vec::new(),
            copied: 0,
        }
    }

    /// The whole text before any edits.
    pub(super) fn text(&self) -> &'t [u8] {
        self.text
    }

    /// The text after the last token.
    pub(super) fn rest(&self) -> &'t [u8] {
        &self.text[self.at..]
    }

    /// The next token. A string before a colon is a name, unless a value is due.
    pub(super) fn next(&mut self, value_is_due: bool) -> Option<Token> {
        let blank = |b: &&u8| is_space(**b) || **b == b':';
        self.at += self.rest().iter().take_while(blank).count();
        let start = self.at;
        let token = match self.text.get(start)? {
            b'"' => {
                let content = start + 1..content_end(self.text, start + 1);
                self.at = self.text.len().min(content.end + 1);
                if !value_is_due && next_is_colon(self.rest()) {
                    return Some(Token::Name(content));
                }
                return Some(Token::Text(content));
            }
            b'{' => Token::Object,
            b'[' => Token::List,
            b'}' | b']' => Token::Close,
            b',' => Token::Comma,
            _ => {
                let more = |b: &&u8| {
                    !is_space(**b) && !matches!(b, b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']')
                };
                self.at += self.rest().iter().take_while(more).count();
                return Some(Token::Scalar(start..self.at));
            }
        };
        self.at += 1;
        Some(token)
    }

    /// Continues at this offset.
    pub(super) fn skip_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Replaces a token or a part of one. Replacements must be made from front to back.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        self.out
            .extend_from_slice(&self.text[self.copied..range.start]);
        self.out.extend_from_slice(with);
        self.copied = range.end;
    }

    /// The edited text; `None` if nothing was replaced.
    pub(super) fn finish(mut self) -> Option<Vec<u8>> {
        if self.copied == 0 {
            return None;
        }
        self.out.extend_from_slice(&self.text[self.copied..]);
        Some(self.out)
    }
}

/// Whether a byte is JSON white space (RFC 8259, 2), or a zero byte, as in a file that lost its
/// end.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

/// The offset of a string's closing quote, or the end of the text. The string's content begins at
/// `start`.
pub(super) fn content_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &text[at.min(text.len())..]) {
        at += found;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

fn next_is_colon(rest: &[u8]) -> bool {
    rest.iter().find(|b| !is_space(**b)) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The tokens of a text, each as a letter and its text.
    fn tokens(text: &str) -> Vec<String> {
        let mut walker = Walker::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(token) = walker.next(false) {
            found.push(match token {
                Token::Name(range) => format!("n {}", &text[range]),
                Token::Text(range) => format!("t {}", &text[range]),
                Token::Scalar(range) => format!("s {}", &text[range]),
                Token::List => "[".to_owned(),
                Token::Object => "{".to_owned(),
                Token::Close => "}".to_owned(),
                Token::Comma => ",".to_owned(),
            });
        }
        found
    }

    #[test]
    fn tokens_are_told_by_their_first_byte_whether_or_not_the_rest_makes_sense() {
        let sound = r#" {"a" : [1, "x\"y", {}], "b":null}"#;
        let expected = [
            "{",
            "n a",
            "[",
            "s 1",
            ",",
            r#"t x\"y"#,
            ",",
            "{",
            "}",
            "}",
            ",",
            "n b",
            "s null",
            "}",
        ];
        assert_eq!(tokens(sound), expected);
        assert_eq!(tokens(r#"42["up","to"#), ["s 42", "[", "t up", ",", "t to"]);
        assert_eq!(tokens(r#""a\"#), [r"t a\"]);
        assert_eq!(tokens("\""), ["t "]);
    }

    proptest! {
        #[test]
        fn each_byte_of_a_text_that_is_not_replaced_stays(
            text in r#"[{}\[\],: "\\a1]{0,40}"#,
            due in any::<bool>(),
        ) {
            let mut walker = Walker::new(text.as_bytes());
            let mut expected = Vec::new();
            let mut copied = 0;
            while let Some(token) = walker.next(due) {
                if let Token::Text(range) | Token::Name(range) | Token::Scalar(range) = token {
                    expected.extend_from_slice(&text.as_bytes()[copied..range.start]);
                    expected.push(b'*');
                    copied = range.end;
                    walker.replace(range, b"*");
                }
            }
            expected.extend_from_slice(&text.as_bytes()[copied..]);
            let edited = walker.finish().unwrap_or_else(|| text.clone().into_bytes());
            prop_assert_eq!(edited, expected);
        }
    }
}
