//! The control port has the paths, methods and members of its document, and no others.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wstape_mock_engine::{Engine, Entry, JournalKind};

use crate::steered::Steered;
use crate::world::{over_tcp, tape};

/// What the document says of one path and method.
fn documented(document: &Value, method: &str, path: &str) -> BTreeSet<String> {
    let path = path.split('?').next().unwrap();
    let responses = &document["paths"][path][method.to_lowercase()]["responses"];
    let responses = responses
        .as_object()
        .unwrap_or_else(|| panic!("{method} {path} is not documented"));
    responses.keys().cloned().collect()
}

/// The members that the document requires of an answer, and no others.
fn assert_members(document: &Value, schema: &str, value: &Value) {
    let schema = &document["components"]["schemas"][schema];
    let known: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let found: BTreeSet<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(found, known, "{value}");
}

/// That each documented path was asked with each of its methods, and takes no other.
async fn assert_all_are_asked_and_no_others_answer(
    steered: &Steered,
    document: &Value,
    asked: &BTreeSet<(String, String)>,
) {
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            assert!(
                asked.contains(&(path.clone(), method.clone())),
                "{method} {path} is not asked"
            );
        }
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if methods.get(method.to_lowercase()).is_none() {
                let (status, answer) = steered.json(method, path, "").await;
                let names = methods.as_object().unwrap().keys();
                let names: Vec<String> = names.map(|name| name.to_uppercase()).collect();
                let error = format!("{path} takes {}, not {method}", names.join(", "));
                assert_eq!((status, &answer["error"]), (405, &json!(error)));
            }
        }
    }
}

#[test]
fn every_documented_path_answers_as_the_document_says_and_no_other_does() {
    over_tcp(async {
        let steered =
            Steered::build(Engine::builder().layer(tape(&[r#"{"at_ms":0,"mark":"x"}"#]))).await;
        let _client = steered.connect().await;
        let (_, document) = steered.json("GET", "/v1/openapi.json", "").await;
        let long = "x".repeat((1 << 20) + 1);
        let longest = "x".repeat((64 << 20) + 1);
        let many = "{\"at_ms\":0,\"mark\":\"x\"}\n".repeat(4_097);
        let posted = "{\"at_ms\":600000,\"mark\":\"late\"}\n".repeat(4_096);
        let table: &[(&str, &str, &str, u16)] = &[
            ("GET", "/", "", 200),
            ("GET", "/v1/openapi.json", "", 200),
            ("GET", "/v1/engine", "", 200),
            ("GET", "/v1/connections", "", 200),
            ("GET", "/v1/connections?from=2", "", 200),
            ("GET", "/v1/connections?from=x", "", 400),
            ("GET", "/v1/connections?form=2", "", 400),
            (
                "POST",
                "/v1/steps",
                r#"{"at_ms":0,"partition":"both"}"#,
                200,
            ),
            ("POST", "/v1/steps", "", 400),
            ("POST", "/v1/steps", r#"{"at_ms":0,"end":true}"#, 400),
            ("POST", "/v1/steps", &long, 413),
            ("POST", "/v1/steps", &many, 413),
            ("GET", "/v1/faults", "", 200),
            ("DELETE", "/v1/faults", "", 204),
            ("GET", "/v1/verdict", "", 200),
            ("GET", "/v1/journal", "", 200),
            ("GET", "/v1/journal?since=1", "", 200),
            ("GET", "/v1/journal?since=one", "", 400),
            ("GET", "/v1/journal?sinse=1", "", 400),
            ("POST", "/v1/wait", r#"{"connections":1}"#, 200),
            (
                "POST",
                "/v1/wait",
                r#"{"connections":9,"timeout_ms":1}"#,
                408,
            ),
            ("POST", "/v1/wait", "{}", 400),
            ("POST", "/v1/wait", r#"{"conections":1}"#, 400),
            (
                "POST",
                "/v1/wait",
                r#"{"connections":1,"timeout_ms":999999999}"#,
                400,
            ),
            ("POST", "/v1/wait", r#"{"received":{"kind":"txt"}}"#, 400),
            ("POST", "/v1/wait", &long, 413),
            (
                "PUT",
                "/v1/tape",
                "{\"tape\":1}\n{\"at_ms\":0,\"mark\":\"other\"}\n",
                200,
            ),
            ("PUT", "/v1/tape", "no tape", 400),
            ("PUT", "/v1/tape", &longest, 413),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 200),
            ("POST", "/v1/steps", &posted, 503),
            ("POST", "/v1/end", "", 200),
        ];
        let mut asked = BTreeSet::new();
        for &(method, path, body, expected) in table {
            let (status, answer) = steered.ask(method, path, body).await;
            assert_eq!(status, expected, "{method} {path}: {answer}");
            let known = documented(&document, method, path);
            assert!(
                known.contains(&status.to_string()),
                "{method} {path} {status} is not documented"
            );
            if status >= 400 {
                let problem: Value = serde_json::from_str(&answer).unwrap();
                assert!(
                    problem["error"]
                        .as_str()
                        .is_some_and(|error| !error.is_empty()),
                    "{answer}"
                );
            }
            asked.insert((
                path.split('?').next().unwrap().to_owned(),
                method.to_lowercase(),
            ));
        }
        assert_all_are_asked_and_no_others_answer(&steered, &document, &asked).await;
        assert_eq!(steered.ask("GET", "/v2/engine", "").await.0, 404);
    });
}

#[test]
fn answers_have_the_members_that_the_document_names_and_no_others() {
    over_tcp(async {
        let lines = [
            r#"{"at_ms":0,"pongs":"withheld"}"#,
            r#"{"at_ms":0,"expect":{"after_ms":1,"received":{"kind":"ping"}}}"#,
        ];
        let steered = Steered::build(Engine::builder().layer(tape(&lines))).await;
        let _client = steered.connect().await;
        let (_, document) = steered.json("GET", "/v1/openapi.json", "").await;
        let unmet = |entries: &[Entry]| {
            entries
                .iter()
                .any(|entry| matches!(entry.kind, JournalKind::Note(_)))
        };
        steered.world.engine.journal().wait_for(unmet).await;
        for (path, schema) in [
            ("/v1/engine", "Engine"),
            ("/v1/connections", "Connections"),
            ("/v1/faults", "Faults"),
            ("/v1/verdict", "Verdict"),
        ] {
            let (_, answer) = steered.json("GET", path, "").await;
            assert_members(&document, schema, &answer);
        }
        let (_, engine) = steered.json("GET", "/v1/engine", "").await;
        assert_eq!(engine["url"], json!(steered.world.engine.url()));
        assert_eq!(
            (&engine["open"], &engine["began"]),
            (&json!(1), &json!(true))
        );
        let (_, connections) = steered.json("GET", "/v1/connections", "").await;
        assert_eq!(connections["live"], json!(1));
        let first = &connections["connections"][0];
        assert_eq!((&first["conn"], &first["path"]), (&json!(1), &json!("/ws")));
        let (_, faults) = steered.json("GET", "/v1/faults", "").await;
        let withheld = json!({"of":"tape","path":null,"conn":null,"state":"pongs withheld","direction":null,"left":null});
        assert_eq!(faults["faults"], json!([withheld]));
        let (_, verdict) = steered.json("GET", "/v1/verdict", "").await;
        assert_eq!(
            (&verdict["unmet"], &verdict["not_met"][0]["line"]),
            (&json!(1), &json!(3))
        );
    });
}
