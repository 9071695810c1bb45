//! What clients log in with never reaches a tape: layouts from public documentation, with invented
//! values. Each says its `source`, where one was looked up; those without were written from memory.

mod layouts;

use serde_json::{Value, json};
use wstape_recorder::{Redactor, Rules};
use wstape_tape::{Action, Header, Step};

use layouts::{BASE64, HEX, KEY, PASS, all, layouts, texts};

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

#[test]
fn no_layout_leaves_a_secret_and_each_still_says_what_it_was_for() {
    for (who, sent, stays) in all() {
        let step = redacted(&line(&sent));
        let said = step.to_line();
        for secret in [
            KEY,
            HEX,
            BASE64,
            PASS,
            "482913",
            "sausage",
            "AUTH1516372361000",
            "snoPBrXtMeMyMHUVTgbuqAfg1SUTb",
            "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
            "226aee50",
            "pqia91ma19a5",
            "c0ffee12",
            &HEX[..40],
        ] {
            assert!(!said.contains(secret), "{who}: {said}");
        }
        let message = message(&step);
        for part in stays {
            assert!(message.contains(&part), "{who}: {part} in {message}");
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
    let bybit = line(&layouts()[0].1);
    let said = redactor().line(bybit.as_bytes());
    assert_eq!(said.as_deref(), Some("what a client sent to log in"));
    let kraken = line(&layouts()[5].1);
    let said = redactor().line(kraken.as_bytes());
    let expected = "the value of the key \"token\", which a client sent";
    assert_eq!(said.as_deref(), Some(expected));
}

#[test]
fn a_login_in_binary_and_in_fragments_goes_too() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let message = layouts().swap_remove(0).1;
    let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&message)}});
    let said = self::message(&redacted(&binary.to_string()));
    assert!(said.contains("\"auth\"") && !said.contains(KEY), "{said}");

    // A text that its client sends as bytes, as STOMP's and NATS' clients do.
    for (who, text, _) in texts() {
        let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&text)}});
        let said = self::message(&redacted(&binary.to_string()));
        assert!(
            ![KEY, HEX, BASE64, PASS]
                .iter()
                .any(|secret| said.contains(secret)),
            "{who}: {said}"
        );
    }

    // MQTT's packet of a user and a password, whose lengths are those of the placeholders then.
    let field = |text: &str| [&[0, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let mut packet = [field("MQTT"), vec![4, 0xc2, 0, 60], field("client-1")].concat();
    packet.extend([field(KEY), field(PASS)].concat());
    packet.splice(0..0, [0x10, u8::try_from(packet.len()).unwrap()]);
    let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&packet)}});
    let clean = redacted(&binary.to_string());
    let said = self::message(&clean);
    assert!(
        said.contains("client-1") && !said.contains(KEY) && !said.contains(PASS),
        "{said}"
    );
    assert!(redactor().line(binary.to_string().as_bytes()).is_some());
    assert_eq!(redactor().line(clean.to_line().as_bytes()), None);

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

/// A value as MessagePack has it, of the few kinds that logins are made of.
fn message_pack(value: &Value, out: &mut Vec<u8>) {
    let low = |length: usize| u8::try_from(length).unwrap();
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(b) => out.push(0xc2 | u8::from(*b)),
        Value::Number(number) => {
            out.push(0xcf);
            out.extend(number.as_u64().unwrap().to_be_bytes());
        }
        Value::String(text) => {
            out.extend([0xda, low(text.len() >> 8), low(text.len() & 0xff)]);
            out.extend(text.as_bytes());
        }
        Value::Array(items) => {
            out.push(0x90 | low(items.len()));
            for item in items {
                message_pack(item, out);
            }
        }
        Value::Object(members) => {
            out.push(0x80 | low(members.len()));
            for (name, value) in members {
                message_pack(&Value::from(name.as_str()), out);
                message_pack(value, out);
            }
        }
    }
}

#[test]
fn each_layout_in_message_pack_leaves_no_secret_and_stays_message_pack() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    for (who, sent, _) in layouts() {
        let mut packed = Vec::new();
        message_pack(&serde_json::from_str(&sent).unwrap(), &mut packed);
        let line = |bytes: &[u8]| {
            json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(bytes)}}).to_string()
        };
        assert!(redactor().line(line(&packed).as_bytes()).is_some(), "{who}");
        let clean = redacted(&line(&packed));
        let Action::Received(received) = &clean.action else {
            panic!("{who}");
        };
        let bytes = received.binary.as_deref().unwrap();
        let said = String::from_utf8_lossy(bytes);
        for secret in [KEY, HEX, BASE64, PASS] {
            assert!(!said.contains(secret), "{who}: {said}");
        }
        assert_eq!(bytes.first(), packed.first(), "{who}");
        assert_eq!(
            redacted(&clean.to_line()).to_line(),
            clean.to_line(),
            "{who}"
        );
    }
    let mut packed = Vec::new();
    message_pack(&json!({"op": "subscribe", "args": ["trades"]}), &mut packed);
    let open = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&packed)}});
    assert_eq!(redacted(&open.to_string()).to_line(), open.to_string());
}

/// Messages of which nothing is anybody's secret.
const OPEN: [&str; 115] = [
    r#"{"op":"subscribe","args":["orderbook.50.BTCUSDT"], "req_id" : "7"}"#,
    r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}"#,
    r#"{"id":"5a1f0b9c-7f0e-4a55-9d0d-2f6d1b7c8e90","type":"subscribe","topic":"/market/ticker:BTC-USDT"}"#,
    r#"{"method":"subscribe","subscription":{"type":"userFills","user":"0xc64cc00b46101bd40aa1c3121195e85c0b0918d8"}}"#,
    r#"{"jsonrpc":"2.0","method":"public/subscribe","id":42,"params":{"channels":["ticker.BTC-PERPETUAL.raw"]}}"#,
    r#"{"op":"subscribe","channel":"trades","token":"USDC","session":"pre-market"}"#,
    r#"{"type":"subscribe","channels":["level2","heartbeat"],"product_ids":["BTC-USD"]}"#,
    r#"{"id":1,"method":"order.place","params":{"symbol":"BTCUSDT","side":"BUY","price":"52000.00","clientOrderId":"a1-b2"}}"#,
    r#"[0,"on",null,{"cid":12345,"type":"LIMIT","symbol":"tBTCUSD","amount":"1.0"}]"#,
    r#"[5,"a topic",{"acknowledge":true},["an argument"]]"#,
    r#"["1","2","room:lobby","phx_join",{"lang":"en"}]"#,
    r#"{"header":{"cmd":"subscribe","seq":1},"body":{"topic":"sign-ups"}}"#,
    r#"{"event":"bts:subscribe","data":{"channel":"live_trades_btcusd"}}"#,
    r#"{"protocol":"json","version":1}"#,
    r#"{"type":"message","text":"please sign the passport, author"}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{"address":"0xc64cc00b46101bd40aa1c3121195e85c0b0918d8"}]}"#,
    r#"{"design":"a","assignee":"b","passive":true,"pinned":true,"seeded":false,"keyboard":"us"}"#,
    r#"42["message",{"a":"b=c"}]"#,
    "SUBSCRIBE\nid:sub-0\ndestination:/topic/trades\n\n\0",
    "JOIN #channel\r\nPRIVMSG #channel :please sign in\r\n",
    "symbol=BTCUSDT&interval=1m",
    "ping",
    "2probe",
    r#"{"op":"subscribe","user":"ada","account":"7","fields":["token","price"],"key":"trades"}"#,
    r#"{"M":"Subscribe","A":["trades"],"I":0,"H":"c3"}"#,
    r#"["SUBSCRIBE\nid:sub-0\ndestination:/topic/trades\n\n\u0000"]"#,
    r#"{"35":"V","55":"BTC/USD","553":"x"}"#,
    r#"{"query":"subscription { trades { price } }","variables":{"pair":"BTC"}}"#,
    r#"{"type":"set","params":[{"key":"speed","value":"fast"}],"pid":7}"#,
    "api/v1/markets/BTC-USD/trades",
    "a,b,c|d;e",
    "<subscribe channel='trades'>BTC</subscribe>",
    r#"{"event":"author","name":"signal","pass":null,"#,
    // What is named like a secret but isn't one.
    r#"{"op":"order","token":"USDT","baseToken":"BTC","tokenIn":"stETH","token_id":7}"#,
    r#"{"op":"sub","token":"usdt","tokens":["BTC","1INCH","USDC.e"]}"#,
    r#"{"op":"sub","token":"0xdac17f958d2ee523a2206206994597c13d831ec7"}"#,
    r#"{"action":1,"params":{"mode":1,"tokenList":[{"exchangeType":1,"tokens":["10626","5290"]}]}}"#,
    r#"{"type":"response.create","response":{"max_output_tokens":200,"max_tokens":4096}}"#,
    r#"{"type":"session.update","session":{"voice":"alloy","instructions":"be kind","turn_detection":{"threshold":0.5}}}"#,
    r#"{"type":"sub","session":"RTH","sessionType":"regular","session_start":"09:30"}"#,
    r#"{"op":"get","key":"BTC-USD"}"#,
    r#"{"op":"get","key":"orderbook.50.BTCUSDT"}"#,
    r#"{"type":"keydown","key":"ArrowLeft","code":"ArrowLeft"}"#,
    r#"{"op":"order","sign":"+","seed":42,"pin":13,"pass":3,"pass_rate":0.9}"#,
    r#"{"op":"order","sign":-1,"sign_type":"HmacSHA256"}"#,
    r#"{"action":"close","ticket":123456789,"volume":0.1}"#,
    r#"{"event":"ticket.created","ticket":{"id":"T-1","subject":"help"}}"#,
    r#"[{"ticket":"test"},{"type":"trade","codes":["KRW-BTC"]}]"#,
    r#"{"op":"subscribe","args":["auth.events","login.events"]}"#,
    r#"{"op":"subscribe","channel":"login-events","filter":"eu"}"#,
    r#"{"event":"closed","code":"600519","reason":"a share"}"#,
    // What all may see, though it is long.
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_getTransactionReceipt","params":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"]}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{"topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"]}]}"#,
    r#"["REQ","s1",{"authors":["3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"],"kinds":[1]}]"#,
    r#"{"track-tx":"ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"accountSubscribe","params":["CM78CPUeXjn8o3yroDHxUtKsZZgoy4GPkPPXfouKNH12",{"encoding":"jsonParsed"}]}"#,
    r#"{"assets_ids":["109681959945973300464568698402968596289258214226684818748321941747028805721376"],"type":"market"}"#,
    r#"{"jsonrpc":"2.0","method":"blockchain.scripthash.subscribe","params":["8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161"],"id":0}"#,
    r#"{"method":"getblock","params":["00000000000000000007878ec04bb2b2e12317804810f4c26033585b3f81ffaa"]}"#,
    r#"{"op":"get","path":"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG"}"#,
    r#"{"account":"GDQJUTQYK2MQX2VGDR2FYWLIYAQIEGXTQVTFEMGH2BEWFG4BRUY4CKI7"}"#,
    r#"{"type":"join","code":"ABCD","name":"Ada"}"#,
    r#"{"cmd":"hello","u":"ada","p":2,"page":{"p":"2"}}"#,
    r#"{"op":"order","u":"BTC","p":"52000.5"}"#,
    r#"{"sin":0.5,"cos":0.1,"tan":0.2}"#,
    // Feeds of a chain, of which the documentation is public.
    r#"{"jsonrpc":"2.0","id":1,"method":"signatureSubscribe","params":["2EanSSkn5cjv9DVKik5gtBkN1wwbV1TAXQQ5yu2RTPGwgrhEywVAQR2veu895uCDzvYwWZe6vD1Bcn8s7r22W17w",{"commitment":"finalized"}]}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"getSignaturesForAddress","params":["CM78CPUeXjn8o3yroDHxUtKsZZgoy4GPkPPXfouKNH12",{"limit":1}]}"#,
    r#"{"jsonrpc":"2.0","method":"eth_call","params":[{"to":"0xdAC17F958D2ee523a2206206994597C13D831ec7","data":"0x70a08231000000000000000000000000c64cc00b46101bd40aa1c3121195e85c0b0918d8"},"latest"],"id":7}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs",{"address":"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"}]}"#,
    r#"{"method":"subscribeTokenTrade","keys":["91WNez8D22NwBssQbkzjy4s2ipFrzpmn5hfvWVe2aY5p"]}"#,
    r#"{"track-address":"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"}"#,
    r#"{"id":1,"command":"subscribe","accounts":["rrpNnNLKrartuEqfJGpqyDwPj1AFPg9vn1"]}"#,
    r#"{"id":4,"method":"mining.submit","params":["ada.worker1","bf","00000001","504e86ed","b2957c02"]}"#,
    // Orders and what acknowledges them.
    r#"{"reqId":"test-005","header":{"X-BAPI-TIMESTAMP":"1711001595207","Referer":"bot-001"},"op":"order.create","args":[{"symbol":"ETHUSDT","side":"Buy","qty":"0.2"}]}"#,
    r#"{"method":"add_order","params":{"cl_ord_id":"6d1b345e-2821-40e2-ad83-4ecb18a06876","order_userref":123,"symbol":"BTC/USD"}}"#,
    r#"{"id":"aa62318a","method":"order.status","params":{"symbol":"BTCUSDT","origClientOrderId":"x-HNA2TXFJ3bb1b4c2d2f04e9bb7f0a9","orderId":12569099453}}"#,
    r#"{"channel":"book","type":"update","data":[{"symbol":"MATIC/USD","checksum":2439117997}]}"#,
    r#"{"op":"sub","TradingSessionID":"1","tradingSessionSubID":"2"}"#,
    // Symbols that are words.
    r#"{"action":"subscribe","symbols":["KEY","PINS","SIGN","PASS","AUTH"]}"#,
    r#"{"action":"subscribe","bars":["*"],"trades":["LOGIN","KEYS"]}"#,
    r#"{"op":"subscribe","args":["trade.KEY","trade.PASS","trade.AUTH","trade.SIGN"]}"#,
    // Where a list goes on, and how far something is.
    r#"{"type":"subscribe","after":"eyJpZCI6MTIzLCJ0IjoiMjAyMC0wMS0wMVQwMDowMDowMFoifQ==","limit":50}"#,
    r#"{"op":"list","nextPageToken":"CAoQAA1b","continuationToken":"c2Vj","sync_token":"s72594_4483_1934"}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"workspace/symbol","params":{"workDoneToken":"1d546990-40a3-4b77-b134-46622995f6ae","partialResultToken":"a2"}}"#,
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","_meta":{"progressToken":"abc123"}}}"#,
    // Pictures.
    r#"{"type":"image","data":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}"#,
    r#"{"image_url":{"url":"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsK"}}"#,
    r#"["Accept: application/json","X-Request: a"]"#,
    r#"{"words":["alert","market","order","price","sell","buy","hold","stop","limit","trade","total"]}"#,
    // Events that a relay shows everybody, and what is asked of it.
    r#"["EVENT",{"id":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027","pubkey":"3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d","created_at":1,"kind":1,"tags":[["e","d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"],["p","3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d","wss://r"]],"content":"hi","sig":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb90273bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"}]"#,
    r##"["REQ","d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027",{"ids":["d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"],"#e":["d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"],"kinds":[1]}]"##,
    r#"["CLOSE","d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"]"#,
    // Points, transactions and outputs of Cardano and Bitcoin.
    r#"{"jsonrpc":"2.0","method":"findIntersection","params":{"points":[{"slot":1,"id":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"}]}}"#,
    r#"{"jsonrpc":"2.0","method":"queryLedgerState/utxo","params":{"outputReferences":[{"transaction":{"id":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"},"index":0}]}}"#,
    r#"{"jsonrpc":"2.0","method":"hasTransaction","params":{"id":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"}}"#,
    r#"{"op":"sub","utxo":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027#0","outpoint":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027:1","transaction":"d7dd5eb3ab747e16f8d0212d53032ea2a7cadef53837e5a6c66d42849fcb9027"}"#,
    r#"{"op":"sub","who":"addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x"}"#,
    // Coins of Solana, by their mint.
    r#"{"op":"sub","tokenAddress":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenMint":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenIn":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","mint":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"}"#,
    r#"{"op":"sub","tokenAddresses":["EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"],"tokenAccount":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"}"#,
    // Commands and sentences that begin like a login, and what begins like SCRAM.
    r#"{"cmd":"subscribe trades"}"#,
    r#"{"cmd":"token list"}"#,
    r#"{"cmd":"login"}"#,
    r#"{"cmd":"auth status"}"#,
    r#"{"cmd":"say pass the ball"}"#,
    r#"{"text":"password required"}"#,
    "n,,n=5,r=2",
    r#"{"method":"SUBSCRIBE","params":["1000shibusdt@depth20@100ms","willthefedcutratesbymorethan25bpsin2026orwaitforlongerperiods2027"],"id":1}"#,
    "5.mouse,3.120,3.240,1.0;3.key,5.65293,1.1;",
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=fingerprint:sha-256 D2:FA:0E:C3\r\n",
    "token=USDT session=RTH key=BTC-USD",
    "the password is 'required', he said: pass \"the ball\"",
    "u=ada&p=2",
    "I CAN NOT REALLY LOGIN TODAY",
    "note: see wss://h/ws?symbol=BTC",
    "",
];

#[test]
fn what_a_client_sends_that_is_no_login_keeps_every_byte() {
    for message in OPEN {
        let line = line(message);
        assert_eq!(redacted(&line).to_line(), line);
        assert_eq!(redactor().line(line.as_bytes()), None, "{message}");
    }
}

#[test]
fn a_word_that_is_called_like_a_secret_is_not_looked_for_in_what_the_engine_sends() {
    let asked =
        r#"{"op":"get","key":"orderbook.50.BTCUSDT","session":"pre-market","token":"BTC-USDT"}"#;
    let told = r#"{"at_ms":2,"conn":1,"json":{"of":"orderbook.50.BTCUSDT","s":"pre-market","c":"BTC-USDT"}}"#;
    let mut redactor = redactor();
    let mut tape = "{\"tape\":1}\n".to_owned();
    for step in [line(asked).as_str(), told] {
        let step = Step::parse("tape", 2, step).unwrap();
        tape += &(redactor.step(step).to_line() + "\n");
    }
    assert!(tape.contains(told), "{tape}");
    assert_eq!(redactor.scan(tape.as_bytes()).unwrap(), None);
}

#[test]
fn a_picture_or_a_sound_in_base64_is_no_token() {
    let sound = "UklGRjIAAABXQVZFZm10IBIA".repeat(100);
    let line = line(&json!({"type": "input_audio_buffer.append", "audio": sound}).to_string());
    assert_eq!(redacted(&line).to_line(), line);
}

#[test]
fn a_password_in_amqps_frames_goes_and_their_length_stays() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let length = u8::try_from(PASS.len() + 5).unwrap();
    let said = [
        b"\xa3\x05PLAIN\xa0",
        &[length][..],
        b"\0ada\0",
        PASS.as_bytes(),
        b"\xff",
    ]
    .concat();
    let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&said)}});
    assert!(redactor().line(binary.to_string().as_bytes()).is_some());
    let clean = redacted(&binary.to_string());
    let Action::Received(received) = &clean.action else {
        panic!("{clean:?}");
    };
    let bytes = received.binary.as_deref().unwrap();
    assert_eq!(bytes.len(), said.len());
    assert!(!String::from_utf8_lossy(bytes).contains(PASS));
    assert_eq!(redacted(&clean.to_line()).to_line(), clean.to_line());
}

#[test]
fn a_password_in_messages_of_postgres_and_of_protobuf_goes() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let field = |number: u8, content: &[u8]| {
        let head = [number << 3 | 2, u8::try_from(content.len()).unwrap()];
        [&head[..], content].concat()
    };
    let length = u32::try_from(PASS.len() + 5).unwrap().to_be_bytes();
    let pair = [field(1, b"password"), field(2, PASS.as_bytes())].concat();
    let sdp = format!("v=0\r\na=ice-pwd:{KEY}\r\n");
    let two = [
        b"\x82\xa2op\xa5login\xa1k\xad",
        PASS.as_bytes(),
        b"\x81\xa2op\xa3sub",
    ];
    for said in [
        [b"p", &length[..], PASS.as_bytes(), b"\0"].concat(),
        [b"\x08\x01".to_vec(), field(3, &pair)].concat(),
        [field(1, b"login"), field(2, PASS.as_bytes())].concat(),
        [b"\x08\xff\x01".to_vec(), field(2, sdp.as_bytes())].concat(),
        two.concat(),
    ] {
        let binary = json!({"at_ms": 1, "conn": 1, "received": {"kind": "binary", "binary": STANDARD.encode(&said)}});
        assert!(redactor().line(binary.to_string().as_bytes()).is_some());
        let clean = redacted(&binary.to_string());
        let left = message(&clean);
        assert!(!left.contains(PASS) && !left.contains(KEY), "{left:?}");
        assert_eq!(redacted(&clean.to_line()).to_line(), clean.to_line());
    }
}

#[test]
fn keys_as_their_wallets_write_them_are_known_by_their_look() {
    for key in [
        "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5",
        "SCZANGBA5YHTNYVVV4C3U252E2B6P6F5T3U6MM63WBSBZATAQI3EBTQ4",
    ] {
        let clean = redacted(&line(&json!({"a": "x", "data": key}).to_string())).to_line();
        assert!(!clean.contains(key), "{clean}");
    }
}

#[test]
fn a_layout_that_shows_public_keys_hides_private_ones() {
    for message in [
        // An event that lacks its author is none of Nostr's; a login to a relay proves who one is.
        format!(r#"["EVENT",{{"id":"{HEX}","kind":1}}]"#),
        format!(r#"["AUTH",{{"id":"{HEX}","pubkey":"{HEX}","sig":"{HEX}{HEX}","kind":22242}}]"#),
        format!(r#"["EVENT",{{"pubkey":"a","sig":"b","content":"{HEX}"}}]"#),
        format!(r#"["REQ","a",{{"kinds":[1]}},{{"secret":"{HEX}"}}]"#),
        // Keys beside points, transactions and coins.
        format!(r#"{{"slot":1,"key":"{HEX}"}}"#),
        format!(r#"{{"op":"check","tx_key":"{HEX}"}}"#),
        format!(r#"{{"op":"x","id":"{HEX}"}}"#),
        format!(r#"{{"op":"x","transaction":{{"seed":"{HEX}"}}}}"#),
        r#"{"op":"x","token":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"}"#.to_owned(),
    ] {
        let clean = redacted(&line(&message)).to_line();
        assert!(
            !clean.contains(HEX) && !clean.contains("EPjFWdd5"),
            "{clean}"
        );
        assert!(
            redactor().line(line(&message).as_bytes()).is_some(),
            "{message}"
        );
    }
}

#[test]
fn what_an_engine_sends_stays() {
    let line = r#"{"at_ms":1,"conn":1,"emit":{"event":"auth","user":"kQ7xW2nB5vC9dTx7", "n":1}}"#;
    assert_eq!(redacted(line).to_line(), line);
}
