"""Tries at the stream, told from what phone and gate saw."""

import pytest

from harness.history import Absorbed, Attempt, AttemptEnd, Dial
from harness.judge.case import Case, ClientCase
from harness.judge.facts.endings import deadlines
from harness.judge.facts.tries import followed_from, how_ended, number_of, tries, unanswered_for
from harness.sse.policy import Policies
from tests.judge.story import Story, ns, plan, without


def client_of(story: Story) -> ClientCase:
    history = without(story.history(), Attempt, AttemptEnd, Absorbed)
    return Case(story.plan, history).clients[0]


def begun() -> Story:
    story = Story(plan())
    story.emit_all()
    story.dial(0.01)
    for index in range(4):
        story.show(index, story.times()[index] + 0.035)
    return story


def times(client: ClientCase) -> list[float]:
    return [round(client.case.at(one.began_ns), 2) for one in tries(client)]


def test_a_client_that_did_nothing_tried_nothing():
    assert tries(client_of(Story(plan()))) == []


@pytest.mark.parametrize(
    ("how", "said"),
    [("eof", "the server ended it"), ("error", "it broke"), ("watchdog", "the client ended it")],
)
def test_a_stream_ended_by_whom_the_gate_saw_end_it(how, said):
    story = begun()
    story.hang_up(4.0, how)
    story.dial(5.0)
    story.end(11.5)
    client = client_of(story)
    assert times(client) == [0.01, 5.0]
    first, second = tries(client)
    assert (number_of(client, second), how_ended(client, first), how_ended(client, second)) == (2, said, "")
    assert followed_from(client, second).startswith(f"attempt 1: {said} at 4.0 s")
    assert followed_from(client, first) == "the first"


def test_a_stream_that_was_refused_is_told_by_its_answer():
    story = begun()
    story.hang_up(4.0, "eof")
    story.dial(5.0, status=503)
    story.hang_up(5.1, "status")
    story.end(11.5)
    client = client_of(story)
    assert how_ended(client, tries(client)[1]) == "it was answered 503"


@pytest.mark.parametrize(
    ("fate", "said"),
    [("refused", "it was refused"), ("given up", "the client gave it up"), ("EPIPE", "it failed (EPIPE)")],
)
def test_a_dial_that_carried_no_request_is_a_try_and_hung_until_it_was_over(fate, said):
    story = begun()
    story.hang_up(4.0, "eof")
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(5.0), to_ns=ns(7.5), fate=fate), 7.5)
    story.dial(8.0)
    story.end(11.5)
    client = client_of(story)
    hung = tries(client)[1]
    assert times(client) == [0.01, 5.0, 8.0]
    assert (how_ended(client, hung), unanswered_for(client, hung)) == (said, pytest.approx(2.5))


def test_a_dial_before_the_job_was_known_or_after_its_end_is_none():
    story = begun()
    story.request("start", -0.2, status=202)
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(-0.4), to_ns=ns(-0.3), fate="refused"), -0.3)
    for index in range(4, 22):
        story.show(index, story.times()[index] + 0.035)
    story.finish(10.1)
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(10.5), to_ns=ns(10.6), fate="refused"), 10.6)
    assert times(client_of(story)) == [0.01]


@pytest.mark.parametrize(("watchdog", "fired"), [(2.0, [4.0]), (3.0, []), (None, [])])
def test_a_deadline_fired_where_a_stream_was_ended_after_the_silence_that_is_declared(watchdog, fired):
    story = begun()  # event 3 came at 1.54 s
    story.plan = plan(policies=Policies(watchdog=watchdog))
    story.hang_up(4.0, "watchdog")
    story.end(11.5)
    client = client_of(story)
    assert [round(client.case.at(at_ns), 2) for at_ns in deadlines(client)] == fired
