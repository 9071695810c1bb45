//! What a step does: the table of all actions.
//!
//! # Adding an action
//!
//! 1. Write its file in this folder, named after it. It holds the type of the action's value, if
//!    it needs one of its own, and an `impl Spec` (see `spec.rs`): the key, what kind of action it
//!    is, how its value is read and written, and what a journal says of it. Override `Spec`'s
//!    defaults where they don't fit: what clears it, which feature a tape must name in `needs`,
//!    whether it needs a `seed`, how many bytes it sends, and which values are simpler.
//! 2. Add its row to `actions!` below, with the sentence that documents the variant. Reader,
//!    writer, suggestions for misspelt keys, the rules on which modifiers go with it, journal and
//!    the shrinking of broken cases follow from the row.
//! 3. Implement it where it is played: `perform` in the mock engine. Until then the engine notes
//!    in its journal that it can't play it.
//! 4. Add it to `FORMAT.md` (a row with an example, its own keys, and S, U or C if it is a state,
//!    used up, or a feature), to `format/full.jsonl`, and to the drawn steps in `tests/steps`. The
//!    crate's tests fail until reference and table agree.

mod accept;
mod answers;
mod bandwidth;
mod binary;
mod body;
mod bytes;
mod clock;
mod close;
mod corrupt;
mod direction;
mod down;
mod drop;
mod emit;
mod end;
mod expect;
mod frame;
mod garbage;
mod half_close;
mod hang;
mod http;
mod idle_drop;
mod json;
mod latency;
mod mark;
mod mute;
mod next;
mod partition;
mod ping;
mod pongs;
mod reading;
mod received;
mod refuse;
mod slice;
mod spec;
mod start;
mod stop;
mod text;
mod tls;
mod which;

use std::borrow::Cow;

use ::bytes::Bytes;

pub use accept::{Accept, Deflate};
pub use answers::Answers;
pub use clock::ClockSkew;
pub use close::CloseFrame;
pub use corrupt::Corruption;
pub use direction::Direction;
pub use down::Down;
pub use drop::End;
pub(crate) use emit::write_event;
pub use expect::Expect;
pub use frame::RawFrame;
pub use garbage::{Garbage, MAX_GARBAGE_BYTES};
pub use http::HttpAnswer;
pub use latency::{Distribution, Latency};
pub use next::{Late, SomeOf};
pub use partition::Partition;
pub use pongs::Pongs;
pub use reading::Reading;
pub use received::{Received, ReceivedKind};
pub use refuse::Refusal;
pub use start::Start;
pub use tls::TlsFault;
pub use which::WhichScene;

use crate::Micros;
use crate::error::Flaw;
use crate::json::{FINAL_STATUSES, Field, Pen};
use spec::{Class, Spec};

/// The table: each action's documentation, variant, value and [`Spec`]. The last rows are the
/// actions without a value.
macro_rules! actions {
    (
        $($(#[$doc:meta])+ $variant:ident($value:ty) = $spec:ty),+;
        $($(#[$bare_doc:meta])+ $bare:ident = $bare_spec:ty),+
    ) => {
        /// What a step does. One variant per key of the tape format.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum Action {
            $($(#[$doc])+ $variant($value),)+
            $($(#[$bare_doc])+ $bare,)+
        }

        /// The keys of all actions, in the order of [`Action`]'s variants.
        pub const ACTION_KEYS: [&str; [$(<$spec>::KEY,)+ $(<$bare_spec>::KEY,)+].len()] =
            [$(<$spec>::KEY,)+ $(<$bare_spec>::KEY,)+];

        impl Action {
            /// The action's key on the wire, one of [`ACTION_KEYS`].
            #[must_use]
            pub fn key(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$spec>::KEY,)+
                    $(Self::$bare => <$bare_spec>::KEY,)+
                }
            }

            /// Reads the action of a key; `None` if no action has that key.
            pub(crate) fn read(field: &Field<'_>, line: &Bytes) -> Option<Result<Self, Flaw>> {
                Some(match &*field.name {
                    $(<$spec>::KEY => <$spec>::read(field, line).map(Self::$variant),)+
                    $(<$bare_spec>::KEY => {
                        <$bare_spec>::read(field, line).map(|()| Self::$bare)
                    })+
                    _ => return None,
                })
            }

            /// Writes the action's member.
            pub(crate) fn write(&self, pen: &mut Pen) {
                match self {
                    $(Self::$variant(value) => <$spec>::write(value, pen),)+
                    $(Self::$bare => <$bare_spec>::write(&(), pen),)+
                }
            }

            fn class(&self) -> Class {
                match self {
                    $(Self::$variant(_) => <$spec>::CLASS,)+
                    $(Self::$bare => <$bare_spec>::CLASS,)+
                }
            }

            /// Whether it is for the whole engine, so that it can't be triggered by one
            /// connection's accept.
            #[must_use]
            pub fn is_engine_wide(&self) -> bool {
                match self {
                    $(Self::$variant(_) => <$spec>::ENGINE_WIDE,)+
                    $(Self::$bare => <$bare_spec>::ENGINE_WIDE,)+
                }
            }

            /// Whether an action that [sets a state](Self::is_state) leaves nothing set:
            /// `false`, `null` and other values that clear it.
            #[must_use]
            pub fn clears(&self) -> bool {
                match self {
                    $(Self::$variant(value) => <$spec>::clears(value),)+
                    $(Self::$bare => <$bare_spec>::clears(&()),)+
                }
            }

            /// What a journal says when it is played, such as `refuse 503` or `partition both`. A
            /// step adds its direction: [`Step::words`](crate::Step::words).
            #[must_use]
            pub fn words(&self) -> Cow<'static, str> {
                match self {
                    $(Self::$variant(value) => <$spec>::words(value),)+
                    $(Self::$bare => <$bare_spec>::words(&()),)+
                }
            }

            /// The feature beyond the format's first version that it belongs to, if any.
            pub(crate) fn feature(&self) -> Option<&'static str> {
                match self {
                    $(Self::$variant(value) => <$spec>::feature(value),)+
                    $(Self::$bare => <$bare_spec>::feature(&()),)+
                }
            }

            /// Whether it leaves something to chance, so that the step must have a `seed`.
            pub(crate) fn is_drawn(&self) -> bool {
                match self {
                    $(Self::$variant(value) => <$spec>::is_drawn(value),)+
                    $(Self::$bare => <$bare_spec>::is_drawn(&()),)+
                }
            }

            /// Bytes of payload that it sends to a client; 0 for an action that sends none.
            #[must_use]
            pub fn payload_bytes(&self) -> usize {
                match self {
                    $(Self::$variant(value) => <$spec>::payload_bytes(value),)+
                    $(Self::$bare => <$bare_spec>::payload_bytes(&()),)+
                }
            }

            /// Simpler actions of the same key, the simplest first: what to try when shrinking a
            /// tape. None has this one among its own simpler actions, even indirectly.
            #[must_use]
            pub fn simpler(&self) -> Vec<Self> {
                match self {
                    $(Self::$variant(value) => {
                        <$spec>::simpler(value).into_iter().map(Self::$variant).collect()
                    })+
                    $(Self::$bare => Vec::new(),)+
                }
            }
        }
    };
}

actions! {
    /// `emit`: send this JSON text as one Text message, byte for byte as it stands in the line.
    Emit(Bytes) = emit::Emit,
    /// `json`: send this JSON text as one Text message, byte for byte as it stands in the line.
    Json(Bytes) = json::Json,
    /// `text`: send exactly this as one Text message, valid JSON or not.
    Text(String) = text::Text,
    /// `binary`: send these bytes as one Binary message.
    Binary(Bytes) = binary::Binary,
    /// `ping`: send a Ping (`"text"` or `{"b64": …}`; `""` for an empty one).
    Ping(Bytes) = ping::Ping,
    /// `pong`: send a Pong nobody asked for.
    Pong(Bytes) = ping::Pong,
    /// `pongs`: how the engine answers Pings from here on.
    Pongs(Pongs) = Pongs,
    /// `close`: send a Close; `{}` for one without a code.
    Close(Option<CloseFrame>) = CloseFrame,
    /// `frame`: send any frame, legal or not.
    Frame(RawFrame) = RawFrame,
    /// `bytes`: write any bytes onto the stream.
    Bytes(Bytes) = bytes::RawBytes,
    /// `drop`: end the transport without a closing handshake.
    Drop(End) = End,
    /// `accept`: how the next upgrades are answered; `null` clears it.
    Accept(Option<Accept>) = Accept,
    /// `refuse`: answer handshakes with this status; `null` clears it.
    Refuse(Option<Refusal>) = Refusal,
    /// `hang`: take connections and never answer; `false` clears it.
    Hang(bool) = hang::Hang,
    /// `garbage`: answer connections with something that is not HTTP; `null` clears it.
    Garbage(Option<Garbage>) = Garbage,
    /// `tls`: what is wrong with the engine's TLS; `null` clears it.
    Tls(Option<TlsFault>) = TlsFault,
    /// `answers`: who decides how handshakes are answered.
    Answers(Answers) = Answers,
    /// `down`: the port refuses dials, or resets some; open connections are reset; `false` listens
    /// again.
    Down(Down) = Down,
    /// `partition`: hold bytes without FIN or RST.
    Partition(Partition) = Partition,
    /// `latency_ms`, one way, per direction; 0 clears it.
    Latency(Latency) = Latency,
    /// `bytes_per_s`: bandwidth, per direction; `null` clears it.
    BytesPerSecond(Option<u64>) = bandwidth::Bandwidth,
    /// `slice_bytes`: deliver at most this many bytes at once; `null` clears it.
    SliceBytes(Option<u32>) = slice::Slice,
    /// `corrupt`: flip bits of bytes on the way, per direction; `null` ends it.
    Corrupt(Option<Corruption>) = Corruption,
    /// `reading`: whether the engine reads what clients send.
    Reading(Reading) = Reading,
    /// `idle_drop`: the network forgets a connection that carries nothing for this long; `null`
    /// forgets none.
    IdleDrop(Option<Micros>) = idle_drop::IdleDrop,
    /// `clock`: the engine's wall clock is wrong; `null` sets it right.
    Clock(Option<ClockSkew>) = ClockSkew,
    /// `http`: how requests for that path are answered from here on.
    Http(HttpAnswer) = HttpAnswer,
    /// `start`: a scene begins on the connection.
    Start(Start) = Start,
    /// `stop`: a scene ends on the connection, until it is started again.
    Stop(WhichScene) = stop::Stop,
    /// `mute`: a scene sends nothing; `false` lets every scene of the connection send again.
    Mute(Option<WhichScene>) = mute::Mute,
    /// `gap`: the next messages of a scene are left out; its count goes on.
    Gap(SomeOf) = next::Gap,
    /// `repeat`: each of a scene's next messages is sent twice.
    Repeat(SomeOf) = next::Repeat,
    /// `late`: the next messages of a scene come later, and others overtake them.
    Late(Late) = Late,
    /// `received`: what the client sent, as a recorder saw it. The player skips it.
    Received(Received) = Received,
    /// `mark`: a place that other tools and overlays can name.
    Mark(String) = mark::Mark,
    /// `expect`: a demand on the subscriber.
    Expect(Expect) = Expect;
    /// `half_close`: the engine ends its side of the stream and goes on reading.
    HalfClose = half_close::HalfClose,
    /// `end`: the recording's end.
    End = end::TapeEnd
}

impl Action {
    /// Returns the action that answers a handshake like this: a refusal or, if a refusal can't have
    /// the status ([`FINAL_STATUSES`](crate::FINAL_STATUSES)), the answer's bytes on the wire,
    /// followed by `then`.
    ///
    /// ```
    /// use wstape_tape::{Action, End, Refusal};
    /// let headers = vec![("x".to_owned(), "1".to_owned())];
    /// let refusal = Refusal { headers, ..Refusal::new(666) };
    /// let Action::Garbage(Some(head)) = Action::refusing(refusal, Some(End::Fin)) else { panic!() };
    /// assert_eq!(head.bytes, "HTTP/1.1 666 \r\nx: 1\r\n\r\n");
    /// ```
    #[must_use]
    pub fn refusing(refusal: Refusal, then: Option<End>) -> Self {
        if FINAL_STATUSES.contains(&refusal.status) {
            Self::Refuse(Some(refusal))
        } else {
            Self::Garbage(Some(refusal.into_garbage(then)))
        }
    }

    /// Whether it is a condition of the link in one direction, so that `direction` goes with it.
    #[must_use]
    pub fn is_link_condition(&self) -> bool {
        self.class() == Class::Link
    }

    /// Whether connections or handshakes use it up, so that `times` goes with it.
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.class() == Class::UsedUp
    }

    /// Whether it writes onto the stream, and so waits for the 101.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.class() == Class::Sent
    }

    /// Whether it is about how a connection's handshake is answered, or about what a recorder saw,
    /// and so means nothing on an upgraded connection.
    pub(crate) fn is_before_the_101(&self) -> bool {
        matches!(self, Self::Answers(_) | Self::Received(_)) || self.is_used_up()
    }

    /// Whether it means something on a connection only after the 101: it writes onto the stream, or
    /// is about scenes.
    #[must_use]
    pub fn waits_for_the_101(&self) -> bool {
        let of_scenes = matches!(
            self,
            Self::Start(_)
                | Self::Stop(_)
                | Self::Mute(_)
                | Self::Gap(_)
                | Self::Repeat(_)
                | Self::Late(_)
        );
        of_scenes || self.is_sent()
    }

    /// Whether it sets a state that lasts, so that `for_ms` goes with it.
    #[must_use]
    pub fn is_state(&self) -> bool {
        matches!(self.class(), Class::State | Class::UsedUp | Class::Link)
    }
}
