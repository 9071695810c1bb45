"""Errors carry the engine's own messages."""

from __future__ import annotations

from pathlib import Path

import pytest
import wstape

CARET = """
  |
2 | {"at_ms":1,"dorp":"reset"}
  |            ^^^^^^
"""


def test_a_flawed_tape_is_shown_with_a_caret() -> None:
    with pytest.raises(wstape.TapeError) as error:
        wstape.serve([{"at_ms": 1, "dorp": "reset"}])
    sentence = str(error.value)
    assert sentence.startswith('tape.jsonl:2:12: unknown key "dorp" (did you mean "drop"?)')
    assert CARET in sentence


def test_so_is_a_flawed_step_of_a_running_engine(engine: wstape.Engine) -> None:
    with pytest.raises(wstape.TapeError) as error:
        engine.steps([{"at_ms": 1, "dorp": "reset"}])
    sentence = str(error.value)
    assert sentence.startswith('request:2:12: unknown key "dorp"') and CARET in sentence
    with pytest.raises(wstape.TapeError, match="999999 is beyond|65535"):
        engine.close(999999)


def test_a_tape_that_is_not_there_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(wstape.TapeError) as error:
        wstape.serve("nowhere", looked_in=[tmp_path, tmp_path])
    assert str(error.value) == f"there is no tape 'nowhere' or 'nowhere.jsonl' in {tmp_path}"


def test_a_path_that_is_not_there_is_said_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(wstape.TapeError) as error:
        wstape.serve(tmp_path / "nowhere.jsonl")
    assert str(error.value) == f"there is no tape {str(tmp_path / 'nowhere.jsonl')!r}"


def test_a_wrong_option_is_the_engines_sentence() -> None:
    with pytest.raises(wstape.EngineError, match="expected first-connection, now, or connections:N"):
        wstape.serve(start="later")


def test_a_connection_that_is_not_there_is_said_with_which_there_are(engine: wstape.Engine) -> None:
    with pytest.raises(wstape.EngineError) as error:
        engine.drop(conn=9)
    said = "there has been no connection 9 to `drop`; there is no connection now"
    # The step's place comes first: line 2, after the header that the package writes.
    assert str(error.value).endswith(said)
    assert not isinstance(error.value, wstape.TapeError)


def test_a_wait_in_vain_says_what_is_so_instead(engine: wstape.Engine) -> None:
    with pytest.raises(TimeoutError, match=r"not reached within 20 ms: 0 connections, 0 open, 0 messages"):
        engine.wait_for(connections=1, timeout=0.02)
    with pytest.raises(wstape.EngineError, match="nothing to wait for"):
        engine.wait_for()


def test_an_engine_that_was_killed_says_so_and_one_that_was_stopped_too(gone: object) -> None:
    with wstape.serve() as engine:
        engine._process._child.kill()
        with pytest.raises(wstape.EngineGone, match="it ended with status -9"):
            engine.drop()
        assert "it ended with status -9" in engine.report()
    with pytest.raises(wstape.EngineGone, match="it was stopped"):
        engine.drop()
    engine.stop()


def test_a_program_that_is_missing_is_said_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WSTAPE_BIN", str(tmp_path / "wstape"))
    with pytest.raises(wstape.BinaryNotFound, match="WSTAPE_BIN is '.*', which is no program"):
        wstape.serve()
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fno program")
    broken.chmod(0o755)
    monkeypatch.setenv("WSTAPE_BIN", str(broken))
    with pytest.raises(wstape.EngineError, match="broken can't be started: Exec format error"):
        wstape.serve()
    monkeypatch.delenv("WSTAPE_BIN")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(tmp_path))
    monkeypatch.setattr("wstape._binary.__file__", str(tmp_path / "lib/python3/site-packages/wstape/_binary.py"))
    with pytest.raises(wstape.BinaryNotFound, match=r"cargo install --path crates/wstape"):
        wstape.serve()
