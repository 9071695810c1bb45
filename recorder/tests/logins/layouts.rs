//! The layouts that are searched: from public documentation, and of protocols other than JSON.

use serde_json::Value;

/// An API key, and a signature as HMAC-SHA256 gives it in hexadecimal and in base64.
pub(crate) const KEY: &str = "kQ7xW2nB5vC9dTx7";
pub(crate) const HEX: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const BASE64: &str = "q7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8=";
pub(crate) const PASS: &str = "correct-horse";

/// Exchange, message, and what a reader of the tape still has to see in it: a line each of
/// `inputs/logins.jsonl`, with the values above for their names.
pub(crate) fn layouts() -> Vec<(String, String, Vec<String>)> {
    let values = [
        ("$KEY", KEY),
        ("$HEX", HEX),
        ("$BASE64", BASE64),
        ("$PASS", PASS),
    ];
    let layout = |line: &str| {
        let line: Value = serde_json::from_str(line).expect(line);
        let message = line["message"].to_string();
        let message = values
            .iter()
            .fold(message, |text, (name, value)| text.replace(name, value));
        let stays = line["stays"].as_array().expect("a list").iter();
        let stays = stays.map(|part| part.as_str().expect("a string").to_owned());
        let who = line["who"].as_str().expect("a name").to_owned();
        (who, message, stays.collect())
    };
    include_str!("../inputs/logins.jsonl")
        .lines()
        .map(layout)
        .collect()
}

/// Texts that aren't JSON: whose they are, what is said, and what stays of it.
pub(crate) fn texts() -> Vec<(&'static str, String, &'static str)> {
    [protocols(), commands(), later_words(), by_name()].concat()
}

/// Protocols of lines, forms and frames of their own.
pub(crate) fn protocols() -> Vec<(&'static str, String, &'static str)> {
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
        (
            "Socket.IO's handshake",
            format!("40{{\"token\":\"{BASE64}\"}}"),
            "40{",
        ),
        (
            "Twitch",
            format!("CAP REQ :twitch.tv/tags\r\nPASS oauth:{KEY}\r\nNICK ada\r\n"),
            "NICK ada",
        ),
        // https://partner.tradovate.com/overview/conformance-testing/stage-2-websocket-management
        (
            "Tradovate",
            format!("authorize\n0\n\n{KEY}.{PASS}"),
            "authorize\n0\n",
        ),
        ("Questrade", format!("C3lTUKuN{KEY}"), ""),
        (
            "Redis",
            format!("*2\r\n$4\r\nAUTH\r\n$13\r\n{PASS}\r\n"),
            "$13",
        ),
        ("SCRAM", format!("n,,n=ada,r={KEY}"), "n,,"),
        (
            "SCRAM's proof",
            format!("c=biws,r={KEY},p={BASE64}"),
            "c=biws,",
        ),
        (
            "FIX",
            format!("8=FIX.4.4|35=A|98=0|553={KEY}|554={PASS}|10=100|"),
            "35=A|98=0|",
        ),
    ]
}

/// Commands of one line, markup and what else people made up.
pub(crate) fn commands() -> Vec<(&'static str, String, &'static str)> {
    vec![
        // https://app.unpkg.com/node-lox-ws-api@0.4.5/files/lib/Auth/Hash.js
        (
            "Loxone's command",
            format!("jdev/sps/ios/{}/lamp/on", &HEX[..40]),
            "/lamp/on",
        ),
        (
            "Loxone",
            format!("authwithtoken/{HEX}/{PASS}"),
            "authwithtoken/",
        ),
        (
            "Loxone's key",
            format!("jdev/sys/getjwt/{HEX}/ada/4/098802e1-02b4-603c-ffff/{PASS}"),
            "getjwt",
        ),
        (
            "Lightstreamer",
            format!("create_session\r\nLS_user={KEY}&LS_cid=x&LS_password={PASS}"),
            "LS_cid=x",
        ),
        (
            "Proxmox",
            format!("root@pam:PVEVNC:67A1B2C3::{BASE64}\n"),
            "PVEVNC",
        ),
        (
            "Showdown",
            format!("|/trn Ada,0,4;ada;2;1700000000;sim3;{HEX};{HEX}"),
            "/trn Ada",
        ),
        ("bars", format!("LOGIN|{KEY}|{PASS}"), "LOGIN|"),
        ("commas", format!("login,ada,{PASS}"), "login,"),
        (
            "a word and JSON",
            format!("auth {{\"k\":\"{KEY}\"}}"),
            "auth ",
        ),
        (
            "NickServ",
            format!("PRIVMSG NickServ :IDENTIFY {PASS}\r\n"),
            "NickServ",
        ),
        ("IRC's operator", format!("OPER ada {PASS}\r\n"), "OPER"),
        (
            "XML",
            format!("<login user='ada' token='{KEY}'><password>{PASS}</password></login>"),
            "<password>",
        ),
        (
            "Socket.IO's recovery",
            format!("40{{\"pid\":\"{KEY}\",\"offset\":\"a\"}}"),
            "offset",
        ),
        (
            "XMPP",
            format!(
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{BASE64}</auth>"
            ),
            "mechanism='PLAIN'",
        ),
        (
            "SIP",
            format!("REGISTER sip:h SIP/2.0\r\nAuthorization: Digest username=\"{PASS}\"\r\n"),
            "REGISTER sip:h",
        ),
    ]
}

/// Commands in which another word than the first logs in, and what else stands within a text.
pub(crate) fn later_words() -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "XMPP, its second SASL",
            format!(
                "<authenticate mechanism='PLAIN'><initial-response>{BASE64}</initial-response></authenticate>"
            ),
            "mechanism='PLAIN'",
        ),
        (
            "XMPP of old",
            format!(
                "<iq type='set'><query xmlns='jabber:iq:auth'><username>{KEY}</username><digest>{}</digest></query></iq>",
                &HEX[..40]
            ),
            "jabber:iq:auth",
        ),
        ("IMAP", format!("a1 LOGIN ada {PASS}\r\n"), "a1 LOGIN"),
        (
            "Redis' HELLO",
            format!("HELLO 3 AUTH ada {PASS}\r\n"),
            "HELLO 3 AUTH",
        ),
        (
            "NickServ in short",
            format!("NS IDENTIFY {PASS}\r\n"),
            "NS IDENTIFY",
        ),
        (
            "a chat's command",
            format!("/msg NickServ identify ada {PASS}"),
            "NickServ",
        ),
        (
            "Quakenet",
            format!("PRIVMSG Q@CServe.quakenet.org :AUTH ada {PASS}\r\n"),
            ":AUTH",
        ),
        (
            "WEBIRC",
            format!("WEBIRC {PASS} gateway host 10.0.0.1\r\n"),
            "WEBIRC",
        ),
        (
            "a URL in a text",
            format!("dial wss://h/ws?access_token={KEY}&room=a now"),
            "room=a now",
        ),
        (
            "Socket.IO's handshake of its own names",
            format!("40{{\"visitor\":{{\"k\":\"{PASS}\"}}}}"),
            "visitor",
        ),
    ]
}

/// What a text gives by name, and what else has a build of its own.
pub(crate) fn by_name() -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "a data source's name",
            format!("host=h user=ada password={PASS} dbname=d"),
            "host=h user=ada",
        ),
        (
            "a shell",
            format!("connect --user ada --password {PASS} --host h"),
            "--host h",
        ),
        (
            "an environment",
            format!("export API_SECRET={PASS}\nexport PATH=/bin"),
            "PATH=/bin",
        ),
        (
            "SQL",
            format!("CREATE USER ada IDENTIFIED BY '{PASS}'"),
            "CREATE USER ada",
        ),
        (
            "EDN",
            format!("{{:op :hello :password \"{PASS}\"}}"),
            ":op :hello",
        ),
        (
            "protobuf's text",
            format!("user: \"ada\"\npassword: \"{PASS}\"\nversion: 3"),
            "version: 3",
        ),
        ("a call", format!("auth(\"ada\",\"{PASS}\")"), "auth("),
        (
            "Guacamole",
            format!("7.connect,13.VERSION_1_5_0,9.localhost,4.5900,13.{PASS};"),
            "7.connect,13.VERSION_1_5_0",
        ),
        (
            "WebRTC's session",
            format!("v=0\r\na=ice-ufrag:Yw2k\r\na=ice-pwd:{KEY}\r\n"),
            "a=ice-ufrag:Yw2k",
        ),
        (
            "a form of a letter for each",
            format!("u=ada&p={PASS}&room=a"),
            "room=a",
        ),
        (
            "Loxone, encrypted",
            "jdev/sys/enc/q7xW2nB5vC9dTx7Q4f8Kz01mQ7xW2nB5vC9dTx7Q4f8%3D".to_owned(),
            "jdev/sys/enc/",
        ),
    ]
}

pub(crate) fn all() -> impl Iterator<Item = (String, String, Vec<String>)> {
    let texts = texts().into_iter();
    let texts = texts.map(|(who, text, stays)| (who.to_owned(), text, vec![stays.to_owned()]));
    layouts().into_iter().chain(texts)
}
