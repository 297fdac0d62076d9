"""The toxics that close: slow_close, timeout, reset_peer, limit_data. ``END`` is when the writer closes its side."""

import math
import random

import pytest

from harness.toxics import Chain
from tests.toxics.drive import chain_of, drive, spec

END = "end"


def ends(chain: Chain, pushes=(), *, at=(), closes: float = math.inf, until: float = 1000.0) -> list[object]:
    """Drive a chain whose source ends at ``closes``; return what was written when, and the end."""
    out = drive(chain, pushes, at=sorted([*at, *([(closes, chain.close)] if closes < math.inf else [])]), until=until)
    seen: list[object] = list(out)
    if chain.ended:
        seen.append(END)
    return seen


def when_ended(chain: Chain, pushes=(), **options) -> float:
    """The time of the end, to the millisecond."""
    moments = []
    pop = chain.pop

    def watched(now: float, *rest: int) -> list[bytes]:
        got = pop(now, *rest)
        if chain.ended and not moments:
            moments.append(round(now, 3))
        return got

    chain.pop = watched  # type: ignore[method-assign]
    ends(chain, pushes, **options)
    return moments[0] if moments else math.inf


# slow_close


def test_slow_close_lets_data_pass_and_holds_the_end_back():
    chain = chain_of(spec("slow_close", delay=300))
    assert ends(chain, [(0.1, b"a")], closes=0.2, until=0.45) == [(0.1, b"a")]
    assert chain.next_due() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        (lambda chain, now: None, 1.0),
        (lambda chain, now: chain.update(now, spec("slow_close", delay=700)), 1.2),  # begun anew
        (lambda chain, now: chain.add(now, spec("noop")), 1.5),  # the last stage restarts
        (lambda chain, now: chain.remove(now, "slow_close"), 0.5),
    ],
)
def test_a_change_while_the_end_is_held_back(change, ended):
    chain = chain_of(spec("slow_close", delay=1000))
    assert when_ended(chain, closes=0.0, at=[(0.5, lambda now: change(chain, now))]) == ended


def test_slow_close_with_a_lost_draw_closes_at_once():
    assert when_ended(chain_of(spec("slow_close", delay=1000, toxicity=0.0)), closes=0.2) == 0.2


def test_a_negative_delay_is_none():
    assert when_ended(chain_of(spec("slow_close", delay=-5)), closes=0.2) == 0.2


# timeout


def test_timeout_drops_data_and_closes_an_idle_connection():
    assert when_ended(chain_of(spec("timeout", timeout=300))) == 0.3


def test_each_dropped_chunk_begins_the_timeout_anew():
    chain = chain_of(spec("timeout", timeout=300))
    pushes = [(at / 10, b"x") for at in range(11)]
    assert when_ended(chain, pushes) == 1.3
    assert ends(chain_of(spec("timeout", timeout=300)), pushes, until=1.3) == [END]


@pytest.mark.parametrize("timeout", [0, -1])
def test_timeout_0_never_closes(timeout):
    assert ends(chain_of(spec("timeout", timeout=timeout)), [(0.0, b"x")], until=1e6) == []


def test_the_end_of_the_source_passes_a_timeout_at_once():
    assert when_ended(chain_of(spec("timeout", timeout=0)), [(0.0, b"x")], closes=0.2) == 0.2


def test_an_update_begins_the_timeout_anew():
    chain = chain_of(spec("timeout", timeout=300))
    update = (0.2, lambda now: chain.update(now, spec("timeout", timeout=500)))
    assert when_ended(chain, at=[update]) == 0.7


def test_timeout_added_live_counts_from_then():
    chain = chain_of()
    assert when_ended(chain, at=[(2.0, lambda now: chain.add(now, spec("timeout", timeout=300)))]) == 2.3


@pytest.mark.parametrize("toxicity", [0.0, 1.0])
def test_removing_a_timeout_closes_whatever_the_draw_was(toxicity):
    chain = chain_of(spec("timeout", timeout=0, toxicity=toxicity))
    assert when_ended(chain, at=[(0.5, lambda now: chain.remove(now, "timeout"))]) == 0.5
    assert not chain.room
    assert not chain.transparent


def test_what_is_behind_a_timeout_goes_on_before_its_end_and_what_is_in_front_is_lost():
    chain = chain_of(
        spec("latency", latency=500, name="front"), spec("timeout", timeout=0), spec("latency", latency=200)
    )
    remove = (0.6, lambda now: chain.remove(now, "timeout"))
    assert ends(chain, [(0.0, b"dropped"), (0.3, b"lost")], at=[remove]) == [END]
    behind = chain_of(spec("timeout", timeout=0, toxicity=0.0), spec("latency", latency=200))
    remove = (0.1, lambda now: behind.remove(now, "timeout"))
    assert ends(behind, [(0.0, b"last")], at=[remove]) == [(0.2, b"last"), END]


# reset_peer


def test_reset_peer_leaves_an_idle_connection_alone():
    assert ends(chain_of(spec("reset_peer", timeout=0)), until=1e6) == []


def test_reset_peer_swallows_the_first_chunk_and_closes_after_its_timeout():
    chain = chain_of(spec("reset_peer", timeout=300))
    assert chain.resets
    assert when_ended(chain, [(1.0, b"a"), (1.1, b"b")]) == 1.3
    assert ends(chain_of(spec("reset_peer", timeout=300)), [(1.0, b"a")], until=2.0) == [END]


def test_reset_peer_is_set_off_by_the_end_of_the_source():
    assert when_ended(chain_of(spec("reset_peer", timeout=300)), closes=1.0) == 1.3


@pytest.mark.parametrize(("toxicity", "resets"), [(1.0, True), (0.0, False)])
def test_only_where_the_draw_is_won_a_close_is_a_reset(toxicity, resets):
    assert chain_of(spec("reset_peer", toxicity=toxicity)).resets is resets


def test_the_wait_of_a_reset_can_be_interrupted_and_loses_nothing():
    chain = chain_of(spec("reset_peer", timeout=1000))
    remove = (0.5, lambda now: chain.remove(now, "reset_peer"))
    out = drive(chain, [(0.0, b"a"), (0.1, b"b"), (0.7, b"c")], at=[remove], until=5.0)
    assert out == [(0.5, b"a"), (0.5, b"b"), (0.7, b"c")]
    assert not chain.resets
    assert not chain.ended


def test_an_update_begins_the_wait_of_a_reset_anew():
    chain = chain_of(spec("reset_peer", timeout=1000))
    update = (0.5, lambda now: chain.update(now, spec("reset_peer", timeout=200)))
    assert when_ended(chain, [(0.0, b"a")], at=[update]) == 0.7


# limit_data


@pytest.mark.parametrize(
    ("limit", "written"),
    [
        (7, [(0.1, b"abc"), (0.2, b"def")]),  # one more may come
        (6, [(0.1, b"abc"), (0.2, b"def"), END]),
        (5, [(0.1, b"abc"), (0.2, b"de"), END]),
        (3, [(0.1, b"abc"), END]),
        (0, [END]),
        (-1, [END]),
    ],
)
def test_limit_data_passes_exactly_its_bytes(limit, written):
    chain = chain_of(spec("limit_data", bytes=limit))
    assert ends(chain, [(0.1, b"abc"), (0.2, b"def")]) == written


def test_limit_data_0_closes_nothing_before_the_first_chunk():
    assert ends(chain_of(spec("limit_data", bytes=0)), until=1e6) == []


def test_limit_data_counts_from_when_it_was_added():
    chain = chain_of()
    add = (0.2, lambda now: chain.add(now, spec("limit_data", bytes=4)))
    assert ends(chain, [(0.1, b"abc"), (0.3, b"defgh")], at=[add]) == [(0.1, b"abc"), (0.3, b"defg"), END]


@pytest.mark.parametrize(("limit", "then"), [(10, b"defghij"), (5, b"de"), (3, b""), (1, b"")])
def test_an_update_keeps_the_count(limit, then):
    chain = chain_of(spec("limit_data", bytes=100))
    update = (0.2, lambda now: chain.update(now, spec("limit_data", bytes=limit)))
    written = [(0.1, b"abc"), *([(0.3, then)] if then else []), END]
    assert ends(chain, [(0.1, b"abc"), (0.3, b"defghijklm")], at=[update]) == written


def test_limit_data_counts_what_passed_not_what_waits_behind_it():
    """A stall behind it, an update meanwhile: no byte is counted twice, and none beyond the limit passes."""
    chain = chain_of(spec("limit_data", bytes=5), spec("bandwidth", rate=0))
    deeds = [
        (0.2, lambda now: chain.update(now, spec("limit_data", bytes=4))),
        (0.3, lambda now: chain.remove(now, "bandwidth")),
    ]
    assert ends(chain, [(0.0, b"ab"), (0.1, b"cdefg")], at=deeds) == [(0.3, b"ab"), (0.3, b"cd"), END]


def test_removing_limit_data_while_it_holds_a_chunk_lets_that_pass():
    chain = chain_of(spec("limit_data", bytes=3), spec("bandwidth", rate=0))
    deeds = [
        (0.2, lambda now: chain.remove(now, "limit_data")),
        (0.3, lambda now: chain.remove(now, "bandwidth")),
    ]
    out = drive(chain, [(0.0, b"ab"), (0.1, b"cdefg")], at=deeds, until=5.0)
    assert b"".join(piece for _, piece in out) == b"abcdefg"
    assert not chain.ended


# All of them


@pytest.mark.parametrize("kind", [{"timeout": 1}, {"limit": 0}])
def test_a_chain_that_has_closed_takes_changes_and_stays_closed(kind):
    toxic = spec("timeout", timeout=1) if "timeout" in kind else spec("limit_data", bytes=0)
    chain = chain_of(spec("latency", latency=10), toxic)
    ends(chain, [(0.0, b"x")], until=1.0)
    assert chain.ended
    chain.update(2.0, toxic)
    chain.add(2.0, spec("bandwidth", rate=1))
    chain.remove(2.0, toxic.name)
    chain.remove(2.0, "bandwidth")
    chain.remove(2.0, "latency")
    chain.close(2.0)
    assert chain.pop(3.0) == []
    assert (chain.next_due(), chain.room, chain.transparent) == (math.inf, False, False)


def test_pop_returns_about_as_many_pieces_as_it_is_asked_for():
    chain = chain_of(spec("slicer", average_size=1))
    chain.push(0.0, bytes(1000))
    assert len(chain.pop(0.0, 32)) == 32
    assert chain.next_due() == 0.0
    assert sum(map(len, (chain.pop(0.0, 32) for _ in range(40)))) == 968


@pytest.mark.parametrize("seed", range(100))
def test_whatever_changes_bytes_stay_in_order_and_nothing_follows_the_end(seed):
    rng = random.Random(seed)
    kinds = [
        spec("latency", latency=50),
        spec("bandwidth", rate=rng.choice([0, 1])),
        spec("slicer", average_size=2, delay=rng.choice([0, 900])),
        spec("slow_close", delay=100),
        spec("timeout", timeout=rng.choice([0, 300]), toxicity=0.3),
        spec("reset_peer", timeout=rng.choice([0, 300]), toxicity=0.3),
        spec("limit_data", bytes=rng.randrange(300)),
    ]
    chain, now, sent, got = chain_of(seed=seed), 0.0, 0, b""
    for _ in range(300):
        now += rng.random() / 20
        toxic = rng.choice(kinds)
        action = rng.randrange(10)
        if action < 3:
            there = toxic.name in chain.names
            change = chain.add if not there else rng.choice([chain.update, lambda at, one: chain.remove(at, one.name)])
            change(now, toxic)
        elif action < 7 and chain.room and sent < 250:
            size = rng.randrange(1, 9)
            chain.push(now, bytes(range(sent, sent + size)))
            sent += size
        else:
            over = chain.ended
            piece = b"".join(chain.pop(now, rng.choice([1, 3, 99])))
            assert not (over and piece)
            got += piece
    assert list(got) == sorted(set(got))
