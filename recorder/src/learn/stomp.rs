//! Reads STOMP frames as named values, so that they can be compared like JSON: a command, headers
//! and a body (STOMP 1.2).
//!
//! A client's frame is matched by a regex with groups for the telling headers. The engine's frames
//! refer to these groups by name.

use std::fmt::Write as _;
use std::ops::Range;

/// The commands of clients, and those of engines.
const OF_CLIENTS: [&str; 11] = [
    "ABORT",
    "ACK",
    "BEGIN",
    "COMMIT",
    "CONNECT",
    "DISCONNECT",
    "NACK",
    "SEND",
    "STOMP",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
];
const OF_ENGINES: [&str; 4] = ["CONNECTED", "ERROR", "MESSAGE", "RECEIPT"];

/// Headers that belong to the protocol; no answer depends on them.
const PROTOCOL: [&str; 9] = [
    "accept-version",
    "content-length",
    "content-type",
    "heart-beat",
    "host",
    "login",
    "passcode",
    "server",
    "version",
];

/// Headers besides `id` in which one frame refers to another.
const IDENTITIES: [&str; 3] = ["receipt", "receipt-id", "subscription"];

/// The header that is left out of an engine's frame: a reference may change the body's length, and
/// the body ends at its NUL byte anyway.
const LENGTH: &str = "content-length:";

/// The names of the command and the body.
const COMMAND: &str = "command";
pub(super) const BODY: &str = "body";
const OWN: [&str; 2] = [COMMAND, BODY];

/// A frame, by the positions of its parts in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    command: String,
    /// The name and position of each header; of equal names the first counts. Headers that can't
    /// name a regex group are left out.
    headers: Vec<(String, Range<usize>)>,
    body: Range<usize>,
}

impl Frame {
    /// The frame in a text; `None` if it is not one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let whole = text.trim_end_matches(['\n', '\r']).strip_suffix('\0')?;
        let mut at = 0;
        let mut line = || {
            let rest = &whole[at..];
            let length = rest.find('\n')?;
            let range = at..at + rest[..length].trim_end_matches('\r').len();
            at += length + 1;
            Some(range)
        };
        let command = whole[line()?].to_owned();
        if !OF_CLIENTS.contains(&&*command) && !OF_ENGINES.contains(&&*command) {
            return None;
        }
        let mut headers = Vec::new();
        loop {
            let header = line()?;
            if header.is_empty() {
                break;
            }
            let colon = header.start + whole[header.clone()].find(':')?;
            let name = &whole[header.start..colon];
            let known = |(other, _): &(String, Range<usize>)| group(other) == group(name);
            let named = name.starts_with(|c: char| c.is_ascii_alphabetic());
            if named && !OWN.contains(&name) && !headers.iter().any(known) {
                headers.push((name.to_owned(), colon + 1..header.end));
            }
        }
        Some(Self {
            command,
            headers,
            body: at..whole.len(),
        })
    }

    /// Its command and headers, each with its pointer, the member's name that means the same in
    /// JSON, and its position.
    pub(super) fn values(&self) -> impl Iterator<Item = (String, &str, Range<usize>)> {
        let command = (format!("/{COMMAND}"), COMMAND, 0..self.command.len());
        let headers = self.headers.iter();
        let headers =
            headers.map(|(name, range)| (format!("/{}", group(name)), key(name), range.clone()));
        std::iter::once(command).chain(headers)
    }

    /// The position of its body.
    pub(super) fn body(&self) -> Range<usize> {
        self.body.clone()
    }

    /// Whether it has a command of an engine.
    pub(super) fn is_of_an_engine(&self) -> bool {
        OF_ENGINES.contains(&&*self.command)
    }

    /// A regex for frames like this one: with the values in `wanted`, and with groups for the
    /// headers by which other frames refer to it.
    pub(super) fn expression(&self, wanted: &[(String, String)]) -> String {
        let said = |pointer: &str| {
            let mut found = wanted.iter().filter(|(at, _)| at == pointer);
            found.next().map(|(_, said)| regex::escape(said))
        };
        let mut expression = format!("^{}\\r?\\n", self.command);
        for (name, _) in &self.headers {
            let group = group(name);
            let value = said(&format!("/{group}"));
            if value.is_none() && key(name) != ID {
                continue;
            }
            let value = value.unwrap_or_else(|| "[^\\r\\n]*".to_owned());
            let name = regex::escape(name);
            let _ = write!(
                expression,
                "(?:[^\\r\\n]+\\r?\\n)*?{name}:(?<{group}>{value})\\r?\\n"
            );
        }
        if let Some(body) = said("/body") {
            let _ = write!(
                expression,
                "(?:[^\\r\\n]+\\r?\\n)*\\r?\\n(?<{BODY}>{body})\\x00"
            );
        }
        expression
    }
}

/// The key of headers with which frames refer to each other, as in JSON.
const ID: &str = "id";

fn key(header: &str) -> &str {
    if PROTOCOL.contains(&header) {
        "version"
    } else if IDENTITIES.contains(&header) {
        ID
    } else {
        header
    }
}

/// The name of a header's regex group.
fn group(header: &str) -> String {
    let of_a_name = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    header.chars().map(of_a_name).collect()
}

/// An engine's frame without its `content-length`; any other text unchanged.
pub(super) fn without_length(text: String) -> String {
    let Some(frame) = Frame::of(&text) else {
        return text;
    };
    let head = &text[..frame.body.start];
    let lines = head.split_inclusive('\n');
    let kept: String = lines.filter(|line| !line.starts_with(LENGTH)).collect();
    kept + &text[frame.body.start..]
}

/// Rewrites the references in a tape's line to the groups of a frame's regex: `${/id}` becomes
/// `${id}`.
pub(super) fn grouped(line: &str) -> String {
    const BEGIN: &str = "${/";
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(BEGIN) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let escaped = before.ends_with('$');
        out.push_str(if escaped { BEGIN } else { "${" });
        rest = &found[BEGIN.len()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIBE: &str = "SUBSCRIBE\nid:sub-0\ndestination:/topic/a.b\nreceipt:r1\n\n\0";

    #[test]
    fn a_frame_has_its_command_its_headers_and_its_body() {
        let frame = Frame::of(SUBSCRIBE).unwrap();
        let said = frame.values();
        let said: Vec<(String, &str, &str)> = said
            .map(|(pointer, key, range)| (pointer, key, &SUBSCRIBE[range]))
            .collect();
        let expected = [
            ("/command", "command", "SUBSCRIBE"),
            ("/id", "id", "sub-0"),
            ("/destination", "destination", "/topic/a.b"),
            ("/receipt", "id", "r1"),
        ];
        let expected = expected.map(|(pointer, key, said)| (pointer.to_owned(), key, said));
        assert_eq!(said, expected);
        assert!(!frame.is_of_an_engine() && frame.body().is_empty());
        for none in [
            "",
            "\n",
            "SUBSCRIBE\nid:1\n\n",
            "HELLO\n\n\0",
            "SEND\nx\n\n\0",
            "{}\0",
        ] {
            assert_eq!(Frame::of(none), None, "{none:?}");
        }
    }

    #[test]
    fn an_expression_finds_frames_with_other_numbers_and_what_is_wanted() {
        let frame = Frame::of(SUBSCRIBE).unwrap();
        let wanted = [("/destination".to_owned(), "/topic/a.b".to_owned())];
        let expression = regex::Regex::new(&frame.expression(&wanted)).unwrap();
        let other =
            "SUBSCRIBE\r\nx:1\r\nid:7\r\ndestination:/topic/a.b\r\nack:auto\r\nreceipt:q\r\n\r\n\0";
        let found = expression.captures(other).unwrap();
        assert_eq!((&found["id"], &found["receipt"]), ("7", "q"));
        assert!(!expression.is_match(&other.replace("a.b", "axb")));
        assert!(!expression.is_match(&other.replace("a.b", "a.b.c")));
    }

    #[test]
    fn an_engines_frame_goes_without_its_length_and_references_are_to_groups() {
        let text = "MESSAGE\ncontent-length:2\nx:1\n\ncontent-length:\0".to_owned();
        assert_eq!(without_length(text), "MESSAGE\nx:1\n\ncontent-length:\0");
        assert_eq!(
            without_length("content-length:2".to_owned()),
            "content-length:2"
        );
        assert_eq!(
            grouped(r#"{"text":"${/id} $${/id} ${now}"}"#),
            r#"{"text":"${id} $${/id} ${now}"}"#
        );
    }
}
