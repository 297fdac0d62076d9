"""The gate's record of what a client's socket took is what the reference client read, event by event, in each world."""

from collections import defaultdict

import pytest
import trio

from harness.clients.callbacks import EVENTS
from harness.fuzz.generate import invent
from harness.history import (
    App,
    Attempt,
    AttemptEnd,
    Block,
    Body,
    Conn,
    ConnEnd,
    Delivered,
    Emit,
    History,
    Request,
    Response,
    Results,
    StreamBegan,
    read_history,
)
from harness.history.files import HISTORY
from harness.history.records import PING
from harness.run.rehearsal import rehearse
from harness.run.runner import Runner
from harness.scenario import Scenario, plans
from harness.world import real

OWN_DOING = {"done", "closed", "cancelled", "signal", "watchdog", "suspect", "too-big", "status", "wrong-type"}
"""The ends of attempts that the client ends by itself, be there bytes in its socket."""
KILLED = {"error"}
"""And those whose socket dies with what was not read of it: the path is lost, the gate sends RST."""


def streams(history: History) -> dict[tuple[str, int], tuple[list[tuple[str, bool]], list[tuple[str, bool]], str]]:
    """By client and attempt: the id buffer after each block, as the client has it and as its socket got it; the end."""
    attempt: dict[str, int] = {}
    of_rid: dict[int, tuple[str, int]] = {}
    read: dict[tuple[str, int], list[tuple[str, bool]]] = defaultdict(list)
    got: dict[tuple[str, int], list[Delivered]] = defaultdict(list)
    ends: dict[tuple[str, int], str] = {}
    for record in history.records:
        match record:
            case Attempt():
                attempt[record.client] = record.n
            case AttemptEnd():
                ends[record.client, record.n] = record.how
            case Block():
                read[record.client, record.attempt].append((record.id, record.event))
            case Request(what="stream") if record.client in attempt:
                of_rid[record.rid] = record.client, attempt[record.client]
            case Delivered(retry=-1):
                got[of_rid[record.rid]].append(record)
    return {key: (read[key], _buffers(got[key], read[key]), ends.get(key, "cancelled")) for key in of_rid.values()}


def _buffers(got: list[Delivered], read: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """At a reset the client asks for the state, and its buffer is that state's id."""
    asked = {place for place, one in enumerate(got[: len(read)]) if one.type == "reset"}
    return [(read[place][0] if place in asked else one.id, one.event) for place, one in enumerate(got)]


def check(history: History) -> int:
    """All that holds of every run; returns how many events were compared."""
    compared = 0
    for key, (read, got, end) in streams(history).items():
        assert got[: len(read)] == read, key
        if end not in OWN_DOING | KILLED:
            assert got == read, (key, end)
        compared += len(read)
    check_order(history)
    check_bodies(history)
    return compared


def check_order(history: History) -> None:
    """Nothing comes before its cause, nor after the client's own end; all of it was emitted."""
    gone: set[int] = set()
    heads: dict[int, Response] = {}
    began: set[int] = set()
    emitted = {(emit.digest, emit.type) for emit in history.all(Emit)}
    got = defaultdict(set)
    client = {conn.cid: conn.client for conn in history.all(Conn)}
    for record in history.records:
        match record:
            case ConnEnd(side="client", how="fin" | "rst"):
                gone.add(record.cid)
            case Response():
                heads[record.rid] = record
            case StreamBegan():
                assert heads[record.rid].content_type == "text/event-stream"
                assert record.cid not in gone
                began.add(record.rid)
            case Delivered():
                assert record.rid in began
                assert record.cid not in gone
                assert client[record.cid] != "canary"
                if record.event and record.type not in {"reset", PING}:
                    assert (record.digest, record.type) in emitted
                got[client[record.cid]].add(record.digest)
            case App(source="stream") if record.digest and record.callback in EVENTS:
                assert record.digest in got[record.client], "shown before its socket had it"


def check_bodies(history: History) -> None:
    """Each answer that is no stream has one body, whole where the client had it whole."""
    client = {conn.cid: conn.client for conn in history.all(Conn)}
    plain = [
        answer.rid
        for answer in history.all(Response)
        if answer.content_type != "text/event-stream" and client[answer.cid] != "canary"
    ]
    bodies = {body.rid: body for body in history.all(Body)}
    assert sorted(bodies) == sorted(plain)
    assert len(bodies) == len(history.all(Body))
    whole = {(body.length, body.digest) for body in bodies.values() if body.whole}
    for results in history.all(Results):
        if results.whole and results.digest:
            assert (results.length, results.digest) in whole


HARD = {"payload": "hostile", "line ends": "mixed", "retry": "2s", "keepalive": "300ms"}
TIMELINES = {
    "nothing": {},
    "slices": {"0s": {"wifi": "sliced to 7B for 2s"}, "1s": {"wifi": "reset mid data"}},
    "cuts": {
        "0.6s": {"wifi": "reset mid data"},
        "1.8s": {"wifi": "closed mid id"},
        "3s": {"wifi": "reset mid character"},
        "4.2s": {"wifi": "closed mid event"},
    },
    "silence": {"1s": {"wifi": "silent for 3s"}, "4.5s": {"wifi": "stalled for 1s"}},
    "ends": {"1s": {"wifi": "reset once"}, "2.5s": {"wifi": "closed once"}, "4s": {"wifi": "refused for 500ms"}},
    "buffers": {
        "0s": {"middle": "buffers 1KB for 1500ms"},
        "2s": {"middle": "buffers each event for 1500ms"},
        "4s": {"middle": "buffers 400ms for 1s"},
        "4.3s": {"wifi": "reset once"},
    },
    "mutes": {"0.7s": {"middle": "mutes streams for 2s"}, "3.5s": {"middle": "resets streams for 1s"}},
    "answers": {
        "0.7s": {"wifi": "closed once", "middle": "answers 503 to streams for 2s"},
        "4s": {"middle": "shows portal for 500ms", "wifi": "closed once"},
    },
    "hand-over": {
        "1s": {"wifi": "silent"},
        "1.4s": {"device": "loses wifi"},
        "2s": {"device": "joins cellular"},
        "4s": {"device": "suspends for 1s"},
        "5.5s": {"device": "suspends for 300ms silently"},
    },
    "server": {
        "1s": {"server": "sends retry 250ms"},
        "1.5s": {"server": "repeats 5"},
        "2s": {"server": "restarts losing log after 300ms"},
        "4s": {"job": "bursts 400/s for 500ms"},
    },
}


def scenario(name: str, **server: str) -> Scenario:
    return Scenario(
        scenario=name,
        job={"lasts": "6s", "updates": "every 50ms", "event size": "300B"},
        paths={"wifi": "wifi", "cellular": "lte"},
        server=HARD | server,
        client={"fallback": "poll every 500ms after 2 failures", "retry stream": "every 1s", "watchdog": "2s"},
        timeline=TIMELINES[name],
    )


@pytest.mark.parametrize("frames", ["plain", "varied"])
@pytest.mark.parametrize("ends", ["mixed", "cr", "crlf"])
@pytest.mark.parametrize("name", TIMELINES)
def test_sockets_got_what_the_client_read_in_virtual_time(name, ends, frames):
    plan = plans(scenario(name, **{"line ends": ends, "frames": frames}), world="virtual")[0]
    assert check(rehearse(plan, proofs=False)) > 40


def test_a_reset_leaves_the_client_with_the_id_of_the_state():
    check(rehearse(invent(51385).plan(client=None, project=None), proofs=False))


@pytest.mark.parametrize("block", range(4))
def test_sockets_got_what_the_client_read_in_invented_runs(block):
    for seed in range(block * 15, block * 15 + 15):
        check(rehearse(invent(seed).plan(client=None, project=None), proofs=seed % 15 == 0))


def test_a_record_that_is_missing_or_in_another_place_is_found():
    history = rehearse(plans(scenario("ends"), world="virtual")[0], proofs=False)
    places = [place for place, record in enumerate(history.records) if isinstance(record, Delivered) and record.event]
    one, other = places[len(places) // 2], places[len(places) // 2 + 1]
    for changed in (
        [*history.records[:one], *history.records[one + 1 :]],
        [*history.records[:one], history.records[other], *history.records[one + 1 :]],
    ):
        with pytest.raises(AssertionError):
            check(History(changed))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slices", "cuts", "hand-over"])
async def test_sockets_got_what_the_client_read_on_real_sockets(tmp_path, name):
    plan = plans(scenario(name), world="real")[0]
    with trio.fail_after(60):
        await Runner(plan, tmp_path / HISTORY, toxiproxy="embedded", world=real.world()).run(trio.Event())
    assert check(read_history(tmp_path / HISTORY)) > 60
