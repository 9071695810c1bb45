//! Toxiproxy's API: what it takes, what it answers, whom it lets in and where it reaches.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wstape_mock_engine::{
    ControlError, Engine, MAX_PROXIES, Toxiproxy, Upstream, UpstreamDialer, UpstreamDialing,
    UpstreamStream,
};
use wstape_tape::{Down, End};

use crate::steered::ask;
use crate::world::{Arm, World, over_tcp, tape};

/// Dials the real engine over TCP.
#[derive(Debug)]
struct Dial(SocketAddr);

impl UpstreamDialer for Dial {
    fn dial(&self) -> UpstreamDialing<'_> {
        Box::pin(async {
            match TcpStream::connect(self.0).await {
                Ok(stream) => Ok(Box::new(stream) as Box<dyn UpstreamStream>),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

/// A real engine, what stands before it, and Toxiproxy's API of that.
struct Toxic {
    real: World,
    world: World,
    toxiproxy: Toxiproxy,
}

impl Toxic {
    async fn new() -> Self {
        let greeting = &[r#"{"on_connect":"each","after_frames":0,"text":"hi"}"#];
        let real = World::build(Arm::Tcp, Engine::builder().layer(tape(greeting))).await;
        let addr = real.engine.local_addr().unwrap();
        let builder = Engine::builder().upstream(Upstream::new(Arc::new(Dial(addr))));
        let world = World::build(Arm::Tcp, builder).await;
        let toxiproxy = world
            .engine
            .toxiproxy(loopback(), &addr.to_string())
            .unwrap();
        Self {
            real,
            world,
            toxiproxy,
        }
    }

    fn upstream(&self) -> String {
        self.real.engine.local_addr().unwrap().to_string()
    }

    fn own(&self) -> String {
        self.world.engine.local_addr().unwrap().to_string()
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let addr = self.toxiproxy.addr();
        let host = format!("Host: {addr}\r\n");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, body) = ask(addr, &host, method, path, &body).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }
}

fn loopback() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// Whether a dial of this address is answered by the real engine.
async fn greets(addr: &str) -> bool {
    use tokio::io::AsyncWriteExt;
    let Ok(mut stream) = TcpStream::connect(addr).await else {
        return false;
    };
    let request = crate::world::upgrade_request("");
    let _ = stream.write_all(&request).await;
    let mut got = Vec::new();
    while !got.ends_with(b"\x81\x02hi") {
        match stream.read_u8().await {
            Ok(byte) => got.push(byte),
            Err(_) => return false,
        }
    }
    true
}

#[test]
fn proxies_are_ports_to_the_one_real_engine_and_close_one_by_one() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let (upstream, own) = (toxic.upstream(), toxic.own());
        let proxy =
            json!({"name":"upstream","listen":own,"upstream":upstream,"enabled":true,"toxics":[]});
        assert_eq!(toxic.get("/proxies").await, json!({ "upstream": proxy }));

        let asked = json!({"name":"b","upstream":upstream,"listen":"localhost:0"});
        let (status, made) = toxic.ask("POST", "/proxies", &asked).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!(toxic.ask("POST", "/proxies", &asked).await.0, 409);
        let listen = made["listen"].as_str().unwrap().to_owned();
        assert!(greets(&listen).await && greets(&own).await);

        let off = json!({"enabled":false});
        let (status, off) = toxic.ask("POST", "/proxies/b", &off).await;
        assert_eq!((status, &off["enabled"]), (200, &json!(false)));
        assert!(!greets(&listen).await && greets(&own).await);
        assert_eq!(toxic.ask("POST", "/reset", &Value::Null).await.0, 204);
        assert!(greets(&listen).await);

        assert_eq!(toxic.ask("DELETE", "/proxies/b", &Value::Null).await.0, 204);
        assert!(!greets(&listen).await && greets(&own).await);
        assert_eq!(toxic.ask("DELETE", "/proxies/b", &Value::Null).await.0, 404);
    });
}

#[test]
fn what_the_tapes_have_down_stays_down_and_what_is_disabled_does_not_come_up_with_it() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let own = toxic.own();
        toxic
            .ask("POST", "/proxies/upstream", &json!({"enabled":false}))
            .await;
        toxic.world.engine.down();
        toxic
            .ask("POST", "/proxies/upstream", &json!({"enabled":true}))
            .await;
        assert!(!greets(&own).await, "{:?}", Down::Refuses);
        toxic.world.engine.up();
        assert!(greets(&own).await);
        toxic
            .ask("POST", "/proxies/upstream", &json!({"enabled":false}))
            .await;
        toxic.world.engine.down();
        toxic.world.engine.up();
        assert!(!greets(&own).await);
    });
}

#[test]
fn populating_takes_the_command_lines_port_by_a_name_of_the_tests_own() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let feed = json!({"name":"feed","listen":toxic.own(),"upstream":toxic.upstream()});
        for body in [json!([feed]), feed.clone()] {
            let (status, made) = toxic.ask("POST", "/populate", &body).await;
            assert_eq!(
                (status, &made["proxies"][0]["name"]),
                (201, &json!("feed")),
                "{made}"
            );
        }
        let all = toxic.get("/proxies").await;
        assert_eq!(all.as_object().unwrap().len(), 1, "{all}");
        assert!(greets(&toxic.own()).await);
    });
}

#[test]
fn toxics_are_laid_changed_read_and_taken_away() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let toxics = "/proxies/upstream/toxics";
        let slow = json!({"type":"latency","attributes":{"latency":5}});
        let expected = json!({"name":"latency_downstream","type":"latency","stream":"downstream",
            "toxicity":1.0,"attributes":{"latency":5,"jitter":0}});
        assert_eq!(
            toxic.ask("POST", toxics, &slow).await,
            (200, expected.clone())
        );
        assert_eq!(toxic.ask("POST", toxics, &slow).await.0, 409);
        assert_eq!(toxic.get(toxics).await, json!([expected]));
        let one = "/proxies/upstream/toxics/latency_downstream";
        let change = json!({"toxicity":0.5,"attributes":{"jitter":2}});
        for method in ["POST", "PATCH"] {
            let (status, changed) = toxic.ask(method, one, &change).await;
            assert_eq!(
                (status, &changed["attributes"]["latency"]),
                (200, &json!(5))
            );
        }
        assert_eq!(toxic.get(one).await["toxicity"], json!(0.5));
        assert_eq!(toxic.ask("DELETE", one, &Value::Null).await.0, 204);
        assert_eq!(toxic.ask("DELETE", one, &Value::Null).await.0, 404);
        let lines = toxic.world.lines();
        let laid = "upstream: toxic latency_downstream (latency, downstream, jitter 0, latency 5)";
        assert!(lines.iter().any(|line| line.ends_with(laid)), "{lines:?}");
    });
}

#[test]
fn a_toxic_is_laid_without_attributes_as_null() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let bare = json!({"name":"","type":"reset_peer","toxicity":1,"attributes":null});
        let (status, laid) = toxic.ask("POST", "/proxies/upstream/toxics", &bare).await;
        assert_eq!((status, &laid["attributes"]), (200, &json!({"timeout":0})));
    });
}

#[test]
fn a_body_of_another_kind_is_refused_in_the_apis_words() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let table = [
            (
                "/proxies",
                json!("x"),
                "an object with name, listen and upstream",
            ),
            ("/populate", json!([1]), "a proxy or a list of proxies"),
            (
                "/proxies/upstream/toxics",
                json!(1),
                "an object with type, ",
            ),
            (
                "/proxies/upstream/toxics",
                json!({"type":"latency","attributes":{"latency":1e300}}),
                "latency must be a whole number from 0 to 2^53",
            ),
        ];
        for (path, body, says) in table {
            let (status, answer) = toxic.ask("POST", path, &body).await;
            let error = answer["error"].as_str().unwrap();
            assert_eq!(status, 400, "{path}: {error}");
            assert!(error.contains(says), "{path}: {error}");
        }
    });
}

#[test]
fn only_the_command_lines_upstream_is_reached_and_only_loopback_listens() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let upstream = toxic.upstream();
        let table = [
            (json!({"name":"x","upstream":"127.0.0.1:9"}), 403),
            (
                json!({"name":"x","upstream":upstream,"listen":"0.0.0.0:0"}),
                403,
            ),
            (
                json!({"name":"x","upstream":upstream,"listen":"nowhere"}),
                400,
            ),
            (json!({"upstream":upstream}), 400),
            (json!({"name":"x"}), 400),
            (json!("x"), 400),
        ];
        for (body, expected) in table {
            let (status, answer) = toxic.ask("POST", "/proxies", &body).await;
            assert_eq!(status, expected, "{body}");
            assert_eq!(answer["status"], json!(expected), "{answer}");
        }
        let elsewhere = json!({"upstream":"127.0.0.1:9"});
        assert_eq!(
            toxic.ask("POST", "/proxies/upstream", &elsewhere).await.0,
            403
        );
        let moved = json!({"listen":"127.0.0.1:9"});
        assert_eq!(toxic.ask("POST", "/proxies/upstream", &moved).await.0, 400);
        for path in ["/proxies/none", "/proxies/none/toxics", "/nothing"] {
            assert_eq!(toxic.ask("GET", path, &Value::Null).await.0, 404, "{path}");
        }
        let evil = "Host: evil.example\r\n";
        assert_eq!(
            ask(toxic.toxiproxy.addr(), evil, "GET", "/proxies", "")
                .await
                .0,
            403
        );
        assert!(toxic.get("/version").await["version"].is_string());
    });
}

#[test]
fn proxies_are_bounded() {
    over_tcp(async {
        let toxic = Toxic::new().await;
        let made = |n: usize| json!({"name":format!("p{n}"),"upstream":toxic.upstream()});
        for n in 1..MAX_PROXIES {
            assert_eq!(toxic.ask("POST", "/proxies", &made(n)).await.0, 201);
        }
        assert_eq!(toxic.ask("POST", "/proxies", &made(0)).await.0, 503);
        assert!(greets(&toxic.own()).await);
    });
}

#[test]
fn it_stands_before_a_real_engine_only_and_on_loopback() {
    over_tcp(async {
        let plain = World::build(Arm::Tcp, Engine::builder()).await;
        let opened = plain.engine.toxiproxy(loopback(), "h:1");
        assert!(matches!(opened, Err(ControlError::NoUpstream)));
        let everywhere = ([0, 0, 0, 0], 0).into();
        let opened = plain.engine.toxiproxy(everywhere, "h:1");
        assert!(matches!(opened, Err(ControlError::NotLoopback(_))));
        plain.engine.drop_connections(End::Fin);
    });
}
