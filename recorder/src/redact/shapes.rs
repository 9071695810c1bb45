//! Well-known secrets, told by their shape.
//!
//! | what | shape |
//! | --- | --- |
//! | AWS access key ID | `AKIA`, `ASIA`, `ABIA`, `ACCA` and 16 capitals or digits |
//! | GitHub token | `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and 36 or more; `github_pat_` |
//! | GitLab token | `glpat-` and its kin, and 20 or more |
//! | Slack token, webhook | `xoxb-` and its kin, `xapp-`; `hooks.slack.com/services/…` |
//! | Stripe key | `sk_live_`, `rk_live_`, `sk_test_`, `rk_test_`, `whsec_` |
//! | Google | `AIza` and 35; `ya29.…`; `GOCSPX-…` |
//! | OpenAI, Anthropic | `sk-proj-`, `sk-svcacct-`, `sk-ant-` |
//! | npm, PyPI, Docker, Hugging Face | `npm_`, `pypi-AgE`, `dckr_pat_`, `hf_` |
//! | SendGrid, Shopify, DigitalOcean, Vault, Telegram | `SG.…`, `shpat_`, `dop_v1_`, `hvs.`, `123456789:AA…` |
//! | JSON Web Token | `eyJ….….…`, signed or not |
//! | private keys | PEM and PGP blocks, `AGE-SECRET-KEY-1…`, `xprv…` |
//! | credentials of HTTP | `Bearer …`, `Basic …` |
//! | a URL's password, a token in a query | `://user:password@`, `?token=…` |
//! | a named secret | `"password": "…"`, `api_key = '…'`, `"privateKey":"0x…"` and their like |

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::credential;
use super::known::{Form, base64_cores};
use super::placeholder::is_placeholder;
use super::registry::SecretRegistry;

/// A kind of secret.
struct Shape {
    /// What errors call one.
    what: &'static str,
    /// What it begins with, or what stands at its beginning.
    anchors: &'static [&'static str],
    rest: Rest,
}

/// What follows an anchor.
enum Rest {
    /// So many characters at least.
    AtLeast(usize, fn(u8) -> bool),
    /// So many, and then none.
    Exactly(usize, fn(u8) -> bool),
    /// What this finds: given a text and where the anchor stands in it, the place of the secret.
    By(fn(&[u8], Range<usize>) -> Option<Range<usize>>),
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn capital_or_digit(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}

fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}

fn word_or_dot(b: u8) -> bool {
    word(b) || b == b'.'
}

fn path(b: u8) -> bool {
    word(b) || b == b'/'
}

fn hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

use Rest::{AtLeast, By, Exactly};

#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    Shape { what: "an AWS access key ID", anchors: &["AKIA", "ASIA", "ABIA", "ACCA"], rest: Exactly(16, capital_or_digit) },
    Shape { what: "a GitHub token", anchors: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], rest: AtLeast(36, alphanumeric) },
    Shape { what: "a GitHub token", anchors: &["github_pat_"], rest: AtLeast(40, word) },
    Shape { what: "a GitLab token", anchors: &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-"], rest: AtLeast(20, word) },
    Shape { what: "a Slack token", anchors: &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-"], rest: AtLeast(16, word) },
    Shape { what: "a Slack webhook", anchors: &["hooks.slack.com/services/"], rest: AtLeast(20, path) },
    Shape { what: "a Stripe key", anchors: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"], rest: AtLeast(16, alphanumeric) },
    Shape { what: "a Google API key", anchors: &["AIza"], rest: Exactly(35, word) },
    Shape { what: "a Google OAuth secret", anchors: &["ya29.", "GOCSPX-"], rest: AtLeast(20, word) },
    Shape { what: "an OpenAI key", anchors: &["sk-proj-", "sk-svcacct-"], rest: AtLeast(20, word) },
    Shape { what: "an Anthropic key", anchors: &["sk-ant-"], rest: AtLeast(20, word) },
    Shape { what: "an npm token", anchors: &["npm_"], rest: Exactly(36, alphanumeric) },
    Shape { what: "a PyPI token", anchors: &["pypi-AgE"], rest: AtLeast(50, word) },
    Shape { what: "a Docker token", anchors: &["dckr_pat_"], rest: AtLeast(20, word) },
    Shape { what: "a Hugging Face token", anchors: &["hf_"], rest: Exactly(34, alphanumeric) },
    Shape { what: "a SendGrid key", anchors: &["SG."], rest: AtLeast(60, word_or_dot) },
    Shape { what: "a Shopify token", anchors: &["shpat_", "shpca_", "shppa_", "shpss_"], rest: Exactly(32, hex) },
    Shape { what: "a DigitalOcean token", anchors: &["dop_v1_", "doo_v1_", "dor_v1_"], rest: Exactly(64, hex) },
    Shape { what: "a Vault token", anchors: &["hvs.", "hvb."], rest: AtLeast(24, word) },
    Shape { what: "a Telegram bot token", anchors: &[":AA"], rest: By(credential::telegram) },
    Shape { what: "a JSON Web Token", anchors: &["eyJ"], rest: By(credential::jwt) },
    Shape { what: "a private key", anchors: &["-----BEGIN "], rest: By(credential::pem) },
    Shape { what: "a private key", anchors: &["AGE-SECRET-KEY-1"], rest: Exactly(58, capital_or_digit) },
    Shape { what: "a private key", anchors: &["xprv"], rest: Exactly(107, alphanumeric) },
    Shape { what: "a bearer token", anchors: &["Bearer ", "bearer ", "BEARER "], rest: By(credential::bearer) },
    Shape { what: "a basic credential", anchors: &["Basic ", "basic ", "BASIC "], rest: By(credential::basic) },
    Shape { what: "a URL with a password", anchors: &["://"], rest: By(credential::url_password) },
    Shape { what: "a token in a URL's query", anchors: &[
        "token=", "Token=", "TOKEN=", "key=", "Key=", "KEY=", "secret=", "Secret=", "SECRET=",
        "password=", "Password=", "passwd=", "pwd=", "signature=", "Signature=", "sig=",
        "session=", "sessionid=", "sid=", "jwt=", "auth=", "authorization=", "ticket=",
    ], rest: By(credential::in_query) },
    Shape { what: "a named secret", anchors: &[
        "assword", "ASSWORD", "asswd", "ASSWD", "assphrase", "ASSPHRASE", "ecret", "ECRET",
        "rivate", "RIVATE", "rivkey", "rivKey", "pi_key", "piKey", "pikey", "PI_KEY", "pi-key",
        "pi-Key", "PI-KEY", "ccess_key", "ccessKey", "CCESS_KEY", "ccess_token", "ccessToken",
        "CCESS_TOKEN", "efresh_token", "efreshToken", "REFRESH_TOKEN", "ession_token",
        "essionToken", "uth_token", "uthToken", "AUTH_TOKEN", "nemonic", "eed_phrase",
        "eedPhrase", "uthorization",
    ], rest: By(credential::named) },
];

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it stands; of one in base64, a place within it.
    range: Range<usize>,
    pub(super) what: &'static str,
    pub(super) form: Form,
}

/// All anchors as one automaton, built once.
struct Anchors {
    automaton: AhoCorasick,
    /// By the automaton's pattern numbers.
    anchors: Vec<Anchor>,
}

struct Anchor {
    shape: &'static Shape,
    length: usize,
    /// In base64: how many bytes of its first group of three stand before it.
    base64: Option<usize>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut patterns = Vec::new();
    let mut anchors = Vec::new();
    let mut add = |shape, text: &str, length, base64| {
        patterns.push(text.to_owned());
        anchors.push(Anchor {
            shape,
            length,
            base64,
        });
    };
    for shape in SHAPES {
        for anchor in shape.anchors {
            add(shape, anchor, anchor.len(), None);
            for (before, core) in base64_cores(anchor.as_bytes()) {
                add(shape, &core, anchor.len(), Some(before));
            }
        }
    }
    let mut builder = AhoCorasick::builder();
    builder.match_kind(MatchKind::Standard);
    builder.kind(Some(AhoCorasickKind::DFA));
    Anchors {
        automaton: builder
            .build(patterns)
            .expect("a few hundred short patterns"),
        anchors,
    }
});

/// The first well-known secret in a text.
pub(super) fn find(text: &[u8]) -> Option<Found> {
    found(text).next()
}

/// The text with all well-known secrets that stand in it plainly redacted; `None` where it holds
/// none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let edited = redact_bytes(text.as_bytes(), secrets)?;
    Some(String::from_utf8(edited).expect("a secret is ASCII, or ends where ASCII begins"))
}

/// As [`redact`].
pub(super) fn redact_bytes(text: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut copied = 0;
    for Found { range, what, form } in found(text) {
        if form == Form::Plain && range.start >= copied {
            out.extend_from_slice(&text[copied..range.start]);
            out.extend_from_slice(secrets.text(&text[range.clone()], what).as_bytes());
            copied = range.end;
        }
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&text[copied..]);
    Some(out)
}

fn found(text: &[u8]) -> impl Iterator<Item = Found> {
    let Anchors { automaton, anchors } = &*ANCHORS;
    automaton
        .find_overlapping_iter(text)
        .filter_map(move |hit| {
            let anchor = &anchors[hit.pattern()];
            let what = anchor.shape.what;
            match anchor.base64 {
                None => {
                    let range = anchor.shape.secret(text, hit.range())?;
                    let form = Form::Plain;
                    Some(Found { range, what, form })
                }
                Some(before) => {
                    // The group of four digits in which the anchor begins, and those before it.
                    let group = hit.start().checked_sub((before * 8).div_ceil(6))?;
                    let earlier = credential::base64_groups_before(text, group);
                    let said = credential::base64_run(&text[group - 4 * earlier..]);
                    let at = 3 * earlier + before;
                    said.get(at..at + anchor.length)?;
                    anchor.shape.secret(&said, at..at + anchor.length)?;
                    let (range, form) = (hit.range(), Form::Base64);
                    Some(Found { range, what, form })
                }
            }
        })
}

impl Shape {
    /// The place of the secret whose anchor stands there, if it is one.
    fn secret(&self, text: &[u8], anchor: Range<usize>) -> Option<Range<usize>> {
        if !self
            .anchors
            .iter()
            .any(|a| a.as_bytes() == &text[anchor.clone()])
        {
            return None;
        }
        let run = |of: fn(u8) -> bool| text[anchor.end..].iter().take_while(|b| of(**b)).count();
        let (length, enough) = match self.rest {
            By(find) => {
                let range = find(text, anchor)?;
                return (!is_placeholder(&text[range.clone()])).then_some(range);
            }
            AtLeast(least, of) => (run(of), run(of) >= least),
            Exactly(length, of) => {
                let ended = text.get(anchor.end + length).is_none_or(|b| !word(*b));
                (length, run(of) >= length && ended)
            }
        };
        let begins = anchor.start == 0 || !alphanumeric(text[anchor.start - 1]);
        (begins && enough).then_some(anchor.start..anchor.end + length)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    /// So many characters that no shape objects to, in the middle of `before` and `after`.
    fn long(before: &str, count: usize, after: &str) -> String {
        let filling = "Q7xW2nB5vC9dTx7Q4f8Kz01m".chars().cycle();
        before.to_owned() + &filling.take(count).collect::<String>() + after
    }

    fn hex_long(before: &str, count: usize) -> String {
        before.to_owned() + &"0f1e2d3c".chars().cycle().take(count).collect::<String>()
    }

    /// A text for each shape, put together here so that no file of this project holds one.
    fn secrets() -> Vec<(&'static str, String)> {
        let upper = |before: &str, count| long(before, count, "").to_ascii_uppercase();
        let pem = [
            "-----BEGIN RSA PRIVATE",
            " KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        ]
        .concat();
        vec![
            ("an AWS access key ID", upper("AKIA", 16)),
            ("a GitHub token", long("ghp_", 36, "")),
            ("a GitHub token", long("github_pat_", 60, "")),
            ("a GitLab token", long("glpat-", 20, "")),
            ("a Slack token", long("xoxb-", 24, "")),
            ("a Slack webhook", long("hooks.slack.com/services/", 24, "")),
            ("a Stripe key", long("sk_live_", 24, "")),
            ("a Google API key", long("AIza", 35, "")),
            ("a Google OAuth secret", long("ya29.", 40, "")),
            ("an OpenAI key", long("sk-proj-", 40, "")),
            ("an Anthropic key", long("sk-ant-", 40, "")),
            ("an npm token", long("npm_", 36, "")),
            ("a PyPI token", long("pypi-AgE", 60, "")),
            ("a Docker token", long("dckr_pat_", 27, "")),
            ("a Hugging Face token", long("hf_", 34, "")),
            ("a SendGrid key", long("SG.", 66, "")),
            ("a Shopify token", hex_long("shpat_", 32)),
            ("a DigitalOcean token", hex_long("dop_v1_", 64)),
            ("a Vault token", long("hvs.", 24, "")),
            ("a Telegram bot token", long("123456789:AA", 33, "")),
            (
                "a JSON Web Token",
                long("eyJ", 20, &long(".eyJ", 20, &long(".", 43, ""))),
            ),
            ("a private key", pem),
            ("a private key", upper("AGE-SECRET-KEY-1", 58)),
            ("a private key", long("xprv", 107, "")),
            ("a bearer token", "Bearer abc123def".to_owned()),
            (
                "a basic credential",
                format!("Basic {}", STANDARD.encode("ada:correct-horse")),
            ),
            ("a URL with a password", "wss://ada:pw@engine/ws".to_owned()),
            (
                "a token in a URL's query",
                "/ws?access_token=abc123def".to_owned(),
            ),
            ("a named secret", r#"{"password": "hunter22"}"#.to_owned()),
            ("a named secret", r#"{"apiKey":"abc123def"}"#.to_owned()),
            (
                "a named secret",
                hex_long(r#"{"private_key":"0x"#, 64) + "\"}",
            ),
            ("a named secret", "client_secret = 'abc123def'".to_owned()),
        ]
    }

    #[test]
    fn every_shape_is_found_alone_and_within_a_text() {
        let shapes: Vec<&str> = SHAPES.iter().map(|shape| shape.what).collect();
        for (what, secret) in secrets() {
            assert!(shapes.contains(&what), "{what}");
            for text in [secret.clone(), format!("{{\"a\":\"x {secret} y\"}}")] {
                let found = find(text.as_bytes()).map(|found| found.what);
                assert_eq!(found, Some(what), "{text}");
            }
        }
        for shape in shapes {
            assert!(
                secrets().iter().any(|(what, _)| *what == shape),
                "{shape} is not tried"
            );
        }
    }

    #[test]
    fn every_shape_is_found_in_base64_wherever_it_begins() {
        for (what, secret) in secrets() {
            for before in ["", ".", "..", "some text before "] {
                let text = format!("{before}{secret} and more");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                    let found = find(encoded.as_bytes()).expect(&text);
                    assert_eq!((found.what, found.form), (what, Form::Base64), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_only_resembles_a_secret_is_none() {
        for text in [
            long("AKIA", 12, ""),
            long("xAKIA", 16, "").to_ascii_uppercase(),
            long("ghp_", 20, ""),
            long("hf_", 40, ""),
            "eyJhbGciOiJIUzI1NiJ9".to_owned(),
            "-----BEGIN CERTIFICATE-----".to_owned(),
            "-----BEGIN PUBLIC KEY-----".to_owned(),
            "WWW-Authenticate: Bearer realm=\"x\"".to_owned(),
            "a Bearer of bad news".to_owned(),
            "Basic authentication".to_owned(),
            "Basic attention token".to_owned(),
            "wss://engine:8765/ws".to_owned(),
            "https://h/@ada:x".to_owned(),
            "?token=BTC&key=1".to_owned(),
            "monkey=12345678".to_owned(),
            r#"{"password_changed_at":"2026-01-01"}"#.to_owned(),
            r#"{"secretary":"John Smith 1"}"#.to_owned(),
            r#"{"password":"********"}"#.to_owned(),
            r#"{"password":"must have 8 characters"}"#.to_owned(),
            r#"{"password":"required"}"#.to_owned(),
            r#"{"password":"redacted-0123456789abcdef"}"#.to_owned(),
            r#"{"api_key":null}"#.to_owned(),
            hex_long(r#"{"tx_hash":"0x"#, 64) + "\"}",
            "wss://redacted-0123456789abcdef@h/?token=redacted-0123456789abcdef".to_owned(),
            "Bearer redacted-0123456789abcdef".to_owned(),
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn redacted_no_shape_is_left() {
        for (what, secret) in secrets() {
            let mut secrets = SecretRegistry::new(&[1; 32]);
            let text = format!("before {secret} between {secret} after");
            let clean = redact(&text, &mut secrets).expect(what);
            assert_eq!(find(clean.as_bytes()), None, "{clean}");
            assert!(
                clean.starts_with("before ") && clean.ends_with(" after"),
                "{clean}"
            );
            assert!(clean.contains(" between "), "{clean}");
        }
    }
}
