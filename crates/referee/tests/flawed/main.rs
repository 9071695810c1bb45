//! The referee judges a small subscriber of our own, flawless and with each of its flaws: each flaw
//! fails the case that is there for it, and the flawless one fails none.
//!
//! The client is this very program, started again: `flawed client FLAW`.

mod client;

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use wstape_referee::{
    Case, ClientCommand, KeeperCommand, Options, RefereeError, Report, Stop, Verdict, cases, judge,
    keep,
};

use self::client::Flaw;

/// Referees at a time, unless told otherwise: they mostly wait.
const AT_A_TIME: usize = 7;

/// What is expected of a flaw: the cases, and their verdicts. The cases here are short ones.
const EXPECTED: [(Flaw, &[(&str, Verdict)]); 15] = [
    (
        Flaw::None,
        &[
            ("R4", Verdict::Pass),
            ("R5", Verdict::Pass),
            ("R9", Verdict::Pass),
            ("H10", Verdict::Pass),
            ("E2", Verdict::Pass),
            ("E3", Verdict::Pass),
            ("E4", Verdict::Pass),
            ("E6", Verdict::Pass),
            ("E7", Verdict::Pass),
            ("L1", Verdict::Pass),
            ("L4", Verdict::Pass),
            ("P1", Verdict::Pass),
            ("X1", Verdict::Pass),
            ("X5", Verdict::Pass),
            ("K1", Verdict::Pass),
            ("K2", Verdict::Pass),
        ],
    ),
    (
        Flaw::NoWait,
        &[
            ("R4", Verdict::Fail),
            ("R5", Verdict::Fail),
            ("L4", Verdict::Pass),
        ],
    ),
    (
        Flaw::ConstantWait,
        &[("R2", Verdict::Warn), ("P1", Verdict::Pass)],
    ),
    (
        // Only the gaps of several processes together show it.
        Flaw::UnevenWait,
        &[
            ("R2", Verdict::Warn),
            ("H3", Verdict::Warn),
            ("H4", Verdict::Warn),
            ("H11", Verdict::Warn),
        ],
    ),
    (
        Flaw::GivesUpAtFirst,
        &[("R9", Verdict::Warn), ("E2", Verdict::Pass)],
    ),
    (
        Flaw::PrintsToken,
        &[("K1", Verdict::Fail), ("L4", Verdict::Pass)],
    ),
    (
        Flaw::IgnoresTerm,
        &[("X1", Verdict::Fail), ("P1", Verdict::Pass)],
    ),
    (
        Flaw::LeavesAtOnce,
        &[("X1", Verdict::Warn), ("P1", Verdict::Pass)],
    ),
    (
        Flaw::Aborts,
        &[
            ("E2", Verdict::Fail),
            ("X5", Verdict::Fail),
            ("L4", Verdict::Pass),
        ],
    ),
    (
        Flaw::Subscribes,
        &[
            ("S1", Verdict::Pass),
            ("S2", Verdict::Pass),
            ("S3", Verdict::Pass),
            ("S5", Verdict::Info),
            ("E2", Verdict::Pass),
        ],
    ),
    (
        Flaw::ForgetsStreams,
        &[
            ("S1", Verdict::Fail),
            ("S2", Verdict::NotApplicable),
            ("S3", Verdict::Fail),
            ("E2", Verdict::Pass),
        ],
    ),
    (
        Flaw::AsksOften,
        &[("S1", Verdict::Pass), ("S2", Verdict::Fail)],
    ),
    (Flaw::KeepsSockets, &[("X4", Verdict::Fail)]),
    (Flaw::EndsAtOnce, &[]),
    (Flaw::DialsNobody, &[]),
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", flaw] => {
            client::run(flaw);
            ExitCode::SUCCESS
        }
        ["keep", ..] => keep(env::args_os().skip(2)).expect("a keeper that can tell what it sees"),
        _ => {
            let trials = EXPECTED.iter().map(|(flaw, expected)| {
                let name = format!("the_client_with_{}", flaw.name().to_lowercase());
                Trial::test(name, move || check(*flaw, expected))
            });
            let mut arguments = Arguments::from_args();
            arguments.test_threads.get_or_insert(AT_A_TIME);
            libtest_mimic::run(&arguments, trials.collect()).exit_code()
        }
    }
}

fn referee(flaw: Flaw, cases: &[Case]) -> Result<Report, RefereeError> {
    let program = env::current_exe().expect("this program");
    let words = [
        program.as_os_str().to_owned(),
        "client".into(),
        flaw.name().into(),
    ];
    let options = Options {
        client: ClientCommand::new(words).expect("a command"),
        keeper: KeeperCommand {
            program,
            args: vec!["keep".into()],
        },
        healthy: flaw.healthy(),
        jobs: Some(16),
        seed: 7,
        once: false,
        ready_wait: Duration::from_secs(5),
        stop: Stop::never(),
    };
    judge(&options, cases, &|_| {})
}

fn check(flaw: Flaw, expected: &[(&str, Verdict)]) -> Result<(), Failed> {
    let wanted = |case: &Case| expected.iter().any(|(id, _)| case.id.to_string() == *id);
    let cases: Vec<Case> = cases()?.into_iter().filter(wanted).collect();
    let report = match (flaw, referee(flaw, &cases)) {
        (Flaw::EndsAtOnce, Err(RefereeError::NotReady { what, .. })) => {
            return holds(what.contains("ended with status 0"), &what);
        }
        (Flaw::DialsNobody, Err(RefereeError::NotReady { what, .. })) => {
            return holds(what.contains("did not dial ENGINE_URL"), &what);
        }
        (_, report) => report?,
    };
    let found: BTreeMap<String, Verdict> = report
        .rows
        .iter()
        .map(|row| (row.id.to_string(), row.verdict))
        .collect();
    for (id, verdict) in expected {
        holds(
            found.get(*id) == Some(verdict),
            &format!("{id} is not {verdict}:\n{}", report.lines()),
        )?;
    }
    Ok(())
}

fn holds(it: bool, why: &str) -> Result<(), Failed> {
    if it { Ok(()) } else { Err(why.into()) }
}
