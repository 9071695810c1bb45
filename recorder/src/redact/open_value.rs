//! Recognizes values that have the name of a secret but are none.
//!
//! A coin is called a token too, a part of the day a session, an order a ticket, a trader's side a
//! sign. By its look such a value is told apart from a secret, so that a recording stays readable,
//! and its words are not searched for in the rest of the recording.
//!
//! | name | a value that is not a secret | as in |
//! | --- | --- | --- |
//! | `token`, `tokens` | a coin's symbol, a contract's address, a short number | `USDT`, `stETH`, `1INCH`, `0x…` (40), `26009` |
//! | `token` next to a word for its address, or for its part in a trade | a mint of Solana, 43 or 44 characters of Base58 | `tokenAddress`, `tokenIn`, `baseToken` |
//! | `session` | words of letters | `pre-market`, `RTH` |
//! | `key`, `ticket` | words and short numbers | `BTC-USD`, `ArrowLeft`, `T-1` |
//! | `pin` | a pin of a chip | `13`, `A0` |
//! | a token for a page, for progress, for a cancellation | anything | `nextPageToken`, `progressToken` |
//! | any of these, `seed`, `sign`, `sid`, `challenge` | a number; for a sign and a sid a few characters | `42`, `-1`, `+` |
//! | a name with a last word that describes the secret | anything that does not look like a token | `token_type`, `max_tokens`, `session_start` |

use super::base58;
use super::names::is_token_like;

/// The value of a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'v> {
    Text(&'v str),
    /// A number, a bool or something that is not JSON, as it is written.
    Scalar(&'v str),
    /// A list or an object.
    Container,
}

/// Words that also name other things than secrets.
const AMBIGUOUS: [&str; 11] = [
    "challenge",
    "key",
    "pass",
    "pin",
    "seed",
    "session",
    "sid",
    "sign",
    "ticket",
    "token",
    "tokens",
];

/// Words before them that tell whose secret it is: then it is one, whatever it looks like.
const OWNERS: [&str; 25] = [
    "access", "api", "auth", "bearer", "bot", "client", "csrf", "device", "guardian", "id",
    "identity", "jwt", "listen", "login", "oauth", "personal", "private", "push", "refresh",
    "reset", "resume", "security", "user", "ws", "xsrf",
];

/// Last words of a name that describe the secret, rather than name it.
const ATTRIBUTES: [&str; 42] = [
    "a",
    "address",
    "algorithm",
    "at",
    "b",
    "count",
    "date",
    "decimals",
    "enabled",
    "end",
    "expiration",
    "expires",
    "expiry",
    "in",
    "index",
    "interval",
    "length",
    "limit",
    "list",
    "max",
    "method",
    "min",
    "mode",
    "name",
    "out",
    "rate",
    "required",
    "size",
    "start",
    "state",
    "status",
    "symbol",
    "time",
    "timeout",
    "timestamp",
    "ttl",
    "type",
    "up",
    "usage",
    "used",
    "version",
    "window",
];

/// Words in a value that show that it is a secret after all: `MYTOKEN`.
const TELLING: [&str; 6] = ["auth", "key", "pass", "pw", "secret", "token"];

/// The shortest value that looks like a token and is one whatever a name's last word is, in bytes.
const MIN_TOKEN_BYTES: usize = 16;

/// The longest text of words and numbers, in bytes.
const MAX_WORDS_BYTES: usize = 64;

/// The longest number of a coin, an instrument or a pin, in digits; a second factor has at least
/// six.
const MAX_NUMBER_DIGITS: usize = 5;

/// The smallest PIN of a person, with four digits; the number of a chip's pin is smaller.
const MIN_PERSONS_PIN: f64 = 1000.0;

/// Whether a value with a secret's name, which consists of these words, is not a secret.
pub(super) fn is_open(words: &[String], value: Value<'_>) -> bool {
    if matches!(value, Value::Text(text) if is_mint(words, text)) {
        return true;
    }
    if is_attribute(words) {
        return match value {
            Value::Text(text) => is_contract(text) || !is_token_like(text, MIN_TOKEN_BYTES),
            Value::Scalar(_) | Value::Container => true,
        };
    }
    if is_place(words) || is_of_trading(words) {
        return true;
    }
    let Some((at, about)) = ambiguous(words) else {
        return false;
    };
    let owned = words[..at]
        .iter()
        .any(|word| OWNERS.contains(&word.as_str()));
    let token = matches!(about, "token" | "tokens");
    if owned || !token && words[at..].iter().any(|word| word == "id") {
        return false;
    }
    match value {
        Value::Text(text) => is_open_text(about, text),
        Value::Scalar(text) => match (about, text.parse::<f64>()) {
            ("pin" | "pass", Ok(number)) => number.abs() < MIN_PERSONS_PIN,
            _ => true,
        },
        // The container's own members are judged by their names.
        Value::Container => !matches!(about, "sign" | "pass" | "pin" | "seed"),
    }
}

/// Like [`is_open`], for the value of a header or of a query, where only capitals count as a
/// symbol.
pub(super) fn is_open_parameter(words: &[String], value: &str) -> bool {
    let capitals = !value.bytes().any(|b| b.is_ascii_lowercase());
    let coin = capitals && is_symbol(value) || is_contract(value) || is_mint(words, value);
    let open = is_open(words, Value::Text(value));
    open && (is_attribute(words)
        || is_mint(words, value)
        || coin && !words.iter().any(|word| word == "key"))
}

/// Whether a value is the mint of a Solana coin: its name may only have words for a token, for its
/// address and for its part in a trade.
fn is_mint(words: &[String], text: &str) -> bool {
    const BEFORE: [&str; 10] = [
        "base", "buy", "from", "in", "input", "out", "output", "quote", "sell", "to",
    ];
    const BEHIND: [&str; 13] = [
        "a",
        "account",
        "accounts",
        "address",
        "addresses",
        "b",
        "in",
        "mint",
        "mints",
        "out",
        "program",
        "x",
        "y",
    ];
    let is_token = |word: &String| matches!(word.as_str(), "token" | "tokens");
    let Some(at) = words.iter().position(is_token) else {
        return false;
    };
    let all = |words: &[String], of: &[&str]| words.iter().all(|word| of.contains(&word.as_str()));
    words.len() > 1
        && all(&words[..at], &BEFORE)
        && all(&words[at + 1..], &BEHIND)
        && base58::is_public_key(text)
}

/// Whether a name's last word describes a secret. The name of whoever logs in is not a description.
fn is_attribute(words: &[String]) -> bool {
    let [_, .., last] = words else {
        return false;
    };
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    ATTRIBUTES.contains(&last.as_str()) && !says(&["login", "logon", "user"])
        || last == "tokens" && says(&["max", "total", "completion", "prompt", "input", "output"])
}

/// Whether a name is that of a token for progress, or for a part of something larger:
/// `progressToken` and `workDoneToken` of editors and agents that speak JSON-RPC, `nextPageToken`.
fn is_place(words: &[String]) -> bool {
    const OF: [&str; 8] = [
        "cancellation",
        "continuation",
        "done",
        "page",
        "partial",
        "progress",
        "result",
        "sync",
    ];
    let [before @ .., last] = words else {
        return false;
    };
    last == "token"
        && before
            .last()
            .is_some_and(|word| OF.contains(&word.as_str()))
}

/// Whether a name is that of a part of a market's day, as FIX numbers them: `TradingSessionID`.
fn is_of_trading(words: &[String]) -> bool {
    words.windows(2).any(|two| two == ["trading", "session"])
}

/// The ambiguous word and its index, if no other word of the name means a secret.
fn ambiguous(words: &[String]) -> Option<(usize, &'static str)> {
    let mut found = words.iter().enumerate().filter_map(|(at, word)| {
        let known = AMBIGUOUS.iter().find(|known| *known == word)?;
        Some((at, *known))
    });
    let first = found.next();
    let strong =
        |word: &String| !AMBIGUOUS.contains(&word.as_str()) && super::names::is_secret_name(word);
    // A word before `key` has already been found to make it secret.
    let bare = |(_, word): &(usize, &str)| *word != "key" || words.len() == 1;
    first
        .filter(bare)
        .filter(|_| found.next().is_none() && !words.iter().any(strong))
}

fn is_open_text(about: &str, text: &str) -> bool {
    if text.is_empty() || tells(text) {
        return false;
    }
    let few = |bytes: usize| text.len() <= bytes;
    match about {
        "token" | "tokens" => is_symbol(text) || is_contract(text) || is_short_number(text),
        "session" => few(24) && reads_as_words(text) && !text.bytes().any(|b| b.is_ascii_digit()),
        "key" => few(5) || reads_as_words(text),
        "ticket" => few(24) && reads_as_words(text),
        "sign" => few(3) || few(8) && text.bytes().all(|b| b.is_ascii_lowercase()),
        "sid" => few(3),
        "pin" => few(6) && text.starts_with(|c: char| c.is_ascii_alphabetic()),
        _ => false,
    }
}

/// Whether a value itself shows that it is a secret.
fn tells(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    TELLING.iter().any(|word| text.contains(word))
}

/// Whether a text is a coin's symbol: capitals, perhaps with a number before or after them
/// (`1INCH`, `BTC-USD`); or a few letters, all lowercase or with several capitals in a row (`usdt`,
/// `stETH`, `USDC.e`).
fn is_symbol(text: &str) -> bool {
    const MAX_BYTES: usize = 12;
    /// The longest row of capitals: that of the longest symbols in wide use.
    const MAX_CAPITALS: usize = 8;
    const MAX_MIXED_BYTES: usize = 8;
    const SMALL: std::ops::RangeInclusive<usize> = 3..=5;
    let of_a_symbol =
        |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_/.:$".contains(&b);
    let capitals = text.bytes().any(|b| b.is_ascii_uppercase());
    if text.len() <= MAX_BYTES && capitals && text.bytes().all(of_a_symbol) {
        let row = text.len() > MAX_CAPITALS && text.bytes().all(|b| b.is_ascii_uppercase());
        let mut pieces = text.as_bytes().split(|b| !b.is_ascii_alphanumeric());
        return pieces.all(|piece| turns(piece) <= 1) && (!row || is_quoted(text));
    }
    let letters = text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.');
    if !capitals {
        return letters && SMALL.contains(&text.len());
    }
    let row = |two: &[u8]| two[0].is_ascii_uppercase() && two[1].is_ascii_uppercase();
    letters && text.len() <= MAX_MIXED_BYTES && text.as_bytes().windows(2).any(row)
}

/// Whether a text is a pair of coins without a separator: it ends with a currency that prices are
/// in.
fn is_quoted(text: &str) -> bool {
    const QUOTES: [&str; 12] = [
        "USD", "USDT", "USDC", "FDUSD", "TUSD", "EUR", "GBP", "TRY", "BTC", "ETH", "BNB", "PERP",
    ];
    QUOTES.iter().any(|quote| text.ends_with(quote))
}

/// Whether a text is a pair of coins in capitals, with a separator or with a currency at its end.
pub(super) fn is_pair(text: &str) -> bool {
    let divided = text.contains(['-', '_', '/']) || is_quoted(text);
    divided && !text.bytes().any(|b| b.is_ascii_lowercase()) && is_symbol(text)
}

/// Whether a text is the address of a contract or an account on Ethereum and similar chains.
pub(super) fn is_contract(text: &str) -> bool {
    const DIGITS: usize = 40;
    let digits = text.strip_prefix("0x").unwrap_or_default();
    digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_short_number(text: &str) -> bool {
    text.len() <= MAX_NUMBER_DIGITS && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text consists of words and numbers that somebody chose: `orderbook.50.BTCUSDT`,
/// `ArrowLeft`. A random text changes between letters and digits, and between lowercase letters and
/// capitals, more often.
fn reads_as_words(text: &str) -> bool {
    /// As many as in the name of an option, `27MAR26`.
    const MAX_TURNS: usize = 2;
    const MIN_MEAN_LETTERS: usize = 2;
    /// The longest word of capitals or lowercase letters.
    const MAX_WORD_BYTES: usize = 20;
    let (mut words, mut letters) = (0, 0);
    for piece in text.as_bytes().split(|b| !b.is_ascii_alphanumeric()) {
        if turns(piece) > MAX_TURNS || piece.len() > MAX_WORD_BYTES {
            return false;
        }
        let begins = |two: &&[u8]| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase();
        let own = piece.iter().filter(|b| b.is_ascii_alphabetic()).count();
        letters += own;
        words += usize::from(own > 0) + piece.windows(2).filter(begins).count();
    }
    let chosen = words <= 2 || letters >= words * MIN_MEAN_LETTERS;
    (1..=MAX_WORDS_BYTES).contains(&text.len()) && chosen
}

/// How often a text changes between letters and digits.
fn turns(text: &[u8]) -> usize {
    let turn = |two: &&[u8]| two[0].is_ascii_digit() != two[1].is_ascii_digit();
    text.windows(2).filter(turn).count()
}

#[cfg(test)]
mod tests {
    use super::super::names::words;
    use super::*;

    fn open(name: &str, value: Value<'_>) -> bool {
        is_open(&words(name), value)
    }

    #[test]
    fn what_a_secrets_name_says_of_other_things_is_open() {
        for (name, text) in [
            ("token", "USDT"),
            ("token", "usdt"),
            ("token", "stETH"),
            ("token", "USDC.e"),
            ("token", "1INCH"),
            ("token", "1000PEPE"),
            ("token", "FARTCOIN"),
            ("token", "MATICUSDT"),
            ("token", "BTC-USD"),
            ("token", "26009"),
            ("token", "0xdac17f958d2ee523a2206206994597c13d831ec7"),
            ("quoteToken", "USDT"),
            (
                "tokenAddress",
                "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            ),
            (
                "tokenMintAddress",
                "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            ),
            ("inputToken", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
            ("token_out", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
            ("tokenIn", "WETH"),
            ("token_symbol", "DAI"),
            ("token_type", "bearer"),
            ("token_id", "12345"),
            ("session", "pre-market"),
            ("session", "RTH"),
            ("session_start", "09:30"),
            ("key", "BTC-USD"),
            ("key", "orderbook.50.BTCUSDT"),
            ("key", "ArrowLeft"),
            ("key", "BTC-27MAR26-50000-C"),
            ("ticket", "T-1"),
            ("ticket", "test"),
            ("progressToken", "abc123"),
            ("workDoneToken", "1d546990-40a3-4b77-b134-46622995f6ae"),
            ("nextPageToken", "CAoQAA1b"),
            ("TradingSessionID", "1"),
            ("sign", "+"),
            ("sign_type", "HmacSHA256"),
            ("pin", "A0"),
            ("sid", "1"),
        ] {
            assert!(open(name, Value::Text(text)), "{name} {text}");
        }
        for (name, number) in [
            ("max_tokens", "4096"),
            ("token", "408065"),
            ("ticket", "123456789"),
            ("seed", "42"),
            ("sign", "-1"),
            ("pin", "13"),
            ("pass", "3"),
            ("pass_rate", "0.9"),
        ] {
            assert!(open(name, Value::Scalar(number)), "{name} {number}");
        }
        assert!(open("session", Value::Container));
    }

    #[test]
    fn what_may_be_a_secret_is_not() {
        for (name, text) in [
            ("token", "usdc-1"),
            ("token", "hunter2"),
            ("token", "kQ7xW2nB5vC9dTx7"),
            ("token", "A1B2C3"),
            ("token", "MYTOKEN"),
            ("token", "HUNTERTWO"),
            ("token", "482913"),
            ("token", "letmein"),
            ("token", "0xdac17f958d2ee523a2206206994597c13d831e"),
            ("access_token", "USDT"),
            ("token", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
            (
                "accountToken",
                "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            ),
            (
                "token_secret_address",
                "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
            ),
            (
                "tokenAddress",
                "kQ7xW2nB5vC9dTx70OIlkQ7xW2nB5vC9dTx7kQ7xW2nB",
            ),
            ("result_session_token", "a1"),
            ("pageAccessToken", "a1b2"),
            ("userToken", "abc"),
            ("token_address", "kQ7xW2nB5vC9dTx7"),
            ("session", "a1b2"),
            ("session", "kQ7xW2nB5vC9dTx7"),
            ("session_id", "RTH"),
            ("key", "ab12cd34"),
            ("key", "5f0c1b9c-7f0e-4a55-9d0d-2f6d1b7c8e90"),
            ("key", "my-api-key"),
            ("key", "kQxWnBvCdTxZqYwE"),
            ("apiKey", "trades"),
            ("appKey", "x"),
            ("ticket", "5f0c1b9c-7f0e-4a55-9d0d-2f6d1b7c8e90"),
            ("pin", "1234"),
            ("sign", "kQ7x"),
            ("password", "USDT"),
            ("login_name", "ada"),
        ] {
            assert!(!open(name, Value::Text(text)), "{name} {text}");
        }
        for (name, number) in [("pin", "4829"), ("password", "1"), ("apiKey", "1")] {
            assert!(!open(name, Value::Scalar(number)), "{name} {number}");
        }
        for name in ["signature", "auth", "credentials", "access_token", "sign"] {
            assert!(!open(name, Value::Container), "{name}");
        }
    }
}
