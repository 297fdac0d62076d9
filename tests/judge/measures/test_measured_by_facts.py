"""The figures that a scenario bounds are measured from what happened, never from what the client says of itself."""

from typing import Any

import pytest

from harness.history import Absorbed, App, Attempt, AttemptEnd, Delivered, Dial, Gap, Status
from harness.judge.explain.headline import beside
from harness.judge.judge import judge
from harness.judge.verdict import ExpectationVerdict, LawState
from tests.judge.ruling import expect, measured
from tests.judge.story import Story, ns, plan, without

CLAIMS = (Absorbed, Attempt, AttemptEnd, Gap, Status)


def bound(metric: str, sort: str = "is", limit: float = 0, **more: Any) -> Story:
    return Story(plan(expect=(expect(metric, sort, limit, **more),)))


def without_a_word(story: Story) -> ExpectationVerdict:
    return measured(story, without(story.history(), *CLAIMS))


def polling(metric: str) -> Story:
    """Three streams are refused; the status is asked for at 1 s, and a stream opens at 2 s."""
    story = bound(metric, "within", 4.0, word="the start")
    story.emit_all()
    for at in (0.1, 0.3, 0.5):
        story.request("stream", at, status=503)
    story.poll(1, 1.0)
    story.dial(2.0)
    for index in range(4, 21):
        story.show(index, max(2.1, story.times()[index] + 0.005))
    story.end(11.5)
    return story


def test_who_polls_has_fallen_back_without_the_word():
    assert without_a_word(polling("fallback")).measured.value == pytest.approx(1.0)


def test_the_word_alone_is_no_fallback():
    story = bound("fallback", "within", 4.0, word="the start").run()
    story.status("polling", 3.0)
    story.poll(6, 3.2, shown=False)
    assert (measured(story).state, measured(story).measured.value) == (LawState.FAILED, "lost")


def test_a_poll_that_came_too_soon_is_told_beside_the_fallback_that_never_came():
    story = bound("fallback", "within", 4.0, word="the start")
    story.emit_all()
    story.request("stream", 0.1, status=503)
    story.poll(1, 1.0)
    story.end(11.5)
    assert measured(story).sentence == (
        "the client never fell back to polling (limit within 4): 1 stream request had brought no event, from 0.1 s on, "
        "and the status was asked for at 1.0 s, too soon or for another reason"
    )


def test_a_stream_is_restored_by_what_it_brought_whatever_the_callbacks_call_it():
    story = polling("stream restored")
    for record in story.records:
        if isinstance(record, App):
            record.source = "poll"
    assert without_a_word(story).measured.value == pytest.approx(2.1)


def test_what_both_delivered_is_told_by_its_content():
    story = bound("delivered by both at once", "is", 2).run(skip=(6, 9))
    story.poll(6, 3.2)
    story.poll(9, 4.505)
    for record in story.records:
        if isinstance(record, App):
            record.source = "stream"
    assert measured(story).measured.value == 2


def test_gaps_are_those_that_the_app_was_told_of():
    story = bound("gaps surfaced").run()
    assert without_a_word(story).measured.value == 0
    story.add(Gap(client="c1", reason="410"), 2.0)
    assert measured(story).measured.value == 0
    story.add(App(client="c1", job="j1", callback="gap", enter_ns=ns(2.0), exit_ns=ns(2.0)), 2.0)
    assert without_a_word(story).measured.value == 1


def test_attempts_in_vain_are_requests_without_an_event_and_dials_without_a_request():
    story = bound("wasted attempts").run()
    assert without_a_word(story).measured.value == 0
    story.request("stream", 11.0, status=503)
    story.request("stream", 11.01, status=307, location="/elsewhere")
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(11.05), to_ns=ns(11.1), fate="refused"), 11.1)
    found = without_a_word(story)
    assert (found.measured.value, found.sentence) == (
        2,
        "wasted attempts 2 (limit is 0): the first too many was at 11.0 s",
    )
    assert [one.text for one in found.evidence] == ["stream request: answered 503", "dial: refused"]


def test_a_dial_while_polling_may_have_been_a_poll_s():
    story = polling("wasted attempts")
    story.plan = bound("wasted attempts", "is", 3).plan
    story.add(Dial(client="c1", path="wifi", port=0, from_ns=ns(1.5), to_ns=ns(1.6), fate="refused"), 1.6)
    assert without_a_word(story).measured.value == 3


def test_a_repeat_that_the_app_was_not_shown_is_absorbed():
    story = bound("duplicates absorbed").run()
    assert without_a_word(story).measured.value == 0
    again = [one for one in story.records if isinstance(one, Delivered)][3]
    story.add(Delivered(rid=again.rid, cid=again.cid, id=again.id, type=again.type, digest=again.digest), 3.0)
    assert without_a_word(story).measured.value == 1
    story.show(3, 3.001, block=False)
    assert without_a_word(story).measured.value == 0


def test_a_repeat_is_not_absorbed_because_the_client_says_so():
    story = bound("duplicates absorbed").run()
    story.absorb(3, 3.0)
    assert measured(story).measured.value == 0


def test_too_few_reconnections_are_not_told_as_too_many():
    story = bound("reconnections", "is", 1).run()
    story.request("stream", 11.0, status=503)
    found = measured(story)
    assert found.sentence == "reconnections 0 (limit is 1): the last stream request was at 11.0 s"
    assert found.evidence[-1].text == "stream request: answered 503"


def test_too_many_reconnections_are_told_from_the_first_too_many_on():
    story = bound("reconnections", "is", 0).run()
    story.request("stream", 11.0)
    found = without_a_word(story)
    assert found.sentence == "reconnections 1 (limit is 0): the first too many was at 11.0 s"


def turned_away(*, shows: bool = True) -> Story:
    """Ten events reach the phone, then the stream is refused for good."""
    story = bound("lost")
    story.emit_all()
    story.dial(0.01)
    for index in range(10):
        story.show(index, story.times()[index] + 0.035)
    if not shows:
        story.records = [one for one in story.records if not (isinstance(one, App) and one.id == "a-3")]
    story.hang_up(5.0, "eof", opened=True)
    story.request("stream", 5.5, status=404)
    story.end(12.0, "limit")
    return story


def test_what_was_emitted_behind_a_final_refusal_is_not_owed_and_not_lost():
    found = judge(turned_away().plan, turned_away().history())
    assert (found.counts.lost, found.counts.not_owed, found.counts.emitted) == (0, 12, 22)
    assert "12 not owed" in beside(found.counts, {})
    assert measured(turned_away()).state is LawState.HELD


def test_what_had_reached_the_phone_before_a_final_refusal_is_owed():
    found = judge(turned_away(shows=False).plan, turned_away(shows=False).history())
    assert (found.counts.lost, found.counts.not_owed) == (1, 12)


def test_what_no_refusal_excuses_is_owed():
    story = bound("lost", "is", 2).run(skip=(4, 5))
    found = judge(story.plan, story.history())
    assert (found.counts.lost, found.counts.not_owed) == (2, 0)
