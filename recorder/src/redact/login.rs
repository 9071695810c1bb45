//! How clients say who they are: by which names, in which layouts, in what looks like a signature.
//!
//! Feeds log in by message, and no two of them alike. What they have in common is looked for:
//!
//! | by | what is redacted | as in |
//! | --- | --- | --- |
//! | a name that says secret | its value, whatever it is | `"apiKey"`, `"token"`, `"signature":{"r","s","v"}` |
//! | a member that says what the message is for, and says login | all other members but the message's own number | `{"op":"auth","args":[…]}` |
//! | the same in what it calls its head | all but that | `{"header":{"cmd":"login"},"body":…}` |
//! | a list with such a word among its first items | the rest of it | `["auth",{…}]`, `[null,"2","room","auth",…]` |
//! | the look of a signature or of a token | that string | 64 hexadecimal digits, 40 letters and digits of all kinds |
//!
//! `texts` are those that are no JSON, `mqtt` is a packet of bytes.

use super::names::{is_secret_name, is_token_like, words};
use super::open_value::{Value, is_open, is_open_parameter, is_pair};

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

/// Names of members that number a message: a reply repeats them, and they say nothing of who sent
/// it.
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

/// Words in names of members, beside those of headers and queries, whose values are secret in what
/// a client sends.
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

/// Whose key is secret, beside those of headers and queries.
const KEY_OWNERS: [&str; 23] = [
    "account",
    "admin",
    "app",
    "application",
    "consumer",
    "device",
    "javascript",
    "license",
    "master",
    "merchant",
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

/// Two words in names of members whose values are secret.
const SECRET_PAIRS: [[&str; 2]; 11] = [
    ["access", "code"],
    ["api", "keys"],
    ["backup", "code"],
    ["install", "code"],
    ["pairing", "code"],
    ["private", "keys"],
    ["recovery", "code"],
    ["security", "answer"],
    ["security", "keys"],
    ["setup", "code"],
    ["two", "factor"],
];

/// Words that a name of a password ends in.
const PASSWORDS: [&str; 6] = [
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
];

/// Words in names of members that say that who sends the object gives a password in it.
const CREDENTIALS: [&str; 7] = [
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pass",
    "pwd",
    "credentials",
];

/// Names of members that say who gives it, without case and punctuation.
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

/// Names of members that hold another's name, and those that hold its value.
const NAMING: [&str; 5] = ["field", "header", "key", "name", "property"];
const VALUES: [&str; 4] = ["content", "data", "val", "value"];

/// What a word that says secret may end in, where others stand before it without a divide:
/// `accesstoken`, `clientsecret`.
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

/// What errors call what stands in a login.
pub(super) const LOGIN: &str = "what a client sent to log in";

/// A purpose is said in fewer bytes.
const MAX_PURPOSE_BYTES: usize = 48;

/// Hexadecimal digits from which on a string is a signature or a key.
const MIN_HEX_DIGITS: usize = 64;

/// Letters and digits from which on a string of all kinds of them is one. More than a UUID has.
const MIN_TOKEN_BYTES: usize = 40;

/// Whether that is what a message to log in, or a signed one, says that it is for.
pub(super) fn is_login(purpose: &str) -> bool {
    if purpose.len() > MAX_PURPOSE_BYTES {
        return false;
    }
    let words = words(purpose);
    let pair = |two: &[String]| LOGIN_PAIRS.iter().any(|p| p[0] == two[0] && p[1] == two[1]);
    words.iter().any(|word| says_login(word))
        || words.windows(2).any(pair)
        || purpose.starts_with(PERSONAL)
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
pub(super) fn is_head(name: &str) -> bool {
    HEADS.contains(&plain(name).as_str())
}

/// Whether a member of this name says what a message is for.
pub(super) fn is_purpose(name: &str) -> bool {
    // Where SignalR has what its `M` is called with; Firebase's purpose is `a`.
    const ARGUMENTS: &str = "A";
    name != ARGUMENTS && PURPOSES.contains(&plain(name).as_str())
}

/// Whether a member of this name says what a message is about rather than what is done: a topic
/// may be called like a login and be none.
pub(super) fn is_topic(name: &str) -> bool {
    const TOPICS: [&str; 6] = ["ch", "channel", "name", "path", "resource", "topic"];
    TOPICS.contains(&plain(name).as_str())
}

/// Whether that is more than a word of its own.
pub(super) fn is_of_words(value: &str) -> bool {
    words(value).len() > 1
}

/// Whether a message of this purpose asks for topics.
pub(super) fn subscribes(purpose: &str) -> bool {
    let asks = |word: &String| {
        let word = word.strip_prefix("un").unwrap_or(word);
        matches!(word, "sub" | "subscribe" | "subscription")
    };
    purpose.len() <= MAX_PURPOSE_BYTES && words(purpose).iter().any(asks)
}

/// Whether a message of this purpose proves something by a code: a second factor, an alarm's.
pub(super) fn proves(purpose: &str) -> bool {
    let with_code = |two: &[String]| two == ["with", "code"];
    has_word_of(purpose, &PROVING)
        || purpose.len() <= MAX_PURPOSE_BYTES && words(purpose).windows(2).any(with_code)
}

/// Whether a message of this purpose says that a client comes.
pub(super) fn opens(purpose: &str) -> bool {
    has_word_of(purpose, &OPENINGS)
}

/// Whether a message of this purpose asks about a hash.
pub(super) fn asks_for_hash(purpose: &str) -> bool {
    has_word_of(purpose, &OF_HASHES)
}

/// Whether a message of this purpose hands over a key, so that hexadecimal digits are one.
pub(super) fn gives_key(purpose: &str) -> bool {
    has_word_of(purpose, &GIVING_KEYS)
}

fn has_word_of(purpose: &str, list: &[&str]) -> bool {
    let known = |word: &String| list.contains(&word.as_str());
    purpose.len() <= MAX_PURPOSE_BYTES && words(purpose).iter().any(known)
}

/// Whether a member's name is `key` alone, as in many a map.
pub(super) fn is_bare_key(name: &str) -> bool {
    plain(name) == "key"
}

/// Whether a member's name is `id` alone.
pub(super) fn is_id(name: &str) -> bool {
    plain(name) == "id"
}

/// Whether a member of this name is the code that proves something.
pub(super) fn is_code(name: &str) -> bool {
    plain(name) == "code"
}

/// Whether a member of this name numbers or refers to something, so that what was drawn for it is
/// no secret: an order's own number.
pub(super) fn is_reference(name: &str) -> bool {
    const LAST: [&str; 9] = [
        "hash", "id", "ids", "key", "nonce", "oid", "ref", "tag", "uuid",
    ];
    let last = words(name).pop().unwrap_or_default();
    LAST.contains(&last.as_str()) || last.ends_with("id") || NUMBERS.contains(&plain(name).as_str())
}

/// Whether a member of this name has what all may see: what a block, a transaction or an account
/// is known by. Nostr's filters name tags behind a `#`.
pub(super) fn is_public_name(name: &str) -> bool {
    const PUBLIC: [&str; 19] = [
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
        "pubkey",
        "pubkeys",
        "root",
        "topic",
        "topics",
        "tx",
        "txid",
        "txids",
    ];
    let known = |word: &String| PUBLIC.contains(&word.as_str());
    name.starts_with('#') || words(name).iter().any(known)
}

/// Whether a string is of 32 bytes in hexadecimal: a hash, a public key, a private one.
pub(super) fn is_hash(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    digits.len() == MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a member of this name says that a password is given.
pub(super) fn is_credential(name: &str) -> bool {
    let words = words(name);
    words
        .iter()
        .any(|word| CREDENTIALS.contains(&word.as_str()))
}

/// Whether a member of this name is a token, which in a message of one who comes is no coin.
pub(super) fn is_token(name: &str) -> bool {
    plain(name) == "token"
}

/// Whether a name's last word is one for a password.
pub(super) fn is_password(name: &str) -> bool {
    words(name)
        .last()
        .is_some_and(|last| PASSWORDS.contains(&last.as_str()))
}

/// Whether a name of one letter or few says who it is, beside which `p` is a password.
pub(super) fn is_short_user(name: &str) -> bool {
    matches!(plain(name).as_str(), "u" | "usr" | "user")
}

/// Whether that is a password beside a short name of a user: what is called `p`, and is neither the
/// number of a page nor a pair of coins.
pub(super) fn is_short_password(name: &str, value: &str) -> bool {
    const MAX_PAGE_DIGITS: usize = 4;
    let page = value.len() <= MAX_PAGE_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse::<f64>().is_ok() && value.contains('.');
    matches!(plain(name).as_str(), "p" | "pw") && !page && !number && !is_pair(value)
}

/// Whether a member of this name says who gives the password beside it.
pub(super) fn is_user(name: &str) -> bool {
    let last = words(name).pop().unwrap_or_default();
    USERS.contains(&plain(name).as_str()) || USERS.contains(&last.as_str())
}

/// Whether a member of this name holds another's name.
pub(super) fn is_naming(name: &str) -> bool {
    NAMING.contains(&plain(name).as_str())
}

/// Whether a member of this name holds the value of what another names.
pub(super) fn is_value(name: &str) -> bool {
    VALUES.contains(&plain(name).as_str())
}

/// Whether a member of a login stays: it says what the message is for, or numbers it.
pub(super) fn stays(name: &str, value: &str) -> bool {
    /// A longer purpose or number is neither.
    const MIN_TOKEN_BYTES: usize = 20;
    let number = NUMBERS.contains(&plain(name).as_str());
    let purpose = is_purpose(name) && !is_drawn(value);
    let known = number || purpose;
    known && value.len() <= MAX_PURPOSE_BYTES && !is_token_like(value, MIN_TOKEN_BYTES)
}

/// Whether a word was drawn by chance rather than chosen: letters of both cases and digits, and
/// nothing that divides words.
pub(super) fn is_drawn(value: &str) -> bool {
    const MIN_BYTES: usize = 12;
    let has = |of: fn(&u8) -> bool| value.bytes().any(|b| of(&b));
    value.len() >= MIN_BYTES
        && value.bytes().all(|b| b.is_ascii_alphanumeric())
        && is_token_like(value, MIN_BYTES)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
}

/// Whether the value of a member of this name is secret in what a client sends.
pub(super) fn is_secret_member(name: &str, value: Value<'_>) -> bool {
    let words = words(name);
    says_secret(name, &words, value) && !is_open(&words, value)
}

/// Whether the value of a header or of a query is secret. There a name is mostly that of a secret:
/// only what is told of one, a coin's symbol and a contract's address are none.
pub(super) fn is_secret_parameter(name: &str, value: &str) -> bool {
    let words = words(name);
    says_secret(name, &words, Value::Text(value)) && !is_open_parameter(&words, value)
}

/// Whether a name says that its value is a secret, of whatever look.
fn says_secret(name: &str, words: &[String], value: Value<'_>) -> bool {
    let ends = |word: &String| SECRET_ENDS.iter().any(|end| word.ends_with(end));
    let key = |two: &[String]| {
        two[1] == "key" && KEY_OWNERS.contains(&two[0].as_str())
            || SECRET_PAIRS.iter().any(|pair| pair == two)
    };
    // What a bank gives for one order; without digits it may be the tangent.
    let tan = || {
        let last = words.last().is_some_and(|word| word == "tan");
        last && matches!(value, Value::Text(text) if text.bytes().all(|b| b.is_ascii_digit()))
    };
    let drawn_key = || {
        let last = words.last().is_some_and(|word| word == "key");
        last && matches!(value, Value::Text(text) if is_drawn(text))
    };
    is_secret_name(name)
        || words
            .iter()
            .any(|word| SECRET_WORDS.contains(&word.as_str()))
        || words.iter().any(ends)
        || words.windows(2).any(key)
        || drawn_key()
        || tan()
}

/// Whether a text is a token and nothing else: long, of letters of both cases and digits, or of
/// hexadecimal digits.
pub(super) fn is_bare_token(text: &str) -> bool {
    const MIN_BYTES: usize = 24;
    const MIN_HEX_BYTES: usize = 32;
    let hex = text.len() >= MIN_HEX_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    let cases = text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_uppercase());
    hex || cases && is_token_like(text, MIN_BYTES)
}

/// Whether a string has the look of a signature, a key or a token.
pub(super) fn is_signature(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    if digits.len() >= MIN_HEX_DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        // A number, as an outcome of a market is known by, has no letters.
        return !digits.bytes().all(|b| b.is_ascii_digit());
    }
    is_token_like(value, MIN_TOKEN_BYTES)
        && value.bytes().any(|b| b.is_ascii_lowercase())
        && value.bytes().any(|b| b.is_ascii_uppercase())
        && !is_public_key(value)
        && !is_content_id(value)
        && !is_media(value)
        || is_written_key(value)
}

/// Whether that is a private key as Nostr and Stellar write theirs, which have letters of one case
/// alone (NIP-19; SEP-23).
fn is_written_key(value: &str) -> bool {
    const NOSTR: (&str, usize) = ("nsec1", 63);
    const STELLAR: (&str, usize) = ("S", 56);
    let is = |(begin, length): (&str, usize), of: fn(u8) -> bool| {
        value.len() == length && value.starts_with(begin) && value.bytes().all(of)
    };
    let of_bech32 = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let of_base32 = |b: u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b);
    let digits = value.bytes().any(|b| b.is_ascii_digit());
    digits && (is(NOSTR, of_bech32) || is(STELLAR, of_base32))
}

/// Whether that is what a content of IPFS is known by: SHA-256 in Base58, which begins so.
fn is_content_id(value: &str) -> bool {
    const LENGTH: usize = 46;
    value.len() == LENGTH && value.starts_with("Qm") && value.bytes().all(is_of_base58)
}

fn is_of_base58(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte)
}

/// Whether that is an account's public key in Base58, as Solana has them: 32 bytes, and none of
/// the characters that Base58 leaves out. Of tokens of that length one in twenty looks so.
fn is_public_key(value: &str) -> bool {
    const LENGTHS: std::ops::RangeInclusive<usize> = 43..=44;
    LENGTHS.contains(&value.len()) && value.bytes().all(is_of_base58)
}

/// Whether that is longer than any token or signature in use, of which RSA's with 8,192 bits takes
/// 1,366 characters: sound, a picture. A JSON Web Token may be of any length.
fn is_media(value: &str) -> bool {
    const MAX_TOKEN_BYTES: usize = 2048;
    value.len() > MAX_TOKEN_BYTES && !value.contains('.')
}

/// A name without case and punctuation.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
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
        ] {
            assert!(!is_login(purpose), "{purpose}");
        }
    }

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
        let hex = "0f".repeat(32);
        assert!(is_signature(&hex) && is_signature(&format!("0x{hex}")));
        assert!(is_signature("4f8Kz01mQ7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9="));
        for open in [
            "5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90",
            "0xc64cc00b46101bd40aa1c3121195e85c0b0918d8",
            "/contractMarket/level2Depth50:XBTUSDTM,ETHUSDTM",
        ] {
            assert!(!is_signature(open), "{open}");
        }
    }
}
