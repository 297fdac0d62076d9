"""Stories of R: the figure, what it is made of, a client that is back just within it, and one that comes later."""

from collections.abc import Callable

import msgspec
import pytest

from harness.deeds import acts
from harness.history import Body
from harness.judge.verdict import LawState, LawVerdict
from tests.judge.obligations.test_bound import OUTAGE, QUESTION, SETTLES, back, bound, failed, told
from tests.judge.ruling import law
from tests.judge.story import Story


class Recovery(msgspec.Struct, frozen=True):
    """A client that is back by a dial at an instant; ``due``: it is in time until then, by ``row``."""

    tell: Callable[[float], Story]
    due: float
    parts: tuple[str, ...]
    row: str
    healed: float = 9.0


def plain(at: float) -> Story:
    story = told()
    for before in (4.9, 6.5):
        failed(story, before)
    back(story, at)
    return story


def retry_line(at: float) -> Story:
    """The server asks for 8 s before the stream is lost: the first wait is that, and half of it at most."""
    story = told()
    story.retry_line(8.0, 1.0)
    back(story, at)
    return story


def short_retry_line(at: float) -> Story:
    """A base of 300 ms: the wait behind three refused dials has n 3, and lasts 2.4 s and half of it at most."""
    story = told()
    story.retry_line(0.3, 1.0)
    for before in (4.4, 5.2, 6.7):
        failed(story, before)
    back(story, at)
    return story


def put_off(at: float) -> Story:
    """Behind the healing a 503 asks for 20 s."""
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=503, retry_after="20")
    story.close(9.61, story.cids)
    back(story, at)
    return story


def refused_cursor(at: float) -> Story:
    """Behind the healing the cursor is refused; the status is answered 503 at first, and then whole."""
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=410)
    story.close(9.61, story.cids)
    story.request("poll", 9.65, status=503)
    story.close(9.66, story.cids)
    back(story, at)
    return story


def new_token(at: float) -> Story:
    """Behind the healing the token is refused; a new one is there by 9.72 s."""
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=401)
    story.close(9.61, story.cids)
    cid = story.conn(9.62)
    rid = story.request("token", 9.621, cid=cid)
    story.add(Body(rid=rid, cid=cid, length=9, digest="x", whole=True), 9.7)
    story.close(9.72, cid)
    back(story, at)
    return story


def suspended(at: float) -> Story:
    """The device sleeps from 4.2 s to 14.2 s, in the wait behind the loss."""
    story = told(*OUTAGE, (4.2, "device", acts.Suspends(lasts=10.0), "suspends for 10s"))
    story.signal("resumed", 14.2)
    back(story, at)
    return story


def signalled(at: float) -> Story:
    """A wait of n 5 is cut by a new path at 9.5 s."""
    story = told(*OUTAGE, (9.5, "device", acts.Joins(path="cellular"), "joins cellular"))
    for before in (4.2, 4.5, 5.0, 6.0, 8.0):
        failed(story, before)
    story.signal("joins", 9.5, "cellular")
    back(story, at)
    return story


THERE = ("handshake", "the app")
RECOVERIES = {
    "a plain wait": Recovery(plain, 6.501 + 4.0, ("plain wait (n 2)", *THERE), "row 20, plain wait"),
    "retry: 8000": Recovery(retry_line, 4.0002 + 12.0, ("wait by retry (n 0)", *THERE), "row 21, wait by retry"),
    "retry: 300": Recovery(short_retry_line, 6.701 + 3.6, ("wait by retry (n 3)", *THERE), "row 21"),
    "Retry-After": Recovery(put_off, 9.61 + 21.0, ("what ended in between", "Retry-After (n 2)", *THERE), "row 22"),
    "a refused cursor": Recovery(
        refused_cursor, 9.61 + 4.0, ("what ended in between", "plain wait (n 2)", *THERE), "row 20"
    ),
    "a new token": Recovery(new_token, 9.72 + 1.0, ("what ended in between", "new token (n 2)", *THERE), "row 38"),
    "a sleep": Recovery(suspended, 14.2 + 1.0, ("signal while waiting (n 0)", *THERE), "row 23", healed=14.2),
    "a signal": Recovery(signalled, 9.5 + 1.0, ("signal while waiting (n 5)", *THERE), "row 23"),
}
each = pytest.mark.parametrize("one", RECOVERIES.values(), ids=RECOVERIES)


def judged(one: Recovery, at: float) -> LawVerdict:
    story = one.tell(at)
    story.end(62.0)
    return law("recovery", story)


@each
def test_r_is_what_its_rows_leave(one):
    found = bound(one.tell(one.due - 0.05), healed=one.healed)
    assert found.until == pytest.approx(one.due + QUESTION + SETTLES, abs=0.05)
    assert tuple(part.what for part in found.parts if part.seconds > 0) == one.parts


@each
def test_who_is_back_just_within_it_holds(one):
    assert judged(one, one.due - 0.05).state is LawState.HELD


@each
def test_who_is_later_fails_by_its_row(one):
    found = judged(one, one.due + 2.0)
    assert (found.state, one.row in found.sentence) == (LawState.FAILED, True), found.sentence
