//! Files that the tools themselves wrote (`tests/inputs/README.md`).

use wstape_recorder::ImportFormat::{self, Har, Mitmproxy, Mockforge};
use wstape_tape::{Action, Step};

use crate::{import, import_with, input};

const ALL: [(ImportFormat, &str); 6] = [
    (Har, "chrome.har"),
    (Har, "playwright-embed.har"),
    (Har, "playwright-attach/session.har"),
    (Har, "mitmproxy.har"),
    (Mitmproxy, "mitmproxy.flows"),
    (Mockforge, "mockforge.jsonl"),
];

#[test]
fn each_becomes_the_same_tape_every_time() {
    for (format, name) in ALL {
        let tape = import(format, &input(name)).unwrap();
        insta::assert_snapshot!(name.replace('/', "-"), tape);
    }
}

#[test]
fn no_secret_of_theirs_is_in_a_tape() {
    for (format, name) in ALL {
        let bytes = std::fs::read(input(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.contains("s3cr3t"), format != Mockforge, "{name}");
        let tape = import(format, &input(name)).unwrap();
        assert!(!tape.contains("s3cr3t"), "{name}");
    }
}

/// Messages with their times, except those that mitmproxy dropped or made up.
fn messages(tape: &str) -> Vec<String> {
    let step = |line: &str| Step::parse("tape", 0, line).unwrap();
    let is_message = |step: &Step| {
        let altered = format!("{:?}", step.action);
        let sent = matches!(
            step.action,
            Action::Emit(_) | Action::Text(_) | Action::Binary(_) | Action::Received(_)
        );
        sent && !["by the addon", "made up", "two\\nlines", "Open", "Close"]
            .iter()
            .any(|what| altered.contains(what))
    };
    tape.lines()
        .skip(1)
        .map(step)
        .filter(is_message)
        .map(|step| step.to_canonical())
        .collect()
}

#[test]
fn the_archive_and_the_flows_of_one_run_hold_the_same_at_the_same_times() {
    let archive = import(Har, &input("mitmproxy.har")).unwrap();
    let flows = import(Mitmproxy, &input("mitmproxy.flows")).unwrap();
    let archived = messages(&archive);
    assert_eq!(archived.len(), 18);
    assert_eq!(archived, messages(&flows));
}

#[test]
fn connections_are_chosen_by_number_and_by_url() {
    let opened = |tape: &str| tape.matches(r#""kind":"open""#).count();
    for (entries, url, connections, part) in [
        (&[][..], None, 4, "/ws"),
        (&[2][..], None, 1, "feed=positions"),
        (&[4, 1][..], None, 2, "feed=risk"),
        (&[][..], Some("feed="), 2, "feed=positions"),
        (&[1, 3][..], Some("feed="), 1, "feed=risk"),
    ] {
        for (format, name) in [(Har, "chrome.har"), (Mitmproxy, "mitmproxy.flows")] {
            let (tape, imported) = import_with(format, &input(name), |mut import| {
                for number in entries {
                    import = import.entry(*number);
                }
                url.into_iter().fold(import, wstape_recorder::Import::url)
            })
            .unwrap();
            assert_eq!(imported.connections, connections, "{entries:?} {url:?}");
            assert_eq!(opened(&tape) as u64, connections);
            assert!(tape.contains(part), "{tape}");
            // Time and numbers begin with the first that was chosen.
            assert!(tape.contains(r#"{"at_ms":0,"conn":1,"received":{"kind":"open""#));
        }
    }
    for (number, url, sentence) in [
        (
            5,
            "",
            "expected --entry from 1 to 4, the number of WebSocket connections, found 5",
        ),
        (
            0,
            "",
            "expected --entry from 1 to 4, the number of WebSocket connections, found 0",
        ),
        (
            1,
            "nowhere",
            "none of the 4 WebSocket connections has a URL that contains the text of --url",
        ),
    ] {
        let choose = |import: wstape_recorder::Import| import.entry(number).url(url);
        let said = import_with(Har, &input("chrome.har"), choose).unwrap_err();
        assert!(said.contains(sentence), "{said}");
    }
}
