"""Each row of what is owed, told three times: a client that meets it, one too early, and one too late."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from harness.deeds import acts
from harness.history import End
from harness.judge.obligations.rows import ObligationRow
from harness.judge.verdict import LawState
from harness.sse.policy import Jitter, Policies
from tests.judge.dialling import Dials
from tests.judge.laws.test_backoff import refused_token, signalled
from tests.judge.obligations.test_closings import asked, flowing, opened
from tests.judge.obligations.test_polls import refused
from tests.judge.obligations.test_questions import BRIEF, SELDOM, connected, gap, started, unauthorized
from tests.judge.ruling import law
from tests.judge.story import Story, plan


class RowStory(msgspec.Struct, frozen=True):
    """``tell`` tells of a client whose act comes ``met``, ``late`` or ``early``: instants, or seconds, as it has them.

    Without ``early`` no act is too soon for the row. ``by`` is the row that was due before it, or the law of discretion
    where that judges who is early. The run is cut short at ``until``, unless the story ends by itself.
    """

    row: ObligationRow
    tell: Callable[[float], Story]
    met: float
    late: float
    early: float | None = None
    by: ObligationRow | None = None
    until: float = 60.0

    def sentence(self, when: float, word: str = "backoff") -> str:
        """Return why a law failed; empty where it did not."""
        story = self.tell(when)
        if not any(isinstance(one, End) for one in story.records):
            story.end(self.until, "interrupted")
        found = law(word, story)
        return found.sentence if found.state is LawState.FAILED else ""


def waited(wait: float, jitter: Jitter = Jitter.HALF) -> Story:
    return Dials(policies=Policies(jitter=jitter)).refused(1.0, wait).over()


def after_retry(wait: float) -> Story:
    story = Dials()
    story.retry(5000)
    return story.refused(wait).over()


def put_off(wait: float) -> Story:
    return Dials().answered(0.6, 503, retry_after="7").refused(wait).over()


def hung(lasts: float) -> Story:
    story = Dials()
    story.dials(4.6, lasts, "given up")
    story.at = max(5.6, 4.6 + lasts)
    return story.over()


def hung_at_a_signal(lasts: float) -> Story:
    """A dial of 4.6 s hangs, a signal comes at 5.5 s, and as the dial is let go of the next one begins."""
    story = Dials()
    story.dials(4.6, lasts, "given up")
    story.signal("joins", 5.5, "cellular")
    story.at = 4.6 + lasts
    return story.refused(0.01, lasts=1.0).over()


def asked_again(at: float) -> Story:
    """A gap of 5 s is asked about at 5.1 s, in vain, and again then."""
    return gap(5.1, at, policies=BRIEF)


def refused_cursor(at: float) -> Story:
    """The cursor is refused at 5 s, the status is asked for then, and the next dial comes in its time."""
    story = gap(at, how="410", policies=SELDOM)
    story.asks("stream", 6.5)
    return story


def streamed(lasts: float) -> Story:
    """A stream that brings nothing from 5 s on, and is let go of so much later."""
    story = flowing(lasts, 5.0)
    story.at = 5.0 + lasts
    return story.over()


def polled_again(at: float) -> Story:
    return refused(3.1, at)


def probed(wait: float, *, poll: int = 0) -> Story:
    """Three streams are refused, and the next one is tried so much later; a poll takes 300 ms where it is answered."""
    story = Dials(policies=Policies(retry_stream=60.0))
    for before in (0.7, 1.5, 3.5):
        story.answered(before, 503)
    if poll:
        cid = story.asks("poll", story.at + 0.001, status=0)
        story.answer("poll", cid, poll, story.at + 0.3)
        story.close(story.at + 0.3, cid)
    return story.answered(wait, 503).over()


def woken(wait: float) -> Story:
    """The device sleeps from 6 s to 8 s; its client lets go of the stream of before so much later."""
    deed = (6.0, "device", acts.Suspends(lasts=2.0, silently=True), "suspends for 2s silently")
    story = Dials(the_plan=plan(deed, lasts=300.0), lost=8.0 + wait, read=False)
    story.deeds()
    story.signal("resumed", 8.0)
    return story.refused(0.01).over()


Row = ObligationRow
ROWS = (
    RowStory(Row.START, started, met=1.1, late=3.1, until=20.0),
    RowStory(Row.ASK, connected, met=0.05, late=3.0, until=20.0),
    RowStory(Row.CONNECT_DEADLINE, hung, met=10.0, late=12.0, early=3.0),
    RowStory(Row.SIGNAL_IN_DIAL, hung_at_a_signal, met=1.8, late=4.0, early=0.5, by=Row.CONNECT_DEADLINE),
    RowStory(Row.UNANSWERED, asked, met=20.0, late=25.0, early=6.0, until=30.0),
    RowStory(Row.ONE_TOKEN, unauthorized, met=0.9, late=4.1, until=20.0),
    RowStory(Row.REFUSED_CURSOR, refused_cursor, met=5.9, late=8.0, until=9.0),
    RowStory(Row.PLAIN, waited, met=1.5, late=2.3, early=0.8),
    RowStory(Row.PLAIN, partial(waited, jitter=Jitter.FULL), met=0.1, late=2.3),
    RowStory(Row.PLAIN, partial(waited, jitter=Jitter.NONE), met=2.0, late=2.3, early=1.7),
    RowStory(Row.RETRY, after_retry, met=7.4, late=7.7, early=4.8),
    RowStory(Row.RETRY_AFTER, put_off, met=7.9, late=8.2, early=6.9),
    RowStory(Row.SIGNAL, signalled, met=3.9, late=9.0, early=1.0, by=Row.PLAIN),
    RowStory(Row.NO_BODY, opened, met=10.0, late=12.0, early=5.0, until=20.0),
    RowStory(Row.GAP, partial(gap, policies=SELDOM), met=5.9, late=8.0, until=9.0),
    RowStory(Row.SILENT, streamed, met=20.5, late=22.0),
    RowStory(Row.TOKEN, refused_token, met=1.2, late=1.8, early=0.1),
    RowStory(Row.FAILED_ASK, asked_again, met=9.0, late=11.0, early=6.0, until=12.0),
    RowStory(Row.POLL, polled_again, met=6.1, late=8.0, early=4.1, until=8.5),
    RowStory(Row.FAILED_POLL, partial(probed, poll=503), met=1.2, late=1.5, early=0.1),
    RowStory(Row.RETRY_STREAM, probed, met=60.0, late=62.0, early=50.0),
    RowStory(Row.WAKING, woken, met=0.9, late=3.0),
)


def named(told: RowStory) -> str:
    return f"{told.row.called} {ROWS.index(told)}"


each = pytest.mark.parametrize("told", ROWS, ids=named)
bounded_below = pytest.mark.parametrize("told", [told for told in ROWS if told.early is not None], ids=named)


def test_each_row_is_told():
    assert {told.row for told in ROWS} == {*ObligationRow}


@each
def test_who_meets_a_row_holds(told):
    assert told.sentence(told.met) == ""


@each
def test_who_is_late_fails_by_the_row(told):
    assert told.sentence(told.late).startswith(f"{told.row.called}: ")


@bounded_below
def test_who_is_early_fails_by_the_row_that_was_due(told):
    assert told.sentence(told.early).startswith(f"{(told.by or told.row).called}: ")


def test_who_lets_go_of_a_live_stream_early_fails_by_the_law_of_discretion():
    told = next(told for told in ROWS if told.row is Row.SILENT)
    assert told.sentence(12.0, "discreet").endswith("its last byte had come 12.0 s before, its watchdog is 20 s")
