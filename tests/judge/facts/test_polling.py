import math

import msgspec
import pytest

from harness.history import (
    Body,
    Chunk,
    ConnEnd,
    Delivered,
    Dial,
    EndPassed,
    History,
    Record,
    Request,
    Response,
    StreamBegan,
)
from harness.judge.case import Case, ClientCase
from harness.judge.facts.polling import FINAL, GAP, POLLING, STRAY, askings, may_poll, pollings
from harness.sse.policy import Policies
from tests.judge.story import Story, ns, plan


def client(story: Story) -> ClientCase:
    """The story's client. A stream whose first byte the story does not tell has none."""
    story.end(60.0, "limit")
    told = {one.rid for one in story.records if isinstance(one, StreamBegan | Delivered)}
    records = [one for one in story.history().records if not isinstance(one, StreamBegan) or one.rid in told]
    return Case(story.plan, History(records)).clients[0]


def spans(story: Story) -> list[tuple[float, float]]:
    found = client(story)
    return [(round(found.case.at(one.since_ns), 2), found.case.at(one.until_ns)) for one in pollings(found)]  # type: ignore[arg-type]


def refused(*at: float, status: int = 403, policies: Policies | None = None) -> Story:
    story = Story(plan(lasts=60.0, policies=policies))
    story.emit_all()
    for one in at:
        story.request("stream", one, status=status)
    return story


def test_nobody_polls_in_an_empty_history():
    found = Case(plan(), Story(plan()).history()).clients[0]
    assert (pollings(found), askings(found), may_poll(found, ns(1.0))) == ([], [], False)


def test_as_many_failures_as_declared_are_an_entry():
    assert spans(refused(1.0, 2.0, 3.0)) == [(3.01, math.inf)]
    assert spans(refused(1.0, 2.0, policies=Policies(polls_after_failures=2))) == [(2.01, math.inf)]


def test_who_declares_never_to_poll_has_no_entry():
    assert spans(refused(1.0, 2.0, 3.0, policies=Policies(polls_after_failures=None))) == []


def test_few_failures_are_an_entry_once_the_time_is_over():
    assert spans(refused(1.0)) == [(21.0, math.inf)]
    assert spans(refused(1.0, 25.0)) == [(21.0, math.inf)]


def test_the_time_is_no_entry_while_the_last_dial_was_in_vain():
    story = refused(1.0)
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(18.0), to_ns=ns(19.0), fate="refused"), 19.0)
    assert spans(story) == []


def test_a_stream_that_is_under_way_as_the_time_ends_is_an_entry_at_its_own_end():
    story = refused(1.0)
    story.request("stream", 20.0, status=0)
    story.add(ConnEnd(cid=2, side="server", how="fin"), 30.0)
    assert spans(story) == [(30.0, math.inf)]


def test_an_event_begins_the_count_anew():
    story = refused(1.0, 2.0)
    story.dial(3.0)
    story.show(5, 3.1)
    story.hang_up(5.0, "eof")
    story.request("stream", 6.0, status=403)
    assert spans(story) == [(26.0, math.inf)]


def test_polling_ends_with_the_first_byte_of_the_next_stream_and_begins_again_at_the_next_failure():
    story = refused(1.0, 2.0, 3.0)
    story.request("stream", 10.0)
    story.add(StreamBegan(rid=4, cid=4), 10.01)
    story.add(ConnEnd(cid=4, side="server", how="fin"), 12.0)
    assert spans(story) == [(3.01, 10.01), (12.0, math.inf)]


def test_a_dial_that_was_never_let_in_is_no_failure():
    story = refused(1.0, 2.0)
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(3.0), to_ns=ns(4.0), fate="refused"), 4.0)
    assert spans(story) == []


def unanswered(ended: float, *, opened: bool = False, comment: float = 0.0) -> Story:
    """Two failures, and a third stream that its client ends at this time."""
    story = refused(1.0, 2.0)
    story.request("stream", 3.0, status=200 if opened else 0)
    if comment:
        story.add(Chunk(cid=3, direction="downstream", offset=0, length=9, fate="delivered"), comment)
        story.add(StreamBegan(rid=3, cid=3), comment)
    story.add(ConnEnd(cid=3, side="client", how="fin"), ended)
    return story


def entered(story: Story) -> bool:
    """Return whether the third was a failure: the time alone is over at 21 s."""
    return any(since < 20.9 for since, _ in spans(story)[:1])


def test_a_stream_that_the_client_gave_up_is_a_failure_after_the_silence_that_it_declares():
    policies = Policies(watchdog=8.0, suspects_after=5.0)
    for ended, opened, comment, fails in (
        (11.0, False, 0.0, True), (10.0, False, 0.0, False), (8.0, True, 0.0, True), (7.0, True, 0.0, False),
        (17.0, True, 9.0, True), (12.0, True, 9.0, False),
    ):  # fmt: skip
        story = unanswered(ended, opened=opened, comment=comment)
        story.plan = plan(lasts=60.0, policies=policies)
        assert entered(story) is fails, ended


def test_what_came_as_the_client_left_ends_no_silence():
    for late, fails in ((17.0, True), (16.95, True), (16.0, False)):
        story = unanswered(17.0, opened=True, comment=9.0)
        story.plan = plan(lasts=60.0, policies=Policies(watchdog=8.0))
        story.add(Chunk(cid=3, direction="downstream", offset=9, length=20, fate="delivered"), late)
        assert entered(story) is fails, late


def test_an_end_of_the_servers_that_was_held_is_a_failure_when_it_is_let_go():
    def held(*more: Record) -> Story:
        story = refused(1.0, 2.0)
        story.request("stream", 3.0, status=0)
        story.add(ConnEnd(cid=3, side="server", how="fin", held=True), 3.1)
        for one in more:
            story.add(one, 5.0)
        story.add(ConnEnd(cid=3, side="client", how="fin"), 5.0)
        return story

    assert entered(held(EndPassed(cid=3, side="server", how="fin")))
    assert not entered(held())


def test_a_stream_that_begins_at_the_very_stamp_of_a_failure_ends_the_polling_that_it_opened():
    story = refused(1.0, 2.0, 3.0)
    story.request("stream", 3.0)
    story.add(StreamBegan(rid=4, cid=4), 3.01)
    story.add(Delivered(rid=4, cid=4, id="a-0", type="processing", digest="d"), 3.02)
    assert spans(story) == [(3.01, 3.01)]


def given_tokens(**answer: str) -> Story:
    """Three streams are refused by 401; each time a token is asked for, and answered whole."""
    story = refused(1.0, 2.0, 3.0, status=401)
    for at in (1.2, 2.2, 3.2):
        story.request("token", at)
        story.add(Body(rid=story.rids, cid=story.cids, length=9, digest="x", whole=True), at + 0.01)
    tokens = {one.rid for one in story.records if isinstance(one, Request) and one.what == "token"}
    story.records = [
        msgspec.structs.replace(one, **answer) if isinstance(one, Response) and one.rid in tokens else one
        for one in story.records
    ]
    return story


def test_a_401_is_a_failure_unless_a_new_token_came():
    assert entered(refused(1.0, 2.0, 3.0, status=401))
    assert not entered(given_tokens())


@pytest.mark.parametrize("answer", [{"content_type": "text/html"}, {"by": "middle"}])
def test_what_a_portal_answers_is_no_token(answer):
    assert entered(given_tokens(**answer))


def test_a_token_that_came_when_a_dial_for_one_had_been_in_vain_is_no_answer_to_the_401():
    def entries(*dials: tuple[float, float]) -> list[tuple[float, float]]:
        story = refused(1.0, 2.0)
        story.request("stream", 3.0, status=401)
        for since, until in dials:
            story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(since), to_ns=ns(until), fate="refused"), until)
        story.request("token", 15.0)
        story.request("stream", 15.1)
        return spans(story)[:1]

    assert entries((3.02, 3.03)) == [(3.03, math.inf)]
    assert entries() != [(3.03, math.inf)]


def test_a_token_request_that_failed_is_the_end_of_its_stream_request():
    story = refused(1.0, 2.0)
    story.request("stream", 3.0, status=401)
    story.request("token", 3.2, status=0)
    story.add(ConnEnd(cid=story.cids, side="server", how="fin"), 3.5)
    story.request("token", 3.6)
    assert spans(story)[0][0] == 3.5


def test_a_redirect_that_leads_on_is_no_failure():
    story = refused(1.0, 2.0)
    story.request("stream", 3.0, status=307, location="/elsewhere")
    assert not entered(story)


def whys(story: Story) -> list[str]:
    return [one.why for one in askings(client(story))]


def test_each_status_request_has_its_reason():
    assert whys(refused()) == []
    story = refused(1.0, 2.0, 3.0)
    story.request("poll", 2.5)
    story.request("poll", 3.1)
    assert whys(story) == [STRAY, POLLING]


def test_a_gap_and_a_204_are_reasons_to_ask():
    for status, why in ((410, GAP), (204, FINAL)):
        story = refused(1.0, status=status)
        story.request("poll", 1.1)
        assert whys(story) == [why]


def test_the_word_polling_is_no_reason():
    story = refused(1.0)
    story.status("polling", 1.1)
    story.request("poll", 1.2)
    assert whys(story) == [STRAY]
