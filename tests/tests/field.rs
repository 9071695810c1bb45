//! How our subscriber copes with what real servers and proxies do: a feed runs under each field
//! overlay, and the outcome is compared with a snapshot in `fixtures/snapshots/field/`.

use wstape::OurSubscriber;
use wstape_harness::Scenario;
use wstape_mock_engine::field::Overlay;
use wstape_tape::Tape;

/// How long the feed goes on, in seconds: longer than any overlay has an effect.
const LASTS_S: u64 = 170;

/// Returns a feed with a heartbeat each second and a regime every ten seconds, each with its time.
fn feed() -> Tape {
    let mut lines = vec![r#"{"tape":1,"title":"A feed that goes on"}"#.to_owned()];
    for second in 1..LASTS_S {
        let ts = format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
        let event = if second % 10 == 0 {
            format!(
                r#"{{"event":"regime","ts":"{ts}","data":{{"regime":"AT_{second}","coin":"BTC"}}}}"#
            )
        } else {
            format!(r#"{{"event":"heartbeat","ts":"{ts}","data":{{}}}}"#)
        };
        lines.push(format!(r#"{{"at_ms":{},"emit":{event}}}"#, second * 1_000));
    }
    lines.push(format!(r#"{{"at_ms":{},"end":true}}"#, LASTS_S * 1_000));
    Tape::parse("feed", &(lines.join("\n") + "\n")).unwrap()
}

#[test]
fn our_subscriber_comes_through_what_each_real_program_does() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../fixtures/snapshots/field");
    settings.set_prepend_module_to_snapshot(false);
    for overlay in Overlay::all() {
        let scenario = Scenario::new(feed()).overlay_path(format!("field/{}", overlay.name()));
        let outcome = scenario.run(&OurSubscriber).unwrap();
        settings.bind(|| insta::assert_snapshot!(overlay.name(), outcome));
    }
}

#[test]
fn an_overlay_that_there_is_not_is_named_with_those_there_are() {
    let scenario = Scenario::new(feed()).overlay_path("field/caddy-2.11-relod");
    let error = scenario.run(&OurSubscriber).unwrap_err().to_string();
    assert!(
        error.contains("did you mean field/caddy-2.11-reload?"),
        "{error}"
    );
}
