//! Chaos over long sessions: how many virtual hours a minute of wall time plays, with all rules on,
//! on one core, with an engine that sends one message a second, and one that sends a hundred.
//!
//! `cargo bench --package wstape-tests --bench chaos`; `cargo chaos` prints the seeds per second.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use wstape::OurSubscriber;
use wstape_chaos::{About, Case, play};
use wstape_harness::Settings;
use wstape_tape::{Micros, Tape};

/// How often faults come: one of each kind every quarter of an hour.
const FAULTS_EVERY_S: u64 = 900;
/// Messages of a session.
const MESSAGES: u64 = 200_000;

fn main() {
    println!(
        "{:>12} {:>14} {:>10} {:>16} {:>22}",
        "messages/s", "virtual hours", "seconds", "messages/s wall", "virtual hours a minute"
    );
    for rate in [1, 100] {
        let seconds = MESSAGES / rate;
        let case = session(seconds, rate);
        let start = Instant::now();
        let played = play(&case, &OurSubscriber);
        let wall = start.elapsed().as_secs_f64();
        assert!(
            played.verdict.violations.is_empty(),
            "{:?}",
            played.verdict.violations.first()
        );
        let hours = Micros(played.verdict.virtual_us).duration().as_secs_f64() / 3_600.0;
        println!(
            "{rate:>12} {hours:>14.1} {wall:>10.2} {:>16.0} {:>22.0}",
            f64::from(u32::try_from(played.verdict.messages).expect("few")) / wall,
            hours / wall * 60.0
        );
    }
}

/// Returns a session of this many seconds at this many messages a second, with the default
/// settings, and with a reset, a Close, a restart and a partition in each quarter of an hour.
fn session(seconds: u64, rate: u64) -> Case {
    let mut base = String::from("{\"tape\":1,\"title\":\"a long session\"}\n");
    for n in 1..=seconds * rate {
        let at_us = n * 1_000_000 / rate;
        let at = Micros(at_us).to_ms_text();
        let event = match n % 4 {
            0 => format!(
                "\"risk\",\"data\":{{\"halted\":false,\"open_count\":{}}}",
                n % 7
            ),
            1 => format!(
                "\"regime\",\"data\":{{\"regime\":\"CHOP\",\"confidence\":0.{}}}",
                n % 89 + 10
            ),
            2 => format!(
                "\"positions\",\"data\":{{\"positions\":[{{\"symbol\":\"BTC\",\"side\":\"long\",\"size\":0.5,\"entry\":{}}}]}}",
                64_000 + n % 99
            ),
            _ => "\"heartbeat\",\"data\":{}".to_owned(),
        };
        let _ = writeln!(base, "{{\"at_ms\":{at},\"emit\":{{\"event\":{event}}}}}");
    }
    let _ = writeln!(
        base,
        "{{\"at_ms\":{},\"end\":true}}",
        seconds * 1_000 + 120_000
    );
    let mut faults = String::from("{\"tape\":1}\n");
    for quarter in (FAULTS_EVERY_S..seconds).step_by(usize::try_from(FAULTS_EVERY_S).expect("few"))
    {
        let ms = quarter * 1_000;
        let _ = writeln!(faults, "{{\"at_ms\":{ms},\"drop\":\"reset\"}}");
        let _ = writeln!(
            faults,
            "{{\"at_ms\":{},\"close\":{{\"code\":1012}}}}",
            ms + 60_000
        );
        let _ = writeln!(
            faults,
            "{{\"at_ms\":{},\"down\":true,\"for_ms\":20000}}",
            ms + 120_000
        );
        let _ = writeln!(
            faults,
            "{{\"at_ms\":{},\"partition\":\"both\",\"for_ms\":40000}}",
            ms + 240_000
        );
    }
    let tape = |text: &str| {
        Arc::new(Tape::parse("session", text).unwrap_or_else(|error| panic!("{}", error.report())))
    };
    let base = tape(&base);
    Case {
        settings: Settings::of(&base.header).expect("SPEC's"),
        faults: tape(&faults),
        base,
        about: About::default(),
    }
}
