"""Any acts at any time over any slicing: nothing is lost that no act takes, order stays, and nothing raises."""

import random

import pytest

from harness.deeds.acts import Answers, Buffers, Clears, KillsIdle, MutesStreams, ResetsStreams, ShowsPortal
from harness.network.ends import How, Side
from tests.middle.bench import END, OPENED, POLL, SHOWN, START, STREAM, Bench, chunk, event, marked

DELAYING = [Buffers(size=300), Buffers(each_event=True), Buffers(seconds=2.0), Clears()]
EVERY = [
    *DELAYING,
    Answers(status=503),
    Answers(status=403, to="streams", times=1),
    ShowsPortal(),
    MutesStreams(),
    ResetsStreams(),
    KillsIdle(after=3.0),
    KillsIdle(after=3.0, how="524"),
    KillsIdle(after=3.0, how="silently"),
]


def pieces(chance, wire):
    at = 0
    while at < len(wire):
        size = chance.choice([1, 3, 20, 200, 3000])
        yield wire[at : at + size]
        at += size


def play(tmp_path, seed, acts, conversation):
    """Send the turns of a conversation in pieces, with acts begun and undone in between."""
    chance = random.Random(seed)
    bench = Bench(tmp_path)
    for number, turn in enumerate(conversation):
        for piece in pieces(chance, turn):
            if chance.random() < 0.1:
                bench.middle.do(chance.randrange(20), chance.choice(acts))
            if chance.random() < 0.1:
                bench.middle.undo(chance.randrange(20))
            if chance.random() < 0.2:
                bench.tick(chance.random() * 4)
            if number % 2:
                bench.answer(piece)
            else:
                bench.ask(piece)
    bench.stage.leaves(Side.SERVER, How.FIN)
    bench.stage.ended()
    bench.journal.close()
    return bench


def stream(chance):
    bodies = [event(number, "€" * chance.randrange(80)) for number in range(30)]
    return b"".join(chunk(body) for body in bodies) + END


@pytest.mark.parametrize("seed", range(40))
def test_delays_lose_nothing_and_keep_order(tmp_path, seed):
    wire = stream(random.Random(seed))
    bench = play(tmp_path, seed, DELAYING, [START + STREAM, SHOWN + OPENED + wire, POLL, SHOWN])
    assert bench.to_client == SHOWN + OPENED + wire + SHOWN
    assert bench.raw_to_server == marked(START, 1) + marked(STREAM, 2) + marked(POLL, 3)
    assert [answer.rid for answer in bench.responses] == [1, 2, 3]


@pytest.mark.parametrize("seed", range(60))
def test_any_acts_make_a_sound_conversation(tmp_path, seed):
    wire = stream(random.Random(seed))
    bench = play(tmp_path, seed, EVERY, [START, SHOWN, STREAM, OPENED + wire, POLL + POLL, SHOWN + SHOWN])
    answered = [answer.rid for answer in bench.responses]
    assert answered == sorted(set(answered))
    assert bench.numbers == [request.rid for request in bench.requests if request.rid in bench.numbers]
    replied = {answer.rid for answer in bench.responses if answer.by and answer.status != 524}
    assert not replied & set(bench.numbers), "what a box answers is not asked of the server"
    assert len(bench.ends) <= 1


@pytest.mark.parametrize("seed", range(40))
def test_garbage_passes_as_it_is_under_any_act(tmp_path, seed):
    chance = random.Random(seed)
    acts = [act for act in EVERY if not isinstance(act, KillsIdle)]
    up, down = b"\x16\x03" + chance.randbytes(9000), b"\x16\x03" + chance.randbytes(9000)
    bench = play(tmp_path, seed, acts, [up, down, up])
    assert (bench.to_server, bench.to_client) == (up + up, down)
    assert bench.boxed == []


@pytest.mark.parametrize("seed", range(40))
def test_broken_framing_passes_as_it_is(tmp_path, seed):
    wire = stream(random.Random(seed))[:2000] + b"zz\r\n" + bytes(500)
    bench = play(tmp_path, seed, DELAYING, [STREAM, OPENED + wire])
    assert bench.to_client == OPENED + wire


@pytest.mark.parametrize("seed", range(40))
def test_cut_gives_a_part_of_one_event_and_all_before_it(tmp_path, seed):
    chance = random.Random(seed)
    bench = Bench(tmp_path)
    bench.open()
    whole, armed = b"", chance.randrange(20)
    for number, piece in enumerate(pieces(chance, stream(chance))):
        if number == armed:
            assert bench.stage.cut(
                chance.choice([How.FIN, How.RST]), chance.choice(["id", "data", "character", "event"])
            )
        whole += piece
        bench.answer(piece)
    bench.journal.close()
    got = bench.to_client[len(OPENED) :]
    assert whole.startswith(got)
    assert bench.boxed in ([("cut", 1)], [])
    assert bool(bench.ends) == bool(bench.boxed) == (got != whole)
    assert not got.endswith((b"\n\n", b"\n\n\r\n")) or not bench.boxed
