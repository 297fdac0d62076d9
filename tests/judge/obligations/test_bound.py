"""R of told stories: two updates a second on Wi-Fi, whose dials are refused, or lost, from 4 s to 9 s."""

import math

import msgspec
import pytest

from harness.deeds import acts
from harness.history import Chunk, ConnEnd, Dial
from harness.judge.case import Case
from harness.judge.obligations.bound import Bound, recovery_bound
from harness.sse.policy import Policies, ResetsOn
from tests.judge.story import WIFI, Story, ns, plan, reach

QUESTION = WIFI.radio.handshake + 2 * (0.002 + 0.001)
SETTLES = 0.003 + 0.05
OUTAGE = reach(4.0, "reset"), reach(9.0, "up")


def flowing(*deeds, **more) -> Story:
    """The client has its stream, and is shown what it brings until 4 s."""
    story = Story(plan(*deeds, lasts=60.0, items=120, **more))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    for index, due in enumerate(story.times()):
        if due < 3.9:
            story.show(index, max(due + 0.005, 0.04))
    return story


def told(*deeds, **more) -> Story:
    """The client has its stream until the first deed resets it."""
    story = flowing(*(deeds or OUTAGE), **more)
    story.hang_up(4.0001, "error")
    return story


def failed(story: Story, at: float, *, fate: str = "refused", lasts: float = 0.001) -> None:
    """A dial is over, and was not let in."""
    dial = Dial(client="c1", path="wifi", port=0, from_ns=ns(at), to_ns=ns(at + lasts), fate=fate)
    story.add(dial, at + lasts)


def back(story: Story, at: float, *, shown: float = 0.05) -> float:
    """The client's dial is let in, and all that was missed is shown so much later. Returns when it had caught up."""
    story.dial(at)
    times = story.times()
    for index in range(8, len(times)):
        story.show(index, max(times[index] + 0.005, at + shown + index * 1e-4))
    return at + shown + sum(due < at for due in times) * 1e-4


def bound(story: Story, caught: float | None = None, healed: float = 9.0) -> Bound:
    story.end(62.0)
    case = Case(story.plan, story.history())
    (client,) = case.clients
    shown = [at for at, _ in client.screen.advances if caught is not None and at >= ns(caught) - 1_000_000]
    caught_ns = shown[0] if shown else None
    return recovery_bound(client, healed=healed, due=4.0, path="wifi", caught_ns=caught_ns)


def test_r_is_the_rest_of_the_wait_and_what_a_dial_costs():
    story = told()
    for at in (4.9, 6.5):
        failed(story, at)
    back(story, 9.8)
    found = bound(story)
    # The wait behind the dial of 6.5 s has n 2: 2 to 4 s.
    assert found.until == pytest.approx(6.501 + 4 + QUESTION + SETTLES, abs=0.03)
    assert [part.what for part in found.parts] == ["plain wait (n 2)", "handshake", "the app"]
    assert sum(part.seconds for part in found.parts) == pytest.approx(found.until - 9.0)


def test_a_dial_that_comes_too_late_is_named_with_the_time_it_was_due():
    story = told()
    for at in (4.9, 6.5):
        failed(story, at)
    found = bound(story, back(story, 14.0))
    assert found.until == pytest.approx(6.501 + 4 + QUESTION + SETTLES, abs=0.03)
    assert found.missed == "a dial was due by 10.50 s and came at 14.00 s"


def test_a_dial_that_never_comes_is_named_too():
    story = told()
    failed(story, 6.5)
    assert bound(story).missed == "a dial was due by 12.51 s and never came", "that of 8.5 s would have been refused"


def test_a_client_that_sat_out_the_outage_has_what_a_lawful_one_has():
    """Its first wait was over at 5 s: one that dialled then, and later, was back by 23 s at the latest."""
    found = bound(told())
    assert 9.0 + 8 < found.until < 9.0 + 16.1
    assert found.parts[0].what == "waits and dials that nobody saw"


def test_a_refusal_behind_the_healing_sets_r_anew():
    story = told()
    failed(story, 8.9)
    rid = story.request("stream", 9.6, status=503)
    story.close(9.61, story.cids)
    assert rid
    # From its answer on: n 2.
    assert bound(story, back(story, 12.0)).until == pytest.approx(9.61 + 4 + QUESTION + SETTLES, abs=0.03)


def test_a_retry_after_behind_the_healing_puts_r_off():
    story = told()
    failed(story, 8.9)
    story.request("stream", 9.6, status=503, retry_after="20")
    story.close(9.61, story.cids)
    back(story, 30.0)
    assert bound(story).until == pytest.approx(9.61 + 20 + 1 + QUESTION + SETTLES, abs=0.05)


def test_an_attempt_that_its_client_ends_by_itself_sets_nothing_anew():
    story = told()
    failed(story, 8.0)
    story.dial(9.2)
    story.hang_up(9.3, "cancelled")
    found = bound(story, back(story, 40.0))
    assert found.missed == "the attempt was ended by itself at 9.30 s"
    assert found.until < 9.0 + 3


def test_a_stream_without_a_byte_may_be_left_for_polling_when_that_is_allowed():
    def missed(*, polls: bool) -> str:
        story = told()
        for at in (4.9, 6.5):
            failed(story, at)
        for at in (7.0, 8.5):
            story.request("stream", at, status=503)
            story.close(at + 0.1, story.cids)
        cid = story.dial(13.0)
        story.close(17.0, cid)
        if polls:
            story.poll(33, 17.01)
        return bound(story, 17.02 if polls else None).missed

    assert missed(polls=False) == "the attempt was ended by itself at 17.00 s"
    assert missed(polls=True) == ""


def test_who_left_with_the_end_owes_no_dial_though_its_app_is_told_later():
    def missed(*, end: bool) -> str:
        story = told()
        cid = story.dial(50.0)
        story.arrive(100, 59.9)
        if end:
            story.arrive(len(story.times()) - 1, 60.05)
        story.close(60.06, cid)
        story.show(100, 61.5, block=False)
        return bound(story, 61.5, healed=60.5).missed

    assert missed(end=False) == "the attempt was ended by itself at 60.06 s"
    assert missed(end=True) == ""


def test_who_falls_back_in_a_wait_owes_its_polls_and_no_dial():
    def found(*polls: float) -> Bound:
        story = told(policies=Policies(backoff_base=30.0, backoff_cap=60.0, backoff_resets_on=ResetsOn.OPEN))
        cid = story.dial(10.0)
        story.add(Chunk(cid=cid, direction="downstream", offset=0, length=9, fate="delivered"), 10.1)
        story.add(ConnEnd(cid=cid, side="server", how="fin"), 10.999)
        story.close(11.0, cid)
        for index, at in enumerate(polls):
            story.poll(58 + 6 * index, at)
        return bound(story, polls[-1] + 0.01 if polls else None, healed=20.0)

    assert found().missed.startswith("a dial was due by")
    assert found(30.0, 33.0).missed == ""


def test_a_request_that_its_client_sits_on_is_named():
    story = told()
    failed(story, 8.0)
    cid = story.conn(9.2, began=9.199)
    story.request("stream", 29.0, cid=cid)
    story.live["c1"] = story.carried["c1"] = cid
    story.asked["c1"] = story.rids
    story.show(8, 29.1)
    found = bound(story, 29.1)
    assert found.missed == "a request was due by 10.22 s and came at 29.00 s"
    assert found.until < 12.0


def test_a_signal_ends_the_wait():
    story = told(*OUTAGE, (9.5, "device", acts.Joins(path="cellular"), "joins cellular"))
    for at in (4.2, 4.5, 5.0, 6.0, 8.0):
        failed(story, at)
    story.signal("joins", 9.5, "cellular")
    assert bound(story).until == pytest.approx(9.5 + 1 + QUESTION + SETTLES, abs=0.03)
    deaf = msgspec.structs.replace(story.plan.client, policies=Policies(heeds_signals=False))
    story.plan = msgspec.structs.replace(story.plan, client=deaf)
    assert bound(story).until > 9.0 + 20


def test_what_was_at_the_radio_late_has_a_second_from_then():
    story = told()
    failed(story, 8.0)
    caught = back(story, 9.5, shown=15.0)
    assert bound(story, caught).until == pytest.approx(caught + 1.0, abs=0.05)


def test_a_silent_flow_is_let_go_by_the_watchdog():
    silent = (
        (1.0, "device", acts.Joins(path="cellular"), "joins cellular"),
        (3.9, "device", acts.Prefers(path="cellular"), "prefers cellular"),
        reach(4.0, "silent"),
    )
    found = bound(flowing(*silent), healed=4.0)
    last = 3.5  # of the bytes before 4 s
    assert found.missed == "an attempt was to be over by 24.50 s and never was"
    assert found.until == pytest.approx(last + 20 + 1 + 1 + QUESTION + SETTLES, abs=0.1)


@pytest.mark.parametrize("policy", ["backoff_base", "backoff_cap"])
def test_waits_that_nobody_declared_have_no_bound(policy):
    policies = msgspec.structs.replace(Policies(), backoff_base=msgspec.UNSET, backoff_cap=msgspec.UNSET)
    story = told(policies=policies)
    failed(story, 8.0)
    found = bound(story)
    assert (found.until, found.why) == (math.inf, "the client does not declare by when it reconnects")
    assert policy in policies.undeclared


def test_a_job_that_was_not_accepted_is_asked_for_again():
    story = Story(plan(reach(0.0, "refused"), reach(9.0, "up"), lasts=60.0, items=120))
    story.deeds()
    for at in (0.1, 0.9, 2.5, 6.0):
        failed(story, at)
    story.request("start", 10.0, status=202)
    back(story, 10.1)
    found = bound(story)
    assert found.missed == ""
    assert found.until < 12.0
