//! JSON wrapped in a protocol's own frame: Socket.IO packets, SignalR records, Centrifuge lines.
//!
//! A Socket.IO text begins with digits, as in `421["subscribe","trades"]`: 4 is an engine.io
//! message, 2 an event, 1 the number under which it is to be acknowledged. A SignalR record ends in
//! 0x1e. Several Centrifuge commands come one per line.

use std::ops::Range;

/// What ends a SignalR record (RFC 7464 begins one with it).
const RECORD_END: char = '\u{1e}';
/// The most digits that a packet's acknowledgement number may have.
const MAX_ACK_DIGITS: usize = 20;

/// Where the parts of a framed text are.
///
/// ```
/// use wstape_wire::framed::Framed;
///
/// let text = r#"421["subscribe","trades"]"#;
/// let framed = Framed::of(text);
/// assert_eq!(&text[framed.json.clone()], r#"["subscribe","trades"]"#);
/// assert!(framed.is_framed(text));
/// assert_eq!(framed.ack.map(|ack| &text[ack]), Some("1"));
///
/// let record = "{\"type\":6}\u{1e}";
/// assert_eq!(&record[Framed::of(record).json], r#"{"type":6}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    /// Where the JSON is: the whole text, if it is not framed.
    pub json: Range<usize>,
    /// Where the acknowledgement number of a Socket.IO packet is: the one that it asks its peer to
    /// acknowledge, or the one that it acknowledges.
    pub ack: Option<Range<usize>>,
}

impl Framed {
    /// Finds the parts of a text. Does not check that the JSON part is JSON.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let end = text.strip_suffix(RECORD_END).map_or(text.len(), str::len);
        packet(&text[..end]).unwrap_or(Self {
            json: 0..end,
            ack: None,
        })
    }

    /// Whether there is anything besides the JSON.
    #[must_use]
    pub fn is_framed(&self, text: &str) -> bool {
        self.json != (0..text.len())
    }
}

/// Finds the parts of a Socket.IO packet that holds JSON (Socket.IO protocol 5, over engine.io):
/// `4`, the packet's type, the number of binary parts that follow, a namespace, an acknowledgement
/// number and the JSON. Takes engine.io's open packet too: `0` and JSON.
fn packet(text: &str) -> Option<Framed> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let ([b'4', b'0'..=b'6', ..] | [b'0', b'{', ..]) = bytes else {
        return None;
    };
    let mut at = if bytes[0] == b'0' { 1 } else { 2 };
    let parts = digits(at);
    if parts > 0 && bytes.get(at + parts) == Some(&b'-') {
        at += parts + 1;
    }
    if bytes.get(at) == Some(&b'/') {
        at += text[at..].find(',')? + 1;
    }
    let ack = digits(at);
    let json = at + ack;
    if ack > MAX_ACK_DIGITS || !matches!(bytes.get(json), Some(b'[' | b'{')) {
        return None;
    }
    Some(Framed {
        json: json..text.len(),
        ack: (ack > 0).then_some(at..json),
    })
}

/// The records of a text that holds several, each a JSON object on its own line or ended by 0x1e;
/// empty if it holds only one, or anything else.
///
/// ```
/// use wstape_wire::framed::records;
///
/// let two = "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":{\"channel\":\"a\"}}";
/// assert_eq!(records(two).len(), 2);
/// assert!(records("{\n\"a\":1}").is_empty(), "one that is written over two lines");
/// ```
#[must_use]
pub fn records(text: &str) -> Vec<&str> {
    let split = |end: char| -> Vec<&str> {
        let parts = text.split_inclusive(end);
        parts.filter(|part| !part.trim().is_empty()).collect()
    };
    let is_object = |record: &&str| {
        let record = record.trim_end_matches([RECORD_END, '\n', '\r', ' ']);
        record.starts_with('{') && record.ends_with('}')
    };
    let found = if text.contains(RECORD_END) {
        split(RECORD_END)
    } else if text.contains('\n') {
        split('\n')
    } else {
        return Vec::new();
    };
    if found.len() < 2 || !found.iter().all(is_object) {
        return Vec::new();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> &str {
        &text[Framed::of(text).json]
    }

    #[test]
    fn packets_of_socket_io_are_taken_apart_with_namespace_number_and_binary_parts() {
        for (text, found, ack) in [
            (r#"42["a"]"#, r#"["a"]"#, None),
            (r#"4217["a"]"#, r#"["a"]"#, Some("17")),
            (r#"42/chat,3["a"]"#, r#"["a"]"#, Some("3")),
            (r#"40/chat,{"t":1}"#, r#"{"t":1}"#, None),
            (
                r#"451-["a",{"_placeholder":true,"num":0}]"#,
                r#"["a",{"_placeholder":true,"num":0}]"#,
                None,
            ),
            (r#"430[{"ok":true}]"#, r#"[{"ok":true}]"#, Some("0")),
            (r#"0{"sid":"x"}"#, r#"{"sid":"x"}"#, None),
        ] {
            let framed = Framed::of(text);
            assert_eq!(
                (json(text), framed.ack.map(|ack| &text[ack])),
                (found, ack),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_in_no_frame_is_all_json() {
        for text in [
            "{}",
            "[1]",
            "42",
            "ping",
            "",
            "47[1]",
            "40",
            "42/x",
            "{\"a\":\"\u{1e}\"}",
        ] {
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn records_are_told_apart_from_json_with_line_ends_in_it() {
        let two = "{\"type\":6}\u{1e}{\"type\":1}\u{1e}";
        assert_eq!(records(two), ["{\"type\":6}\u{1e}", "{\"type\":1}\u{1e}"]);
        assert_eq!(records("{}\n{}\n"), ["{}\n", "{}\n"]);
        for one in ["{}\u{1e}", "{}\n", "{\"a\":\n{}}", "a\nb", "[1]\n[2]", ""] {
            assert!(records(one).is_empty(), "{one:?}");
        }
    }
}
