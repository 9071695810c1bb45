//! Draws texts that contain secrets, parts of them, lookalikes, and noise.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::sample;
use proptest::string::bytes_regex;

use super::shapes::{SHAPES, Shape};

/// This many characters that match no shape by themselves, between `before` and `after`.
pub(super) fn long(before: &str, count: usize, after: &str) -> String {
    let filling = "Q7xW2nB5vC9dTx7Q4f8Kz01m".chars().cycle();
    before.to_owned() + &filling.take(count).collect::<String>() + after
}

pub(super) fn hex_long(before: &str, count: usize) -> String {
    before.to_owned() + &"0f1e2d3c".chars().cycle().take(count).collect::<String>()
}

/// A text for each shape, put together here so that no file of this project contains a secret.
pub(super) fn secrets() -> Vec<(&'static str, String)> {
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

/// A text that a shape's pattern matches, or nearly matches, because lookarounds are left out.
pub(super) fn matching(shape: &Shape) -> impl Strategy<Value = Vec<u8>> + use<> {
    let bare = shape
        .pattern
        .replace("BEGIN", "")
        .replace("----- ", "-----BEGIN ");
    let bare = bare
        .replace(r"\b{end-half}", "")
        .replace("(?:^|[^0-9])", "");
    bytes_regex(&format!("(?s-u){bare}")).expect("a pattern of the table")
}

/// A piece of a text: something that a pattern matches, a secret, a part of one, noise, or any of
/// these in base64.
pub(super) fn piece() -> impl Strategy<Value = Vec<u8>> {
    let shape = (0..SHAPES.len()).prop_flat_map(|at| matching(&SHAPES[at]));
    let secret = sample::select(secrets()).prop_map(|(_, secret)| secret.into_bytes());
    let noise = r#"[ -~]{0,12}|[a-z_]{3,16}|[0-9]{1,10}|", "|":|\\"|\\/|\n|https?://|="#;
    let noise = noise.prop_map(String::into_bytes);
    let plain = prop_oneof![shape, secret, noise].boxed();
    let cut = (
        plain.clone(),
        any::<sample::Index>(),
        any::<sample::Index>(),
    );
    let cut = cut.prop_map(|(piece, from, to)| {
        let (from, to) = (from.index(piece.len() + 1), to.index(piece.len() + 1));
        piece[from.min(to)..from.max(to)].to_vec()
    });
    let capitals = plain.clone().prop_map(|piece| piece.to_ascii_uppercase());
    let encoded = plain
        .clone()
        .prop_map(|piece| STANDARD.encode(piece).into_bytes());
    prop_oneof![4 => plain, 2 => cut, 1 => capitals, 2 => encoded]
}
