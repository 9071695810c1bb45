//! `serve --tls`: certificates made at start, and the user's own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use crate::serving::{command, folder, run, upgrade_request};

#[test]
fn it_speaks_tls_with_a_certificate_made_at_start_and_writes_its_authority() {
    let dir = folder();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, "-----BEGIN CERTIFICATE-----\nan older one\n").unwrap();
    let mut child = command(dir.path())
        .args([
            "good.jsonl",
            "--listen",
            "127.0.0.1:0",
            "--tls",
            "--tls-ca",
            "ca.pem",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let addr = line.trim_end().strip_prefix("listening on wss://");
    let addr = addr
        .and_then(|rest| rest.strip_suffix("/ws"))
        .unwrap()
        .to_owned();
    let pem = std::fs::read_to_string(&ca).unwrap();
    assert!(
        pem.starts_with("-----BEGIN CERTIFICATE-----\n") && !pem.contains("older"),
        "{pem}"
    );
    // What is not TLS gets an alert (RFC 8446, 6), and no HTTP.
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(&upgrade_request("")).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_certificate_that_cannot_be_used_or_written_is_bad_input() {
    let dir = folder();
    std::fs::write(dir.path().join("notes.txt"), "mine\n").unwrap();
    let table: &[(&[&str], &str)] = &[
        (
            &["--tls", "--tls-ca", "notes.txt"],
            "the file exists and is not a certificate",
        ),
        (&["--tls-ca", "ca.pem"], "--tls"),
        (&["--cert", "notes.txt"], "--key"),
        (
            &["--cert", "notes.txt", "--key", "notes.txt"],
            "the certificate is not PEM",
        ),
        (&["--cert", "none.pem", "--key", "notes.txt"], "none.pem"),
    ];
    for &(args, says) in table {
        let mut all = vec!["good.jsonl", "--listen", "127.0.0.1:0"];
        all.extend(args);
        let output = run(dir.path(), &all);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{args:?}: {error}");
        assert_eq!(output.status.code(), Some(2), "{error}");
    }
    let keys = [(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "openssl pkey -in FILE",
    )];
    for (key, says) in keys {
        std::fs::write(dir.path().join("key.pem"), key).unwrap();
        let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        std::fs::write(dir.path().join("chain.pem"), certificate).unwrap();
        let args = ["good.jsonl", "--cert", "chain.pem", "--key", "key.pem"];
        let output = run(dir.path(), &args);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(says), "{error}");
        assert_eq!(output.status.code(), Some(2), "{error}");
    }
    let notes = std::fs::read_to_string(dir.path().join("notes.txt")).unwrap();
    assert_eq!(notes, "mine\n");
}
