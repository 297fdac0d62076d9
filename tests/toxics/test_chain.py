import math
import random

import pytest

from harness.toxics import Chain
from tests.toxics.drive import chain_of, drive, paced, sizes, spec, times


def test_an_empty_chain_is_transparent():
    chain = chain_of()
    assert chain.transparent
    assert chain.room
    assert chain.next_due() == math.inf
    assert drive(chain, paced(3, 0.1)) == [(0.0, b"\x00"), (0.1, b"\x01"), (0.2, b"\x02")]


def test_toxics_act_in_creation_order():
    chain = chain_of(
        spec("latency", latency=100), spec("bandwidth", rate=10), spec("slicer", average_size=100, delay=1000)
    )
    out = drive(chain, [(0.0, b"x" * 350), (0.0, b"y" * 10)])
    assert sizes(out) == [(0.135, 87), (0.136, 88), (0.137, 87), (0.138, 88), (0.139, 10)]


def test_a_busy_stage_holds_the_one_before():
    """bandwidth takes a chunk only when the slicer behind it has done with the last one."""
    chain = chain_of(spec("bandwidth", rate=1000), spec("slicer", average_size=1, delay=100_000))
    assert times(drive(chain, [(0.0, b"ab"), (0.0, b"cd")])) == [0.000002, 0.100002, 0.200002, 0.300002]


def test_what_waited_for_a_busy_stage_is_counted_from_its_hand_on():
    """The slicer is busy with a to 0.5 s; only then b leaves the bandwidth stage, and c begins to be sent."""
    chain = chain_of(spec("bandwidth", rate=1), spec("slicer", average_size=20, delay=50_000))
    out = drive(chain, [(0.0, b"a" * 100), (0.0, b"b" * 10), (0.0, b"c" * 90)])
    first = {piece[:1]: at for at, piece in reversed(out)}
    assert first == {b"a": 0.1, b"b": 0.5, b"c": 0.59}


def test_the_end_follows_the_data():
    chain = chain_of(spec("latency", latency=500))
    chain.push(0.0, b"last")
    chain.close(0.1)
    assert chain.pop(0.4) == []
    assert not chain.ended
    assert chain.pop(0.5) == [b"last"]
    assert chain.ended


@pytest.mark.parametrize(("kind", "attributes"), [("latency", {"latency": 500}), ("bandwidth", {"rate": 0})])
def test_the_end_of_an_idle_stream_is_not_delayed(kind, attributes):
    chain = chain_of(spec(kind, **attributes))
    chain.close(1.0)
    assert chain.next_due() <= 1.0
    assert chain.pop(1.0) == []
    assert chain.ended


def test_the_end_waits_behind_a_stall():
    chain = chain_of(spec("bandwidth", rate=0))
    chain.push(0.0, b"x")
    chain.close(0.0)
    assert chain.pop(99.0) == []
    assert not chain.ended
    chain.remove(99.0, "bandwidth")
    assert chain.pop(99.0) == [b"x"]
    assert chain.ended


def test_closing_twice_is_closing_once():
    chain = chain_of()
    chain.close(0.0)
    chain.close(0.0)
    assert chain.pop(0.0) == []
    assert chain.ended


def test_pushing_without_room_breaks_an_invariant():
    chain = chain_of(spec("bandwidth", rate=0))
    while chain.room:
        chain.push(0.0, b"x")
    with pytest.raises(AssertionError, match="full chain"):
        chain.push(0.0, b"x")


def test_added_toxics_come_last_and_let_the_held_chunk_past():
    """The latency stage lets go of one chunk; its queue keeps its delay and feels the new stage as well."""
    chain = chain_of(spec("latency", latency=1000))
    add = spec("slicer", average_size=1, delay=1000)
    out = drive(chain, [(0.0, b"ab"), (0.01, b"cd")], at=[(0.5, lambda now: chain.add(now, add))])
    assert chain.names == ("latency", "slicer")
    assert out == [(0.5, b"ab"), (1.01, b"c"), (1.011, b"d")]


def test_adding_to_an_empty_chain_delays_what_comes_after():
    chain = chain_of()
    out = drive(chain, paced(3, 0.1), at=[(0.05, lambda now: chain.add(now, spec("latency", latency=1000)))])
    assert times(out) == [0.0, 1.1, 1.2]


def test_updating_lets_one_held_chunk_go_and_the_queue_feels_the_new_values():
    """On Toxiproxy, latency 1500 to 400 with four chunks 20 ms apart gave 82, 421, 441, 462 ms."""
    chain = chain_of(spec("latency", latency=1500))
    out = drive(chain, paced(4, 0.02), at=[(0.081, lambda now: chain.update(now, spec("latency", latency=400)))])
    assert times(out) == [0.081, 0.42, 0.44, 0.46]


def test_updating_a_stall_to_a_rate_lets_it_flow():
    chain = chain_of(spec("bandwidth", rate=0))
    update = spec("bandwidth", rate=1)
    out = drive(chain, [(0.0, b"x" * 100)] * 3, at=[(5.0, lambda now: chain.update(now, update))])
    assert times(out) == [5.0, 5.1, 5.2]


def test_updating_one_stage_leaves_the_others_alone():
    chain = chain_of(spec("latency", latency=100), spec("bandwidth", rate=1))
    out = drive(chain, [(0.0, b"x" * 50)], at=[(0.05, lambda now: chain.update(now, spec("bandwidth", rate=10)))])
    assert times(out) == [0.105]


def test_removing_writes_all_that_waits_at_once():
    chain = chain_of(spec("latency", latency=1500))
    out = drive(chain, paced(5, 0.05), at=[(0.6, lambda now: chain.remove(now, "latency"))])
    assert out == [(0.6, bytes([number])) for number in range(5)]
    assert chain.transparent


def test_removing_a_middle_stage_hands_its_chunks_to_the_next_and_restarts_the_one_before():
    chain = chain_of(spec("latency", latency=200), spec("bandwidth", rate=0), spec("slicer", average_size=9))
    out = drive(chain, paced(3, 0.1), at=[(0.35, lambda now: chain.remove(now, "bandwidth"))])
    assert out == [(0.35, b"\x00"), (0.35, b"\x01"), (0.4, b"\x02")]
    assert chain.names == ("latency", "slicer")


def test_removing_a_sliced_rest_hands_it_on_in_one_piece():
    chain = chain_of(spec("slicer", average_size=1, delay=1_000_000))
    out = drive(chain, [(0.0, b"abcdef")], at=[(1.5, lambda now: chain.remove(now, "slicer"))])
    assert out == [(0.0, b"a"), (1.0, b"b"), (1.5, b"cdef")]


def test_toxicity_is_drawn_per_connection_and_holds_for_the_run():
    chains = [chain_of(spec("latency", latency=1000, toxicity=0.5), seed=seed) for seed in range(200)]
    outs = [times(drive(chain, paced(3, 0.1))) for chain in chains]
    assert {tuple(out) for out in outs} == {(0.0, 0.1, 0.2), (1.0, 1.1, 1.2)}
    assert 70 < sum(out[0] == 1.0 for out in outs) < 130


@pytest.mark.parametrize(("toxicity", "first"), [(0.0, 0.0), (1.0, 1.0), (7.5, 1.0)])
def test_toxicity_0_is_never_and_1_or_more_is_always(toxicity, first):
    for seed in range(50):
        assert times(drive(chain_of(spec("latency", latency=1000, toxicity=toxicity), seed=seed), paced(1, 1))) == [
            first
        ]


def poisoned(chain: Chain) -> bool:
    """Return whether the first toxic of the chain won its draw."""
    return chain._stages[1].toxic.type == "latency"


@pytest.mark.parametrize(
    ("behind", "restart"),
    [
        ((), lambda chain: chain.update(0.0, spec("latency", latency=1000, toxicity=0.5))),
        ((), lambda chain: chain.add(0.0, spec("noop"))),
        ((spec("noop"),), lambda chain: chain.remove(0.0, "noop")),
    ],
)
def test_toxicity_is_drawn_again_when_a_stage_restarts(behind, restart):
    moved = 0
    for seed in range(100):
        chain = chain_of(spec("latency", latency=1000, toxicity=0.5), *behind, seed=seed)
        before = poisoned(chain)
        restart(chain)
        moved += poisoned(chain) is not before
    assert 30 < moved < 70


def test_toxicity_stays_when_another_stage_changes():
    for seed in range(50):
        chain = chain_of(
            spec("latency", latency=1000, toxicity=0.5), spec("noop"), spec("bandwidth", rate=1), seed=seed
        )
        before = poisoned(chain)
        chain.remove(0.0, "bandwidth")
        chain.add(0.0, spec("bandwidth", rate=1))
        assert poisoned(chain) is before


def test_draws_do_not_depend_on_how_the_chain_is_driven():
    def lazily(chain):
        for at, data in paced(20, 0.01):
            chain.push(at, data)
        out = []
        while (due := chain.next_due()) < math.inf:
            out += [(round(max(due, 0.0), 6), piece) for piece in chain.pop(due)]
        return out

    def make():
        return chain_of(
            spec("latency", latency=500, jitter=50), spec("slicer", average_size=3, size_variation=1), seed=5
        )

    assert lazily(make()) == drive(make(), paced(20, 0.01))


@pytest.mark.parametrize("seed", range(60))
def test_whatever_changes_no_byte_is_lost_or_reordered(seed):
    rng = random.Random(seed)
    data, sent, got, now = rng.randbytes(5000), 0, b"", 0.0
    chain = chain_of(seed=seed)
    kinds = [
        spec("latency", latency=50, jitter=20),
        spec("bandwidth", rate=3),
        spec("slicer", average_size=9, delay=900),
    ]
    for _ in range(600):
        now += rng.random() / 50
        toxic = rng.choice(kinds)
        action = rng.randrange(12)
        if action == 0 and toxic.name not in chain.names:
            chain.add(now, toxic)
        elif action == 1 and toxic.name in chain.names:
            chain.remove(now, toxic.name)
        elif action == 2 and toxic.name in chain.names:
            chain.update(now, toxic)
        elif action < 7 and chain.room and sent < len(data):
            size = rng.randrange(1, 60)
            chain.push(now, data[sent : sent + size])
            sent += size
        else:
            got += b"".join(chain.pop(now))
    chain.close(now)
    while not chain.ended:
        now = max(now, chain.next_due())
        got += b"".join(chain.pop(now))
    assert got == data[:sent]
