//! `wstape journal`: the page about a run.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

const HEADER: &str = r#"{"journal":1,"by":"wstape-mock-engine 0.1.0","url":"ws://127.0.0.1:8765/ws","up":"2026-11-27T09:30:00Z"}"#;

/// Runs `wstape journal` with these lines on standard input.
fn journal(lines: &[&str]) -> Output {
    journal_with(&[], lines)
}

/// Does the same with these options.
fn journal_with(options: &[&str], lines: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wstape"))
        .args(["journal", "-"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = lines.join("\n") + "\n";
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Returns a request of a client that uses this program.
fn request(conn: u64, agent: &str) -> String {
    format!(
        r#"{{"at_ms":0,"conn":{conn},"kind":"request","method":"GET","path":"/ws?a=1","headers":{{"upgrade":"websocket","user-agent":"{agent}"}}}}"#
    )
}

#[test]
fn connections_gaps_rates_and_who_never_came_back_are_on_a_page() {
    let (a, b, again) = (request(1, "a/1"), request(2, "b/1"), request(3, "a/1"));
    let output = journal(&[
        HEADER,
        r#"{"at_ms":0,"waited_ms":2000,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &a,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":10,"conn":2,"kind":"accepted"}"#,
        &b,
        r#"{"at_ms":11,"conn":2,"kind":"upgraded"}"#,
        r#"{"at_ms":500,"conn":1,"kind":"received","frame":"text","text":"sub"}"#,
        r#"{"at_ms":1000,"kind":"sent","what":"risk","to":2}"#,
        r#"{"at_ms":2000,"conn":1,"kind":"dropped","end":"reset"}"#,
        r#"{"at_ms":2000,"conn":2,"kind":"dropped","end":"fin"}"#,
        r#"{"at_ms":2100,"kind":"dial_reset"}"#,
        r#"{"at_ms":2512,"conn":3,"kind":"accepted"}"#,
        &again,
        r#"{"at_ms":2513,"conn":3,"kind":"upgraded"}"#,
        r#"{"at_ms":9000,"kind":"note","text":"not met: a Ping from the client within 20 ms"}"#,
        r#"{"at_ms":10000,"kind":"end"}"#,
    ]);
    let page = String::from_utf8(output.stdout).unwrap();
    for says in [
        "the tape ended after 10.000000 s",
        "4 dials: 3 upgraded, 0 refused by a port that was down, 1 reset by it",
        "1 sent to all (0.1/s), 0 to one, 1 received (0.1/s)",
        "not met\n  a Ping from the client within 20 ms",
        "101 /ws, reset",
        "101 /ws, open",
        "/ws by a/1: 2 attempts, 2 upgraded, 1 open at the end",
        "gaps: 0.512000 before #3",
        "never came back: #2 ended at 2.000000, and nobody came in 8.000000 s",
    ] {
        assert!(page.contains(says), "{says:?} in\n{page}");
    }
    assert!(!page.contains("#1 ended"), "it came back:\n{page}");
    assert_eq!(output.status.code(), Some(1), "an expectation was not met");
}

#[test]
fn marks_are_on_the_page_each_name_once_and_in_a_timeline_in_their_places() {
    let lines = [
        HEADER,
        r#"{"at_ms":0,"waited_ms":5,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        r#"{"at_ms":10,"conn":1,"kind":"mark","name":"not learnt: no answer"}"#,
        r#"{"at_ms":20,"kind":"mark","name":"half"}"#,
        r#"{"at_ms":30,"conn":2,"kind":"mark","name":"not learnt: no answer"}"#,
    ];
    let page = String::from_utf8(journal(&lines).stdout).unwrap();
    let marks = "\nmarks\n      0.010000  #1    \"not learnt: no answer\" ×2\n      0.020000        \"half\"\n";
    assert!(page.ends_with(marks), "{page}");
    let told = String::from_utf8(journal_with(&["--timeline"], &lines).stdout).unwrap();
    assert!(!told.contains("\nmarks"), "{told}");
    assert_eq!(told.matches("mark \"").count(), 3, "{told}");
}

#[test]
fn nothing_at_all_has_a_rate_of_nothing() {
    let page = journal(&[HEADER]).stdout;
    let page = String::from_utf8(page).unwrap();
    let counts = "0 sent to all (0.0/s), 0 to one, 0 received (0.0/s); 0 found nobody\n";
    assert!(page.contains(counts), "{page}");
}

#[test]
fn a_client_that_left_by_its_own_close_is_not_waited_for() {
    let a = request(1, "a/1");
    let output = journal(&[
        HEADER,
        r#"{"at_ms":0,"waited_ms":2000,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &a,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":5,"conn":1,"kind":"received","frame":"close","code":1000,"text":""}"#,
        r#"{"at_ms":5,"conn":1,"kind":"sent","what":"close 1000","to":1}"#,
    ]);
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("client close, client's Close 1000"), "{page}");
    assert!(!page.contains("never came back"), "{page}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_tape_is_no_journal_and_that_is_said() {
    let output = journal(&[r#"{"tape":1}"#]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("-: not a journal"), "{error}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_timeline_says_what_happened_in_order_and_folds_what_repeats() {
    let asked = request(1, "a/1");
    let mut lines = vec![
        HEADER,
        r#"{"at_ms":0,"waited_ms":2000,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &asked,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":500,"conn":1,"kind":"received","frame":"text","text":"sub"}"#,
        r#"{"at_ms":700,"kind":"state","text":"partition both"}"#,
    ];
    lines.extend([r#"{"at_ms":1000,"kind":"sent","what":"json","to":1}"#; 40]);
    lines.extend([
        r#"{"at_ms":2000,"kind":"accepted","times":1204,"over_ms":1000,"what":"accepted","text":"accepted ×1,204 in 1.0 s"}"#,
        r#"{"at_ms":2000,"conn":1,"kind":"dropped","end":"reset"}"#,
    ]);
    let output = journal_with(&["--timeline"], &lines);
    let page = String::from_utf8(output.stdout).unwrap();
    let expected = concat!(
        "\ntimeline\n",
        "      0.000000  #1    accepted\n",
        "      0.001000  #1    upgraded\n",
        "      0.500000  #1    ← text \"sub\"\n",
        "      0.700000        partition both\n",
        "      1.000000        → json ×40, to 1.000000\n",
        "      2.000000        accepted ×1,204 in 1.0 s\n",
        "      2.000000  #1    reset\n",
    );
    assert!(page.ends_with(expected), "{page}");
    assert!(
        page.contains("101 /ws, reset"),
        "the connections too:\n{page}"
    );

    let without = journal(&lines);
    assert!(
        !String::from_utf8(without.stdout)
            .unwrap()
            .contains("timeline")
    );

    lines.push(r#"{"at_ms":"no"}"#);
    lines.push(r#"{"at_ms":3000,"kind":"end"}"#);
    let broken = journal_with(&["--timeline"], &lines);
    assert_eq!(broken.status.code(), Some(2), "{broken:?}");
}

#[test]
fn what_was_summed_up_counts_in_the_totals_and_is_claimed_of_no_connection() {
    let asked = request(1, "a/1");
    let lines = [
        HEADER,
        r#"{"at_ms":0,"waited_ms":2000,"kind":"began"}"#,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &asked,
        r#"{"at_ms":1,"conn":1,"kind":"upgraded"}"#,
        r#"{"at_ms":2,"conn":1,"kind":"received","frame":"text","text":"sub"}"#,
        r#"{"at_ms":3,"conn":2,"kind":"accepted"}"#,
        r#"{"at_ms":1000,"kind":"upgraded","times":9,"over_ms":900,"what":"upgraded","text":"upgraded ×9 in 0.9 s"}"#,
        r#"{"at_ms":1000,"kind":"received","times":99,"over_ms":900,"what":"← text","text":"← text ×99 in 0.9 s"}"#,
        r#"{"at_ms":1000,"kind":"sent","times":5,"over_ms":900,"what":"→ pong","text":"→ pong ×5 in 0.9 s"}"#,
    ];
    let page = String::from_utf8(journal(&lines).stdout).unwrap();
    let totals = "2 dials: 10 upgraded, 0 refused by a port that was down, 0 reset by it\n\
                  0 sent to all (0.0/s), 5 to one, 100 received (100.0/s); 0 found nobody\n\
                  what came too fast was summed up";
    assert!(page.contains(totals), "{page}");
    let rows = [
        "101 /ws, open, or its end",
        "  no answer listed, open, or its end",
    ];
    assert!(rows.iter().all(|row| page.contains(row)), "{page}");

    let told = String::from_utf8(journal(&lines[..7]).stdout).unwrap();
    assert!(told.contains("  no answer, open\n"), "{told}");
    assert!(!told.contains("summed up"), "{told}");
}

#[test]
fn numbers_beyond_all_counting_are_no_crash() {
    let many = |kind: &str| {
        format!(
            r#"{{"at_ms":1,"kind":"{kind}","times":18446744073709551615,"over_ms":1,"what":"","text":""}}"#
        )
    };
    let missing = r#"{"at_ms":1,"kind":"missing","entries":18446744073709551615}"#;
    let kinds = ["accepted", "dial_refused", "dial_reset", "received", "lost"].map(many);
    let mut lines = vec![HEADER, missing, missing];
    lines.extend(kinds.iter().chain(&kinds).map(String::as_str));
    lines.push(r#"{"at_ms":2,"kind":"lost","what":"json"}"#);
    lines.push(r#"{"at_ms":2,"kind":"dial_refused"}"#);
    let output = journal(&lines);
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{page}");
    assert!(
        page.contains("18446744073709551615 dials: 0 upgraded"),
        "{page}"
    );
}

#[test]
fn what_a_client_asked_for_steers_no_terminal() {
    let asked = request(1, "a\\u001b[2J").replace("/ws?a=1", "/\\u001b]0;x\\u0007");
    let lines = [
        HEADER,
        r#"{"at_ms":0,"conn":1,"kind":"accepted"}"#,
        &asked,
        r#"{"at_ms":1,"kind":"note","text":"not met: \u001b[31mred"}"#,
    ];
    for args in [&[][..], &["--timeline"]] {
        let page = String::from_utf8(journal_with(args, &lines).stdout).unwrap();
        assert!(page.contains("[2J") && page.contains("]0;x"), "{page:?}");
        assert!(
            !page.contains(|c: char| c.is_control() && c != '\n'),
            "{page:?}"
        );
    }
}

#[test]
fn a_second_run_in_the_file_is_named_as_such() {
    let output = journal(&[HEADER, r#"{"at_ms":0,"kind":"end"}"#, HEADER]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains(":3: another journal begins here; "),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(2));
}
