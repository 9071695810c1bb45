//! What a message says that it is for: which members say it, and when it is to log in.

use crate::redact::names::{plain, words};

/// Words of which one in a message's purpose says that it is to log in, or that it is signed.
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

/// Two words that say so together.
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

/// What methods of Ethereum's nodes begin with that take a password behind what they are asked.
const PERSONAL: &str = "personal_";

/// Words of a purpose that say that a client comes, before it has asked for anything: nothing is
/// traded in such a message.
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

/// Words of a purpose that say that a hash is asked about.
const OF_HASHES: [&str; 6] = [
    "block",
    "header",
    "merkle",
    "scripthash",
    "transaction",
    "tx",
];

/// Names of members that say what a message is for, without case and punctuation.
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

/// Words of a purpose that say that a code proves something.
const PROVING: [&str; 6] = [
    "confirm",
    "disarm",
    "unlock",
    "verification",
    "verify",
    "verifycode",
];

/// Words of a purpose that say that a key is handed over.
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

/// Names of members that hold what a message is for, where it has a head and a body.
const HEADS: [&str; 5] = ["envelope", "head", "header", "headers", "meta"];

/// A purpose is said in fewer bytes.
pub(super) const MAX_PURPOSE_BYTES: usize = 48;

/// Whether that is what a message to log in, or a signed one, says that it is for.
pub(in crate::redact) fn is_login(purpose: &str) -> bool {
    Purpose::of(purpose).is_login()
}

/// What a message says that it is for, in its words.
#[derive(Debug)]
pub(in crate::redact) struct Purpose {
    /// None where it is too long to be one.
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

    /// Whether the message is to log in, or signed.
    pub(in crate::redact) fn is_login(&self) -> bool {
        let says = self.has(says_login) && !self.asks_for_signature();
        says || self.has_pair_of(&LOGIN_PAIRS) || self.is_personal
    }

    /// Whether the message asks what became of a transaction that is known by its signature:
    /// Solana's `signatureSubscribe` and `getSignatureStatuses`.
    fn asks_for_signature(&self) -> bool {
        let asks = self.subscribes() || self.words.first().is_some_and(|word| word == "get");
        let other = |word: &String| word != "signature" && says_login(word);
        asks && self.has(|word| word.starts_with("signature")) && !self.words.iter().any(other)
    }

    /// Whether the message asks what a contract's method would give, without a signature.
    pub(in crate::redact) fn asks_for_call(&self) -> bool {
        const CALLS: [[&str; 2]; 3] = [["eth", "call"], ["estimate", "gas"], ["access", "list"]];
        self.has_pair_of(&CALLS)
    }

    /// Whether it is more than a word of its own.
    pub(in crate::redact) fn is_of_words(&self) -> bool {
        self.words.len() > 1
    }

    /// Whether the message asks for topics.
    pub(in crate::redact) fn subscribes(&self) -> bool {
        self.has(|word| {
            let word = word.strip_prefix("un").unwrap_or(word);
            matches!(word, "sub" | "subscribe" | "subscription")
        })
    }

    /// Whether the message proves something by a code: a second factor, an alarm's.
    pub(in crate::redact) fn proves(&self) -> bool {
        self.has_one_of(&PROVING) || self.has_pair_of(&[["with", "code"]])
    }

    /// Whether the message says that a client comes.
    pub(in crate::redact) fn opens(&self) -> bool {
        self.has_one_of(&OPENINGS)
    }

    /// Whether the message asks about a hash.
    pub(in crate::redact) fn asks_for_hash(&self) -> bool {
        let fused = |word: &str| {
            let of = word.strip_prefix("get").unwrap_or_default();
            of.starts_with("block") || of.ends_with("transaction")
        };
        self.has_one_of(&OF_HASHES) || self.has(fused) || self.asks_for_signature()
    }

    /// Whether the message hands over a key, so that hexadecimal digits are one.
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

/// Whether a word says login: one of the known, or one that others are fused with, as in
/// `userlogin` and `authrequest`. An author is no login.
fn says_login(word: &str) -> bool {
    let fused = word.contains("login")
        || word.contains("logon")
        || word.ends_with("auth")
        || word.starts_with("auth") && !word.starts_with("author")
        || word.starts_with("authoris")
        || word.starts_with("authoriz");
    fused || LOGIN_WORDS.contains(&word)
}

/// Whether a member of this name is where a message says what it is for, apart from its body.
pub(in crate::redact) fn is_head(name: &str) -> bool {
    HEADS.contains(&plain(name).as_str())
}

/// Whether a member of this name says what a message is for.
pub(in crate::redact) fn is_purpose(name: &str) -> bool {
    // Where SignalR has what its `M` is called with; Firebase's purpose is `a`.
    const ARGUMENTS: &str = "A";
    name != ARGUMENTS && PURPOSES.contains(&plain(name).as_str())
}

/// Whether a list of this name is one of what is traded, whose symbols may be words that say login:
/// `"symbols":["SIGN","PASS"]`.
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

/// Whether a member of this name says what a message is about rather than what is done: a topic
/// may be called like a login and be none.
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
