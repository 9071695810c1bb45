//! One scenario, one outcome: everything in `fixtures/`, run twice, gives the same text.

use std::path::Path;

use wstape::OurSubscriber;
use wstape_harness::Suite;

#[test]
fn every_tape_and_every_recording_under_each_overlay_has_one_outcome() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let suite = Suite::of_fixtures(&fixtures).unwrap();
    assert!(suite.trials.iter().any(|trial| !trial.overlays.is_empty()));
    for trial in suite.trials {
        let run = || trial.scenario.run(&OurSubscriber).unwrap().to_string();
        let (first, second) = (run(), run());
        if let Some(diff) = wstape_harness::diff(&first, &second) {
            panic!("{} has two outcomes:\n{diff}", trial.name);
        }
    }
}

#[test]
fn runs_at_once_on_several_threads_do_not_show_in_each_others_outcome() {
    let tape = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/tapes/l2-restart.jsonl");
    let scenario = wstape_harness::Scenario::from_path(tape);
    let run = || scenario.run(&OurSubscriber).unwrap().to_string();
    let alone = run();
    let together: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(together, vec![alone; 8]);
}
