//! What clients log in with never reaches a tape: the layouts of exchanges' public documentation,
//! with invented values.

use serde_json::{Value, json};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Action, Header, Step};

/// An API key, and a signature as HMAC-SHA256 gives it in hexadecimal and in base64.
const KEY: &str = "kQ7xW2nB5vC9dTx7";
const HEX: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const BASE64: &str = "q7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8=";
const PASS: &str = "correct-horse";

/// Exchange, message, and what a reader of the tape still has to see in it.
fn layouts() -> Vec<(&'static str, Value, &'static [&'static str])> {
    vec![
        (
            "Bybit v5",
            json!({"req_id": "r1", "op": "auth", "args": [KEY, 1_662_350_400_000_u64, HEX]}),
            &["\"auth\"", "\"r1\""],
        ),
        (
            "Binance session.logon",
            json!({"id": "c174", "method": "session.logon", "params": {"apiKey": KEY, "signature": BASE64, "timestamp": 1_649_729_878_532_u64}}),
            &["session.logon", "c174"],
        ),
        (
            "Binance order.place",
            json!({"id": "56374", "method": "order.place", "params": {"symbol": "BTCUSDT", "side": "SELL", "price": "52000.00", "apiKey": KEY, "signature": HEX, "timestamp": 1_660_801_715_431_u64}}),
            &["order.place", "BTCUSDT", "52000.00"],
        ),
        (
            "OKX",
            json!({"op": "login", "args": [{"apiKey": KEY, "passphrase": PASS, "timestamp": "1538054050", "sign": BASE64}]}),
            &["\"login\""],
        ),
        (
            "Bitget",
            json!({"op": "login", "args": [{"apiKey": KEY, "passphrase": PASS, "timestamp": "1538054050", "sign": BASE64}]}),
            &["\"login\""],
        ),
        (
            "Kraken v1",
            json!({"event": "subscribe", "pair": ["XBT/EUR"], "subscription": {"name": "ownTrades", "token": BASE64}}),
            &["XBT/EUR", "ownTrades"],
        ),
        (
            "Kraken v2",
            json!({"method": "subscribe", "params": {"channel": "executions", "snap_trades": true, "token": BASE64}, "req_id": 1}),
            &["executions", "true"],
        ),
        (
            "Kraken Futures",
            json!({"event": "subscribe", "feed": "open_positions", "api_key": KEY, "original_challenge": "226aee50-88fc-4618-a42a-34f7709570b2", "signed_challenge": BASE64}),
            &["open_positions"],
        ),
        (
            "Coinbase Exchange",
            json!({"type": "subscribe", "product_ids": ["BTC-USD"], "channels": ["user"], "signature": BASE64, "key": KEY, "passphrase": PASS, "timestamp": "1606940000"}),
            &["BTC-USD", "\"user\""],
        ),
        (
            "Coinbase Advanced",
            json!({"type": "subscribe", "channel": "level2", "product_ids": ["BTC-USD"], "jwt": format!("eyJhbGciOiJFUzI1NiJ9.{KEY}{KEY}.{HEX}")}),
            &["level2", "BTC-USD"],
        ),
        (
            "Deribit credentials",
            json!({"jsonrpc": "2.0", "id": 9929, "method": "public/auth", "params": {"grant_type": "client_credentials", "client_id": "fo7WAPRm4P", "client_secret": KEY}}),
            &["public/auth", "9929"],
        ),
        (
            "Deribit signature",
            json!({"jsonrpc": "2.0", "id": 4876, "method": "public/auth", "params": {"grant_type": "client_signature", "client_id": "AMANDAxA1", "timestamp": 1_576_074_319_000_u64, "nonce": "1iqt2wls", "data": "", "signature": HEX}}),
            &["public/auth"],
        ),
        (
            "BitMEX",
            json!({"op": "authKeyExpires", "args": [KEY, 1_538_414_500, HEX]}),
            &["authKeyExpires"],
        ),
        (
            "Bitfinex",
            json!({"event": "auth", "apiKey": KEY, "authSig": HEX, "authNonce": "1516372361000", "authPayload": "AUTH1516372361000", "calc": 1}),
            &["\"auth\""],
        ),
        (
            "KuCoin",
            json!({"id": "1545910660739", "type": "subscribe", "topic": "/spotMarket/tradeOrders", "privateChannel": true, "response": true, "token": BASE64}),
            &["/spotMarket/tradeOrders"],
        ),
        (
            "Gate auth",
            json!({"id": 12, "time": 1_611_541_000, "channel": "spot.orders", "event": "subscribe", "payload": ["BTC_USDT"], "auth": {"method": "api_key", "KEY": KEY, "SIGN": HEX}}),
            &["spot.orders", "BTC_USDT"],
        ),
        (
            "Gate login",
            json!({"time": 1_681_984_544, "channel": "spot.login", "event": "api", "payload": {"req_id": "x1", "api_key": KEY, "signature": HEX, "timestamp": "1681984544"}}),
            &["spot.login"],
        ),
        (
            "HTX v2",
            json!({"action": "req", "ch": "auth", "params": {"authType": "api", "accessKey": KEY, "signatureMethod": "HmacSHA256", "signatureVersion": "2.1", "timestamp": "2019-09-01T18:16:16", "signature": BASE64}}),
            &["\"ch\":\"auth\""],
        ),
        (
            "HTX futures",
            json!({"op": "auth", "type": "api", "AccessKeyId": KEY, "SignatureMethod": "HmacSHA256", "SignatureVersion": "2", "Timestamp": "2017-05-11T15:19:30", "Signature": BASE64}),
            &["\"op\":\"auth\"", "\"api\""],
        ),
        (
            "Hyperliquid",
            json!({"method": "post", "id": 256, "request": {"type": "action", "payload": {"action": {"type": "order", "orders": [{"a": 4, "b": true, "p": "1100", "s": "0.2"}], "grouping": "na"}, "nonce": 1_713_825_891_591_u64, "signature": {"r": format!("0x{HEX}"), "s": format!("0x{HEX}"), "v": 27}}}}),
            &["\"order\"", "1100", "0.2"],
        ),
        (
            "Crypto.com",
            json!({"id": 1, "method": "public/auth", "api_key": KEY, "sig": HEX, "nonce": 1_587_523_073_344_u64}),
            &["public/auth"],
        ),
        (
            "Phemex",
            json!({"method": "user.auth", "params": ["API", KEY, HEX, 1_570_696_104], "id": 1234}),
            &["user.auth", "1234"],
        ),
        (
            "dYdX v3",
            json!({"type": "subscribe", "channel": "v3_accounts", "accountNumber": "0", "apiKey": KEY, "passphrase": PASS, "timestamp": "2021-01-01T00:00:00.000Z", "signature": BASE64}),
            &["v3_accounts"],
        ),
        (
            "Bitstamp",
            json!({"event": "bts:subscribe", "data": {"channel": "private-my_orders_btcusd-77", "auth": KEY}}),
            &["private-my_orders_btcusd-77"],
        ),
        (
            "Alpaca",
            json!({"action": "auth", "key": KEY, "secret": HEX}),
            &["\"auth\""],
        ),
        (
            "Polygon",
            json!({"action": "auth", "params": KEY}),
            &["\"auth\""],
        ),
        (
            "Poloniex",
            json!({"event": "subscribe", "channel": ["auth"], "params": {"key": KEY, "signTimestamp": 1_659_353_862_000_u64, "signatureMethod": "HmacSHA256", "signature": BASE64}}),
            &["[\"auth\"]"],
        ),
        (
            "WOO X",
            json!({"id": "r", "event": "auth", "params": {"apikey": KEY, "sign": HEX, "timestamp": 1_621_910_107_900_u64}}),
            &["\"auth\""],
        ),
        (
            "bitFlyer",
            json!({"jsonrpc": "2.0", "method": "auth", "params": {"api_key": KEY, "timestamp": 1, "nonce": "n", "signature": HEX}, "id": 1}),
            &["\"auth\""],
        ),
        (
            "Deriv",
            json!({"authorize": "a1-kQ7xW2nB5vC9dTx7"}),
            &["authorize"],
        ),
        (
            "a batch",
            json!([{"op": "ping"}, {"op": "login", "args": [KEY, PASS]}]),
            &["ping"],
        ),
        (
            "an event list",
            json!(["auth", {"uid": KEY}]),
            &["\"auth\""],
        ),
        (
            "a signed order by place",
            json!({"method": "order.signed", "params": ["BTC", 1, PASS]}),
            &["order.signed"],
        ),
        (
            "JSON in a string",
            json!({"type": "message", "data": json!({"op": "auth", "args": [KEY, HEX]}).to_string()}),
            &["message"],
        ),
    ]
}

/// Texts that are no JSON.
fn texts() -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "Socket.IO",
            format!("42[\"login\",{{\"user\":\"{PASS}\"}}]"),
            "login",
        ),
        (
            "STOMP",
            format!("CONNECT\naccept-version:1.2\nlogin:ada\npasscode:{PASS}\n\n\0"),
            "accept-version:1.2",
        ),
        (
            "NATS",
            format!(
                "CONNECT {{\"verbose\":false,\"auth_token\":\"{KEY}\",\"pass\":\"{PASS}\"}}\r\n"
            ),
            "verbose",
        ),
        ("IRC", format!("PASS oauth:{KEY}\r\n"), "PASS"),
        ("a form", format!("op=login&user=1&sign={HEX}"), "op=login"),
    ]
}

fn line(message: &str) -> String {
    json!({"at_ms": 1, "conn": 1, "received": {"kind": "text", "text": message}}).to_string()
}

fn redactor() -> Redactor {
    let mut redactor = Redactor::new(Rules::default(), [7; 32]);
    redactor.header(Header::new("a test"));
    redactor
}

fn redacted(line: &str) -> Step {
    redactor().step(Step::parse("tape", 2, line).expect(line))
}

fn message(step: &Step) -> String {
    let Action::Received(received) = &step.action else {
        panic!("{step:?}");
    };
    match (&received.text, &received.binary) {
        (Some(text), _) => text.clone(),
        (None, Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        (None, None) => String::new(),
    }
}

fn all() -> impl Iterator<Item = (&'static str, String, Vec<&'static str>)> {
    let layouts = layouts().into_iter();
    let layouts = layouts.map(|(who, message, stays)| (who, message.to_string(), stays.to_vec()));
    layouts.chain(
        texts()
            .into_iter()
            .map(|(who, text, stays)| (who, text, vec![stays])),
    )
}

#[test]
fn no_layout_leaves_a_secret_and_each_still_says_what_it_was_for() {
    for (who, sent, stays) in all() {
        let step = redacted(&line(&sent));
        let said = step.to_line();
        for secret in [KEY, HEX, BASE64, PASS, "AUTH1516372361000", "226aee50"] {
            assert!(!said.contains(secret), "{who}: {said}");
        }
        let message = message(&step);
        for part in stays {
            assert!(message.contains(part), "{who}: {part} in {message}");
        }
        // And a second time it changes nothing.
        assert_eq!(redacted(&said).to_line(), said, "{who}");
    }
}

#[test]
fn a_scan_knows_each_layout_and_says_which_key_in_which_line() {
    for (who, sent, _) in all() {
        let tape = format!("{{\"tape\":1}}\n{}\n", line(&sent));
        let hit = redactor().scan(tape.as_bytes()).unwrap();
        let hit = hit.unwrap_or_else(|| panic!("{who}: nothing found"));
        assert_eq!(hit.line, 2, "{who}");
        for secret in [KEY, HEX, BASE64, PASS] {
            assert!(!hit.what.contains(secret), "{who}: {}", hit.what);
        }
        let clean = format!("{{\"tape\":1}}\n{}\n", redacted(&line(&sent)).to_line());
        assert_eq!(redactor().scan(clean.as_bytes()).unwrap(), None, "{who}");
    }
    let bybit = line(&layouts()[0].1.to_string());
    let said = redactor().line(bybit.as_bytes());
    assert_eq!(said.as_deref(), Some("what a client sent to log in"));
    let kraken = line(&layouts()[5].1.to_string());
    let said = redactor().line(kraken.as_bytes());
    let expected = "the value of the key \"token\", which a client sent";
    assert_eq!(said.as_deref(), Some(expected));
}

#[test]
fn a_login_in_binary_and_in_fragments_goes_too() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let message = layouts()[0].1.to_string();
    let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&message)}});
    let said = self::message(&redacted(&binary.to_string()));
    assert!(said.contains("\"auth\"") && !said.contains(KEY), "{said}");

    let (first, last) = message.split_at(message.find(KEY).unwrap() + 5);
    let mut redactor = redactor();
    let mut frame = |text: &str, fin: bool, opcode: u8| {
        let frame = json!({"at_ms": 1, "conn": 1, "received": {"kind": "frame", "text": text, "fin": fin, "opcode": opcode}});
        redactor.step(Step::parse("tape", 2, &frame.to_string()).unwrap())
    };
    let (first, last) = (frame(first, false, 1), frame(last, true, 0));
    let said = self::message(&first) + &self::message(&last);
    assert!(
        said.contains("\"auth\"") && !said.contains(&KEY[..5]),
        "{said}"
    );
}

#[test]
fn what_a_client_sends_that_is_no_login_keeps_every_byte() {
    for message in [
        r#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"], "req_id" : "7"}"#,
        r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}"#,
        r#"{"id":"5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90","type":"subscribe","topic":"/market/ticker:BTC-USDT"}"#,
        r#"{"method":"subscribe","subscription":{"type":"userFills","user":"0xc64cc00b46101bd40aa1c3121195e85c0b0918d8"}}"#,
        r#"{"jsonrpc":"2.0","method":"public/subscribe","id":42,"params":{"channels":["ticker.BTC-PERPETUAL.raw"]}}"#,
        "ping",
        "2probe",
        r#"{"event":"author","name":"signal","pass":null,"#,
        "",
    ] {
        let line = line(message);
        assert_eq!(redacted(&line).to_line(), line);
        assert_eq!(redactor().line(line.as_bytes()), None, "{message}");
    }
}

#[test]
fn what_an_engine_sends_stays() {
    let line = r#"{"at_ms":1,"conn":1,"emit":{"event":"auth","user":"kQ7xW2nB5vC9dTx7", "n":1}}"#;
    assert_eq!(redacted(line).to_line(), line);
}
