"""What an engine can be told and asked, from plain functions."""

from __future__ import annotations

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import wstape
from websockets import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

RECV_S = 10.0


def test_what_is_sent_arrives_as_it_is(engine: wstape.Engine) -> None:
    with connect(engine.url) as link:
        engine.wait_for(connections=1)
        engine.send({"seq": 1, "note": "${not a reference} $${x} é", "${key}": ["${conn}"]})
        engine.send_text("{not JSON")
        engine.send_bytes(b"\x00\xff")
        assert link.recv(RECV_S) == '{"seq":1,"note":"${not a reference} $${x} é","${key}":["${conn}"]}'
        assert link.recv(RECV_S) == "{not JSON"
        assert link.recv(RECV_S) == b"\x00\xff"


def test_what_clients_send_is_told_and_waited_for(engine: wstape.Engine) -> None:
    with connect(engine.url) as one, connect(engine.url) as two:
        one.send("hello")
        engine.wait_for(received={"kind": "text", "text": "hello"})
        two.send(b"\x01")
        engine.wait_for(messages=2, open=2)
    assert engine.received() == ["hello", b"\x01"]
    assert engine.received(conn=2) == [b"\x01"]


def test_a_close_has_the_code_and_the_reason(engine: wstape.Engine) -> None:
    with connect(engine.url) as link:
        engine.close(1012, "restart")
        with pytest.raises(ConnectionClosedError) as closed:
            link.recv(RECV_S)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "restart")


def test_a_verb_for_one_connection_leaves_the_others(engine: wstape.Engine) -> None:
    with connect(engine.url) as one, connect(engine.url) as two:
        engine.drop(conn=1)
        with pytest.raises(ConnectionClosedError):
            one.recv(RECV_S)
        assert [each.conn for each in engine.connections()] == [2]
        engine.send(2, conn=2)
        assert two.recv(RECV_S) == "2"


def test_a_partition_holds_what_heals_lets_go(engine: wstape.Engine) -> None:
    with connect(engine.url) as link:
        engine.wait_for(connections=1)
        engine.partition("to_client")
        engine.send("held")
        link.send("passes")
        engine.wait_for(messages=1)
        assert engine.connections()[0].held
        with pytest.raises(TimeoutError):
            link.recv(0.05)
        engine.heal()
        assert link.recv(RECV_S) == '"held"'


def test_handshakes_are_refused_as_often_as_told(engine: wstape.Engine) -> None:
    engine.refuse(429, times=1, headers={"retry-after": "2"}, body={"error": "busy"})
    with pytest.raises(InvalidStatus) as refused, connect(engine.url):
        pass
    response = refused.value.response
    assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    assert response.body == b'{"error":"busy"}'
    engine.refuse()
    engine.refuse(None)
    with connect(engine.url):
        pass


def test_every_other_fault_is_set_and_cleared(engine: wstape.Engine) -> None:
    engine.latency(5, direction="to_client")
    engine.bandwidth(1_000_000)
    engine.hang()
    engine.pongs("withheld")
    states = [entry["text"] for entry in engine.journal() if entry["kind"] == "state"]
    engine.clear()
    assert [state.split()[0] for state in states] == ["latency", "bandwidth", "hang", "pongs"]
    engine.mark("all is well")
    with connect(engine.url):
        pass
    engine.down()
    with pytest.raises(OSError), connect(engine.url):
        pass
    engine.up()
    with connect(engine.url):
        pass
    assert 'mark "all is well"' in engine.timeline()


def test_steps_answer_what_a_client_says(engine: wstape.Engine) -> None:
    engine.steps([{"on_message": {"json": {"op": "subscribe"}}, "json": {"id": "${/id}"}}])
    with connect(engine.url) as link:
        link.send('{"op":"subscribe","id":7}')
        assert link.recv(RECV_S) == '{"id":7}'


def test_a_step_by_itself_is_played_too(engine: wstape.Engine) -> None:
    engine.steps({"on_connect": "each", "after_frames": 0, "text": "hi"})
    with connect(engine.url) as link:
        assert link.recv(RECV_S) == "hi"


def test_another_tape_plays_to_open_connections(engine: wstape.Engine) -> None:
    with connect(engine.url) as link:
        engine.put_tape([{"at_ms": 0, "text": "anew"}])
        assert link.recv(RECV_S) == "anew"


def test_a_tape_begins_with_its_second_client_and_says_what_was_met() -> None:
    def expect(text: str, after_ms: int) -> dict[str, object]:
        wanted = {"after_ms": after_ms, "received": {"kind": "text", "text": text}}
        return {"at_ms": 0, "expect": wanted}

    tape = [expect("I am", 600_000), expect("still coming", 600_000), expect("nobody is", 1)]
    tape.append({"at_ms": 2, "text": "both are here"})
    with wstape.serve(tape, start="connections:2") as engine:
        with connect(engine.url) as one, connect(engine.url) as two:
            assert one.recv(RECV_S) == two.recv(RECV_S) == "both are here"
            one.send("I am")
            engine.wait_for(messages=1)
            verdict = engine.verdict()
    # An `expect` counts as met at once, whatever time is left for it.
    assert (verdict.met, verdict.unmet, verdict.open, len(verdict.not_met)) == (1, 1, 1, 1)
    assert '"nobody is"' in verdict.not_met[0]


def test_tapes_are_paths_texts_and_steps_and_lie_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "greet.jsonl"
    path.write_text('{"tape":1}\n{"on_connect":"each","after_frames":0,"text":"hi"}\n')
    overlays = ['{"tape":1}\n{"on_connect":2,"after_frames":0,"drop":"reset"}\n']
    with wstape.serve(path, overlays=overlays, token="t0k", args=["--path", "/feed"]) as engine:
        url = engine.url.rsplit("/", 1)[0] + "/feed"
        with pytest.raises(InvalidStatus), connect(engine.url):
            pass
        headers = {"Authorization": "Bearer t0k"}
        with connect(url, additional_headers=headers) as link:
            assert link.recv(RECV_S) == "hi"


def test_tls_is_trusted_by_the_context_of_the_engine() -> None:
    with wstape.serve([{"on_connect": "each", "after_frames": 0, "text": "safe"}], tls=True) as engine:
        assert engine.url.startswith("wss://")
        strict = engine.ssl_context()
        # The default from Python 3.13 on.
        strict.verify_flags |= ssl.VERIFY_X509_STRICT
        with connect(engine.url, ssl=strict) as link:
            assert link.recv(RECV_S) == "safe"


def test_a_page_shows_the_run(engine: wstape.Engine) -> None:
    page, token = engine.page.split("#token=")
    with urllib.request.urlopen(page) as answer:
        assert answer.headers["content-type"].startswith("text/html")
    asked = urllib.request.Request(f"{page}v1/engine", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["url"] == engine.url


def test_two_engines_run_side_by_side(serve: Callable[..., wstape.Engine]) -> None:
    one, two = serve(), serve()
    assert one.url != two.url
    with connect(one.url):
        pass
    one.wait_for(connections=1)
    with pytest.raises(wstape.WaitTimeout, match="0 connections"):
        two.wait_for(connections=1, timeout=0)


async def test_a_wait_that_would_hold_up_its_event_loop_is_refused(engine: wstape.Engine) -> None:
    with pytest.raises(RuntimeError, match=r"await engine\.aio\.wait_for\(\) instead"):
        engine.wait_for(connections=1)


async def test_a_wait_that_is_cancelled_leaves_no_thread_behind(engine: wstape.Engine) -> None:
    async def are_waiting(requests: int) -> None:
        while engine.waiting() != requests:
            await asyncio.sleep(0.01)

    waiting = asyncio.create_task(engine.aio.wait_for(connections=1, timeout=2 * RECV_S))
    await asyncio.wait_for(are_waiting(1), RECV_S)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait_for(are_waiting(0), RECV_S)
    # A thread that is still waiting would block this.
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), RECV_S)
