//! Layers merge by time, the base first.

use wstape_tape::{LayerSteps, Merge, Tape, TapeReader};

/// A layer of these lines.
fn layer(lines: &[&str]) -> LayerSteps {
    let text = format!("{{\"tape\":1}}\n{}\n", lines.join("\n"));
    Box::new(TapeReader::new("layer", std::io::Cursor::new(text)).unwrap())
}

/// What a merge yields: layer and line of each step, and the errors as text.
fn merged(layers: Vec<LayerSteps>) -> Vec<String> {
    let named = |step: Result<_, wstape_tape::TapeError>| match step {
        Ok((layer, step)) => {
            let step: wstape_tape::Step = step;
            format!("{layer}:{}", step.line)
        }
        Err(error) => error.message().to_owned(),
    };
    Merge::new(layers).map(named).collect()
}

const ON: &str = r#"{"on_connect":1,"mark":"p"}"#;
const AT_1: &str = r#"{"at_ms":1,"mark":"one"}"#;
const AT_2: &str = r#"{"at_ms":2,"mark":"two"}"#;
const AT_3: &str = r#"{"at_ms":3,"mark":"three"}"#;
const END_1: &str = r#"{"at_ms":1,"end":true}"#;
const END_2: &str = r#"{"at_ms":2,"end":true}"#;

#[test]
fn prologues_come_first_layer_by_layer() {
    let layers = vec![layer(&[ON, ON, AT_1]), layer(&[AT_1]), layer(&[ON, AT_1])];
    assert_eq!(merged(layers), ["0:2", "0:3", "2:2", "0:4", "1:2", "2:3"]);
}

#[test]
fn an_overlays_prologue_comes_before_what_the_base_does_at_0() {
    let at_0 = r#"{"at_ms":0,"mark":"zero"}"#;
    assert_eq!(merged(vec![layer(&[at_0]), layer(&[ON])]), ["1:2", "0:2"]);
}

#[test]
fn at_equal_times_the_base_comes_first_then_overlays_then_lines() {
    let layers = vec![
        layer(&[AT_2, AT_2]),
        layer(&[AT_1, AT_2, AT_2]),
        layer(&[AT_2, AT_3]),
    ];
    assert_eq!(
        merged(layers),
        ["1:2", "0:2", "0:3", "1:3", "1:4", "2:2", "2:3"]
    );
}

#[test]
fn the_bases_end_ends_the_run_and_an_overlays_end_does_not() {
    let layers = vec![
        layer(&[AT_1, END_2]),
        layer(&[END_1]),
        layer(&[AT_1, AT_2, AT_3]),
    ];
    assert_eq!(merged(layers), ["0:2", "2:2", "0:3"]);
    let endless_base = vec![layer(&[AT_1]), layer(&[AT_2, END_2]), layer(&[AT_3])];
    assert_eq!(merged(endless_base), ["0:2", "1:2", "2:2"]);
}

#[test]
fn an_error_of_a_layer_comes_after_its_good_steps_and_ends_the_merge() {
    let flawed = r#"{"at_ms":1,"mark":1}"#;
    let layers = vec![layer(&[AT_1, AT_2]), layer(&[AT_1, flawed, AT_3])];
    assert_eq!(
        merged(layers),
        ["0:2", "1:2", "\"mark\" must be a string, found 1"]
    );
}

#[test]
fn a_merge_of_nothing_and_of_empty_tapes_is_empty() {
    assert!(merged(vec![]).is_empty());
    let empty = || Box::new(Tape::default().into_iter()) as LayerSteps;
    assert!(merged(vec![empty(), empty()]).is_empty());
}

#[test]
fn a_layer_is_read_one_step_ahead_and_no_more() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    let read = Arc::new(AtomicUsize::new(0));
    let count = read.clone();
    let steps = (0..1000).map(move |at| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(wstape_tape::Step::at(
            wstape_tape::Micros(at),
            wstape_tape::Action::Hang(true),
        ))
    });
    let mut merge = Merge::new(vec![Box::new(steps), layer(&[AT_3])]);
    assert_eq!(read.load(Ordering::Relaxed), 0);
    for taken in 1..100 {
        merge.next().unwrap().unwrap();
        assert_eq!(read.load(Ordering::Relaxed), taken + 1);
    }
}

#[test]
fn an_error_in_a_prologue_comes_in_its_place_and_ends_the_merge() {
    let flawed = r#"{"on_connect":1,"mark":1}"#;
    let layers = vec![layer(&[ON, AT_1]), layer(&[ON, flawed]), layer(&[ON])];
    let error = "\"mark\" must be a string, found 1";
    assert_eq!(merged(layers), ["0:2", "1:2", error]);
}

#[test]
fn what_stands_late_in_a_tape_made_in_rust_comes_at_once() {
    let step = |text, line| {
        wstape_tape::Step::parse("made", line, text)
            .map(Ok)
            .unwrap()
    };
    let made = vec![step(AT_2, 2), step(ON, 3), step(AT_3, 4)];
    let layers = vec![
        layer(&[AT_2, AT_3]),
        Box::new(made.into_iter()) as LayerSteps,
    ];
    assert_eq!(merged(layers), ["0:2", "1:2", "1:3", "0:3", "1:4"]);
}

#[test]
fn a_merge_that_is_over_yields_nothing_more() {
    let mut ended = Merge::new(vec![layer(&[AT_1, END_1]), layer(&[AT_2, AT_3])]);
    assert_eq!(ended.by_ref().count(), 2);
    assert!(ended.next().is_none());
    let mut flawed = Merge::new(vec![layer(&[r#"{"at_ms":1}"#]), layer(&[AT_2])]);
    assert!(flawed.next().is_some_and(|step| step.is_err()));
    assert!(flawed.next().is_none());
}
