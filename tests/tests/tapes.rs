//! Every tape in `fixtures/` is a test by being there: played in virtual time at our subscriber,
//! its outcome compared with its snapshot. Each recording is one under each overlay too. Those in
//! `fixtures/regressions/`, which chaos found, are judged by its rules beside that.
//!
//! `cargo insta review`, or `cargo replay … --accept`, accepts an outcome that is right.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use wstape::OurSubscriber;
use wstape_harness::{Suite, Trial as Scenario};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let suite = match Suite::of_fixtures(&fixtures) {
        Ok(suite) => suite,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let tests = suite
        .trials
        .into_iter()
        .flat_map(|scenario| {
            // What chaos found once is judged by its rules too.
            let tape = PathBuf::from(&scenario.tape);
            let name = scenario.name.clone();
            let is_regression = name.starts_with("regressions/");
            let rules = is_regression
                .then(|| Trial::test(format!("{name} by the rules"), move || keeps_rules(&tape)));
            let outcome = Trial::test(name, move || holds(&scenario));
            [rules, Some(outcome)].into_iter().flatten()
        })
        .collect();
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn keeps_rules(tape: &Path) -> Result<(), Failed> {
    let broken = wstape_chaos::broken_rules(tape, &OurSubscriber)?;
    match broken.first() {
        Some(violation) => Err(violation.to_string().into()),
        None => Ok(()),
    }
}

fn holds(scenario: &Scenario) -> Result<(), Failed> {
    let outcome = scenario.scenario.run(&OurSubscriber)?;
    if let Some(unmet) = outcome.unmet().next() {
        return Err(format!("the tape's demand is not met: {unmet}").into());
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(scenario.snapshot.parent().unwrap_or(Path::new("")));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(&scenario.tape);
    let name = scenario.snapshot.file_stem().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    settings.bind(|| insta::assert_snapshot!(name, outcome));
    Ok(())
}
