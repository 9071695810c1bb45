//! permessage-deflate (RFC 7692): negotiating it, compressing messages and inflating them.

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use http::header::{HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS};
use wstape_tape::Deflate;

/// Name of the extension.
const NAME: &str = "permessage-deflate";

/// Ends the deflate data of every message, and is left out on the wire (RFC 7692, 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The largest window, the only one that this compressor supports.
const WINDOW_BITS: &str = "15";

/// The bytes by which an output buffer grows, compressing or inflating.
const GROWTH_BYTES: usize = 4 << 10;

/// What client and engine have agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether the engine begins each message without the context of earlier ones.
    engine_forgets: bool,
    /// Whether the client does.
    client_forgets: bool,
}

impl Terms {
    /// Agrees on the first of the client's offers that can be taken, with what the tape wants of
    /// it; `None` if there is none.
    pub(crate) fn agree(wanted: Deflate, request: &HeaderMap) -> Option<Self> {
        let lists = request.get_all(SEC_WEBSOCKET_EXTENSIONS).iter();
        let mut offers = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','));
        offers.find_map(|offer| Self::of_offer(wanted, offer))
    }

    /// The terms that the extensions of a real engine's 101 state; `None` unless they are
    /// permessage-deflate alone.
    pub(crate) fn agreed(extensions: &str) -> Option<Self> {
        let mut parts = extensions.split(';').map(str::trim);
        if extensions.contains(',') || !parts.next()?.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut terms = Self {
            engine_forgets: false,
            client_forgets: false,
        };
        for part in parts {
            match part.split('=').next().unwrap_or_default().trim() {
                "server_no_context_takeover" => terms.engine_forgets = true,
                "client_no_context_takeover" => terms.client_forgets = true,
                // The largest window can read what was written with any smaller one.
                "client_max_window_bits" | "server_max_window_bits" => {}
                _ => return None,
            }
        }
        Some(terms)
    }

    fn of_offer(wanted: Deflate, offer: &str) -> Option<Self> {
        let mut parts = offer.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut terms = Self {
            engine_forgets: wanted.server_no_context_takeover,
            client_forgets: wanted.client_no_context_takeover,
        };
        for part in parts {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(value.trim().trim_matches('"'))),
                None => (part, None),
            };
            match (name, value) {
                ("server_no_context_takeover", None) => terms.engine_forgets = true,
                // Hints about what the client may do anyway, and the window that is used anyway.
                ("client_no_context_takeover", None)
                | ("client_max_window_bits", _)
                | ("server_max_window_bits", Some(WINDOW_BITS)) => {}
                _ => return None,
            }
        }
        Some(terms)
    }

    /// The terms as a 101 states them.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match (self.engine_forgets, self.client_forgets) {
            (false, false) => "permessage-deflate",
            (true, false) => "permessage-deflate; server_no_context_takeover",
            (false, true) => "permessage-deflate; client_no_context_takeover",
            (true, true) => {
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
            }
        })
    }
}

/// Compresses a connection's messages.
#[derive(Debug)]
pub(crate) struct Deflater {
    compress: Compress,
    forgets: bool,
}

impl Deflater {
    pub(crate) fn new(terms: Terms) -> Self {
        Self {
            compress: Compress::new(Compression::default(), false),
            forgets: terms.engine_forgets,
        }
    }

    /// Compresses the next message; returns its deflate data.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        if self.forgets {
            self.compress.reset();
        }
        let mut out = Vec::with_capacity(payload.len() / 2 + GROWTH_BYTES);
        let mut rest = payload;
        loop {
            let before = self.compress.total_in();
            // The only error is for a finished stream, which this one never is.
            let _ = self
                .compress
                .compress_vec(rest, &mut out, FlushCompress::Sync);
            let taken = self.compress.total_in() - before;
            rest = &rest[usize::try_from(taken).unwrap_or(rest.len())..];
            if rest.is_empty() && out.len() < out.capacity() {
                break;
            }
            out.reserve(GROWTH_BYTES);
        }
        if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        out
    }
}

/// Why a compressed message can't be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotInflated {
    /// It is longer than a message may be.
    TooLong,
    /// It is not deflate data.
    NotDeflate,
}

/// Inflates a client's messages.
#[derive(Debug)]
pub(crate) struct Inflater {
    decompress: Decompress,
    forgets: bool,
    /// The bytes inflated of the message so far; there may be `max_bytes`.
    message: usize,
    max_bytes: usize,
}

impl Inflater {
    pub(crate) fn new(terms: Terms, max_bytes: usize) -> Self {
        Self {
            decompress: Decompress::new(false),
            forgets: terms.client_forgets,
            message: 0,
            max_bytes,
        }
    }

    /// Inflates a frame of a compressed message; with `fin` it is the last.
    ///
    /// # Errors
    /// If it is not deflate data, or the message is longer than it may be.
    pub(crate) fn frame(&mut self, payload: &[u8], fin: bool) -> Result<Bytes, NotInflated> {
        let mut out = Vec::new();
        self.inflate(payload, &mut out)?;
        if fin {
            self.inflate(&TAIL, &mut out)?;
            self.message = 0;
            if self.forgets {
                self.decompress.reset(false);
            }
        } else {
            self.message += out.len();
        }
        Ok(out.into())
    }

    fn inflate(&mut self, mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), NotInflated> {
        loop {
            out.reserve(GROWTH_BYTES);
            let (read, written) = (self.decompress.total_in(), out.len());
            let flush = FlushDecompress::Sync;
            let status = self.decompress.decompress_vec(rest, out, flush);
            let taken = usize::try_from(self.decompress.total_in() - read).unwrap_or(0);
            rest = &rest[taken.min(rest.len())..];
            if self.message + out.len() > self.max_bytes {
                return Err(NotInflated::TooLong);
            }
            match status {
                Err(_) => return Err(NotInflated::NotDeflate),
                // A client may end its deflate stream; what follows begins another.
                Ok(Status::StreamEnd) => self.decompress.reset(false),
                Ok(_) if taken == 0 && out.len() == written => return Ok(()),
                Ok(_) => {}
            }
            if rest.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest message that a client may send, in bytes.
    const MAX_BYTES: usize = 1 << 20;

    const PLAIN: Deflate = Deflate {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
    };

    fn agreed(wanted: Deflate, offers: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, offers.parse().unwrap());
        let terms = Terms::agree(wanted, &headers)?;
        Some(terms.header().to_str().unwrap().to_owned())
    }

    #[test]
    fn the_first_offer_that_can_be_taken_is_agreed_on_as_the_tape_wants_it() {
        let forgetful = Deflate {
            server_no_context_takeover: true,
            client_no_context_takeover: true,
        };
        for (wanted, offers, expected) in [
            (
                PLAIN,
                "permessage-deflate; client_max_window_bits",
                Some("permessage-deflate"),
            ),
            (
                PLAIN,
                "x-other, permessage-deflate",
                Some("permessage-deflate"),
            ),
            (
                PLAIN,
                "permessage-deflate; server_no_context_takeover",
                Some("permessage-deflate; server_no_context_takeover"),
            ),
            (
                PLAIN,
                "permessage-deflate; server_max_window_bits=10, permessage-deflate; \
                 server_max_window_bits=15; client_max_window_bits=12",
                Some("permessage-deflate"),
            ),
            (PLAIN, "permessage-deflate; server_max_window_bits=10", None),
            (PLAIN, "permessage-deflate; x", None),
            (PLAIN, "permessage-bzip2", None),
            (
                forgetful,
                "permessage-deflate",
                Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            ),
        ] {
            assert_eq!(agreed(wanted, offers).as_deref(), expected, "{offers}");
        }
    }

    #[test]
    fn what_was_deflated_inflates_in_any_parts_and_what_came_before_helps_unless_it_is_forgotten() {
        let message = br#"{"event":"risk","data":{"halted":false,"drawdown_pct":9.24}}"#;
        for forgets in [false, true] {
            let terms = Terms {
                engine_forgets: forgets,
                client_forgets: forgets,
            };
            let (mut deflater, mut inflater) =
                (Deflater::new(terms), Inflater::new(terms, MAX_BYTES));
            let mut sizes = Vec::new();
            for part in [7, 64, 1 << 20] {
                let small = deflater.message(message);
                sizes.push(small.len());
                let parts: Vec<&[u8]> = small.chunks(part).collect();
                let mut whole = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    whole.extend(inflater.frame(part, at + 1 == parts.len()).unwrap());
                }
                assert_eq!(whole, message);
            }
            assert_eq!(sizes[1] < sizes[0] / 2, !forgets, "{sizes:?}");
        }
        let long: Vec<u8> = (0..300_000_u32)
            .flat_map(u32::to_le_bytes)
            .take(1 << 20)
            .collect();
        let terms = Terms {
            engine_forgets: false,
            client_forgets: false,
        };
        let small = Deflater::new(terms).message(&long);
        let mut inflater = Inflater::new(terms, MAX_BYTES);
        assert_eq!(inflater.frame(&small, true).unwrap(), long);
        assert_eq!(inflater.frame(&[0], true).unwrap(), "", "an empty message");
    }

    #[test]
    fn a_bomb_and_nonsense_are_errors() {
        let terms = Terms {
            engine_forgets: false,
            client_forgets: false,
        };
        let bomb = Deflater::new(terms).message(&vec![0; 4 << 20]);
        assert!(bomb.len() < 1 << 16);
        let mut inflater = Inflater::new(terms, MAX_BYTES);
        assert_eq!(inflater.frame(&bomb, true), Err(NotInflated::TooLong));
        let mut inflater = Inflater::new(terms, MAX_BYTES);
        assert_eq!(
            inflater.frame(&[0xff; 16], true),
            Err(NotInflated::NotDeflate)
        );
    }
}
