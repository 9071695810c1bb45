//! What the names of members tell about their values, and about the values of other members.

use super::look::is_drawn;
use super::purpose::{MAX_PURPOSE_BYTES, is_purpose};
use crate::redact::names::{is_token_like, plain, say_secret, words};
use crate::redact::open_value::{Value, is_open, is_open_parameter, is_pair};

/// Names of members that number a message. A reply repeats them, and they don't identify the
/// sender.
const NUMBERS: [&str; 9] = [
    "cid",
    "id",
    "jsonrpc",
    "messageid",
    "msgid",
    "reqid",
    "requestid",
    "seq",
    "version",
];

/// Words in the names of members with secret values in a client's message, besides those of headers
/// and queries.
const SECRET_WORDS: [&str; 35] = [
    "2fa",
    "authenticate",
    "authextra",
    "authn",
    "authorize",
    "authticket",
    "appkey",
    "challenge",
    "clientkey",
    "cookies",
    "cred",
    "creds",
    "cst",
    "keypair",
    "login",
    "logon",
    "mfa",
    "mnemonic",
    "otpcode",
    "pass",
    "pin",
    "pincode",
    "psk",
    "psw",
    "pw",
    "resumeid",
    "seed",
    "sessionticket",
    "signed",
    "signin",
    "ssid",
    "userkey",
    "vncticket",
    "wif",
    "xst",
];

/// Words before `key` that make it secret, besides those of headers and queries.
const KEY_OWNERS: [&str; 25] = [
    "account",
    "admin",
    "app",
    "application",
    "consumer",
    "device",
    "encryption",
    "javascript",
    "license",
    "master",
    "merchant",
    "network",
    "partner",
    "public",
    "rest",
    "service",
    "session",
    "sign",
    "signing",
    "stream",
    "trading",
    "user",
    "vendor",
    "windows",
    "ws",
];

/// Pairs of words in the names of members with secret values.
const SECRET_PAIRS: [[&str; 2]; 13] = [
    ["access", "code"],
    ["api", "keys"],
    ["backup", "code"],
    // The number of a card for charging stations: whoever has it can charge.
    ["id", "tag"],
    ["install", "code"],
    ["pair", "code"],
    ["pairing", "code"],
    ["private", "keys"],
    ["recovery", "code"],
    ["security", "answer"],
    ["security", "keys"],
    ["setup", "code"],
    ["two", "factor"],
];

/// Words that the name of a password ends with.
const PASSWORDS: [&str; 6] = [
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
];

/// Words in the names of members that show that an object gives a password.
const CREDENTIALS: [&str; 7] = [
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pass",
    "pwd",
    "credentials",
];

/// Names of members that identify the user of a password, in lower case and without punctuation.
const USERS: [&str; 11] = [
    "account",
    "accountid",
    "email",
    "identifier",
    "login",
    "loginid",
    "mail",
    "uid",
    "user",
    "userid",
    "username",
];

/// Names of members that hold another member's name, and of those that hold its value.
const NAMING: [&str; 5] = ["field", "header", "key", "name", "property"];

const VALUES: [&str; 4] = ["content", "data", "val", "value"];

/// Ends of words for a secret that other words may precede without a separator: `accesstoken`,
/// `clientsecret`.
const SECRET_ENDS: [&str; 8] = [
    "apikey",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "secretkey",
    "signature",
    "token",
];

/// Whether a member's name is just `key`, as in many maps.
pub(in crate::redact) fn is_bare_key(name: &str) -> bool {
    plain(name) == "key"
}

/// Whether a member's name is just `id`.
pub(in crate::redact) fn is_id(name: &str) -> bool {
    plain(name) == "id"
}

/// Whether a member of this name is a code that proves something.
pub(in crate::redact) fn is_code(name: &str) -> bool {
    plain(name) == "code"
}

/// Whether a member of this name numbers or refers to something, such as an order's own number. A
/// random value is then not a secret.
pub(in crate::redact) fn is_reference(name: &str) -> bool {
    const LAST: [&str; 9] = [
        "hash", "id", "ids", "key", "nonce", "oid", "ref", "tag", "uuid",
    ];
    let last = words(name).pop().unwrap_or_default();
    LAST.contains(&last.as_str()) || last.ends_with("id") || NUMBERS.contains(&plain(name).as_str())
}

/// Whether a member of this name is public: the ID of a block, a transaction or an account. Nostr's
/// filters name tags with a `#`.
pub(in crate::redact) fn is_public_name(name: &str) -> bool {
    const PUBLIC: [&str; 25] = [
        "account",
        "accounts",
        "address",
        "addresses",
        "author",
        "authors",
        "block",
        "blockhash",
        "hash",
        "hashes",
        "ids",
        "outpoint",
        "outpoints",
        "pubkey",
        "pubkeys",
        "root",
        "topic",
        "topics",
        "transaction",
        "transactions",
        "tx",
        "txid",
        "txids",
        "utxo",
        "utxos",
    ];
    const KEYS: [&str; 4] = ["key", "keys", "secret", "seed"];
    let known = |word: &String| PUBLIC.contains(&word.as_str());
    let words = words(name);
    // A key is a secret whatever it belongs to: `tx_key` proves who has paid.
    let key = words
        .last()
        .is_some_and(|last| KEYS.contains(&last.as_str()));
    name.starts_with('#') || words.iter().any(known) && !key
}

/// Whether a value is a UUID. Next to a password, it is part of the login.
pub(in crate::redact) fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(digits)
}

/// Whether a member of this name holds the call data of a contract.
pub(in crate::redact) fn is_call(name: &str) -> bool {
    matches!(name, "data" | "input")
}

/// Whether a member of this name is a cursor, which is long but not a secret:
/// `"after":"eyJpZCI6MTIz…"`.
pub(in crate::redact) fn is_cursor(name: &str) -> bool {
    const CURSORS: [&str; 6] = [
        "after",
        "before",
        "cursor",
        "endcursor",
        "startcursor",
        "nextcursor",
    ];
    CURSORS.contains(&plain(name).as_str())
}

/// Whether a member of this name shows that a password is given.
pub(in crate::redact) fn is_credential(name: &str) -> bool {
    let words = words(name);
    words
        .iter()
        .any(|word| CREDENTIALS.contains(&word.as_str()))
}

/// Whether a member of this name is a token. In the opening message of a client, that can't be a
/// coin.
pub(in crate::redact) fn is_token(name: &str) -> bool {
    plain(name) == "token"
}

/// Whether the last word of a name is a word for a password.
pub(in crate::redact) fn is_password(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|last| PASSWORDS.contains(&last.as_str()))
}

/// Whether a short name identifies a user, so that `p` next to it is a password.
pub(in crate::redact) fn is_short_user(name: &str) -> bool {
    matches!(plain(name).as_str(), "u" | "usr" | "user")
}

/// Whether a member next to the short name of a user is a password: it is called `p` or `pw`, and
/// is neither a page number nor a pair of coins.
pub(in crate::redact) fn is_short_password(name: &str, value: &str) -> bool {
    const MAX_PAGE_DIGITS: usize = 4;
    let page = value.len() <= MAX_PAGE_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse::<f64>().is_ok() && value.contains('.');
    matches!(plain(name).as_str(), "p" | "pw") && !page && !number && !is_pair(value)
}

/// Whether a member of this name identifies the user of the password next to it.
pub(in crate::redact) fn is_user(name: &str) -> bool {
    let last = words(name).pop().unwrap_or_default();
    USERS.contains(&plain(name).as_str()) || USERS.contains(&last.as_str())
}

/// Whether a member of this name holds another member's name.
pub(in crate::redact) fn is_naming(name: &str) -> bool {
    NAMING.contains(&plain(name).as_str())
}

/// Whether a member of this name holds the value for a name in another member.
pub(in crate::redact) fn is_value(name: &str) -> bool {
    VALUES.contains(&plain(name).as_str())
}

/// Whether a member of a login stays: it tells the purpose of the message, or numbers it.
pub(in crate::redact) fn stays(name: &str, value: &str) -> bool {
    /// A random value of this length is neither a purpose nor a number.
    const MIN_TOKEN_BYTES: usize = 20;
    let number = NUMBERS.contains(&plain(name).as_str());
    let purpose = is_purpose(name) && !is_drawn(value);
    let known = number || purpose;
    known && value.len() <= MAX_PURPOSE_BYTES && !is_token_like(value, MIN_TOKEN_BYTES)
}

/// Whether the value of a member of this name is secret in a client's message.
pub(in crate::redact) fn is_secret_member(name: &str, value: Value<'_>) -> bool {
    let words = words(name);
    says_secret(&words, value) && !is_open(&words, value)
}

/// Whether the value of a header or of a parameter of a query is secret. A name for a secret nearly
/// always means one there; the exceptions are descriptions of a secret, symbols of coins, and
/// addresses of contracts.
pub(in crate::redact) fn is_secret_parameter(name: &str, value: &str) -> bool {
    let words = words(name);
    says_secret(&words, Value::Text(value)) && !is_open_parameter(&words, value)
}

/// Whether a key is long and has letters and digits beyond hexadecimal: `listenKey` and the like
/// have letters of one case in some feeds.
fn is_long_key(value: &str) -> bool {
    const MIN_BYTES: usize = 32;
    let bare = value.bytes().all(|b| b.is_ascii_alphanumeric());
    bare && is_token_like(value, MIN_BYTES) && !value.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a name shows that its value is a secret, whatever that looks like.
fn says_secret(words: &[String], value: Value<'_>) -> bool {
    let ends = |word: &String| SECRET_ENDS.iter().any(|end| word.ends_with(end));
    let key = |two: &[String]| {
        two[1] == "key" && KEY_OWNERS.contains(&two[0].as_str())
            || SECRET_PAIRS.iter().any(|pair| pair == two)
    };
    // A transaction number from a bank; unless it is all digits, `tan` may be the tangent.
    let tan = || {
        let last = words.last().is_some_and(|word| word == "tan");
        last && matches!(value, Value::Text(text) if text.bytes().all(|b| b.is_ascii_digit()))
    };
    let drawn_key = || {
        let last = words.last().is_some_and(|word| word == "key");
        last && matches!(value, Value::Text(text) if is_drawn(text) || is_long_key(text))
    };
    say_secret(words)
        || words
            .iter()
            .any(|word| SECRET_WORDS.contains(&word.as_str()))
        || words.iter().any(ends)
        || words.windows(2).any(key)
        || drawn_key()
        || tan()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_members_name_and_a_values_look_tell_a_secret() {
        for (name, value) in [
            ("apiKey", ""),
            ("AccessKeyId", ""),
            ("api_sign", ""),
            ("original_challenge", "x"),
            ("KEY", "ab12cd34"),
            ("authorize", "a1"),
            ("accesstoken", "x"),
            ("appKey", "x"),
            ("client_creds", "x"),
            ("token", "usdc-1"),
            ("session", "a1b2"),
            ("passphrase", ""),
        ] {
            assert!(is_secret_member(name, Value::Text(value)), "{name}");
        }
        for (name, value) in [
            ("key", "trades"),
            ("channel", "auth"),
            ("symbol", ""),
            ("id", "7"),
            ("token", "USDC"),
            ("session", "pre-market"),
            ("tokenizer", "x"),
            ("design", "x"),
            ("passive", "x"),
        ] {
            assert!(!is_secret_member(name, Value::Text(value)), "{name}");
        }
    }
}
