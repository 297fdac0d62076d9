"""Each planted bug by what it leaves in the records: a law, or a natural expectation, names it in the app's words."""

from harness.deeds import acts
from harness.history import Attempt, AttemptEnd, Response
from harness.judge import judge
from harness.judge.judge import order
from harness.judge.verdict import Verdict, Word
from harness.scenario.model import Expectation
from harness.sse.policy import Policies
from tests.judge.ruling import expect, law
from tests.judge.scenes import half_open, half_open_plan, handoff, noticed
from tests.judge.story import Story, plan, reach
from tests.judge.test_epochs import restarted

MUTE = (0.0, "middle", acts.MutesStreams(), "mutes streams")
CLEARS = (30.0, "middle", acts.Clears(), "clears")


def verdict(story: Story) -> Verdict:
    return judge(story.plan, story.history())


def failing(story: Story) -> dict[str, str]:
    """The failed laws, each with its cause."""
    return {one.law: one.cause for one in order(verdict(story).laws)}


def reconnecting(*waits: float, opened: bool = True, jitter: bool = True) -> Story:
    """Five attempts one after the other from 2 s on, each a second long and none with an event."""
    story = Story(plan(reach(2.0, "reset", once=True), lasts=90.0, items=9))
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.show(0, 0.05)
    story.hang_up(2.0, "error", fresh=1, events=1, opened=True, bytes=200)
    at = 2.0
    for wait in waits:
        story.dial(at + wait, cause="failed", last="a-0", opens=opened)
        at += wait + 1.0
        story.hang_up(at, "eof" if opened else "refused", opened=opened, status=200 if opened else 0)
    story.end(at + 0.1, "limit")
    return story


def firewall(*metrics: Expectation, policies: Policies | None = None) -> Story:
    """Streams are muted to 30 s; the story's own acts follow."""
    the_plan = plan(MUTE, CLEARS, lasts=60.0, items=60, expect=metrics, policies=policies)
    story = Story(the_plan)
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    return story


def test_no_watchdog():
    found = verdict(half_open(half_open_plan(Policies(), lasts=60.0, items=120)))
    assert found.sentence.startswith("The client never noticed that Wi-Fi was dead: silent since 4.0 s")
    assert order(found.laws)[0].advice == (
        "the watchdog of 20 s never fired. Fix: a read deadline above the 15 s keep-alive on every read"
    )


def hasty(at: float, *comments: float) -> Story:
    story = handoff()
    story.plan = plan(lasts=60.0, items=6)
    story = Story(story.plan)
    story.emit_all()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.show(0, 0.05)
    for moment in comments:
        story.comment(moment)
    story.hang_up(at, "watchdog", fresh=1, events=1, opened=True, bytes=250)
    story.end(60.0, "limit")
    return story


def test_events_only_watchdog():
    found = law("discreet", hasty(20.1, 15.05))
    assert (
        "its last byte had come 5.1 s before (a comment; its last event 20.1 s), its watchdog is 20 s" in found.sentence
    )
    assert found.advice == "Fix: a read deadline above the server's keep-alive, fed by every byte, comments included"


def test_short_watchdog():
    found = law("discreet", hasty(5.05))
    assert "ended a live stream at 5.1 s: its last byte had come 5.0 s before, its watchdog is 20 s" in found.sentence
    assert found.cause == "hasty-watchdog"


def test_resets_backoff_on_connect():
    found = law("backoff", reconnecting(0.7, 1.5, 0.8))
    assert found.cause == "backoff-reset"
    assert found.sentence == (
        "row 20, plain wait: a dial was due from 8.20 s and came at 7.00 s (n 2, d = 4 s): it started over, though "
        "the attempt before brought no new event"
    )
    assert found.advice.startswith("Fix: count attempts since the last new event; being connected")


def test_no_jitter():
    found = law("backoff", reconnecting(1.0, 2.0, 4.0, 8.0, 16.0, 30.0, opened=False))
    assert (found.cause, found.sentence) == (
        "no-jitter", "6 plain waits took 1.000 of d: without jitter, a herd of clients moves as one",
    )  # fmt: skip


def test_forgets_last_id():
    found = law("resume", handoff(last=""))
    assert found.sentence == "the reconnection at 5.0 s sent no Last-Event-ID, the last one dispatched was a-7"
    assert found.cause == "wrong-resume"


def test_forgets_id_after_empty():
    story = reconnecting(0.7, 1.5)
    for record in story.records:
        if type(record).__name__ == "Request" and record.rid == 4:
            record.last_event_id = None
    assert law("resume", story).sentence == (
        "the reconnection at 5.2 s sent no Last-Event-ID, the last one dispatched was a-0: "
        "it was forgotten after a stream that brought no event"
    )


def test_commits_id_early():
    found = law("no-gap", handoff(last="a-8", skip=(8,)))
    assert "sent Last-Event-ID a-8, the last one dispatched was a-7: a-8 was never completed by a blank line" in (
        found.sentence
    )
    assert found.advice.startswith("Fix: commit an id only at the blank line that completes its event")


def test_dedupes_across_epochs():
    found = verdict(restarted(said=False, healed=False, shown=False))
    assert found.sentence.startswith(
        "Completed, emitted at 10.0 s, never reached the app: the client showed none of 6 events of the server"
    )
    assert set(failing(restarted(said=False, healed=False, shown=False)).values()) >= {"deaf-to-epoch"}


def test_waits_out_dial():
    story = Story(
        plan(reach(4.0, "unreachable"), reach(4.001, "reset", once=True), reach(20.0, "up"), lasts=60.0, items=60)
    )
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    for index in range(4):
        story.show(index, max(story.times()[index] + 0.005, 0.05))
    story.hang_up(4.01, "error", fresh=4, events=4, opened=True, bytes=800)
    story.dial(4.7, cause="failed", opens=False)
    story.hang_up(story.plan.horizon, "closed")
    story.end(story.plan.horizon, "limit")
    found = verdict(story)
    assert found.sentence.startswith("The client never recovered: attempt 2, begun at 4.7 s, hung for ")
    assert "(connect deadline 10 s)" in found.sentence
    assert order(found.laws)[0].advice.startswith("Fix: bound each dial with a connect deadline")


def test_waits_out_dial_and_comes_back_late():
    story = noticed(at=23.9)
    story.records = [r for r in story.records if not isinstance(r, Attempt | AttemptEnd) or r.n == 1]
    story.add(AttemptEnd(client="c1", n=1, how="error", fresh=8, events=8, opened=True, bytes=999), 4.2)
    story.records = [r for r in story.records if not (isinstance(r, AttemptEnd) and r.how == "watchdog")]
    for record in story.records:
        if record.t_ns > 10**12 + 24 * 10**9 and record.lane in {"client", "stage", "gate"}:
            record.t_ns += 15 * 10**9
            if hasattr(record, "enter_ns"):
                record.enter_ns += 15 * 10**9
                record.exit_ns += 15 * 10**9
    found = law("recovery", story)
    assert found.cause == "hung-dial"
    assert ": attempt 2, begun at 24.6 s, hung for 15.0 s (connect deadline 10 s)" in found.sentence


def test_keeps_two_streams():
    story = handoff()
    cid = story.conn(7.0, path="cellular")
    story.request("stream", 7.001, cid=cid, last="a-13")
    found = law("one-stream", story)
    assert found.sentence.startswith("the client kept 2 streams of one job open for")
    assert (found.cause, found.advice.split(",")[0]) == ("two-streams", "Fix: close the old connection before")


def test_parses_any_200():
    story = Story(plan((0.0, "middle", acts.ShowsPortal(), "shows portal"), CLEARS, lasts=60.0, items=60))
    story.emit_all()
    story.deeds()
    story.dial(0.01, status=0)
    story.add(Response(rid=1, cid=1, status=200, content_type="text/html", by="middle"), 0.02)
    story.status("connected", 0.03, attempt=1)
    story.end(story.plan.horizon, "limit")
    found = law("honest-status", story)
    assert found.sentence == "“connected” was shown at 0.0 s, though the answer was 200 text/html"
    assert (found.cause, found.advice[:47]) == ("unchecked-answer", "Fix: an answer is a stream only with 200 and te")


def test_never_falls_back():
    story = firewall(expect("fallback", "within", 20.0, word="the start"))
    story.hang_up(10.1, "suspect", opened=True)
    story.dial(11.0, cause="failed")
    for index in range(61 + 1):
        story.show(index, max(story.times()[index] + 0.01, 31.0 + index * 1e-3))
    story.finish(60.05)
    story.end(61.2)
    found = verdict(story)
    assert found.word is Word.FAIL
    assert found.sentence == (
        "The client never fell back to polling (limit within 20): 1 stream request had brought no event, from 0.0 s "
        "on, and no status request followed."
    )


def polls_on(story: Story) -> Story:
    story.hang_up(20.1, "watchdog", opened=True)
    story.status("polling", 20.2)
    for step in range(14):
        story.poll(20 + 3 * step, 20.3 + 3 * step)
    story.show(61, 62.31, source="poll")
    story.fetch(62.32)
    story.status("closed", 62.4)
    story.end(63.5)
    return story


def test_never_returns():
    found = verdict(polls_on(firewall(expect("stream restored", "within", 25.0, word="at", at=30.0))))
    assert found.sentence == (
        "The client never returned from polling to the stream (limit within 25): it polled 15 times, from 20.3 s to "
        "62.3 s, and never asked for the stream again."
    )


def test_never_returns_by_the_law_where_the_job_lasts_longer_than_its_probes():
    policies = Policies(retry_stream=2.0, backoff_cap=4.0)
    found = law("discreet", polls_on(firewall(policies=policies)))
    assert found.cause == "never-returned"
    assert "though event streams could pass from 30.0 s on" in found.sentence


def test_trusts_silent_200():
    story = firewall()
    story.box("muted", 0.02, 2)
    story.status("connected", 0.03, attempt=1)
    story.end(story.plan.horizon, "limit")
    found = law("honest-status", story)
    assert found.sentence == "“connected” was shown at 0.0 s, though no byte of an event stream had come"
    assert found.cause == "trusts-silence"
    assert verdict(story).sentence == (
        "The client never noticed that the middle let no event through: silent since 0.0 s, no reconnection by 154 s."
    )
