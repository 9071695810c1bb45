//! Decompresses messages (permessage-deflate, RFC 7692).

use bytes::{Bytes, BytesMut};
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZError, MZFlush, MZStatus};

/// The extension's name in a handshake.
const PERMESSAGE_DEFLATE: &str = "permessage-deflate";
/// The end of every compressed message, which is not sent (RFC 7692, 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// How many bytes are inflated at once.
const STEP_BYTES: usize = 16 << 10;

/// The compression that the two ends agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreement {
    /// Whether the engine resets its window between messages.
    pub(super) engine_forgets: bool,
    /// Whether the client resets its window between messages.
    pub(super) client_forgets: bool,
}

impl Agreement {
    /// Parses the `Sec-WebSocket-Extensions` of a 101. `None` unless that is permessage-deflate
    /// alone; frames are then recorded as they are.
    pub(super) fn parse(extensions: &str) -> Option<Self> {
        let mut parts = extensions.split(';').map(str::trim);
        if extensions.contains(',') || !parts.next()?.eq_ignore_ascii_case(PERMESSAGE_DEFLATE) {
            return None;
        }
        let mut agreed = Self {
            engine_forgets: false,
            client_forgets: false,
        };
        for part in parts {
            match part.split('=').next().unwrap_or_default().trim() {
                "server_no_context_takeover" => agreed.engine_forgets = true,
                "client_no_context_takeover" => agreed.client_forgets = true,
                // Inflating with a window of 32 KiB works for any smaller window too.
                "server_max_window_bits" | "client_max_window_bits" => {}
                _ => return None,
            }
        }
        Some(agreed)
    }
}

/// Why a message can't be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotPlain {
    /// It is longer than the limit.
    TooLong,
    /// It is not compressed data, or refers to something that was lost.
    Corrupt,
}

/// Inflates the messages of one direction.
pub(super) struct Inflater {
    state: Box<InflateState>,
    /// Whether no message refers to the one before.
    forgets: bool,
    /// Whether the data that the next message may refer to was lost.
    lost: bool,
}

impl Inflater {
    pub(super) fn new(forgets: bool) -> Self {
        Self {
            state: InflateState::new_boxed(DataFormat::Raw),
            forgets,
            lost: false,
        }
    }

    /// Notes that something between two messages was lost.
    pub(super) fn missed(&mut self) {
        self.lost = !self.forgets;
    }

    /// Decompresses a message that came in these fragments, up to `most` bytes.
    pub(super) fn message<'a>(
        &mut self,
        fragments: impl Iterator<Item = &'a [u8]>,
        most: usize,
    ) -> Result<Bytes, NotPlain> {
        if self.lost {
            return Err(NotPlain::Corrupt);
        }
        if self.forgets {
            self.state.reset(DataFormat::Raw);
        }
        let mut plain = BytesMut::new();
        let mut too_long = false;
        for fragment in fragments.chain([&TAIL[..]]) {
            self.fragment(fragment, most, &mut plain, &mut too_long)
                .inspect_err(|_| self.lost = !self.forgets)?;
        }
        if too_long {
            return Err(NotPlain::TooLong);
        }
        Ok(plain.freeze())
    }

    /// Inflates one fragment. A message that is too long is still inflated to its end, because
    /// later ones may refer to it.
    fn fragment(
        &mut self,
        mut input: &[u8],
        most: usize,
        plain: &mut BytesMut,
        too_long: &mut bool,
    ) -> Result<(), NotPlain> {
        let mut step = [0; STEP_BYTES];
        loop {
            let done = inflate(&mut self.state, input, &mut step, MZFlush::None);
            input = &input[done.bytes_consumed..];
            let inflated = &step[..done.bytes_written];
            *too_long |= plain.len() + inflated.len() > most;
            if *too_long {
                plain.clear();
            } else {
                plain.extend_from_slice(inflated);
            }
            match done.status {
                // The last block was marked final (RFC 7692, 7.2.3.4): whatever follows starts a
                // new stream.
                Ok(MZStatus::StreamEnd) => self.state.reset(DataFormat::Raw),
                Ok(MZStatus::Ok) | Err(MZError::Buf) => {}
                _ => return Err(NotPlain::Corrupt),
            }
            let idle = done.bytes_consumed == 0 && done.bytes_written == 0;
            if idle || (input.is_empty() && done.bytes_written < step.len()) {
                return if input.is_empty() {
                    Ok(())
                } else {
                    Err(NotPlain::Corrupt)
                };
            }
        }
    }
}

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater")
            .field("forgets", &self.forgets)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
    use miniz_oxide::deflate::stream::deflate;

    use super::*;

    /// Compresses messages as a peer does.
    struct Peer(Box<CompressorOxide>);

    impl Peer {
        fn new() -> Self {
            let raw = create_comp_flags_from_zip_params(6, -15, 0);
            Self(Box::new(CompressorOxide::new(raw)))
        }

        fn message(&mut self, plain: &[u8]) -> Vec<u8> {
            let mut wire = vec![0; plain.len() + 64];
            let done = deflate(&mut self.0, plain, &mut wire, MZFlush::Sync);
            assert_eq!(done.bytes_consumed, plain.len());
            wire.truncate(done.bytes_written);
            assert!(wire.ends_with(&TAIL));
            wire.truncate(wire.len() - TAIL.len());
            wire
        }
    }

    fn plain(inflater: &mut Inflater, wire: &[u8], cut: usize) -> Result<Bytes, NotPlain> {
        let (first, last) = wire.split_at(cut.min(wire.len()));
        inflater.message([first, last].into_iter(), 1 << 20)
    }

    fn event(n: usize) -> Vec<u8> {
        format!(
            r#"{{"event":"risk","data":{{"n":{n},"pad":"{}"}}}}"#,
            "ab".repeat(n)
        )
        .into_bytes()
    }

    #[test]
    fn messages_come_out_whether_the_peer_forgets_or_not() {
        for forgets in [false, true] {
            let mut inflater = Inflater::new(forgets);
            let mut peer = Peer::new();
            for n in 0..40 {
                if forgets {
                    peer = Peer::new();
                }
                let wire = peer.message(&event(n * 37));
                let message = plain(&mut inflater, &wire, n);
                assert_eq!(message.as_deref(), Ok(&event(n * 37)[..]));
            }
        }
    }

    #[test]
    fn the_examples_of_the_rfc_come_out() {
        // RFC 7692, 7.2.3.1, 7.2.3.3 and 7.2.3.4: one block, no compression, a last block.
        for wire in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            let mut inflater = Inflater::new(false);
            assert_eq!(plain(&mut inflater, wire, 3).as_deref(), Ok(&b"Hello"[..]));
            assert_eq!(plain(&mut inflater, wire, 3).as_deref(), Ok(&b"Hello"[..]));
        }
    }

    #[test]
    fn an_empty_message_is_one() {
        let mut inflater = Inflater::new(false);
        assert_eq!(plain(&mut inflater, b"\x00", 0).as_deref(), Ok(&b""[..]));
    }

    #[test]
    fn what_is_too_long_is_known_to_the_messages_behind_it() {
        let (mut peer, mut inflater) = (Peer::new(), Inflater::new(false));
        let long = event(20_000);
        let wire = peer.message(&long);
        let most = inflater.message([&wire[..]].into_iter(), 1_000);
        assert_eq!(most, Err(NotPlain::TooLong));
        let wire = peer.message(&event(900));
        assert_eq!(
            plain(&mut inflater, &wire, 0).as_deref(),
            Ok(&event(900)[..])
        );
    }

    #[test]
    fn what_does_not_inflate_is_said_and_what_leans_on_it_is_not_trusted() {
        for forgets in [false, true] {
            let mut inflater = Inflater::new(forgets);
            let bad = plain(&mut inflater, b"\xff\xff\xff", 0);
            assert_eq!(bad, Err(NotPlain::Corrupt));
            let good = plain(&mut inflater, &Peer::new().message(b"x"), 0);
            assert_eq!(good.is_ok(), forgets);
        }
    }

    #[test]
    fn an_agreement_on_anything_else_is_none() {
        let forgets = |engine, client| {
            Some(Agreement {
                engine_forgets: engine,
                client_forgets: client,
            })
        };
        for (extensions, agreed) in [
            ("permessage-deflate", forgets(false, false)),
            (
                "permessage-deflate; server_no_context_takeover; client_max_window_bits=12",
                forgets(true, false),
            ),
            (
                "Permessage-Deflate;client_no_context_takeover",
                forgets(false, true),
            ),
            ("permessage-deflate, x-other", None),
            ("x-webkit-deflate-frame", None),
            ("permessage-deflate; new_parameter", None),
            ("", None),
        ] {
            assert_eq!(Agreement::parse(extensions), agreed, "{extensions}");
        }
    }
}
