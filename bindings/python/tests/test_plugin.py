"""What pytest users get: fixtures, markers, and what a failing test shows."""

from __future__ import annotations

import textwrap

import pytest


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return pytester


COMES_BACK_NOT = """
    from websockets.sync.client import connect

    def test_it_comes_back(engine):
        with connect(engine.url) as link:
            link.send("hello")
            engine.wait_for(messages=1)
            engine.drop()
            engine.wait_for(connections=2, timeout=0.2)
"""


def test_the_report_of_a_failing_test_has_the_timeline(run: pytest.Pytester) -> None:
    run.makepyfile(COMES_BACK_NOT)
    result = run.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    out = result.stdout
    out.fnmatch_lines(
        [
            ">*engine.wait_for(connections=2, timeout=0.2)",
            "E*wstape.WaitTimeout: not reached within 200 ms: 1 connections, 0 open, 1 messages",
            "*- engine ws://127.0.0.1:* -*",
            "1 dials: 1 upgraded,*",
            "*101 /ws, reset",
            "*never came back: #1 ended at*",
            "timeline",
            "*#1    accepted",
            "*#1    ← text \"hello\"",
            "*#1    reset",
        ]
    )
    assert "_control.py" not in out.str(), "its own code is of no interest"


def test_the_report_is_short_however_long_the_run_was(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        from websockets.sync.client import connect

        def test_long(engine):
            with connect(engine.url):
                engine.steps({"at_ms": 0, "mark": f"m{n}"} for n in range(3000))
                assert False
        """
    )
    out = run.runpytest_subprocess().stdout.str()
    assert "lines more; engine.journal() has them all" in out
    assert len(out.splitlines()) < 300


def test_a_test_that_passes_shows_nothing(run: pytest.Pytester) -> None:
    run.makepyfile("def test_it(engine):\n    engine.mark('x')\n")
    result = run.runpytest_subprocess("-rA")
    result.assert_outcomes(passed=1)
    assert "timeline" not in result.stdout.str()


def test_what_a_tape_expects_and_does_not_get_fails_the_test(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import pytest
        from websockets.sync.client import connect

        TAPE = [{"at_ms": 0, "expect": {"received": {"kind": "text", "text": "hello"}}},
                {"at_ms": 1, "text": "over"}]

        @pytest.mark.tape(TAPE, start="connections:1")
        def test_it_says_hello(engine):
            with connect(engine.url) as link:
                link.recv(5)
        """
    )
    result = run.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the tape expects what did not happen", '  not met: *"hello"*'])


def test_so_does_what_it_expects_of_a_client_who_never_came(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import pytest

        @pytest.mark.tape([{"at_ms": 0, "expect": {"received": {"kind": "text", "text": "hello"}}}])
        def test_it_says_hello(engine):
            pass

        @pytest.mark.tape([{"at_ms": 0, "text": "hello"}])
        def test_nothing_is_expected(engine):
            pass
        """
    )
    result = run.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["the tape expects something of a client, but never started: the clients it waits for did not connect"])


def test_so_does_what_it_expects_when_the_test_ends_before_its_time_is_over(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import pytest
        from websockets.sync.client import connect

        TAPE = [{"at_ms": 0, "expect": {"after_ms": 60000, "received": {"kind": "text", "text": "hello"}}},
                {"at_ms": 1, "text": "over"}]

        @pytest.mark.parametrize("said", ["hello", "something else"])
        @pytest.mark.tape(TAPE, start="connections:1")
        def test_it_says_hello(engine, said):
            with connect(engine.url) as link:
                link.recv(5)
                link.send(said)
                engine.wait_for(messages=1)
        """
    )
    result = run.runpytest_subprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["  not met when the test ended, with time left: 1"])


def test_tapes_are_found_by_name_beside_the_test_and_where_the_ini_says(run: pytest.Pytester) -> None:
    tape = '{"tape":1,"title":"TITLE"}\n{"at_ms":0,"text":"x"}\n'
    for folder in ("tapes", "more", "sub/tapes"):
        path = run.path / folder
        path.mkdir(parents=True)
        name = folder.replace("/", "-")
        (path / f"{name}.jsonl").write_text(tape.replace("TITLE", name))
    run.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nwstape_tapes = tapes more\n")
    (run.path / "sub/test_names.py").write_text(
        textwrap.dedent(
            """
            import pytest

            @pytest.mark.tape("sub-tapes")
            def test_beside(engine):
                pass

            @pytest.mark.tape("more.jsonl")
            def test_ini(engine):
                pass

            @pytest.mark.parametrize("engine", ["tapes", [{"at_ms": 0, "mark": "x"}]], indirect=True)
            def test_parameters(engine):
                pass

            @pytest.mark.tape("none")
            def test_none(engine):
                pass
            """
        )
    )
    result = run.runpytest_subprocess()
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["E*there is no tape 'none' or 'none.jsonl' in *"])


def test_an_engine_that_crashed_fails_the_test_that_saw_nothing_of_it(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import os, signal

        def test_it(engine):
            os.kill(engine.pid, signal.SIGKILL)
        """
    )
    result = run.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the engine does not answer*it ended with status -9*"])


def test_tests_run_side_by_side_under_xdist(run: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    run.makepyfile(
        """
        import pytest
        from websockets.sync.client import connect

        @pytest.mark.parametrize("n", range(12))
        def test_own(engine, n):
            with connect(engine.url) as link:
                engine.send(n)
                assert link.recv(5) == str(n)
                engine.wait_for(connections=1, timeout=5)
                assert len(engine.connections()) == 1
                assert n != 7
        """
    )
    result = run.runpytest_subprocess("-n", "2")
    result.assert_outcomes(passed=11, failed=1)
    result.stdout.fnmatch_lines(["*- engine ws://127.0.0.1:* -*", "timeline"])
