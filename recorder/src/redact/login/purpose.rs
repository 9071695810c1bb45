//! The purpose of a message: which members state it, and which purposes are a login.

use crate::redact::names::{plain, words};

/// Words in a purpose which show that a message is a login, or that it is signed.
const LOGIN_WORDS: [&str; 32] = [
    "2fa",
    "auth",
    "authenticate",
    "authentication",
    "authn",
    "authorization",
    "authorize",
    "authkey",
    "identify",
    "importprivatekey",
    "importprivkey",
    "login",
    "logon",
    "mfa",
    "oauth",
    "otp",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "reauth",
    "sign",
    "signature",
    "signed",
    "signin",
    "signon",
    "ssid",
    "unlock",
    "unseal",
    "walletpassphrase",
    "webirc",
];

/// Pairs of words which show the same.
const LOGIN_PAIRS: [[&str; 2]; 8] = [
    ["log", "in"],
    ["log", "on"],
    ["connection", "init"],
    ["access", "token"],
    ["with", "token"],
    ["import", "key"],
    ["import", "raw"],
    ["insert", "key"],
];

/// The prefix of the methods of Ethereum nodes that take a password as their last argument.
const PERSONAL: &str = "personal_";

/// Words in a purpose which show that a client introduces itself, before it has asked for anything:
/// nothing is traded in such a message.
const OPENINGS: [&str; 8] = [
    "connect",
    "handshake",
    "hello",
    "hi",
    "init",
    "initialize",
    "reconnect",
    "resume",
];

/// Words in a purpose which show that it is about a hash.
const OF_HASHES: [&str; 6] = [
    "block",
    "header",
    "merkle",
    "scripthash",
    "transaction",
    "tx",
];

/// Names of members that state a message's purpose, in lower case and without punctuation.
const PURPOSES: [&str; 47] = [
    "a",
    "act",
    "action",
    "api",
    "call",
    "ch",
    "channel",
    "cmd",
    "command",
    "e",
    "endpoint",
    "event",
    "eventname",
    "fn",
    "func",
    "function",
    "janus",
    "kind",
    "m",
    "message",
    "messagename",
    "messagetype",
    "method",
    "mode",
    "msg",
    "msgtype",
    "name",
    "op",
    "opcode",
    "operation",
    "operationname",
    "optype",
    "path",
    "payloadtype",
    "procedure",
    "req",
    "request",
    "requesttype",
    "resource",
    "route",
    "service",
    "t",
    "target",
    "topic",
    "type",
    "uri",
    "verb",
];

/// Words in a purpose which show that a code proves something.
const PROVING: [&str; 6] = [
    "confirm",
    "disarm",
    "unlock",
    "verification",
    "verify",
    "verifycode",
];

/// Words in a purpose which show that a key is handed over.
const GIVING_KEYS: [&str; 9] = [
    "import",
    "importprivkey",
    "key",
    "private",
    "privkey",
    "recover",
    "restore",
    "seed",
    "wallet",
];

/// Names of members that contain the purpose, in messages with a head and a body.
const HEADS: [&str; 5] = ["envelope", "head", "header", "headers", "meta"];

/// The longest purpose, in bytes.
pub(super) const MAX_PURPOSE_BYTES: usize = 48;

/// Whether a purpose is that of a login or of a signed message.
pub(in crate::redact) fn is_login(purpose: &str) -> bool {
    Purpose::of(purpose).is_login()
}

/// The purpose of a message, split into words.
#[derive(Debug)]
pub(in crate::redact) struct Purpose {
    /// Empty if the text is too long for a purpose.
    words: Vec<String>,
    is_personal: bool,
}

impl Purpose {
    pub(in crate::redact) fn of(purpose: &str) -> Self {
        let words = if purpose.len() > MAX_PURPOSE_BYTES {
            Vec::new()
        } else {
            words(purpose)
        };
        Self {
            is_personal: !words.is_empty() && purpose.starts_with(PERSONAL),
            words,
        }
    }

    /// Whether the message is a login or is signed.
    pub(in crate::redact) fn is_login(&self) -> bool {
        let says = self.has(says_login) && !self.asks_for_signature();
        says || self.has_pair_of(&LOGIN_PAIRS) || self.is_personal
    }

    /// Whether the message asks for the status of a transaction, which is identified by its
    /// signature: Solana's `signatureSubscribe` and `getSignatureStatuses`.
    fn asks_for_signature(&self) -> bool {
        let asks = self.subscribes() || self.words.first().is_some_and(|word| word == "get");
        let other = |word: &String| word != "signature" && says_login(word);
        asks && self.has(|word| word.starts_with("signature")) && !self.words.iter().any(other)
    }

    /// Whether the message asks for the result of a contract's method, without a signature.
    pub(in crate::redact) fn asks_for_call(&self) -> bool {
        const CALLS: [[&str; 2]; 3] = [["eth", "call"], ["estimate", "gas"], ["access", "list"]];
        self.has_pair_of(&CALLS)
    }

    /// Whether it has more than one word.
    pub(in crate::redact) fn is_of_words(&self) -> bool {
        self.words.len() > 1
    }

    /// Whether the message subscribes to topics or unsubscribes.
    pub(in crate::redact) fn subscribes(&self) -> bool {
        self.has(|word| {
            let word = word.strip_prefix("un").unwrap_or(word);
            matches!(word, "sub" | "subscribe" | "subscription")
        })
    }

    /// Whether the message proves something with a code: a second factor, or an alarm's code.
    pub(in crate::redact) fn proves(&self) -> bool {
        self.has_one_of(&PROVING) || self.has_pair_of(&[["with", "code"]])
    }

    /// Whether the message introduces a client.
    pub(in crate::redact) fn opens(&self) -> bool {
        self.has_one_of(&OPENINGS)
    }

    /// Whether the message is about a hash.
    pub(in crate::redact) fn asks_for_hash(&self) -> bool {
        let fused = |word: &str| {
            let of = word.strip_prefix("get").unwrap_or_default();
            of.starts_with("block") || of.ends_with("transaction")
        };
        self.has_one_of(&OF_HASHES) || self.has(fused) || self.asks_for_signature()
    }

    /// Whether the message hands over a key, so that hexadecimal digits in it are one.
    pub(in crate::redact) fn gives_key(&self) -> bool {
        self.has_one_of(&GIVING_KEYS)
    }

    fn has(&self, is: fn(&str) -> bool) -> bool {
        self.words.iter().any(|word| is(word))
    }

    fn has_one_of(&self, list: &[&str]) -> bool {
        self.words.iter().any(|word| list.contains(&word.as_str()))
    }

    fn has_pair_of(&self, list: &[[&str; 2]]) -> bool {
        let known = |two: &[String]| list.iter().any(|pair| two == pair);
        self.words.windows(2).any(known)
    }
}

/// Whether a word means a login: a known word, or one fused with others, as in `userlogin` and
/// `authrequest`. `author` is not one.
fn says_login(word: &str) -> bool {
    let fused = word.contains("login")
        || word.contains("logon")
        || word.ends_with("auth")
        || word.starts_with("auth") && !word.starts_with("author")
        || word.starts_with("authoris")
        || word.starts_with("authoriz");
    fused || LOGIN_WORDS.contains(&word)
}

/// Whether a member of this name is the head that states a message's purpose, apart from its body.
pub(in crate::redact) fn is_head(name: &str) -> bool {
    HEADS.contains(&plain(name).as_str())
}

/// Whether a member of this name states a message's purpose.
pub(in crate::redact) fn is_purpose(name: &str) -> bool {
    // In SignalR `A` holds the arguments of a call. In lower case it is the purpose in Firebase.
    const ARGUMENTS: &str = "A";
    name != ARGUMENTS && PURPOSES.contains(&plain(name).as_str())
}

/// Whether a list of this name is about what is traded. Its symbols may look like words for a
/// login: `"symbols":["SIGN","PASS"]`.
pub(in crate::redact) fn is_of_symbols(name: &str) -> bool {
    const LISTS: [&str; 13] = [
        "assets",
        "bars",
        "codes",
        "coins",
        "instruments",
        "markets",
        "pairs",
        "productids",
        "quotes",
        "securities",
        "symbols",
        "tickers",
        "trades",
    ];
    LISTS.contains(&plain(name).as_str())
}

/// Whether a member of this name tells what a message is about rather than what it does: a topic
/// may have the name of a login without being one.
pub(in crate::redact) fn is_topic(name: &str) -> bool {
    const TOPICS: [&str; 6] = ["ch", "channel", "name", "path", "resource", "topic"];
    TOPICS.contains(&plain(name).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_told_by_its_words() {
        for purpose in [
            "auth",
            "AUTH",
            "login",
            "session.logon",
            "public/auth",
            "authKeyExpires",
            "user.auth",
            "spot.login",
            "authentication_challenge",
            "connection_init",
            "signIn",
            "order.signed",
            "userLogin",
            "userlogin",
            "AuthRequest",
            "authrequest",
            "wsauth",
            "quoine:auth_request",
            "key-auth",
            "authorise",
            "walletpassphrase",
        ] {
            assert!(is_login(purpose), "{purpose}");
        }
        for purpose in [
            "subscribe",
            "author",
            "order.place",
            "signal",
            "passive",
            "assign",
            "authors",
            "order.place",
            "key",
            "trades",
            "signatureSubscribe",
            "signatureUnsubscribe",
            "getSignatureStatuses",
            "getSignaturesForAddress",
        ] {
            assert!(!is_login(purpose), "{purpose}");
        }
    }
}
