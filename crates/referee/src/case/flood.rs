//! More frames than a tape would hold.

use bytes::Bytes;
use serde::Deserialize;
use wstape_tape::{Action, RawFrame};
use wstape_wire::opcode::{CONTINUATION, TEXT};

/// A flood, as in a case's header.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flood {
    /// How long after the first connection's 101 it starts.
    pub(crate) after_s: f64,
    /// It is given up once the client has taken nothing for this long.
    pub(crate) stalled_s: f64,
    #[serde(flatten)]
    of: Kind,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Pings, each with a payload of this many bytes.
    Pings { bytes: usize, times: u64 },
    /// One Text message, a JSON string, in fragments of this many bytes.
    Message { fragment_bytes: usize, times: u64 },
}

impl Flood {
    /// How many frames there are.
    pub(crate) fn frames(&self) -> u64 {
        match self.of {
            Kind::Pings { times, .. } | Kind::Message { times, .. } => times,
        }
    }

    /// The source of its frames, one after the other.
    pub(crate) fn source(&self) -> Source {
        let bytes = match self.of {
            Kind::Pings { bytes, .. } => bytes,
            Kind::Message { fragment_bytes, .. } => fragment_bytes,
        };
        Source {
            flood: self.clone(),
            made: 0,
            filling: Bytes::from(vec![b'x'; bytes]),
        }
    }
}

/// Makes the frames of a flood.
#[derive(Debug)]
pub(crate) struct Source {
    flood: Flood,
    made: u64,
    /// The payload, shared by all frames but the first and last.
    filling: Bytes,
}

impl Source {
    /// The next frame; `None` after the last one.
    pub(crate) fn next(&mut self) -> Option<Action> {
        self.made += 1;
        let times = self.flood.frames();
        (self.made <= times).then(|| match self.flood.of {
            Kind::Pings { .. } => Action::Ping(self.filling.clone()),
            Kind::Message { .. } => Action::Frame(self.fragment(times)),
        })
    }

    fn fragment(&self, times: u64) -> RawFrame {
        let (first, last) = (self.made == 1, self.made == times);
        let mut payload = self.filling.clone();
        if first || last {
            let mut quoted = payload.to_vec();
            if let (true, Some(byte)) = (first, quoted.first_mut()) {
                *byte = b'"';
            }
            if let (true, Some(byte)) = (last, quoted.last_mut()) {
                *byte = b'"';
            }
            payload = quoted.into();
        }
        RawFrame {
            fin: last,
            rsv: 0,
            opcode: if first { TEXT } else { CONTINUATION },
            mask: None,
            payload,
            declared_len: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_fragments_is_one_string_of_json() {
        let flood: Flood = serde_json::from_str(
            r#"{"after_s":1,"stalled_s":30,"message":{"fragment_bytes":4,"times":3}}"#,
        )
        .unwrap();
        let mut source = flood.source();
        let mut whole = Vec::new();
        let mut heads = Vec::new();
        while let Some(Action::Frame(frame)) = source.next() {
            whole.extend_from_slice(&frame.payload);
            heads.push((frame.fin, frame.opcode));
        }
        assert_eq!(whole, br#""xxxxxxxxxx""#);
        assert_eq!(heads, [(false, 1), (false, 0), (true, 0)]);
        assert_eq!(flood.frames(), 3);
    }
}
