"""Clients that keep from the app what reached them, or keep it for a while, beside the reference."""

import msgspec
import pytest

from harness.clients.mutants.delaying import LATE, REST
from harness.sse.policy import REFERENCE
from tests.clients.beside import both, streams
from tests.clients.mutants.test_ending import trickles
from tests.clients.stage import completes, event, says, taking

END = event("a-9", "completed")
BURST = "".join(event(f"a-{index}") for index in range(4))


def test_drops_every_second_says_that_it_was_coalesced():
    reference, wrong = both("drops-every-second", streams(says(BURST + END, then="nothing")))
    assert (reference.ids, wrong.ids) == (["a-0", "a-1", "a-2", "a-3", "a-9"], ["a-0", "a-2", "a-9"])


@pytest.mark.parametrize("name", ["queues-one", "serves-newest", "merges-queue"])
def test_who_has_less_room_than_it_declares_shows_less(name):
    policies = msgspec.structs.replace(REFERENCE, queue=3)
    reference, wrong = both(name, streams(trickles(9)), policies, handler=taking(4.3))
    assert reference.ids == ["a-0", "a-2", "a-6", "a-7", "a-8", "a-9"]
    assert wrong.ids == ["a-0", "a-4", "a-8", "a-9"]


def test_queues_all_shows_all_of_them():
    policies = msgspec.structs.replace(REFERENCE, queue=3)
    _, wrong = both("queues-all", streams(trickles(9)), policies, handler=taking(4.3))
    assert wrong.ids == [f"a-{index}" for index in range(10)]


def test_shows_newest_first_takes_the_rest_of_a_read_for_late():
    reference, wrong = both("shows-newest-first", streams(says(event("a-0"), BURST.partition("\n\n")[2], END)))
    assert (reference.ids, wrong.ids) == (["a-0", "a-1", "a-2", "a-3", "a-9"], ["a-0", "a-3", "a-9"])


def test_drops_cr_lines_shows_nothing_of_a_stream_whose_lines_a_cr_ends():
    cr = (BURST + END).replace("\n", "\r")
    reference, wrong = both("drops-cr-lines", streams(says(cr, then="nothing")), lasts=15)
    assert (reference.ids[-1], wrong.ids) == ("a-9", [])


@pytest.mark.parametrize("name", ["polls-for-replay", "asks-at-each-dial"])
def test_who_asks_for_the_status_before_it_dials_again_goes_on_from_there(name):
    reference, wrong = both(name, streams(says(event("a-0")), completes))
    assert (reference.outcome.counts.polls, wrong.outcome.counts.polls) == (0, 1)


@pytest.mark.parametrize(("name", "by"), [("sits-on-connection", REST), ("shows-late", LATE)])
def test_what_is_kept_is_shown_in_order_and_too_late(name, by):
    reference, wrong = both(name, streams(says(BURST + END, then="nothing")))
    assert wrong.ids == reference.ids
    assert wrong.shown[0][0] - reference.shown[0][0] == pytest.approx(by, abs=0.1)
