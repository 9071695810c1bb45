//! `wss` on real sockets. Only a failing test waits as long as the bound.

use std::sync::Arc;
use std::time::Duration;

use engine_client::{
    EndReason, EngineState, JitterMode, NetDialer, ReconnectConfig, SubscriberBuilder, WsSubscriber,
};
use rcgen::CertificateParams;
use tokio::net::TcpListener;
use wstape_mock_engine::{Clock, Engine};

use crate::tls_front::{Authority, for_loopback, serve};

/// The longest that anything may take; a test that takes longer has failed.
const BOUND: Duration = Duration::from_secs(30);

/// Runs a test with real sockets and real time, within the bound.
fn on_loopback(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(BOUND, test).await.expect("in time") });
}

/// Starts an engine behind TLS with a certificate of these parameters.
async fn engine_behind(authority: &Authority, params: &CertificateParams) -> (Engine, String) {
    let (engine, net) = Engine::builder()
        .clock(Clock::real_now())
        .in_memory()
        .unwrap();
    engine.start();
    let address = serve(authority.acceptor(params), net).await;
    (engine, format!("wss://{address}/ws"))
}

/// Returns a subscriber that trusts this authority, and retries almost at once.
fn builder(url: &str, trusts: &Authority) -> SubscriberBuilder {
    WsSubscriber::builder(url)
        .dialer(Arc::new(NetDialer::with_tls_config(trusts.trusted())))
        .reconnect(ReconnectConfig {
            initial_backoff: Duration::from_millis(1),
            max_backoff: Duration::from_millis(1),
            multiplier: 1,
            jitter: JitterMode::None,
        })
}

/// Asserts that certificates of these parameters fail TLS, and that the subscriber tries again.
async fn is_not_trusted(signed_by: &Authority, trusts: &Authority, params: &CertificateParams) {
    let (engine, url) = engine_behind(signed_by, params).await;
    let builder = builder(&url, trusts);
    let subscriber = builder.spawn(EngineState::shared()).unwrap();
    subscriber
        .wait_until(|state| {
            state.connection.total_attempts >= 3
                && state.connection.last_end == Some(EndReason::Tls)
        })
        .await;
    assert_eq!(engine.accepted(), 0, "nothing is said to a stranger");
    subscriber.shutdown().await.unwrap();
}

#[test]
fn wss_with_a_private_authority_connects_folds_and_says_goodbye() {
    on_loopback(async {
        let authority = Authority::new();
        let (engine, url) = engine_behind(&authority, &for_loopback()).await;
        let builder = builder(&url, &authority).token("t0ken");
        let subscriber = builder.spawn(EngineState::shared()).unwrap();
        subscriber
            .wait_until(|state| state.connection.ws_connected)
            .await;
        engine.emit_json(r#"{"event":"regime","data":{"regime":"RANGE"}}"#);
        subscriber.wait_until(|state| state.regime.is_some()).await;
        subscriber.shutdown().await.unwrap();
        engine
            .journal()
            .wait_for(|entries| {
                let close = |line: String| line == "← close 1000";
                entries.iter().any(|entry| close(entry.kind.to_string()))
            })
            .await;
        assert_eq!(engine.accepted(), 1);
    });
}

#[test]
fn a_certificate_of_another_authority_is_a_tls_error_and_retried() {
    on_loopback(is_not_trusted(
        &Authority::new(),
        &Authority::new(),
        &for_loopback(),
    ));
}

#[test]
fn a_certificate_for_another_host_is_a_tls_error_and_retried() {
    let authority = Authority::new();
    let params = CertificateParams::new(["elsewhere.example".to_owned()]).unwrap();
    on_loopback(is_not_trusted(&authority, &authority, &params));
}

#[test]
fn an_expired_certificate_is_a_tls_error_and_retried() {
    let authority = Authority::new();
    let mut params = for_loopback();
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    on_loopback(is_not_trusted(&authority, &authority, &params));
}

#[test]
fn the_platforms_trust_store_does_not_trust_a_private_authority() {
    on_loopback(async {
        let (engine, url) = engine_behind(&Authority::new(), &for_loopback()).await;
        let subscriber = WsSubscriber::spawn(&url, None, EngineState::shared()).unwrap();
        let tls = |state: &EngineState| state.connection.last_end == Some(EndReason::Tls);
        subscriber.wait_until(tls).await;
        assert_eq!(engine.accepted(), 0);
        subscriber.shutdown().await.unwrap();
    });
}

#[test]
fn a_peer_that_does_not_speak_tls_is_a_tls_error() {
    on_loopback(async {
        let engine = Engine::builder()
            .listen(([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let url = engine.url().replace("ws://", "wss://");
        let subscriber = builder(&url, &Authority::new())
            .spawn(EngineState::shared())
            .unwrap();
        let tls = |state: &EngineState| state.connection.last_end == Some(EndReason::Tls);
        subscriber.wait_until(tls).await;
        subscriber.shutdown().await.unwrap();
    });
}

#[test]
fn a_tls_peer_that_stays_silent_ends_at_the_connect_timeout() {
    on_loopback(async {
        // The kernel accepts connections, and nobody ever answers.
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("wss://{}/ws", silent.local_addr().unwrap());
        let subscriber = builder(&url, &Authority::new())
            .connect_timeout(Duration::from_millis(20))
            .spawn(EngineState::shared())
            .unwrap();
        let timed_out = |state: &EngineState| {
            state.connection.last_end == Some(EndReason::ConnectTimeout)
                && state.connection.total_attempts >= 2
        };
        subscriber.wait_until(timed_out).await;
        subscriber.shutdown().await.unwrap();
    });
}

#[test]
fn a_shutdown_does_not_wait_for_a_tls_peer_that_stays_silent() {
    on_loopback(async {
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("wss://{}/ws", silent.local_addr().unwrap());
        // Without an interruption it would wait for this timeout, past the bound.
        let subscriber = builder(&url, &Authority::new())
            .connect_timeout(BOUND * 2)
            .spawn(EngineState::shared())
            .unwrap();
        let state = subscriber.state();
        let _connection = silent.accept().await.unwrap();
        subscriber.shutdown().await.unwrap();
        assert_eq!(state.read().connection.last_end, Some(EndReason::Shutdown));
    });
}
