//! TLS on the port, and what can be wrong with it.

use std::io::ErrorKind;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};
use wstape_mock_engine::{Engine, Entry, Tls};
use wstape_tape::{End, TlsFault};

use crate::world::{Arm, World, in_memory, over_tcp, tape, upgrade_request};

/// A client that trusts this authority.
fn trusting(ca: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

struct Secure {
    world: World,
    connector: TlsConnector,
}

impl Secure {
    async fn build(lines: &[&str]) -> Self {
        let tls = Tls::generate(&[]).unwrap();
        let connector = trusting(tls.ca_pem().unwrap());
        let builder = Engine::builder().layer(tape(lines)).tls(tls);
        let world = World::build(Arm::Tcp, builder).await;
        world.engine.start();
        Self { world, connector }
    }

    async fn dial(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.world.engine.local_addr().unwrap()).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        self.connector.connect(name, socket).await
    }

    /// Dials, upgrades, and reads what comes first.
    async fn greeted(&self, first: &[u8]) -> TlsStream<TcpStream> {
        let mut stream = self.dial().await.unwrap();
        stream.write_all(&upgrade_request("")).await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(first) {
            let byte = stream.read_u8().await.unwrap();
            got.push(byte);
        }
        stream
    }
}

const HELLO: &str = r#"{"on_connect":"each","after_frames":0,"text":"hi"}"#;

#[test]
fn a_client_that_trusts_the_authority_is_served_and_hears_the_end_from_tls() {
    over_tcp(async {
        let secure = Secure::build(&[HELLO]).await;
        assert!(secure.world.engine.url().starts_with("wss://127.0.0.1:"));
        let mut stream = secure.greeted(b"\x81\x02hi").await;
        secure.world.engine.drop_connections(End::Fin);
        assert_eq!(
            stream.read(&mut [0]).await.unwrap(),
            0,
            "a close_notify came"
        );
        let mut stream = secure.greeted(b"\x81\x02hi").await;
        secure.world.engine.drop_connections(End::Reset);
        let error = stream.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn each_wrong_certificate_is_wrong_in_one_thing_and_the_journal_has_what_the_client_says() {
    over_tcp(async {
        for (fault, is) in [
            (TlsFault::Untrusted, "UnknownIssuer"),
            (TlsFault::Expired, "Expired"),
            (TlsFault::WrongHost, "NotValidForName"),
        ] {
            let line = format!(r#"{{"on_connect":1,"tls":"{}"}}"#, fault.word());
            let secure = Secure::build(&[&line, HELLO]).await;
            let error = secure.dial().await.unwrap_err();
            let rustls = error
                .get_ref()
                .and_then(|e| e.downcast_ref::<rustls::Error>());
            let Some(rustls::Error::InvalidCertificate(certificate)) = rustls else {
                panic!("{fault:?}: {error}");
            };
            let found = match certificate {
                CertificateError::UnknownIssuer => "UnknownIssuer",
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "Expired",
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => "NotValidForName",
                _ => "another",
            };
            assert_eq!(found, is, "{error}");
            let failed = |entries: &[Entry]| {
                entries
                    .iter()
                    .any(|entry| entry.kind.name() == "tls_failed")
            };
            secure.world.engine.journal().wait_for(failed).await;
            secure.greeted(b"\x81\x02hi").await;
        }
    });
}

#[test]
fn a_handshake_that_stalls_is_a_connection_that_hangs() {
    over_tcp(async {
        let secure = Secure::build(&[r#"{"on_connect":1,"tls":"stalled"}"#]).await;
        let journal = secure.world.engine.journal();
        let hung = |entries: &[Entry]| entries.iter().any(|entry| entry.kind.name() == "hung");
        tokio::select! {
            dialed = secure.dial() => panic!("{dialed:?}"),
            () = journal.wait_for(hung) => {}
        }
        let gone = |entries: &[Entry]| {
            entries
                .iter()
                .any(|entry| entry.kind.name().starts_with("client_"))
        };
        journal.wait_for(gone).await;
        secure.dial().await.unwrap();
    });
}

#[test]
fn an_end_without_a_close_notify_is_an_end_that_tls_does_not_vouch_for() {
    over_tcp(async {
        let secure = Secure::build(&[r#"{"on_connect":1,"tls":"no_close_notify"}"#, HELLO]).await;
        let mut stream = secure.greeted(b"\x81\x02hi").await;
        secure.world.engine.drop_connections(End::Fin);
        let error = stream.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn where_no_tls_is_spoken_a_wrong_certificate_makes_the_dial_fail_and_a_stalled_one_hang() {
    in_memory(async {
        let lines = [
            r#"{"on_connect":1,"tls":"expired"}"#,
            r#"{"on_connect":2,"tls":"stalled"}"#,
            r#"{"on_connect":3,"tls":"no_close_notify"}"#,
            HELLO,
        ];
        let world = World::playing(Arm::Virtual, &[&lines]).await;
        assert_eq!(world.observe().await, ["InvalidData"]);
        assert_eq!(world.observe().await, ["silence"]);
        let mut third = world.connect().await;
        assert_eq!(third.exactly(4).await, b"\x81\x02hi");
        let lines = world.lines();
        assert_eq!(
            lines[1..3],
            [
                "0.000000 #1 tls expired",
                "0.000000 #1 tls failed: certificate expired"
            ]
        );
    });
}

#[test]
fn a_certificate_that_was_brought_along_is_used_and_one_that_does_not_fit_its_key_is_an_error() {
    over_tcp(async {
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap().pem();
        let pem = |key: &KeyPair| key.serialize_pem();
        let tls = Tls::from_pem(certificate.as_bytes(), pem(&key).as_bytes()).unwrap();
        assert_eq!(tls.ca_pem(), None);
        let connector = trusting(&certificate);
        let builder = Engine::builder().layer(tape(&[HELLO])).tls(tls);
        let world = World::build(Arm::Tcp, builder).await;
        world.engine.start();
        let secure = Secure { world, connector };
        secure.greeted(b"\x81\x02hi").await;
        let mine = pem(&key);
        let encrypted = mine.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let older = mine.replacen("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n", 1);
        let (cut, cut_key) = (&certificate[..200], &mine[..60]);
        let both = format!("{certificate}{mine}");
        for (chain, key, what) in [
            ("", mine.as_str(), "the certificate is not PEM"),
            (&certificate, "", "the key is not PEM"),
            (
                &certificate,
                &pem(&other),
                "the key does not belong to the certificate",
            ),
            (
                &mine,
                &certificate,
                "the certificate is not in its file, which holds PRIVATE KEY",
            ),
            (
                &certificate,
                &certificate,
                "the key is not in its file, which holds CERTIFICATE",
            ),
            (&certificate, &encrypted, "the key is encrypted"),
            (&certificate, &older, "the key is encrypted"),
            (
                cut,
                &mine,
                "the certificate is not PEM: it breaks off before -----END CERTIFICATE-----",
            ),
            (
                &certificate,
                cut_key,
                "the key is not PEM: it breaks off before -----END PRIVATE KEY-----",
            ),
        ] {
            let error = Tls::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
            assert_eq!(error.to_string().get(..what.len()), Some(what), "{error}");
        }
        assert!(Tls::from_pem(both.as_bytes(), both.as_bytes()).is_ok());
    });
}
