//! Rule 10: no token, and no user info or query of the URL, in any log line, error or `Debug`.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Once};
use std::time::Duration;

use engine_client::{EndReason, EngineState, NetDialer, WsError, WsSubscriber};
use log::{LevelFilter, Log, Metadata, Record};
use wstape_mock_engine::{Clock, Engine};

use crate::tls_front::{Authority, for_loopback, serve};
use crate::world::{ms, play};

const TOKEN: &str = "t0p-s3cret";
const USER: &str = "ada-lovelace";
const PASSWORD: &str = "hunter2";
const QUERY: &str = "qu3ry";

thread_local! {
    /// Everything that was logged on this thread, if it is being collected: a test and all its
    /// tasks share one thread.
    static LOGGED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

fn take_down(bytes: &[u8]) {
    LOGGED.with_borrow_mut(|logged| {
        if let Some(logged) = logged {
            logged.extend_from_slice(bytes);
        }
    });
}

/// Collects the log lines of both facades.
struct Capture;

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        take_down(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!(
            "{} {}: {}\n",
            record.level(),
            record.target(),
            record.args()
        );
        take_down(line.as_bytes());
    }

    fn flush(&self) {}
}

/// Returns what `test` and everything it calls log, at every level, through either facade.
fn logged_by(test: impl FnOnce()) -> String {
    static LOGGER: Once = Once::new();
    LOGGER.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(LevelFilter::Trace);
        // Set for the whole process: a subscriber per thread loses lines if another thread's test
        // reaches the same line first.
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Capture)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LOGGED.set(Some(Vec::new()));
    test();
    String::from_utf8(LOGGED.take().unwrap()).unwrap()
}

fn url(host: &str) -> String {
    format!("ws://{USER}:{PASSWORD}@{host}/ws?session={QUERY}")
}

#[track_caller]
fn assert_no_secret(text: &str) {
    for secret in [TOKEN, USER, PASSWORD, QUERY] {
        if let Some(line) = text.lines().find(|line| line.contains(secret)) {
            panic!("{secret:?} in {line:?}");
        }
    }
}

#[test]
fn no_log_line_of_any_session_or_failure_holds_a_secret() {
    for step in [
        r#"{"at_ms":1000,"emit":{"event":"heartbeat"}}"#,
        r#"{"at_ms":1000,"text":"not JSON"}"#,
        r#"{"at_ms":1000,"close":{"code":1001,"reason":"bye"}}"#,
        r#"{"at_ms":1000,"drop":"reset"}"#,
        r#"{"at_ms":1000,"frame":{"opcode":3}}"#,
        r#"{"at_ms":1000,"partition":"both"}"#,
        r#"{"at_ms":0,"down":true}"#,
        r#"{"at_ms":0,"hang":true}"#,
        r#"{"at_ms":0,"garbage":"SSH-2.0"}"#,
        r#"{"at_ms":0,"accept":{"token":"another"}}"#,
        r#"{"at_ms":0,"accept":{"headers":{"sec-websocket-accept":"wrong"}}}"#,
        r#"{"at_ms":0,"refuse":{"status":307,"headers":{"location":"/x"}}}"#,
    ] {
        let logged = logged_by(|| {
            play([step], async |world| {
                let builder = world.builder_for(&url("mock-engine")).token(TOKEN);
                let subscriber = builder.spawn(EngineState::shared()).unwrap();
                world.until(ms(60_000)).await;
                subscriber.shutdown().await.unwrap();
            });
        });
        assert!(
            logged.contains("TRACE") || logged.contains("DEBUG"),
            "{logged}"
        );
        assert!(logged.contains("engine_client"), "{logged}");
        assert_no_secret(&logged);
    }
}

#[test]
fn what_the_subscriber_calls_logs_no_secret_either() {
    let logged = logged_by(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let authority = Authority::new();
            let (engine, net) = Engine::builder()
                .clock(Clock::real_now())
                .in_memory()
                .unwrap();
            engine.start();
            let address = serve(authority.acceptor(&for_loopback()), net).await;
            let url = url(&address.to_string()).replace("ws://", "wss://");
            let subscriber = WsSubscriber::builder(&url)
                .token(TOKEN)
                .dialer(Arc::new(NetDialer::with_tls_config(authority.trusted())))
                .spawn(EngineState::shared())
                .unwrap();
            let connected = subscriber.wait_until(|state| state.connection.ws_connected);
            tokio::time::timeout(Duration::from_secs(30), connected)
                .await
                .expect("connects");
            engine.emit_json(r#"{"event":"regime","data":{"regime":"RANGE"}}"#);
            subscriber.wait_until(|state| state.regime.is_some()).await;
            subscriber.shutdown().await.unwrap();
        });
    });
    for source in ["engine_client", "rustls", "tungstenite"] {
        assert!(logged.contains(source), "{source} logs nothing: {logged}");
    }
    assert_no_secret(&logged);
}

#[test]
fn the_log_names_the_peer_without_user_info_and_query() {
    let logged = logged_by(|| {
        play([], async |world| {
            let builder = world.builder_for(&url("mock-engine")).token(TOKEN);
            let _subscriber = builder.spawn(EngineState::shared()).unwrap();
            world.until(ms(1)).await;
        });
    });
    assert!(logged.contains("ws://mock-engine:80/ws"), "{logged}");
}

#[test]
fn a_url_that_is_refused_is_not_repeated_in_the_error() {
    play([], async |world| {
        for url in [
            url("host").replace("ws://", "http://"),
            url("host").replace("ws://", "wsx://"),
            url("host:99999"),
            url("ho st"),
            url(""),
            url("[::1"),
            format!("{USER}:{PASSWORD}@host/?{QUERY}"),
        ] {
            let error = world
                .builder_for(&url)
                .spawn(EngineState::shared())
                .unwrap_err();
            assert!(
                matches!(error, WsError::InvalidUrl(_)),
                "{error:?} of {url}"
            );
            assert_no_secret(&error.to_string());
            assert_no_secret(&format!("{error:?}"));
        }
    });
}

#[test]
fn a_token_that_cannot_stand_in_a_header_is_refused_without_being_repeated() {
    play([], async |world| {
        for bad in [
            format!("{TOKEN}\r\nX-Injected: 1"),
            format!("{TOKEN}\n"),
            format!("{TOKEN}\0"),
            format!("\t{TOKEN}"),
            format!("{TOKEN}\u{7f}"),
            format!("{TOKEN}é"),
        ] {
            let spawned = world
                .builder()
                .token(bad.clone())
                .spawn(EngineState::shared());
            let error = spawned.unwrap_err();
            assert!(
                matches!(error, WsError::InvalidToken(_)),
                "{error:?} of {bad:?}"
            );
            assert_no_secret(&error.to_string());
            assert_no_secret(&format!("{error:?}"));
            let url = world.engine.url();
            let spawned = WsSubscriber::spawn(&url, Some(bad), EngineState::shared());
            assert!(matches!(spawned, Err(WsError::InvalidToken(_))));
        }
        assert_eq!(world.dials(), []);
    });
}

#[test]
fn debug_of_builder_handle_and_mirror_holds_no_secret() {
    play([r#"{"at_ms":0,"refuse":{"status":401}}"#], async |world| {
        let builder = world.builder_for(&url("mock-engine")).token(TOKEN);
        assert_no_secret(&format!("{builder:#?}"));
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        world.until(ms(1)).await;
        let state = subscriber.state();
        let health = state.read().connection;
        assert_eq!(health.last_end, Some(EndReason::Refused { status: 401 }));
        assert_no_secret(&format!("{subscriber:#?}"));
        assert_no_secret(&format!("{:#?}", *state.read()));
        assert_no_secret(&serde_json::to_string(&*state.read()).unwrap());
    });
}
