//! Recognizes well-known secrets by their shape.
//!
//! | secret | shape |
//! | --- | --- |
//! | AWS access key ID | `AKIA`, `ASIA`, `ABIA`, `ACCA` and 16 capitals or digits |
//! | GitHub token | `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_` and at least 36 characters; `github_pat_` |
//! | GitLab token | `glpat-` and similar, and at least 20 characters |
//! | Slack token, webhook | `xoxb-` and similar, `xapp-`; `hooks.slack.com/services/…` |
//! | Stripe key | `sk_live_`, `rk_live_`, `sk_test_`, `rk_test_`, `whsec_` |
//! | Google | `AIza` and 35 characters; `ya29.…`; `GOCSPX-…` |
//! | `OpenAI`, Anthropic | `sk-proj-`, `sk-svcacct-`, `sk-ant-` |
//! | npm, `PyPI`, Docker, Hugging Face | `npm_`, `pypi-AgE`, `dckr_pat_`, `hf_` |
//! | `SendGrid`, Shopify, `DigitalOcean`, Vault, Telegram | `SG.…`, `shpat_`, `dop_v1_`, `hvs.`, `123456789:AA…` |
//! | JSON Web Token | `eyJ….….…`, signed or not |
//! | private keys | PEM and PGP blocks, `AGE-SECRET-KEY-1…`, `xprv…` |
//! | HTTP credentials | `Bearer …`, `Basic …` |
//! | a URL's password, a token in a query | `://user:password@`, `?token=…` |
//! | a named secret | `"password": "…"`, `api_key = '…'`, `"privateKey":"0x…"` and the like |
//!
//! Each shape is one pattern for `regex`, whose searches are linear in the length of any text.
//! Nearly every text contains none of the words of which a match must contain one, and is not
//! searched further. In a text with such a word, a search with the set of all patterns shows which
//! shapes may match. Only those are then searched for, and `credential` decides what a pattern
//! alone can't, once for each match.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::anchor::Anchors;
use super::base64_runs;
use super::credential::{self, Weighed};
use super::known::Form;
use super::placeholder::is_placeholder;
use super::registry::SecretRegistry;

/// The maximum size of one compiled pattern, or of the set of all, in bytes.
const MAX_PATTERN_BYTES: usize = 4 << 20;

/// How many bytes of states a search may cache. A search that needs more clears its cache.
const MAX_CACHE_BYTES: usize = 8 << 20;

/// A kind of secret.
pub(super) struct Shape {
    /// What errors call such a secret.
    what: &'static str,
    /// Words of which every match of the pattern contains one, in upper or lower case.
    anchors: &'static [&'static str],
    /// The pattern. `BEGIN` stands for the beginning of a word.
    pub(super) pattern: &'static str,
    /// Finds the secret within a match of the pattern, or where to continue.
    weigh: fn(&[u8], Range<usize>) -> Weighed,
}

/// The beginning of a word: there is no letter or digit before it.
const BEGIN: &str = "(?:^|[^0-9A-Za-z])";

#[rustfmt::skip]
pub(super) const SHAPES: &[Shape] = &[
    Shape { what: "an AWS access key ID", anchors: &["akia", "asia", "abia", "acca"], pattern: r"BEGIN(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b{end-half}", weigh: credential::word },
    Shape { what: "a GitHub token", anchors: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], pattern: r"BEGINgh[pousr]_[0-9A-Za-z]{36,}", weigh: credential::word },
    Shape { what: "a GitHub token", anchors: &["_pat_"], pattern: r"BEGINgithub_pat_[\w-]{40,}", weigh: credential::word },
    Shape { what: "a GitLab token", anchors: &["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-"], pattern: r"BEGIN(?:glpat|gldt|glrt|glcbt|glptt|glft|glsoat|glagent)-[\w-]{20,}", weigh: credential::word },
    Shape { what: "a Slack token", anchors: &["xox", "xapp-"], pattern: r"BEGIN(?:xox[abeprs]|xapp)-[\w-]{16,}", weigh: credential::word },
    Shape { what: "a Slack webhook", anchors: &["hooks.slack"], pattern: r"BEGINhooks\.slack\.com/services/[\w/-]{20,}", weigh: credential::word },
    Shape { what: "a Stripe key", anchors: &["k_live_", "k_test_", "whsec_"], pattern: r"BEGIN(?:[sr]k_(?:live|test)|whsec)_[0-9A-Za-z]{16,}", weigh: credential::word },
    Shape { what: "a Google API key", anchors: &["aiza"], pattern: r"BEGINAIza[\w-]{35}\b{end-half}", weigh: credential::word },
    Shape { what: "a Google OAuth secret", anchors: &["ya29.", "gocspx-"], pattern: r"BEGIN(?:ya29\.|GOCSPX-)[\w-]{20,}", weigh: credential::word },
    Shape { what: "an OpenAI key", anchors: &["sk-proj-", "sk-svcacct-"], pattern: r"BEGINsk-(?:proj|svcacct)-[\w-]{20,}", weigh: credential::word },
    Shape { what: "an Anthropic key", anchors: &["sk-ant-"], pattern: r"BEGINsk-ant-[\w-]{20,}", weigh: credential::word },
    Shape { what: "an npm token", anchors: &["npm_"], pattern: r"BEGINnpm_[0-9A-Za-z]{36}\b{end-half}", weigh: credential::word },
    Shape { what: "a PyPI token", anchors: &["pypi-age"], pattern: r"BEGINpypi-AgE[\w-]{50,}", weigh: credential::word },
    Shape { what: "a Docker token", anchors: &["_pat_"], pattern: r"BEGINdckr_pat_[\w-]{20,}", weigh: credential::word },
    Shape { what: "a Hugging Face token", anchors: &["hf_"], pattern: r"BEGINhf_[0-9A-Za-z]{34}\b{end-half}", weigh: credential::word },
    Shape { what: "a SendGrid key", anchors: &["sg."], pattern: r"BEGINSG\.[\w.-]{60,}", weigh: credential::word },
    Shape { what: "a Shopify token", anchors: &["shpat_", "shpca_", "shppa_", "shpss_"], pattern: r"BEGINshp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}\b{end-half}", weigh: credential::word },
    Shape { what: "a DigitalOcean token", anchors: &["_v1_"], pattern: r"BEGINdo[opr]_v1_[0-9A-Fa-f]{64}\b{end-half}", weigh: credential::word },
    Shape { what: "a Vault token", anchors: &["hvs.", "hvb."], pattern: r"BEGINhv[sb]\.[\w-]{24,}", weigh: credential::word },
    Shape { what: "a Telegram bot token", anchors: &[":aa"], pattern: r"(?:^|[^0-9])[0-9]{8,10}:AA[\w-]{33}", weigh: credential::telegram },
    Shape { what: "a JSON Web Token", anchors: &["eyj"], pattern: r"BEGINeyJ[\w-]{5,}\.[\w-]{8,}\.[\w.-]*", weigh: credential::word },
    Shape { what: "a private key", anchors: &["-----begin"], pattern: r"-----BEGIN [0-9A-Za-z ]{0,24}PRIVATE KEY[0-9A-Za-z ]{0,8}-----", weigh: credential::pem },
    Shape { what: "a private key", anchors: &["age-secret-key"], pattern: r"BEGINAGE-SECRET-KEY-1[0-9A-Z]{58}\b{end-half}", weigh: credential::word },
    Shape { what: "a private key", anchors: &["xprv"], pattern: r"BEGINxprv[0-9A-Za-z]{107}\b{end-half}", weigh: credential::word },
    Shape { what: "a bearer token", anchors: &["bearer "], pattern: r"BEGIN(?i:bearer) [\w.~+/=-]{8,}", weigh: credential::bearer },
    Shape { what: "a basic credential", anchors: &["basic "], pattern: r"BEGIN(?i:basic) [\w+/-]{8,}=*", weigh: credential::basic },
    Shape { what: "a URL with a password", anchors: &["://"], pattern: r"://[!$-&(-.0-;=@-Z\[\]_a-z~]+@", weigh: credential::url_password },
    Shape { what: "a token in a URL's query", anchors: &["en=", "ey=", "et=", "rd=", "wd=", "re=", "ig=", "on=", "id=", "wt=", "th="], pattern: r"[?&;#][\w.-]*(?i:token|key|secret|password|passwd|pwd|signature|sig|session|sessionid|sid|jwt|auth|authorization|ticket)=[\w.~%+/=:-]{8,}", weigh: credential::in_query },
    Shape { what: "a named secret", anchors: &["passw", "phrase", "secret", "private", "privkey", "mnemonic", "auth", "apikey", "api_key", "api-key", "access", "signing", "encryption", "refresh", "session"], pattern: r#"(?i:password|passwd|passphrase|secret|private|privkey|mnemonic|authorization|(?:api|access|signing|encryption)[_-]?key|(?:access|refresh|session|auth)[_-]?token|seed[_-]?phrase)[\w-]*["'\\]* *[:=][ \\]*(?:"[^"\\\n]{8,}|'[^'\\\n]{8,})"#, weigh: credential::named },
];

/// A secret that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its position; empty for a secret in base64, which has none of its own.
    range: Range<usize>,
    pub(super) what: &'static str,
    pub(super) form: Form,
}

/// All shapes, compiled once.
struct Patterns {
    anchors: Anchors,
    set: RegexSet,
    /// The patterns in the order of the set and of [`SHAPES`].
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let patterns = SHAPES.iter().map(|shape| {
        shape.pattern.strip_prefix("BEGIN").map_or_else(
            || format!("(?-u){}", shape.pattern),
            |rest| format!("(?-u){BEGIN}{rest}"),
        )
    });
    let patterns: Vec<String> = patterns.collect();
    let compiled = |pattern: &String| {
        let mut builder = RegexBuilder::new(pattern);
        builder
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES);
        builder.build().expect("a pattern of the table")
    };
    Patterns {
        anchors: Anchors::new(SHAPES.iter().flat_map(|shape| shape.anchors).copied()),
        each: patterns.iter().map(compiled).collect(),
        set: RegexSetBuilder::new(&patterns)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_CACHE_BYTES)
            .build()
            .expect("the patterns of the table"),
    }
});

/// The indices of the shapes that may be in a text.
fn kinds(text: &[u8]) -> impl Iterator<Item = usize> {
    let some = PATTERNS.anchors.stand_in(text);
    let kinds = some.then(|| PATTERNS.set.matches(text));
    kinds.into_iter().flatten()
}

/// Whether a well-known secret may be in a text, plainly or in base64. A cheap check that says no
/// for nearly every text.
pub(super) fn may_stand_in(text: &[u8]) -> bool {
    PATTERNS.anchors.stand_in(text) || base64_runs::may_say_something(text)
}

/// The first well-known secret in a text; if there are only some in base64, any of these.
pub(super) fn find(text: &[u8]) -> Option<Found> {
    let plain = kinds(text);
    let plain = plain.filter_map(|at| Search::new(text, at).next());
    if let Some(found) = plain.min_by_key(|found| found.range.start) {
        return Some(found);
    }
    let said = base64_runs::decoded(text);
    let what = kinds(&said)
        .find_map(|at| Search::new(&said, at).next())?
        .what;
    let (range, form) = (0..0, Form::Base64);
    Some(Found { range, what, form })
}

/// Redacts all well-known secrets that are plainly in a text; `None` if there are none.
pub(super) fn redact(text: &str, secrets: &mut SecretRegistry) -> Option<String> {
    let edited = redact_bytes(text.as_bytes(), secrets)?;
    Some(String::from_utf8(edited).expect("a secret is ASCII, or ends where ASCII begins"))
}

/// Like [`redact`], for bytes.
pub(super) fn redact_bytes(text: &[u8], secrets: &mut SecretRegistry) -> Option<Vec<u8>> {
    let mut found: Vec<Found> = kinds(text).flat_map(|at| Search::new(text, at)).collect();
    found.sort_by_key(|found| (found.range.start, Reverse(found.range.end)));
    let mut out = Vec::new();
    let mut copied = 0;
    for Found { range, what, .. } in found {
        if range.start >= copied {
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

/// The secrets of one shape in a text, one after the other.
struct Search<'t> {
    text: &'t [u8],
    which: usize,
    /// The offset up to which the text has been searched.
    at: usize,
}

impl<'t> Search<'t> {
    fn new(text: &'t [u8], which: usize) -> Self {
        Self { text, which, at: 0 }
    }
}

impl Iterator for Search<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let Shape { what, weigh, .. } = &SHAPES[self.which];
        loop {
            let found = PATTERNS.each[self.which].find_at(self.text, self.at)?;
            debug_assert!(!found.is_empty(), "a pattern holds a word at least");
            match weigh(self.text, found.range()) {
                Weighed::Secret(range) if !is_placeholder(&self.text[range.clone()]) => {
                    self.at = range.end.max(found.start() + 1);
                    let form = Form::Plain;
                    return Some(Found { range, what, form });
                }
                Weighed::Secret(range) => self.at = range.end.max(found.start() + 1),
                Weighed::Nothing(next) => self.at = next.max(found.start() + 1),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::collection;
    use proptest::prelude::*;

    use super::super::generator::{hex_long, long, matching, piece, secrets};
    use super::*;

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

    /// Like [`find`], but without the check for words beforehand.
    fn find_by_patterns_alone(text: &[u8]) -> Option<Found> {
        let first = |text: &[u8]| {
            let kinds = PATTERNS.set.matches(text).into_iter();
            let found = kinds.filter_map(|at| Search::new(text, at).next());
            found.min_by_key(|found| found.range.start)
        };
        first(text).or_else(|| {
            let said = base64_runs::decoded_whatever_it_says(text);
            let mut kinds = PATTERNS.set.matches(&said).into_iter();
            let what = kinds.find_map(|at| Search::new(&said, at).next())?.what;
            let (range, form) = (0..0, Form::Base64);
            Some(Found { range, what, form })
        })
    }

    proptest! {
        #[test]
        fn an_anchor_of_its_own_stands_in_whatever_a_pattern_matches(
            (at, text) in (0..SHAPES.len()).prop_flat_map(|at| (Just(at), matching(&SHAPES[at]))),
        ) {
            let own = Anchors::new(SHAPES[at].anchors.iter().copied());
            prop_assert!(own.stand_in(&text), "{}: {}", SHAPES[at].what, text.escape_ascii());
        }

        #[test]
        fn the_look_beforehand_hides_nothing_that_the_patterns_find(
            pieces in collection::vec(piece(), 1..6),
        ) {
            let text = pieces.concat();
            let found = find(&text).map(|found| (found.range, found.form));
            let expected = find_by_patterns_alone(&text).map(|found| (found.range, found.form));
            prop_assert_eq!(found, expected, "{}", text.escape_ascii());
        }
    }

    /// Texts that look suspicious everywhere but hold no secret. If a search read to the end from
    /// each suspicious position, it would take quadratic time.
    const HARD: [&str; 14] = [
        "secret",
        "secret_",
        "secret=",
        "secret=\"",
        "\"password\": ",
        "eyJ",
        "eyJ-",
        "eyJaaaaa.a.",
        "://a:",
        "?token",
        "?token=a",
        "12345678:AA",
        "-----BEGIN PRIVATE",
        "c2VjcmV0",
    ];

    #[test]
    fn a_text_that_draws_attention_everywhere_is_looked_through_once() {
        const BYTES: usize = 1 << 20;
        for unit in HARD {
            let text = unit.repeat(BYTES / unit.len());
            assert_eq!(find(text.as_bytes()), None, "{unit}");
            let mut secrets = SecretRegistry::new(&[1; 32]);
            assert_eq!(redact(&text, &mut secrets), None, "{unit}");
        }
    }
}
