//! Steps posted for a connection that isn't there: whoever posts one is told so.

use serde_json::json;
use wstape_mock_engine::{Engine, JournalKind};

use crate::steered::{Steered, ask};
use crate::world::{Client, over_tcp};

/// Posts a step: the status, and the sentence if there is one.
async fn post(steered: &Steered, step: &str) -> (u16, String) {
    let (status, answer) = steered.json("POST", "/v1/steps", step).await;
    let error = answer["error"].as_str().unwrap_or_default();
    (status, error.to_owned())
}

/// The client's connection is over, and the engine knows.
async fn end(steered: &Steered, client: Client, ends: usize) {
    drop(client);
    let is_over = || {
        let entries = steered.world.engine.journal().entries();
        let over = entries.iter().filter(|entry| {
            matches!(
                entry.kind,
                JournalKind::ClientClosed | JournalKind::ClientReset
            )
        });
        over.count() >= ends
    };
    while !is_over() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn whoever_names_a_connection_that_never_came_is_told_which_there_are() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let (status, error) = post(&steered, r#"{"at_ms":0,"conn":1,"drop":"reset"}"#).await;
        let nobody =
            "request:1: there has been no connection 1 to `drop`; there is no connection now";
        assert_eq!((status, &*error), (404, nobody));
        let _clients = (steered.connect().await, steered.connect().await);
        for (action, key) in [
            (r#""drop":"reset""#, "drop"),
            (r#""half_close":true"#, "half_close"),
            (r#""text":"x""#, "text"),
            (r#""json":{}"#, "json"),
            (r#""ping":"""#, "ping"),
            (r#""close":{"code":1000}"#, "close"),
            (r#""bytes":"AA==""#, "bytes"),
            (r#""start":"feed""#, "start"),
            (r#""stop":"feed""#, "stop"),
            (r#""mute":"feed""#, "mute"),
        ] {
            let step = format!(r#"{{"at_ms":0,"conn":9,{action}}}"#);
            let sentence = format!(
                "request:1: there has been no connection 9 to `{key}`; those there now: 1, 2"
            );
            assert_eq!(post(&steered, &step).await, (404, sentence), "{action}");
        }
        let third = "{\"at_ms\":0,\"text\":\"x\"}\n{\"at_ms\":0,\"conn\":3,\"text\":\"y\"}";
        let (status, answer) = steered.json("POST", "/v1/steps", third).await;
        assert_eq!((status, &answer["line"]), (404, &json!(2)));
        let entries = steered.world.engine.journal().entries();
        let sent = |kind: &JournalKind| matches!(kind, JournalKind::Sent { .. });
        assert!(
            !entries.iter().any(|entry| sent(&entry.kind)),
            "all of a request is played, or none"
        );
    });
}

#[test]
fn whoever_names_a_connection_that_is_over_is_told_so_and_may_still_undo_a_fault() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let first = steered.connect().await;
        let _second = steered.connect().await;
        end(&steered, first, 1).await;
        for (action, key) in [
            (r#""drop":"fin""#, "drop"),
            (r#""text":"x""#, "text"),
            (r#""partition":"both""#, "partition"),
            (r#""latency_ms":5"#, "latency_ms"),
            (r#""expect":{"received":{"kind":"ping"}}"#, "expect"),
        ] {
            let step = format!(r#"{{"at_ms":0,"conn":1,{action}}}"#);
            let sentence = format!(
                "request:1: connection 1 is over, so `{key}` has no effect; those there now: 2"
            );
            assert_eq!(post(&steered, &step).await, (409, sentence), "{action}");
        }
        let heal = r#"{"at_ms":0,"conn":1,"partition":"none"}"#;
        assert_eq!(post(&steered, heal).await.0, 200);
        // What lasts holds for one to come, as it always did.
        let ahead = r#"{"at_ms":0,"conn":3,"partition":"both"}"#;
        assert_eq!(post(&steered, ahead).await.0, 200);
        let spoken = r#"{"on_message":{"contains":"x"},"conn":1,"text":"y"}"#;
        let (status, error) = post(&steered, spoken).await;
        assert_eq!(
            (status, error.contains("connection 1 is over")),
            (409, true),
            "{error}"
        );
    });
}

#[test]
fn a_step_for_connections_to_come_is_refused_where_all_of_them_have_come() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let _clients = (steered.connect().await, steered.connect().await);
        for whose in ["1", "2", r#"{"from":1,"to":2}"#] {
            let step = format!(r#"{{"on_connect":{whose},"after_frames":0,"text":"x"}}"#);
            let (status, error) = post(&steered, &step).await;
            assert_eq!(status, 409, "{whose}: {error}");
            assert!(
                error.ends_with("for future connections, and the next is 3"),
                "{error}"
            );
        }
        for whose in ["3", r#"{"from":2,"to":3}"#, r#"{"from":1}"#, r#""each""#] {
            let step = format!(r#"{{"on_connect":{whose},"after_frames":0,"text":"x"}}"#);
            assert_eq!(post(&steered, &step).await.0, 200, "{whose}");
        }
        let mut third = steered.connect().await;
        assert_eq!(third.exactly(12).await, b"\x81\x01x".repeat(4));
    });
}

#[test]
fn of_a_path_the_connections_of_that_path_are_counted() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let client = steered.connect().await;
        let text = r#"{"at_ms":0,"path":"/ws","conn":1,"text":"x"}"#;
        assert_eq!(post(&steered, text).await.0, 200);
        let second = text.replace(r#""conn":1"#, r#""conn":2"#);
        let (status, error) = post(&steered, &second).await;
        assert_eq!(status, 404);
        assert!(
            error.contains("no connection 2 of /ws to `text`"),
            "{error}"
        );
        end(&steered, client, 1).await;
        assert_eq!(post(&steered, text).await.0, 409);
    });
}

#[test]
fn the_number_to_name_is_the_one_that_the_list_shows_plain_requests_counted() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let addr = steered.world.engine.local_addr().unwrap();
        let host = format!("Host: {addr}\r\n");
        assert_eq!(ask(addr, &host, "GET", "/nothing", "").await.0, 404);
        let mut client = steered.connect().await;
        let (_, listed) = steered.json("GET", "/v1/connections", "").await;
        let conn = &listed["connections"][0]["conn"];
        assert_eq!(conn, &json!(2), "{listed}");
        let step = format!(r#"{{"at_ms":0,"conn":{conn},"drop":"reset"}}"#);
        assert_eq!(post(&steered, &step).await.0, 200);
        assert_eq!(client.all().await, (Vec::new(), "reset".to_owned()));
    });
}

#[test]
fn a_drop_that_comes_when_its_connection_is_gone_is_a_line_of_the_journal() {
    over_tcp(async {
        let steered = Steered::build(Engine::builder()).await;
        let steps = "{\"at_ms\":1,\"conn\":7,\"drop\":\"reset\"}\n{\"at_ms\":1,\"conn\":7,\"half_close\":true}\n{\"at_ms\":2,\"mark\":\"over\"}";
        assert_eq!(post(&steered, steps).await.0, 200);
        let journal = steered.world.engine.journal();
        let marked = || {
            let entries = journal.entries();
            entries
                .iter()
                .any(|entry| matches!(entry.kind, JournalKind::Mark(_)))
        };
        while !marked() {
            tokio::task::yield_now().await;
        }
        let lost = |kind: &JournalKind| match kind {
            JournalKind::Lost { what } => Some(what.to_string()),
            _ => None,
        };
        let entries = journal.entries();
        let lost: Vec<String> = entries
            .iter()
            .filter_map(|entry| lost(&entry.kind))
            .collect();
        assert_eq!(lost, ["drop", "half_close"]);
    });
}
