//! Whom the control port lets in.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wstape_mock_engine::{ControlError, Engine, JournalKind};

use crate::steered::{Steered, ask, loopback};
use crate::world::over_tcp;

#[test]
fn no_other_sites_page_and_nobody_without_the_token_gets_in() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let addr = steered.control.addr();
        let drop = r#"{"at_ms":0,"drop":"reset"}"#;
        let evil = format!("Host: {addr}\r\nOrigin: http://evil.example\r\n");
        let rebound = "Host: evil.example\r\n";
        for headers in [&*evil, rebound] {
            let (status, answer) = ask(addr, headers, "POST", "/v1/steps", drop).await;
            assert_eq!(status, 403, "{answer}");
        }
        let engine = &steered.world.engine;
        let all = SocketAddr::from(([0, 0, 0, 0], 0));
        let open = engine.control(all, None, None);
        assert!(matches!(open, Err(ControlError::NeedsToken(_))), "{open:?}");
        let guarded = engine.control(all, Some("t0k".to_owned()), None).unwrap();
        let addr = SocketAddr::from(([127, 0, 0, 1], guarded.addr().port()));
        let host = "Host: engine.example\r\n";
        for (token, expected) in [
            ("", 401),
            ("Authorization: Bearer t0l\r\n", 401),
            ("Authorization: Bearer t0k\r\n", 200),
        ] {
            let headers = format!("{host}{token}");
            assert_eq!(
                ask(addr, &headers, "GET", "/v1/engine", "").await.0,
                expected
            );
        }
        let sent = engine.journal().entries();
        assert!(
            !sent
                .iter()
                .any(|entry| matches!(entry.kind, JournalKind::Dropped(_)))
        );
    });
}

#[test]
fn the_page_is_had_without_the_token_and_its_headers_let_it_do_no_more_than_it_must() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let engine = &steered.world.engine;
        let guarded = engine
            .control(loopback(), Some("t0k".to_owned()), None)
            .unwrap();
        let addr = guarded.addr();
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        let head = format!("GET / HTTP/1.0\r\nHost: {addr}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        for says in [
            "content-type: text/html; charset=utf-8",
            "content-security-policy: default-src 'none'; script-src 'sha256-",
            "; style-src 'sha256-",
            "; connect-src 'self'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'",
            "x-frame-options: DENY",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
        ] {
            assert!(head.contains(says), "{says:?} in {head}");
        }
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        assert!(
            !page.contains("t0k") && !page.contains(&engine.url()),
            "nothing of the run"
        );
        for (headers, expected) in [
            (
                format!("Host: {addr}\r\nOrigin: http://evil.example\r\n"),
                403,
            ),
            (String::new(), 400),
        ] {
            assert_eq!(ask(addr, &headers, "GET", "/", "").await.0, expected);
        }
        let rebound = ask(
            steered.control.addr(),
            "Host: evil.example\r\n",
            "GET",
            "/",
            "",
        )
        .await;
        assert_eq!(
            rebound.0, 403,
            "without a token the name must be this machine's"
        );
    });
}
