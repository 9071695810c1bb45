//! What the name of a member tells about its value.

/// Names of members that tell a message's purpose, the most telling first, in lower case and
/// without punctuation.
const PURPOSES: [&str; 15] = [
    "method",
    "target",
    "op",
    "action",
    "event",
    "cmd",
    "command",
    "request",
    "requesttype",
    "operation",
    "opcode",
    "msg",
    "type",
    "kind",
    "e",
];

/// Names of members that belong to the protocol; no answer depends on them.
const PROTOCOL: [&str; 2] = ["jsonrpc", "version"];

/// Names of members that match an answer to its request.
const IDENTITIES: [&str; 14] = [
    "id",
    "invocationid",
    "reqid",
    "requestid",
    "cid",
    "clientid",
    "messageid",
    "msgid",
    "guid",
    "uuid",
    "ref",
    "callid",
    "echo",
    "replyto",
];

/// Names of members that number a message, or tell when it was sent or who sent it. What is
/// requested does not depend on them.
const NUMBERS: [&str; 14] = [
    "apikey",
    "expires",
    "nonce",
    "passphrase",
    "rand",
    "recvwindow",
    "seq",
    "sig",
    "sign",
    "signature",
    "time",
    "timestamp",
    "token",
    "ts",
];

/// Words in a purpose that tell that a stream should end, or begin.
const ENDINGS: [&str; 6] = ["unsub", "cancel", "stop", "leave", "complete", "close"];
const BEGINNINGS: [&str; 5] = ["sub", "join", "watch", "listen", "req"];

/// A name in lower case and without punctuation.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// How telling a member with this name is about a message's purpose; 0 is the most telling.
pub(super) fn purpose(key: &str) -> Option<usize> {
    let key = plain(key);
    PURPOSES.iter().position(|purpose| *purpose == key)
}

/// Whether a member with this name belongs to the protocol.
pub(super) fn is_protocol(key: &str) -> bool {
    PROTOCOL.contains(&plain(key).as_str())
}

/// Whether a member with this name matches an answer to its request.
pub(super) fn is_identity(key: &str) -> bool {
    IDENTITIES.contains(&plain(key).as_str())
}

/// Whether what is requested does not depend on a member with this name.
pub(super) fn is_number(key: &str) -> bool {
    is_identity(key) || NUMBERS.contains(&plain(key).as_str())
}

/// Whether a purpose ends a stream.
pub(super) fn ends(purpose: &str) -> bool {
    has_any(purpose, &ENDINGS)
}

/// Whether a purpose says that the client is leaving.
pub(super) fn is_goodbye(purpose: &str) -> bool {
    matches!(purpose, "DISCONNECT" | "connection_terminate")
}

/// Whether a purpose begins a stream.
pub(super) fn begins(purpose: &str) -> bool {
    !ends(purpose) && has_any(purpose, &BEGINNINGS)
}

fn has_any(purpose: &str, words: &[&str]) -> bool {
    let purpose = purpose.to_ascii_lowercase();
    words.iter().any(|word| purpose.contains(word))
}
